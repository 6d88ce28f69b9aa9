//! A copy of the example protocol with a `tidegate.toml` for one world.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256};

use crate::{TestkitError, Tools, World, actor_address, files};

/// Folders of `tests/node_modules` that hold what the contracts import.
const DEPENDENCIES: [&str; 2] = ["@openzeppelin/contracts", "@openzeppelin/contracts-upgradeable"];
/// The compiler's package and what it loads, below `tests/node_modules`.
pub const COMPILER: [&str; 7] = [
    "command-exists",
    "commander",
    "follow-redirects",
    "js-sha3",
    "memorystream",
    "semver",
    "solc",
];

/// What differs from one test's project to another's.
#[derive(Debug, Clone)]
pub struct ProjectOptions {
    /// The keys below `[policy]`, as lines of TOML.
    pub policy: String,
    /// Lines below `[[step]]` for the vault, and whatever follows all steps, are as in the
    /// example; this is appended to the file.
    pub appended: String,
}

impl Default for ProjectOptions {
    /// Fourteen days and two audits; all else as by default.
    fn default() -> Self {
        let policy = "soak   = \"14d\"\naudits = 2\n".to_owned();
        Self { policy, appended: String::new() }
    }
}

/// A project folder.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// Copies contracts, compiler and dependencies to `root` and writes `tidegate.toml` for
    /// `world`. What is there already is overwritten.
    ///
    /// # Errors
    /// If a file cannot be copied or written, or a chain does not say its genesis hash.
    pub fn create(
        tools: &Tools,
        world: &World,
        root: &Path,
        options: &ProjectOptions,
    ) -> Result<Self, TestkitError> {
        let project = Self::copy(tools, root)?;
        project.write_config(world, options)?;
        Ok(project)
    }

    /// Copies the same with the repository's own `tidegate.toml`, which is that of a world with
    /// default options.
    ///
    /// # Errors
    /// If a file cannot be copied or written.
    pub fn copy(tools: &Tools, root: &Path) -> Result<Self, TestkitError> {
        let all = |_: &Path| true;
        files::copy_folder(&tools.root.join("contracts/src"), &root.join("contracts/src"), &all)?;
        files::copy_file(&tools.root.join("foundry.toml"), &root.join("foundry.toml"))?;
        let modules = root.join("tests/node_modules");
        let source = |path: &Path| {
            path.extension().is_some_and(|extension| extension == "sol")
                || path.file_name().is_some_and(|name| name == "package.json")
        };
        for package in DEPENDENCIES {
            let (from, to) = (tools.node_modules.join(package), modules.join(package));
            files::copy_folder(&from, &to, &source)?;
        }
        for package in COMPILER {
            let from = tools.node_modules.join(package);
            files::copy_folder(&from, &modules.join(package), &all)?;
        }
        files::write(&root.join(".gitignore"), b"tests/node_modules/\n")?;
        files::copy_file(&tools.root.join("tidegate.toml"), &root.join("tidegate.toml"))?;
        Ok(Self { root: root.to_owned() })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of its `tidegate.toml`.
    pub fn config(&self) -> PathBuf {
        self.root.join("tidegate.toml")
    }

    /// Writes `tidegate.toml` anew.
    ///
    /// # Errors
    /// If it cannot be written, or a chain does not say its genesis hash.
    pub fn write_config(
        &self,
        world: &World,
        options: &ProjectOptions,
    ) -> Result<(), TestkitError> {
        let text = config(world, options)?;
        files::write(&self.config(), text.as_bytes())
    }

    /// Replaces one piece of text in one of its files.
    ///
    /// # Errors
    /// If the file cannot be read or written, or does not hold the text.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> Result<(), TestkitError> {
        let path = self.root.join(file);
        let text = files::read_text(&path)?;
        if !text.contains(from) {
            return Err(TestkitError::BadFile { what: "the text to replace", path });
        }
        files::write(&path, text.replacen(from, to, 1).as_bytes())
    }

    /// Writes one of its files.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, file: &str, bytes: &[u8]) -> Result<PathBuf, TestkitError> {
        let path = self.root.join(file);
        files::write(&path, bytes)?;
        Ok(path)
    }
}

fn config(world: &World, options: &ProjectOptions) -> Result<String, TestkitError> {
    let networks = networks_toml(world)?;
    let externals = format!(
        "[externals.usdc]\ntestnet           = {{ create = \"MockUSDC\" }}\n\
         mainnet.address   = \"{}\"\nmainnet.code_hash = \"{}\"\n",
        world.usdc, world.usdc_code_hash
    );
    let funds = format!(
        "[funds]\ntestnet = {{ treasury = \"{}\", key = \"treasury\" }}\n",
        actor_address("treasury")
    );
    let policy = format!("[policy]\n{}", options.policy);
    let parts =
        [PROJECT.to_owned(), networks, externals, STEPS.to_owned(), funds, policy, people()];
    Ok(parts.join("\n") + &options.appended)
}

const PROJECT: &str = "\
# The example protocol under contracts/, on the two local chains of `./scripts/demo`: testnet at
# port 31338, mainnet at 31337. $x is a parameter; @x is an address.
[project]
name    = \"vault\"
version = \"1.4.0\"
";

/// The section `[networks]` of a world: `testnet` with the key `deployer`, `mainnet` with the
/// world's Safe and the key `relayer`.
///
/// # Errors
/// If a chain does not say its genesis hash.
pub fn networks_toml(world: &World) -> Result<String, TestkitError> {
    let (testnet, mainnet) = (world.testnet.genesis_hash()?, world.mainnet.genesis_hash()?);
    Ok(networks(world.safe, testnet, mainnet))
}

fn networks(safe: Address, testnet: B256, mainnet: B256) -> String {
    format!(
        r#"[networks.testnet]
stage      = "testnet"
chain      = 31338
genesis    = "{testnet}"
rpc        = ["${{TESTNET_RPC}}"]
deployer   = "deployer"
block_time = "1h"

[networks.mainnet]
stage      = "mainnet"
chain      = 31337
genesis    = "{mainnet}"
rpc        = ["${{MAINNET_RPC}}"]
safe       = "{safe}"
relayer    = "relayer"
soaks_on   = ["testnet"]
block_time = "1h"
"#
    )
}

const STEPS: &str = r#"[params]
owner     = { rule = "per-network", testnet = "@deployer", mainnet = "@safe" }
vault_cap = { rule = { max = "500e6" }, testnet = "250e6", mainnet = "250e6" }

[[step]]
name   = "registry"
create = "Registry"
args   = ["$owner"]

[[step]]
name   = "vault"
create = "Vault"
args   = ["@registry"]
proxy  = "uups"
init   = ["initialize", "@usdc", "$vault_cap", "$owner"]
expect = [
    ["owner", "$owner"],
    ["asset", "@usdc"],
    ["cap", "$vault_cap"],
    ["registry", "@registry"],
]

[[step]]
call = ["@registry", "register", "@vault"]
"#;

/// The firms that audit.
const FIRMS: &str = "\
[firms]
Acme = \"Acme Audits\"
Bolt = \"Bolt Security\"
Dao = \"Auditors of the Dao\"
";

/// Name, role, firm and key of everybody who signs.
const PEOPLE: [(&str, &str, &str, &str); 5] = [
    ("eva", "engineer", "", "deployer"),
    ("kim", "treasurer", "", "treasury"),
    ("ops", "operations", "", "relayer"),
    ("ada", "auditor", "Acme", "ada"),
    ("bo", "auditor", "Bolt", "bo"),
];

fn people() -> String {
    let line = |(name, role, firm, key): (&str, &str, &str, &str)| {
        let firm = if firm.is_empty() { String::new() } else { format!("firm = \"{firm}\", ") };
        let key = actor_address(key);
        format!("{name} = {{ roles = [\"{role}\"], {firm}keys = [\"{key}\"] }}\n")
    };
    format!("{FIRMS}\n[people]\n{}", PEOPLE.map(line).concat())
}
