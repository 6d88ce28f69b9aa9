//! `tidegate policy`.

use clap::{Args, Subcommand};
use tidegate_app::error::AppResult;
use tidegate_app::network::described;
use tidegate_app::policy_adoption::{no_emergency, present, proven, to_adopt};
use tidegate_app::text::plain;
use tidegate_model::NetworkId;
use tidegate_model::policy::{PolicyDoc, SafeTrust};
use tidegate_model::units::{counted, format_span_secs, format_utc};

use crate::context::Context;

/// Show the policy, test it, and propose its adoption to the Safe
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the current policy and its digest
    Show(TargetArgs),
    /// Propose to the Safe to adopt this policy
    Adopt(TargetArgs),
    /// Check that each gate refuses when one of its inputs is damaged
    Check(TargetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The target network; default: the only mainnet network
    pub(super) target: Option<String>,
}

pub(crate) async fn run(project: &Context, command: &PolicyCommand) -> AppResult<u8> {
    match command {
        PolicyCommand::Show(args) => show(project, args).await,
        PolicyCommand::Adopt(args) => adopt(project, args).await,
        PolicyCommand::Check(args) => super::policy_check::run(project, args).await,
    }
}

async fn show(project: &Context, args: &TargetArgs) -> AppResult<u8> {
    let present = present(project, args.target.as_deref()).await?;
    show_document(project, &present.doc)?;
    show_looser(project, &present.looser);
    let view = present.view(project)?;
    if let Some(why) = &view.other {
        project.ui.row(&project.ui.verdict("FAIL"), &format!("safe: {why}"));
    }
    project.ui.result(&view);
    Ok(0)
}

async fn adopt(project: &Context, args: &TargetArgs) -> AppResult<u8> {
    let adoptable = to_adopt(project, args.target.as_deref()).await?;
    show_document(project, &adoptable.present().doc)?;
    show_looser(project, &adoptable.present().looser);
    let next = adoptable.next(project).await?;
    show_changes(project, &next.changes);
    let ui = &project.ui;
    if let Some(view) = next.is_there() {
        ui.line(format!("The Safe has adopted it already, as version {}.", view.version));
        project.ui.result(&view);
        return Ok(0);
    }
    let view = next.propose(project)?;
    ui.line("");
    ui.row("proposal", &view.proposal.to_string());
    ui.row("file", &view.file.display().to_string());
    ui.row("valid until", &format_utc(view.valid_until));
    ui.note(format!(
        "commit both files; each owner runs `tidegate proposal sign {}`",
        view.proposal
    ));
    project.ui.result(&view);
    Ok(0)
}

/// Each line that asks for less than the defaults or than what is adopted. Where the chain could
/// not be asked, that is said; the gate judges.
pub(crate) fn show_looser(project: &Context, looser: &AppResult<Vec<(String, Vec<String>)>>) {
    match looser {
        Ok(looser) => {
            for (than, lines) in looser {
                project.ui.line(format!("Looser than {than}, in effect 72 hours after adoption:"));
                for line in lines {
                    project.ui.row("", line);
                }
            }
        }
        Err(error) => project.ui.warn(format!("not compared with what is adopted: {error}")),
    }
}

/// What happened to the Safe since it adopted a policy, which a further adoption settles.
pub(crate) fn show_changes(project: &Context, changes: &[String]) {
    /// The most changes that are listed.
    const SHOWN_MAX: usize = 20;
    if changes.is_empty() {
        return;
    }
    project.ui.line("Happened to the Safe since its last adoption; adopting anew settles it:");
    for change in changes.iter().take(SHOWN_MAX) {
        project.ui.row("", change);
    }
    if changes.len() > SHOWN_MAX {
        project.ui.row("", &format!("and {} more", changes.len() - SHOWN_MAX));
    }
}

/// The policy in words.
pub(crate) fn show_document(project: &Context, doc: &PolicyDoc) -> AppResult {
    let ui = &project.ui;
    ui.line(format!("Policy of {} on chain {}", doc.name, doc.target.chain));
    ui.row("digest", &doc.digest()?.to_string());
    ui.row(
        "Safe",
        &format!(
            "{} ({} of {})",
            doc.safe.address,
            doc.safe.threshold,
            counted(doc.safe.owners.len(), "owner")
        ),
    );
    for soak in &doc.soaks {
        let id = NetworkId { chain: soak.chain, genesis: soak.genesis };
        let chain = described(id);
        ui.row("soaks on", &format!("{chain}; a block every {} s", soak.block_time));
    }
    ui.row("quorum", &counted(doc.quorum as usize, "endpoint"));
    let rules = &project.rules;
    ui.row("soak", &format_span_secs(rules.soak_secs));
    ui.row("audits", &counted(rules.audits, "firm"));
    ui.row(
        "activity",
        &format!(
            "{} by {} over {} % of functions",
            counted(rules.transactions, "transaction"),
            counted(rules.senders, "outsider"),
            rules.selectors_percent
        ),
    );
    if !rules.activity_ignore.is_empty() {
        ui.row("not counted", &rules.activity_ignore.join(", "));
    }
    show_decisions(project, doc);
    ui.row("proposals", &format!("valid for {}", format_span_secs(rules.valid_for_secs)));
    show_safe(project, &doc.safe);
    let proven = proven(project, doc)?;
    for (name, person) in &doc.people {
        let firm = person.firm.as_ref().map_or_else(String::new, |firm| format!(" of {firm}"));
        ui.row(name, &format!("{}{firm}", person.roles.join(", ")));
        for key in &person.keys {
            let proven = if proven.contains(&key.address) { "" } else { "   not proven" };
            ui.row("", &format!("{key}{proven}"));
        }
    }
    for (id, name) in &doc.firms {
        ui.row("firm", &format!("{id}: {name}"));
    }
    for (name, existing) in &doc.existing {
        ui.row(&format!("@{name}"), &format!("{}   may be upgraded", existing.address));
        if let Some(admin) = existing.admin {
            ui.row("", &format!("by its admin {admin}"));
        }
    }
    for entry in &doc.funds {
        ui.row("treasury", &format!("{} on chain {}", entry.treasury, entry.chain));
    }
    for (name, external) in &doc.externals {
        ui.row(&format!("@{name}"), &external.address.to_string());
        ui.row("", &format!("code {}", external.code_hash));
    }
    for (name, param) in &doc.params {
        let value = param.value.as_ref().map_or_else(|| "as soaked".to_owned(), plain);
        ui.row(&format!("${name}"), &format!("{value}   rule {}", plain(&param.rule)));
    }
    Ok(())
}

fn show_safe(project: &Context, safe: &SafeTrust) {
    let ui = &project.ui;
    for (what, address) in
        [("guard", safe.guard), ("module guard", safe.module_guard), ("handler", safe.handler)]
    {
        if !address.is_zero() {
            ui.row(what, &address.to_string());
        }
    }
    for module in &safe.modules {
        ui.row("module", &module.to_string());
    }
    for owner in &safe.owners {
        ui.row("owner", &owner.to_string());
    }
}

/// Who says go, who may lower what, and what the Safe may have.
fn show_decisions(project: &Context, doc: &PolicyDoc) {
    let (ui, rules) = (&project.ui, &project.rules);
    let disciplines = if rules.go.disciplines.is_empty() {
        String::new()
    } else {
        format!(": {}", rules.go.disciplines.join(", "))
    };
    let people = counted(rules.go.people, "person");
    ui.row("go", &format!("{people}{disciplines}"));
    let (waiver, emergency) = (rules.waiver_signers, rules.emergency_signers);
    ui.row("guardians", &format!("{waiver} sign a waiver, {emergency} an emergency"));
    if let Some(why) = no_emergency(project, doc) {
        ui.row("", &format!("no emergency can be declared: {why}"));
    }
    if rules.fresh {
        ui.row(
            "fresh",
            "contracts that others can create first must not exist before the Safe \
                         creates them",
        );
    }
    for allowed in &rules.safe_allow {
        ui.row("allowed", allowed);
    }
}
