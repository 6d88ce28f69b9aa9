//! The report of a release: the verdict and its reasons, for engineers, auditors and treasurers.
//!
//! Everything in it comes from one assessment, so that what is explained is what was judged.

mod document;

use alloy_primitives::hex;
use tidegate_model::policy::External;
use tidegate_model::statement::Statement;
use tidegate_model::units::{counted, format_utc};
use tidegate_model::{GateInput, GateReport, Reason, Verdict};

pub use self::document::{Block, Document};

use crate::assess::Assessment;
use crate::error::AppResult;
use crate::read_back::Promoted;
use crate::release::Built;
use crate::text::plain;
use crate::view::{coverage, other_builds};

/// The facts of a report.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The release.
    pub built: &'a Built,
    /// The evaluation of the gates.
    pub assessment: &'a Assessment,
    /// The recorded promotion.
    pub promoted: Option<&'a Promoted>,
    /// Who must do what next.
    pub next: &'a [String],
}

/// The whole report.
pub(crate) fn report(subject: Subject<'_>) -> AppResult<Document> {
    let Subject { built, assessment, .. } = subject;
    let (soak, target) = (&assessment.soak, &assessment.target);
    let mut document = Document::new(format!("{}: {soak} to {target}", built.release.name));
    verdict(&mut document, subject);
    gates(&mut document, assessment);
    parameters(&mut document, assessment);
    auditor(&mut document, subject)?;
    treasurer(&mut document, subject);
    statements(&mut document, assessment);
    Ok(document)
}

fn verdict(document: &mut Document, subject: Subject<'_>) {
    let Subject { built, assessment, promoted, next, .. } = subject;
    document.heading("Verdict");
    if let Some(promoted) = promoted {
        let (at, word) = (format_utc(promoted.recorded_at), promoted.verdict.word());
        document.text(format!("PROMOTED {at}; read back from {}: {word}", assessment.target));
    } else {
        document.text(format!("{}. {}", assessment.overall.word(), earliest(assessment)));
    }
    let mut rows = vec![
        vec!["releaseRoot".to_owned(), built.roots.release_root.to_string()],
        vec!["buildDigest".to_owned(), built.roots.build_digest.to_string()],
    ];
    if let Some(head) = assessment.gate_head {
        let (block, hash) = (head.block.number, head.block.hash);
        let time = format_utc(head.timestamp);
        rows.push(vec!["gate time".to_owned(), format!("{time}, finalized block {block}")]);
        rows.push(vec!["its hash".to_owned(), hash.to_string()]);
    }
    document.table(&["what", "is"], rows);
    if !next.is_empty() {
        document.part("Next");
        document.list(next.to_vec());
    }
}

/// When everything could pass, as far as time alone decides it.
pub(crate) fn earliest(assessment: &Assessment) -> String {
    if assessment.is_held_by_batch() {
        let why = assessment.overall.sentences().join("; ");
        return format!("Earliest promotion: when the batch passes: {why}");
    }
    by_gates(&assessment.reports)
}

fn by_gates(reports: &[GateReport]) -> String {
    let held: Vec<_> = reports.iter().filter(|report| !report.verdict.allows()).collect();
    if held.is_empty() {
        return "Earliest promotion: now".to_owned();
    }
    let etas = held.iter().map(|report| match &report.verdict {
        Verdict::Waiting { eta, .. } => *eta,
        _ => None,
    });
    let latest = etas.clone().flatten().max();
    let open = held.iter().zip(etas).filter(|(_, eta)| eta.is_none());
    let open: Vec<_> = open.map(|(report, _)| report.gate.name()).collect();
    match (latest, open.is_empty()) {
        (Some(eta), true) => format!("Earliest promotion: {}", format_utc(eta)),
        (Some(eta), false) => format!(
            "Earliest promotion: not before {}, and not before {} is settled",
            format_utc(eta),
            open.join(", ")
        ),
        (None, _) => format!("Earliest promotion: when {} is settled", open.join(", ")),
    }
}

fn gates(document: &mut Document, assessment: &Assessment) {
    document.heading("For engineers: every gate and what it rests on");
    for GateReport { gate, verdict, summary, inputs } in &assessment.reports {
        document.part(format!("{}: {}", gate.name(), verdict.word()));
        document.text(summary);
        document.list(verdict.sentences());
        if inputs.is_empty() {
            document.text("This gate reads only files and signatures.");
        }
        document.table(&["input", "block", "hash", "digest"], inputs.iter().map(input).collect());
    }
}

fn input(input: &GateInput) -> Vec<String> {
    let GateInput { kind, chain, block, digest } = input;
    vec![
        kind.clone(),
        format!("{} of chain {chain}", block.number),
        block.hash.to_string(),
        digest.to_string(),
    ]
}

fn parameters(document: &mut Document, assessment: &Assessment) {
    let Ok(facts) = &assessment.facts.parameters else { return };
    let rows = facts.changed().map(|row| {
        let target = row.target.as_ref().map_or_else(Clone::clone, plain);
        vec![format!("${}", row.name), plain(&row.soaked), target]
    });
    document.part("Parameters that differ from the testnet");
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        document.text("None.");
    }
    document.table(&["parameter", "soaked", "target"], rows);
    let place = |of: &External| format!("{} with code hash {}", of.address, of.code_hash);
    let rows = facts.stand_ins();
    let rows: Vec<_> = rows
        .map(|row| vec![format!("@{}", row.name), place(&row.soaked), place(&row.target)])
        .collect();
    if !rows.is_empty() {
        document.part("Externals whose code differs from where it soaked");
        document.table(&["external", "soaked", "target"], rows);
    }
}

fn auditor(document: &mut Document, subject: Subject<'_>) -> AppResult {
    let Subject { built, assessment, .. } = subject;
    document.heading("For auditors: what was read, and by whom");
    document.text(format!(
        "The scope has {}; an attestation covers those that are identical in its own scope.",
        counted(built.release.artifacts.len(), "contract")
    ));
    let mut rows = vec![vec!["scopeRoot".to_owned(), built.roots.scope_root.to_string()]];
    for scope in built.release.scopes()? {
        rows.push(vec![scope.fqn.to_string(), scope.hash_struct().to_string()]);
    }
    document.table(&["contract", "digest"], rows);
    let coverage = coverage(assessment).unwrap_or_default();
    let rows = coverage.into_iter().map(|(item, firms)| {
        let firms: Vec<_> = firms.into_iter().collect();
        let by = if firms.is_empty() { "nobody".to_owned() } else { firms.join(", ") };
        vec![item.name().to_owned(), by]
    });
    document.table(&["item", "audited by"], rows.collect());
    let Ok(audits) = &assessment.facts.audits else { return Ok(()) };
    document.part("Attestations");
    let standings = audits.standings(assessment.gate_head.map_or(0, |head| head.timestamp));
    let rows = audits.attestations.iter().map(|fact| {
        let a = &fact.attestation;
        let person = audits.people.values().find(|person| person.holds(a.auditor));
        let firm = person.and_then(|person| person.firm.clone());
        let (critical, high, medium) = (a.open_critical, a.open_high, a.open_medium);
        let open = format!("{critical} critical, {high} high, {medium} medium");
        vec![
            firm.unwrap_or_else(|| "nobody in the policy".to_owned()),
            a.auditor.to_string(),
            fact.digest.to_string(),
            standings.get(&fact.digest).cloned().unwrap_or_default(),
            format!("{} to {}", format_utc(a.issued_at), format_utc(a.valid_until)),
            open,
            format!("0x{}", hex::encode(a.report_sha256)),
            a.report_uri.clone(),
        ]
    });
    let columns = &["firm", "key", "digest", "standing", "dated", "open", "sha256", "report"];
    document.table(columns, rows.collect());
    document.list(other_builds(subject.built, assessment));
    document.part("Revocations");
    let rows = audits
        .revocations
        .iter()
        .map(|revocation| vec![revocation.attestation.to_string(), revocation.found.clone()]);
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        document.text("None was found.");
    }
    document.table(&["attestation", "found"], rows);
    Ok(())
}

fn treasurer(document: &mut Document, subject: Subject<'_>) {
    let Subject { assessment, .. } = subject;
    document.heading("For treasurers: money, and who lowered what");
    let funds = assessment.reports.iter().find(|r| r.gate == tidegate_model::GateId::Funds);
    if let Some(report) = funds {
        document.text(format!("Test funds: {}. {}", report.verdict.word(), report.summary));
    }
    if let Ok(facts) = &assessment.facts.separation {
        let rows = facts.decisions.iter().map(|(request, requester, decider)| {
            vec![format!("request {request}"), requester.to_string(), decider.to_string()]
        });
        document.table(&["decision", "asked", "decided"], rows.collect());
    }
    document.part("Lowered requirements");
    let waived = assessment.reports.iter().filter_map(|report| match &report.verdict {
        Verdict::Waived { by, until, reasons } => Some(vec![
            report.gate.name().to_owned(),
            by.clone(),
            format_utc(*until),
            report.summary.clone(),
            reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("; "),
        ]),
        _ => None,
    });
    let waived: Vec<_> = waived.collect();
    if waived.is_empty() {
        document.text("Nobody has lowered a requirement for this release.");
    }
    document.table(&["gate", "by", "until", "what", "against it"], waived);
}

fn statements(document: &mut Document, assessment: &Assessment) {
    document.heading("Every statement that was seen");
    let rows = assessment.statements.statements.iter().map(|(digest, collected)| {
        let statement = &collected.signed.statement;
        vec![
            kind(statement).to_owned(),
            statement.text(),
            format_utc(statement.issued_at()),
            statement.signer().to_string(),
            digest.to_string(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        document.text("None.");
    }
    document.table(&["kind", "says", "at", "signer", "digest"], rows);
}

const fn kind(statement: &Statement) -> &'static str {
    match statement {
        Statement::AuditAttestation(_) => "audit attestation",
        Statement::EmergencyWaiver(_) => "emergency waiver",
        Statement::Statement(general) => general.body.kind(),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::GateId;

    use tidegate_model::ReasonCode;

    use super::*;

    #[test]
    fn promotion_is_as_early_as_the_last_gate() {
        let report = |gate, verdict| GateReport {
            gate,
            verdict,
            summary: String::new(),
            inputs: Vec::new(),
        };
        let waiting = |eta| Verdict::Waiting { reasons: Vec::new(), eta };
        let day = 86_400;
        for (verdicts, expected) in [
            ([Verdict::Pass, Verdict::Pass], "now"),
            ([waiting(Some(day)), waiting(Some(2 * day))], "1970-01-03 00:00 UTC"),
            (
                [waiting(Some(day)), Verdict::unknown(ReasonCode::Unreadable, "x")],
                "not before 1970-01-02 00:00 UTC, and not before audits is settled",
            ),
            (
                [Verdict::Pass, Verdict::fail(ReasonCode::CodeDiffers, "x")],
                "when audits is settled",
            ),
            ([waiting(None), Verdict::Pass], "when soak is settled"),
        ] {
            let [soak, audits] = verdicts;
            let reports = [report(GateId::Soak, soak), report(GateId::Audits, audits)];
            assert_eq!(by_gates(&reports), format!("Earliest promotion: {expected}"));
        }
    }
}
