//! What a general statement says, and the sentence that a wallet shows for it.

use serde::{Deserialize, Serialize};

use super::{FundDecision, FundRequest, FundTransfer, RiskAcceptance, SoakSample};

/// What a general statement says. The tag is the EIP-712 `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "says", deny_unknown_fields)]
pub enum Body {
    /// Somebody asks for test funds.
    #[serde(rename = "fund/request")]
    FundRequest(FundRequest),
    /// Somebody else grants them.
    #[serde(rename = "fund/approve")]
    FundApprove(FundDecision),
    /// Somebody else refuses them.
    #[serde(rename = "fund/deny")]
    FundDeny(FundDecision),
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
}

impl Body {
    /// The EIP-712 `kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FundRequest(_) => "fund/request",
            Self::FundApprove(_) => "fund/approve",
            Self::FundDeny(_) => "fund/deny",
            Self::FundDraw(_) => "fund/draw",
            Self::FundReturn(_) => "fund/return",
            Self::RiskAccept(_) => "risk/accept",
            Self::SoakSample(_) => "soak/sample",
        }
    }

    /// The sentence a wallet shows, made from the body alone.
    pub fn text(&self) -> String {
        match self {
            Self::FundRequest(r) => format!(
                "Request {} wei on chain {} for {}: {}",
                r.amount, r.network.chain, r.destination, r.reason
            ),
            Self::FundApprove(d) => format!("Approve fund request {}: {}", d.request, d.reason),
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
        }
    }
}
