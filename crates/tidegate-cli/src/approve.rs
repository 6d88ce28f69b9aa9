//! Approval of exactly one plan or digest: typed at a terminal, or given as `--approve`.

use alloy_primitives::{B256, hex};
use serde_json::{Map, Value};
use tidegate_model::lookup::{self, DIGITS_MIN, Prefix};
use tidegate_model::statement::{Date, WRITTEN_SECS_MAX};

use crate::error::{CliError, CliResult};
use crate::project::Project;

/// What is about to be signed or sent.
#[derive(Debug)]
pub(crate) struct Approval<'a> {
    /// The network's name, typed together with the hash so that the wrong chain is noticed.
    pub(crate) network: &'a str,
    /// The digest of everything that is about to happen.
    pub(crate) hash: B256,
    /// How much of it has to be given.
    pub(crate) given: Given,
    /// Options that the printed command must repeat so that it freezes the same thing.
    pub(crate) options: Vec<String>,
    /// The fields of it that machines are shown beside the sheet.
    pub(crate) fields: Map<String, Value>,
}

/// How much of a hash approves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// As many digits as name anything.
    Beginning,
    /// All of it: money moves, or a Safe's transaction is signed or sent.
    Whole,
}

/// Whether `--approve` names this hash.
pub(crate) fn names(project: &Project, given: Given, hash: B256) -> bool {
    project.global.approve.as_deref().is_some_and(|text| match given {
        Given::Whole => lookup::whole(text).is_ok_and(|whole| whole == hash),
        Given::Beginning => Prefix::parse(text).is_ok_and(|prefix| prefix.begins(hash)),
    })
}

/// Returns once the hash has been approved.
///
/// # Errors
/// Usage, with the exact command to type, if there is no terminal and no approval; or if what was
/// approved is something else.
pub(crate) fn approve(project: &Project, approval: &Approval<'_>) -> CliResult {
    let hash = hex::encode(approval.hash);
    if project.global.approve.is_none() || project.global.dry_run {
        show_again(project, approval, &hash);
    }
    if project.global.dry_run {
        return Err(CliError::dry_run(format!("approve {hash} for {}", approval.network)));
    }
    if let Some(given) = &project.global.approve {
        let is_this = match approval.given {
            Given::Whole => lookup::whole(given).map(|whole| whole == approval.hash),
            Given::Beginning => Prefix::parse(given).map(|prefix| prefix.begins(approval.hash)),
        };
        let again = |error: CliError| {
            error.hint("look at it again, then approve it:").hint(command(project, approval, &hash))
        };
        if is_this.map_err(|error| again(error.into()))? {
            return Ok(());
        }
        show_again(project, approval, &hash);
        keep_date(project, &hash)?;
        return Err(again(CliError::usage(format!(
            "what was approved is {given}, what would happen now is {hash}"
        ))));
    }
    if !project.ui.interactive() {
        keep_date(project, &hash)?;
        return Err(CliError::usage("nobody is at a terminal to approve this")
            .hint("approve exactly this:")
            .hint(command(project, approval, &hash)));
    }
    let short = &hash[..DIGITS_MIN];
    let wanted = format!("{} {short}", approval.network);
    let typed = project.ui.ask(&format!("Type `{wanted}` to go on: "))?;
    if typed == wanted {
        return Ok(());
    }
    Err(CliError::usage("not approved; nothing was signed or sent"))
}

/// Whoever approves has seen all of it: lines that only `--json` kept back, and once more, right
/// above the question, what must not be overlooked.
fn show_again(project: &Project, approval: &Approval<'_>, hash: &str) {
    let (ui, said) = (&project.ui, project.ui.take_said());
    if ui.interactive() {
        said.unseen.iter().for_each(|line| ui.note(format!(" {line}")));
    } else {
        let mut document = approval.fields.clone();
        document.extend([
            ("approve".to_owned(), format!("0x{hash}").into()),
            ("network".to_owned(), approval.network.into()),
            ("command".to_owned(), command(project, approval, hash).into()),
            ("sheet".to_owned(), said.sheet.into()),
            ("attentions".to_owned(), said.attentions.clone().into()),
        ]);
        ui.result(&document.into());
    }
    if !said.attentions.is_empty() {
        ui.note("Attention, as said above:");
        said.attentions.iter().for_each(|text| ui.note(format!("  {text}")));
    }
}

/// The kind of blobs that have the dates of what was shown.
const DATES: &str = "date";

/// Remembers by which block something is dated that was shown, so that it is the same thing once it
/// is approved.
fn keep_date(project: &Project, hash: &str) -> CliResult {
    if let Some(date) = project.date.get() {
        project.store()?.put_blob(DATES, hash, &serde_json::to_vec(date)?)?;
    }
    Ok(())
}

/// By which block that was dated which is approved now, if it was shown here and not so long ago
/// that typed data would be too old.
pub(crate) fn shown_at(project: &Project, newest: &Date) -> CliResult<Option<Date>> {
    let Some(given) = &project.global.approve else { return Ok(None) };
    let digits = given.trim_start_matches("0x").to_lowercase();
    let Some(bytes) = project.store()?.get_blob(DATES, &digits)? else { return Ok(None) };
    let date: Date = serde_json::from_slice(&bytes)?;
    let is_recent = newest.time.checked_sub(date.time).is_some_and(|age| age <= WRITTEN_SECS_MAX);
    Ok((date.at.chain == newest.at.chain && is_recent).then_some(date))
}

fn command(project: &Project, approval: &Approval<'_>, hash: &str) -> String {
    let mut options: Vec<&str> = approval.options.iter().map(String::as_str).collect();
    options.extend(["--approve", hash]);
    project.ui.command_with("--approve", &options)
}
