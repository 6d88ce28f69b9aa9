//! Contracts as they stand on a network, beside what should stand there.

use alloy_primitives::{Address, B256, keccak256};
use tidegate_chain::Network;
use tidegate_gates::ContractFact;
use tidegate_gates::code_match::{CodeMatch, Transformations, match_code, match_other};
use tidegate_gates::proxy::{self, Behind};
use tidegate_model::policy::External;
use tidegate_model::release::Artifact;
use tidegate_model::{BlockRef, Fqn, Head};
use tidegate_plan::{Expected, OpKind, op_label};

use crate::deployment::Prepared;
use crate::error::AppResult;
use crate::network::slot;
use crate::release::Built;

/// Every contract that a plan creates. The artifacts explain a difference; whether there is one
/// is decided by the hash that local execution gives.
pub(crate) async fn created(
    network: &Network,
    head: Head,
    built: &Built,
    prepared: &Prepared,
    expected: &Expected,
) -> AppResult<Vec<ContractFact>> {
    let mut facts = Vec::new();
    for (op, address, initcode) in prepared.resolved.creations() {
        let OpKind::Create { contract, .. } = &op.kind else { continue };
        let created = expected.created.get(&address);
        let found = network.code(address, head.block).await?;
        let artifact = artifact(built, contract);
        let (matched, transformations) = match (created, artifact) {
            (Some(created), Some(artifact)) => {
                let matched = match_code(artifact, &created.code, &found);
                (matched, Transformations::of(artifact, initcode, &created.code))
            }
            _ => (match_other(&found), None),
        };
        facts.push(ContractFact {
            name: op_label(&op.id),
            address,
            expected: created.map(|created| created.code_hash),
            found: keccak256(&found),
            matched,
            transformations,
            behind: proxy_at(network, address, &found, head.block).await?,
        });
    }
    for (address, created) in expected.created.iter().filter(|(_, created)| created.nested) {
        let found = network.code(*address, head.block).await?;
        let hash = keccak256(&found);
        let same = hash == created.code_hash;
        facts.push(ContractFact {
            name: op_label(&created.op),
            address: *address,
            expected: Some(created.code_hash),
            found: hash,
            matched: if same { CodeMatch::Same } else { match_other(&found) },
            transformations: None,
            behind: None,
        });
    }
    Ok(facts)
}

/// An external, of which only the code hash is expected.
pub(crate) async fn external(
    network: &Network,
    head: Head,
    name: &str,
    expected: &External,
) -> AppResult<ContractFact> {
    let found = network.code(expected.address, head.block).await?;
    let hash: B256 = keccak256(&found);
    let same = hash == expected.code_hash;
    Ok(ContractFact {
        name: format!("@{name}"),
        address: expected.address,
        expected: Some(expected.code_hash),
        found: hash,
        matched: if same { CodeMatch::Same } else { match_other(&found) },
        transformations: None,
        behind: proxy_at(network, expected.address, &found, head.block).await?,
    })
}

/// The proxies, beacons and admin contracts that are there already and that the plan goes through.
/// Their code is compared between networks, and shown here.
pub(crate) async fn live(
    network: &Network,
    head: Head,
    prepared: &Prepared,
) -> AppResult<Vec<ContractFact>> {
    let mut facts = Vec::new();
    for (name, address) in prepared.live() {
        let found = network.code(address, head.block).await?;
        let hash: B256 = keccak256(&found);
        facts.push(ContractFact {
            name: format!("@{name}"),
            address,
            expected: Some(hash),
            found: hash,
            matched: CodeMatch::Same,
            transformations: None,
            behind: proxy_at(network, address, &found, head.block).await?,
        });
    }
    Ok(facts)
}

fn artifact<'a>(built: &'a Built, contract: &Fqn) -> Option<&'a Artifact> {
    let mock = || built.mocks.values().find(|artifact| artifact.fqn == *contract);
    built.release.artifact(contract).or_else(mock)
}

pub(crate) async fn proxy_at(
    network: &Network,
    address: Address,
    code: &[u8],
    at: BlockRef,
) -> AppResult<Option<Behind>> {
    let mut slots = Vec::new();
    for number in proxy::slots_in(code) {
        slots.push((number, slot(network, address, number, at).await?));
    }
    Ok(proxy::classify(code, &slots))
}
