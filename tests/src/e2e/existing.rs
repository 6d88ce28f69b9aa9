//! Projects that were there before: a Foundry project with a broadcast, a Hardhat project.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_testkit::{Anvil, AnvilOptions, Person, TEST_KEYS, solc_wrapper, test_key};

use crate::support::{Case, Outcome, Scene, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            steps_are_proposed_from_a_broadcast,
            a_hardhat_project_is_read_and_not_run,
            another_program_recomputes_the_scope;
    }
}

const CHAIN: u64 = 31338;

const FOUNDRY: &str = "\
[profile.default]
src = \"src\"
libs = [\"tests/node_modules\"]
evm_version = \"paris\"
[profile.release]
evm_version = \"cancun\"
optimizer_runs = 200
";

const SOURCES: [(&str, &str); 3] = [
    (
        "Registry.sol",
        "contract Registry { address public owner; mapping(address => bool) public known;\n\
         constructor(address owner_) { owner = owner_; }\n\
         function register(address what) external { known[what] = true; } }\n",
    ),
    (
        "Vault.sol",
        "import {Registry} from \"./Registry.sol\";\n\
         contract Vault {\n/// @custom:oz-upgrades-unsafe-allow state-variable-immutable\n\
         Registry public immutable registry; uint256 public cap;\n\
         address public owner; string public label;\n\
         /// @custom:oz-upgrades-unsafe-allow constructor\n\
         constructor(Registry registry_) { registry = registry_; }\n\
         function upgradeToAndCall(address, bytes calldata) external payable {}\n\
         function initialize(uint256 cap_, address owner_, string calldata label_) external\n\
         { require(owner == address(0)); cap = cap_; owner = owner_; label = label_; } }\n",
    ),
    // No remapping says where the package is.
    (
        "Proxy.sol",
        "import {ERC1967Proxy} from \"@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol\";\n",
    ),
];

const SCRIPT: &str = "\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import {ERC1967Proxy} from \"@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol\";
import {Registry} from \"../src/Registry.sol\";
import {Vault} from \"../src/Vault.sol\";
interface Vm { function startBroadcast() external; function stopBroadcast() external; }
contract Deploy {
    Vm private constant VM = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    function run() external {
        VM.startBroadcast();
        Registry registry = new Registry(msg.sender);
        Vault vault = new Vault(registry);
        bytes memory init = abi.encodeCall(Vault.initialize, (250e6, msg.sender, \"a vault\"));
        address proxy = address(new ERC1967Proxy(address(vault), init));
        registry.register(proxy);
        new Registry{salt: \"second\"}(proxy);
        VM.stopBroadcast();
    }
}
";

/// What `init` makes of the script above.
const STEPS: &str = "
# From broadcast/Deploy.s.sol/31338/run-latest.json, checked on the chain.

[[step]]
name   = \"registry\"
create = \"Registry\"
args   = [\"@deployer\"]

[[step]]
name   = \"vault\"
create = \"Vault\"
args   = [\"@registry\"]
proxy  = \"uups\"
init   = [\"initialize\", \"250e6\", \"@deployer\", \"a vault\"]

[[step]]
call = [\"@registry\", \"register\", \"@vault\"]

[[step]]
name   = \"registry-2\"
create = \"Registry\"
args   = [\"@vault\"]
";

fn write_sources(scene: &Scene<'_>, folder: &str) -> Outcome {
    for (name, text) in SOURCES {
        let head = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.20;\n";
        scene.write(&format!("{folder}/{name}"), &format!("{head}{text}"))?;
    }
    std::fs::remove_file(scene.project().join("tidegate.toml"))?;
    Ok(())
}

fn forge_script(scene: &Scene<'_>, anvil: &Anvil) -> Outcome {
    scene.write("script/Deploy.s.sol", SCRIPT)?;
    let done = Command::new(&scene.tools.forge)
        .current_dir(scene.project())
        .env("FOUNDRY_PROFILE", "release")
        .env("PATH", scene.tools.node.parent().unwrap_or(Path::new("/")))
        .args(["script", "script/Deploy.s.sol:Deploy", "--broadcast", "--offline", "--use"])
        .arg(solc_wrapper(scene.tools)?)
        .args(["--rpc-url", anvil.url(), "--private-key", &TEST_KEYS[0].to_string()])
        .args(["-R", "@openzeppelin/contracts/=tests/node_modules/@openzeppelin/contracts/"])
        .output()?;
    if done.status.success() {
        return Ok(());
    }
    let text = [done.stdout, done.stderr].concat();
    Err(String::from_utf8_lossy(&text).into_owned().into())
}

fn steps_are_proposed_from_a_broadcast(scene: &Scene<'_>) -> Outcome {
    write_sources(scene, "src")?;
    scene.write("foundry.toml", FOUNDRY)?;
    let anvil = Anvil::start(scene.tools, AnvilOptions::new(CHAIN))?;
    forge_script(scene, &anvil)?;

    let eva = scene.person("eva").with_variable("TESTNET_RPC", anvil.url());
    let chain = CHAIN.to_string();
    let rpc = ["--network", "testnet", "--chain", &chain, "--rpc", "${TESTNET_RPC}"];
    let init = [&["init", "--json", "--profile", "release"][..], &rpc].concat();
    let made = eva.run(&init)?.expect_code(0)?.json()?;
    assert_eq!(made["checked"], true, "{made}");
    assert_eq!(made["notes"], Value::Array(Vec::new()));
    let text = scene.read("tidegate.toml")?;
    assert!(text.ends_with(STEPS), "{text}");

    // Its deployer is a key of this name.
    eva.keep_key("testnet-deployer", &test_key(1))?;
    let built = eva.run(&["build", "--json"])?.expect_code(0)?.json()?;
    assert_eq!(built["contracts"].as_array().map(Vec::len), Some(3), "{built}");
    let planned = eva.run(&["plan", "--json"])?.expect_code(0)?.json()?;
    assert_eq!(planned["faults"], Value::Array(Vec::new()), "{planned}");
    assert_eq!(planned["operations"].as_array().map(Vec::len), Some(5), "{planned}");
    what_forge_uses_is_followed_or_refused(scene, &eva)?;

    // A chain that shows none of it, and no chain at all.
    std::fs::remove_file(scene.project().join("tidegate.toml"))?;
    let empty = Anvil::start(scene.tools, AnvilOptions::new(CHAIN))?;
    let elsewhere = eva.with_variable("TESTNET_RPC", empty.url()).run(&init)?.expect_code(0)?;
    let made = elsewhere.json()?;
    assert_eq!((&made["steps"], made["notes"].as_array().map(Vec::len)), (&0.into(), Some(5)));
    assert!(said(&elsewhere).contains("the chain does not show it"), "{elsewhere:?}");
    std::fs::remove_file(scene.project().join("tidegate.toml"))?;
    let gone = eva.with_variable("TESTNET_RPC", "");
    let dry = gone.run(&[&init[..], &["--dry-run"]].concat())?.expect_code(0)?;
    assert!(said(&dry).contains("TESTNET_RPC is not set"), "{dry:?}");
    assert!(!scene.project().join("tidegate.toml").exists());
    let gone = gone.run(&init)?.expect_code(0)?;
    assert_eq!(gone.json()?["checked"], false);
    assert!(said(&gone).contains("TESTNET_RPC is not set"), "{gone:?}");
    let unchecked = STEPS.replace(", checked", ", not checked");
    assert!(scene.read("tidegate.toml")?.ends_with(&unchecked), "{}", scene.read("tidegate.toml")?);
    the_only_broadcast_is_taken(scene)
}

/// A run on mainnet that does not name what it created.
fn the_only_broadcast_is_taken(scene: &Scene<'_>) -> Outcome {
    let project = scene.project();
    let runs = project.join("broadcast/Deploy.s.sol");
    std::fs::rename(runs.join(CHAIN.to_string()), runs.join("1"))?;
    let file = "broadcast/Deploy.s.sol/1/run-latest.json";
    let mut run: Value = serde_json::from_str(&scene.read(file)?)?;
    for sent in run["transactions"].as_array_mut().into_iter().flatten() {
        if sent["contractName"] == "Registry" && sent["transactionType"] != "CALL" {
            sent["contractName"] = Value::Null;
        }
    }
    scene.write(file, &run.to_string())?;
    for gone in ["tidegate.toml", ".gitattributes"] {
        std::fs::remove_file(project.join(gone))?;
    }
    let eva = scene.person("eva");
    let made = eva.run(&["init", "--profile", "release", "--json"])?.expect_code(0)?;
    assert!(said(&made).contains("they were sent on chain 1"), "{made:?}");
    let text = scene.read("tidegate.toml")?;
    let steps = STEPS.replace(", checked", ", not checked").replace("/31338/", "/1/");
    assert!(text.contains("[networks.hoodi]") && text.ends_with(&steps), "{text}");
    assert!(scene.read(".gitattributes")?.contains("* -text"));
    Ok(())
}

/// The list of remappings that `init` wrote holds, and the profile that is written.
fn what_forge_uses_is_followed_or_refused(scene: &Scene<'_>, eva: &Person) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    let listed = "\n    \"@openzeppelin/=tests/node_modules/@openzeppelin/\",\n";
    assert!(text.contains(listed), "{text}");
    scene.write("tests/node_modules/new/src/New.sol", "contract New {}")?;
    let refused = eva.run(&["build"])?.expect_code(3)?;
    let new = "\"new/=tests/node_modules/new/\"";
    assert!(said(&refused).contains(&format!("{new} is not in the list")), "{refused:?}");
    assert!(said(&refused).contains("remappings = [\"@openzeppelin/="), "{refused:?}");
    std::fs::remove_dir_all(scene.project().join("tests/node_modules/new"))?;
    eva.run(&["build"])?.expect_code(0)?;

    let with_profile = |name: &str| eva.with_variable("FOUNDRY_PROFILE", name).run(&["build"]);
    with_profile("default")?.expect_code(0)?;
    scene.edit("tidegate.toml", "profile    = \"release\"\n", "")?;
    with_profile("gone")?.expect_code(0)?;
    let refused = with_profile("release")?.expect_code(3)?;
    assert!(said(&refused).contains("FOUNDRY_PROFILE is release"), "{refused:?}");
    // Forge reads `.env` by itself.
    for (line, words) in [
        ("FOUNDRY_PROFILE=release", "FOUNDRY_PROFILE is release in .env"),
        ("FOUNDRY_OPTIMIZER_RUNS=1", "FOUNDRY_OPTIMIZER_RUNS is set in .env"),
    ] {
        scene.write(".env", line)?;
        let refused = eva.run(&["build"])?.expect_code(3)?;
        assert!(said(&refused).contains(words), "{refused:?}");
    }
    std::fs::remove_file(scene.project().join(".env"))?;

    // Nothing is written down: what forge finds is used, and said.
    let plain = text.split_once("remappings = [").ok_or("a list")?;
    let rest = plain.1.split_once("]\n").ok_or("its end")?.1;
    scene.write("tidegate.toml", &format!("{}{rest}", plain.0))?;
    let built = eva.run(&["build"])?.expect_code(0)?;
    assert!(said(&built).contains("another checkout"), "{built:?}");
    scene.write("tidegate.toml", &text)
}

fn a_hardhat_project_is_read_and_not_run(scene: &Scene<'_>) -> Outcome {
    let project = scene.project();
    std::fs::remove_dir_all(project.join("contracts"))?;
    std::fs::remove_file(project.join("foundry.toml"))?;
    write_sources(scene, "contracts")?;
    scene.write("contracts/mocks/Mock.sol", "contract Mock {}")?;
    std::fs::rename(project.join("tests/node_modules"), project.join("node_modules"))?;
    let eva = scene.person("eva");
    let minimal = "[project]\nname = \"x\"\nversion = \"1\"\n[[step]]\ncreate = \"Registry\"\n";
    scene.write("tidegate.toml", minimal)?;
    let config = "process.exit(1);\nexport default { solidity: { version: \"0.8.37\",\n\
                  settings: { optimizer: { enabled: true, runs: 77 },\n\
                  evmVersion: \"cancun\" } } };\n";
    scene.write("hardhat.config.ts", config)?;
    let refused = eva.run(&["build"])?.expect_code(3)?;
    assert!(said(&refused).contains("write src, version"), "{refused:?}");
    std::fs::remove_file(project.join("tidegate.toml"))?;

    eva.run(&["init"])?.expect_code(0)?;
    scene.edit(
        "tidegate.toml",
        "create = \"Registry\"\n",
        "create = \"Registry\"\nargs = [\"@deployer\"]\n",
    )?;
    let vault = "create = \"Vault\"\n";
    let proxied = format!(
        "{vault}args = [\"@registry\"]\nproxy = \"uups\"\n\
         init = [\"initialize\", 1, \"@deployer\", \"x\"]\n"
    );
    scene.edit("tidegate.toml", vault, &proxied)?;
    let text = scene.read("tidegate.toml")?;
    assert!(text.contains("# fill in: constructor(Registry registry_)\n"), "{text}");
    assert!(!text.contains("Mock"), "{text}");
    let built = eva.run(&["build", "--json", "--scope"])?.expect_code(0)?.json()?;
    let contracts = built["contracts"].as_array().ok_or("contracts")?;
    let names: Vec<_> = contracts.iter().filter_map(|c| c["fqn"].as_str()).collect();
    let proxy = "dep:@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy";
    assert_eq!(names, ["contracts/Registry.sol:Registry", "contracts/Vault.sol:Vault", proxy]);
    let documents = &contracts[2]["documents"];
    let (place, _) = proxy.rsplit_once(':').ok_or("a path")?;
    assert_eq!(documents["sources"][place]["source"], place["dep:".len()..]);
    assert_eq!(documents["profile"]["optimizer"]["runs"], 77);
    assert_eq!(documents["profile"]["evmVersion"], "cancun");

    scene.write("foundry.toml", "")?;
    let both = eva.run(&["build"])?.expect_code(3)?;
    assert!(said(&both).contains("keep one of them"), "{both:?}");
    Ok(())
}

fn another_program_recomputes_the_scope(scene: &Scene<'_>) -> Outcome {
    let scope = scene.run("eva", &["build", "--json", "--scope"], 0)?;
    let file = scene.folder().join("scope.json");
    files::write(&file, scope.stdout.as_bytes())?;
    let run = |file: &Path| -> Result<Value, Failed> {
        let done = Command::new(&scene.tools.node)
            .arg(scene.tools.root.join("scripts/scope-root.mjs"))
            .args([scene.project(), file])
            .output()?;
        serde_json::from_slice(&done.stdout)
            .map_err(|_| String::from_utf8_lossy(&done.stderr).into_owned().into())
    };
    let ours = scope.json()?;
    let theirs = run(&file)?;
    let rows = ours["contracts"].as_array().ok_or("contracts")?;
    let scopes: Vec<_> = rows.iter().map(|row| row["scope"].clone()).collect();
    assert_eq!(theirs["scopes"], Value::Array(scopes));
    assert_eq!(theirs["scopeRoot"].as_str(), ours["roots"]["scopeRoot"].as_str());

    // It reads the checkout, and not what it is told.
    scene.edit("contracts/src/Registry.sol", "contract Registry", "/**/ contract Registry")?;
    assert_ne!(run(&file)?["scopeRoot"], theirs["scopeRoot"]);
    Ok(())
}
