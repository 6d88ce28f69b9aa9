//! Whether a statement is dated by a block of its target.

use tidegate_model::Head;
use tidegate_model::statement::{Body, General, Statement};
use tidegate_model::units::format_utc;

use crate::Observed;

/// So much later than what is final no honest stop is dated: heads are at most hours apart.
const STOP_AHEAD_SECS_MAX: u64 = 86_400;

/// What the block that a statement names makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dating {
    /// The block is final on the chain and of the time that the statement says; or it names none,
    /// as attestations may.
    Stands,
    /// The block is later than what is final, in words.
    Ahead(String),
    /// It counts for nothing, in words: the block is none of its target's.
    Void(String),
    /// Nobody could look, in words.
    Unread(String),
}

/// Judges the date of a statement by its chain: the latest finalized block, and the block at the
/// height that the statement names, absent where it was not asked for.
pub fn dating(
    statement: &Statement,
    finalized: &Observed<Head>,
    found: Option<&Observed<Option<Head>>>,
) -> Dating {
    let (at, time) = (statement.at(), statement.issued_at());
    let Some(block) = at.block() else { return Dating::Stands };
    let named = format!("it names block {} of chain {}", block.number, at.chain);
    let finalized = match finalized {
        Ok(finalized) => finalized,
        Err(why) => return Dating::Unread(format!("{named}, which could not be read: {why}")),
    };
    if block.number > finalized.block.number {
        return if time < finalized.timestamp {
            Dating::Void(format!("{named}, which comes after its date {}", format_utc(time)))
        } else if is_stop(statement) && time - finalized.timestamp > STOP_AHEAD_SECS_MAX {
            let dated = format_utc(time);
            Dating::Void(format!("{named} and {dated}, which nobody has seen on that chain yet"))
        } else {
            Dating::Ahead(format!("{named}, which is not final yet"))
        };
    }
    match found {
        None => Dating::Unread(format!("{named}, and so many are named that it was not read")),
        Some(Err(why)) => Dating::Unread(format!("{named}, which could not be read: {why}")),
        Some(Ok(None)) => Dating::Unread(format!("{named}, which no endpoint has")),
        Some(Ok(Some(head))) if head.block != block => {
            Dating::Void(format!("{named} as {}, which is not on that chain", block.hash))
        }
        Some(Ok(Some(head))) if head.timestamp != time => Dating::Void(format!(
            "{named}, of {}, but is dated {}",
            format_utc(head.timestamp),
            format_utc(time)
        )),
        Some(Ok(Some(_))) => Dating::Stands,
    }
}

/// Whether it is a freeze or a no-go, which its author alone ends.
fn is_stop(statement: &Statement) -> bool {
    let Statement::Statement(General { body, .. }) = statement else { return false };
    matches!(body, Body::Freeze(_) | Body::NoGo(_))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use tidegate_model::statement::{
        At, Body, Freeze, General, NEVER, NoGo, ProjectRef, Resolution, Triage,
    };
    use tidegate_model::{BlockRef, ChainId, ReleaseRoot, StatementDigest};

    use super::*;

    const CHAIN: ChainId = ChainId(1);

    fn head(number: u64, byte: u8, timestamp: u64) -> Head {
        Head { block: BlockRef { number, hash: B256::repeat_byte(byte) }, timestamp }
    }

    fn dated(head: Head) -> Statement {
        with(head, Body::Freeze(Freeze { until: NEVER, reason: String::new() }))
    }

    fn with(head: Head, body: Body) -> Statement {
        Statement::Statement(General {
            signer: Address::ZERO,
            project: Some(ProjectRef { name: "vault".to_owned(), safe: Address::ZERO }),
            body,
            at: At::new(CHAIN, head.block),
            issued_at: head.timestamp,
            expires_at: NEVER,
        })
    }

    #[test]
    fn a_statement_is_dated_by_a_final_block_of_its_target() {
        let unread = || tidegate_model::Reason::unreadable("no answer");
        let finalized: Observed<Head> = Ok(head(10, 10, 1_000));
        let found = |head| Some(Ok(Some(head)));
        type Found = Option<Observed<Option<Head>>>;
        let day = STOP_AHEAD_SECS_MAX;
        let cases: [(Head, Found, &str); 15] = [
            (head(7, 7, 700), found(head(7, 7, 700)), "stands"),
            (head(10, 10, 1_000), found(head(10, 10, 1_000)), "stands"),
            (head(7, 7, 700), found(head(7, 8, 700)), "void"),
            (head(7, 7, 699), found(head(7, 7, 700)), "void"),
            (head(7, 7, 701), found(head(7, 7, 700)), "void"),
            (head(7, 7, 700), Some(Ok(None)), "unread"),
            (head(7, 7, 700), Some(Err(unread())), "unread"),
            (head(7, 7, 700), None, "unread"),
            (head(11, 11, 1_100), None, "ahead"),
            (head(11, 11, 1_000), None, "ahead"),
            // What is much later than anybody can have seen was made up, whatever its number.
            (head(11, 11, 1_000 + day), None, "ahead"),
            (head(11, 11, 1_001 + day), None, "void"),
            (head(1_000_000_000, 11, 2_775_000_000), None, "void"),
            // A later block has no earlier time: it was made up to be dated back.
            (head(11, 11, 999), None, "void"),
            (head(u64::MAX, 11, 0), found(head(10, 10, 1_000)), "void"),
        ];
        for (index, (says, found, expected)) in cases.iter().enumerate() {
            let word = match dating(&dated(*says), &finalized, found.as_ref()) {
                Dating::Stands => "stands",
                Dating::Ahead(_) => "ahead",
                Dating::Void(_) => "void",
                Dating::Unread(_) => "unread",
            };
            assert_eq!(word, *expected, "case {index}");
        }
        let says = dated(head(7, 7, 700));
        let block = Some(Ok(Some(head(7, 7, 700))));
        let down = dating(&says, &Err(unread()), block.as_ref());
        assert!(matches!(down, Dating::Unread(_)));
    }

    /// What stops must be ended by its author; all else may wait for its date.
    #[test]
    fn only_a_stop_is_void_for_being_far_ahead() {
        let finalized: Observed<Head> = Ok(head(10, 10, 1_000));
        let late = head(11, 11, 1_001 + STOP_AHEAD_SECS_MAX);
        let release = ReleaseRoot(B256::ZERO);
        let is_void =
            |body: Body| matches!(dating(&with(late, body), &finalized, None), Dating::Void(_));
        let reason = String::new;
        assert!(is_void(Body::NoGo(NoGo { release, discipline: None, reason: reason() })));
        assert!(is_void(Body::Freeze(Freeze { until: NEVER, reason: reason() })));
        let (bug, resolution) = (StatementDigest(B256::ZERO), Resolution::Confirmed);
        assert!(!is_void(Body::Triage(Triage { bug, resolution, of: None, reason: reason() })));
    }
}
