//! Approval of exactly one plan or digest: given with the request, or by a person who is asked.

use alloy_primitives::{B256, hex};
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_model::lookup::{self, Prefix};
use tidegate_model::statement::{Date, WRITTEN_SECS_MAX};

use crate::error::{Again, AppError, AppResult, Options};
use crate::front::{Approving, Event, Question};
use crate::project::Project;

/// An action that needs approval before it is signed or sent.
#[derive(Debug)]
pub(crate) struct Approval<'a> {
    /// The network's name, asked for together with the hash so that the wrong chain is noticed.
    pub network: &'a str,
    /// The digest of everything that is about to happen.
    pub hash: B256,
    /// The part of the hash that must be given.
    pub given: Given,
    /// Options that the printed command must repeat so that it freezes the same thing.
    pub options: Options,
    /// The action as data, which programs are shown beside the sheet.
    pub fields: Map<String, Value>,
}

/// The members of a view, for [`Approval::fields`].
pub(crate) fn fields(view: &impl Serialize) -> AppResult<Map<String, Value>> {
    Ok(serde_json::from_value(serde_json::to_value(view)?)?)
}

/// The part of a hash that approves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// The first digits, as many as name anything (`DIGITS_MIN`).
    Beginning,
    /// All of it: money moves, or a Safe's transaction is signed or sent.
    Whole,
}

/// Whether the request's `--approve` names this hash.
pub(crate) fn names(project: &Project, given: Given, hash: B256) -> bool {
    project.approved.as_deref().is_some_and(|text| match given {
        Given::Whole => lookup::whole(text).is_ok_and(|whole| whole == hash),
        Given::Beginning => Prefix::parse(text).is_ok_and(|prefix| prefix.begins(hash)),
    })
}

/// The proof that one hash was approved. Only [`approve`] makes it; signing and sending require it.
#[derive(Debug)]
#[must_use = "what was approved is signed or sent by it"]
pub(crate) struct Consent(B256);

impl Consent {
    /// The hash that was approved.
    pub(crate) const fn hash(&self) -> B256 {
        self.0
    }
}

/// Returns once the hash has been approved.
///
/// # Errors
/// Usage, with the exact command to type, if nobody can be asked and nothing was approved; or if
/// what was approved is something else.
pub(crate) fn approve(project: &Project, approval: &Approval<'_>) -> AppResult<Consent> {
    let hash = hex::encode(approval.hash);
    if project.approved.is_none() || project.dry_run {
        show_again(project, approval, &hash);
    }
    if project.dry_run {
        return Err(AppError::dry_run(format!("approve {hash} for {}", approval.network)));
    }
    if let Some(given) = &project.approved {
        let is_this = match approval.given {
            Given::Whole => lookup::whole(given).map(|whole| whole == approval.hash),
            Given::Beginning => Prefix::parse(given).map(|prefix| prefix.begins(approval.hash)),
        };
        if is_this.as_ref().is_ok_and(|is_this| *is_this) {
            return Ok(Consent(approval.hash));
        }
        show_again(project, approval, &hash);
        keep_date(project, &hash)?;
        let error = match is_this {
            Err(error) => AppError::from(error),
            Ok(_) => AppError::usage(format!(
                "{given} was approved, but what would happen now has hash {hash}"
            )),
        };
        let again = again_with(approval, &hash);
        return Err(error.hint("review it again, then approve it:").again(again));
    }
    if !project.front.can_ask() {
        keep_date(project, &hash)?;
        return Err(AppError::usage("this needs approval, and nobody can be asked here")
            .hint("approve exactly this:")
            .again(again_with(approval, &hash)));
    }
    let question = Question::Approve { network: approval.network, hash: approval.hash };
    if project.front.ask(&question)? {
        return Ok(Consent(approval.hash));
    }
    Err(AppError::usage("not approved; nothing was signed or sent"))
}

/// Shows the whole action to whoever approves; warnings are repeated.
fn show_again(project: &Project, approval: &Approval<'_>, hash: &str) {
    project.front.tell(Event::Approval(&Approving {
        network: approval.network,
        hash: approval.hash,
        fields: &approval.fields,
        again: &again_with(approval, hash),
    }));
}

/// The kind of blobs that keep the date of what was shown, by its hash.
const DATES: &str = "date";

/// Keeps the block by which the action is dated, so that approving it later gives the same hash.
fn keep_date(project: &Project, hash: &str) -> AppResult {
    if let Some(date) = project.date.get() {
        project.store()?.put_blob(DATES, hash, &serde_json::to_vec(date)?)?;
    }
    Ok(())
}

/// The date of what is approved now, if it was shown here and is not too old for typed data.
pub(crate) fn shown_at(project: &Project, newest: &Date) -> AppResult<Option<Date>> {
    let Some(given) = &project.approved else { return Ok(None) };
    let Ok(prefix) = Prefix::parse(given) else { return Ok(None) };
    let store = project.store()?;
    let keys = store.blob_keys(DATES)?;
    let is_shown = |key: &&String| key.parse().is_ok_and(|hash| prefix.begins(hash));
    let Some(key) = keys.iter().find(is_shown) else { return Ok(None) };
    let Some(bytes) = store.get_blob(DATES, key)? else { return Ok(None) };
    let date: Date = serde_json::from_slice(&bytes)?;
    let is_recent = newest.time.checked_sub(date.time).is_some_and(|age| age <= WRITTEN_SECS_MAX);
    Ok((date.at.chain == newest.at.chain && is_recent).then_some(date))
}

/// The options with which the same request approves this hash.
fn again_with(approval: &Approval<'_>, hash: &str) -> Again {
    let mut options = approval.options.clone();
    options.push(("--approve", hash.to_owned()));
    Again { options }
}
