//! Commands that send, and what they leave.

use alloy_primitives::Address;
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_testkit::{Anvil, World, actor_address};

use crate::support::{Scene, json_text};

/// What a command leaves, without what depends on the block in which it lands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    /// How many transactions its sender has on the chain.
    pub(super) sent: usize,
    /// What else there is to compare.
    pub(super) rest: String,
}

/// A command that sends transactions.
pub(super) struct Subject {
    pub(super) person: &'static str,
    /// What is typed, with its approval.
    pub(super) command: Vec<String>,
    pub(super) sender: Address,
    pub(super) chain: fn(&World) -> &Anvil,
    /// The variable that names that chain's endpoint.
    pub(super) endpoint: &'static str,
    pub(super) outcome: fn(&Scene<'_>) -> Result<Left, Failed>,
}

/// Of a recorded transaction, what depends on the block at which it was signed.
const MOVES: [&str; 3] = ["hash", "block", "fee"];

fn approved(scene: &Scene<'_>, person: &str, args: &[&str]) -> Result<Vec<String>, Failed> {
    let args = [args, &["--password-fd", "0"]].concat();
    let asked = scene.person(person).run(&args)?;
    Ok(asked.asked_for().unwrap_or_else(|| args.iter().map(|arg| (*arg).to_owned()).collect()))
}

/// The first deployment of the example: the helper, libraries, contracts, calls, the anchor.
pub(super) fn first_deployment(scene: &Scene<'_>) -> Result<Subject, Failed> {
    let command = approved(scene, "eva", &["deploy"])?;
    let sender = actor_address("deployer");
    Ok(Subject {
        person: "eva",
        command,
        sender,
        chain: |world| &world.testnet,
        endpoint: "TESTNET_RPC",
        outcome: deployed,
    })
}

fn deployed(scene: &Scene<'_>) -> Result<Left, Failed> {
    let sent = scene.nonce(&scene.world.testnet, actor_address("deployer"))?;
    let Ok((_, mut record)) = scene.record() else {
        return Ok(Left { sent, rest: "no record".to_owned() });
    };
    for transaction in record["transactions"].as_array_mut().into_iter().flatten() {
        if let Value::Object(fields) = transaction {
            fields.retain(|name, _| !MOVES.contains(&name.as_str()));
        }
    }
    let addresses = scene.read("deployments/testnet/addresses.json")?;
    Ok(Left { sent, rest: format!("{record}\n{addresses}") })
}

/// The deployment of sixty steps that an own project has.
pub(super) fn sixty_steps(sixty: &Scene<'_>) -> Result<Subject, Failed> {
    sixty.fund()?;
    let command = approved(sixty, "eva", &["deploy"])?;
    Ok(Subject {
        person: "eva",
        command,
        sender: actor_address("deployer"),
        chain: |world| &world.testnet,
        endpoint: "TESTNET_RPC",
        outcome: |sixty| {
            let sent = sixty.nonce(&sixty.world.testnet, actor_address("deployer"))?;
            let book = sixty.read("deployments/testnet/addresses.json").unwrap_or_default();
            Ok(Left { sent, rest: book })
        },
    })
}

/// A draw of test funds from the treasury.
pub(super) fn draw(scene: &Scene<'_>) -> Result<Subject, Failed> {
    let request = ["fund", "request", "1 ether", "--reason", "a second rehearsal", "--json"];
    let digest = json_text(&scene.done("eva", &request)?, "digest")?;
    scene.done("kim", &["fund", "approve", &digest, "--as", "treasury"])?;
    let command = approved(scene, "kim", &["fund", "draw", &digest])?;
    let sender = actor_address("treasury");
    Ok(Subject {
        person: "kim",
        command,
        sender,
        chain: |world| &world.testnet,
        endpoint: "TESTNET_RPC",
        outcome: drawn,
    })
}

fn drawn(scene: &Scene<'_>) -> Result<Left, Failed> {
    let testnet = &scene.world.testnet;
    let sent = scene.nonce(testnet, actor_address("treasury"))?;
    let has =
        testnet.rpc("eth_getBalance", serde_json::json!([actor_address("deployer"), "latest"]))?;
    Ok(Left { sent, rest: has.to_string() })
}

/// The execution of a promotion that owners have signed.
pub(super) fn execute(scene: &Scene<'_>) -> Result<Subject, Failed> {
    let (proposal, _) = scene.promotion()?;
    let command = approved(scene, "ops", &["proposal", "execute", &proposal])?;
    let sender = actor_address("ops");
    Ok(Subject {
        person: "ops",
        command,
        sender,
        chain: |world| &world.mainnet,
        endpoint: "MAINNET_RPC",
        outcome: executed,
    })
}

fn executed(scene: &Scene<'_>) -> Result<Left, Failed> {
    let sent = scene.nonce(&scene.world.mainnet, actor_address("ops"))?;
    let mut files: Vec<_> = std::fs::read_dir(scene.project().join("deployments/mainnet"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    // What a process was writing when it died; git ignores it.
    files.retain(|name| !name.starts_with(".tmp-"));
    files.sort();
    let addresses = scene.read("deployments/mainnet/addresses.json").unwrap_or_default();
    Ok(Left { sent, rest: format!("{files:?} {addresses}") })
}
