//! Building and signing one attempt, and reading what was signed.

use alloy::consensus::{SignableTransaction, Transaction as _, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::eips::eip2930::AccessList;
use alloy_primitives::{B256, Bytes, TxKind, U256};
use tidegate_model::ChainId;
use tidegate_model::event::{Attempt, Intent};
use tidegate_model::ports::DigestSigner;

use crate::error::EngineError;
use crate::fees::Fees;

/// A signed transaction that has not been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedAttempt {
    /// Its hash, computed here.
    pub(crate) hash: B256,
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

fn decoded(attempt: &Attempt) -> Result<TxEnvelope, EngineError> {
    TxEnvelope::decode_2718_exact(&attempt.raw)
        .map_err(|_| EngineError::Bytes { hash: attempt.hash })
}

/// What a signed attempt is meant to do.
pub(crate) fn intent_of(attempt: &Attempt) -> Result<Intent, EngineError> {
    let tx = decoded(attempt)?;
    let to = tx.to().ok_or(EngineError::Bytes { hash: attempt.hash })?;
    let op = attempt.op.clone();
    let alike = Some(attempt.intent);
    Ok(Intent { op, to, value: tx.value(), data: tx.input().clone(), alike })
}

/// Whether an attempt sends exactly what an intent that is alike does.
pub(crate) fn is_same(attempt: &Attempt, intent: &Intent) -> Result<bool, EngineError> {
    Ok(intent_of(attempt)?.digest() == intent.digest())
}

/// The most that an attempt takes from its sender, in wei: its value, and all its gas.
pub(crate) fn most_of(attempt: &Attempt) -> Result<U256, EngineError> {
    let tx = decoded(attempt)?;
    Ok(fees_of(attempt)?.most(tx.gas_limit()).saturating_add(tx.value()))
}

/// The gas limit that an attempt was signed with.
pub(crate) fn gas_of(attempt: &Attempt) -> Result<u64, EngineError> {
    Ok(decoded(attempt)?.gas_limit())
}

/// The fees that an attempt was signed with.
pub(crate) fn fees_of(attempt: &Attempt) -> Result<Fees, EngineError> {
    let tx = decoded(attempt)?;
    Ok(Fees {
        max_fee_per_gas: tx.max_fee_per_gas(),
        max_priority_fee_per_gas: tx.max_priority_fee_per_gas().unwrap_or_default(),
    })
}
