//! Contracts behind proxies of a plan: whether they are safe there.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_chain::Network;
use tidegate_gates::{
    Layout, allowed_hazard, hazards_behind, hidden_sentence, is_proxy_admin, is_remark, own_proxy,
    unjudged, unsafe_reason,
};
use tidegate_model::hazard::Hazard;
use tidegate_model::plan::{Action, Arg, Beacon, ProxyKind, Source, Step};
use tidegate_model::release::Artifact;
use tidegate_model::{Fqn, Head, Reason, ReasonCode};

use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind};
use crate::network::slot;
use crate::proxies::Judged;
use crate::release::Built;

/// A contract that a step puts behind a proxy, and what is unsafe about it there.
struct Behind<'a> {
    step: &'a str,
    contract: &'a Artifact,
    hazards: Vec<Hazard>,
}

/// Which contracts are unsafe behind their proxies, and what whoever approves the plan may not
/// overlook, one sentence each. What stands already is not refused again.
pub(crate) async fn judge_safety(
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    head: Head,
) -> AppResult<Judged> {
    let (mut faults, mut attentions) = (Vec::new(), Vec::new());
    let steps = built.release.plan.steps.iter();
    faults.extend(steps.filter_map(|step| other_reference(built, step)));
    attentions.extend(own_proxies(built).into_iter().map(|(_, line)| line));
    for Behind { step, contract, hazards } in behind(built) {
        let stands = stands(network, prepared, step, head).await?;
        attentions.extend(unjudged(contract).map(|what| format!("{step}, {what}")));
        for hazard in hazards.iter().filter(|hazard| !hazard.allowed) {
            let reason = unsafe_reason(step, hazard);
            if stands || is_remark(hazard) {
                attentions.push(reason.to_string());
            } else {
                faults.push(reason);
            }
        }
    }
    for step in &built.release.plan.steps {
        faults.extend(admin_of_admin(network, built, prepared, step, head).await?);
    }
    let faults = faults.into_iter().map(|fault| {
        AppError::new(Kind::Fail, fault).hint(
            "Tidegate's docs/upgrades.md has the rules, and how a source allows what it means to \
             do",
        )
    });
    Ok(Judged { faults: faults.collect(), attentions })
}

/// The contracts that steps create without a proxy and that may be one, each with why.
fn own_proxies(built: &Built) -> Vec<(&Artifact, String)> {
    let release = &built.release;
    let created = release.plan.steps.iter().filter_map(|step| {
        let Action::Create(create) = &step.action else { return None };
        let artifact = release.artifact(&create.contract).filter(|_| create.proxy.is_none())?;
        Some((artifact, own_proxy(&step.name, artifact)?))
    });
    created.collect()
}

/// Whether the proxy of a step has the step's contract behind it already. That somebody created the
/// contract alone changes nothing for the proxy.
async fn stands(network: &Network, prepared: &Prepared, step: &str, head: Head) -> AppResult<bool> {
    let resolved = &prepared.resolved;
    let Some(place) = resolved.places.get(step) else { return Ok(false) };
    match resolved.starts.iter().find(|start| start.step == step) {
        Some(start) => {
            let held = slot(network, start.address, start.slot, head.block).await?;
            Ok(place.implementation == Some(Address::from_word(held)))
        }
        None => Ok(!network.code(place.address, head.block).await?.is_empty()),
    }
}

/// What `plan` and `deploy` would refuse by the sources alone, one sentence each.
pub(crate) fn refused(built: &Built) -> Vec<String> {
    let refused = behind(built).into_iter().flat_map(|Behind { step, hazards, .. }| {
        let open = hazards.into_iter().filter(|hazard| !hazard.allowed && !is_remark(hazard));
        open.map(move |hazard| unsafe_reason(step, &hazard).to_string())
    });
    refused.collect()
}

/// What the sources of contracts behind proxies allow although it is unsafe, and what of contracts
/// nobody judges, one sentence each, by contract: auditors read it.
pub fn exceptions(built: &Built) -> BTreeMap<Fqn, Vec<String>> {
    let mut exceptions: BTreeMap<Fqn, Vec<String>> = BTreeMap::new();
    let mut add = |fqn: &Fqn, line: String| {
        let all = exceptions.entry(fqn.clone()).or_default();
        if !all.contains(&line) {
            all.push(line);
        }
    };
    for Behind { contract, hazards, .. } in behind(built) {
        let allowed = hazards.iter().filter(|hazard| hazard.allowed).map(allowed_hazard);
        let layout = Layout::of(contract).unwrap_or_default();
        let growing = layout.growing().map(|(label, why)| {
            format!("`{label}` may grow at its end; the source says why: {why}")
        });
        let kept = layout.kept().map(|(name, why)| {
            format!("`{name}` is stored by assembly and not compared; the source says why: {why}")
        });
        let hidden = hidden_sentence(&layout, &layout);
        let said = allowed.chain(growing).chain(kept).chain(hidden).chain(unjudged(contract));
        said.for_each(|line| add(&contract.fqn, line));
    }
    for (contract, line) in own_proxies(built) {
        add(&contract.fqn, line);
    }
    exceptions
}

fn behind(built: &Built) -> Vec<Behind<'_>> {
    let behind = |step: &'_ Step| -> Option<(ProxyKind, Fqn)> {
        match &step.action {
            Action::Create(create) => {
                let proxy = create.proxy.as_ref()?;
                let is_first = !matches!(proxy.beacon, Some(Beacon::Of(_)));
                is_first.then(|| (proxy.kind, create.contract.clone()))
            }
            Action::Upgrade(upgrade) => Some((upgrade.kind, upgrade.contract.clone())),
            Action::Call(_) => None,
        }
    };
    let steps = built.release.plan.steps.iter().filter_map(|step| {
        let (kind, contract) = behind(step)?;
        let contract = built.release.artifact(&contract)?;
        Some(Behind { step: &step.name, contract, hazards: hazards_behind(kind, contract) })
    });
    steps.collect()
}

/// Why an upgrade is not the one that its source names by `@custom:oz-upgrades-from`.
fn other_reference(built: &Built, step: &Step) -> Option<Reason> {
    let upgrade = step.as_upgrade()?;
    let wanted = built.release.artifact(&upgrade.contract)?.upgrades_from.as_ref()?;
    let reference = &upgrade.reference.contract;
    let name = wanted.rsplit(':').next().unwrap_or(wanted);
    let text = format!(
        "{}: its source says `@custom:oz-upgrades-from {wanted}`, the plan upgrades {reference}",
        step.name
    );
    (name != reference.name()).then(|| Reason::new(ReasonCode::UpgradeUnsafe, text))
}

/// Why the owner of a transparent proxy's admin contract can be none. OpenZeppelin 5's proxy
/// creates that contract: one that belongs to another admin contract can never be used.
async fn admin_of_admin(
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    step: &Step,
    head: Head,
) -> AppResult<Option<Reason>> {
    let Action::Create(create) = &step.action else { return Ok(None) };
    let proxy = create.proxy.as_ref().filter(|proxy| proxy.kind == ProxyKind::Transparent);
    let Some((proxy, admin)) = proxy.and_then(|proxy| Some((proxy, proxy.admin.as_ref()?))) else {
        return Ok(None);
    };
    let constructor = built.release.artifact(&proxy.contract);
    let constructor = constructor.and_then(|artifact| artifact.abi.constructor.as_ref());
    let owner = constructor.and_then(|constructor| constructor.inputs.get(1));
    if owner.is_none_or(|input| input.name != OWNER) {
        return Ok(None);
    }
    let is_own = match &admin.from {
        Source::Ref(name) => created(built, name).is_some_and(is_proxy_admin),
        _ => false,
    };
    let is_there = match address(prepared, admin) {
        Some(address) => is_proxy_admin(&network.code(address, head.block).await?),
        None => false,
    };
    let text = format!(
        "{}: `admin` is a ProxyAdmin, and the proxy creates another one that would belong to it, \
         so nothing could ever upgrade; write who may upgrade, such as a Safe",
        step.name
    );
    Ok((is_own || is_there).then(|| Reason::new(ReasonCode::AdminOfAdmin, text)))
}

/// The name that OpenZeppelin 5's transparent proxy has for its second argument.
const OWNER: &str = "initialOwner";

/// The runtime code that a step creates without a proxy.
fn created<'a>(built: &'a Built, name: &str) -> Option<&'a [u8]> {
    let step = built.release.plan.step(name)?;
    let Action::Create(create) = &step.action else { return None };
    let artifact = built.release.artifact(&create.contract).filter(|_| create.proxy.is_none())?;
    Some(&artifact.runtime.object)
}

/// The address of an argument on one network, where it is known before anything runs.
fn address(prepared: &Prepared, arg: &Arg) -> Option<Address> {
    let resolved = &prepared.resolved;
    match &arg.from {
        Source::Ref(name) => {
            let place = resolved.places.get(name).map(|place| place.address);
            place.or_else(|| resolved.outside.get(name).copied())
        }
        Source::Param(name) => resolved.params.get(name)?.as_str()?.parse().ok(),
        Source::Literal(value) => value.as_str()?.parse().ok(),
        Source::List(_) => None,
    }
}
