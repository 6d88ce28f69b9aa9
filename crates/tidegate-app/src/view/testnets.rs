//! A release on testnets that back no target yet.

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::units::format_utc;
use tidegate_model::{ChainId, GateId, ReasonCode, ReleaseRoot, Verdict};
use tidegate_plan::config::Stage;

use super::{GateView, SoakView};
use crate::assess::{Alone, alone};
use crate::error::AppResult;
use crate::network::brings_finality;
use crate::next::deploys;
use crate::project::Project;
use crate::release::Built;

/// How a release stands on each testnet of a project without a target.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestnetsView {
    /// The release's name.
    pub release: String,
    pub release_root: ReleaseRoot,
    pub testnets: Vec<TestnetView>,
    /// The worst verdict of those where it is deployed.
    pub overall: Verdict,
    /// The next steps.
    pub next: Vec<String>,
}

/// A release on one testnet.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestnetView {
    /// The network's name.
    pub network: String,
    /// Whether a record of the release is here.
    pub is_deployed: bool,
    /// The gates `code` and `soak`.
    pub gates: Vec<GateView>,
    /// Its soak; `null` where it has none, or it could not be read.
    pub soak: Option<SoakView>,
}

impl TestnetsView {
    /// Reads every testnet of the project.
    ///
    /// # Errors
    /// If a record cannot be read.
    pub async fn read(project: &Project, built: &Built) -> AppResult<Self> {
        let networks = project.config.networks.iter();
        let testnets = networks.filter(|(_, network)| network.stage == Stage::Testnet);
        let (mut views, mut next) = (Vec::new(), Vec::new());
        for (name, _) in testnets {
            let found = alone(project, built, name).await?;
            next.extend(step(built, &found, project.network(name)?.chain));
            views.push(TestnetView::of(project, found));
        }
        next.push("engineer: name the target, `stage = \"mainnet\"` under [networks.NAME]".into());
        let deployed = views.iter().filter(|view| view.is_deployed);
        let verdicts = deployed.flat_map(|view| &view.gates).map(|gate| &gate.result);
        Ok(Self {
            release: built.release.name.clone(),
            release_root: built.roots.release_root,
            overall: Verdict::worst(verdicts),
            testnets: views,
            next,
        })
    }
}

impl TestnetView {
    fn of(project: &Project, found: Alone) -> Self {
        let soak = found.soak.as_ref().ok().map(|facts| SoakView::of(&project.rules, facts));
        let gates = found.reports.into_iter().map(GateView::of).collect();
        Self { network: found.network, is_deployed: found.is_deployed, gates, soak }
    }
}

/// What comes next on one testnet.
fn step(built: &Built, found: &Alone, chain: ChainId) -> Option<String> {
    let name = &found.network;
    if !found.is_deployed {
        return Some(format!("engineer: `tidegate deploy {name}`"));
    }
    let of = |gate: GateId| found.reports.iter().find(|report| report.gate == gate);
    let is_wiped = |verdict: &Verdict| {
        let mut codes = verdict.reasons().into_iter().map(|reason| reason.code);
        codes.any(|code| code == ReasonCode::TransactionGone)
    };
    match (&of(GateId::Code)?.verdict, &of(GateId::Soak)?.verdict) {
        (code @ Verdict::Unknown { .. }, _) if is_wiped(code) => Some(deploys(built, name)),
        (Verdict::Fail { .. }, _) => Some(format!("engineer: `tidegate verify {name}`")),
        (Verdict::Waiting { .. }, _) => Some(until_final(name, chain)),
        _ if is_young(found) => Some(until_final(name, chain)),
        (_, Verdict::Unknown { .. }) if found.soak.is_ok() => {
            Some(format!("testers: use the contracts on {name}; see the reasons above"))
        }
        (_, Verdict::Waiting { eta: Some(eta), .. }) => {
            Some(format!("everybody: wait until {} on {name}", format_utc(*eta)))
        }
        _ => None,
    }
}

fn until_final(name: &str, chain: ChainId) -> String {
    let way = brings_finality(chain).map_or_else(String::new, |way| format!("; {way}"));
    format!("everybody: wait until the deployment is final on {name}{way}")
}

fn is_young(found: &Alone) -> bool {
    found.soak.as_ref().is_err_and(|why| why.code == ReasonCode::AnchorNotFinal)
}
