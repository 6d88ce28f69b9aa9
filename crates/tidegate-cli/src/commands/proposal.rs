//! `tidegate proposal`: what owners check, sign and execute.

use clap::{Args, Subcommand};
use tidegate_app::error::AppResult;
use tidegate_app::proposals::{self, Finished, Found, Listing, Opened, Promoted, SheetView};
use tidegate_app::recheck::{Recheck, Rechecked, Seen, recheck};
use tidegate_model::Verdict;
use tidegate_model::ports::DigestSigner;
use tidegate_model::units::{counted, format_utc};

use super::policy;
use crate::context::Context;
use crate::exit;
use crate::signer::signer;

/// List, show, verify, sign and execute proposals to a Safe
#[derive(Debug, Subcommand)]
pub(crate) enum ProposalCommand {
    /// List proposals and who has signed
    List,
    /// Show what a proposal does
    Show(HashArgs),
    /// Check a proposal on your own endpoints, without signing
    Verify(HashArgs),
    /// Check a proposal and sign it as an owner
    Sign(HashArgs),
    /// Check a proposal and execute it with the collected signatures
    Execute(HashArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HashArgs {
    /// The proposal's safeTxHash or a prefix of it; default: the only proposal
    hash: Option<String>,
}

pub(crate) async fn run(project: &Context, command: &ProposalCommand) -> AppResult<u8> {
    let args = match command {
        ProposalCommand::List => return list(project).await,
        ProposalCommand::Show(args)
        | ProposalCommand::Verify(args)
        | ProposalCommand::Sign(args)
        | ProposalCommand::Execute(args) => args,
    };
    let found = proposals::find_trusted(project, args.hash.as_deref()).await?;
    match command {
        ProposalCommand::Verify(_) => verify(project, &found).await,
        ProposalCommand::Sign(_) => sign(project, &found).await,
        ProposalCommand::Execute(_) => execute(project, &found).await,
        ProposalCommand::List | ProposalCommand::Show(_) => show(project, &found),
    }
}

async fn list(project: &Context) -> AppResult<u8> {
    let Listing { view, outcome } = proposals::list(project).await?;
    for row in &view.proposals {
        let (signed, standing) = (row.signed.len(), row.standing.words());
        project.ui.line(format!("{} {}", row.safe_tx_hash, row.title));
        project.ui.line(format!(
            "  {} nonce {}, {signed} of {}: {standing}",
            row.network,
            row.nonce,
            counted(row.threshold, "signature")
        ));
    }
    if view.proposals.is_empty() && outcome.is_ok() {
        project.ui.note("no proposals");
    }
    if !view.proposals.is_empty() || outcome.is_ok() {
        project.ui.result(&view);
    }
    outcome.map(|()| 0)
}

fn show(project: &Context, found: &Found) -> AppResult<u8> {
    let view = SheetView::of(found);
    project.ui.table(&view.sheet);
    project.ui.result(&view);
    Ok(0)
}

/// Re-checks a proposal, and shows what was looked at, also where it is refused; then its sheet.
async fn checked<'a>(project: &Context, opened: &'a Opened<'a>) -> AppResult<Rechecked<'a>> {
    let ui = &project.ui;
    let Recheck { seen, outcome } = recheck(project, opened).await;
    match seen {
        Some(Seen::Adoption { policy: doc, looser, changes }) => {
            policy::show_document(project, &doc)?;
            policy::show_looser(project, &looser);
            policy::show_changes(project, &changes);
        }
        Some(Seen::Promotion(built, assessment)) => {
            super::status::gates(project, built, &assessment);
            ui.line("");
            ui.line("Differs from the testnet:");
            super::status::differences(project, &assessment);
        }
        None => {}
    }
    outcome
}

async fn verify(project: &Context, found: &Found) -> AppResult<u8> {
    let opened = Opened::of(project, found).await?;
    let rechecked = checked(project, &opened).await?;
    rechecked.tell(&project.ui);
    let (ui, view) = (&project.ui, rechecked.view());
    ui.line("");
    ui.line(format!("{} it may be signed", ui.verdict(view.result.word())));
    project.ui.result(&view);
    Ok(exit::of(&view.result))
}

async fn sign(project: &Context, found: &Found) -> AppResult<u8> {
    let signer = signer(project, None)?;
    let opened = Opened::of(project, found).await?;
    let rechecked = checked(project, &opened).await?;
    rechecked.require_owner(signer.address())?;
    let (ui, signed) = (&project.ui, rechecked.sign(project, &signer)?);
    let (owner, count, threshold) = (signed.owner, signed.signed.len(), signed.threshold);
    ui.line("");
    let of = counted(threshold, "signature");
    ui.line(format!("Signed by {owner}: {count} of {of}."));
    project.ui.result(&signed);
    if signed.is_ready {
        let hash = signed.safe_tx_hash;
        ui.note(format!("it can be executed: `tidegate proposal execute {hash}`"));
    }
    Ok(exit::of(&rechecked.verdict))
}

async fn execute(project: &Context, found: &Found) -> AppResult<u8> {
    let opened = Opened::of(project, found).await?;
    if opened.is_done(project).await? {
        project.ui.note("it was executed already");
        return finish(project, &opened, Verdict::Pass).await;
    }
    let rechecked = checked(project, &opened).await?;
    let ready = rechecked.ready(project)?;
    let signer = signer(project, project.network(&found.network)?.relayer.as_deref())?;
    let executed = ready.execute(project, &signer).await?;
    project.ui.row("transaction", &executed.transaction.to_string());
    project.ui.row("gas", &executed.gas_used.to_string());
    finish(project, &opened, rechecked.verdict).await
}

/// Reads everything back and writes the files that say where it stands; only then is it done.
async fn finish(project: &Context, opened: &Opened<'_>, verdict: Verdict) -> AppResult<u8> {
    match opened.finish(project, verdict.clone()).await? {
        Finished::Adopted(view) => {
            project.ui.line(format!(
                "The Safe has adopted policy version {}, digest {}.",
                view.version, view.adopted
            ));
            project.ui.result(&view);
            Ok(exit::of(&verdict))
        }
        Finished::Promoted(promoted) => Ok(show_promoted(project, &promoted)),
    }
}

fn show_promoted(project: &Context, promoted: &Promoted<'_>) -> u8 {
    let (ui, view) = (&project.ui, &promoted.view);
    for (name, address) in &promoted.contracts {
        ui.line(format!("{} {name:<24} {address}", ui.verdict("PASS")));
    }
    ui.row("recorded", &format_utc(view.recorded_at));
    ui.row("deployment", &promoted.digest.to_string());
    if let Some(record) = &promoted.file {
        ui.row("record", &record.display().to_string());
    }
    ui.line(format!("{} is promoted to {}.", promoted.name, view.network));
    if let Verdict::Waived { by, until, .. } = &view.overall {
        let until = format_utc(*until);
        ui.line(format!("{} by {by}, until {until}", ui.verdict("WAIVED")));
    }
    if view.read_back != Verdict::Pass {
        let word = ui.verdict(view.read_back.word());
        ui.line(format!("{word} read back from {}", view.network));
        view.read_back.sentences().iter().for_each(|reason| ui.row("", reason));
    }
    project.ui.result(view);
    exit::of(&view.verdict())
}
