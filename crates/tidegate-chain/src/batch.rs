//! Several calls to one endpoint in one request: a batch of JSON-RPC 2.0.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::EndpointError;
use crate::endpoint::{Endpoint, WireAnswer};

impl Endpoint {
    /// Makes the same call once with each of the parameters, in one request. The answers are in
    /// the order of the parameters, whatever order they came in.
    ///
    /// # Errors
    /// Where nothing answers the request as a whole. Its calls may have been made all the same.
    pub(crate) async fn batch<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &[Value],
    ) -> Result<Vec<Result<T, EndpointError>>, EndpointError> {
        let calls = params.iter().zip(0_u64..).map(
            |(params, id)| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
        );
        let body = Value::Array(calls.collect()).to_string();
        let posted = self.posted(method, body).await?;
        let Ok(mut answers) = serde_json::from_slice::<Vec<WireAnswer>>(&posted.body) else {
            // An endpoint that takes no batches may say so in one answer.
            let answer = serde_json::from_slice::<WireAnswer>(&posted.body).ok();
            return Err(match answer.and_then(|answer| answer.error) {
                Some(error) => self.rpc_error(method, &posted, error),
                None => self.no_answer(method, &posted),
            });
        };
        let is_ours =
            |answer: &WireAnswer| answer.id.as_u64().is_some_and(|id| id < params.len() as u64);
        if !answers.iter().any(is_ours) {
            return Err(self.bad_answer(method, "for any call of a batch"));
        }
        let answered = (0..params.len() as u64).map(|id| {
            let index = answers.iter().position(|answer| answer.id == id);
            let index = index.ok_or_else(|| self.bad_answer(method, "for each call of a batch"))?;
            self.result(method, &posted, answers.swap_remove(index))
        });
        Ok(answered.collect())
    }
}
