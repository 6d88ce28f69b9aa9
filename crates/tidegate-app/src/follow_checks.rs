//! Whether what a release finds is what the releases that it follows left.

use alloy_primitives::{Address, B256};
use tidegate_chain::Network;
use tidegate_model::BlockRef;
use tidegate_model::plan::ProxyKind;
use tidegate_plan::{BEACON_SLOT, IMPLEMENTATION_SLOT, Standing};

use crate::chain::Chain;
use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind};
use crate::follow::{Left, of};
use crate::network::slot;
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
        let put = place.implementation.filter(|_| is_plain_proxy(standing));
        let is_put = put.is_none_or(|put| put == code_at);
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

/// Whether a slot of the proxy itself says what is behind it.
fn is_plain_proxy(standing: &Standing) -> bool {
    let kind = standing.create.proxy.as_ref().map(|proxy| proxy.kind);
    matches!(kind, Some(ProxyKind::Uups | ProxyKind::Transparent))
}

/// Where the code of a contract lies: itself, or what is behind its proxy.
async fn behind(
    network: &Network,
    standing: &Standing,
    address: Address,
    at: BlockRef,
) -> AppResult<Address> {
    let Some(proxy) = &standing.create.proxy else { return Ok(address) };
    let held = |place: Address, which: B256| slot(network, place, which, at);
    match proxy.kind {
        ProxyKind::Uups | ProxyKind::Transparent => {
            Ok(Address::from_word(held(address, IMPLEMENTATION_SLOT).await?))
        }
        ProxyKind::Beacon => {
            /// `implementation()` of every beacon.
            const IMPLEMENTATION: [u8; 4] = [0x5c, 0x60, 0xda, 0x1b];
            let beacon = Address::from_word(held(address, BEACON_SLOT).await?);
            let answer = network.call(beacon, &IMPLEMENTATION.into(), at).await?;
            Ok(answer.get(12..32).map_or(Address::ZERO, Address::from_slice))
        }
        ProxyKind::Minimal => {
            // ERC-1167: ten bytes, the address, fifteen bytes.
            let code = network.code(address, at).await?;
            Ok(code.get(10..30).map_or(Address::ZERO, Address::from_slice))
        }
    }
}
