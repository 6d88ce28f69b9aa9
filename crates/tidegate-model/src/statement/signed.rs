//! A statement with its signature.

use alloy_primitives::{Address, Bytes, Signature};
use serde::{Deserialize, Serialize};

use super::{Body, General, Statement};
use crate::digest::JcsError;
use crate::ids::{BlockRef, ChainId, StatementDigest};

/// The longest signature of a contract, in bytes: a Safe with 250 owners takes as much.
const CONTRACT_SIGNATURE_BYTES_MAX: usize = 16 << 10;

/// Length of a key's signature, in bytes: `r ‖ s ‖ v`.
const KEY_SIGNATURE_BYTES: usize = 65;

/// A statement with its signature, as it lies in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// The format version.
    pub v: u32,
    /// The signed message, which names its author.
    pub statement: Statement,
    /// Of a key: `r ‖ s ‖ v`, 65 bytes, with `v` 27 or 28. Of a contract: what it asks for.
    pub signature: Bytes,
    /// The signer's chain, if it is a contract (ERC-1271).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contract: Option<ContractSigner>,
}

/// The chain of a contract that signed (ERC-1271), and the block at which it first confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractSigner {
    pub chain: ChainId,
    /// A block at which it accepted the signature. For people: it is asked again each time.
    pub block: BlockRef,
}

/// The result of checking a signature without a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The key of the named signer made it.
    Holds(StatementDigest),
    /// Only the contract can say, where it stands.
    Pending(StatementDigest, ContractSigner),
}

impl Standing {
    /// The statement's digest.
    pub const fn digest(self) -> StatementDigest {
        match self {
            Self::Holds(digest) | Self::Pending(digest, _) => digest,
        }
    }
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
    /// The signature is written in another way than signatures are.
    #[error(
        "statement {digest}: the signature of a key is 65 bytes that end with 27 or 28; this one \
         {}",
        form(signature)
    )]
    Form {
        digest: StatementDigest,
        /// The signature as it is written.
        signature: Bytes,
    },
    /// The signature of a contract has too many bytes.
    #[error(
        "statement {0}: the signature of a contract has more than {CONTRACT_SIGNATURE_BYTES_MAX} \
         bytes"
    )]
    Long(StatementDigest),
    /// The signature is by another key than the statement names.
    #[error("statement {digest} is by {named} but its signature does not recover to it")]
    Signer {
        digest: StatementDigest,
        /// The signer it names.
        named: Address,
    },
    /// A `go` whose lists are not those that its digest says.
    #[error("statement {0} lists statements or records that do not match its set digest")]
    Set(StatementDigest),
    /// A freeze, a waiver or a revocation that expires at another time than it ends.
    #[error("statement {0} expires at another time than its body says")]
    End(StatementDigest),
    /// A revocation of an attestation that names a project, or another statement that names none.
    #[error("statement {0} names a project that it must not name, or lacks one")]
    Project(StatementDigest),
    /// It names no block, which only attestations may.
    #[error("statement {0} names no block of its target")]
    Block(StatementDigest),
    /// Only a chain can say whether it holds.
    #[error(
        "statement {digest} is signed by contract {signer}, which was not yet asked on its chain"
    )]
    Pending { digest: StatementDigest, signer: Address },
    #[error(transparent)]
    Encode(#[from] JcsError),
}

impl SignedStatement {
    /// The current format version.
    pub const VERSION: u32 = 1;

    /// A statement that its signer's key has signed.
    pub fn by_key(statement: Statement, signature: Signature) -> Self {
        let signature = Bytes::copy_from_slice(&signature.as_bytes());
        Self { v: Self::VERSION, statement, signature, contract: None }
    }

    /// The author whom the signed message names.
    pub const fn signer(&self) -> Address {
        self.statement.signer()
    }

    /// Checks the signature and returns the digest.
    ///
    /// # Errors
    /// If the signature is not by the signer that the statement names;
    /// [`StatementError::Pending`] for a contract's, which only [`SignedStatement::check`] takes.
    pub fn verify(&self) -> Result<StatementDigest, StatementError> {
        match self.check()? {
            Standing::Holds(digest) => Ok(digest),
            Standing::Pending(digest, _) => {
                Err(StatementError::Pending { digest, signer: self.signer() })
            }
        }
    }

    /// Checks the signature as far as that can be done without a chain.
    ///
    /// # Errors
    /// If the signature is not by the signer that the statement names, or what it says does not
    /// agree with itself.
    pub fn check(&self) -> Result<Standing, StatementError> {
        if self.v != Self::VERSION {
            return Err(StatementError::Version(self.v));
        }
        let digest = self.statement.digest()?;
        if self.statement.text().chars().any(char::is_control) {
            return Err(StatementError::Text(digest));
        }
        let standing = match self.contract {
            Some(_) if self.signature.len() > CONTRACT_SIGNATURE_BYTES_MAX => {
                return Err(StatementError::Long(digest));
            }
            Some(contract) => Standing::Pending(digest, contract),
            None => self.recovers(digest).map(|()| Standing::Holds(digest))?,
        };
        match &self.statement {
            Statement::AuditAttestation(_) => Ok(standing),
            statement if statement.at().block().is_none() => Err(StatementError::Block(digest)),
            Statement::EmergencyWaiver(_) => Ok(standing),
            Statement::Statement(general) => consistent(general, digest).map(|()| standing),
        }
    }

    fn recovers(&self, digest: StatementDigest) -> Result<(), StatementError> {
        let signature = Signature::from_raw(&self.signature).ok();
        // One signature has one text.
        let signature = signature.filter(|signature| {
            self.signature.len() == KEY_SIGNATURE_BYTES
                && signature.as_bytes()[..] == self.signature[..]
        });
        let form = || StatementError::Form { digest, signature: self.signature.clone() };
        let signature = signature.ok_or_else(form)?;
        let recovered = signature.recover_address_from_prehash(&digest.0).ok();
        // A signature with high s recovers too; it is refused so that one statement has one form.
        if recovered != Some(self.signer()) || signature.normalize_s().is_some() {
            return Err(StatementError::Signer { digest, named: self.signer() });
        }
        Ok(())
    }
}

/// What a signature is that is no `r ‖ s ‖ v` with 27 or 28.
fn form(signature: &[u8]) -> String {
    match (signature.len(), signature.last()) {
        (KEY_SIGNATURE_BYTES, Some(v @ (0 | 1))) => {
            format!("ends with {v}, the parity alone, for which {} is written", v + 27)
        }
        (KEY_SIGNATURE_BYTES, Some(v @ (31 | 32))) => {
            format!("ends with {v}, as a Safe takes the signature of a personal message")
        }
        (KEY_SIGNATURE_BYTES, Some(v @ 35..)) => {
            format!("ends with {v}, as the signature of a transaction does")
        }
        (KEY_SIGNATURE_BYTES, Some(v)) => format!("ends with {v}"),
        (64, _) => "has 64, the short form of EIP-2098".to_owned(),
        (count, _) => format!("has {count}"),
    }
}

/// Refuses a general statement that contradicts what follows from its body.
fn consistent(general: &General, digest: StatementDigest) -> Result<(), StatementError> {
    let body = &general.body;
    if general.project.is_none() != matches!(body, Body::AuditRevoke(_)) {
        return Err(StatementError::Project(digest));
    }
    if body.ends_at(general.issued_at).is_some_and(|end| end != general.expires_at) {
        return Err(StatementError::End(digest));
    }
    match body {
        Body::Go(go) if !go.is_consistent() => Err(StatementError::Set(digest)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::ids::ReleaseRoot;
    use crate::statement::{At, AuditRevocation, Freeze, NEVER, NoGo, ProjectRef, no_go_until};

    fn general(body: Body) -> General {
        let at = At::new(ChainId(1), BlockRef { number: 1, hash: B256::repeat_byte(1) });
        let own = ProjectRef { name: "vault".to_owned(), safe: Address::ZERO };
        let project = Some(own).filter(|_| !matches!(body, Body::AuditRevoke(_)));
        let signer = Address::with_last_byte(1);
        General { signer, project, body, at, issued_at: 5, expires_at: NEVER }
    }

    fn revocation() -> Body {
        let attestation = StatementDigest(B256::ZERO);
        Body::AuditRevoke(AuditRevocation { attestation, reason: 0, detail: String::new() })
    }

    /// A statement by a contract, with a signature of some bytes.
    fn signed(general: General, signature: usize) -> SignedStatement {
        let block = BlockRef { number: 1, hash: B256::ZERO };
        SignedStatement {
            v: SignedStatement::VERSION,
            statement: Statement::Statement(general),
            signature: vec![7; signature].into(),
            contract: Some(ContractSigner { chain: ChainId(1), block }),
        }
    }

    #[test]
    fn a_contract_signature_is_never_decided_here() {
        for bytes in [0, 65, CONTRACT_SIGNATURE_BYTES_MAX] {
            let signed = signed(general(revocation()), bytes);
            assert!(matches!(signed.check(), Ok(Standing::Pending(..))));
            assert!(matches!(signed.verify(), Err(StatementError::Pending { .. })));
            let text = serde_json::to_string(&signed).unwrap();
            assert_eq!(serde_json::from_str::<SignedStatement>(&text).unwrap(), signed);
        }
        let long = signed(general(revocation()), CONTRACT_SIGNATURE_BYTES_MAX + 1);
        assert!(matches!(long.check(), Err(StatementError::Long(_))));
        let key = SignedStatement { contract: None, ..signed(general(revocation()), 65) };
        assert!(matches!(key.check(), Err(StatementError::Form { .. })));
        let mut parity = vec![7; 65];
        let says = [
            (0, "ends with 0, the parity alone, for which 27 is written"),
            (1, "ends with 1, the parity alone, for which 28 is written"),
            (31, "ends with 31, as a Safe takes the signature of a personal message"),
            (35, "ends with 35, as the signature of a transaction does"),
            (2, "ends with 2"),
        ];
        for (v, says) in says {
            parity[64] = v;
            let key = SignedStatement { signature: parity.clone().into(), ..key.clone() };
            assert!(key.check().unwrap_err().to_string().ends_with(says), "{v}");
        }
        for (count, says) in [(64, "has 64, the short form of EIP-2098"), (130, "has 130")] {
            let key = SignedStatement { signature: vec![7; count].into(), ..key.clone() };
            assert!(key.check().unwrap_err().to_string().ends_with(says), "{count}");
        }
    }

    #[test]
    fn what_does_not_agree_with_itself_is_refused() {
        let freeze = || Body::Freeze(Freeze { until: 9, reason: String::new() });
        let check = |general: General| signed(general, 1).check().map(Standing::digest);
        assert!(check(General { expires_at: 9, ..general(freeze()) }).is_ok());
        assert!(matches!(check(general(freeze())), Err(StatementError::End(_))));
        let no_go = || {
            let (release, reason) = (ReleaseRoot(B256::ZERO), String::new());
            Body::NoGo(NoGo { release, discipline: None, reason })
        };
        let end = no_go_until(5);
        assert!(check(General { expires_at: end, ..general(no_go()) }).is_ok());
        assert!(matches!(check(general(no_go())), Err(StatementError::End(_))));
        let ends = General { expires_at: 9, ..general(revocation()) };
        assert!(matches!(check(ends), Err(StatementError::End(_))));
        for (body, project) in
            [(revocation(), general(freeze()).project), (freeze(), general(revocation()).project)]
        {
            let other = General { project, ..general(body) };
            assert!(matches!(check(other), Err(StatementError::Project(_))));
        }
        let blind = General { at: At::no_block(ChainId(1)), ..general(revocation()) };
        assert!(matches!(check(blind), Err(StatementError::Block(_))));
    }
}
