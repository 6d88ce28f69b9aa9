//! What an endpoint answered once, played again: chains without a process, exactly as they were.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Reply, RpcClient, ScriptedNode, TestkitError};

/// Answers of one endpoint, by method and parameters. A call that was answered twice has its last
/// answer, so nothing is mined while a tape is recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tape(BTreeMap<String, Answer>);

/// What an endpoint said to one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    /// Its result.
    Result(Value),
    /// An error.
    Error {
        /// Its code.
        code: i64,
        /// Its text.
        message: String,
        /// Its data, as hexadecimal digits.
        data: Option<String>,
    },
}

/// An endpoint that passes everything on and keeps what was answered.
#[derive(Debug)]
pub struct Recorder {
    node: ScriptedNode,
    tape: Arc<Mutex<Tape>>,
}

/// How a call is named on a tape: its method and its parameters as JSON.
fn name(method: &str, params: &Value) -> String {
    format!("{method} {params}")
}

impl Recorder {
    /// Records what the endpoint at `upstream` answers.
    ///
    /// # Errors
    /// If loopback cannot be listened on.
    pub fn start(upstream: &str) -> Result<Self, TestkitError> {
        let tape = Arc::new(Mutex::new(Tape::default()));
        let (client, kept) = (RpcClient::new(upstream), Arc::clone(&tape));
        let node = ScriptedNode::start(None, move |method, params| {
            let answer = match client.call(method, params.clone()) {
                Ok(result) => Answer::Result(result),
                Err(TestkitError::Rpc { code, message, data, .. }) => {
                    Answer::Error { code, message, data: data.map(|data| data.to_string()) }
                }
                Err(_) => return Reply::HangUp,
            };
            let mut tape = kept.lock().unwrap_or_else(PoisonError::into_inner);
            tape.0.insert(name(method, params), answer.clone());
            answer.reply()
        })?;
        Ok(Self { node, tape })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.node.url()
    }

    /// What was answered so far.
    pub fn tape(&self) -> Tape {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Answer {
    fn reply(self) -> Reply {
        match self {
            Self::Result(result) => Reply::Result(result),
            Self::Error { code, message, data } => {
                Reply::Error { code, message, data: data.map(Value::String) }
            }
        }
    }
}

impl Tape {
    /// Changes the results of a method whose parameters, as JSON, have this text. Answers how many.
    pub fn edit(&mut self, method: &str, params: &str, edit: impl Fn(&mut Value)) -> usize {
        let of = |name: &str| {
            name.split_once(' ').is_some_and(|(m, p)| m == method && p.contains(params))
        };
        let mut edited = 0;
        for (_, answer) in self.0.iter_mut().filter(|(name, _)| of(name)) {
            if let Answer::Result(result) = answer {
                edit(result);
                edited += 1;
            }
        }
        edited
    }

    /// Plays it at an endpoint, which answers what is not on it with an error that names the call.
    ///
    /// # Errors
    /// If loopback cannot be listened on.
    pub fn play(self) -> Result<ScriptedNode, TestkitError> {
        ScriptedNode::start(None, move |method, params| {
            let name = name(method, params);
            match self.0.get(&name) {
                Some(answer) => answer.clone().reply(),
                None => Reply::Error {
                    code: -32_601,
                    message: format!("not on the tape: {name}"),
                    data: None,
                },
            }
        })
    }
}
