//! `tidegate status`: the screen people live in.

use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_app::assess::Assessment;
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::release::{Built, select_standing};
use tidegate_app::report::Document;
use tidegate_app::status::Status;
use tidegate_app::text::plain;
use tidegate_app::view::{
    Difference, GateView, SoakView, StandIn, StatusView, WriteView, changed, gate_views,
    other_builds, stand_ins, write_views,
};
use tidegate_model::policy::External;
use tidegate_model::units::{counted, format_date, format_span_secs, format_utc, parse_span_secs};
use tidegate_model::{StatementDigest, Verdict};
use tidegate_plan::config::Stage;
use tidegate_store::write_atomic;

use super::testnets;
use super::watch::Rounds;
use crate::context::Context;
use crate::exit;
use crate::report;
use crate::signer::signer;
use crate::text::{COLUMNS, wrap};
use crate::ui::Ui;

/// Show where a release stands: gates, soak, and who must act next
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The target network; default: the only mainnet network. Without any, each testnet is shown
    /// by itself
    #[arg(long)]
    target: Option<String>,
    /// The release; default: the release that the working tree builds
    release: Option<String>,
    /// Exit with the code of the verdict
    #[arg(long)]
    pub(super) check: bool,
    /// Explain every gate: its inputs, who signed what, and the earliest promotion
    #[arg(long)]
    pub(super) explain: bool,
    /// Write the explanation to a file that ends in .md or .html
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Re-evaluate at intervals and show changes; with --as, sign a soak sample each day
    #[arg(long, conflicts_with_all = ["explain", "report"])]
    pub(super) watch: bool,
    /// The pause between two rounds
    #[arg(long, default_value = "10m", requires = "watch")]
    every: String,
    /// Stop after this many rounds
    #[arg(long, value_name = "N", requires = "watch")]
    rounds: Option<u64>,
    /// Sign a sample of the soak with the key of --as
    #[arg(long, conflicts_with = "watch")]
    pub(super) sample: bool,
}

pub(crate) async fn run(project: &Context, args: &StatusArgs) -> AppResult<u8> {
    let built = select_standing(project, args.release.as_deref())?;
    if args.target.is_none() && testnets::are_all(project) {
        return testnets::run(project, &built, args).await;
    }
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    if args.watch {
        let every_secs = parse_span_secs(&args.every).or_kind(Kind::Usage)?;
        let rounds = Rounds { every_secs, most: args.rounds };
        let verdict = super::watch::run(project, &built, &target, &rounds).await?;
        return Ok(if args.check { exit::of(&verdict) } else { 0 });
    }
    let signer = if args.sample { Some(signer(project, None)?) } else { None };
    let status = Status::read(project, &built, &target).await?;
    status.warnings.iter().for_each(|what| project.ui.warn(what));
    let view = &status.view;
    let asked = args.explain || args.report.is_some();
    let explained = asked.then(|| status.report()).transpose()?;
    if let (Some(path), Some(document)) = (&args.report, &explained) {
        write_report(path, document)?;
        project.ui.note(format!("written: {}", path.display()));
    }
    if let Some(document) = explained.filter(|_| args.explain) {
        report::show(&document, &project.ui);
    } else {
        show(&project.ui, view);
        next_rows(&project.ui, &view.next);
    }
    project.ui.result(view);
    if let Some(signer) = &signer {
        noted(project, status.sample(signer)?);
    }
    let code = exit::of(status.verdict());
    Ok(if args.check { code } else { 0 })
}

/// What comes next, if anything does.
pub(super) fn next_rows(ui: &Ui, next: &[String]) {
    if !next.is_empty() {
        ui.line("");
    }
    for (index, step) in next.iter().enumerate() {
        ui.row(if index == 0 { "Next" } else { "" }, step);
    }
}

/// Markdown or a page, as the file's name ends.
fn write_report(path: &Path, document: &Document) -> AppResult {
    let text = match path.extension().and_then(|extension| extension.to_str()) {
        Some("md") => document.markdown(),
        Some("html") => document.html(),
        _ => {
            let name = path.display();
            return Err(AppError::usage(format!("--report {name}: a report is .md or .html")));
        }
    };
    write_atomic(path, text.as_bytes()).or_kind(Kind::Config)
}

/// Says which sample was signed.
pub(crate) fn noted(project: &Context, sample: Option<StatementDigest>) {
    project.ui.note(match sample {
        Some(digest) => format!("signed deployments/statements/{digest}.json; commit the file"),
        None => "this key has signed a sample of this day already".to_owned(),
    });
}

fn show(ui: &Ui, view: &StatusView) {
    let (target, root) = (&view.target, view.roots.release_root);
    let (soak, soaks) = &view.soaks_on;
    ui.line(format!("{}   {soak} → {target}   release {}", view.release, root.short()));
    if let Some(soaks) = soaks {
        ui.line(format!("{soak} is {soaks}"));
    }
    if let Some(head) = view.gate_head {
        let (time, block) = (format_utc(head.timestamp), head.block.number);
        ui.line(format!("{target} time {time} (finalized block {block})"));
    }
    ui.line("");
    if let Some(promoted) = &view.promoted {
        ui.line(format!("PROMOTED {}", format_utc(promoted.recorded_at)));
        ui.line(format!("releaseRoot {root}"));
        let intact = &promoted.read_back;
        ui.line(format!("{} read back from {target}", ui.verdict(intact.word())));
        intact.sentences().iter().for_each(|reason| ui.row("", reason));
        return;
    }
    if let Some(soak) = &view.soak {
        ui.line(soak_bar(soak));
        interruptions(ui, soak);
        ui.line("");
    }
    gate_lines(ui, &view.gates, &view.local.other_builds);
    if !view.stand_ins.is_empty() {
        ui.line("");
        ui.line("Code differs from where it soaked:");
        stand_in_rows(ui, (soak, target), &view.stand_ins);
    }
    write_rows(ui, (soak, target), &view.writes);
    ui.line("");
    let overall = &view.overall;
    if view.is_held_by_batch {
        ui.line(format!(
            "{} every gate passes, but not the batch: it cannot be promoted",
            ui.verdict(overall.word())
        ));
        return overall.sentences().iter().for_each(|reason| ui.row("", reason));
    }
    ui.line(format!("{} {}", ui.verdict(overall.word()), meaning(overall)));
}

/// Every gate with its verdict and reasons, and whose compiler was another build than ours.
pub(crate) fn gates(project: &Context, built: &Built, assessment: &Assessment) {
    gate_lines(&project.ui, &gate_views(assessment), &other_builds(built, assessment));
}

fn gate_lines(ui: &Ui, gates: &[GateView], other_builds: &[String]) {
    gates.iter().for_each(|view| gate(ui, view));
    for line in other_builds.iter().flat_map(|said| wrap(said, COLUMNS)) {
        ui.line(line);
    }
}

/// What differs between the testnet and the target, as signers must see it.
pub(crate) fn differences(project: &Context, assessment: &Assessment) {
    let (ui, between) = (&project.ui, (&assessment.soak, &assessment.target));
    for Difference { name, soaked, target } in changed(assessment) {
        let target = target.as_ref().map_or_else(Clone::clone, plain);
        ui.row(&format!("${name}"), &format!("{} on {}", plain(&soaked), between.0));
        ui.row("", &format!("{target} on {}", between.1));
    }
    stand_in_rows(ui, between, &stand_ins(assessment));
    write_rows(ui, between, &write_views(assessment));
}

/// Every slot that the plan writes in contracts that are there already.
fn write_rows(ui: &Ui, (soak, target): (&String, &String), writes: &[WriteView]) {
    if !writes.is_empty() {
        ui.line("\nWrites in existing contracts:");
    }
    for row in writes {
        let label = row.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        ui.line(format!("{} slot {}{label}", row.contract, row.slot));
        let known = |value: &Option<String>, none: &str| value.clone().unwrap_or(none.to_owned());
        ui.row("", &format!("{} on {target}", known(&row.target, "left alone")));
        ui.row("", &format!("{} on {soak}", known(&row.soaked, "not compared with it")));
    }
}

/// The externals that are other code on the target than where the release soaked.
fn stand_in_rows(ui: &Ui, (soak, target): (&String, &String), rows: &[StandIn]) {
    for row in rows {
        let at = |of: &External, on| format!("{} on {on}, code hash {}", of.address, of.code_hash);
        ui.row(&format!("@{}", row.name), &at(&row.soaked, soak));
        ui.row("", &at(&row.target, target));
    }
}

pub(super) fn gate(ui: &Ui, view: &GateView) {
    const INDENT_COLUMNS: usize = 20;
    let verdict = ui.verdict(view.result.word());
    let summary = wrap(&view.summary, COLUMNS - INDENT_COLUMNS);
    for (index, line) in summary.into_iter().enumerate() {
        if index == 0 {
            ui.line(format!("{verdict} {:<11} {line}", view.gate.name()));
        } else {
            ui.line(format!("{:INDENT_COLUMNS$}{line}", ""));
        }
    }
    for reason in view.result.sentences() {
        let lines = wrap(&reason, COLUMNS - INDENT_COLUMNS - 2);
        for (index, line) in lines.into_iter().enumerate() {
            let mark = if index == 0 { "- " } else { "  " };
            ui.line(format!("{:INDENT_COLUMNS$}{mark}{line}", ""));
        }
    }
}

/// The soak as a bar: `[######....] 6d of 14d, until 2026-01-20 00:02 UTC`.
pub(super) fn soak_bar(soak: &SoakView) -> String {
    const BAR_COLUMNS: u64 = 28;
    let required = soak.required_secs.max(1);
    let full = (soak.credited_secs.min(required) * BAR_COLUMNS) / required;
    let bar: String = (0..BAR_COLUMNS).map(|i| if i < full { '#' } else { '.' }).collect();
    let credited = format_span_secs(soak.credited_secs);
    let required = format_span_secs(soak.required_secs);
    if soak.credited_secs >= soak.required_secs {
        return format!("soak [{bar}] {credited} of {required}: done");
    }
    let left = format_span_secs(soak.required_secs - soak.credited_secs);
    format!(
        "soak [{bar}] {credited} of {required}\n     {left} of chain time left, until {}",
        format_utc(soak.eta)
    )
}

/// What set the soak back, and when it did not count; the latest ones.
pub(super) fn interruptions(ui: &Ui, soak: &SoakView) {
    const ROWS_SHOWN_MAX: usize = 8;
    let resets = soak.resets.iter().map(|reset| {
        (format!("restarted {}:", format_utc(reset.time)), reset.reason.clone(), reset.time)
    });
    let pauses = soak.pauses.iter().map(|pause| {
        let (from, until) = (format_utc(pause.from), format_utc(pause.until));
        (format!("paused {from} to {until}:"), pause.reason.clone(), pause.from)
    });
    let mut rows: Vec<_> = resets.chain(pauses).collect();
    rows.sort_by_key(|(.., time)| *time);
    let hidden = rows.len().saturating_sub(ROWS_SHOWN_MAX);
    if hidden > 0 {
        ui.line(format!("     (and {} in --json)", counted(hidden, "earlier one")));
    }
    for (what, why, _) in rows.into_iter().skip(hidden) {
        for (index, line) in wrap(&format!("{what} {why}"), COLUMNS - 7).iter().enumerate() {
            let indent = if index == 0 { "     " } else { "       " };
            ui.line(format!("{indent}{line}"));
        }
    }
    for aside in soak.set_aside.iter().take(ROWS_SHOWN_MAX) {
        ui.line(format!("     {}", aside.transaction));
        ui.line(format!("       named by {}, does not count: {}", aside.by, aside.why));
    }
    if let Some(end) = &soak.end_of_life {
        let word = if soak.head.timestamp >= end.at { "ended" } else { "ends" };
        let (network, day) = (&soak.network, format_date(end.at));
        ui.line(format!("     {network} {word} on {day}, says {}", end.source));
    }
}

const fn meaning(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "every gate passes; it can be promoted",
        Verdict::Waived { .. } => "it can be promoted under a waiver",
        Verdict::Waiting { .. } => "only chain time is missing",
        Verdict::Unknown { .. } => "evidence is missing",
        Verdict::Fail { .. } => "evidence contradicts; it cannot be promoted",
    }
}
