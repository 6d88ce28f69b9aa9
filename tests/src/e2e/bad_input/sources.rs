//! Sources, compilers and plans that cannot be deployed.

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: what_cannot_be_deployed_is_explained;
    }
}

const REGISTRY: &str = "contracts/src/Registry.sol";
const PRAGMA: &str = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.20;\n";
/// One byte of constant more than EIP-170 lets code have.
const CODE_BYTES_MAX: usize = 24_576;

fn what_cannot_be_deployed_is_explained(scene: &Scene<'_>) -> Outcome {
    let (source, config) = (scene.read(REGISTRY)?, scene.read("tidegate.toml")?);
    let foundry = scene.read("foundry.toml")?;
    let eva = scene.person("eva");
    let expect = |args: &[&str], code, says: &[&str], hint| -> Outcome {
        refused(scene, &eva, args, &Refusal { code, says, hint }).map(|_| ())
    };

    scene.write(REGISTRY, &source.replacen("contract Registry", "contract Registry {{", 1))?;
    expect(&["build"], 3, &["ParserError", "-->", REGISTRY], "")?;
    scene.write(REGISTRY, &source)?;

    let pinned = foundry.lines().filter(|line| !line.starts_with("solc "));
    let pinned = pinned.collect::<Vec<_>>().join("\n");
    let missing = pinned.replacen("[profile.default]", "[profile.default]\nsolc = \"0.8.1\"", 1);
    scene.write("foundry.toml", &missing)?;
    expect(&["build"], 3, &["find a Solidity compiler, version 0.8.1"], "npm install solc@")?;
    scene.write("foundry.toml", &foundry)?;

    let twin = format!("{PRAGMA}contract Registry {{}}\n");
    scene.write("contracts/src/Twin.sol", &twin)?;
    let both = ["contracts/src/Registry.sol:Registry", "contracts/src/Twin.sol:Registry"];
    expect(&["build"], 3, &both, "contracts/src/Registry.sol:Registry")?;

    let mine = format!("{PRAGMA}contract Mine {{ address public owner = msg.sender; }}\n");
    scene.write("contracts/src/Twin.sol", &mine)?;
    scene.write("tidegate.toml", &format!("{config}\n[[step]]\ncreate = \"Mine\"\n"))?;
    let depends = ["mine", "asks for msg.sender while it is created", "as an argument"];
    expect(&["plan", "testnet", "--as", "deployer"], 1, &depends, "")?;

    let constant = "5b".repeat(CODE_BYTES_MAX);
    let big = format!(
        "{PRAGMA}contract Mine {{ function f() external pure returns (bytes memory) {{ return \
         hex\"{constant}\"; }} }}\n"
    );
    scene.write("contracts/src/Twin.sol", &big)?;
    expect(&["plan", "testnet", "--as", "deployer"], 1, &["mine", "24576 bytes of code"], "")?;

    let cycle = config.replacen("args   = [\"$owner\"]", "args   = [\"@vault\"]", 1);
    scene.write("tidegate.toml", &cycle)?;
    expect(&["build"], 3, &["registry", "`@vault` is neither an earlier step"], "")?;

    scene.write("tidegate.toml", &config)?;
    let token =
        "[externals.token]\ntestnet.address = \"0x00000000000000000000000000000000000000c1\"";
    let call = "[[step]]\ncall = [\"@token\", \"approve(address,uint256)\", \"$owner\", 1]";
    scene.plan_of(token, call)?;
    expect(&["build"], 3, &["the plan only calls: no contract could be audited"], "by the Safe")
}
