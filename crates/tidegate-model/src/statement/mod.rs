//! What people sign: EIP-712 statements under the domain `("Tidegate", "1")`, without chain id.
//!
//! A statement travels as one file. Its digest is the EIP-712 signing digest, so the file's name,
//! its content and the signature are bound to each other; who signed is recovered, never believed.

mod audit;
mod body;
mod decisions;
mod emergency;
mod funds;
mod risk;
mod signed;
mod soak;
mod typed;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};
use serde::{Deserialize, Serialize};

pub use self::audit::{AuditAttestation, AuditRevocation};
pub use self::body::{Bearing, Body};
pub use self::decisions::{
    Bug, Freeze, Go, KeyClaim, Lowered, NoGo, Postmortem, Resolution, Triage, Waiver, debt_subject,
    emergency_subject, freeze_subject, no_go_subject, post_subject, revocation_subject,
};
pub use self::emergency::{EMERGENCY_GATES, EmergencyTerms, EmergencyWaiver, gate_set};
pub use self::funds::{FundDecision, FundRequest, FundTransfer};
pub use self::risk::{RISK_SECS_MAX, RiskAcceptance, RiskDecision, Severity};
pub use self::signed::{
    CONTRACT_SIGNATURE_BYTES_MAX, ContractSigner, SignedStatement, Standing, StatementError,
};
pub use self::soak::{ProbeValue, SoakSample, soak_state};
pub use self::typed::{TypedDataError, from_typed_data, typed_data};
use crate::digest::{JcsError, jcs_keccak};
use crate::ids::{ProjectId, StatementDigest};

/// The EIP-712 structures as wallets see them.
pub mod eip712 {
    use super::sol;
    sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct AuditAttestation {
            address auditor; bytes32 scopeRoot; uint16 scopeCount; string repository;
            string gitCommit; bytes32 reportSha256; string reportUri; uint8 verdict;
            uint16 openCritical; uint16 openHigh; uint16 openMedium; bytes32 findingsDigest;
            uint64 issuedAt; uint64 validUntil; bytes32 supersedes; bytes32 salt;
        }
        #[derive(Debug, PartialEq, Eq)]
        struct AuditRevocation {
            address auditor; bytes32 attestation; uint8 reason; string detail; uint64 revokedAt;
        }
        #[derive(Debug, PartialEq, Eq)]
        struct EmergencyWaiver {
            address guardian; bytes32 releaseRoot; bytes32 baselineRoot; bytes32 safeTxHash;
            uint256 chainId; bytes32 gateSet; uint32 minSoakSeconds; string incident;
            bytes32 diffDigest; uint64 notBefore; uint64 expiresAt; uint64 retroDueBy;
            bytes32 salt;
        }
        #[derive(Debug, PartialEq, Eq)]
        struct Statement {
            string kind; string text; bytes32 project; bytes32 subject; bytes32 bodyDigest;
            uint64 issuedAt; uint64 expiresAt; bytes32 salt;
        }
    }
}

/// The domain of every statement.
pub fn domain() -> Eip712Domain {
    eip712_domain! { name: "Tidegate", version: "1", }
}

/// Every other statement: a kind, a sentence and a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct General {
    /// The project it belongs to.
    pub project: ProjectId,
    /// What it speaks of: a release root, or another statement's digest.
    pub subject: B256,
    /// What it says.
    pub body: Body,
    /// The target's chain time at signing.
    pub issued_at: u64,
    /// When it ends; [`NEVER`] if it does not.
    pub expires_at: u64,
    /// Makes equal statements distinct.
    pub salt: B256,
}

/// The end of the year 9999: when statements end that do not end. JSON readers carry it exactly.
pub const NEVER: u64 = 253_402_300_799;

/// Anything that somebody signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "message", deny_unknown_fields)]
pub enum Statement {
    /// An audit.
    AuditAttestation(AuditAttestation),
    /// Its revocation.
    AuditRevocation(AuditRevocation),
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
        let domain = domain();
        let digest = match self {
            Self::AuditAttestation(a) => {
                eip712::AuditAttestation::from(a).eip712_signing_hash(&domain)
            }
            Self::AuditRevocation(r) => {
                eip712::AuditRevocation::from(r).eip712_signing_hash(&domain)
            }
            Self::EmergencyWaiver(w) => {
                eip712::EmergencyWaiver::from(&**w).eip712_signing_hash(&domain)
            }
            Self::Statement(g) => g.message()?.eip712_signing_hash(&domain),
        };
        Ok(StatementDigest(digest))
    }

    /// When it was made, by the target's chain time.
    pub fn issued_at(&self) -> u64 {
        match self {
            Self::AuditAttestation(a) => a.issued_at,
            Self::AuditRevocation(r) => r.revoked_at,
            Self::EmergencyWaiver(w) => w.terms.not_before,
            Self::Statement(g) => g.issued_at,
        }
    }

    /// Whether it stops something, so that nobody may take it for gone who cannot check it.
    pub const fn stops(&self) -> bool {
        match self {
            Self::AuditRevocation(_) => true,
            Self::Statement(g) => g.body.stops(),
            Self::AuditAttestation(_) | Self::EmergencyWaiver(_) => false,
        }
    }

    /// The sentence shown before signing and in lists.
    pub fn text(&self) -> String {
        match self {
            Self::AuditAttestation(a) => format!(
                "Attest scope {} of {} contracts, report sha256 {}",
                a.scope_root,
                a.scope_count,
                alloy_primitives::hex::encode(a.report_sha256)
            ),
            Self::AuditRevocation(r) => {
                format!("Revoke attestation {}: {}", r.attestation, r.detail)
            }
            Self::EmergencyWaiver(w) => format!(
                "Emergency: promote release {} after {} s of soak by Safe transaction {} on chain \
                 {}: {}",
                w.release_root,
                w.terms.min_soak_seconds,
                w.safe_tx_hash,
                w.chain_id,
                w.terms.incident
            ),
            Self::Statement(g) => g.body.text(),
        }
    }
}

impl From<&AuditAttestation> for eip712::AuditAttestation {
    fn from(a: &AuditAttestation) -> Self {
        Self {
            auditor: a.auditor,
            scopeRoot: a.scope_root.0,
            scopeCount: a.scope_count,
            repository: a.repository.clone(),
            gitCommit: a.git_commit.clone(),
            reportSha256: a.report_sha256,
            reportUri: a.report_uri.clone(),
            verdict: a.verdict,
            openCritical: a.open_critical,
            openHigh: a.open_high,
            openMedium: a.open_medium,
            findingsDigest: a.findings_digest,
            issuedAt: a.issued_at,
            validUntil: a.valid_until,
            supersedes: a.supersedes.0,
            salt: a.salt,
        }
    }
}

impl From<&AuditRevocation> for eip712::AuditRevocation {
    fn from(r: &AuditRevocation) -> Self {
        Self {
            auditor: r.auditor,
            attestation: r.attestation.0,
            reason: r.reason,
            detail: r.detail.clone(),
            revokedAt: r.revoked_at,
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
            chainId: U256::from(w.chain_id),
            gateSet: w.terms.gate_set,
            minSoakSeconds: w.terms.min_soak_seconds,
            incident: w.terms.incident.clone(),
            diffDigest: w.terms.diff_digest,
            notBefore: w.terms.not_before,
            expiresAt: w.terms.expires_at,
            retroDueBy: w.terms.retro_due_by,
            salt: w.salt,
        }
    }
}

impl General {
    /// The salt of a statement by this signer: whoever says the same makes another statement, and
    /// one with this salt is by nobody else.
    ///
    /// # Errors
    /// If the body has no canonical JSON form.
    pub fn salt_by(&self, signer: Address) -> Result<B256, JcsError> {
        let body = self.body_digest()?;
        Ok(salt_of(&[signer.as_slice(), body.as_slice(), &self.issued_at.to_be_bytes()]))
    }

    fn body_digest(&self) -> Result<B256, JcsError> {
        jcs_keccak("statement body", &self.body)
    }

    /// The EIP-712 message: kind, sentence and digest follow from the body.
    fn message(&self) -> Result<eip712::Statement, JcsError> {
        Ok(eip712::Statement {
            kind: self.body.kind().to_owned(),
            text: self.body.text(),
            project: self.project.0,
            subject: self.subject,
            bodyDigest: self.body_digest()?,
            issuedAt: self.issued_at,
            expiresAt: self.expires_at,
            salt: self.salt,
        })
    }
}

/// A salt that is equal for equal content, so that signing twice gives one file.
pub fn salt_of(parts: &[&[u8]]) -> B256 {
    keccak256(parts.concat())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;
    use alloy_sol_types::SolStruct;

    use super::*;

    fn message() -> eip712::AuditAttestation {
        eip712::AuditAttestation {
            auditor: Address::ZERO,
            scopeRoot: B256::ZERO,
            scopeCount: 1,
            repository: String::new(),
            gitCommit: String::new(),
            reportSha256: B256::ZERO,
            reportUri: String::new(),
            verdict: 1,
            openCritical: 0,
            openHigh: 0,
            openMedium: 0,
            findingsDigest: B256::ZERO,
            issuedAt: 0,
            validUntil: 0,
            supersedes: B256::ZERO,
            salt: B256::ZERO,
        }
    }

    #[test]
    fn typehashes_of_the_research_note() {
        assert_eq!(
            message().eip712_type_hash(),
            b256!("924090281ef0502f59e6f55d96fd704d74f5610c41707e399389debb52f61cac")
        );
        let revocation = eip712::AuditRevocation {
            auditor: Address::ZERO,
            attestation: B256::ZERO,
            reason: 0,
            detail: String::new(),
            revokedAt: 0,
        };
        assert_eq!(
            revocation.eip712_type_hash(),
            b256!("43fb370d561d544348c957308a749ff0e3a40c9db7390d2a17153669e20b3e43")
        );
        assert_eq!(
            keccak256(eip712::EmergencyWaiver::eip712_encode_type().as_bytes()),
            b256!("684ba0467eb4b77032be0dceb46b2f8bb2f645f34dee7d34f665a97c1df9e45d")
        );
    }
}
