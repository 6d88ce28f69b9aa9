//! Building and signing one attempt.

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::eip2930::AccessList;
use alloy_primitives::{B256, Bytes, TxKind};
use tidegate_model::ChainId;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;

use crate::error::EngineError;
use crate::fees::Fees;

/// A signed transaction that has not been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedAttempt {
    /// Its hash, computed here.
    pub(crate) hash: B256,
    /// Its bytes.
    pub(crate) raw: Bytes,
}

/// Signs an intent. Chain id, nonce, gas and fees come from the caller, never from an endpoint's
/// default.
///
/// # Errors
/// If the key cannot sign.
pub(crate) fn sign_attempt(
    signer: &dyn DigestSigner,
    chain: ChainId,
    intent: &Intent,
    nonce: u64,
    gas_limit: u64,
    fees: Fees,
) -> Result<SignedAttempt, EngineError> {
    let tx = TxEip1559 {
        chain_id: chain.0,
        nonce,
        gas_limit,
        max_fee_per_gas: fees.max_fee_per_gas,
        max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
        to: TxKind::Call(intent.to),
        value: intent.value,
        access_list: AccessList::default(),
        input: intent.data.clone(),
    };
    let signature = signer.sign_digest(&tx.signature_hash())?;
    let envelope = TxEnvelope::from(tx.into_signed(signature));
    Ok(SignedAttempt { hash: *envelope.tx_hash(), raw: envelope.encoded_2718().into() })
}
