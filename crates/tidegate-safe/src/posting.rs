//! Signed stops that anybody may post at the helper, where gates look for them.

use alloy_primitives::Bytes;
use tidegate_model::digest::JcsError;
use tidegate_model::statement::{Body, General, SignedStatement, Statement, post_subject};
use tidegate_model::{ChainId, StatementDigest};

use crate::helper::{PostedStatement, post_signed};

/// A stop of somebody, as the helper takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting<'a> {
    /// The signed message.
    pub general: &'a General,
    /// The subject under which it is posted.
    pub subject: StatementDigest,
    /// Through when it holds, in seconds.
    pub until: u64,
    /// The call of the helper on the chain that the statement names.
    pub data: Bytes,
}

/// A signed statement that cannot be posted at the helper.
#[derive(Debug, thiserror::Error)]
pub enum PostingError {
    /// Gates do not ask the helper for this kind.
    #[error(
        "cannot post it: only freezes, no-goes and revocations are posted at the helper, and this \
         is {0}"
    )]
    Kind(&'static str),
    /// The helper cannot ask the contract that signed it.
    #[error(
        "cannot post it: its signer, contract {by}, is on chain {stands}, so the helper on chain \
         {on} cannot ask it"
    )]
    Elsewhere {
        by: alloy_primitives::Address,
        stands: ChainId,
        /// The chain of the statement.
        on: ChainId,
    },
    #[error(transparent)]
    Encode(#[from] JcsError),
}

/// The call that posts a signed statement at the helper. The caller, and the helper, check the
/// signature.
///
/// # Errors
/// If no gate asks the helper for it, or the helper cannot check who signed.
pub fn posting(signed: &SignedStatement) -> Result<Posting<'_>, PostingError> {
    let general = match &signed.statement {
        Statement::Statement(general) => general,
        Statement::AuditAttestation(_) => return Err(PostingError::Kind("an attestation")),
        Statement::EmergencyWaiver(_) => return Err(PostingError::Kind("an emergency's waiver")),
    };
    let body = &general.body;
    if !matches!(body, Body::Freeze(_) | Body::NoGo(_) | Body::AuditRevoke(_)) {
        return Err(PostingError::Kind(body.kind()));
    }
    let on = general.at.chain;
    if let Some(contract) = signed.contract.filter(|contract| contract.chain != on) {
        let (by, stands) = (general.signer, contract.chain);
        return Err(PostingError::Elsewhere { by, stands, on });
    }
    let message = general.message()?;
    let statement = PostedStatement {
        signer: message.signer,
        kind: message.kind,
        text: message.text,
        project: message.project,
        subject: message.subject,
        bodyDigest: message.bodyDigest,
        blockNumber: message.blockNumber,
        blockHash: message.blockHash,
        issuedAt: message.issuedAt,
        expiresAt: message.expiresAt,
    };
    Ok(Posting {
        general,
        subject: post_subject(body.kind(), general.project_id(), general.subject()),
        until: general.expires_at,
        data: post_signed(statement, signed.signature.clone()),
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use tidegate_model::statement::{
        At, AuditRevocation, Bug, ContractSigner, Freeze, NEVER, NoGo, ProjectRef, Severity,
        freeze_subject, no_go_subject, no_go_until, revocation_subject,
    };
    use tidegate_model::{BlockRef, ReleaseRoot};

    use super::*;

    const BLOCK: BlockRef = BlockRef { number: 1, hash: B256::repeat_byte(1) };

    fn signed(body: Body) -> SignedStatement {
        let own = ProjectRef { name: "vault".to_owned(), safe: Address::repeat_byte(5) };
        let general = General {
            signer: Address::with_last_byte(1),
            project: Some(own).filter(|_| !matches!(body, Body::AuditRevoke(_))),
            expires_at: body.ends_at(5).unwrap_or(NEVER),
            body,
            at: At::new(ChainId(5), BLOCK),
            issued_at: 5,
        };
        SignedStatement {
            v: SignedStatement::VERSION,
            statement: Statement::Statement(general),
            signature: Bytes::from(vec![7; 65]),
            contract: None,
        }
    }

    #[test]
    fn a_stop_is_posted_where_gates_ask_for_it() {
        let (text, release) = (String::new, ReleaseRoot(B256::repeat_byte(2)));
        let attestation = StatementDigest(B256::repeat_byte(3));
        let freeze = signed(Body::Freeze(Freeze { until: 9, reason: text() }));
        let no_go = signed(Body::NoGo(NoGo { release, discipline: None, reason: text() }));
        let revocation =
            signed(Body::AuditRevoke(AuditRevocation { attestation, reason: 0, detail: text() }));
        let found = posting(&freeze).unwrap();
        let project = found.general.project_id();
        assert_eq!((found.subject, found.until), (freeze_subject(project), 9));
        let found = posting(&no_go).unwrap();
        assert_eq!((found.subject, found.until), (no_go_subject(project, release), no_go_until(5)));
        assert_eq!(posting(&revocation).unwrap().subject, revocation_subject(attestation));
    }

    #[test]
    fn what_nobody_asks_for_is_not_posted() {
        let (title, link) = ("b".to_owned(), String::new());
        let release = ReleaseRoot(B256::ZERO);
        let bug = Bug { release, severity: Severity::Low, title, link, blocking: true };
        let error = posting(&signed(Body::Bug(bug))).unwrap_err().to_string();
        assert!(error.ends_with("this is bug"), "{error}");
        let freeze = || signed(Body::Freeze(Freeze { until: 9, reason: String::new() }));
        let by_contract = |chain| SignedStatement {
            contract: Some(ContractSigner { chain: ChainId(chain), block: BLOCK }),
            ..freeze()
        };
        assert!(posting(&by_contract(5)).is_ok());
        let elsewhere = by_contract(6);
        assert!(matches!(posting(&elsewhere), Err(PostingError::Elsewhere { .. })));
    }
}
