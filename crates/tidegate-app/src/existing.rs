//! Live contracts that a plan upgrades: what is behind them, beside what the sources say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use alloy_primitives::{Address, B256, Bytes, hex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_chain::Network;
use tidegate_gates::code_match::match_code;
use tidegate_model::release::Artifact;
use tidegate_model::{BlockRef, ChainId, Fqn, Head};
use tidegate_plan::{ADMIN_SLOT, RECORDED, Start};
use tidegate_store::{read_limited, to_text, write_atomic};

use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::follow_checks::require_standing;
use crate::network::slot;
use crate::project::Project;
use crate::release::Built;

/// The largest baseline, in bytes.
const BASELINE_BYTES_MAX: u64 = 16 << 20;

/// What is behind a proxy that an upgrade starts from.
#[derive(Debug, Clone)]
pub struct Behind {
    pub implementation: Address,
    pub code: Bytes,
    /// Why it is not what the plan starts from; empty if it is.
    pub faults: Vec<String>,
    /// Whether only metadata differs, so that the source text is another one.
    pub other_text: bool,
}

/// Reads what is behind a proxy at a block, and compares it with the reference.
pub(crate) async fn read_behind(
    network: &Network,
    built: &Built,
    start: &Start,
    at: BlockRef,
) -> AppResult<Behind> {
    let reference = reference(built, &start.reference)?;
    let held = slot(network, start.address, start.slot, at).await?;
    let implementation = Address::from_word(held);
    let code = network.code(implementation, at).await?;
    let (target, name) = (&start.target, network.name());
    let mut faults = Vec::new();
    if implementation.is_zero() {
        faults.push(format!("nothing is behind @{target} at {} on {name}", start.address));
    } else if reference.template_of(&code) != Some(reference.runtime_template()) {
        let why = match_code(reference, &template_with(reference, &code), &code).summary();
        let of = match reference.fqn.0.strip_prefix(RECORDED).and_then(|fqn| fqn.split_once('/')) {
            Some((_, plain)) => format!("{plain} of the release that is followed"),
            None => reference.fqn.to_string(),
        };
        faults.push(format!("{implementation}, behind @{target} on {name}, is not {of}: {why}"));
    }
    if let Some(admin) = start.admin {
        let found = Address::from_word(slot(network, start.address, ADMIN_SLOT, at).await?);
        if found != admin {
            faults.push(format!("the admin of @{target} on {name} is {found}, not {admin}"));
        }
    }
    let metadata = |code: &[u8]| {
        let regions = reference.runtime.metadata.iter();
        regions.map(|s| code.get(s.start..s.start + s.length).map(<[u8]>::to_vec)).collect()
    };
    let (own, found): (Vec<_>, Vec<_>) = (metadata(&reference.runtime.object), metadata(&code));
    Ok(Behind { implementation, code, faults, other_text: own != found })
}

/// The reference's code with everything taken from the chain that it does not fix itself, so that
/// a comparison names only differences in code.
fn template_with(reference: &Artifact, found: &[u8]) -> Vec<u8> {
    let mut code = reference.runtime.object.to_vec();
    let links = reference.runtime.links.values().flatten();
    for span in links.chain(reference.immutables.values().flatten()) {
        let range = span.start..span.start + span.length;
        if let (Some(own), Some(found)) = (code.get_mut(range.clone()), found.get(range)) {
            own.copy_from_slice(found);
        }
    }
    code
}

/// The artifact of a contract that an upgrade starts from.
pub(crate) fn reference<'a>(built: &'a Built, fqn: &Fqn) -> AppResult<&'a Artifact> {
    built
        .release
        .references
        .get(fqn)
        .ok_or_else(|| AppError::new(Kind::Internal, format!("the release does not contain {fqn}")))
}

/// The way on where something is behind a proxy of the plan that no step of it puts there.
pub(crate) const STRANGE_WAY: &str = "another `salt` makes a new proxy; or name this one under \
                                      [existing] with the contract that is behind it";

/// The way on where other code is behind a proxy than the plan starts from.
pub(crate) fn start_way(project: &Project, name: &str) -> String {
    if project.config.existing.contains_key(name) {
        return format!("`contract` under [existing.{name}] must name the code behind it now");
    }
    format!(
        "follow the release that put @{name} there; on a testnet, try it on a copy of what is \
         followed: `tidegate deploy --release RELEASE --id NUMBER`"
    )
}

/// Refuses an upgrade that would start from other code than the plan says.
pub(crate) async fn require_starts(
    project: &Project,
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    head: Head,
) -> AppResult {
    let wrong = wrong_starts(project, network, built, prepared, head).await?;
    AppError::first(wrong.into_iter().map(|(_, error)| error))?;
    require_standing(project, network, built, prepared, head.block).await
}

/// The upgrades that would start from other code than the plan says, by their steps.
pub(crate) async fn wrong_starts(
    project: &Project,
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    head: Head,
) -> AppResult<Vec<(String, AppError)>> {
    let mut wrong = Vec::new();
    for start in &prepared.resolved.starts {
        if start.in_plan {
            let strange = strange_in_plan(network, prepared, start, head.block).await?;
            wrong.extend(strange.map(|fault| {
                (start.step.clone(), AppError::new(Kind::Fail, fault).hint(STRANGE_WAY))
            }));
            continue;
        }
        let found = read_behind(network, built, start, head.block).await?;
        let done = prepared.resolved.places.get(&start.step).and_then(|p| p.implementation);
        if done == Some(found.implementation) {
            continue;
        }
        if let Some(fault) = found.faults.first() {
            let error = AppError::new(Kind::Fail, fault.clone());
            wrong.push((start.step.clone(), error.hint(start_way(project, &start.target))));
        }
    }
    Ok(wrong)
}

/// Whether something is behind a proxy of the plan that no step of the plan puts there: then the
/// proxy stands from an earlier run, and the upgrade would start from that.
pub(crate) async fn strange_in_plan(
    network: &Network,
    prepared: &Prepared,
    start: &Start,
    at: BlockRef,
) -> AppResult<Option<String>> {
    let held = slot(network, start.address, start.slot, at).await?;
    let (found, resolved) = (Address::from_word(held), &prepared.resolved);
    // Where an earlier upgrade of the plan starts from what is live, that is compared.
    let live = |other: &Start| other.address == start.address && !other.in_plan;
    let is_own = found.is_zero()
        || resolved.starts.iter().any(live)
        || resolved.initcodes().contains_key(&found);
    let (target, name) = (&start.target, network.name());
    Ok((!is_own).then(|| {
        format!("{found} is behind @{target} on {name}, and no step of this plan puts it there")
    }))
}

/// A live contract as it was adopted: what an upgrade is compared with. A claim, which is compared
/// with sources and chain whenever it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Baseline {
    pub v: u32,
    pub name: String,
    pub chain: ChainId,
    pub genesis: B256,
    /// The contract whose slot holds the implementation.
    pub address: Address,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admin: Option<Address>,
    pub implementation: Address,
    /// What was adopted behind it before, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub earlier: Vec<Address>,
    pub contract: Fqn,
    pub runtime_template: B256,
    pub storage_layout: B256,
    pub layout: serde_json::Value,
    /// The values of its immutables, as the chain has them.
    pub immutables: BTreeMap<String, String>,
    pub block: BlockRef,
}

impl Baseline {
    const VERSION: u32 = 1;

    /// What was found behind a proxy, in the words of the sources.
    pub(crate) fn of(
        network: &Network,
        built: &Built,
        start: &Start,
        found: &Behind,
        block: BlockRef,
    ) -> AppResult<Self> {
        let reference = reference(built, &start.reference)?;
        let value = |spans: &Vec<tidegate_model::release::Span>| {
            let span = spans.first()?;
            found.code.get(span.start..span.start + span.length).map(hex::encode_prefixed)
        };
        let immutables = reference.immutables.iter();
        Ok(Self {
            v: Self::VERSION,
            name: start.target.clone(),
            chain: network.id().chain,
            genesis: network.id().genesis,
            address: start.address,
            admin: start.admin,
            implementation: found.implementation,
            earlier: Vec::new(),
            contract: reference.fqn.clone(),
            runtime_template: reference.runtime_template(),
            storage_layout: reference.storage_layout()?,
            layout: reference.layout.clone(),
            immutables: immutables
                .filter_map(|(name, spans)| Some((name.clone(), value(spans)?)))
                .collect(),
            block,
        })
    }

    /// Whether it says of the proxy what the sources say: code, storage and names of types.
    pub(crate) fn agrees(&self, start: &Start, source: &Artifact) -> AppResult<bool> {
        Ok(self.address == start.address
            && self.runtime_template == source.runtime_template()
            && self.storage_layout == source.storage_layout()?
            && self.layout == source.layout)
    }

    /// Reads what was adopted, if anything was.
    pub(crate) fn load(project: &Project, network: &str, name: &str) -> AppResult<Option<Self>> {
        let path = project.layout.existing(network, name).or_kind(Kind::Config)?;
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = read_limited(&path, BASELINE_BYTES_MAX).or_kind(Kind::Config)?;
        let baseline: Self = serde_json::from_slice(&bytes).map_err(|error| {
            AppError::config(format!("cannot read {}: {error}", path.display()))
                .hint("restore it from git, or run `tidegate adopt`")
        })?;
        Ok(Some(baseline))
    }

    /// The same with what an older baseline of the same proxy says was behind it.
    pub(crate) fn after(mut self, older: Option<Self>) -> Self {
        let Some(older) = older.filter(|older| older.address == self.address) else { return self };
        self.earlier = older.earlier;
        self.earlier.push(older.implementation);
        self.earlier.retain(|at| *at != self.implementation);
        self
    }

    /// Writes it beside the records.
    pub fn write(&self, project: &Project, network: &str) -> AppResult<PathBuf> {
        let path = project.layout.existing(network, &self.name).or_kind(Kind::Config)?;
        let text = to_text(&serde_json::to_value(self)?);
        write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
        Ok(path)
    }
}
