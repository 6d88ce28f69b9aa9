//! A release that follows a recorded one: it upgrades what stands.

use alloy_primitives::{Address, B256, U256, b256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Anvil, actor_address};

use crate::support::{
    Case, Outcome, Scene, cases, messages, promote_and_execute, said, use_contracts,
};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            the_second_release_upgrades_what_stands;
        Deployed:
            an_upgrade_that_was_taken_back_is_made_again,
            an_upgrade_that_cannot_be_made_again_is_refused,
            what_another_deployment_upgraded_is_superseded,
            what_follows_forgets_nothing,
            what_is_taken_as_it_is_is_looked_at_where_it_soaks,
            a_copy_leaves_what_was_deployed_alone;
    }
}

const IMPLEMENTATION: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
const VAULT: &str = "contracts/src/Vault.sol";
const PAUSE: &str = "    /// @notice Stops deposits.";

/// A function more, a higher version, one line: the same proxies are upgraded on both networks
/// under the same policy, and nothing else is made.
fn the_second_release_upgrades_what_stands(scene: &Scene<'_>) -> Outcome {
    promote_and_execute(scene)?;
    a_comment_is_another_build(scene)?;
    let policy = scene.run("eva", &["policy", "show", "--json"], 0)?.json()?;
    next(scene, "1.4.0", "1.5.0", "1")?;

    // Without the line, whoever plans is told what that would do.
    let config = scene.read("tidegate.toml")?;
    scene.edit("tidegate.toml", "follows = \"1.4.0\"\n", "")?;
    let plan = scene.run("eva", &["plan", "mainnet", "--json"], 0)?;
    let plan = plan.json()?.to_string();
    assert!(plan.contains("vault-1.4.0 stands on mainnet (@registry, @vault)"), "{plan}");
    scene.write("tidegate.toml", &config)?;

    let plan = scene.run("eva", &["plan", "mainnet", "--json"], 0)?.json()?;
    assert!(!plan.to_string().contains("does not follow it"), "{plan}");
    let deployed = scene.done("eva", &["deploy"])?;
    assert!(!deployed.stdout.contains("second proxy"), "{deployed:?}");
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;
    let vault = scene.contract_of("1.4.0", "vault")?;
    assert_eq!(scene.contract_of("1.5.0", "vault")?, vault);
    let (_, record) = scene.record_of("1.5.0")?;
    let made: Vec<_> = record["deployment"]["steps"].as_object().ok_or("steps")?.keys().collect();
    assert_eq!(made, ["vault"]);
    assert_eq!(round(&scene.world.testnet, vault)?, 1);

    // What is taken as it is, is none of its contracts: two rounds make up for it.
    use_contracts(scene, "1.5.0")?;
    use_contracts(scene, "1.5.0")?;
    soaked(scene, 30)?;
    promote_and_execute(scene)?;
    scene.run("eva", &["verify", "mainnet"], 0)?;
    let book: Value = serde_json::from_str(&scene.read("deployments/mainnet/addresses.json")?)?;
    let first = &book["addresses"]["vault"]["address"];
    assert_eq!(book["addresses"].as_object().ok_or("addresses")?.len(), 2, "{book}");
    let proxy: Address = serde_json::from_value(first.clone())?;
    assert_eq!(round(&scene.world.mainnet, proxy)?, 1);
    // What the second one changed is no fault of the first.
    let first = scene.run("eva", &["verify", "mainnet", "--release", "vault-1.4.0"], 30)?;
    assert!(said(&first).contains("it was superseded by vault-1.5.0"), "{first:?}");
    assert!(first.stdout.contains("UNKNOWN") && !first.stdout.contains("FAIL"), "{first:?}");
    // The policy that the owners adopted covers it.
    assert_eq!(scene.run("eva", &["policy", "show", "--json"], 0)?.json()?, policy);

    // A clone that never built the first release finds it in git.
    scene.forget("ada")?;
    scene.run("ada", &["build"], 0)?;
    returns(scene)
}

/// What was promoted is judged by the build that was promoted, where that is kept; else it is said.
fn a_comment_is_another_build(scene: &Scene<'_>) -> Outcome {
    let text = scene.read(VAULT)?;
    scene.edit(VAULT, PAUSE, &format!("    // A comment.\n{PAUSE}"))?;
    scene.run("eva", &["verify", "mainnet"], 0)?;
    let other = scene.run("o3", &["verify", "mainnet"], 30)?;
    assert!(!other.stdout.contains("there is no code"), "{other:?}");
    assert!(said(&other).contains("another build of the same release was promoted"), "{other:?}");
    // Other code under the same version is another release of its name.
    let more = "    function more() external pure returns (bool) { return true; }\n";
    scene.write(VAULT, &text.replacen(PAUSE, &format!("{more}{PAUSE}"), 1))?;
    let other = scene.run("eva", &["verify", "mainnet"], 30)?;
    assert!(said(&other).contains("vault-1.4.0 was promoted as"), "{other:?}");
    scene.write(VAULT, &text)
}

/// Back to the first release's code: audited as it is, upgraded to, and read as the second left it.
fn returns(scene: &Scene<'_>) -> Outcome {
    let text = scene.read(VAULT)?;
    let added = text.find(ROUND).ok_or("round")?;
    let end = text.find(PAUSE).ok_or("pause")?;
    scene.write(VAULT, &format!("{}{}", &text[..added], &text[end..]))?;
    scene.edit("tidegate.toml", "follows = \"1.4.0\"", "follows = \"1.5.0\"")?;
    scene.edit("tidegate.toml", "version = \"1.5.0\"", "version = \"1.6.0\"")?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;
    let status = scene.status()?;
    status.expect("layout", "PASS", &[])?;
    // The contract is audited; that it comes back is not.
    let why = status.why("audits");
    assert!(why.contains("plan") && !why.contains("Vault"), "{why}");
    Ok(())
}

/// The same bytes to the same proxy, by the same key, as an earlier release sent: they are sent
/// again where the proxy has other code now, and `plan` says so as `deploy` does.
fn an_upgrade_that_was_taken_back_is_made_again(scene: &Scene<'_>) -> Outcome {
    let (config, text) = (scene.read("tidegate.toml")?, scene.read(VAULT)?);
    let vault = scene.contract_of("1.4.0", "vault")?;
    let mut before = "1.4.0";
    for (version, turn) in [("1.5.0", 1), ("1.6.0", 2), ("1.7.0", 1), ("1.8.0", 2)] {
        let followed = format!("\"{version}\"\nfollows = \"{before}\"");
        scene.write("tidegate.toml", &config.replacen("\"1.4.0\"", &followed, 1))?;
        scene.write(VAULT, &text)?;
        changed(scene, &turn.to_string())?;
        let plan = scene.run("eva", &["plan", "--json"], 0)?.json()?;
        let sheet = scene.run("eva", &["deploy", "--json"], 2)?.json()?;
        let there = |view: &Value| {
            let ops = view["operations"].as_array().cloned().unwrap_or_default();
            let there = ops.into_iter().filter(|op| op["there"] == true);
            let there = there.map(|op| op["id"].to_string());
            there.filter(|op| op.contains("vault")).collect::<Vec<_>>()
        };
        let expected: &[&str] = if version > "1.6.0" { &["\"vault/implementation\""] } else { &[] };
        assert_eq!(there(&plan), expected, "{version}: {plan}");
        assert_eq!(there(&sheet), expected, "{version}: {sheet}");
        for view in [&plan, &sheet] {
            let said = view["attentions"].to_string();
            let is_said = said.contains("--again") || said.contains("made again");
            assert!(!is_said, "{version}: {said}");
        }
        scene.done("eva", &["deploy"])?;
        scene.world.settle()?;
        assert_eq!(round(&scene.world.testnet, vault)?, turn, "{version}");
        scene.run("eva", &["verify"], 0)?;
        before = version;
    }
    Ok(())
}

/// The same with a migration that runs once alone: nothing is taken for made, and nothing is sent.
fn an_upgrade_that_cannot_be_made_again_is_refused(scene: &Scene<'_>) -> Outcome {
    let (config, text) = (scene.read("tidegate.toml")?, scene.read(VAULT)?);
    let once = "    function once() external reinitializer(2) {}\n\n";
    let migrate = "init   = [\"initialize\", \"@usdc\", \"$vault_cap\", \"$owner\"]";
    let write = |version: &str, before: &str, turn: u64| -> Outcome {
        let followed = format!("\"{version}\"\nfollows = \"{before}\"");
        let config = config.replacen("\"1.4.0\"", &followed, 1);
        let more = if turn == 1 { "\nmigrate = [\"once\"]" } else { "" };
        assert!(config.contains(migrate), "{config}");
        scene.write("tidegate.toml", &config.replacen(migrate, &format!("{migrate}{more}"), 1))?;
        let once = if turn == 1 { once } else { "" };
        scene.write(VAULT, &text.replacen(PAUSE, &format!("{once}{PAUSE}"), 1))?;
        changed(scene, &turn.to_string())
    };
    for (version, before, turn) in [("1.5.0", "1.4.0", 1), ("1.6.0", "1.5.0", 2)] {
        write(version, before, turn)?;
        scene.done("eva", &["deploy"])?;
        scene.world.settle()?;
        scene.run("eva", &["verify"], 0)?;
    }
    write("1.7.0", "1.6.0", 1)?;
    let sent = scene.nonce(&scene.world.testnet, actor_address("deployer"))?;
    for command in ["plan", "deploy"] {
        let ran = scene.approve("eva", &[command])?.expect_code(1)?;
        assert!(said(&ran).contains("InvalidInitialization"), "{command}: {ran:?}");
    }
    assert_eq!(scene.nonce(&scene.world.testnet, actor_address("deployer"))?, sent);
    Ok(())
}

/// What only the first release set is not forgotten, nor is what it made, nor is it edited.
fn what_follows_forgets_nothing(scene: &Scene<'_>) -> Outcome {
    raised(scene)?;
    changed(scene, "1")?;
    scene.run("eva", &["build"], 0)?;
    let diff = said(&scene.run("eva", &["diff", "testnet", "."], 0)?);
    assert!(diff.contains("kept as it stands") && !diff.contains("only in"), "{diff}");
    named(scene)?;
    let config = scene.read("tidegate.toml")?;
    scene.edit("tidegate.toml", "testnet = \"250e6\"", "testnet = \"260e6\"")?;
    let plan = messages(&scene.run("eva", &["plan"], 3)?, "error").join(" ");
    let was = "params.vault_cap was \"250000000\" when @vault was made or called";
    assert!(plan.contains(was), "{plan}");
    // Nor is an external, which the vault got as it was initialised.
    scene.write("tidegate.toml", &config)?;
    let other = format!("{{ address = \"{}\", code_hash = \"{}\" }}", Address::ZERO, B256::ZERO);
    scene.edit("tidegate.toml", "{ create = \"MockUSDC\" }", &other)?;
    for command in ["plan", "deploy"] {
        let said = messages(&scene.run("eva", &[command], 3)?, "error").join(" ");
        assert!(said.contains("externals.usdc was 0x"), "{said}");
    }
    scene.write("tidegate.toml", &config.replace("follows = \"1.4.0\"", "follows = \"1.5.0\""))?;
    let itself = messages(&scene.run("eva", &["build"], 3)?, "error").join(" ");
    assert!(itself.contains("`follows` names 1.5.0, which is this release"), "{itself}");
    scene.write("tidegate.toml", &config.replace("name   = \"registry\"", "name = \"book\""))?;
    let build = messages(&scene.run("eva", &["build"], 3)?, "error").join(" ");
    assert!(build.contains("@registry"), "{build}");

    scene.write("tidegate.toml", &config)?;
    let root = scene.record()?.1["releaseRoot"].as_str().ok_or("root")?.to_owned();
    let file = format!("deployments/releases/{root}.json");
    let id = "\"id\": \"erc7201:tidegate.example.Vault\"";
    scene.edit(&file, id, "\"id\": \"erc7201:other\"")?;
    let build = messages(&scene.run("eva", &["build"], 3)?, "error").join(" ");
    assert!(build.contains("is not the release of its name"), "{build}");
    Ok(())
}

/// The vault's proxy is untouched by the second release, and somebody upgrades it while that soaks.
fn what_is_taken_as_it_is_is_looked_at_where_it_soaks(scene: &Scene<'_>) -> Outcome {
    let vault = scene.contract("vault")?;
    scene.edit("tidegate.toml", "\"1.4.0\"", "\"1.5.0\"\nfollows = \"1.4.0\"")?;
    let config = scene.read("tidegate.toml")?;
    let (steps, funds) = config.split_once("[funds]").ok_or("the last step")?;
    let owner = "0x00000000000000000000000000000000000000ee";
    let second =
        format!("[[step]]\nname = \"second\"\ncreate = \"Registry\"\nargs = [{owner:?}]\n");
    scene.write("tidegate.toml", &format!("{steps}{second}\n[funds]{funds}"))?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.status()?.expect("code", "PASS", &[])?;
    let slot = U256::from_be_bytes(IMPLEMENTATION.0);
    let other = scene.contract("registry")?.into_word();
    scene.world.testnet.set_storage(vault, slot, other)?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("code", "FAIL", &["followed-differs"])?;
    assert!(status.why("code").contains("what is behind @vault on testnet"), "{status:?}");
    Ok(())
}

/// The version is another one and nothing else is: what stands is shown, and nothing is deployed.
fn raised(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "\"1.4.0\"", "\"1.5.0\"\nfollows = \"1.4.0\"")?;
    for command in ["status", "verify"] {
        let shown = said(&scene.run("eva", &[command], 0)?);
        let words = ["vault-1.5.0 is nothing new yet", "vault-1.4.0"];
        assert!(words.iter().all(|word| shown.contains(word)), "{command}: {shown}");
    }
    for command in ["build", "plan", "deploy"] {
        let refused = said(&scene.approve("eva", &[command])?.expect_code(3)?);
        assert!(refused.contains("nothing changed since the release"), "{command}: {refused}");
    }
    Ok(())
}

/// What a call gives a contract that is taken as it stands has the names of its arguments.
fn named(scene: &Scene<'_>) -> Outcome {
    let config = scene.read("tidegate.toml")?;
    let (steps, funds) = config.split_once("[funds]").ok_or("the last step")?;
    let call = "[[step]]\nname = \"once-more\"\ncall = [\"@registry\", \"register\", \"@vault\"]\n";
    scene.write("tidegate.toml", &format!("{steps}{call}\n[funds]{funds}"))?;
    // It reverts, and is shown all the same.
    let plan = scene.run("eva", &["plan", "--json"], 1)?.json()?;
    let operations = plan["operations"].as_array().ok_or("operations")?;
    let call = operations.iter().find(|op| op["id"] == "once-more").ok_or("the call")?;
    assert_eq!(call["arguments"][0]["name"], "vault", "{call}");
    scene.write("tidegate.toml", &config)
}

/// What a later release put behind a proxy is no fault of the one before, on a testnet too. What
/// nobody recorded is.
fn what_another_deployment_upgraded_is_superseded(scene: &Scene<'_>) -> Outcome {
    next(scene, "1.4.0", "1.5.0", "1")?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;
    let earlier = ["verify", "--release", "vault-1.4.0"];
    let first = scene.run("eva", &earlier, 30)?;
    assert!(said(&first).contains("it was superseded by vault-1.5.0 in block"), "{first:?}");
    assert!(first.stdout.contains("UNKNOWN") && !first.stdout.contains("FAIL"), "{first:?}");
    // Another build of the release is told from what was recorded.
    let text = scene.read(VAULT)?;
    scene.edit(VAULT, PAUSE, &format!("    // A comment.\n{PAUSE}"))?;
    scene.run("eva", &["verify"], 0)?;
    let again = said(&scene.approve("eva", &["deploy"])?.expect_code(6)?);
    assert!(again.contains("vault-1.5.0 is already deployed on testnet from build"), "{again}");
    scene.write(VAULT, &text)?;
    // By a call that no release made.
    let (vault, slot) = (scene.contract("vault")?, U256::from_be_bytes(IMPLEMENTATION.0));
    let other = scene.contract_of("1.4.0", "registry")?.into_word();
    scene.world.testnet.set_storage(vault, slot, other)?;
    for args in [&["verify"][..], &earlier] {
        let ran = scene.run("eva", args, 1)?;
        assert!(!said(&ran).contains("superseded"), "{ran:?}");
    }
    // Back to what the first release had put there.
    let (_, record) = scene.record_of("1.4.0")?;
    let first = &record["deployment"]["steps"]["vault"]["implementation"];
    let first: Address = serde_json::from_value(first.clone())?;
    scene.world.testnet.set_storage(vault, slot, first.into_word())?;
    let ran = said(&scene.run("eva", &["verify"], 1)?);
    assert!(ran.contains("has again what vault-1.4.0 left there"), "{ran}");
    scene.run("eva", &earlier, 0)?;
    Ok(())
}

/// A copy of the first release for another try: the second one stays with the original, and so
/// does what follows it.
fn a_copy_leaves_what_was_deployed_alone(scene: &Scene<'_>) -> Outcome {
    let original = scene.contract_of("1.4.0", "vault")?;
    next(scene, "1.4.0", "1.5.0", "1")?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.done("eva", &["deploy", "--release", "vault-1.4.0", "--id", "7"])?;
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;

    scene.edit(VAULT, "{ return 1; }", "{ return 2; }")?;
    scene.edit("tidegate.toml", "follows = \"1.4.0\"", "follows = \"1.5.0\"")?;
    scene.edit("tidegate.toml", "version = \"1.5.0\"", "version = \"1.6.0\"")?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;
    assert_eq!(round(&scene.world.testnet, original)?, 2);
    let (_, record) = scene.record_of("1.6.0")?;
    let found = &record["deployment"]["found"];
    let registry = scene.contract_of("1.5.0", "vault")?;
    assert_eq!((found["vault"]["address"].clone(), registry), (json!(registry), original));
    Ok(())
}

const ROUND: &str = "    /// @notice Which round it is.";

/// The next release, which has a function more.
fn next(scene: &Scene<'_>, before: &str, version: &str, round: &str) -> Outcome {
    let was = format!("\"{before}\"");
    scene.edit("tidegate.toml", &was, &format!("\"{version}\"\nfollows = \"{before}\""))?;
    changed(scene, round)
}

/// The example's vault with a function more.
pub(crate) fn changed(scene: &Scene<'_>, round: &str) -> Outcome {
    let function = format!(
        "{ROUND}\n    function round() external pure returns (uint256) {{ return {round}; }}\n\n\
         {PAUSE}"
    );
    scene.edit(VAULT, PAUSE, &function)
}

fn soaked(scene: &Scene<'_>, day: u64) -> Outcome {
    scene.attest("ada")?;
    scene.attest("bo")?;
    scene.advance_to_day(day)?;
    scene.go()
}

/// What `round()` of a vault answers.
fn round(chain: &Anvil, vault: Address) -> Result<u64, Failed> {
    let word = chain.rpc("eth_call", json!([{"to": vault, "data": "0x146ca531"}, "latest"]))?;
    let word = word.as_str().ok_or("no word")?;
    Ok(u64::from_str_radix(&word[word.len() - 16..], 16)?)
}
