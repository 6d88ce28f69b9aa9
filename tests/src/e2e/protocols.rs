//! Protocols from npm as their users have them: a project of one's own, from `init` to an upgrade.

use alloy_primitives::Address;
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_testkit::COMPILER;

use crate::support::{Case, Outcome, Scene, cases, files, messages, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            tickets_of_erc721a,
            savings_of_solady;
    }
}

/// Cases that only `./scripts/test --full` runs: three compilers, and 75 seconds of one.
pub(crate) fn slow_cases() -> Vec<Case> {
    cases! {
        Fresh:
            an_oracle_beside_uniswap,
            an_account_of_erc4337;
    }
}

/// OpenZeppelin's packages, which each of these projects has.
const PACKAGES: [&str; 2] = ["@openzeppelin/contracts", "@openzeppelin/contracts-upgradeable"];

/// A project under `tests/projects` without a `tidegate.toml`, and what is done with it.
struct Protocol {
    folder: &'static str,
    packages: &'static [&'static str],
    /// The step that has a proxy, and its contract.
    step: &'static str,
    contract: &'static str,
    /// How many contracts its plan creates, those that its contracts create included.
    contracts: usize,
    /// Another function.
    change: [&'static str; 2],
    /// A variable behind the others, and one in front of them.
    upgrade: [&'static str; 3],
}

fn tickets_of_erc721a(scene: &Scene<'_>) -> Outcome {
    Protocol {
        folder: "tickets",
        packages: &["erc721a-upgradeable"],
        step: "tickets",
        contract: "Tickets",
        contracts: 2,
        change: ["quantity * price", "price * quantity + 0"],
        upgrade: [
            "    uint256 public price;\n",
            "    uint256 public price;\n    uint256 public limit;\n",
            "    uint256 public limit;\n    uint256 public price;\n",
        ],
    }
    .lives(scene)
}

fn savings_of_solady(scene: &Scene<'_>) -> Outcome {
    Protocol {
        folder: "savings",
        packages: &["solady"],
        step: "savings",
        contract: "Savings",
        contracts: 2,
        change: ["amount <= cap", "amount < cap"],
        upgrade: [
            "    uint256 public cap;\n",
            "    uint256 public cap;\n    uint256 public fee;\n",
            "    uint256 public fee;\n    uint256 public cap;\n",
        ],
    }
    .lives(scene)
}

/// Three compilers in one plan, of which one is older than the choice of a metadata hash; a factory
/// that creates by a call; and copies of one package, of which one is another package's own.
fn an_oracle_beside_uniswap(scene: &Scene<'_>) -> Outcome {
    Protocol {
        folder: "uniswap",
        packages: &[
            "@uniswap/v2-core",
            "@uniswap/v2-periphery",
            "@uniswap/lib",
            "require-from-string",
            "solc-0.5.16",
            "solc-0.6.6",
        ],
        step: "oracle",
        contract: "PriceOracle",
        contracts: 7,
        change: ["prices[pair]);", "prices[pair] + 1);"],
        upgrade: [
            "    mapping(address => uint256) public prices;\n",
            "    mapping(address => uint256) public prices;\n    uint256 public count;\n",
            "    uint256 public count;\n    mapping(address => uint256) public prices;\n",
        ],
    }
    .lives(scene)
}

/// Through the intermediate representation; contracts that create others in their constructors.
fn an_account_of_erc4337(scene: &Scene<'_>) -> Outcome {
    Protocol {
        folder: "account",
        packages: &["@account-abstraction/contracts"],
        step: "account",
        contract: "TeamAccount",
        contracts: 6,
        change: ["\"guardian only\"", "\"only the guardian\""],
        upgrade: [
            "    bool public paused;\n",
            "    bool public paused;\n    uint256 public since;\n",
            "    uint256 public since;\n    bool public paused;\n",
        ],
    }
    .lives(scene)
}

impl Protocol {
    /// Init, deployment, a change, a deployment beside it, and an upgrade; each is verified.
    fn lives(&self, scene: &Scene<'_>) -> Outcome {
        let project = self.begin(scene)?;
        let source = format!("src/{}.sol", self.contract);
        self.deploys(&project)?;
        let again = project.done("eva", &["deploy"])?;
        assert!(said(&again).contains("nothing was sent"), "{again:?}");

        let [from, to] = self.change;
        project.edit(&source, from, to)?;
        project.edit("tidegate.toml", "\"0.1.0\"", "\"0.1.1\"")?;
        let live = self.deploys(&project)?;

        let first = project.read(&source)?;
        project.write(&format!("src/v1/{}.sol", self.contract), &first)?;
        self.upgrades(&project, live)?;
        project.done("eva", &["adopt"])?;
        let [variable, behind, before] = self.upgrade;
        project.edit(&source, variable, before)?;
        let refused = project.run("eva", &["plan"], 1)?;
        let errors = messages(&refused, "error").join(" ");
        let moved = ["is new and overlaps", "keep order, types and base slot"];
        assert!(moved.iter().any(|words| errors.contains(words)), "{refused:?}");
        project.edit(&source, before, behind)?;
        let deployed = project.done("eva", &["deploy", "--json"])?.json()?;
        project.world.settle()?;
        let verified = said(&project.run("eva", &["verify"], 0)?);
        assert!(verified.contains(&format!("PASS @{}", self.step)), "{verified}");
        assert_eq!(place(&deployed, self.step)?, live, "{deployed}");
        Ok(())
    }

    /// The project with its packages, and what `init` writes with the steps filled in.
    fn begin<'a>(&self, scene: &Scene<'a>) -> Result<Scene<'a>, Failed> {
        let project = scene.beside(self.folder);
        let tools = scene.tools;
        files::copy_tree(&tools.root.join("tests/projects").join(self.folder), project.project())?;
        for package in COMPILER.iter().chain(&PACKAGES).chain(self.packages) {
            let to = project.project().join("node_modules").join(package);
            files::copy_tree(&tools.node_modules.join(package), &to)?;
        }
        project.fund()?;
        let rpc = ["--network", "testnet", "--chain", "31338", "--rpc", "${TESTNET_RPC}"];
        let made = project.run("eva", &[&["init", "--json"][..], &rpc].concat(), 0)?.json()?;
        assert_eq!(made["notes"], Value::Array(Vec::new()), "{made}");
        let written = project.read("tidegate.toml")?;
        assert!(written.contains(&format!("create = \"{}\"", self.contract)), "{written}");
        let steps = written.find("# fill in").or(written.find("[[step]]")).ok_or("no step")?;
        let head = written[..steps].replace("\"testnet-deployer\"", "\"deployer\"");
        project.write("tidegate.toml", &format!("{head}{}", project.read("steps.toml")?))?;
        Ok(project)
    }

    /// Deploys and verifies; where the proxy is.
    fn deploys(&self, project: &Scene<'_>) -> Result<Address, Failed> {
        let deployed = project.done("eva", &["deploy", "--json"])?.json()?;
        project.world.settle()?;
        let verified = project.run("eva", &["verify", "--json"], 0)?.json()?;
        let rows = verified["contracts"].as_array().map_or(0, Vec::len);
        assert_eq!(rows, self.contracts, "{verified}");
        place(&deployed, self.step)
    }

    /// A second release that upgrades what the first put there.
    fn upgrades(&self, project: &Scene<'_>, live: Address) -> Outcome {
        let Self { step, contract, .. } = self;
        let config = project.read("tidegate.toml")?.replace("\"0.1.1\"", "\"0.2.0\"");
        let at = config.find("[[step]]").ok_or("no step")?;
        let (head, steps) = config.split_at(at);
        let own = steps.split("[[step]]").find(|part| part.contains(&format!("= \"{step}\"\n")));
        let args = own.and_then(|own| own.lines().find(|line| line.starts_with("args")));
        let others = match args {
            // What its constructor is given is created by the first release, and stays.
            Some(_) => steps.split(&format!("[[step]]\nname   = \"{step}\"")).next(),
            None => None,
        };
        let (others, args) = (others.unwrap_or_default(), args.unwrap_or_default());
        project.write(
            "tidegate.toml",
            &format!(
                "{head}{others}[existing.{step}]\ncontract = \"src/v1/{contract}.sol:{contract}\"\n\
                 proxy = \"uups\"\ntestnet = {{ address = \"{live}\" }}\n\n\
                 [[step]]\nname = \"{step}\"\nupgrade = \"@{step}\"\n\
                 create = \"src/{contract}.sol:{contract}\"\n{args}\n"
            ),
        )
    }
}

/// Where a step put its contract, or what it upgraded is.
fn place(deployed: &Value, step: &str) -> Result<Address, Failed> {
    Ok(serde_json::from_value(deployed["steps"][step]["address"].clone())?)
}
