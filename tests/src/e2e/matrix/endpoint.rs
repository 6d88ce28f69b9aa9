//! What an endpoint may do to one call.

use serde_json::json;
use tidegate_testkit::Reply;

/// Everything that reads or sends.
pub(super) const METHODS: [&str; 14] = [
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
];
/// What sends, which every suite tries with each fault.
pub(super) const SEND: &str = "eth_sendRawTransaction";

/// A fault of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    HangsUp,
    LosesTheAnswer,
    TooMany,
    Unavailable,
    SaysAnError,
    SaysNull,
    WrongId,
    NoJson,
    Truncated,
    Stalls,
    Drips,
}

/// All but those that last until a limit.
pub(super) const QUICK: [Fault; 9] = [
    Fault::HangsUp,
    Fault::LosesTheAnswer,
    Fault::TooMany,
    Fault::Unavailable,
    Fault::SaysAnError,
    Fault::SaysNull,
    Fault::WrongId,
    Fault::NoJson,
    Fault::Truncated,
];
pub(super) const SLOW: [Fault; 2] = [Fault::Stalls, Fault::Drips];

impl Fault {
    /// What it answers.
    pub(super) fn reply(self) -> Reply {
        let http = |status, headers: &[(&str, &str)], body: &str| Reply::Http {
            status,
            headers: headers.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
        };
        match self {
            Self::HangsUp => Reply::HangUp,
            Self::LosesTheAnswer => Reply::ForwardAndHangUp,
            Self::TooMany => http(429, &[("retry-after", "1")], "slow down"),
            Self::Unavailable => http(503, &[], "<html>busy</html>"),
            Self::SaysAnError => {
                let message = "header not found".to_owned();
                Reply::Error { code: -32_000, message, data: None }
            }
            Self::SaysNull => Reply::Result(json!(null)),
            Self::WrongId => http(200, &[], r#"{"jsonrpc":"2.0","id":777,"result":"0x1"}"#),
            Self::NoJson => http(200, &[], "{]"),
            Self::Truncated => http(200, &[], r#"{"jsonrpc":"2.0","id":1,"resu"#),
            Self::Stalls => Reply::Stall,
            Self::Drips => Reply::Drip { every_ms: 200 },
        }
    }
}
