//! Somebody would live with a finding, and somebody else agrees.

use alloy_primitives::{Address, B256};
use tidegate_gates::AcceptanceFact;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{
    Body, RISK_SECS_MAX, RiskAcceptance, RiskDecision, Severity, Statement,
};
use tidegate_model::units::{End, format_span_secs, format_utc};
use tidegate_model::{ScopeRoot, lookup};

use super::{Draft, Subject};
use crate::assess::audits::acceptances;
use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::select;
use crate::saying::{About, now};
use crate::{relied, scopes, statements};

/// An acceptance of a finding.
#[derive(Debug, Clone)]
pub struct RiskRequest {
    /// The release in whose scope the finding is.
    pub subject: Subject,
    /// The beginning of the finding's key.
    pub finding: String,
    /// The requested terms; `None` agrees to the terms that somebody else has requested.
    pub asked: Option<RiskAsked>,
}

/// The terms on which somebody asks to accept a finding.
#[derive(Debug, Clone)]
pub struct RiskAsked {
    /// The kind of acceptance.
    pub decision: RiskDecision,
    pub reason: String,
    /// The control that limits the risk until then; may be empty.
    pub control: String,
    /// Until when by the target's chain time.
    pub until: End,
}

/// What somebody who accepts a finding reviews.
#[derive(Debug, Clone)]
pub struct RiskShown {
    /// The finding: its rule and what it says.
    pub finding: String,
    /// The scope in which it is accepted.
    pub scope_root: ScopeRoot,
    /// The control that limits the risk until then; may be empty.
    pub control: String,
    /// The end, in seconds since 1970 by the target's chain time.
    pub expires_at: u64,
}

/// An acceptance and its end, in seconds since 1970.
type Wanted = (RiskAcceptance, u64);

/// Drafts the acceptance of a finding. It counts once two people have signed the same.
///
/// # Errors
/// If there is no such open finding, it must be fixed, it would be accepted for too long, or nobody
/// else has asked.
pub async fn risk(
    project: &Project,
    signer: &dyn DigestSigner,
    request: RiskRequest,
) -> AppResult<Draft<RiskShown>> {
    let RiskRequest { subject, finding, asked } = request;
    relied::require(project).await?;
    let scope_root = select(project, subject.release.as_deref())?.roots.scope_root;
    let about = About::of_target(project, subject.target.as_deref())?;
    let time = now(project, &about).await?.time;
    let set = statements::load_confirmed(project).await?;
    let attestations = set.attestations().map(|(_, attestation, _)| attestation);
    let findings = attestations.filter(|a| !a.findings_digest.is_zero()).map(|a| a.findings_digest);
    let documents = findings.filter_map(|digest| scopes::findings(project, digest).ok());
    let found = documents
        .flat_map(|document| document.findings)
        .filter(|finding| finding.is_open())
        .map(|finding| (finding.key, finding));
    let finding = lookup::find(&finding, found).map_err(|error| {
        AppError::from(error).hint("`tidegate status` shows the key of each open finding")
    })?;
    if finding.severity > Severity::Medium {
        let severity = finding.severity.word();
        return Err(AppError::new(Kind::Fail, format!("a {severity} finding must be fixed")));
    }
    let (acceptance, expires_at) = match asked {
        Some(RiskAsked { decision, reason, control, until }) => {
            let (finding, severity, justification) = (finding.key, finding.severity, reason);
            let acceptance =
                RiskAcceptance { scope_root, finding, severity, decision, justification, control };
            (acceptance, until.from(time))
        }
        None => {
            let accepted = acceptances(&set, Some(about.id));
            let of_scope = accepted.iter().filter(|fact| fact.acceptance.scope_root == scope_root);
            let people = people(project);
            let person = |key: Address| people.iter().find(|(_, p)| p.holds(key)).map(|(n, _)| n);
            let key = signer.address();
            let is_own = |by| by == key || person(by) == person(key);
            by_others(of_scope, finding.key, is_own)?
        }
    };
    if expires_at <= time {
        let ended = format_utc(expires_at);
        return Err(AppError::usage(format!("--until is {ended}, which is over")));
    }
    if expires_at.saturating_sub(time) > RISK_SECS_MAX {
        let most = format_span_secs(RISK_SECS_MAX);
        return Err(AppError::usage(format!("a risk is accepted for at most {most}")));
    }
    let shown = RiskShown {
        finding: format!("{}: {}", finding.rule, finding.message),
        scope_root: acceptance.scope_root,
        control: acceptance.control.clone(),
        expires_at,
    };
    let mut draft = Draft::of(project, about, signer, Body::RiskAccept(acceptance), shown).await?;
    if let Statement::Statement(general) = &mut draft.statement {
        general.expires_at = expires_at;
    }
    Ok(draft)
}

/// The newest acceptance of a finding that somebody else has signed.
fn by_others<'a>(
    accepted: impl Iterator<Item = &'a AcceptanceFact>,
    finding: B256,
    is_own: impl Fn(Address) -> bool,
) -> AppResult<Wanted> {
    let here = accepted.filter(|fact| fact.acceptance.finding == finding);
    let (own, others): (Vec<_>, Vec<_>) = here.partition(|fact| is_own(fact.by));
    match (others.into_iter().max_by_key(|fact| fact.issued_at), own.is_empty()) {
        (Some(fact), _) => Ok((fact.acceptance.clone(), fact.expires_at)),
        (None, false) => {
            Err(AppError::new(Kind::Fail, "somebody else must agree to your own request")
                .hint("separation of duties: two people must accept a risk"))
        }
        (None, true) => Err(AppError::usage("nobody has asked to accept this finding")
            .hint("ask with --accept --reason TEXT --until 90d")),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::StatementDigest;

    use super::*;

    fn fact(by: u8, finding: u8, issued_at: u64) -> AcceptanceFact {
        AcceptanceFact {
            digest: StatementDigest(B256::ZERO),
            by: Address::repeat_byte(by),
            acceptance: RiskAcceptance {
                scope_root: ScopeRoot(B256::ZERO),
                finding: B256::repeat_byte(finding),
                severity: Severity::Medium,
                decision: RiskDecision::Accept,
                justification: format!("by {by} at {issued_at}"),
                control: String::new(),
            },
            issued_at,
            expires_at: issued_at + 100,
        }
    }

    #[test]
    fn nobody_agrees_with_themselves() {
        let facts = [fact(1, 7, 10), fact(2, 7, 20), fact(2, 7, 30), fact(2, 8, 40)];
        let agree = |facts: &[AcceptanceFact], own: u8| {
            let is_own = |by| by == Address::repeat_byte(own);
            let found = by_others(facts.iter(), B256::repeat_byte(7), is_own);
            found.map(|(acceptance, until)| (acceptance.justification, until))
        };
        assert_eq!(agree(&facts, 1).unwrap(), ("by 2 at 30".to_owned(), 130));
        assert_eq!(agree(&facts, 2).unwrap(), ("by 1 at 10".to_owned(), 110));
        assert_eq!(agree(&facts[1..], 2).unwrap_err().kind, Kind::Fail);
        assert_eq!(agree(&facts[3..], 1).unwrap_err().kind, Kind::Usage);
    }
}
