//! Executor for Safes: transactions and their hashes, batches, signatures, the helper contract,
//! proposals and pins.
//!
//! Everything is a pure function of data that the caller fetched. The crate recomputes every hash
//! and decodes every call from the bytes that will be signed; it must never trust a hash or a
//! decoded text that a service or a file supplies. It opens no connection, reads no file, holds no
//! key and sends nothing.

mod batch;
mod canonical;
mod changes;
mod describe;
mod exec;
pub mod helper;
mod pins;
mod posting;
mod proposal;
mod relied;
mod sensitive;
mod sheet;
mod signature;
mod signature_set;
mod trust;
mod tx;
mod warning;
mod whole_state;

pub use batch::{BatchError, InnerCall, batch_to_safe_tx, encode_multi_send};
pub use canonical::{
    Canonical, CanonicalKind, MULTI_SEND_CALL_ONLY, SafeVersion, canonical_by_address,
    canonical_by_code_hash,
};
pub use changes::{TrustChange, trust_change, trust_topics};
pub use describe::{Argument, Description, describe, describe_constructor, helper_abi, unreadable};
pub use exec::{EXECUTION_SUCCESS, Execution, encode_exec_transaction, execution_in_logs};
pub use pins::{Pin, PinCheck, PinError, Pins};
pub use posting::{Posting, PostingError, posting};
pub use proposal::{
    Adoption, CONFIRMATIONS_MAX, Checked, Confirmation, EvidenceItems, Judged, PROPOSAL_BYTES_MAX,
    Promotion, Proposal, ProposalError, ProposalKind, ProposalSignature, SoakReference,
    asked_posts, keys_fault, read_proposal, read_signature, sign_proposal, to_confirm,
};
pub use relied::{ProjectSafe, Reliance, Relied, stops_under};
pub use sensitive::{Sensitive, sensitive};
pub use sheet::{ATTENTION, sheet, sheet_with};
pub use signature::{OwnerSignature, SignatureError};
pub use signature_set::SignatureSet;
pub use trust::{
    SLOT_GUARD, SLOT_HANDLER, SLOT_MODULE_GUARD, SLOT_SINGLETON, SafeState, TrustAnswers,
    TrustError, TrustReads, read_trust, slot_address,
};
pub use tx::{
    CalldataDigest, DomainHash, MessageHash, Operation, SafeTx, SafeTxError, SafeTxHash,
    calldata_digest, domain_hash,
};
pub use warning::{Warned, Warning, approved, warnings};
pub use whole_state::{
    Executed, Explained, Preimage, Preimages, SafeLog, SafePast, SafeStorage, creations_of,
    past_topics, pending_approvals,
};
