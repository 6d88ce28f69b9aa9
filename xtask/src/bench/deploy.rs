//! `cargo xtask bench deploy`: a deployment as it is released against `forge script --broadcast`,
//! whole processes side by side, to one confirmation.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tidegate_testkit::{Anvil, AnvilOptions, Env, Person, Tools, actor, solc_wrapper};

use super::build::{release, remove};
use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

const CHAIN: u64 = 31_338;
const PASSWORD: &str = "password of eva";
const ETHER_WEI: u128 = 1_000_000_000_000_000_000;
/// Nanoseconds of a block of a second, within which a run begins anywhere.
const PHASE_NANOS: u32 = 1_000_000_000;

const COUNTER: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
contract Counter {
    uint256 public immutable first;
    uint256 public count;
    constructor(uint256 start) { first = start; }
    function add(uint256 more) external { count += more; }
}
";

/// A comparison: so many creations, with or without time between blocks, so often.
struct Case {
    name: &'static str,
    creations: usize,
    block_secs: u64,
    runs: usize,
}

const CASES: [Case; 3] = [
    Case { name: "deploy50_automine", creations: 50, block_secs: 0, runs: 15 },
    Case { name: "deploy50_1s", creations: 50, block_secs: 1, runs: 15 },
    Case { name: "deploy1000_automine", creations: 1_000, block_secs: 0, runs: 3 },
];

/// Prints for each case both medians and their ratio. Both sides compile nothing, open a key that
/// `cast wallet` wrote, and create the same contracts. Ours also creates the helper and anchors.
pub(crate) fn run() -> XtaskResult {
    let tools = Tools::here()?;
    let binary = release(&tools)?;
    for case in &CASES {
        let folder = tools.root.join("target/bench/deploy").join(case.name);
        remove(&folder)?;
        let bench = Bench::new(&tools, &binary, &folder, case)?;
        let (mut ours, mut forge) = (Vec::new(), Vec::new());
        for run in 0..case.runs {
            ours.push(bench.ours(run)?);
            forge.push(bench.forge(run)?);
        }
        let (ours, forge) = (middle(ours), middle(forge));
        let Case { name, .. } = case;
        say(format!("{name}_ms {:.0} ms", ours.as_secs_f64() * 1e3));
        say(format!("{name}_forge_ms {:.0} ms", forge.as_secs_f64() * 1e3));
        let ratio = ours.as_secs_f64() / forge.as_secs_f64();
        say(format!("{}_ratio {ratio:.2} ratio", name.replacen('_', "_vs_forge_", 1)));
    }
    Ok(())
}

struct Bench<'a> {
    tools: &'a Tools,
    binary: PathBuf,
    folder: PathBuf,
    case: &'a Case,
}

impl<'a> Bench<'a> {
    fn new(tools: &'a Tools, binary: &Path, folder: &Path, case: &'a Case) -> XtaskResult<Self> {
        let bench = Self { tools, binary: binary.to_owned(), folder: folder.to_owned(), case };
        let solc = solc_wrapper(tools)?;
        // Forge takes a program, ours the same compiler as npm installs it.
        for (project, solc) in [("ours", String::new()), ("forge", format!("solc = {solc:?}\n"))] {
            bench.write(&format!("{project}/src/Counter.sol"), COUNTER)?;
            let foundry = format!(
                "[profile.default]\nsrc = \"src\"\n{solc}optimizer = true\noptimizer_runs = 200\n\
                 evm_version = \"cancun\"\nauto_detect_remappings = false\n"
            );
            bench.write(&format!("{project}/foundry.toml"), &foundry)?;
        }
        let (packages, link) = (tools.root.join("tests/node_modules"), "ours/node_modules");
        std::os::unix::fs::symlink(packages, folder.join(link))
            .map_err(|source| XtaskError::File { path: folder.join(link), source })?;
        let script = format!(
            "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.20;\n\
             import {{Counter}} from \"../src/Counter.sol\";\n\
             interface Vm {{ function startBroadcast() external; }}\n\
             contract Deploy {{ function run() external {{\n\
             Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D).startBroadcast();\n\
             for (uint256 i; i < {}; i++) new Counter(i); }} }}\n",
            case.creations
        );
        bench.write("forge/script/Deploy.s.sol", &script)?;
        let mut cast = Command::new(&tools.cast);
        let key = format!("0x{}", alloy_primitives::hex::encode(actor("deployer").to_bytes()));
        cast.args(["wallet", "import", "deployer.json", "--private-key", &key]);
        cast.args(["--unsafe-password", PASSWORD, "--keystore-dir"]).arg(folder.join("eva/keys"));
        bench.call(cast, "cast")?;
        // `cast` lets everybody read it.
        let file = folder.join("eva/keys/deployer.json");
        std::fs::set_permissions(&file, Permissions::from_mode(0o600))
            .map_err(|source| XtaskError::File { path: file, source })?;
        Ok(bench)
    }

    #[expect(clippy::disallowed_methods, reason = "a throwaway file")]
    fn write(&self, path: &str, text: &str) -> XtaskResult {
        let path = self.folder.join(path);
        let failed = |source| XtaskError::File { path: path.clone(), source };
        std::fs::create_dir_all(path.parent().unwrap_or(&self.folder)).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)
    }

    fn call(&self, mut command: Command, name: &str) -> XtaskResult {
        let failed = |source| XtaskError::Run { program: name.to_owned(), source };
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if command.status().map_err(failed)?.success() {
            return Ok(());
        }
        Err(XtaskError::Check("a command of the benchmark"))
    }

    fn chain(&self) -> XtaskResult<Anvil> {
        let mut options = AnvilOptions::new(CHAIN);
        if self.case.block_secs > 0 {
            options.extra = vec!["--block-time".to_owned(), self.case.block_secs.to_string()];
        }
        let anvil = Anvil::start(self.tools, options)?;
        anvil.set_balance(actor("deployer").address(), alloy_primitives::U256::from(ETHER_WEI))?;
        Ok(anvil)
    }

    /// Waits for a part of a block's time, another one in each run.
    fn phase(&self, run: usize) {
        if self.case.block_secs > 0 {
            let part = (run * 7 % self.case.runs) as u32;
            std::thread::sleep(Duration::from_nanos(u64::from(
                PHASE_NANOS / self.case.runs as u32 * part,
            )));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    fn ours(&self, run: usize) -> XtaskResult<Duration> {
        let anvil = self.chain()?;
        let project = self.folder.join("ours");
        remove(&project.join("deployments"))?;
        for memory in ["journal", "checkouts"] {
            remove(&self.folder.join("eva").join(memory))?;
        }
        let mut toml = format!(
            "[project]\nname = \"counters\"\nversion = \"1.0.0\"\n\n[networks.testnet]\n\
             stage = \"testnet\"\nchain = {CHAIN}\ngenesis = \"{}\"\nrpc = [\"{}\"]\n\
             deployer = \"deployer\"\nblock_time = \"1s\"\n",
            anvil.genesis_hash()?,
            anvil.url()
        );
        for n in 0..self.case.creations {
            toml.push_str(&format!(
                "\n[[step]]\nname = \"c{n}\"\ncreate = \"Counter\"\nargs = [{n}]\n"
            ));
        }
        self.write("ours/tidegate.toml", &toml)?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let env = Env {
            binary: self.binary.clone(),
            project,
            variables: [
                ("PATH".to_owned(), text(self.tools.node.parent().unwrap_or(Path::new("/")))),
                ("XDG_CACHE_HOME".to_owned(), text(&self.folder.join("cache"))),
            ]
            .into(),
        };
        let eva = Person::new(&env, "eva", self.folder.join("eva"));
        let asked = eva.run(&["deploy", "--password-fd", "0"])?;
        let command = asked.asked_for().ok_or(XtaskError::Check("what is to be approved"))?;
        self.phase(run);
        let started = Instant::now();
        eva.run(&command)?.expect_code(0)?;
        Ok(started.elapsed())
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    fn forge(&self, run: usize) -> XtaskResult<Duration> {
        let anvil = self.chain()?;
        let root = self.folder.join("forge");
        remove(&root.join("broadcast"))?;
        let keystore = self.folder.join("eva/keys/deployer.json");
        let mut forge = Command::new(&self.tools.forge);
        forge.args(["script", "script/Deploy.s.sol:Deploy", "--broadcast", "--offline"]);
        forge.args(["--rpc-url", anvil.url(), "--password", PASSWORD, "--keystore"]);
        forge.arg(&keystore).current_dir(&root).env_clear().stderr(Stdio::null());
        forge.env("PATH", self.tools.node.parent().unwrap_or(Path::new("/")));
        forge.env("HOME", self.folder.join("home"));
        if run == 0 {
            // Its first run compiles.
            let mut build = Command::new(&self.tools.forge);
            build.args(["build", "--offline"]).current_dir(&root).env_clear();
            build.env("PATH", self.tools.node.parent().unwrap_or(Path::new("/")));
            build.env("HOME", self.folder.join("home"));
            self.call(build, "forge")?;
        }
        self.phase(run);
        let started = Instant::now();
        self.call(forge, "forge")?;
        Ok(started.elapsed())
    }
}

fn middle(mut runs: Vec<Duration>) -> Duration {
    runs.sort_unstable();
    runs[runs.len() / 2]
}
