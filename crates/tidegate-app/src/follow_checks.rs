//! Whether what a release finds is what the releases that it follows left.

use alloy_primitives::{Address, Bytes, keccak256};
use tidegate_chain::Network;
use tidegate_gates::proxy;
use tidegate_model::BlockRef;
use tidegate_plan::Standing;

use crate::chain::Chain;
use crate::contracts::proxy_at;
use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind};
use crate::follow::{Left, of};
use crate::project::Project;
use crate::release::Built;

/// Refuses a plan where what it finds is not what the releases that it follows left.
pub(crate) async fn require_standing(
    project: &Project,
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    at: BlockRef,
) -> AppResult {
    let Some(chain) = of(project, built)? else { return Ok(()) };
    let faults = standing_faults(&chain, network, built, &prepared.left, at).await?;
    match faults.into_iter().next() {
        None => Ok(()),
        Some(fault) => Err(AppError::new(Kind::Fail, fault).hint(format!(
            "follow the release that left what stands there; on a testnet a copy will do: \
             `tidegate deploy --release {} --id NUMBER`",
            chain.followed.name
        ))),
    }
}

/// What stands otherwise than the releases that are followed left it, of what a plan takes as it
/// is.
pub(crate) async fn standing_faults(
    chain: &Chain,
    network: &Network,
    built: &Built,
    left: &Left,
    at: BlockRef,
) -> AppResult<Vec<String>> {
    let plan = &built.release.plan;
    let mut faults = Vec::new();
    for (name, standing) in &chain.followed.standing {
        let is_upgraded = plan.step(name).is_some();
        if is_upgraded || !plan.existing.contains(name) {
            continue;
        }
        let Some(place) = left.places.get(name) else {
            faults.push(format!("@{name} has no address on {}", network.name()));
            continue;
        };
        let code_at = behind(network, standing, place.address, at).await?;
        let code = network.code(code_at, at).await?;
        let artifact = &standing.artifact;
        // The address too: other values in the same code are other code.
        let is_put = place.implementation.is_none_or(|put| put == code_at);
        if !is_put || artifact.template_of(&code) != Some(artifact.runtime_template()) {
            let of = if code_at == place.address { "" } else { "behind " };
            faults.push(format!(
                "what is {of}@{name} on {}, at {code_at}, is not what {} left there",
                network.name(),
                standing.release
            ));
        }
    }
    Ok(faults)
}

/// Where the code of a contract lies: itself, or what is behind its proxy.
async fn behind(
    network: &Network,
    standing: &Standing,
    address: Address,
    at: BlockRef,
) -> AppResult<Address> {
    if standing.create.proxy.is_none() {
        return Ok(address);
    }
    let code = network.code(address, at).await?;
    let Some(behind) = proxy_at(network, address, &code, at).await? else {
        return Ok(Address::ZERO);
    };
    if behind.kind != proxy::ProxyKind::Beacon {
        return Ok(behind.target);
    }
    let asked = Bytes::copy_from_slice(&keccak256("implementation()")[..4]);
    let answer = network.call(behind.target, &asked, at).await?;
    Ok(answer.get(12..32).map_or(Address::ZERO, Address::from_slice))
}
