//! Code outside the plan: what a release runs as its own, and what stands in for what it calls.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256, keccak256};
use tidegate_chain::Network;
use tidegate_gates::{Account, ExternalRow, Outsider, foreign_code};
use tidegate_model::policy::External;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::{Head, Reason};
use tidegate_plan::{Names, same_code};

use super::code::Planned;
use crate::error::AppResult;
use crate::project::Project;

/// A plan on one network.
pub(super) struct On<'a> {
    pub(super) network: &'a Network,
    pub(super) head: Head,
    pub(super) planned: Planned<'a>,
}

/// What the release would run as its own on the target that did not soak.
pub(super) async fn foreign(
    names: &Names,
    soak: &On<'_>,
    target: &On<'_>,
) -> AppResult<Vec<Reason>> {
    let live: BTreeSet<_> = target.planned.0.live().map(|(name, _)| name).collect();
    let mut outside = Vec::new();
    for (name, address) in &target.planned.0.resolved.outside {
        let Some(soaked) = soak.planned.0.resolved.outside.get(name) else { continue };
        let one = code(soak, *soaked).await?;
        let other = code(target, *address).await?;
        outside.push(Outsider {
            name: name.clone(),
            address: *address,
            hashes: [keccak256(&other), keccak256(&one)],
            is_same: same_code(names, &one, &other).is_none(),
            is_live: live.contains(name.as_str()),
            code: other,
        });
    }
    let created = &target.planned.1.created;
    let places = target.planned.0.resolved.places.values();
    let in_place: BTreeSet<_> = places
        .filter(|place| !created.contains_key(&place.address))
        .filter_map(|place| place.implementation)
        .collect();
    let slots: BTreeMap<Address, BTreeMap<U256, U256>> =
        created.iter().map(|(at, made)| (*at, made.leaves().slots)).collect();
    let accounts: Vec<_> = created
        .iter()
        .map(|(at, made)| Account {
            name: &made.op,
            address: *at,
            code: &made.code,
            slots: slots.get(at).filter(|_| !in_place.contains(at)),
        })
        .collect();
    Ok(foreign_code(target.network.name(), &accounts, &outside))
}

/// A contract's code: of a stand-in, as local execution makes it.
async fn code(on: &On<'_>, at: Address) -> AppResult<Vec<u8>> {
    Ok(match on.planned.1.created.get(&at) {
        Some(made) => made.code.to_vec(),
        None => on.network.code(at, on.head.block).await?.to_vec(),
    })
}

/// Each external where it soaked and on the target.
pub(super) fn rows(project: &Project, target: &str, record: &DeploymentRecord) -> Vec<ExternalRow> {
    let externals = record.deployment.externals.iter().filter_map(|(name, soaked)| {
        let written = project.config.externals.get(name)?.get(target)?;
        let (address, code_hash) = (written.address?, written.code_hash?);
        let target = External { address, code_hash };
        Some(ExternalRow { name: name.clone(), soaked: soaked.clone(), target })
    });
    externals.collect()
}
