//! `tidegate status`: the screen people live in.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use clap::Args;
use serde_json::{Value, json};
use tidegate_app::assess::{Assessment, contracts_fault};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::network::{described, has_operator};
use tidegate_app::next::next_steps;
use tidegate_app::promote::assess_ready;
use tidegate_app::published::on_testnet;
use tidegate_app::read_back::Promoted;
use tidegate_app::release::{Built, built};
use tidegate_app::sampling;
use tidegate_app::text::plain;
use tidegate_gates::{
    Coverage, ExternalRow, Findings, ParameterFacts, SoakFacts, SoakProgress, WriteRow, credited,
    pauses, progress,
};
use tidegate_model::policy::External;
use tidegate_model::units::{format_date, format_span_secs, format_utc, parse_span_secs};
use tidegate_model::{GateReport, StatementDigest, Verdict};
use tidegate_plan::config::Stage;
use tidegate_store::write_atomic;

use super::watch::Watch;
use crate::context::Context;
use crate::report::{Document, Subject, earliest, report};
use crate::signer;

/// Show where a release stands: each gate, the soak, and who must do what next
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The target; default: the only mainnet network
    #[arg(long)]
    target: Option<String>,
    /// The release; default: what the working tree builds
    release: Option<String>,
    /// Exit with the verdict
    #[arg(long)]
    check: bool,
    /// Explain: every gate with its inputs, who said what, and when it could be promoted
    #[arg(long)]
    explain: bool,
    /// Write the explanation to a file, which ends with .md or .html
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Evaluate again and again, and show what changed; with --as, sign a sample each day
    #[arg(long, conflicts_with_all = ["explain", "report"])]
    watch: bool,
    /// How long to wait between two rounds
    #[arg(long, default_value = "10m", requires = "watch")]
    every: String,
    /// Stop after so many rounds
    #[arg(long, value_name = "N", requires = "watch")]
    rounds: Option<u64>,
    /// Sign what was seen of the soak with the key of --as
    #[arg(long, conflicts_with = "watch")]
    sample: bool,
}

pub(crate) async fn run(project: &Context, args: &StatusArgs) -> AppResult<u8> {
    let built = built(project, args.release.as_deref())?;
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    if args.watch {
        let every_secs = parse_span_secs(&args.every).or_kind(Kind::Usage)?;
        let watch = Watch { every_secs, rounds: args.rounds };
        let verdict = super::watch::run(project, &built, &target, &watch).await?;
        return Ok(if args.check { verdict.exit_code() } else { 0 });
    }
    let signer = if args.sample { Some(signer::of_samples(project)?) } else { None };
    let (assessment, standing) = assess_ready(project, &built, &target).await?;
    warn_of_files(project, &built, &assessment, standing.files).await?;
    contracts_fault(project, &assessment).into_iter().for_each(|what| project.ui.warn(what));
    let promoted = standing.promoted;
    let next = next_steps(project, &built, &assessment, promoted.as_ref())?;
    let promoted = promoted.as_ref();
    let subject = Subject { built: &built, assessment: &assessment, promoted, next: &next };
    let asked = args.explain || args.report.is_some();
    let explained = asked.then(|| report(subject)).transpose()?;
    if let (Some(path), Some(document)) = (&args.report, &explained) {
        write_report(path, document)?;
        project.ui.note(format!("written: {}", path.display()));
    }
    if let Some(document) = explained.filter(|_| args.explain) {
        document.show(&project.ui);
    } else {
        show(project, &built, &assessment, promoted)?;
        if !next.is_empty() {
            project.ui.line("");
        }
        for (index, step) in next.iter().enumerate() {
            project.ui.row(if index == 0 { "Next" } else { "" }, step);
        }
    }
    project.ui.result(&document(project, &built, &assessment, promoted, &next)?);
    if let Some(signer) = &signer {
        noted(project, sampling::store(project, &assessment, signer)?);
    }
    let verdict = promoted.map_or(&assessment.overall, |promoted| &promoted.verdict);
    let code = verdict.exit_code();
    Ok(if args.check { code } else { 0 })
}

/// Names the files that front ends read and that are not what they must be. No gate rests on them;
/// those of a promoted release are read back with it.
async fn warn_of_files(
    project: &Context,
    built: &Built,
    assessment: &Assessment,
    mut files: Findings,
) -> AppResult {
    if let (Some(network), Some(record)) = (&assessment.soak_network, &assessment.record) {
        let place = (assessment.soak.as_str(), network);
        let soak = on_testnet(project, built, place, record, &record.deployment).await?;
        files.faults.extend(soak.faults);
        files.missing.extend(soak.missing);
    }
    files.faults.into_iter().chain(files.missing).for_each(|what| project.ui.warn(what.text));
    Ok(())
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

fn show(
    project: &Context,
    built: &Built,
    assessment: &Assessment,
    promoted: Option<&Promoted>,
) -> AppResult {
    let ui = &project.ui;
    let root = built.roots.release_root;
    ui.line(format!(
        "{}   {} → {}   release {}",
        built.release.name,
        assessment.soak,
        assessment.target,
        root.short()
    ));
    let soaks = tidegate_app::network::identity(project, &assessment.soak);
    if let Some(soaks) = soaks.ok().filter(|soaks| has_operator(soaks.id.chain)) {
        ui.line(format!("{} is {}", assessment.soak, described(soaks.id)));
    }
    if let Some(head) = assessment.gate_head {
        ui.line(format!(
            "{} time {} (finalized block {})",
            assessment.target,
            format_utc(head.timestamp),
            head.block.number
        ));
    }
    ui.line("");
    if let Some(promoted) = promoted {
        ui.line(format!("PROMOTED {}", format_utc(promoted.recorded_at)));
        ui.line(format!("releaseRoot {root}"));
        let intact = &promoted.verdict;
        ui.line(format!("{} read back from {}", ui.verdict(intact.word()), assessment.target));
        for reason in intact.sentences() {
            ui.row("", &reason);
        }
        return Ok(());
    }
    if let Ok(facts) = &assessment.facts.soak {
        ui.line(soak_bar(progress(&project.rules, facts)));
        interruptions(project, facts);
        ui.line("");
    }
    gates(project, built, assessment);
    if let Ok(parameters) = &assessment.facts.parameters
        && parameters.stand_ins().next().is_some()
    {
        ui.line("");
        ui.line("Other code than where it soaked:");
        stand_ins(project, assessment, parameters);
    }
    writes(project, assessment);
    ui.line("");
    let overall = &assessment.overall;
    if assessment.is_held_by_batch() {
        ui.line(format!(
            "{} every gate passes, but not the batch: it cannot be promoted",
            ui.verdict(overall.word())
        ));
        for reason in overall.sentences() {
            ui.row("", &reason);
        }
        return Ok(());
    }
    ui.line(format!("{} {}", ui.verdict(overall.word()), meaning(overall)));
    Ok(())
}

/// Every gate with its verdict and reasons, and whose compiler was another build than ours.
pub(crate) fn gates(project: &Context, built: &Built, assessment: &Assessment) {
    for report in &assessment.reports {
        gate(project, report);
    }
    for said in other_builds(built, assessment) {
        for line in crate::ui::wrap(&said, crate::ui::COLUMNS) {
            project.ui.line(line);
        }
    }
}

/// Auditors that built what they read with another build of a compiler than this machine did.
pub(crate) fn other_builds(built: &Built, assessment: &Assessment) -> Vec<String> {
    let (Ok(audits), Some(head)) = (&assessment.facts.audits, assessment.gate_head) else {
        return Vec::new();
    };
    audits.other_builds(&built.release.compilers, head.timestamp)
}

/// What differs between the testnet and the target, as signers must see it.
pub(crate) fn differences(project: &Context, assessment: &Assessment) {
    let Ok(parameters) = &assessment.facts.parameters else { return };
    for row in parameters.changed() {
        let target = row.target.as_ref().map_or_else(Clone::clone, plain);
        let soaked = format!("{} on {}", plain(&row.soaked), assessment.soak);
        project.ui.row(&format!("${}", row.name), &soaked);
        project.ui.row("", &format!("{target} on {}", assessment.target));
    }
    stand_ins(project, assessment, parameters);
    writes(project, assessment);
}

/// Every slot that the plan writes in contracts that are there already.
fn writes(project: &Context, assessment: &Assessment) {
    let Ok(parameters) = &assessment.facts.parameters else { return };
    let (soak, target) = (&assessment.soak, &assessment.target);
    if !parameters.writes.is_empty() {
        project.ui.line("\nWrites in existing contracts:");
    }
    for row in &parameters.writes {
        let label = row.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        project.ui.line(format!("{} slot {}{label}", row.contract, row.slot));
        let known = |value: &Option<String>, none: &str| value.clone().unwrap_or(none.to_owned());
        project.ui.row("", &format!("{} on {target}", known(&row.target, "left alone")));
        project.ui.row("", &format!("{} on {soak}", known(&row.soaked, "not compared with it")));
    }
}

/// The externals that are other code on the target than where the release soaked.
fn stand_ins(project: &Context, assessment: &Assessment, parameters: &ParameterFacts) {
    for ExternalRow { name, soaked, target } in parameters.stand_ins() {
        let at = |of: &External, on| format!("{} on {on}, code hash {}", of.address, of.code_hash);
        project.ui.row(&format!("@{name}"), &at(soaked, &assessment.soak));
        project.ui.row("", &at(target, &assessment.target));
    }
}

fn gate(project: &Context, report: &GateReport) {
    const INDENT_COLUMNS: usize = 20;
    let ui = &project.ui;
    let verdict = ui.verdict(report.verdict.word());
    let summary = crate::ui::wrap(&report.summary, crate::ui::COLUMNS - INDENT_COLUMNS);
    for (index, line) in summary.into_iter().enumerate() {
        if index == 0 {
            ui.line(format!("{verdict} {:<11} {line}", report.gate.name()));
        } else {
            ui.line(format!("{:INDENT_COLUMNS$}{line}", ""));
        }
    }
    for reason in report.verdict.sentences() {
        let lines = crate::ui::wrap(&reason, crate::ui::COLUMNS - INDENT_COLUMNS - 2);
        for (index, line) in lines.into_iter().enumerate() {
            let mark = if index == 0 { "- " } else { "  " };
            ui.line(format!("{:INDENT_COLUMNS$}{mark}{line}", ""));
        }
    }
}

/// The soak as a bar: `[######....] 6d of 14d, until 2026-01-20 00:02 UTC`.
fn soak_bar(soak: SoakProgress) -> String {
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
fn interruptions(project: &Context, facts: &SoakFacts) {
    const ROWS_SHOWN_MAX: usize = 8;
    let resets = facts.resets.iter().map(|reset| {
        (format!("begun anew {}:", format_utc(reset.time)), reset.reason.clone(), reset.time)
    });
    let pauses = pauses(facts);
    let pauses = pauses.iter().map(|pause| {
        let (from, until) = (format_utc(pause.from), format_utc(pause.until));
        (format!("paused {from} to {until}:"), pause.reason.clone(), pause.from)
    });
    let mut rows: Vec<_> = resets.chain(pauses).collect();
    rows.sort_by_key(|(.., time)| *time);
    let hidden = rows.len().saturating_sub(ROWS_SHOWN_MAX);
    if hidden > 0 {
        project.ui.line(format!("     ({hidden} earlier ones are in --json)"));
    }
    for (what, why, _) in rows.into_iter().skip(hidden) {
        for (index, line) in
            crate::ui::wrap(&format!("{what} {why}"), crate::ui::COLUMNS - 7).iter().enumerate()
        {
            let indent = if index == 0 { "     " } else { "       " };
            project.ui.line(format!("{indent}{line}"));
        }
    }
    if let Some(end) = &facts.end_of_life {
        let word = if facts.head.timestamp >= end.at { "ended" } else { "ends" };
        let (network, day) = (&facts.network, format_date(end.at));
        project.ui.line(format!("     {network} {word} on {day}, says {}", end.source));
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

/// Each gate as programs read it.
pub(crate) fn gate_rows(assessment: &Assessment) -> Vec<Value> {
    let row = |report: &GateReport| {
        json!({"gate": report.gate, "result": report.verdict, "summary": report.summary,
               "inputs": report.inputs})
    };
    assessment.reports.iter().map(row).collect()
}

/// Everything that two clones must agree on, and `local` apart.
fn document(
    project: &Context,
    built: &Built,
    assessment: &Assessment,
    promoted: Option<&Promoted>,
    next: &[String],
) -> AppResult<Value> {
    let soak = assessment.facts.soak.as_ref().ok().map(|facts| soak_document(project, facts));
    let others: Vec<_> = assessment
        .facts
        .other_soaks
        .iter()
        .map(|other| json!({"network": other.network, "gates": other.reports}))
        .collect();
    let safe = assessment.facts.safe.as_ref().ok().and_then(|facts| facts.proof.as_ref().ok());
    let approvals = safe.map(|proof| {
        let row = |(hash, owners): &(B256, usize)| json!({"safeTxHash": hash, "owners": owners});
        proof.approvals.iter().map(row).collect::<Vec<_>>()
    });
    Ok(json!({
        "v": 1,
        "release": built.release.name,
        "roots": built.roots,
        "target": assessment.target,
        "gateHead": assessment.gate_head,
        "policyDigest": assessment.policy.as_ref().map(|doc| doc.digest()).transpose()?,
        "gates": gate_rows(assessment),
        "overall": assessment.overall,
        "earliest": earliest(assessment),
        "coverage": coverage(assessment),
        "soak": soak,
        "otherSoaks": others,
        "writes": write_rows(assessment),
        "approvals": approvals,
        "promoted": promoted.map(|promoted| json!({"recordedAt": promoted.recorded_at,
            "evidenceDigest": promoted.evidence_digest, "readBack": promoted.verdict})),
        "next": next,
        "local": {"store": project.store_path()?, "otherBuilds": other_builds(built, assessment)},
    }))
}

/// What is written in contracts that are there already, as programs read it.
fn write_rows(assessment: &Assessment) -> Vec<Value> {
    let row = |row: &WriteRow| {
        json!({"contract": row.contract, "slot": row.slot, "label": row.label,
               "target": row.target, "soaked": row.soaked})
    };
    let facts = assessment.facts.parameters.as_ref();
    facts.iter().flat_map(|facts| &facts.writes).map(row).collect()
}

/// The firms whose audits cover each contract and the plan.
pub(crate) fn coverage(assessment: &Assessment) -> Option<Coverage> {
    let (audits, head) = (assessment.facts.audits.as_ref().ok()?, assessment.gate_head?);
    Some(audits.coverage(head.timestamp))
}

fn soak_document(project: &Context, facts: &SoakFacts) -> Value {
    let progress = progress(&project.rules, facts);
    let senders: Vec<_> = facts.activity.users.iter().map(|user| user.address).collect();
    let windows = credited(facts).map(|(from, window, counts)| {
        json!({"from": from, "blocks": window.blocks, "elapsedSecs": window.elapsed_secs,
               "counts": counts})
    });
    let samples = facts.samples.iter().map(|sample| {
        json!({"digest": sample.digest, "by": sample.by, "block": sample.block,
               "timestamp": sample.timestamp, "state": sample.state,
               "canonical": sample.here.map(|_| sample.is_canonical()),
               "disproved": sample.is_disproved(),
               "withdrawn": sample.withdrawn})
    });
    let end = facts.end_of_life.as_ref().map(|end| json!({"at": end.at, "source": end.source}));
    json!({"network": facts.network, "start": facts.start, "startedBy": facts.started_by,
           "creditedSecs": progress.credited_secs, "requiredSecs": progress.required_secs,
           "lostDays": progress.lost_windows, "eta": progress.eta, "head": facts.head,
           "windows": windows.collect::<Vec<_>>(), "resets": facts.resets,
           "pauses": pauses(facts), "endOfLife": end, "state": facts.state,
           "samples": samples.collect::<Vec<_>>(), "silentSlots": facts.silent_slots,
           "transactions": facts.activity.transactions, "senders": senders,
           "users": facts.activity.users, "indirect": facts.activity.indirect,
           "called": facts.activity.called, "uncalled": facts.activity.uncalled})
}
