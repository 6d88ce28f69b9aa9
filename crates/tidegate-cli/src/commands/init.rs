//! `tidegate init`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tidegate_app::compiler;
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::settings::Environment;
use tidegate_chain::{Network, NetworkConfig, Reading, RedactedUrl, known_chain};
use tidegate_compile::{
    CompileRequest, FoundryConfig, Profile, compile, deployable_contracts, find_contract,
};
use tidegate_gates::{PolicyRules, end_of_life};
use tidegate_model::ChainId;
use tidegate_model::endpoint::Endpoint;
use tidegate_model::units::counted;
use tidegate_plan::config::Config;
use tidegate_scaffold::broadcast::{self, BROADCAST_BYTES_MAX, Broadcast};
use tidegate_scaffold::text::{Head, text};
use tidegate_scaffold::{Contracts, Draft, Known, check, hardhat, steps};
use tidegate_store::{read_limited, write_new};

use crate::args::Global;
use crate::ui::Ui;

/// The most contracts that are proposed as steps.
const CONTRACTS_MAX: usize = 40;

/// Write a `tidegate.toml` for an existing project
///
/// Steps are proposed from the latest `forge script --broadcast` to the chain, where there is
/// one, or else from the contracts in the sources.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The project's name; default: the folder's
    #[arg(long)]
    name: Option<String>,
    /// The testnet's name
    #[arg(long, default_value = "hoodi")]
    network: String,
    /// Its chain id
    #[arg(long, default_value_t = 560_048)]
    chain: u64,
    /// Its endpoint: a URL, or `${NAME}` for one in the environment
    #[arg(long, default_value = "${HOODI_RPC}")]
    rpc: String,
    /// The profile of `foundry.toml`
    #[arg(long)]
    profile: Option<String>,
    /// The broadcast file; default: the one with the latest block
    #[arg(long, value_name = "FILE")]
    broadcast: Option<PathBuf>,
}

pub(crate) async fn run(
    ui: &Ui,
    env: &Environment,
    global: &Global,
    args: &InitArgs,
) -> AppResult<u8> {
    let root = global.project.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = root
        .canonicalize()
        .map_err(|error| AppError::config(format!("open folder {}: {error}", root.display())))?;
    let path = root.join("tidegate.toml");
    if path.exists() {
        return Err(AppError::new(Kind::Conflict, "there is a tidegate.toml already")
            .hint("edit it, or remove it first"));
    }
    let (foundry, own) = settings(&root, args)?;
    let network = connect(env, args).await;
    let (draft, checked) = match latest(&root, args)? {
        (Some((file, run)), notes) => {
            let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            let place = Place { env, root: &root, foundry: &foundry };
            let (mut draft, fault) = repeat(&place, network.as_ref(), run).await;
            draft.notes.splice(0..0, notes);
            if let Some(error) = &fault {
                ui.warn(format!("the steps are not checked on the chain: {error}"));
            }
            (draft, Some((tidegate_chain::escape(&shown), fault.is_none())))
        }
        (None, notes) => {
            let mut contracts = deployable_contracts(&root, &foundry).or_kind(Kind::Config)?;
            contracts.truncate(CONTRACTS_MAX);
            (Draft { notes, ..steps::from_sources(&contracts) }, None)
        }
    };
    let origin = checked.as_ref().map(|(file, on_chain)| {
        let word = if *on_chain { "checked" } else { "not checked" };
        format!("From {file}, {word} on the chain.")
    });
    let chain = ChainId(args.chain);
    let now = crate::clock::now();
    let done = now.saturating_add(PolicyRules::default().soak_secs);
    if let Some(end) = end_of_life(chain, None)
        && let Some(text) = end.too_soon(&args.network, now, done)
    {
        ui.warn(text);
    }
    let genesis = known_chain(chain).is_none().then(|| network.as_ref().map(Network::id));
    if let Some(Err(error)) = &genesis {
        ui.warn(format!("the genesis hash could not be read: {error}"));
    }
    let head = Head {
        project: &name(&root, args),
        network: &args.network,
        chain,
        rpc: &args.rpc,
        genesis: genesis.and_then(Result::ok).map(|id| id.genesis.to_string()),
        profile: args.profile.as_deref(),
        own: own.as_ref(),
        origin,
    };
    let text = text(&head, &draft);
    // What is written can be read: names and networks of the command line included.
    Config::parse(&text)
        .map_err(|error| AppError::from(error).hint("see `--name` and `--network`"))?;
    write_new(&path, text.as_bytes())?;
    report(ui, &path, &draft, checked.as_ref());
    Ok(0)
}

/// The project that steps are proposed for.
struct Place<'a> {
    env: &'a Environment,
    root: &'a Path,
    foundry: &'a FoundryConfig,
}

/// Steps that repeat a run, and why they are not checked on the chain, if they are not.
async fn repeat(
    place: &Place<'_>,
    network: Result<&Network, &AppError>,
    mut run: Broadcast,
) -> (Draft, Option<String>) {
    let on_chain = match network {
        Ok(network) => check::keep_shown(network, &mut run)
            .await
            .map_err(|error| AppError::from(error).to_string()),
        Err(error) => Err(error.to_string()),
    };
    let (contracts, note) = contracts(place, &run);
    let mut draft = steps::from_broadcast(&run, &contracts);
    draft.notes.extend(note);
    if let (Ok(network), Ok(())) = (network, &on_chain) {
        hash_externals(network, &mut draft).await;
    }
    (draft, on_chain.err())
}

fn report(ui: &Ui, path: &Path, draft: &Draft, checked: Option<&(String, bool)>) {
    for note in &draft.notes {
        ui.note(note);
    }
    ui.line(format!("Wrote {} with {}.", path.display(), counted(draft.steps.len(), "step")));
    ui.note("next: put the steps in order, fill in arguments, then run `tidegate build`");
    let created: Vec<_> = draft.steps.iter().filter_map(|step| step.create.as_ref()).collect();
    ui.result(&json!({
        "file": path, "contracts": created, "steps": draft.steps.len(), "notes": draft.notes,
        "broadcast": checked.map(|(file, _)| file),
        "checked": checked.map(|(_, on_chain)| on_chain),
    }));
}

/// The settings of `foundry.toml`, or what a Hardhat configuration seems to say.
fn settings(root: &Path, args: &InitArgs) -> AppResult<(FoundryConfig, Option<Profile>)> {
    let config = compiler::hardhat_config(root);
    if let Some(config) = config.filter(|_| !root.join("foundry.toml").exists()) {
        let own = hardhat::settings(&config);
        let foundry = FoundryConfig::from_profile(own.clone(), &config).or_kind(Kind::Config)?;
        return Ok((foundry, Some(own)));
    }
    let foundry = FoundryConfig::load_profile(root, args.profile.as_deref());
    Ok((foundry.map_err(|error| compiler::missing(root, error))?, None))
}

/// The folder's name, as far as it can be a project's.
fn name(root: &Path, args: &InitArgs) -> String {
    let folder = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let simple = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let folder: String = folder.chars().map(simple).take(48).collect();
    let folder = folder.trim_start_matches(['-', '_', '.']);
    let default = if folder.is_empty() { "project" } else { folder };
    args.name.clone().unwrap_or_else(|| default.to_owned())
}

/// The network, if its endpoint is known here and answers.
async fn connect(env: &Environment, args: &InitArgs) -> AppResult<Network> {
    let url = match Endpoint::parse(&args.rpc).or_kind(Kind::Usage)? {
        Endpoint::Literal(url) => url,
        Endpoint::Variable(name) => env.get(name).ok_or_else(|| {
            AppError::new(Kind::Chain, format!("the environment variable {name} is not set"))
        })?,
    };
    let url = RedactedUrl::parse(url).or_kind(Kind::Usage)?;
    let (chain, clock) = (ChainId(args.chain), crate::clock::now);
    let config = NetworkConfig::new(&args.network, chain, vec![url], clock);
    Ok(Network::connect(config).await?.reading(Reading::Single))
}

/// A run and its file.
type Run = (PathBuf, Broadcast);

/// The run to propose steps from, and notes on others.
fn latest(root: &Path, args: &InitArgs) -> AppResult<(Option<Run>, Vec<String>)> {
    let read = |file: &Path| -> AppResult<Broadcast> {
        let named = |error: AppError| error.hint(format!("the file is {}", file.display()));
        let bytes = read_limited(file, BROADCAST_BYTES_MAX)?;
        broadcast::parse(&bytes).or_kind(Kind::Config).map_err(named)
    };
    if let Some(file) = &args.broadcast {
        return Ok((Some((file.clone(), read(file)?)), Vec::new()));
    }
    let found = broadcast::find(root, args.chain);
    let mut notes = Vec::new();
    if found.multi {
        notes.push("broadcast/multi is not read: its runs are over several chains".to_owned());
    }
    let mut runs = Vec::new();
    for file in found.files {
        runs.push((read(&file)?, file));
    }
    // Not by time: git gives every file the time of the checkout.
    runs.sort_by_key(|(run, _)| run.block);
    let latest = runs.pop();
    for (_, file) in &runs {
        let file = file.strip_prefix(root).unwrap_or(file).display();
        let instead = format!("`--broadcast {file}` takes it instead");
        notes.push(format!("{file} is older and not read; {instead}"));
    }
    if latest.is_none() {
        for chain in &found.other_chains {
            notes.push(format!("there are broadcasts to chain {chain}; see `--chain {chain}`"));
        }
    }
    Ok((latest.map(|(run, file)| (file, run)), notes))
}

/// The contracts that a run created, compiled where they compile; else a note that says why not.
fn contracts(place: &Place<'_>, run: &Broadcast) -> (Contracts, Option<String>) {
    let Place { env, root, foundry } = *place;
    let mut found = BTreeMap::new();
    for sent in &run.sent {
        if sent.creation().is_none() {
            continue;
        }
        let Some(name) = &sent.contract else { continue };
        let known = steps::PROXY_SOURCES.iter().find(|(proxy, _)| proxy == name);
        let written = known.map_or(name.as_str(), |(_, source)| source);
        if let Ok(full) = find_contract(root, foundry, written) {
            found.insert(name.clone(), (written.to_owned(), full));
        }
    }
    let unknown = |(name, (written, _)): (&String, &(String, String))| {
        (name.clone(), Known { written: written.clone(), compiled: None })
    };
    let mut contracts: Contracts = found.iter().map(unknown).collect();
    if found.is_empty() {
        return (contracts, None);
    }
    let named: Vec<_> = found.values().map(|(_, full)| full.clone()).collect();
    let sources = compiler::sources(env, root, None, foundry);
    let (compilers, cache_dir) = match (sources, compiler::cache_dir(env)) {
        (Ok(compilers), Ok(cache_dir)) => (compilers, cache_dir),
        (Err(error), _) | (_, Err(error)) => return (contracts, Some(error.to_string())),
    };
    let request = CompileRequest {
        root,
        foundry,
        contracts: &named,
        compilers: &compilers,
        cache_dir: &cache_dir,
    };
    let output = match compile(&request) {
        Ok(output) => output,
        Err(error) => {
            let error = AppError::from(error).to_string();
            let first = error.lines().next().unwrap_or_default();
            let note = format!("arguments are not decoded, as nothing compiles: {first}");
            return (contracts, Some(note));
        }
    };
    for (name, (_, full)) in &found {
        let artifact = output.roots.get(full).and_then(|fqn| output.artifacts.get(fqn));
        if let (Some(artifact), Some(known)) = (artifact, contracts.get_mut(name)) {
            known.compiled = Some((artifact.abi.clone(), artifact.creation.clone()));
        }
    }
    (contracts, None)
}

/// The code hashes of what is called and not created; without them a deployment asks for them.
async fn hash_externals(network: &Network, draft: &mut Draft) {
    let addresses = draft.externals.values().map(|external| external.address);
    let Ok(hashes) = check::code_hashes(network, addresses.collect::<Vec<_>>()).await else {
        return;
    };
    for external in draft.externals.values_mut() {
        external.code_hash = hashes.get(&external.address).copied();
    }
}
