//! What a plan may call and upgrade, and what the policy lets nobody read.

use alloy_primitives::{Address, Bytes, hex, keccak256};
use tidegate_safe::helper;
use tidegate_testkit::safe::{MULTI_SEND, MULTI_SEND_CALL_ONLY};

use crate::support::{Case, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            cheat_a_step_that_calls_what_only_the_batch_calls,
            cheat_an_upgrade_of_what_only_the_batch_calls,
            cheat_an_admin_that_only_the_batch_calls,
            cheat_a_call_that_nobody_can_read;
    }
}

const CONFIG: &str = "tidegate.toml";
const BOSS: Address = Address::repeat_byte(0xb0);

/// Each address that no plan may call, in a step and what it names.
fn refused_at_each(scene: &Scene<'_>, step: impl Fn(Address) -> String) -> Outcome {
    let kept = scene.read(CONFIG)?;
    let (steps, rest) = kept.split_once("[funds]").ok_or("the last step")?;
    let places = [
        (helper::address(), "the helper contract"),
        (helper::CREATE2_PROXY, "the CREATE2 proxy"),
        (MULTI_SEND, "a batch contract of Safe"),
        (MULTI_SEND_CALL_ONLY, "a batch contract of Safe"),
        (scene.world.safe, "the Safe"),
    ];
    for (address, what) in places {
        scene.write(CONFIG, &format!("{steps}{}\n[funds]{rest}", step(address)))?;
        let refused = scene.person("eva").run(&["plan", "mainnet"])?;
        assert_ne!(refused.code, 0, "{refused:?}");
        let says = format!("it calls {what} at {address}, which no plan may");
        assert!(said(&refused).contains(&says), "{says}: {refused:?}");
    }
    Ok(())
}

/// Under whatever name the plan reaches them, on either network.
fn cheat_a_step_that_calls_what_only_the_batch_calls(scene: &Scene<'_>) -> Outcome {
    let code_hash = keccak256("whatever");
    refused_at_each(scene, |address| {
        let place = |network| {
            let place = format!("{network}.address = \"{address}\"\n");
            place + &format!("{network}.code_hash = \"{code_hash}\"\n")
        };
        let (testnet, mainnet) = (place("testnet"), place("mainnet"));
        format!(
            "[[step]]\ncall = [\"@boss\", \"multiSend(bytes)\", \"0x\"]\n\n\
             [externals.boss]\n{testnet}{mainnet}"
        )
    })
}

/// The upgrade of a live proxy, whatever `[existing]` says of it.
const UPGRADE: &str = "[[step]]\nname = \"boss-v2\"\nupgrade = \"@boss\"\n\
                       create = \"contracts/src/Vault.sol:Vault\"\nargs = [\"@registry\"]\n\n";

fn cheat_an_upgrade_of_what_only_the_batch_calls(scene: &Scene<'_>) -> Outcome {
    refused_at_each(scene, |address| {
        format!(
            "{UPGRADE}[existing.boss]\ncontract = \"contracts/src/Vault.sol:Vault\"\n\
             proxy = \"uups\"\n\
             testnet = {{ address = \"{address}\" }}\nmainnet = {{ address = \"{address}\" }}\n"
        )
    })
}

/// The upgrade of a transparent proxy is a call of its admin.
fn cheat_an_admin_that_only_the_batch_calls(scene: &Scene<'_>) -> Outcome {
    refused_at_each(scene, |address| {
        let place = format!("{{ address = \"{BOSS}\", admin = \"{address}\" }}");
        format!(
            "{UPGRADE}[existing.boss]\ncontract = \"contracts/src/Vault.sol:Vault\"\n\
             proxy = \"transparent\"\ntestnet = {place}\nmainnet = {place}\n"
        )
    })
}

/// The policy as the Safe adopts it now, in effect.
fn adopted(scene: &Scene<'_>) -> Outcome {
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    Ok(())
}

/// One call carries a call of which nobody knows what it is, another one bytes without end. The
/// owners may allow both by what they adopt, each by its own selector, and are told all the same.
fn cheat_a_call_that_nobody_can_read(scene: &Scene<'_>) -> Outcome {
    let project = scene.other("kinds", &["@openzeppelin/contracts"])?;
    project.fund()?;
    let code = Bytes::from_static(&[0]);
    for chain in [&scene.world.testnet, &scene.world.mainnet] {
        chain.set_code(BOSS, &code)?;
    }
    let place = |network: &str| {
        let hash = keccak256(&code);
        format!("{network}.address = \"{BOSS}\"\n{network}.code_hash = \"{hash}\"\n")
    };
    let long = hex::encode_prefixed([0xab; 2_100]);
    let steps = format!(
        "[[step]]\nname = \"desk\"\ncreate = \"Desk\"\nargs = [7, 11]\n\n\
         [[step]]\ncall = [\"@boss\", \"execute(address,uint256,bytes)\", \"{BOSS}\", 0, \
         \"0x01020304\"]\n\n[[step]]\ncall = [\"@boss\", \"run(bytes)\", \"{long}\"]\n\n\
         [externals.boss]\n{}{}\n",
        place("testnet"),
        place("mainnet")
    );
    let text = project.read(CONFIG)?;
    let (head, _) = text.split_once("[[step]]").ok_or("no steps")?;
    let (_, networks) = text.split_once("[networks").ok_or("no networks")?;
    let (project_part, policy) = head.split_once("[params]").ok_or("no parameters")?;
    let (_, policy) = policy.split_once("[policy]").ok_or("no policy")?;
    let with = |allowed: &str| {
        format!("{project_part}[policy]\n{allowed}{policy}\n{steps}[networks{networks}")
    };
    project.write(CONFIG, &with(""))?;
    project.done("eva", &["deploy"])?;
    project.world.settle()?;
    project.done("ops", &["deploy", "--helper"])?;
    adopted(&project)?;
    project.world.advance_days(4, 10)?;
    let refused = |says: &str| -> Outcome {
        let ran = project.run("eva", &["promote"], 1)?;
        let flat = said(&ran).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("of the batch cannot be decoded") && flat.contains(says), "{ran:?}");
        assert!(flat.contains("its selector to `allow_selectors`"), "{ran:?}");
        Ok(())
    };
    refused("unknown function 0x01020304")?;

    let selector = |function: &str| hex::encode_prefixed(&keccak256(function)[..4]);
    let execute = selector("execute(address,uint256,bytes)");
    project
        .write(CONFIG, &with(&format!("allow_selectors = [\"0x01020304\", \"{execute}\"]\n")))?;
    adopted(&project)?;
    project.status()?.expect("policy", "WAITING", (&["looser-line"], &["allow_selectors"]))?;
    project.run("eva", &["promote"], 20)?;
    project.world.advance_days(4, 10)?;
    refused("run(bytes")?;

    let run = selector("run(bytes)");
    project.write(CONFIG, &with(&format!("allow_selectors = [\"{execute}\", \"{run}\"]\n")))?;
    adopted(&project)?;
    project.world.advance_days(4, 10)?;
    let promote = project.done("eva", &["promote", "--json"])?;
    let proposal = json_text(&promote, "proposal")?;
    let shown = said(&project.run("o1", &["proposal", "show", &proposal], 0)?);
    assert!(shown.contains("the bytes of this call do not show"), "{shown}");
    project.sign(&proposal, &["o1", "o2"])?;
    project.done("ops", &["proposal", "execute", &proposal])?;
    Ok(())
}
