//! An endpoint that does what a test says: lies, hangs up, stalls, or passes calls on.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{RpcClient, TestkitError};

const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
const HEADER_LINES_MAX: usize = 100;
/// How often a reply that never ends looks whether the node is being dropped.
const STOP_POLL_MS: u64 = 10;

/// The method under which a script is asked about several calls in one request.
pub const BATCH: &str = "batch";

/// What a scripted node does with one call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Ask the upstream and give its answer.
    Forward,
    /// Ask the upstream, then close the connection: the answer is lost.
    ForwardAndHangUp,
    /// Close the connection.
    HangUp,
    /// Answer with this result.
    Result(Value),
    /// Answer with this JSON-RPC error.
    Error {
        /// Its code.
        code: i64,
        /// Its text.
        message: String,
        /// Its data.
        data: Option<Value>,
    },
    /// Answer with this HTTP response.
    Http {
        /// Its status.
        status: u16,
        /// Its headers, without `content-length`.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Vec<u8>,
    },
    /// Answer with a body of this many spaces, without saying how long it will be.
    Flood {
        /// The bytes.
        bytes: usize,
    },
    /// Answer with one byte each so many milliseconds, without end.
    Drip {
        /// Milliseconds from byte to byte.
        every_ms: u64,
    },
    /// Never answer.
    Stall,
}

type Script = dyn Fn(&str, &Value) -> Reply + Send + Sync;

/// A JSON-RPC endpoint on loopback whose every answer a test decides. Stops when dropped.
#[derive(Debug)]
pub struct ScriptedNode {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    script: Box<Script>,
    upstream: Option<RpcClient>,
    calls: Mutex<BTreeMap<String, usize>>,
    stop: AtomicBool,
}

impl State {
    /// Counts a call, and asks the script about it.
    fn reply(&self, call: &Value) -> Reply {
        let method = call["method"].as_str().unwrap_or_default();
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            *calls.entry(method.to_owned()).or_default() += 1;
        }
        (self.script)(method, &call["params"])
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

impl ScriptedNode {
    /// Starts a node. For each call `script` gets the method and its parameters; `upstream` is
    /// where [`Reply::Forward`] goes.
    ///
    /// # Errors
    /// If loopback cannot be listened on.
    pub fn start(
        upstream: Option<&str>,
        script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
    ) -> Result<Self, TestkitError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(TestkitError::Listen)?;
        let address = listener.local_addr().map_err(TestkitError::Listen)?;
        let state = Arc::new(State {
            script: Box::new(script),
            upstream: upstream.map(RpcClient::new),
            calls: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let state = Arc::clone(&state);
            move || accept(&listener, &state)
        });
        Ok(Self { address, state, thread: Some(thread) })
    }

    /// The endpoint, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often a method has been called.
    pub fn calls(&self, method: &str) -> usize {
        let calls = self.state.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(method).copied().unwrap_or_default()
    }
}

impl Drop for ScriptedNode {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Release);
        // A connection of our own wakes the thread that waits for one.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming().flatten() {
        if state.stop.load(Ordering::Acquire) {
            return;
        }
        let state = Arc::clone(state);
        // A client that hangs up in between is part of many tests.
        std::thread::spawn(move || serve(stream, &state));
    }
}

fn serve(mut stream: TcpStream, state: &State) -> io::Result<()> {
    let body = read_request(&stream)?;
    let request: Value = serde_json::from_slice(&body)?;
    let reply = match request.as_array() {
        Some(calls) => reply_to_batch(state, &request, calls)?,
        None => as_http(&request["id"], state.reply(&request)),
    };
    match reply {
        Reply::Forward => {
            let answer = forward(state, &body)?;
            respond(&mut stream, 200, &[], &answer)
        }
        Reply::ForwardAndHangUp => forward(state, &body).map(|_| ()),
        Reply::HangUp | Reply::Result(_) | Reply::Error { .. } => Ok(()),
        Reply::Http { status, headers, body } => respond(&mut stream, status, &headers, &body),
        Reply::Flood { bytes } => flood(&mut stream, bytes),
        Reply::Drip { every_ms } => drip(&mut stream, every_ms, state),
        Reply::Stall => {
            until_stopped(state);
            Ok(())
        }
    }
}

/// The script is asked about the batch as a whole, then about each call in it. A reply that is no
/// answer to one call becomes that of the whole batch.
fn reply_to_batch(state: &State, request: &Value, calls: &[Value]) -> io::Result<Reply> {
    let whole = state.reply(&json!({"method": BATCH, "params": request}));
    if !matches!(whole, Reply::Forward) {
        return Ok(as_http(&Value::Null, whole));
    }
    let mut answers = Vec::new();
    for call in calls {
        let reply = state.reply(call);
        answers.push(match answer(&call["id"], &reply) {
            Some(answer) => answer,
            None if matches!(reply, Reply::Forward) => {
                let answer = forward(state, call.to_string().as_bytes())?;
                serde_json::from_slice(&answer)?
            }
            None => return Ok(reply),
        });
    }
    let body = Value::Array(answers).to_string().into_bytes();
    Ok(Reply::Http { status: 200, headers: Vec::new(), body })
}

/// What is answered to one call; `None` where the reply is none.
fn answer(id: &Value, reply: &Reply) -> Option<Value> {
    match reply {
        Reply::Result(result) => Some(json!({"jsonrpc": "2.0", "id": id, "result": result})),
        Reply::Error { code, message, data } => {
            let mut error = json!({"code": code, "message": message});
            if let Some(data) = data {
                error["data"] = data.clone();
            }
            Some(json!({"jsonrpc": "2.0", "id": id, "error": error}))
        }
        _ => None,
    }
}

fn as_http(id: &Value, reply: Reply) -> Reply {
    match answer(id, &reply) {
        Some(answer) => {
            let body = answer.to_string().into_bytes();
            Reply::Http { status: 200, headers: Vec::new(), body }
        }
        None => reply,
    }
}

fn forward(state: &State, body: &[u8]) -> io::Result<Vec<u8>> {
    let upstream = state.upstream.as_ref().ok_or(io::ErrorKind::NotConnected)?;
    upstream.post(body).map_err(io::Error::other)
}

fn read_request(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    for _ in 0..HEADER_LINES_MAX {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    if length > REQUEST_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn respond(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("connection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

fn open_ended(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
}

fn flood(stream: &mut TcpStream, bytes: usize) -> io::Result<()> {
    open_ended(stream)?;
    io::copy(&mut io::repeat(b' ').take(bytes as u64), stream).map(|_| ())
}

fn drip(stream: &mut TcpStream, every_ms: u64, state: &State) -> io::Result<()> {
    open_ended(stream)?;
    while !state.stop.load(Ordering::Acquire) {
        stream.write_all(b" ")?;
        std::thread::sleep(Duration::from_millis(every_ms));
    }
    Ok(())
}

fn until_stopped(state: &State) {
    while !state.stop.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(STOP_POLL_MS));
    }
}
