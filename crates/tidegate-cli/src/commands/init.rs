//! `tidegate init`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tidegate_chain::known_chain;
use tidegate_compile::FoundryConfig;
use tidegate_model::ChainId;
use tidegate_store::write_new;

use crate::args::Global;
use crate::error::{CliError, CliResult, Kind};
use crate::network::first_sight;
use crate::settings::Environment;
use crate::ui::Ui;

/// The most contracts that are proposed as steps.
const CONTRACTS_MAX: usize = 40;
/// The largest source that is looked at, in bytes.
const SOURCE_BYTES_MAX: u64 = 1 << 20;

/// Write a `tidegate.toml` beside `foundry.toml`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The project's name; default: the folder's
    #[arg(long)]
    name: Option<String>,
    /// The testnet's name
    #[arg(long, default_value = "sepolia")]
    network: String,
    /// Its chain id
    #[arg(long, default_value_t = 11_155_111)]
    chain: u64,
    /// Its endpoint; `${NAME}` is taken from the environment
    #[arg(long, default_value = "${SEPOLIA_RPC}")]
    rpc: String,
}

pub(crate) async fn run(
    ui: &Ui,
    env: &Environment,
    global: &Global,
    args: &InitArgs,
) -> CliResult<u8> {
    let root = global.project.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = root
        .canonicalize()
        .map_err(|error| CliError::config(format!("open folder {}: {error}", root.display())))?;
    let path = root.join("tidegate.toml");
    if path.exists() {
        return Err(CliError::new(Kind::Conflict, "there is a tidegate.toml already")
            .hint("edit it, or remove it first"));
    }
    let foundry = FoundryConfig::load(&root).map_err(|error| {
        CliError::new(Kind::Config, error)
            .hint("Tidegate reads sources and compiler settings from foundry.toml")
    })?;
    let chain = ChainId(args.chain);
    let genesis = genesis(ui, env, chain, args).await;
    let contracts = contracts(&root.join(&foundry.src));
    let folder = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = args.name.clone().unwrap_or(folder);
    let text = text(&name, args, genesis.as_deref(), &contracts);
    write_new(&path, text.as_bytes())?;
    ui.line(format!("Wrote {} with {} steps.", path.display(), contracts.len()));
    ui.note("next: put the steps in order, fill in arguments, then run `tidegate build`");
    ui.result(&json!({ "file": path, "contracts": contracts }));
    Ok(0)
}

/// The genesis hash of a chain that is not built in, read once and pinned.
async fn genesis(ui: &Ui, env: &Environment, chain: ChainId, args: &InitArgs) -> Option<String> {
    if known_chain(chain).is_some() {
        return None;
    }
    let url = env.expand(&args.rpc).ok()?;
    match first_sight(chain, &url).await {
        Ok(id) => Some(id.genesis.to_string()),
        Err(error) => {
            ui.warn(format!("the genesis hash could not be read: {error}"));
            None
        }
    }
}

/// Contracts that stand in the sources: neither abstract nor interfaces or libraries.
fn contracts(src: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![src.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "sol") {
                let bytes = tidegate_store::read_limited(&path, SOURCE_BYTES_MAX);
                let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                found.extend(text.iter().flat_map(|text| declared(text)));
            }
        }
    }
    found.sort();
    found.truncate(CONTRACTS_MAX);
    found
}

fn declared(source: &str) -> Vec<String> {
    let names = source.lines().filter_map(|line| {
        let rest = line.strip_prefix("contract ")?;
        let name: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '$')
            .collect();
        (!name.is_empty()).then_some(name)
    });
    names.collect()
}

fn text(name: &str, args: &InitArgs, genesis: Option<&str>, contracts: &[String]) -> String {
    let network = &args.network;
    let mut text = format!(
        "# What this project deploys, where, and under which policy.\n\
         # $x is a parameter; @x an address: a step, @deployer, @safe, @executor, an external.\n\
         [project]\nname    = \"{name}\"\nversion = \"0.1.0\"\n\n\
         [networks.{network}]\nstage    = \"testnet\"\nchain    = {}\nrpc      = [\"{}\"]\n\
         deployer = \"{network}-deployer\"   # a key's name; make it with `tidegate key new`\n",
        args.chain, args.rpc
    );
    if let Some(genesis) = genesis {
        text += &format!("genesis  = \"{genesis}\"\n");
    }
    if known_chain(ChainId(args.chain)).is_none() {
        text += "block_time = \"12s\"            # the expected time between blocks\n";
    }
    for contract in contracts {
        text += &format!("\n[[step]]\ncreate = \"{contract}\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_contracts_are_proposed() {
        let source = "interface IVault {}\nabstract contract Base {}\ncontract Vault is Base {\n\
                      library L {}\n// contract Ghost\ncontract $x{}";
        assert_eq!(declared(source), ["Vault", "$x"]);
    }
}
