//! Why a proposal does not hold on this machine.

use alloy_primitives::B256;
use tidegate_model::units::format_utc;
use tidegate_model::{PolicyDigest, StatementDigest, Verdict};

use crate::error::{AppError, Kind};

/// Why nobody may sign or execute a proposal now. Each names what differs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not for the Safe that the project has on this network.
    #[error("the proposal is for another Safe or network")]
    OtherSafe,
    /// The Safe does not say who it is.
    #[error("{0}")]
    DoubtfulSafe(String),
    /// Another transaction of the Safe came first, or comes first.
    #[error("the Safe is at nonce {safe}, the proposal has {proposal}")]
    Nonce {
        /// The Safe's next nonce.
        safe: u64,
        proposal: u64,
    },
    /// The batch would run other code than what Safe published.
    #[error("MultiSendCallOnly 1.4.1 is not at its address on the target")]
    NoMultiSend,

    /// An adoption for another project.
    #[error("the proposal adopts a policy for another project")]
    AdoptsElsewhere,
    /// An adoption of another policy than the file and the Safe give.
    #[error(
        "the proposal adopts policy {}, but tidegate.toml and the Safe give {}",
        .proposed.short(), .here.short()
    )]
    AdoptsOther {
        proposed: PolicyDigest,
        /// What this machine computes.
        here: PolicyDigest,
    },
    /// An adoption that is not the next one.
    #[error("the proposal adopts version {proposed}, but {next} comes next")]
    AdoptsVersion {
        proposed: u64,
        /// One more than the chain has.
        next: u64,
    },
    /// An adoption whose time is over.
    #[error("the proposal ended on {}", format_utc(*.0))]
    AdoptionEnded(u64),
    /// An adoption that could be executed for too long.
    #[error("the proposal is valid for longer than `valid_for` of the policy")]
    AdoptionTooLong,

    /// A promotion of another release than the working tree builds.
    #[error("the proposal promotes {proposed}, the working tree builds {here}")]
    OtherRelease {
        /// Its name, as far as it is known, and root.
        proposed: String,
        /// The same of what this machine builds.
        here: String,
    },
    /// Gates that do not pass on what is seen now.
    #[error("the gates do not pass now; nothing was signed or sent")]
    Gates(Verdict),
    /// What a passing gate has always read is missing.
    #[error("the gates passed without {0}")]
    Without(&'static str),
    /// It rests on another policy or project.
    #[error("the proposal rests on another policy or project")]
    OtherPolicy,
    /// The Safe is no longer as the gates saw it.
    #[error("the Safe changed after the gates were read")]
    SafeChanged,
    /// Its time is over.
    #[error("the proposal has expired")]
    Expired,
    /// It could be executed for longer than something allows.
    #[error("the proposal would stay executable longer than {0}")]
    TooLong(Limit),
    /// Something was judged that is no longer so.
    #[error("the proposal is void: {0}")]
    Void(String),
    /// Its batch is not what this machine builds.
    #[error("the proposal's batch is not the one that this release gives")]
    OtherBatch,

    /// A statement of the evidence that does not count here.
    #[error("statement {digest} of the evidence: {why}")]
    DoubtfulStatement { digest: StatementDigest, why: String },
    /// A statement of the evidence that is not here.
    #[error("statement {0} of the evidence is missing here")]
    MissingStatement(StatementDigest),
    /// Evidence that the gates do not give again.
    #[error("the evidence is not what the gates rest on: {0}")]
    OtherEvidence(String),
    /// Evidence without the audits that the policy asks for.
    #[error("the evidence lists too few of this scope's audits")]
    TooFewAudits,
    /// A block of the evidence that this machine's endpoint does not have.
    #[error("block {block} of the evidence is not on {network}")]
    OtherBlock { block: B256, network: String },
    /// Evidence of a chain that is none of the project's.
    #[error("the evidence names chain {0}, which is not a network of tidegate.toml")]
    UnknownChain(u64),
    /// A soak that was not over at its last block.
    #[error("the evidence's last block of the soak comes before its end")]
    SoakTooShort,
    /// Evidence and promotion name two last blocks.
    #[error("the evidence names another last block of the soak than the proposal")]
    OtherTerminal,
    /// The soak of another deployment.
    #[error("the proposal rests on another deployment's soak")]
    OtherSoak,
}

/// How long a proposal may stay executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `valid_for` of the policy.
    Policy,
    /// The end of what was waived.
    Waived,
    /// The first end of what the gates pass by.
    Evidence,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Policy => "the policy allows",
            Self::Waived => "what was waived",
            Self::Evidence => "what it rests on",
        })
    }
}

impl Refusal {
    /// What kind of error it is.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Nonce { .. } => Kind::Conflict,
            Self::Gates(Verdict::Waiting { .. }) => Kind::Waiting,
            Self::Gates(Verdict::Unknown { .. }) => Kind::Unknown,
            _ => Kind::Fail,
        }
    }

    /// What to do next, where that is more than to ask who proposed it.
    const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Nonce { .. } => "another transaction was executed; propose again",
            Self::AdoptionEnded(_) | Self::AdoptionTooLong => "run `tidegate policy adopt` again",
            Self::Expired | Self::Void(_) => "run `tidegate promote` again",
            Self::DoubtfulStatement { .. } => {
                "have it signed again, or run `tidegate promote` again"
            }
            Self::MissingStatement(_) => "fetch deployments/statements/ from git",
            Self::OtherEvidence(_) => "run `tidegate promote` again to propose the current state",
            _ => return None,
        })
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        let (kind, hint) = (refusal.kind(), refusal.hint());
        let error = Self::new(kind, refusal);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::{Reason, ReasonCode};

    use super::*;

    /// A refusal's kind, and the first word of what to do next.
    fn said(refusal: Refusal) -> (Kind, Option<&'static str>) {
        let first = refusal.hint().and_then(|hint| hint.split([' ', ';']).next());
        let error = AppError::from(refusal.clone());
        assert_eq!((error.kind, error.cause::<Refusal>()), (refusal.kind(), Some(&refusal)));
        assert_eq!(error.hints.is_empty(), refusal.hint().is_none());
        (refusal.kind(), first)
    }

    #[test]
    fn a_refusal_says_what_kind_it_is_and_what_to_do_next() {
        let [proposed, here] = [B256::ZERO, B256::repeat_byte(1)];
        let digest = StatementDigest(proposed);
        let (policy, other_policy) = (PolicyDigest(proposed), PolicyDigest(here));
        let [of_proposal, of_tree] = ["vault-1.4.0", "vault-1.5.0"].map(str::to_owned);
        let release = Refusal::OtherRelease { proposed: of_proposal, here: of_tree };
        let doubtful = Refusal::DoubtfulStatement { digest, why: "it is".to_owned() };
        let conflict = (Kind::Conflict, Some("another"));
        assert_eq!(said(Refusal::Nonce { safe: 8, proposal: 7 }), conflict);
        let failed = [
            (Refusal::AdoptionEnded(1), "run"),
            (Refusal::AdoptionTooLong, "run"),
            (Refusal::Expired, "run"),
            (Refusal::Void("a record".to_owned()), "run"),
            (doubtful, "have"),
            (Refusal::MissingStatement(digest), "fetch"),
            (Refusal::OtherEvidence("an input".to_owned()), "run"),
        ];
        for (refusal, first) in failed {
            assert_eq!(said(refusal.clone()), (Kind::Fail, Some(first)), "{refusal:?}");
        }
        let other = Refusal::AdoptsOther { proposed: policy, here: other_policy };
        for refusal in [Refusal::OtherSafe, other, release, Refusal::OtherBatch, Refusal::OtherSoak]
        {
            assert_eq!(said(refusal.clone()), (Kind::Fail, None), "{refusal:?}");
        }
        let reasons = vec![Reason::new(ReasonCode::NotFinal, "two blocks")];
        let waiting = Refusal::Gates(Verdict::Waiting { reasons, eta: None });
        assert_eq!(said(waiting), (Kind::Waiting, None));
        let unknown = Refusal::Gates(Verdict::unknown(ReasonCode::Unreadable, "no answer"));
        assert_eq!(said(unknown), (Kind::Unknown, None));
        let failed = Refusal::Gates(Verdict::fail(ReasonCode::CodeDiffers, "vault"));
        assert_eq!(said(failed), (Kind::Fail, None));
    }

    #[test]
    fn each_limit_has_its_own_words() {
        let words = [Limit::Policy, Limit::Waived, Limit::Evidence].map(|limit| {
            let words = Refusal::TooLong(limit).to_string();
            assert!(words.len() > "the proposal would stay executable longer than ".len());
            words
        });
        assert!(words[0] != words[1] && words[1] != words[2] && words[0] != words[2]);
    }
}
