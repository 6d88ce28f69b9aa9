//! How two releases or networks differ.

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::BuildDigest;
use tidegate_model::changes::{Change, ContractChange, ReleaseChanges};
use tidegate_model::plan::Rule;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::release::Roots;
use tidegate_plan::Executor;
use tidegate_plan::config::Stage;

use crate::assess::verify_testnet;
use crate::deployment::{prepare, safe_executor};
use crate::error::{AppError, AppResult};
use crate::project::Project;
use crate::read_back::verify_target;
use crate::records;
use crate::release::{Built, find_stored, select, stored_build};
use crate::text::plain;

/// Two sides and what differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiffView {
    /// The first side.
    pub a: SideView,
    /// The second side.
    pub b: SideView,
    /// The difference that reaches furthest.
    pub furthest: Change,
    /// Each contract that differs.
    pub contracts: Vec<ContractChange>,
    /// How the plans differ, one sentence each.
    pub plan: Vec<String>,
    /// Parameters whose value differs.
    pub params: Vec<ParamChangeView>,
    /// Sources of the second side alone that are not what a known package published.
    #[serde(skip)]
    pub unproven: Vec<String>,
}

/// One side of a comparison.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SideView {
    /// Its label, for people.
    pub name: String,
    /// The release.
    pub roots: Roots,
    /// The state of the deployment on its chain; `null` for a side that is not a network.
    pub chain: Option<ChainView>,
    /// The deployment; `null` where it is no network.
    pub network: Option<DeployedView>,
}

/// A deployment compared with its chain.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChainView {
    /// The verdict's word.
    pub verdict: String,
    /// Its reasons.
    pub why: Vec<String>,
}

/// A deployment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeployedView {
    /// The network's name.
    pub name: String,
    /// The deployment id.
    pub id: u64,
    /// The build that was deployed.
    pub build_digest: BuildDigest,
}

/// A parameter whose value differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ParamChangeView {
    /// Its name.
    pub name: String,
    /// Its value on the first side.
    pub a: String,
    /// Its value on the second side.
    pub b: String,
    /// Whether its rule lets networks differ.
    pub allowed: bool,
}

impl DiffView {
    /// Compares two sides: releases by name or root prefix, networks (`NETWORK` or `NETWORK#ID`),
    /// or `.` for the working tree.
    ///
    /// # Errors
    /// If a side is none of these, or was not built here.
    pub async fn between(project: &Project, a: &str, b: &str) -> AppResult<Self> {
        let (a, b) = (side(project, a).await?, side(project, b).await?);
        let changes = ReleaseChanges::between(&a.built.release, &b.built.release)?;
        let params = values(project, &a, &b)?;
        let mut furthest = changes.furthest();
        if params.iter().any(|value| !value.allowed) {
            furthest = furthest.max(Change::Parameters);
        }
        let before = a.built.release.unproven();
        let mut unproven = b.built.release.unproven();
        unproven.retain(|source| !before.contains(source));
        let ReleaseChanges { contracts, plan, .. } = changes;
        let unproven = unproven.iter().map(ToString::to_string).collect();
        Ok(Self { a: a.view(), b: b.view(), furthest, contracts, plan, params, unproven })
    }

    /// Whether anything differs, on a chain too.
    pub fn differs(&self) -> bool {
        let drifted = |side: &SideView| side.chain.as_ref().is_some_and(|c| c.verdict != "PASS");
        self.furthest != Change::Identical || drifted(&self.a) || drifted(&self.b)
    }
}

/// One side, with what is needed to compare it.
struct Side {
    label: String,
    built: Built,
    /// The network and what is recorded of it.
    deployed: Option<(String, DeploymentRecord)>,
    chain: Option<ChainView>,
}

impl Side {
    fn view(self) -> SideView {
        let deployed = self.deployed.map(|(name, record)| DeployedView {
            name,
            id: record.id,
            build_digest: record.deployment.build_digest,
        });
        SideView { name: self.label, roots: self.built.roots, chain: self.chain, network: deployed }
    }
}

async fn side(project: &Project, name: &str) -> AppResult<Side> {
    if name == "." {
        let built = select(project, None)?;
        let label = format!("{}, the working tree", built.release.name);
        return Ok(Side { label, built, deployed: None, chain: None });
    }
    let (network, id) = match name.split_once('#') {
        Some((network, id)) => {
            let bad = || AppError::usage(format!("`{id}` is not a deployment id"));
            (network, Some(id.parse().map_err(|_| bad())?))
        }
        None => (name, None),
    };
    if project.config.networks.contains_key(network) {
        return deployed(project, network, id).await;
    }
    let found = find_stored(project, name)?.ok_or_else(|| {
        let networks: Vec<_> = project.config.networks.keys().map(String::as_str).collect();
        AppError::usage(format!("`{name}` is neither a network nor a release built here"))
            .hint(format!("networks are: {}; `.` is the working tree", networks.join(", ")))
            .hint("`tidegate build` stores the release that it builds")
    })?;
    Ok(Side { label: found.release.name.clone(), built: found, deployed: None, chain: None })
}

/// What was deployed on a network, and whether it is still there.
async fn deployed(project: &Project, network: &str, id: Option<u64>) -> AppResult<Side> {
    let records = records::all(project, network)?.into_iter().map(|(_, record)| record);
    let wanted = records.filter(|record| id.is_none_or(|id| record.id == id));
    let stage = project.network(network)?.stage;
    let newest = wanted.max_by_key(|record| {
        let last = record.transactions.iter().map(|tx| tx.block.number).max();
        (last, record.id)
    });
    let record = newest.ok_or_else(|| {
        let id = id.map_or_else(String::new, |id| format!(" with id {id}"));
        AppError::config(format!("nothing is recorded on {network}{id}")).hint(match stage {
            Stage::Testnet => format!("run `tidegate deploy {network}`"),
            Stage::Mainnet => "`tidegate proposal execute` writes the record".to_owned(),
        })
    })?;
    let found = match stored_build(project, record.release_root, record.deployment.build_digest)? {
        Some(found) => found,
        None => {
            let tree = select(project, None)?;
            if tree.roots.release_root != record.release_root {
                return Err(AppError::config(format!(
                    "{} on {network} was not built here: release {}",
                    record.name,
                    record.release_root.short()
                ))
                .hint("check out the commit that was deployed and run `tidegate build`"));
            }
            tree
        }
    };
    let report = match stage {
        Stage::Testnet => verify_testnet(project, &found, network).await,
        Stage::Mainnet => verify_target(project, &found, network).await,
    };
    let chain = match report {
        Ok(report) => {
            let (verdict, why) = (report.verdict.word().to_owned(), report.verdict.sentences());
            ChainView { verdict, why }
        }
        Err(error) => ChainView { verdict: "UNKNOWN".to_owned(), why: vec![error.to_string()] },
    };
    let label = format!("{} on {network}, deployment {}", record.name, record.id);
    let deployed = Some((network.to_owned(), record));
    Ok(Side { label, built: found, deployed, chain: Some(chain) })
}

/// Values of parameters, where at least one side is a network. The other side, if it is a release,
/// is taken as it would be deployed there now.
fn values(project: &Project, a: &Side, b: &Side) -> AppResult<Vec<ParamChangeView>> {
    let Some((network, record)) = a.deployed.as_ref().or(b.deployed.as_ref()) else {
        return Ok(Vec::new());
    };
    let params = |side: &Side| match &side.deployed {
        Some((_, record)) => Ok(record.deployment.params.clone()),
        None => {
            // Whoever compares needs no key: the record says who deployed.
            let acts = match project.network(network)?.stage {
                Stage::Testnet => Executor::Key(record.deployment.executor),
                Stage::Mainnet => safe_executor(project, network)?,
            };
            Ok::<_, AppError>(prepare(project, &side.built, network, acts, 0)?.resolved.params)
        }
    };
    let (one, other) = (params(a)?, params(b)?);
    let across = a.deployed.as_ref().map(|(n, _)| n) != b.deployed.as_ref().map(|(n, _)| n)
        && a.deployed.is_some()
        && b.deployed.is_some();
    let mut found = Vec::new();
    for (name, value) in &one {
        let Some(changed) = other.get(name).filter(|changed| *changed != value) else { continue };
        let rule = b.built.release.plan.params.get(name).map(|decl| &decl.rule);
        let allowed = across && !matches!(rule, None | Some(Rule::SameAsTestnet));
        found.push(ParamChangeView {
            name: name.clone(),
            a: plain(value),
            b: plain(changed),
            allowed,
        });
    }
    Ok(found)
}
