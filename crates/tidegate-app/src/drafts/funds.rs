//! Asking for test funds, and deciding on what somebody asks for.

use alloy_primitives::{Address, U256};
use tidegate_ledger::{Facts, Ledger, RequestState, RequestView, build_ledger};
use tidegate_model::lookup::whole;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, FundApproval, FundDenial, FundRequest};
use tidegate_model::{NetworkId, StatementDigest};
use tidegate_plan::config::Stage;

use super::Draft;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::fund_rules::{InForce, in_force};
use crate::ledger_facts::{about, said};
use crate::network::identity;
use crate::project::Project;
use crate::release::build_tree;
use crate::{relied, statements};

/// A request for test funds.
#[derive(Debug, Clone)]
pub struct AskRequest {
    /// The network's name.
    pub network: String,
    /// Who will hold them.
    pub destination: Address,
    /// How much, in wei.
    pub amount: U256,
    /// Why.
    pub reason: String,
    /// Whether they are for the release that the working tree builds, or for none.
    pub for_release: bool,
}

/// A decision on a fund request.
#[derive(Debug, Clone)]
pub struct DecideRequest {
    /// The request's whole digest; by default the only one that nobody has decided on.
    pub request: Option<String>,
    /// Whether it is approved, or denied.
    pub approve: bool,
    /// Why; may be empty.
    pub reason: String,
}

/// The fund request that is decided on, with the rules that say who may decide.
#[derive(Debug)]
pub struct Asked {
    found: RequestView,
    facts: Facts,
    approve: bool,
    reason: String,
    /// Whether any Safe has adopted a policy.
    is_adopted: bool,
}

/// The fund request as whoever decides reviews it.
#[derive(Debug, Clone)]
pub struct Deciding {
    /// The request's digest.
    pub request: StatementDigest,
    /// Who asks, by name.
    pub asked_by: String,
    /// How much, in wei.
    pub amount: U256,
    /// Who will hold it.
    pub destination: Address,
    /// The name of the destination's holder.
    pub holder: String,
    /// The network's name.
    pub network: String,
    /// The network.
    pub id: NetworkId,
    /// Why they ask.
    pub reason: String,
}

/// Drafts a request for test funds.
///
/// # Errors
/// If the working tree does not build, or there is no target to date it by.
pub async fn ask(
    project: &Project,
    signer: &dyn DigestSigner,
    request: AskRequest,
) -> AppResult<Draft> {
    let AskRequest { network, destination, amount, reason, for_release } = request;
    relied::require(project).await?;
    let release = if for_release { Some(build_tree(project)?.roots.release_root) } else { None };
    if project.network(&network)?.stage != Stage::Testnet {
        return Err(AppError::usage(format!("{network} is a target; test funds are of testnets")));
    }
    let network = identity(project, &network)?.id;
    let body = Body::FundRequest(FundRequest { network, destination, amount, release, reason });
    Draft::of(project, about(project)?, signer, body, ()).await
}

/// Finds the fund request to decide on.
///
/// # Errors
/// If there is none, or several that could be meant.
pub async fn asked(project: &Project, request: DecideRequest) -> AppResult<Asked> {
    let DecideRequest { request: wanted, approve, reason } = request;
    relied::require(project).await?;
    let set = statements::load_confirmed(project).await?;
    let InForce { rules, adopted } = in_force(project).await?;
    let facts = said(project, &set, &rules)?;
    let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
    let open = |view: &RequestView| matches!(view.state, RequestState::Submitted);
    let found = pick(&ledger, wanted.as_deref(), open)?.clone();
    Ok(Asked { found, facts, approve, reason, is_adopted: !adopted.is_empty() })
}

impl Asked {
    /// Drafts the decision.
    ///
    /// # Errors
    /// If the signer may not decide on it.
    pub async fn decide(
        self,
        project: &Project,
        signer: &dyn DigestSigner,
    ) -> AppResult<Draft<Deciding>> {
        let Self { found, facts, approve, reason, is_adopted } = self;
        facts.may_decide(signer.address(), &found, approve).map_err(|why| {
            AppError::new(Kind::Fail, why)
                .hint("a person with the role `treasurer`, other than the requester, decides")
        })?;
        let RequestView { request, network, destination, amount, .. } = found;
        let shown = Deciding {
            request,
            asked_by: facts.name_of(network, found.requester),
            amount,
            destination,
            holder: facts.name_of(network, destination),
            network: network_name(project, network)?,
            id: network,
            reason: found.reason,
        };
        let body = if approve {
            Body::FundApprove(FundApproval { request, network, destination, amount, reason })
        } else {
            Body::FundDeny(FundDenial { request, reason })
        };
        let draft = Draft::of(project, about(project)?, signer, body, shown).await?;
        Ok(Draft { must_pin: approve && !is_adopted, ..draft })
    }
}

/// The name of a network of the project.
pub(crate) fn network_name(project: &Project, id: NetworkId) -> AppResult<String> {
    project.name_of(id).map(str::to_owned).ok_or_else(|| {
        AppError::config(format!("no network of tidegate.toml has chain id {}", id.chain))
    })
}

/// The request with this whole digest, or the only one that is ready. The beginning of a digest is
/// not enough to move money.
pub(crate) fn pick<'a>(
    ledger: &'a Ledger,
    named: Option<&str>,
    ready: impl Fn(&RequestView) -> bool,
) -> AppResult<&'a RequestView> {
    let wanted = named.map(whole).transpose()?.map(StatementDigest);
    ledger.pick(wanted, ready).map_err(|error| {
        let of = |why: &&String| wanted.is_some_and(|digest| why.contains(&digest.to_string()));
        let why = ledger.ignored.iter().find(of);
        let error = AppError::usage(error.to_string());
        let error = why.into_iter().fold(error, |error, why| error.hint(why));
        error.hint("`tidegate ledger show` lists requests")
    })
}
