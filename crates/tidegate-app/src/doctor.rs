//! Checks of a machine and its project.

use alloy_primitives::Address;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tidegate_chain::{Network, known_chain};
use tidegate_model::Head;
use tidegate_model::units::{counted, format_amount};
use tidegate_plan::config::NetworkConfig;
use tidegate_safe::helper;

use crate::compiler::{self, described};
use crate::error::{AppError, AppResult, Hint, Kind};
use crate::policy_doc::safe_state;
use crate::project::Project;

/// One check and its result.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Finding {
    /// What.
    pub what: String,
    /// The good news, or what is missing.
    #[serde(flatten, serialize_with = "as_fields")]
    #[schemars(with = "Fields<'_>")]
    pub result: Result<String, String>,
    /// The kind of what is missing; absent where nothing is, or it keeps nobody from anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// What to do about it, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl Finding {
    /// What is missing is of the configuration, unless it is said otherwise.
    fn of(what: &str, result: Result<String, String>) -> Self {
        let kind = result.is_err().then_some(Kind::Config);
        Self { what: what.to_owned(), result, kind, hints: Vec::new() }
    }

    /// Says what kind it is, if something is missing.
    fn kind(self, kind: Kind) -> Self {
        Self { kind: self.result.is_err().then_some(kind), ..self }
    }

    /// What is missing is made once it is needed, and keeps nobody from anything before.
    fn later(self) -> Self {
        Self { kind: None, ..self }
    }

    /// What keeps a check from being made.
    fn failed(what: &str, error: &AppError) -> Self {
        let hints = error.hints.iter().filter_map(|hint| match hint {
            Hint::Text(text) => Some(text.clone()),
            Hint::Again(_) => None,
        });
        let found = Self::of(what, Err(error.to_string())).kind(error.kind);
        Self { hints: hints.collect(), ..found }
    }
}

/// A result, as programs read it.
#[derive(Serialize, JsonSchema)]
struct Fields<'a> {
    /// Whether the check passed.
    ok: bool,
    /// The good news, or what is missing.
    text: &'a str,
}

fn as_fields<S: Serializer>(
    result: &Result<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = result.as_ref().unwrap_or_else(|text| text);
    Fields { ok: result.is_ok(), text }.serialize(serializer)
}

/// Checks of a machine and its project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DoctorView {
    /// Each thing that was looked at.
    pub findings: Vec<Finding>,
}

/// The address of a key by its name; `None` where it shows only once the key is opened.
pub type AddressOf<'a> = &'a (dyn Fn(&str) -> AppResult<Option<Address>> + Sync);

/// Looks at the compilers and at each network: endpoints, helper, Safe, externals and keys.
pub async fn look(project: &Project, address_of: AddressOf<'_>) -> Vec<Finding> {
    let mut findings = vec![compilers(project)];
    for (name, settings) in &project.config.networks {
        match network(project, name, settings, address_of).await {
            Ok(found) => findings.extend(found),
            Err(error) => {
                findings.push(Finding::failed(name, &error));
                let keys = keys(settings).into_iter();
                let missing =
                    keys.filter_map(|(role, key)| Some((role, key, address_of(key).err()?)));
                findings.extend(missing.map(|(role, key, error)| keyless(name, role, key, &error)));
            }
        }
    }
    findings
}

fn compilers(project: &Project) -> Finding {
    let contracts = tidegate_plan::requested_contracts(&project.config);
    let contracts: Vec<_> = contracts.into_iter().collect();
    match compiler::run(project, &contracts) {
        Ok(output) => {
            let compilers: Vec<_> = output.compilers.iter().map(described).collect();
            Finding::of("compiler", Ok(compilers.join(", ")))
        }
        Err(error) => Finding::failed("compiler", &error),
    }
}

/// The keys that a network names, with what they are for.
fn keys(settings: &NetworkConfig) -> Vec<(&'static str, &str)> {
    let named = [("deployer", &settings.deployer), ("relayer", &settings.relayer)];
    named.into_iter().filter_map(|(role, key)| Some((role, key.as_deref()?))).collect()
}

fn keyless(network: &str, role: &str, key: &str, error: &AppError) -> Finding {
    let found = Finding::failed(network, error);
    Finding { result: found.result.map_err(|why| format!("{role} `{key}`: {why}")), ..found }
}

async fn network(
    project: &Project,
    name: &str,
    settings: &NetworkConfig,
    address_of: AddressOf<'_>,
) -> AppResult<Vec<Finding>> {
    let network = project.connect(name).await?;
    let head = network.latest_head().await?;
    let row = |result| Finding::of(name, result);
    let wanted = crate::network::quorum(settings.chain) as usize;
    let operators = network.operators();
    let mut count = counted(network.endpoints().count(), "endpoint");
    if operators < network.endpoints().count() {
        count += &format!(" of {}", counted(operators, "operator"));
    }
    let text = format!("chain {}, {count}, block {}", settings.chain, head.block.number);
    let mut findings = vec![row(if operators >= wanted {
        Ok(text)
    } else {
        Err(format!("{text}; gates ask {wanted} of different operators"))
    })];
    if settings.genesis.is_none() && known_chain(settings.chain).is_none() {
        let genesis = network.id().genesis;
        findings.push(row(Err(format!("write genesis = \"{genesis}\" under [networks.{name}]"))));
    }
    if let Some(text) = crate::network::ends_too_soon(project, name, head.timestamp)? {
        findings.push(row(Err(text)));
    }
    let helper = network.code_hash(helper::address(), head.block).await? == helper::CODE_HASH;
    if settings.safe.is_some() {
        findings.push(
            row(if helper {
                Ok(format!("helper contract at {}", helper::address()))
            } else {
                Err(format!("no helper contract; run `tidegate deploy --helper {name}`"))
            })
            .later(),
        );
    }
    if let Some(safe) = settings.safe {
        findings.push(safe_row(name, &network, head, safe).await);
    }
    for (external, networks) in &project.config.externals {
        let Some(found) = networks.get(name) else { continue };
        let Some(address) = found.address else { continue };
        let hash = network.code_hash(address, head.block).await?;
        findings.push(row(match found.code_hash {
            Some(expected) if expected == hash => Ok(format!("@{external} {address}")),
            _ => Err(format!("@{external} {address} has code_hash = \"{hash}\"")),
        }));
    }
    for (role, key) in keys(settings) {
        findings.push(match address_of(key) {
            Ok(Some(address)) => {
                row(balance_row(&network, head, (role, address)).await).kind(Kind::Chain)
            }
            Ok(None) => row(Ok(format!("{role} `{key}`, whose address shows when it is opened"))),
            Err(error) => keyless(name, role, key, &error),
        });
    }
    Ok(findings)
}

async fn safe_row(name: &str, network: &Network, head: Head, safe: Address) -> Finding {
    match safe_state(network, safe, head).await {
        Ok(state) => {
            let (threshold, owners) = (state.trust.threshold, state.trust.owners.len());
            let nonce = state.nonce;
            let owners = counted(owners, "owner");
            let text = format!("Safe {safe}, {threshold} of {owners}, nonce {nonce}");
            Finding::of(name, Ok(text))
        }
        Err(error) => Finding::failed(name, &error),
    }
}

async fn balance_row(
    network: &Network,
    head: Head,
    (role, address): (&str, Address),
) -> Result<String, String> {
    let balance = network.balance(address, head.block).await;
    let balance = balance.map_err(|error| format!("{role} {address}: {error}"))?;
    Ok(format!("{role} {address}, {} ETH", format_amount(balance, 18)))
}
