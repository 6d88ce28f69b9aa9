//! A project's first `tidegate.toml`, from what is there already.

mod contracts;
mod testnet;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_chain::{Network, known_chain};
use tidegate_compile::{Detected, FoundryConfig, Profile};
use tidegate_plan::config::Config;
use tidegate_scaffold::broadcast::{self, BROADCAST_BYTES_MAX, Broadcast};
use tidegate_scaffold::text::{Head, text};
use tidegate_scaffold::{Draft, check, hardhat, steps};
use tidegate_store::{read_limited, write_new};

use self::contracts::{created, name_unnamed, of_sources};
use self::testnet::{Testnet, block_time, ends_too_soon};
use crate::compiler;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::front::Front;
use crate::path::absolute;
use crate::settings::Environment;
use crate::text::escape;

/// Line ends enter what is compiled and signed, so git leaves them as they are.
const GIT_ATTRIBUTES: &str = "# Tidegate signs sources by their bytes: every clone has the same.\n\
                              * -text\n";
const GIT_IGNORE: &str = "node_modules/\nout/\ncache/\n.env\n.tmp-*\n";

/// The input of `init`.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// The project's name; default: the folder's.
    pub name: Option<String>,
    /// The testnet's name; default: the chain's own.
    pub network: Option<String>,
    /// Its chain id; default: the one of the only broadcasts to a testnet, or one that lasts.
    pub chain: Option<u64>,
    /// Its endpoint: a URL, or `${NAME}` for one in the environment.
    pub rpc: Option<String>,
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
    /// Other files that were not there and are now.
    pub also: Vec<PathBuf>,
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
        let Self { text, mut view, .. } = self;
        Config::parse(&text)
            .map_err(|error| AppError::from(error).hint("see `--name` and `--network`"))?;
        write_new(&view.file, text.as_bytes())?;
        for (name, content) in [(".gitattributes", GIT_ATTRIBUTES), (".gitignore", GIT_IGNORE)] {
            let file = view.file.with_file_name(name);
            if !file.exists() {
                write_new(&file, content.as_bytes())?;
                view.also.push(file);
            }
        }
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
    front: &dyn Front,
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
    let testnet = Testnet::of(&root, request, clock());
    let network = testnet.connect(env, clock, front).await;
    let (draft, checked) = match latest(&root, request, &testnet)? {
        (Some((file, run)), notes) => {
            let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            let place = Place { env, root: &root, foundry: &foundry, front };
            let foreign = testnet.is_of_another(&file);
            let network = foreign.as_ref().map_or(network.as_ref(), Err);
            let (mut draft, fault) = repeat(&place, network, run).await;
            draft.notes.splice(0..0, notes);
            if let Some(error) = &fault {
                warnings.push(format!("the steps could not be checked on the chain: {error}"));
            }
            (draft, Some((escape(&shown), fault.is_none())))
        }
        (None, notes) => {
            let (draft, more) = of_sources(&root, &foundry)?;
            let notes = notes.into_iter().chain(more).collect();
            (Draft { notes, ..draft }, None)
        }
    };
    let origin = checked.as_ref().map(origin);
    let chain = testnet.chain;
    warnings.extend(ends_too_soon(chain, &testnet.name, clock()));
    let genesis = known_chain(chain).is_none().then(|| network.as_ref().map(Network::id));
    if let Some(Err(error)) = &genesis {
        warnings.push(format!("the genesis hash could not be read: {error}"));
    }
    let remappings = remappings(&foundry, &mut warnings);
    let head = Head {
        project: &name(&root, request),
        network: &testnet.name,
        chain,
        rpc: &testnet.rpc,
        block_time_secs: match &network {
            Ok(network) => block_time(network).await,
            Err(_) => None,
        },
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
    let view = InitView { file, contracts, steps, notes, broadcast, checked, also: Vec::new() };
    Ok(Drafted { warnings, text, view })
}

/// Where steps come from, and whether the chain shows it.
fn origin((file, on_chain): &(String, bool)) -> String {
    let word = if *on_chain { "checked" } else { "not checked" };
    format!("From {file}, {word} on the chain.")
}

/// The project that steps are proposed for.
struct Place<'a> {
    env: &'a Environment,
    root: &'a Path,
    foundry: &'a FoundryConfig,
    front: &'a dyn Front,
}

/// Steps that repeat a broadcast, and the reason if they are not checked on the chain.
async fn repeat(
    place: &Place<'_>,
    network: Result<&Network, &AppError>,
    mut run: Broadcast,
) -> (Draft, Option<String>) {
    let busy = place.front.busy("looking up the broadcast on the chain");
    let on_chain = match network {
        Ok(network) => check::keep_shown(network, &mut run)
            .await
            .map_err(|error| AppError::from(error).to_string()),
        Err(error) => Err(error.to_string()),
    };
    drop(busy);
    let (mut contracts, note) = created(place, &run);
    let unnamed = name_unnamed(place, &mut run, &mut contracts);
    let mut draft = steps::from_broadcast(&run, &contracts);
    draft.notes.extend(note.into_iter().chain(unnamed));
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

/// The remappings that forge uses, where some are written in no file. Where it takes one by chance,
/// what is written is a choice.
fn remappings(foundry: &FoundryConfig, warnings: &mut Vec<String>) -> Vec<String> {
    warnings.extend(foundry.detected.iter().filter_map(|Detected { remapping, or }| {
        let or = or.as_ref()?;
        Some(format!(
            "forge takes \"{remapping}\" or \"{or}\", whichever folder the file system lists \
             first; the former is written under [compiler] remappings, so check that it is meant"
        ))
    }));
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

/// A broadcast and its file.
type Run = (PathBuf, Broadcast);

/// The broadcast to propose steps from, and notes on others.
fn latest(
    root: &Path,
    request: &InitRequest,
    testnet: &Testnet,
) -> AppResult<(Option<Run>, Vec<String>)> {
    let read = |file: &Path| -> AppResult<Broadcast> {
        let named = |error: AppError| error.hint(format!("the file is {}", file.display()));
        let bytes = read_limited(absolute(file)?, BROADCAST_BYTES_MAX)?;
        broadcast::parse(&bytes).or_kind(Kind::Config).map_err(named)
    };
    if let Some(file) = &request.broadcast {
        return Ok((Some((file.clone(), read(file)?)), Vec::new()));
    }
    let mut found = broadcast::find(root, testnet.chain.0);
    // The only run there is says more than none, on whatever chain it was.
    let others: Vec<_> = found.other_chains.iter().copied().collect();
    if let (true, None, [only]) = (found.files.is_empty(), request.chain, &others[..]) {
        found = broadcast::find(root, *only);
    }
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
