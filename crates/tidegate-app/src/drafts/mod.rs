//! What people decide and find, as statements that are not signed yet. Each use case reads what it
//! rests on, refuses what would count for nothing, and answers with a draft to look at.

mod bugs;
mod decide;
mod emergency;
mod funds;
mod guard;
mod result;
mod revoke;
mod risk;
mod start;
mod withdraw;

use std::collections::BTreeSet;

use alloy_primitives::Address;
use tidegate_evidence::StatementSet;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, Statement};
/// A bug's severity, and the conclusion of a triage.
pub use tidegate_model::statement::{Resolution, Severity};
use tidegate_model::{ReleaseRoot, StatementDigest};

pub use self::bugs::{BugRequest, TriageRequest, Triaged, bug, triage};
pub use self::decide::{FreezeRequest, GoRequest, Going, StopRequest, freeze, go, no_go};
pub use self::emergency::{Urgency, emergency};
pub use self::funds::{AskRequest, Asked, DecideRequest, Deciding, ask, asked};
pub(crate) use self::funds::{network_name, pick};
pub use self::guard::{PostmortemRequest, WaiverRequest, key_claim, postmortem, waiver};
pub use self::result::{ResultRequest, Tried, TriedCall, result};
pub use self::revoke::{RevokeRequest, Revoking, revoke};
pub use self::risk::{RiskAsked, RiskRequest, RiskShown, risk};
pub use self::start::{Start, StartedView, Starts, starts};
pub use self::withdraw::{WithdrawRequest, Withdrawing, withdraw};
use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::people;
use crate::posting::say_and_post;
use crate::project::Project;
use crate::saying::{About, general};
use crate::{records, relied, statements};

/// The release and target that a statement is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The release, by its name or root; by default what the working tree builds.
    pub release: Option<String>,
    /// The target; by default the only one.
    pub target: Option<String>,
}

/// Statements and records that a draft names by digest and that only this machine may have.
#[derive(Debug)]
struct Named {
    set: StatementSet,
    listed: BTreeSet<StatementDigest>,
    target: String,
    release: ReleaseRoot,
}

impl Named {
    /// Writes their missing files, so that others find them.
    fn restore(&self, project: &Project) -> AppResult {
        statements::restore(project, &self.set, &self.listed)?;
        records::restore(project, &self.target, self.release)
    }
}

/// A statement that is not signed yet.
#[derive(Debug)]
pub struct Draft<T = ()> {
    shown: T,
    target: String,
    statement: Statement,
    /// The subject under which it is also posted at the helper, and until when, in seconds since
    /// 1970.
    posted: Option<(StatementDigest, u64)>,
    /// Whether the Safes must be pinned first: no policy is adopted, so only the file says who
    /// decides.
    must_pin: bool,
    /// The statements and records whose files are written before it is signed.
    named: Option<Box<Named>>,
}

impl<T> Draft<T> {
    async fn of(
        project: &Project,
        about: About,
        signer: &dyn DigestSigner,
        body: Body,
        shown: T,
    ) -> AppResult<Self> {
        let statement = Statement::Statement(general(project, &about, signer, body).await?);
        Ok(Self {
            shown,
            target: about.target,
            statement,
            posted: None,
            must_pin: false,
            named: None,
        })
    }

    /// The data that the signer reviews first.
    pub const fn shown(&self) -> &T {
        &self.shown
    }

    /// Its digest, which is the name of its file.
    ///
    /// # Errors
    /// If it has no canonical form.
    pub fn digest(&self) -> AppResult<StatementDigest> {
        Ok(self.statement.digest()?)
    }

    /// Has it approved, writes the files that it names, signs it and writes its file. If it is
    /// posted too, the same approval covers that. If the caller wants typed data, that is written
    /// instead.
    ///
    /// # Errors
    /// If nobody approves it, or it cannot be written or posted; or a Safe must be pinned first.
    pub async fn sign(self, project: &Project, signer: &dyn DigestSigner) -> AppResult {
        let Self { target, statement, posted, must_pin, named, .. } = self;
        if must_pin {
            relied::require_pinned(project).await?;
        }
        let restore = || named.map_or(Ok(()), |named| named.restore(project));
        say_and_post(project, &target, signer, statement, posted, restore).await
    }
}

/// The name of the person who holds the signing key. Anybody else is refused, since only keys of
/// the policy count.
fn speaker(project: &Project, key: Address) -> AppResult<String> {
    let found = people(project).into_iter().find(|(_, person)| person.holds(key));
    found.map(|(name, _)| name).ok_or_else(|| {
        AppError::new(Kind::Keys, format!("{key} belongs to nobody under [people]"))
            .hint("only keys under [people] count")
    })
}

/// The signer's name and the target, for statements that are no stops.
async fn spoken(
    project: &Project,
    signer: &dyn DigestSigner,
    target: Option<&str>,
) -> AppResult<(String, About)> {
    relied::require(project).await?;
    let speaker = speaker(project, signer.address())?;
    Ok((speaker, About::of_target(project, target)?))
}
