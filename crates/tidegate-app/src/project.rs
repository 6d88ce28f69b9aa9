//! The project a command works on: its file, its folders, its store, its networks and keys.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use tidegate_chain::{Network, Reading, RedactedUrl};
use tidegate_gates::PolicyRules;
use tidegate_model::statement::{Date, ProjectRef};
use tidegate_model::{ChainId, NetworkId, ProjectId};
use tidegate_plan::config::{Config, NetworkConfig, Stage};
use tidegate_store::{History, Home, Layout, Store};

use crate::chain::Chains;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::front::Front;
use crate::network::{self, Need};
use crate::path::absolute;
use crate::settings::Environment;

/// The largest `tidegate.toml` that is read, in bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// What [`Caller::typed_data`] names for typed data as a document of the front end, not a file.
pub const TO_FRONT_END: &str = "-";

/// The front end of a use case, and the options that it was given.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The environment variables that are read.
    pub env: Environment,
    /// The front end that is told and asked.
    pub front: Arc<dyn Front>,
    /// The approval that was given beforehand, as written.
    pub approved: Option<String>,
    /// The Safe that is pinned on first sight, as `CHAIN:SAFE`.
    pub pin: Option<String>,
    /// Where statements go as typed data instead of being signed: an absolute path, or
    /// [`TO_FRONT_END`].
    pub typed_data: Option<String>,
    /// Whether to stop before the first thing that would be signed, sent or written. The process
    /// has begun its dry run then, since files are kept from being written for all of it.
    pub dry_run: bool,
    /// Seconds since 1970 by the machine's clock.
    pub clock: fn() -> u64,
}

/// An opened project.
#[derive(Debug)]
pub struct Project {
    pub root: PathBuf,
    /// The file that says what the project is.
    pub config_file: PathBuf,
    pub config: Config,
    pub rules: PolicyRules,
    pub layout: Layout,
    caller: Caller,
    /// By which block this command dates what it says, once that is read.
    pub(crate) date: OnceLock<Date>,
    store: OnceLock<Store>,
    journal: OnceLock<Store>,
    /// What commits before had below `deployments/`, once it is read.
    pub(crate) history: OnceLock<History>,
    /// Endpoints of the project that the person did not pin when they were asked.
    declined: Mutex<Vec<RedactedUrl>>,
    /// The releases that others follow, once they are read.
    pub(crate) chains: Chains,
}

impl Project {
    /// Opens the project in a folder.
    ///
    /// # Errors
    /// If there is none, its file is not well formed, or it has links where none may be.
    pub fn open(root: &Path, caller: Caller) -> AppResult<Self> {
        if caller.dry_run && !tidegate_store::is_dry_run() {
            let what =
                "a dry run begins with `tidegate_store::begin_dry_run`, for the whole process";
            return Err(AppError::new(Kind::Internal, what));
        }
        let root = absolute(root)?.canonicalize().map_err(|error| {
            AppError::config(format!("cannot open project {}: {error}", root.display()))
        })?;
        let layout = Layout::new(&root);
        refuse_links(&layout)?;
        let (own, taken) = (layout.config(), layout.bundle_config());
        let config_file = if !own.exists() && taken.exists() { taken } else { own };
        let bytes = tidegate_store::read_limited(&config_file, CONFIG_BYTES_MAX)
            .or_kind(Kind::Config)
            .map_err(|error| error.hint("run `tidegate init` to write one"))?;
        let text = String::from_utf8(bytes).or_kind(Kind::Config)?;
        let config = Config::parse(&text)?;
        let rules = PolicyRules::from_written(&config.policy)?;
        Ok(Self {
            root,
            config_file,
            config,
            rules,
            layout,
            caller,
            date: OnceLock::new(),
            store: OnceLock::new(),
            journal: OnceLock::new(),
            history: OnceLock::new(),
            declined: Mutex::default(),
            chains: Mutex::default(),
        })
    }

    /// Whether the person was asked about an endpoint of the project and did not pin it.
    pub(crate) fn has_declined(&self, url: &RedactedUrl) -> bool {
        self.declined.lock().is_ok_and(|declined| declined.contains(url))
    }

    /// Remembers that the person did not pin an endpoint.
    pub(crate) fn decline(&self, url: &RedactedUrl) {
        if let Ok(mut declined) = self.declined.lock() {
            declined.push(url.clone());
        }
    }

    /// Whether a bundle was taken in this folder, which has no configuration of its own: then there
    /// is nothing to compile, whatever lies beside it.
    pub(crate) fn is_bundle(&self) -> bool {
        self.config_file == self.layout.bundle_config()
    }

    /// Where this machine's store of this checkout is.
    pub(crate) fn store_path(&self) -> AppResult<PathBuf> {
        Ok(Home::new(self.env.home()?).checkout(&self.root))
    }

    /// This machine's store of this checkout, opened on first use.
    pub(crate) fn store(&self) -> AppResult<&Store> {
        opened(&self.store, || self.store_path())
    }

    /// This machine's journal of what was signed and sent, opened on first use.
    pub(crate) fn journal(&self) -> AppResult<&Store> {
        opened(&self.journal, || Ok(Home::new(self.env.home()?).journal()))
    }

    /// The settings of a network.
    pub fn network(&self, name: &str) -> AppResult<&NetworkConfig> {
        self.config.networks.get(name).ok_or_else(|| {
            let names: Vec<_> = self.config.networks.keys().map(String::as_str).collect();
            AppError::usage(format!("`{name}` is not under [networks]"))
                .hint(format!("known networks: {}", names.join(", ")))
        })
    }

    /// The named network, or the only one of a stage.
    pub fn network_of(&self, named: Option<&str>, stage: Stage) -> AppResult<String> {
        if let Some(name) = named {
            let network = self.network(name)?;
            if network.stage == stage {
                return Ok(name.to_owned());
            }
            let word = stage_word(stage);
            return Err(AppError::usage(format!("`{name}` is not a {word}")));
        }
        let of_stage = self.config.networks.iter().filter(|(_, network)| network.stage == stage);
        let names: Vec<_> = of_stage.map(|(name, _)| name.clone()).collect();
        match names.as_slice() {
            [name] => Ok(name.clone()),
            [] => Err(AppError::config(format!("tidegate.toml has no {}", stage_word(stage)))
                .hint(section_hint(stage))),
            several => Err(AppError::usage(format!("name one of: {}", several.join(", ")))),
        }
    }

    /// The targets whose promotions a soak network backs.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (&String, &NetworkConfig)> {
        self.config.networks.iter().filter(|(_, network)| network.stage == Stage::Mainnet)
    }

    /// What the project is on a chain: one id for each of its targets there that has a Safe.
    pub(crate) fn ids_on(&self, chain: ChainId) -> AppResult<BTreeSet<ProjectId>> {
        let here = self.targets().filter(|(_, target)| target.chain == chain);
        here.filter(|(_, target)| target.safe.is_some())
            .map(|(_, target)| self.id(target))
            .collect()
    }

    /// Connects to a network by endpoints of the person's own.
    pub(crate) async fn connect(&self, name: &str) -> AppResult<Network> {
        network::connect(self, name, Need::Own).await
    }

    /// Connects where one endpoint's word is enough: to deploy to a testnet. Gates ask a quorum.
    pub(crate) async fn connect_single(&self, name: &str) -> AppResult<Network> {
        Ok(network::connect(self, name, Need::Any).await?.reading(Reading::Single))
    }

    /// The project's id on one target.
    pub fn id(&self, target: &NetworkConfig) -> AppResult<ProjectId> {
        Ok(self.named_at(target)?.id(target.chain))
    }

    /// The project on one target, as statements name it.
    pub(crate) fn named_at(&self, target: &NetworkConfig) -> AppResult<ProjectRef> {
        let safe = target.safe.ok_or_else(|| AppError::config("the target has no `safe`"))?;
        Ok(ProjectRef { name: self.config.name.clone(), safe })
    }

    /// The network of these ids, by name.
    pub(crate) fn name_of(&self, id: NetworkId) -> Option<&str> {
        let found = self.config.networks.iter().find(|(_, network)| network.chain == id.chain);
        found.map(|(name, _)| name.as_str())
    }
}

impl Deref for Project {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// Links may lead to sources and dependencies only.
pub(crate) fn refuse_links(layout: &Layout) -> AppResult {
    layout.refuse_links().or_kind(Kind::Config).map_err(|error| {
        error.hint("put the file itself there; only sources and dependencies may be links")
    })
}

fn opened(cell: &OnceLock<Store>, path: impl FnOnce() -> AppResult<PathBuf>) -> AppResult<&Store> {
    if let Some(store) = cell.get() {
        return Ok(store);
    }
    let store = Store::open(&path()?)?;
    Ok(cell.get_or_init(|| store))
}

const fn section_hint(stage: Stage) -> &'static str {
    match stage {
        Stage::Testnet => "add [networks.NAME] with stage = \"testnet\", chain, rpc and deployer",
        Stage::Mainnet => {
            "add [networks.NAME] with stage = \"mainnet\", chain, rpc, safe, relayer and soaks_on"
        }
    }
}

const fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Testnet => "testnet",
        Stage::Mainnet => "mainnet",
    }
}

/// The nearest folder at or above this one that holds a project.
///
/// # Errors
/// If there is none.
pub fn find_root(from: &Path) -> AppResult<PathBuf> {
    let is_root = |layout: &Layout| layout.config().is_file() || layout.bundle_config().is_file();
    let found = from.ancestors().find(|dir| is_root(&Layout::new(*dir)));
    found.map(Path::to_path_buf).ok_or_else(|| {
        AppError::config("there is no tidegate.toml here or in a folder above")
            .hint("run `tidegate init` in the folder of foundry.toml, or name --project DIR")
    })
}
