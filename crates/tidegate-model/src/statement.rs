//! What people sign: EIP-712 statements under the domain `("Tidegate", "1")`, without chain id.
//!
//! A statement travels as one file. Its digest is the EIP-712 signing digest, so the file's name,
//! its content and the signature are bound to each other; who signed is recovered, never believed.

use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};
use serde::{Deserialize, Serialize};

use crate::digest::{JcsError, jcs_keccak};
use crate::ids::{NetworkId, ProjectId, ReleaseRoot, ScopeRoot, StatementDigest};

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

/// A firm's word on a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AuditAttestation {
    /// The key that signs.
    pub auditor: Address,
    /// What was read.
    pub scope_root: ScopeRoot,
    /// How many contracts it holds.
    pub scope_count: u16,
    /// Where the sources lie; for people.
    pub repository: String,
    /// The commit that was read; for people, never a check.
    pub git_commit: String,
    /// SHA-256 of the report as published.
    pub report_sha256: B256,
    /// Where the report lies.
    pub report_uri: String,
    /// 1 clean, 2 with accepted risk, 3 delta review, 4 deployment verification.
    pub verdict: u8,
    /// Open findings of critical severity.
    pub open_critical: u16,
    /// Open findings of high severity.
    pub open_high: u16,
    /// Open findings of medium severity.
    pub open_medium: u16,
    /// Digest of the findings document, or zero.
    pub findings_digest: B256,
    /// The target's chain time at signing.
    pub issued_at: u64,
    /// Until when it counts.
    pub valid_until: u64,
    /// The attestation it replaces, or zero.
    pub supersedes: StatementDigest,
    /// Makes equal statements distinct.
    pub salt: B256,
}

/// A firm takes its word back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AuditRevocation {
    /// The key that signed the attestation.
    pub auditor: Address,
    /// The attestation's digest.
    pub attestation: StatementDigest,
    /// 0 unspecified, 1 error in the report, 2 new finding, 3 key compromised.
    pub reason: u8,
    /// Why, in words.
    pub detail: String,
    /// The target's chain time at signing.
    pub revoked_at: u64,
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

/// What a general statement says. The tag is the EIP-712 `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "says", deny_unknown_fields)]
pub enum Body {
    /// Somebody asks for test funds.
    #[serde(rename = "fund/request")]
    FundRequest(FundRequest),
    /// Somebody else grants them.
    #[serde(rename = "fund/approve")]
    FundApprove(FundDecision),
    /// Somebody else refuses them.
    #[serde(rename = "fund/deny")]
    FundDeny(FundDecision),
    /// They were sent.
    #[serde(rename = "fund/draw")]
    FundDraw(FundTransfer),
    /// The rest came back.
    #[serde(rename = "fund/return")]
    FundReturn(FundTransfer),
}

/// A request for test funds. A changed request is a new request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundRequest {
    /// The network.
    pub network: NetworkId,
    /// Who will hold the funds.
    pub destination: Address,
    /// How much, in wei.
    #[serde(with = "crate::decimal")]
    pub amount: U256,
    /// The release they are for, if any.
    pub release: Option<ReleaseRoot>,
    /// Why.
    pub reason: String,
}

/// An approval or denial of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundDecision {
    /// The request.
    pub request: StatementDigest,
    /// Why.
    pub reason: String,
}

/// A transfer under a request: from the treasury (draw) or back to it (return).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundTransfer {
    /// The request.
    pub request: StatementDigest,
    /// The network.
    pub network: NetworkId,
    /// The transaction.
    pub transaction: B256,
    /// How much, in wei.
    #[serde(with = "crate::decimal")]
    pub amount: U256,
}

impl Body {
    /// The EIP-712 `kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FundRequest(_) => "fund/request",
            Self::FundApprove(_) => "fund/approve",
            Self::FundDeny(_) => "fund/deny",
            Self::FundDraw(_) => "fund/draw",
            Self::FundReturn(_) => "fund/return",
        }
    }

    /// The sentence a wallet shows, made from the body alone.
    pub fn text(&self) -> String {
        match self {
            Self::FundRequest(r) => format!(
                "Request {} wei on chain {} for {}: {}",
                r.amount, r.network.chain, r.destination, r.reason
            ),
            Self::FundApprove(d) => format!("Approve fund request {}: {}", d.request, d.reason),
            Self::FundDeny(d) => format!("Deny fund request {}: {}", d.request, d.reason),
            Self::FundDraw(t) => format!(
                "Sent {} wei under fund request {} in transaction {} on chain {}",
                t.amount, t.request, t.transaction, t.network.chain
            ),
            Self::FundReturn(t) => format!(
                "Returned {} wei under fund request {} in transaction {} on chain {}",
                t.amount, t.request, t.transaction, t.network.chain
            ),
        }
    }
}

/// Anything that somebody signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "message", deny_unknown_fields)]
pub enum Statement {
    /// An audit.
    AuditAttestation(AuditAttestation),
    /// Its revocation.
    AuditRevocation(AuditRevocation),
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
            Self::AuditAttestation(a) => eip712::AuditAttestation {
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
            .eip712_signing_hash(&domain),
            Self::AuditRevocation(r) => eip712::AuditRevocation {
                auditor: r.auditor,
                attestation: r.attestation.0,
                reason: r.reason,
                detail: r.detail.clone(),
                revokedAt: r.revoked_at,
            }
            .eip712_signing_hash(&domain),
            Self::Statement(g) => eip712::Statement {
                kind: g.body.kind().to_owned(),
                text: g.body.text(),
                project: g.project.0,
                subject: g.subject,
                bodyDigest: jcs_keccak("statement body", &g.body)?,
                issuedAt: g.issued_at,
                expiresAt: g.expires_at,
                salt: g.salt,
            }
            .eip712_signing_hash(&domain),
        };
        Ok(StatementDigest(digest))
    }

    /// When it was made, by the target's chain time.
    pub const fn issued_at(&self) -> u64 {
        match self {
            Self::AuditAttestation(a) => a.issued_at,
            Self::AuditRevocation(r) => r.revoked_at,
            Self::Statement(g) => g.issued_at,
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
            Self::Statement(g) => g.body.text(),
        }
    }
}

/// A statement with its signature, as it lies in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// The format version.
    pub v: u32,
    /// What was signed.
    pub statement: Statement,
    /// Who signed; checked against the signature.
    pub signer: Address,
    /// `r ‖ s ‖ v`, 65 bytes, with `v` 27 or 28.
    #[serde(with = "signature_bytes")]
    pub signature: Signature,
}

/// A statement whose signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// A version that this program does not know.
    #[error("statement format version {0} is not supported")]
    Version(u32),
    /// Its sentence has control characters, so that a wallet might show something else.
    #[error("statement {0} has control characters in its text")]
    Text(StatementDigest),
    /// The signature is by another key than it says.
    #[error("statement {digest} names signer {named} but its signature does not recover to it")]
    Signer {
        /// The statement.
        digest: StatementDigest,
        /// The signer it names.
        named: Address,
    },
    /// An audit statement in which `auditor` is not the signer.
    #[error("statement {digest} speaks for auditor {auditor} but {signer} signed it")]
    Auditor {
        /// The statement.
        digest: StatementDigest,
        /// The auditor it names.
        auditor: Address,
        /// The signer.
        signer: Address,
    },
    /// No canonical form.
    #[error(transparent)]
    Encode(#[from] JcsError),
}

impl SignedStatement {
    /// The current format version.
    pub const VERSION: u32 = 1;

    /// Checks the signature and returns the digest.
    ///
    /// # Errors
    /// If the signature is not by the named signer, or an audit statement names another auditor.
    pub fn verify(&self) -> Result<StatementDigest, StatementError> {
        if self.v != Self::VERSION {
            return Err(StatementError::Version(self.v));
        }
        let digest = self.statement.digest()?;
        if self.statement.text().chars().any(char::is_control) {
            return Err(StatementError::Text(digest));
        }
        let recovered = self.signature.recover_address_from_prehash(&digest.0).ok();
        // A signature with high s recovers too; it is refused so that one statement has one form.
        if recovered != Some(self.signer) || self.signature.normalize_s().is_some() {
            return Err(StatementError::Signer { digest, named: self.signer });
        }
        let auditor = match &self.statement {
            Statement::AuditAttestation(a) => a.auditor,
            Statement::AuditRevocation(r) => r.auditor,
            Statement::Statement(_) => self.signer,
        };
        if auditor == self.signer {
            Ok(digest)
        } else {
            Err(StatementError::Auditor { digest, auditor, signer: self.signer })
        }
    }
}

/// A signature as 65 bytes of `0x` text; one signature has one text.
mod signature_bytes {
    use alloy_primitives::{Bytes, Signature};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        signature: &Signature,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Bytes::from(signature.as_bytes()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Signature, D::Error> {
        let bytes = Bytes::deserialize(deserializer)?;
        let signature = Signature::from_raw(&bytes).map_err(de::Error::custom)?;
        if signature.as_bytes()[..] == bytes[..] {
            Ok(signature)
        } else {
            Err(de::Error::custom("a signature is 65 bytes that end with 27 or 28"))
        }
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
    }
}
