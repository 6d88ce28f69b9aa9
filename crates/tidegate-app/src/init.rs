//! A project's first `tidegate.toml`, from what is there already.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_chain::{Network, NetworkConfig, Reading, RedactedUrl, known_chain};
use tidegate_compile::{
    CompileRequest, FoundryConfig, Profile, compile, deployable_contracts, find_contract,
};
use tidegate_gates::{PolicyRules, end_of_life};
use tidegate_model::ChainId;
use tidegate_model::endpoint::Endpoint;
use tidegate_plan::config::Config;
use tidegate_scaffold::broadcast::{self, BROADCAST_BYTES_MAX, Broadcast};
use tidegate_scaffold::text::{Head, text};
use tidegate_scaffold::{Contracts, Draft, Known, check, hardhat, steps};
use tidegate_store::{read_limited, write_new};

use crate::compiler;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::path::absolute;
use crate::settings::Environment;
use crate::text::escape;

/// The most contracts that are proposed as steps.
const CONTRACTS_MAX: usize = 40;

/// The input of `init`.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// The project's name; default: the folder's.
    pub name: Option<String>,
    /// The testnet's name.
    pub network: String,
    /// Its chain id.
    pub chain: u64,
    /// Its endpoint: a URL, or `${NAME}` for one in the environment.
    pub rpc: String,
    /// The profile of `foundry.toml`; default: `default`.
    pub profile: Option<String>,
    /// The broadcast file, as an absolute path; default: the one with the latest block.
    pub broadcast: Option<PathBuf>,
}

/// The configuration that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitView {
    /// The path of the written `tidegate.toml`.
    pub file: PathBuf,
    /// The contracts that its steps create.
    pub contracts: Vec<String>,
    /// The number of its steps.
    pub steps: usize,
    /// Points to review in it, one sentence each.
    pub notes: Vec<String>,
    /// The broadcast file that the steps repeat.
    pub broadcast: Option<String>,
    /// Whether the broadcast was compared with the chain.
    pub checked: Option<bool>,
}

/// A configuration that is not written yet.
#[derive(Debug)]
pub struct Drafted {
    warnings: Vec<String>,
    text: String,
    view: InitView,
}

impl Drafted {
    /// What could not be read or checked, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Points to review in it, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.view.notes
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it could not be read again, as with a name that is none, or cannot be written.
    pub fn write(self) -> AppResult<InitView> {
        let Self { text, view, .. } = self;
        Config::parse(&text)
            .map_err(|error| AppError::from(error).hint("see `--name` and `--network`"))?;
        write_new(&view.file, text.as_bytes())?;
        Ok(view)
    }
}

/// Drafts a `tidegate.toml` for a folder that has none.
///
/// # Errors
/// If there is one already, or the sources' settings or the broadcast cannot be read.
pub async fn draft(
    root: &Path,
    env: &Environment,
    clock: fn() -> u64,
    request: &InitRequest,
) -> AppResult<Drafted> {
    let root = absolute(root)?
        .canonicalize()
        .map_err(|error| AppError::config(format!("open folder {}: {error}", root.display())))?;
    let file = root.join("tidegate.toml");
    if file.exists() {
        return Err(AppError::new(Kind::Conflict, "there is a tidegate.toml already")
            .hint("edit it, or remove it first"));
    }
    let mut warnings = Vec::new();
    let (foundry, own) = settings(&root, request)?;
    let network = connect(env, request, clock).await;
    let (draft, checked) = match latest(&root, request)? {
        (Some((file, run)), notes) => {
            let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            let place = Place { env, root: &root, foundry: &foundry };
            let (mut draft, fault) = repeat(&place, network.as_ref(), run).await;
            draft.notes.splice(0..0, notes);
            if let Some(error) = &fault {
                warnings.push(format!("the steps could not be checked on the chain: {error}"));
            }
            (draft, Some((escape(&shown), fault.is_none())))
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
    let chain = ChainId(request.chain);
    let now = clock();
    let done = now.saturating_add(PolicyRules::default().soak_secs);
    if let Some(end) = end_of_life(chain, None)
        && let Some(text) = end.too_soon(&request.network, now, done)
    {
        warnings.push(text);
    }
    let genesis = known_chain(chain).is_none().then(|| network.as_ref().map(Network::id));
    if let Some(Err(error)) = &genesis {
        warnings.push(format!("the genesis hash could not be read: {error}"));
    }
    let remappings = remappings(&foundry);
    let head = Head {
        project: &name(&root, request),
        network: &request.network,
        chain,
        rpc: &request.rpc,
        genesis: genesis.and_then(Result::ok).map(|id| id.genesis.to_string()),
        profile: request.profile.as_deref(),
        remappings: &remappings,
        own: own.as_ref(),
        origin,
    };
    let text = text(&head, &draft);
    let (broadcast, checked) = checked.unzip();
    let contracts = draft.steps.iter().filter_map(|step| step.create.clone()).collect();
    let (steps, notes) = (draft.steps.len(), draft.notes);
    let view = InitView { file, contracts, steps, notes, broadcast, checked };
    Ok(Drafted { warnings, text, view })
}

/// The project that steps are proposed for.
struct Place<'a> {
    env: &'a Environment,
    root: &'a Path,
    foundry: &'a FoundryConfig,
}

/// Steps that repeat a broadcast, and the reason if they are not checked on the chain.
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

/// The settings of `foundry.toml`, or what a Hardhat configuration seems to say.
fn settings(root: &Path, request: &InitRequest) -> AppResult<(FoundryConfig, Option<Profile>)> {
    let config = compiler::hardhat_config(root);
    if let Some(config) = config.filter(|_| !root.join("foundry.toml").exists()) {
        let own = hardhat::settings(&config);
        let foundry = FoundryConfig::from_profile(own.clone(), &config).or_kind(Kind::Config)?;
        return Ok((foundry, Some(own)));
    }
    let foundry = FoundryConfig::load_profile(root, request.profile.as_deref());
    Ok((foundry.map_err(|error| compiler::missing(root, error))?, None))
}

/// The remappings that forge uses, where some are written in no file.
fn remappings(foundry: &FoundryConfig) -> Vec<String> {
    match foundry.detected.is_empty() {
        true => Vec::new(),
        false => foundry.remappings.iter().map(ToString::to_string).collect(),
    }
}

/// The folder's name, as far as it can be a project's.
fn name(root: &Path, request: &InitRequest) -> String {
    let folder = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let simple = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let folder: String = folder.chars().map(simple).take(48).collect();
    let folder = folder.trim_start_matches(['-', '_', '.']);
    let default = if folder.is_empty() { "project" } else { folder };
    request.name.clone().unwrap_or_else(|| default.to_owned())
}

/// The network, if its endpoint is known here and answers.
async fn connect(
    env: &Environment,
    request: &InitRequest,
    clock: fn() -> u64,
) -> AppResult<Network> {
    let url = match Endpoint::parse(&request.rpc).or_kind(Kind::Usage)? {
        Endpoint::Literal(url) => url,
        Endpoint::Variable(name) => env.get(name).ok_or_else(|| {
            AppError::new(Kind::Chain, format!("the environment variable {name} is not set"))
        })?,
    };
    let url = RedactedUrl::parse(url).or_kind(Kind::Usage)?;
    let (chain, clock) = (ChainId(request.chain), clock);
    let config = NetworkConfig::new(&request.network, chain, vec![url], clock);
    Ok(Network::connect(config).await?.reading(Reading::Single))
}

/// A broadcast and its file.
type Run = (PathBuf, Broadcast);

/// The broadcast to propose steps from, and notes on others.
fn latest(root: &Path, request: &InitRequest) -> AppResult<(Option<Run>, Vec<String>)> {
    let read = |file: &Path| -> AppResult<Broadcast> {
        let named = |error: AppError| error.hint(format!("the file is {}", file.display()));
        let bytes = read_limited(absolute(file)?, BROADCAST_BYTES_MAX)?;
        broadcast::parse(&bytes).or_kind(Kind::Config).map_err(named)
    };
    if let Some(file) = &request.broadcast {
        return Ok((Some((file.clone(), read(file)?)), Vec::new()));
    }
    let found = broadcast::find(root, request.chain);
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
        let instead = format!("to use it, pass `--broadcast {file}`");
        notes.push(format!("{file} is older and not read; {instead}"));
    }
    if latest.is_none() {
        for chain in &found.other_chains {
            notes.push(format!("there are broadcasts to chain {chain}; see `--chain {chain}`"));
        }
    }
    Ok((latest.map(|(run, file)| (file, run)), notes))
}

/// The contracts that a broadcast created, compiled if they compile; else a note with the reason.
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

/// Reads the code hashes of contracts that are called and not created. Without them a deployment
/// asks for them.
async fn hash_externals(network: &Network, draft: &mut Draft) {
    let addresses = draft.externals.values().map(|external| external.address);
    let Ok(hashes) = check::code_hashes(network, addresses.collect::<Vec<_>>()).await else {
        return;
    };
    for external in draft.externals.values_mut() {
        external.code_hash = hashes.get(&external.address).copied();
    }
}
