//! Reads at one block: by its hash, or by its height where that is all that an endpoint takes.

use std::sync::atomic::Ordering;

use alloy_primitives::U64;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tidegate_model::ids::BlockRef;

use crate::EndpointError;
use crate::endpoint::Endpoint;
use crate::wire::WireHead;

/// Codes by which nodes say that they do not understand a request.
const NOT_UNDERSTOOD: [i64; 3] = [-32_700, -32_602, -32_600];
/// Words to the same end, in lower case, under whatever code.
const NOT_UNDERSTOOD_WORDS: [&str; 6] =
    ["unmarshal", "invalid argument", "invalid param", "invalid type", "cannot parse", "1898"];

impl Endpoint {
    /// Reads what is so at a block, which is named last: by its hash, which must belong to the
    /// chain (EIP-1898). Where an endpoint does not understand that, it is asked by height, and
    /// must have exactly this block there before and after.
    pub(crate) async fn read_at<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
        at: BlockRef,
    ) -> Result<T, EndpointError> {
        if !self.by_number.load(Ordering::Acquire) {
            let pin = json!({"blockHash": at.hash, "requireCanonical": true});
            match self.read(method, with(params, pin)).await {
                Err(error) if is_not_understood(&error) => {}
                answer => return answer,
            }
        }
        self.require(method, at).await?;
        let answer = self.read(method, with(params, json!(U64::from(at.number)))).await;
        self.require(method, at).await?;
        let is_answer = !answer.as_ref().is_err_and(is_not_understood);
        if is_answer && !self.by_number.swap(true, Ordering::AcqRel) {
            self.remark(&format!(
                "{} cannot be asked by block hash (EIP-1898); it is asked by number, and must have \
                 the same block there before and after",
                self.url
            ));
        }
        answer
    }

    /// Makes sure that an endpoint has this block at its height.
    async fn require(&self, method: &'static str, at: BlockRef) -> Result<(), EndpointError> {
        let params = json!([U64::from(at.number), false]);
        let found: Option<WireHead> = self.read("eth_getBlockByNumber", params).await?;
        if found.and_then(WireHead::head).is_some_and(|head| head.block == at) {
            return Ok(());
        }
        let (endpoint, number) = (self.url.clone(), at.number);
        Err(EndpointError::OtherBlock { endpoint, method, number })
    }
}

fn with(params: &Value, last: Value) -> Value {
    let mut params = params.as_array().cloned().unwrap_or_default();
    params.push(last);
    params.into()
}

/// Whether a request was refused for its form. A revert never is.
fn is_not_understood(error: &EndpointError) -> bool {
    let EndpointError::Rpc { code, message, data: None, .. } = error else { return false };
    let text = message.to_lowercase();
    if text.starts_with("execution reverted") {
        return false;
    }
    NOT_UNDERSTOOD.contains(code) || NOT_UNDERSTOOD_WORDS.iter().any(|words| text.contains(words))
}
