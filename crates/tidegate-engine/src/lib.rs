//! The executor for keys: the only crate that signs and broadcasts transactions.
//!
//! It follows the write-ahead attempt protocol. A plan is frozen and approved before anything is
//! signed; signed bytes are durable in the journal before their first send; what a send answers
//! decides nothing, the chain does, by hash and nonce. The crate must never plan while executing.

mod deploy;
mod earlier;
mod error;
mod fees;
mod lane;
mod op_key;
mod ports;
mod sign;

pub use deploy::{
    ANCHOR_GAS, DeployRun, Deployed, Progress, StepCheck, adopted_nonce, check_there, complete,
};
pub use earlier::{find_sent, there};
pub use error::EngineError;
pub use fees::{Ceiling, FeeCap};
pub use lane::{Adoption, Cleared, Landed, Lane, intent_digest};
pub use op_key::OpKey;
pub use ports::{Chain, Journal};

#[cfg(test)]
mod tests;
