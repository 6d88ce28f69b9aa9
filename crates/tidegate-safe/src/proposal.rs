//! Proposals as files: what owners sign, why, and their signatures.
//!
//! A proposal file is a claim. [`Proposal::check`] recomputes its hash and derives its batch from
//! its calls, and the calls must say on chain what the file says in words; only a [`Checked`]
//! proposal can be shown and signed.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use tidegate_model::digest::JcsError;
use tidegate_model::ports::{DigestSigner, SignError};
use tidegate_model::record::Deployment;
use tidegate_model::statement::{EmergencyTerms, debt_subject};
use tidegate_model::{
    BlockRef, DeploymentDigest, EvidenceDigest, NetworkId, PolicyDigest, ProjectId, ReleaseRoot,
    StatementDigest,
};

use crate::batch::{BatchError, InnerCall, batch_to_safe_tx};
use crate::helper::{self, PromotionRecord};
use crate::signature::{OwnerSignature, SignatureError};
use crate::tx::{DomainHash, MessageHash, Operation, SafeTx, SafeTxHash, domain_hash};

mod confirmed;
mod evidence;
mod judged;
#[cfg(test)]
pub(crate) mod tests;

pub use confirmed::to_confirm;
pub use evidence::EvidenceItems;
pub use judged::{CONFIRMATIONS_MAX, Confirmation, Judged, asked_posts, keys_fault};

/// The most bytes of a proposal or signature file.
pub const PROPOSAL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A proposal to a Safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Proposal {
    /// The format version.
    pub v: u32,
    pub kind: ProposalKind,
    /// The network of the Safe.
    pub network: NetworkId,
    pub safe: Address,
    /// The Safe transaction that its owners sign.
    pub safe_tx: SafeTx,
    /// The calls that it makes.
    pub calls: Vec<InnerCall>,
}

/// The purpose of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum ProposalKind {
    /// The Safe adopts a policy: one direct call.
    Adoption(Adoption),
    /// The Safe promotes a release: one batch.
    Promotion(Box<Promotion>),
}

/// The adoption of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Adoption {
    pub project: ProjectId,
    /// The version, one more than the chain has.
    pub policy_version: u64,
    pub policy_digest: PolicyDigest,
    /// The timestamp after which the call reverts, in seconds.
    pub valid_until: u64,
}

/// The promotion of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Promotion {
    pub project: ProjectId,
    pub release_root: ReleaseRoot,
    /// The policy that the Safe has adopted.
    pub policy_digest: PolicyDigest,
    /// The digest of `evidence`.
    pub evidence_digest: EvidenceDigest,
    /// The evidence that the gates were given when it was proposed.
    pub evidence: EvidenceItems,
    /// The state of the target that the batch requires to be unchanged.
    pub judged: Judged,
    pub soak: SoakReference,
    /// The release's addresses and parameters on the target.
    pub deployment: Deployment,
    /// The digest of `deployment`, which the promotion records.
    pub deployment_digest: DeploymentDigest,
    /// The timestamp after which the batch reverts, in seconds.
    pub valid_until: u64,
    /// The terms that guardians sign, if it is an emergency.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub emergency: Option<EmergencyTerms>,
}

/// The soak that a promotion rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SoakReference {
    pub network: NetworkId,
    /// Where the release stands there; the soak's anchor carries this.
    pub deployment_digest: DeploymentDigest,
    /// Its last block, which every signer looks up alone.
    pub terminal: BlockRef,
}

/// A proposal that agrees with itself. Whether it may be signed is for the gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    proposal: Proposal,
    helper: Address,
    hash: SafeTxHash,
}

/// One owner's signature over a proposal, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProposalSignature {
    /// The format version.
    pub v: u32,
    /// The signed message.
    pub safe_tx_hash: SafeTxHash,
    /// The owner, checked against the signature.
    pub owner: Address,
    /// 65 bytes, as Safe packs them.
    pub signature: Bytes,
}

/// A proposal or signature file that is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// A file that is too long.
    #[error(
        "cannot read the proposal: it has {0} bytes, and at most {PROPOSAL_BYTES_MAX} are read"
    )]
    TooLong(usize),
    /// No file of this kind.
    #[error("cannot read the proposal")]
    Json(#[source] serde_json::Error),
    /// A version that this program does not know.
    #[error("cannot read the proposal: format version {0} is not supported")]
    Version(u32),
    /// The file's name says another hash or owner.
    #[error("cannot accept the file: by its content it must be named `{expected}`")]
    FileName {
        /// The name that its content gives.
        expected: String,
    },
    /// The batch cannot be built.
    #[error("cannot build the Safe transaction from the calls")]
    Batch(#[from] BatchError),
    /// What would be signed is not what the calls say.
    #[error("cannot accept the proposal: its Safe transaction does not make exactly its calls")]
    Calls,
    /// The calls do something else than the proposal says.
    #[error("cannot accept the proposal: {0}")]
    Claim(&'static str),
    /// What was judged makes no batch.
    #[error("cannot accept the proposal: {0}")]
    Judged(String),
    /// A preimage without canonical form.
    #[error(transparent)]
    Encode(#[from] JcsError),
    /// A signature that does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A signature by somebody else.
    #[error(
        "cannot accept the signature: it names {named}, but it is by {signer} or over another hash"
    )]
    Signer {
        named: Address,
        /// The address that it recovers to.
        signer: Address,
    },
}

impl Proposal {
    /// The current format version.
    pub const VERSION: u32 = 1;

    /// Proposes that `safe` adopts a policy.
    pub fn adoption(
        network: NetworkId,
        safe: Address,
        nonce: u64,
        helper: Address,
        adoption: Adoption,
    ) -> Self {
        let call = adoption.call(helper);
        let kind = ProposalKind::Adoption(adoption);
        let safe_tx = direct(&call, nonce);
        Self { v: Self::VERSION, kind, network, safe, safe_tx, calls: vec![call] }
    }

    /// Proposes that `safe` makes `calls`, which must hold the promotion's
    /// [`Promotion::require_before_call`], [`Promotion::judged_calls`] and
    /// [`Promotion::record_call`].
    ///
    /// # Errors
    /// If the calls do not make a batch.
    pub fn promotion(
        network: NetworkId,
        safe: Address,
        nonce: u64,
        promotion: Promotion,
        calls: Vec<InnerCall>,
    ) -> Result<Self, BatchError> {
        let safe_tx = batch_to_safe_tx(&calls, nonce)?;
        let kind = ProposalKind::Promotion(Box::new(promotion));
        Ok(Self { v: Self::VERSION, kind, network, safe, safe_tx, calls })
    }

    /// Checks that the Safe transaction makes exactly these calls, and that they do what the
    /// proposal says: `helper` is where the helper contract stands.
    ///
    /// # Errors
    /// On the first disagreement.
    pub fn check(self, helper: Address) -> Result<Checked, ProposalError> {
        if self.v != Self::VERSION {
            return Err(ProposalError::Version(self.v));
        }
        let nonce = self.safe_tx.nonce;
        let expected = match (&self.kind, &self.calls[..]) {
            (ProposalKind::Adoption(adoption), [call]) => {
                adoption.check(call, helper)?;
                direct(call, nonce)
            }
            (ProposalKind::Adoption(_), _) => {
                return Err(ProposalError::Claim("an adoption is one direct call"));
            }
            (ProposalKind::Promotion(promotion), calls) => {
                promotion.check(self.network, self.safe, calls, helper)?;
                batch_to_safe_tx(calls, nonce)?
            }
        };
        if expected != self.safe_tx {
            return Err(ProposalError::Calls);
        }
        let hash = self.safe_tx.hash(self.network.chain, self.safe);
        Ok(Checked { proposal: self, helper, hash })
    }
}

impl Adoption {
    fn call(&self, helper: Address) -> InnerCall {
        let Self { project, policy_version, policy_digest, valid_until } = *self;
        InnerCall {
            to: helper,
            value: U256::ZERO,
            data: helper::adopt_policy(project, policy_digest, policy_version, valid_until),
            note: format!("adopt policy version {policy_version}"),
        }
    }

    fn check(&self, call: &InnerCall, helper: Address) -> Result<(), ProposalError> {
        if call.same_call(&self.call(helper)) {
            return Ok(());
        }
        Err(ProposalError::Claim("its call does not adopt the policy that it names"))
    }
}

impl Promotion {
    /// The call that makes the batch revert after `valid_until`.
    pub fn require_before_call(&self, helper: Address) -> InnerCall {
        let data = helper::require_before(self.valid_until);
        InnerCall { to: helper, value: U256::ZERO, data, note: "expire".to_owned() }
    }

    /// The calls that make the batch revert where something is no longer as it was judged.
    pub fn judged_calls(&self, helper: Address) -> Vec<InnerCall> {
        self.judged.calls(helper, self.project, self.deployment.chain)
    }

    /// The call that records the promotion.
    pub fn record_call(&self, helper: Address) -> InnerCall {
        let record = PromotionRecord {
            release_root: self.release_root,
            policy_digest: self.policy_digest,
            evidence_digest: self.evidence_digest,
            deployment_digest: self.deployment_digest,
            soak_terminal: self.soak.terminal.hash,
        };
        let data = helper::record(self.project, &record);
        InnerCall { to: helper, value: U256::ZERO, data, note: "record the promotion".to_owned() }
    }

    /// The call by which the Safe itself posts that an emergency owes something, and until when,
    /// so that nobody can delete it.
    pub fn debt_call(&self, helper: Address) -> Option<InnerCall> {
        let terms = self.emergency.as_ref()?;
        let subject = debt_subject(self.project, self.release_root);
        let data = helper::post(subject, terms.retro_due_by);
        let note = "post what the emergency owes".to_owned();
        Some(InnerCall { to: helper, value: U256::ZERO, data, note })
    }

    fn check(
        &self,
        network: NetworkId,
        safe: Address,
        calls: &[InnerCall],
        helper: Address,
    ) -> Result<(), ProposalError> {
        if let Some(fault) = self.judged.fault() {
            return Err(ProposalError::Judged(fault));
        }
        let mut judged = self.judged_calls(helper);
        let asked = judged.split_off(REQUIRED_ONCE);
        let claims = [
            (self.deployment.network() == network, "its deployment is on another network"),
            (self.deployment.executor == safe, "its deployment has another executor"),
            (
                self.deployment.digest()? == self.deployment_digest,
                "its deployment has another digest",
            ),
            (self.evidence.digest()? == self.evidence_digest, "its evidence has another digest"),
            (
                only_call(calls, helper, &self.require_before_call(helper)),
                "its calls do not end at `valid_until` exactly once",
            ),
            (
                judged.iter().all(|call| only_call(calls, helper, call))
                    && asked.iter().all(|call| calls.iter().any(|c| c.same_call(call))),
                "its calls do not require what was judged exactly once",
            ),
            (
                only_call(calls, helper, &self.record_call(helper)),
                "its calls do not record this promotion exactly once",
            ),
            (
                match self.debt_call(helper) {
                    Some(debt) => only_call(calls, helper, &debt),
                    None => !calls.iter().any(|call| is_post(call, helper)),
                },
                "its calls do not post what an emergency owes, or post without one",
            ),
        ];
        match claims.iter().find(|(holds, _)| !holds) {
            Some((_, claim)) => Err(ProposalError::Claim(claim)),
            None => Ok(()),
        }
    }
}

/// The number of calls requiring what was judged that have a function of their own.
const REQUIRED_ONCE: usize = 3;

fn is_post(call: &InnerCall, helper: Address) -> bool {
    let post = helper::post(StatementDigest(B256::ZERO), 0);
    call.to == helper && call.data.get(..4) == post.get(..4)
}

/// Whether `wanted` is the one call of its function to the helper.
fn only_call(calls: &[InnerCall], helper: Address, wanted: &InnerCall) -> bool {
    let same_function =
        |call: &&InnerCall| call.to == helper && call.data.get(..4) == wanted.data.get(..4);
    let mut found = calls.iter().filter(same_function);
    found.next().is_some_and(|call| call.same_call(wanted)) && found.next().is_none()
}

fn direct(call: &InnerCall, nonce: u64) -> SafeTx {
    let InnerCall { to, value, data, .. } = call.clone();
    SafeTx { to, value, data, operation: Operation::Call, nonce }
}

impl Checked {
    /// The proposal that was checked.
    pub const fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The helper's address, by which the calls were read.
    pub(crate) const fn helper(&self) -> Address {
        self.helper
    }

    /// The Safe transaction hash that owners sign, recomputed.
    pub const fn hash(&self) -> SafeTxHash {
        self.hash
    }

    /// The first half of what is signed.
    pub(crate) fn domain_hash(&self) -> DomainHash {
        domain_hash(self.proposal.network.chain, self.proposal.safe)
    }

    /// The EIP-712 message hash that a hardware wallet shows beside the domain hash.
    pub fn message_hash(&self) -> MessageHash {
        self.proposal.safe_tx.message_hash()
    }

    /// The file's name: the recomputed hash.
    pub fn file_name(&self) -> String {
        format!("{}.json", self.hash)
    }

    /// The file's text, equal for equal proposals.
    ///
    /// # Errors
    /// If the deployment has no JSON form.
    pub fn to_text(&self) -> Result<String, ProposalError> {
        to_text(&self.proposal)
    }
}

/// Reads and checks a proposal file. `file_name` is without its folder.
///
/// # Errors
/// If the file's name, hash or calls do not agree.
pub fn read_proposal(
    file_name: &str,
    text: &str,
    helper: Address,
) -> Result<Checked, ProposalError> {
    let checked = from_text::<Proposal>(text)?.check(helper)?;
    expect_name(file_name, checked.file_name())?;
    Ok(checked)
}

/// Signs a checked proposal. Whether the gates pass is for the caller to have asked.
///
/// # Errors
/// If the key cannot be used.
pub fn sign_proposal(
    checked: &Checked,
    signer: &dyn DigestSigner,
) -> Result<ProposalSignature, SignError> {
    let signature = OwnerSignature::ecdsa(signer.sign_digest(&checked.hash.0)?);
    let (safe_tx_hash, owner) = (checked.hash, signer.address());
    let signature = Bytes::from(signature.to_bytes());
    Ok(ProposalSignature { v: ProposalSignature::VERSION, safe_tx_hash, owner, signature })
}

impl ProposalSignature {
    /// The current format version.
    pub const VERSION: u32 = 1;

    /// Wraps a signature that a wallet made.
    ///
    /// # Errors
    /// If it is by somebody else or over another hash.
    #[cfg(test)]
    pub(crate) fn new(
        safe_tx_hash: SafeTxHash,
        owner: Address,
        signature: OwnerSignature,
    ) -> Result<Self, ProposalError> {
        let signature = Bytes::from(signature.to_bytes());
        let signed = Self { v: Self::VERSION, safe_tx_hash, owner, signature };
        signed.verify()?;
        Ok(signed)
    }

    /// Checks that the named owner signed. Whether it is an owner is for
    /// [`crate::SignatureSet`]; an approval proves nothing before the chain shows it.
    ///
    /// # Errors
    /// If the signature is by somebody else, or in a form that is not accepted.
    pub fn verify(&self) -> Result<OwnerSignature, ProposalError> {
        if self.v != Self::VERSION {
            return Err(ProposalError::Version(self.v));
        }
        let signature = OwnerSignature::parse(&self.signature).map_err(|error| {
            let meant = OwnerSignature::of_parity(&self.signature);
            let own = meant.filter(|(meant, _)| meant.signer(self.safe_tx_hash) == Ok(self.owner));
            own.map_or(error, |(_, parity)| parity)
        })?;
        let signer = signature.signer(self.safe_tx_hash)?;
        if signer == self.owner {
            Ok(signature)
        } else {
            Err(ProposalError::Signer { named: self.owner, signer })
        }
    }

    /// The file's name: hash and owner, the owner with its checksum.
    pub fn file_name(&self) -> String {
        format!("{}.{}.json", self.safe_tx_hash, self.owner)
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for what this type can hold.
    pub fn to_text(&self) -> Result<String, ProposalError> {
        to_text(self)
    }
}

/// Reads and checks a signature file. `file_name` is without its folder.
///
/// # Errors
/// If the file's name and content do not agree or the signature does not hold.
pub fn read_signature(file_name: &str, text: &str) -> Result<ProposalSignature, ProposalError> {
    let signed: ProposalSignature = from_text(text)?;
    signed.verify()?;
    expect_name(file_name, signed.file_name())?;
    Ok(signed)
}

fn to_text<T: Serialize>(value: &T) -> Result<String, ProposalError> {
    let mut text = serde_json::to_string_pretty(value).map_err(ProposalError::Json)?;
    text.push('\n');
    Ok(text)
}

fn from_text<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, ProposalError> {
    if text.len() > PROPOSAL_BYTES_MAX {
        return Err(ProposalError::TooLong(text.len()));
    }
    serde_json::from_str(text).map_err(ProposalError::Json)
}

fn expect_name(found: &str, expected: String) -> Result<(), ProposalError> {
    if found == expected { Ok(()) } else { Err(ProposalError::FileName { expected }) }
}
