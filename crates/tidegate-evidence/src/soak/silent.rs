//! Which watched slots may change without a trace.

use alloy_primitives::{Address, B256};
use tidegate_chain::{Network, ReadError};
use tidegate_gates::slot_writes::{Code, Runs, Watch, Writes, slot_writes};
use tidegate_model::BlockRef;
use tidegate_model::slots::{ADMIN_SLOT, BEACON_SLOT};

use super::resets::{ADMIN_CHANGED, BEACON_UPGRADED, UPGRADED};
use super::state::Codes;
use super::{SoakRequest, Watched, all};

/// Elements of an array whose length is this or more may lie in any slot.
const LENGTH_BITS: usize = 64;
/// The most lengths of one account that are read.
const LENGTHS_MAX: usize = 256;

/// Watched slots that code may write without the event that would tell, with a sentence each.
pub(super) async fn slots<'a>(
    network: &Network,
    codes: &Codes,
    request: &SoakRequest<'a>,
    at: BlockRef,
) -> Result<Vec<(&'a Watched, String)>, ReadError> {
    let mut found = Vec::new();
    for watched in request.watched {
        if let Some(sentence) = of_slot(network, codes, request, watched, at).await? {
            found.push((watched, sentence));
        }
    }
    Ok(found)
}

async fn of_slot(
    network: &Network,
    codes: &Codes,
    request: &SoakRequest<'_>,
    watched: &Watched,
    at: BlockRef,
) -> Result<Option<String>, ReadError> {
    let topic = match watched.slot {
        ADMIN_SLOT => ADMIN_CHANGED,
        BEACON_SLOT => BEACON_UPGRADED,
        _ => UPGRADED,
    };
    let account = watched.address;
    let slots = implementation_slots(request, account);
    let parts = parts(request, account, &slots);
    let parts: Vec<_> =
        parts.iter().filter_map(|part| Some((part, codes.at(part.address)?))).collect();
    let run: Vec<_> = parts
        .iter()
        .map(|(part, code)| Code { address: part.address, bytes: code, runs: part.runs })
        .collect();
    let found = slot_writes(&run, &Watch { slot: watched.slot, topics: &[topic] });
    let how = parts.iter().zip(&found.writes).find_map(|((part, _), writes)| {
        let how = match writes {
            Writes::Never | Writes::Announced => return None,
            Writes::Silently => "can write it without an event",
            Writes::Anywhere => "writes to a slot that may be it",
            Writes::Elsewhere => "runs unknown code",
            Writes::Unclear => "is too complex to determine which slots it writes",
        };
        Some(format!("{} {how}", part.name))
    });
    let how = match how {
        Some(how) => Some(how),
        None => endless(network, account, &found.lengths, at).await?,
    };
    Ok(how.map(|how| format!("{} of {account}: {how}", watched.name)))
}

/// A length that something else than this code made so large that elements may lie anywhere.
async fn endless(
    network: &Network,
    account: Address,
    lengths: &std::collections::BTreeSet<B256>,
    at: BlockRef,
) -> Result<Option<String>, ReadError> {
    if lengths.len() > LENGTHS_MAX {
        return Ok(Some(format!("its code has more than {LENGTHS_MAX} arrays")));
    }
    let values = all(lengths.iter().copied(), |slot| async move {
        Ok((slot, network.storage(account, slot.into(), at).await?))
    });
    let endless = values.await?.into_iter().find(|(_, value)| value.bit_len() > LENGTH_BITS);
    Ok(endless.map(|(slot, value)| {
        format!("slot {slot} counts elements and holds {value}, so that one of them may be it")
    }))
}

/// Code that may run in an account's storage, with a name for people.
struct Part<'a> {
    address: Address,
    name: String,
    runs: Runs<'a>,
}

/// The account's own code, what stands behind it, and the libraries of the deployment.
fn parts<'a>(request: &SoakRequest<'_>, account: Address, slots: &'a [B256]) -> Vec<Part<'a>> {
    let deployment = &request.record.deployment;
    let mut held = deployment.slots.iter();
    let beacon = held.find(|held| held.address == account && held.slot == BEACON_SLOT);
    let beacon = beacon.map(|held| Address::from_word(held.value));
    let runs = Runs::Own { slots, beacon };
    let mut parts = vec![Part { address: account, name: "its own code".to_owned(), runs }];
    let steps = deployment.steps.iter().filter(|(_, place)| place.address == account);
    parts.extend(steps.filter_map(|(step, place)| {
        let name = format!("the implementation of {step}");
        Some(Part { address: place.implementation?, name, runs: Runs::Behind })
    }));
    parts.extend(deployment.libraries.iter().map(|(fqn, at)| Part {
        address: *at,
        name: format!("library {}", fqn.name()),
        runs: Runs::Named,
    }));
    parts
}

/// The account's watched slots that hold an implementation.
fn implementation_slots(request: &SoakRequest<'_>, account: Address) -> Vec<B256> {
    let watched = request.watched.iter().filter(|watched| watched.address == account);
    let slots = watched.map(|watched| watched.slot);
    slots.filter(|slot| ![ADMIN_SLOT, BEACON_SLOT].contains(slot)).collect()
}
