//! Signed statements: EIP-712 messages under a domain that names the target's chain and the helper
//! contract.
//!
//! A statement travels as one file. Its digest is the EIP-712 signing digest, and who signs is in
//! what is signed: file name, content, author and signature are bound to each other, so that nobody
//! puts their own signature under another's words.

mod at;
mod audit;
mod body;
mod decisions;
mod emergency;
mod funds;
mod risk;
mod signed;
mod soak;
mod typed;

use alloy_primitives::{Address, B256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};
use serde::{Deserialize, Serialize};

pub use self::at::{At, Date, ProjectRef, WRITTEN_SECS_MAX};
pub use self::audit::{AuditAttestation, AuditRevocation, AuditVerdict, source_built_by};
pub use self::body::{Bearing, Body, Reach};
pub use self::decisions::{
    Bug, Freeze, Go, KeyClaim, Lowered, NoGo, Postmortem, Resolution, SeenRecord, Triage, Waiver,
    debt_subject, emergency_subject, freeze_subject, no_go_said_at, no_go_subject, no_go_until,
    post_subject, revocation_subject, soak_start_subject,
};
pub use self::emergency::{EMERGENCY_GATES, EmergencyTerms, EmergencyWaiver, gate_set};
pub use self::funds::{FundApproval, FundDenial, FundRequest, FundTransfer};
pub use self::risk::{RISK_SECS_MAX, RiskAcceptance, RiskDecision, Severity};
pub use self::signed::{ContractSigner, SignedStatement, Standing, StatementError};
pub use self::soak::{ProbeValue, SampleWithdrawal, SoakSample, TestResult, soak_state};
pub use self::typed::{TypedDataError, from_typed_data, typed_data};
use crate::digest::{HELPER, JcsError, jcs_keccak};
use crate::ids::{ChainId, ProjectId, StatementDigest};

/// The EIP-712 structures as wallets see them.
pub mod eip712 {
    use super::sol;
    sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct AuditAttestation {
            address auditor; string project; string release; bytes32 scopeRoot; uint16 scopeCount;
            bytes32 planDigest; string source; string reportUri; string reportVersion;
            bytes32 reportSha256; string period; string verdict; uint16 found; uint16 fixed;
            uint16 accepted; uint16 openCritical; uint16 openHigh; uint16 openMedium;
            bytes32 findingsDigest; uint64 issuedAt; uint64 validUntil; bytes32 supersedes;
            uint64 blockNumber; bytes32 blockHash;
        }
        #[derive(Debug, PartialEq, Eq)]
        struct EmergencyWaiver {
            address guardian; bytes32 releaseRoot; bytes32 baselineRoot; bytes32 safeTxHash;
            bytes32 gateSet; uint32 minSoakSeconds; string incident; bytes32 diffDigest;
            uint64 notBefore; uint64 expiresAt; uint64 retroDueBy; uint64 blockNumber;
            bytes32 blockHash; uint64 issuedAt;
        }
        #[derive(Debug, PartialEq, Eq)]
        struct Statement {
            address signer; string kind; string text; bytes32 project; bytes32 subject;
            bytes32 bodyDigest; uint64 blockNumber; bytes32 blockHash; uint64 issuedAt;
            uint64 expiresAt;
        }
    }
}

/// The domain of every statement on a chain: what another site has somebody sign is none.
pub fn domain(chain: ChainId) -> Eip712Domain {
    eip712_domain! {
        name: "Tidegate",
        version: "1",
        chain_id: chain.0,
        verifying_contract: HELPER,
    }
}

/// Every other statement: a kind, a sentence and a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct General {
    /// The author's address.
    pub signer: Address,
    /// The project it belongs to; none for what belongs to none.
    pub project: Option<ProjectRef>,
    pub body: Body,
    /// A finalized block of the project's target.
    pub at: At,
    /// That block's time.
    pub issued_at: u64,
    /// The end, in seconds since 1970; [`NEVER`] if it does not end.
    pub expires_at: u64,
}

/// The end of the year 9999: when statements end that do not end. JSON readers carry it exactly.
pub const NEVER: u64 = 253_402_300_799;

/// Anything that somebody signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "message", deny_unknown_fields)]
pub enum Statement {
    AuditAttestation(AuditAttestation),
    /// A guardian's word on an emergency.
    EmergencyWaiver(Box<EmergencyWaiver>),
    /// Everything else.
    Statement(General),
}

impl Statement {
    /// The EIP-712 signing digest.
    ///
    /// # Errors
    /// If the body has no canonical JSON form.
    pub fn digest(&self) -> Result<StatementDigest, JcsError> {
        let domain = domain(self.at().chain);
        let digest = match self {
            Self::AuditAttestation(a) => {
                eip712::AuditAttestation::from(a).eip712_signing_hash(&domain)
            }
            Self::EmergencyWaiver(w) => {
                eip712::EmergencyWaiver::from(&**w).eip712_signing_hash(&domain)
            }
            Self::Statement(g) => g.message()?.eip712_signing_hash(&domain),
        };
        Ok(StatementDigest(digest))
    }

    /// The author's address, which is part of what is signed.
    pub const fn signer(&self) -> Address {
        match self {
            Self::AuditAttestation(a) => a.auditor,
            Self::EmergencyWaiver(w) => w.guardian,
            Self::Statement(g) => g.signer,
        }
    }

    /// The block that it names.
    pub const fn at(&self) -> At {
        match self {
            Self::AuditAttestation(a) => a.at,
            Self::EmergencyWaiver(w) => w.at,
            Self::Statement(g) => g.at,
        }
    }

    /// The timestamp of its block, in seconds since 1970.
    pub const fn issued_at(&self) -> u64 {
        match self {
            Self::AuditAttestation(a) => a.issued_at,
            Self::EmergencyWaiver(w) => w.issued_at,
            Self::Statement(g) => g.issued_at,
        }
    }

    /// Whether it can stop a release. Such a statement may not be taken for absent because it
    /// cannot be checked.
    pub const fn stops(&self) -> bool {
        match self {
            Self::Statement(g) => g.body.stops(),
            Self::AuditAttestation(_) | Self::EmergencyWaiver(_) => false,
        }
    }

    /// Whether a gate may pass because of it. If a contract signed it, the contract is asked again
    /// before anything is done.
    pub const fn opens(&self) -> bool {
        match self {
            Self::AuditAttestation(_) | Self::EmergencyWaiver(_) => true,
            Self::Statement(g) => g.body.opens(),
        }
    }

    /// The sentence shown before signing and in lists.
    pub fn text(&self) -> String {
        match self {
            Self::AuditAttestation(a) => format!(
                "Attest {} of {}: scope {} of {} contracts, plan {}, report sha256 {}: {}",
                a.release,
                a.project,
                a.scope_root,
                a.scope_count,
                if a.names_plan() { a.plan_digest.to_string() } else { "not read".to_owned() },
                alloy_primitives::hex::encode(a.report_sha256),
                a.verdict.words()
            ),
            Self::EmergencyWaiver(w) => format!(
                "Emergency: promote release {} after {} s of soak by Safe transaction {} on chain \
                 {}: {}",
                w.release_root,
                w.terms.min_soak_seconds,
                w.safe_tx_hash,
                w.at.chain,
                w.terms.incident
            ),
            Self::Statement(g) => g.text(),
        }
    }
}

impl From<&AuditAttestation> for eip712::AuditAttestation {
    fn from(a: &AuditAttestation) -> Self {
        Self {
            auditor: a.auditor,
            project: a.project.clone(),
            release: a.release.clone(),
            scopeRoot: a.scope_root.0,
            scopeCount: a.scope_count,
            planDigest: a.plan_digest.0,
            source: a.source.clone(),
            reportUri: a.report_uri.clone(),
            reportVersion: a.report_version.clone(),
            reportSha256: a.report_sha256,
            period: a.period.clone(),
            verdict: a.verdict.words().to_owned(),
            found: a.found,
            fixed: a.fixed,
            accepted: a.accepted,
            openCritical: a.open_critical,
            openHigh: a.open_high,
            openMedium: a.open_medium,
            findingsDigest: a.findings_digest,
            issuedAt: a.issued_at,
            validUntil: a.valid_until,
            supersedes: a.supersedes.0,
            blockNumber: a.at.number,
            blockHash: a.at.hash,
        }
    }
}

impl From<&EmergencyWaiver> for eip712::EmergencyWaiver {
    fn from(w: &EmergencyWaiver) -> Self {
        Self {
            guardian: w.guardian,
            releaseRoot: w.release_root.0,
            baselineRoot: w.terms.baseline_root.0,
            safeTxHash: w.safe_tx_hash,
            gateSet: w.terms.gate_set,
            minSoakSeconds: w.terms.min_soak_seconds,
            incident: w.terms.incident.clone(),
            diffDigest: w.terms.diff_digest,
            notBefore: w.terms.not_before,
            expiresAt: w.terms.expires_at,
            retroDueBy: w.terms.retro_due_by,
            blockNumber: w.at.number,
            blockHash: w.at.hash,
            issuedAt: w.issued_at,
        }
    }
}

impl General {
    /// The id of its project on its target; zero for what belongs to none.
    pub fn project_id(&self) -> ProjectId {
        let id = self.project.as_ref().map(|project| project.id(self.at.chain));
        id.unwrap_or(ProjectId(B256::ZERO))
    }

    /// The EIP-712 `subject`.
    pub fn subject(&self) -> B256 {
        self.body.subject(self.project_id())
    }

    /// The sentence that a wallet shows. It names the project with its Safe and chain, so that
    /// whoever signs sees for whose project it is said.
    pub fn text(&self) -> String {
        let text = self.body.text();
        match &self.project {
            Some(ProjectRef { name, safe }) => {
                format!("{name}, Safe {safe} on chain {}: {text}", self.at.chain)
            }
            None => text,
        }
    }

    /// Whether it counts for a project's target. What stops a release, and what is said of its
    /// bugs, counts for every target; a freeze for all targets of one name.
    pub fn counts_for(&self, name: &str, target: ProjectId) -> bool {
        match self.body.reach() {
            Reach::Target => self.project_id() == target,
            Reach::Family => self.project.as_ref().is_some_and(|project| project.name == name),
            Reach::Content => true,
        }
    }

    /// The EIP-712 message: kind, sentence, subject and digest follow from the body.
    ///
    /// # Errors
    /// If the body has no canonical JSON form.
    pub fn message(&self) -> Result<eip712::Statement, JcsError> {
        Ok(eip712::Statement {
            signer: self.signer,
            kind: self.body.kind().to_owned(),
            text: self.text(),
            project: self.project_id().0,
            subject: self.subject(),
            bodyDigest: jcs_keccak("statement body", &self.body)?,
            blockNumber: self.at.number,
            blockHash: self.at.hash,
            issuedAt: self.issued_at,
            expiresAt: self.expires_at,
        })
    }
}

#[cfg(test)]
mod tests;
