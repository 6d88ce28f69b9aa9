//! `tidegate doctor`.

use alloy_primitives::B256;
use clap::Args;
use serde_json::json;
use tidegate_app::compiler::described;
use tidegate_app::error::{AppError, AppResult};
use tidegate_app::policy_doc::safe_state;
use tidegate_keys::OsKeyring;
use tidegate_model::units::counted;
use tidegate_plan::config::NetworkConfig;
use tidegate_safe::helper;

use crate::context::Context;

/// Check what this machine and project need, and say what is missing
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Let this compiler run here from now on, beside the official builds; the digest is in the
    /// error that refuses it
    #[arg(long, value_name = "SHA256")]
    trust_compiler: Option<B256>,
}

/// What was looked at, and what it came to.
struct Finding {
    what: String,
    result: Result<String, String>,
}

pub(crate) async fn run(project: &Context, args: &DoctorArgs) -> AppResult<u8> {
    if let Some(sha256) = args.trust_compiler {
        tidegate_app::compiler::trust(&project.env, sha256)?;
    }
    let mut findings = vec![compiler(project), keyring()];
    for (name, settings) in &project.config.networks {
        match network(project, name, settings).await {
            Ok(found) => findings.extend(found),
            Err(error) => {
                findings.push(Finding { what: name.clone(), result: Err(error.to_string()) });
            }
        }
    }
    let ui = &project.ui;
    for finding in &findings {
        let (word, text) = match &finding.result {
            Ok(text) => ("ok", text),
            Err(text) => ("--", text),
        };
        ui.row(&finding.what, &format!("{word} {text}"));
    }
    let rows: Vec<_> = findings
        .iter()
        .map(|f| {
            json!({"what": f.what, "ok": f.result.is_ok(),
            "text": f.result.as_ref().unwrap_or_else(|text| text)})
        })
        .collect();
    ui.result(&json!({ "findings": rows }));
    Ok(0)
}

fn compiler(project: &Context) -> Finding {
    let contracts = tidegate_plan::requested_contracts(&project.config);
    let contracts: Vec<_> = contracts.into_iter().collect();
    let result = match tidegate_app::compiler::run(project, &contracts) {
        Ok(output) => {
            let compilers: Vec<_> = output.compilers.iter().map(described).collect();
            Ok(compilers.join(", "))
        }
        Err(error) => Err(error.to_string()),
    };
    Finding { what: "compiler".to_owned(), result }
}

fn keyring() -> Finding {
    let result = match OsKeyring::probe() {
        Ok(_) => Ok("the OS keyring can hold passwords".to_owned()),
        Err(_) => {
            Err("no OS keyring here; passwords are asked for, or come by --password-fd".to_owned())
        }
    };
    Finding { what: "keyring".to_owned(), result }
}

async fn network(
    project: &Context,
    name: &str,
    settings: &NetworkConfig,
) -> AppResult<Vec<Finding>> {
    let network = project.connect(name).await?;
    let head = network.latest_head().await?;
    let row = |result| Finding { what: name.to_owned(), result };
    let wanted = tidegate_app::network::quorum(settings.chain) as usize;
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
    if settings.genesis.is_none() && tidegate_chain::known_chain(settings.chain).is_none() {
        let genesis = network.id().genesis;
        findings.push(row(Err(format!("write genesis = \"{genesis}\" under [networks.{name}]"))));
    }
    if let Some(text) = tidegate_app::network::ends_too_soon(project, name, head.timestamp)? {
        findings.push(row(Err(text)));
    }
    let helper = network.code_hash(helper::address(), head.block).await? == helper::CODE_HASH;
    if settings.safe.is_some() {
        findings.push(row(if helper {
            Ok(format!("helper contract at {}", helper::address()))
        } else {
            Err(format!("no helper contract; run `tidegate deploy --helper {name}`"))
        }));
    }
    if let Some(safe) = settings.safe {
        let state = safe_state(&network, safe, head).await;
        findings.push(row(match state {
            Ok(state) => Ok(format!(
                "Safe {safe}, {} of {} owners, nonce {}",
                state.trust.threshold,
                state.trust.owners.len(),
                state.nonce
            )),
            Err(error) => Err(error.to_string()),
        }));
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
    let keys = [("deployer", &settings.deployer), ("relayer", &settings.relayer)];
    for (role, key) in keys.iter().filter_map(|(role, key)| Some((role, key.as_ref()?))) {
        findings.push(row(key_row(project, &network, head, role, key).await));
    }
    Ok(findings)
}

async fn key_row(
    project: &Context,
    network: &tidegate_chain::Network,
    head: tidegate_model::Head,
    role: &str,
    key: &str,
) -> Result<String, String> {
    let shown = |error: AppError| format!("{role} `{key}`: {error}");
    let address = crate::signer::address_of(&project.env, key).map_err(shown)?;
    let Some(address) = address else {
        return Ok(format!("{role} `{key}`, whose address shows when it is opened"));
    };
    let balance = network.balance(address, head.block).await;
    let balance = balance.map_err(|error| shown(error.into()))?;
    let balance = tidegate_model::units::format_amount(balance, 18);
    Ok(format!("{role} {address}, {balance} ETH"))
}
