//! The project a command works on: its file, its folders, its store, its networks and keys.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tidegate_chain::{Network, Reading, RedactedUrl};
use tidegate_gates::PolicyRules;
use tidegate_model::statement::{Date, ProjectRef};
use tidegate_model::{ChainId, NetworkId, ProjectId};
use tidegate_plan::config::{Config, NetworkConfig, Stage};
use tidegate_store::{Home, Layout, Store};

use crate::args::Global;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::network::{self, Need};
use crate::settings::Environment;
use crate::ui::Ui;

/// The largest `tidegate.toml` that is read, in bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// An opened project.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    /// The file that says what the project is.
    pub(crate) config_file: PathBuf,
    pub(crate) config: Config,
    pub(crate) rules: PolicyRules,
    pub(crate) layout: Layout,
    pub(crate) env: Environment,
    pub(crate) ui: Ui,
    pub(crate) global: Global,
    /// By which block this command dates what it says, once that is read.
    pub(crate) date: OnceCell<Date>,
    store: OnceCell<Store>,
    journal: OnceCell<Store>,
    /// Endpoints of the project that the person did not pin when they were asked.
    pub(crate) declined: RefCell<Vec<RedactedUrl>>,
}

impl Project {
    /// Opens the project of `--project`, or the nearest one above the working directory.
    pub(crate) fn open(ui: &Ui, env: &Environment, global: &Global) -> CliResult<Self> {
        let root = match &global.project {
            Some(dir) => dir.clone(),
            None => find_root(&std::env::current_dir().or_kind(Kind::Config)?)?,
        };
        let root = root.canonicalize().map_err(|error| {
            CliError::config(format!("open project {}: {error}", root.display()))
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
            env: env.clone(),
            ui: ui.clone(),
            global: global.clone(),
            date: OnceCell::new(),
            store: OnceCell::new(),
            journal: OnceCell::new(),
            declined: RefCell::default(),
        })
    }

    /// Whether a bundle was taken in this folder, which has no configuration of its own: then there
    /// is nothing to compile, whatever lies beside it.
    pub(crate) fn is_bundle(&self) -> bool {
        self.config_file == self.layout.bundle_config()
    }

    /// Where this machine's store of this checkout is.
    pub(crate) fn store_path(&self) -> CliResult<PathBuf> {
        Ok(Home::new(self.env.home()?).checkout(&self.root))
    }

    /// This machine's store of this checkout, opened on first use.
    pub(crate) fn store(&self) -> CliResult<&Store> {
        opened(&self.store, || self.store_path())
    }

    /// This machine's journal of what was signed and sent, opened on first use.
    pub(crate) fn journal(&self) -> CliResult<&Store> {
        opened(&self.journal, || Ok(Home::new(self.env.home()?).journal()))
    }

    /// The settings of a network.
    pub(crate) fn network(&self, name: &str) -> CliResult<&NetworkConfig> {
        self.config.networks.get(name).ok_or_else(|| {
            let names: Vec<_> = self.config.networks.keys().map(String::as_str).collect();
            CliError::usage(format!("`{name}` is not under [networks]"))
                .hint(format!("known networks: {}", names.join(", ")))
        })
    }

    /// The named network, or the only one of a stage.
    pub(crate) fn network_of(&self, named: Option<&str>, stage: Stage) -> CliResult<String> {
        if let Some(name) = named {
            let network = self.network(name)?;
            if network.stage == stage {
                return Ok(name.to_owned());
            }
            let word = stage_word(stage);
            return Err(CliError::usage(format!("`{name}` is not a {word}")));
        }
        let of_stage = self.config.networks.iter().filter(|(_, network)| network.stage == stage);
        let names: Vec<_> = of_stage.map(|(name, _)| name.clone()).collect();
        match names.as_slice() {
            [name] => Ok(name.clone()),
            [] => Err(CliError::config(format!("tidegate.toml has no {}", stage_word(stage)))
                .hint(section_hint(stage))),
            several => Err(CliError::usage(format!("name one of: {}", several.join(", ")))),
        }
    }

    /// The targets whose promotions a soak network backs.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (&String, &NetworkConfig)> {
        self.config.networks.iter().filter(|(_, network)| network.stage == Stage::Mainnet)
    }

    /// What the project is on a chain: one id for each of its targets there that has a Safe.
    pub(crate) fn ids_on(&self, chain: ChainId) -> CliResult<BTreeSet<ProjectId>> {
        let here = self.targets().filter(|(_, target)| target.chain == chain);
        here.filter(|(_, target)| target.safe.is_some())
            .map(|(_, target)| self.id(target))
            .collect()
    }

    /// Connects to a network by endpoints of the person's own.
    pub(crate) async fn connect(&self, name: &str) -> CliResult<Network> {
        network::connect(self, name, Need::Own).await
    }

    /// Connects where one endpoint's word is enough: to deploy to a testnet. Gates ask a quorum.
    pub(crate) async fn connect_single(&self, name: &str) -> CliResult<Network> {
        Ok(network::connect(self, name, Need::Any).await?.reading(Reading::Single))
    }

    /// The project's id on one target.
    pub(crate) fn id(&self, target: &NetworkConfig) -> CliResult<ProjectId> {
        Ok(self.named_at(target)?.id(target.chain))
    }

    /// The project on one target, as statements name it.
    pub(crate) fn named_at(&self, target: &NetworkConfig) -> CliResult<ProjectRef> {
        let safe = target.safe.ok_or_else(|| CliError::config("the target has no `safe`"))?;
        Ok(ProjectRef { name: self.config.name.clone(), safe })
    }

    /// The network of these ids, by name.
    pub(crate) fn name_of(&self, id: NetworkId) -> Option<&str> {
        let found = self.config.networks.iter().find(|(_, network)| network.chain == id.chain);
        found.map(|(name, _)| name.as_str())
    }
}

/// Links may lead to sources and dependencies only.
pub(crate) fn refuse_links(layout: &Layout) -> CliResult {
    layout.refuse_links().or_kind(Kind::Config).map_err(|error| {
        error.hint("put the file itself there; links may lead to sources and dependencies only")
    })
}

fn opened(cell: &OnceCell<Store>, path: impl FnOnce() -> CliResult<PathBuf>) -> CliResult<&Store> {
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

fn find_root(from: &Path) -> CliResult<PathBuf> {
    let is_root = |layout: &Layout| layout.config().is_file() || layout.bundle_config().is_file();
    let found = from.ancestors().find(|dir| is_root(&Layout::new(*dir)));
    found.map(Path::to_path_buf).ok_or_else(|| {
        CliError::config("there is no tidegate.toml here or in a folder above")
            .hint("run `tidegate init` in the folder of foundry.toml, or name --project DIR")
    })
}
