//! What a general statement says, and the sentence that a wallet shows for it.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::decisions::{
    Bug, Freeze, Go, KeyClaim, NoGo, Postmortem, Resolution, Triage, Waiver, no_go_until,
};
use super::{
    AuditRevocation, FundApproval, FundDenial, FundRequest, FundTransfer, NEVER, RiskAcceptance,
    SampleWithdrawal, SoakSample, TestResult,
};
use crate::ids::{ProjectId, ReleaseRoot, StatementDigest};
use crate::units::format_utc;

/// The body of a general statement. The tag is the EIP-712 `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "says", deny_unknown_fields)]
pub enum Body {
    /// Somebody asks for test funds.
    #[serde(rename = "fund/request")]
    FundRequest(FundRequest),
    /// Somebody else grants them.
    #[serde(rename = "fund/approve")]
    FundApprove(FundApproval),
    /// Somebody else refuses them.
    #[serde(rename = "fund/deny")]
    FundDeny(FundDenial),
    /// They were sent.
    #[serde(rename = "fund/draw")]
    FundDraw(FundTransfer),
    /// The rest came back.
    #[serde(rename = "fund/return")]
    FundReturn(FundTransfer),
    /// Somebody would live with a finding.
    #[serde(rename = "risk/accept")]
    RiskAccept(RiskAcceptance),
    /// Somebody saw a soak.
    #[serde(rename = "soak/sample")]
    SoakSample(SoakSample),
    /// They take it back.
    #[serde(rename = "soak/withdraw")]
    SoakWithdraw(SampleWithdrawal),
    /// A release may go.
    #[serde(rename = "go")]
    Go(Go),
    /// It must not.
    #[serde(rename = "no-go")]
    NoGo(NoGo),
    /// It has a bug.
    #[serde(rename = "bug")]
    Bug(Bug),
    /// A bug is resolved or confirmed.
    #[serde(rename = "triage")]
    Triage(Triage),
    /// Nothing is promoted for a while.
    #[serde(rename = "freeze")]
    Freeze(Freeze),
    /// A requirement is lowered.
    #[serde(rename = "waiver")]
    Waiver(Waiver),
    /// A key is held by whom the policy says.
    #[serde(rename = "people/key")]
    KeyClaim(KeyClaim),
    /// The post-mortem of an emergency.
    #[serde(rename = "postmortem")]
    Postmortem(Postmortem),
    /// An auditor takes an attestation back.
    #[serde(rename = "audit/revoke")]
    AuditRevoke(AuditRevocation),
    /// Somebody tried a release, with these transactions.
    #[serde(rename = "result")]
    Result(TestResult),
}

/// The object that a statement bears on: a `go` that has not seen the statement is stale.
/// Statements that only add evidence bear on nothing, since a missing one opens no gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    Release(ReleaseRoot),
    /// Every release of the project.
    Project,
    /// Whatever another statement bears on.
    On(StatementDigest),
    Nothing,
}

/// The targets that a statement counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// For that target alone.
    Target,
    /// For every target of the project's name.
    Family,
    /// For what it speaks of, wherever that is promoted: a release or a bug is the same on all.
    Content,
}

impl Body {
    /// The EIP-712 `kind`, such as `fund/request`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FundRequest(_) => "fund/request",
            Self::FundApprove(_) => "fund/approve",
            Self::FundDeny(_) => "fund/deny",
            Self::FundDraw(_) => "fund/draw",
            Self::FundReturn(_) => "fund/return",
            Self::RiskAccept(_) => "risk/accept",
            Self::SoakSample(_) => "soak/sample",
            Self::SoakWithdraw(_) => "soak/withdraw",
            Self::Go(_) => "go",
            Self::NoGo(_) => "no-go",
            Self::Bug(_) => "bug",
            Self::Triage(_) => "triage",
            Self::Freeze(_) => "freeze",
            Self::Waiver(_) => "waiver",
            Self::KeyClaim(_) => "people/key",
            Self::Postmortem(_) => "postmortem",
            Self::AuditRevoke(_) => "audit/revoke",
            Self::Result(_) => "result",
        }
    }

    /// The EIP-712 `subject`: a release root, another statement's digest, or the project that it is
    /// made for.
    pub fn subject(&self, project: ProjectId) -> B256 {
        match self {
            Self::FundRequest(request) => request.release.map_or(B256::ZERO, |release| release.0),
            Self::FundApprove(approval) => approval.request.0,
            Self::FundDeny(denial) => denial.request.0,
            Self::FundDraw(transfer) | Self::FundReturn(transfer) => transfer.request.0,
            Self::RiskAccept(risk) => risk.scope_root.0,
            Self::SoakSample(sample) => sample.release.0,
            Self::SoakWithdraw(withdrawal) => withdrawal.sample.0,
            Self::Go(go) => go.release.0,
            Self::NoGo(no_go) => no_go.release.0,
            Self::Bug(bug) => bug.release.0,
            Self::Triage(triage) => triage.bug.0,
            Self::Freeze(_) => project.0,
            Self::Waiver(waiver) => waiver.release.0,
            Self::KeyClaim(_) => B256::ZERO,
            Self::Postmortem(found) => found.release.0,
            Self::AuditRevoke(revocation) => revocation.attestation.0,
            Self::Result(result) => result.release.0,
        }
    }

    /// The object that it bears on. A statement whose absence could open a gate must bear on
    /// something.
    pub fn bearing(&self) -> Bearing {
        match self {
            Self::FundRequest(request) => {
                request.release.map_or(Bearing::Project, Bearing::Release)
            }
            Self::NoGo(no_go) => Bearing::Release(no_go.release),
            Self::Bug(bug) => Bearing::Release(bug.release),
            Self::Triage(triage) => Bearing::On(triage.bug),
            Self::AuditRevoke(revocation) => Bearing::On(revocation.attestation),
            Self::Freeze(_) => Bearing::Project,
            // The books miss what was drawn whether or not its statement is there.
            Self::FundApprove(_)
            | Self::FundDeny(_)
            | Self::FundDraw(_)
            | Self::FundReturn(_)
            // One that is missing leaves a finding open.
            | Self::RiskAccept(_)
            | Self::SoakSample(_)
            // One that is missing leaves a sample standing.
            | Self::SoakWithdraw(_)
            | Self::Go(_)
            | Self::Waiver(_)
            | Self::KeyClaim(_)
            // One that is missing leaves use uncounted.
            | Self::Result(_)
            | Self::Postmortem(_) => Bearing::Nothing,
        }
    }

    /// The targets that it counts for. Promoting to another target does not get around a stop.
    pub const fn reach(&self) -> Reach {
        match self {
            Self::NoGo(_) | Self::Bug(_) | Self::Triage(_) | Self::AuditRevoke(_) => Reach::Content,
            Self::Freeze(_)
            | Self::KeyClaim(_)
            | Self::FundRequest(_)
            | Self::FundApprove(_)
            | Self::FundDeny(_)
            | Self::FundDraw(_)
            | Self::FundReturn(_) => Reach::Family,
            Self::RiskAccept(_)
            | Self::SoakSample(_)
            | Self::SoakWithdraw(_)
            | Self::Go(_)
            | Self::Waiver(_)
            | Self::Result(_)
            | Self::Postmortem(_) => Reach::Target,
        }
    }

    /// The time at which it ends by itself if it is made at `issued_at`; `None` if its kind has no
    /// end of its own.
    pub const fn ends_at(&self, issued_at: u64) -> Option<u64> {
        match self {
            Self::NoGo(_) => Some(no_go_until(issued_at)),
            Self::Freeze(freeze) => Some(freeze.until),
            Self::Waiver(waiver) => Some(waiver.until),
            Self::AuditRevoke(_) => Some(NEVER),
            _ => None,
        }
    }

    /// Whether it can stop a release: a no-go, a bug, a freeze, a revocation, or a triage that
    /// confirms a bug.
    pub const fn stops(&self) -> bool {
        match self {
            Self::NoGo(_) | Self::Bug(_) | Self::Freeze(_) | Self::AuditRevoke(_) => true,
            Self::Triage(triage) => matches!(triage.resolution, Resolution::Confirmed),
            _ => false,
        }
    }

    /// Whether a gate may pass because of it.
    pub const fn opens(&self) -> bool {
        match self {
            Self::Go(_)
            | Self::RiskAccept(_)
            | Self::Waiver(_)
            | Self::SoakSample(_)
            | Self::SoakWithdraw(_)
            | Self::FundApprove(_)
            | Self::KeyClaim(_)
            | Self::Result(_)
            | Self::Postmortem(_) => true,
            Self::Triage(_) => !self.stops(),
            Self::NoGo(_)
            | Self::Bug(_)
            | Self::Freeze(_)
            | Self::AuditRevoke(_)
            | Self::FundRequest(_)
            | Self::FundDeny(_)
            | Self::FundDraw(_)
            | Self::FundReturn(_) => false,
        }
    }

    /// The sentence a wallet shows, made from the body alone.
    pub fn text(&self) -> String {
        match self {
            Self::FundRequest(r) => format!(
                "Request {} wei on chain {} for {}: {}",
                r.amount, r.network.chain, r.destination, r.reason
            ),
            Self::FundApprove(a) => format!(
                "Approve {} wei on chain {} for {}, fund request {}: {}",
                a.amount, a.network.chain, a.destination, a.request, a.reason
            ),
            Self::FundDeny(d) => format!("Deny fund request {}: {}", d.request, d.reason),
            Self::FundDraw(t) => format!(
                "Sent {} wei under fund request {} in transaction {} on chain {}",
                t.amount, t.request, t.transaction, t.network.chain
            ),
            Self::FundReturn(t) => format!(
                "Returned {} wei under fund request {} in transaction {} on chain {}",
                t.amount, t.request, t.transaction, t.network.chain
            ),
            Self::RiskAccept(r) => format!(
                "Decide {} on {} finding {} in scope {}: {}",
                r.decision.word(),
                r.severity.word(),
                r.finding,
                r.scope_root,
                r.justification
            ),
            Self::SoakSample(s) => format!(
                "Saw block {} {} of chain {} as final: release {}, deployment {}, state {}",
                s.block.number, s.block.hash, s.network.chain, s.release, s.deployment, s.state
            ),
            Self::SoakWithdraw(w) => format!(
                "Withdraw soak sample {}: block {} of chain {} is {}: {}",
                w.sample, w.block.number, w.network.chain, w.block.hash, w.reason
            ),
            Self::Go(go) => said_go(go),
            Self::NoGo(no_go) => format!(
                "No-go for release {}{}: {}",
                no_go.release,
                discipline(no_go.discipline.as_deref()),
                no_go.reason
            ),
            Self::Bug(bug) => format!(
                "Bug of severity {}{} in release {}: {} {}",
                bug.severity.word(),
                if bug.blocking { ", blocking" } else { "" },
                bug.release,
                bug.title,
                bug.link
            ),
            Self::Triage(triage) => triaged(triage),
            Self::Freeze(freeze) => format!(
                "Freeze every promotion until {}: {}",
                format_utc(freeze.until),
                freeze.reason
            ),
            Self::Waiver(waiver) => lowers(waiver),
            Self::KeyClaim(claim) => format!("{} holds key {}", claim.name, claim.key),
            Self::Postmortem(postmortem) => found(postmortem),
            Self::AuditRevoke(revocation) => {
                format!("Revoke attestation {}: {}", revocation.attestation, revocation.detail)
            }
            Self::Result(result) => tried(result),
        }
    }
}

fn said_go(go: &Go) -> String {
    format!(
        "Go for release {}{}, having seen {} statements and {} records with digest {}: {}",
        go.release,
        discipline(go.discipline.as_deref()),
        go.statements.len(),
        go.records.len(),
        go.set,
        go.reason
    )
}

fn tried(result: &TestResult) -> String {
    let hashes: Vec<_> = result.transactions.iter().map(ToString::to_string).collect();
    format!(
        "Tried release {} on chain {} in transactions {}: {}",
        result.release,
        result.network.chain,
        hashes.join(", "),
        result.reason
    )
}

fn triaged(triage: &Triage) -> String {
    let of = triage.of.map(|of| format!(" of {of}")).unwrap_or_default();
    let (bug, word) = (triage.bug, triage.resolution.name());
    format!("Bug {bug} is {word}{of}: {}", triage.reason)
}

fn found(postmortem: &Postmortem) -> String {
    let sha256 = alloy_primitives::hex::encode(postmortem.sha256);
    format!("Post-mortem of release {}, sha256 {sha256}: {}", postmortem.release, postmortem.uri)
}

fn lowers(waiver: &Waiver) -> String {
    format!(
        "Lower gate {} to {} for release {} until {}: {} {}",
        waiver.gate.name(),
        waiver.lowers.words(),
        waiver.release,
        format_utc(waiver.until),
        waiver.reason,
        waiver.link
    )
}

fn discipline(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" as {name}"))
}
