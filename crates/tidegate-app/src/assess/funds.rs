//! Facts of the gate `funds`: what the ledger of the soak network comes to.

use tidegate_chain::Network;
use tidegate_gates::{FundFacts, Observed};
use tidegate_ledger::{FundRules, Violation, build_ledger, funds_report};
use tidegate_model::digest::jcs_keccak;
use tidegate_model::units::{counted, format_amount};
use tidegate_model::{GateInput, Head, Reason, ReasonCode};

use super::candidate::Gathered;
use crate::error::{AppResult, Kind, OrKind};
use crate::fund_rules;

/// The most statements that moved nothing and are named.
const UNMOVED_NAMED_MAX: usize = 3;

/// The books of every network that backs the target: of the one that the gates rest on, and of
/// each other that has a treasury, a record or a request.
pub(super) async fn facts(
    gathered: &Gathered<'_>,
    gate_head: &Observed<Head>,
) -> AppResult<Observed<FundFacts>> {
    let set = gathered.statements;
    // Books without what may count are other books.
    if let Some(why) = set.unasked("fund/") {
        return Ok(Err(why.clone().reworded(|why| format!("fund statements: {why}"))));
    }
    let network = gathered.soak_network.clone()?;
    let rules = rules(gathered, gate_head).await?;
    let mut all = books(gathered, &rules, gathered.soak, network).await?;
    let project = gathered.project;
    for name in &project.network(gathered.target)?.soaks_on {
        if name != gathered.soak && crate::ledger_facts::has_books(project, set, &rules, name)? {
            let network = project.connect(name).await?;
            let network = network.within(gathered.budget);
            all.add(name, books(gathered, &rules, name, &network).await?);
        }
    }
    Ok(Ok(all))
}

/// The treasury and the people that the Safe adopted; before it has adopted any, those of
/// `tidegate.toml`, which the gate `policy` does not pass.
async fn rules(gathered: &Gathered<'_>, gate_head: &Observed<Head>) -> AppResult<FundRules> {
    let network = gathered.target_network.clone()?;
    let head = gate_head.clone()?;
    let project = gathered.project;
    let adopted = fund_rules::of_target(project, gathered.target, network, head).await?;
    Ok(adopted.map_or_else(|| fund_rules::from_config(project), |policy| FundRules::of(&policy)))
}

async fn books(
    gathered: &Gathered<'_>,
    rules: &FundRules,
    name: &str,
    network: &Network,
) -> AppResult<FundFacts> {
    let set = gathered.statements;
    let head = network.finalized_head().await?;
    let facts =
        crate::ledger_facts::facts(gathered.project, set, rules, (name, network), head).await?;
    let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
    let report = funds_report(&ledger, &facts).or_kind(Kind::Fail)?;
    let release = gathered.built.roots.release_root;
    let own: Vec<_> = report
        .own_funds
        .iter()
        .map(|own| format!("{} {}", format_amount(own.amount, 18), own.commodity))
        .collect();
    let own =
        if own.is_empty() { String::new() } else { format!(", own funds {}", own.join(", ")) };
    let unwatched = match report.unwatched.len() {
        0 => String::new(),
        lent => format!(", {} not watched", counted(lent, "lent wallet")),
    };
    let lent_code = match report.lent_code.len() {
        0 => String::new(),
        _ => format!("; {}", report.lent_code.join("; ")),
    };
    let unmoved: String =
        ledger.unmoved.iter().take(UNMOVED_NAMED_MAX).map(|what| format!("; {what}")).collect();
    let summary = format!(
        "{}, {}, residue {}{own}{unwatched}{lent_code}{unmoved}",
        counted(ledger.entries.len(), "entry"),
        counted(ledger.requests.len(), "request"),
        if report.residues.is_empty() { "0" } else { "found" }
    );
    let residues = report.residues.iter().map(|row| {
        let why = row.explanation.clone().unwrap_or_else(|| "unexplained".to_owned());
        format!("{} differs from the chain by {} wei: {why}", row.wallet, row.residue)
    });
    let closings = ledger.closings.iter().map(|closing| {
        (closing.account.to_string(), closing.commodity.to_string(), closing.balance.to_string())
    });
    let digest = jcs_keccak("closing balances", &closings.collect::<Vec<_>>())?;
    let inputs = facts.networks.iter().map(|network| GateInput {
        kind: "funds/finalized".to_owned(),
        chain: network.network.chain,
        block: network.finalized.block,
        digest,
    });
    Ok(FundFacts {
        violations: report.violations.iter().map(violation).collect(),
        residues: residues.collect(),
        open_requests: report
            .open_requests
            .iter()
            .filter(|open| open.release == Some(release))
            .map(|open| format!("request {} awaits a decision", open.request.short()))
            .collect(),
        missing: report.unread.clone(),
        unreturned: ledger
            .requests
            .iter()
            .any(|view| view.out() == view.drawn && !view.drawn.is_zero()),
        incomes: report.incomes.iter().map(ToString::to_string).collect(),
        summary,
        inputs: inputs.collect(),
    })
}

/// A broken rule of the books, as the gate names it.
fn violation(found: &Violation) -> Reason {
    let code = match found {
        Violation::UnapprovedDraw { .. } => ReasonCode::UnapprovedDraw,
        Violation::OverApproval { .. } => ReasonCode::OverApproval,
        Violation::UnknownRequest { .. } => ReasonCode::UnknownRequest,
        Violation::SelfApproval { .. } => ReasonCode::SelfApproval,
        Violation::OutflowWithoutDraw { .. } => ReasonCode::OutflowWithoutDraw,
        Violation::TransferMismatch { .. } => ReasonCode::TransferMismatch,
        Violation::Books(_) => ReasonCode::BooksBroken,
    };
    Reason::new(code, found.to_string())
}
