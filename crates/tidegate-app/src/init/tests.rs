//! What is said of a project that leaves something open.

use std::path::Path;

use super::*;
use crate::testing::{Recorder, environment, folder};

fn drafted(root: &Path) -> Drafted {
    let env = environment(root, &[]);
    let request = InitRequest {
        name: None,
        network: None,
        chain: None,
        rpc: None,
        profile: None,
        broadcast: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(draft(root, &env, || 1_800_000_000, &Recorder::default(), &request)).unwrap()
}

const UUPS: &str = "abstract contract UUPSUpgradeable {\n\
                    function proxiableUUID() external view returns (bytes32) {} }\n";

#[test]
fn a_contract_that_upgrades_itself_is_proposed_behind_its_proxy() {
    let vault = format!(
        "{UUPS}contract Vault is UUPSUpgradeable {{\n\
         function initialize(address owner) external initializer {{}} }}"
    );
    let root = folder(&[("foundry.toml", ""), ("src/Vault.sol", &vault)]);
    let made = drafted(root.path());
    // Comments stand above what they speak of.
    let step = "\n# It upgrades itself, so a UUPS proxy is proposed.\n\
                # fill in `init`: initialize(address owner)\n\
                [[step]]\n\
                name   = \"vault\"\n\
                create = \"Vault\"\n\
                proxy  = \"uups\"\n\
                init   = [\"initialize\"]\n";
    assert!(made.text.contains(step), "{}", made.text);
    let [note] = made.notes() else { panic!("{:?}", made.notes()) };
    assert!(note.contains("ERC1967Proxy") && note.contains("proxy_contract"), "{note}");
}

#[test]
fn what_is_left_out_or_chosen_is_said() {
    let many: String = (0..43).map(|n| format!("contract C{n:02} {{}}\n")).collect();
    let root = folder(&[
        ("foundry.toml", ""),
        ("src/Many.sol", &many),
        ("src/Broken.sol", "contract Broken {"),
        ("lib/one/foundry.toml", ""),
        ("lib/one/remappings.txt", "same/=code/"),
        ("lib/two/foundry.toml", ""),
        ("lib/two/remappings.txt", "same/=code/"),
    ]);
    let made = drafted(root.path());
    let [more, unread] = made.notes() else { panic!("{:?}", made.notes()) };
    assert!(more.ends_with("not among them: C40, C41, C42"), "{more}");
    assert!(unread.starts_with("src/Broken.sol cannot be parsed"), "{unread}");
    let chosen = "forge takes \"same/=lib/one/code/\" or \"same/=lib/two/code/\"";
    assert!(made.warnings().iter().any(|one| one.starts_with(chosen)), "{:?}", made.warnings());
    assert!(made.text.contains("\"same/=lib/one/code/\""), "{}", made.text);
}

/// A creation whose contract the file does not name, where nothing compiles.
#[test]
fn what_cannot_be_named_is_said_with_the_reason() {
    let run = r#"{"transactions": [{
        "hash": "0x0101010101010101010101010101010101010101010101010101010101010101",
        "contractName": null, "contractAddress": null, "function": null, "arguments": null,
        "transaction": {"from": "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "nonce": "0x0",
            "value": "0x0", "input": "0x6001"}}],
      "receipts": [{
        "transactionHash": "0x0101010101010101010101010101010101010101010101010101010101010101",
        "status": "0x1", "blockNumber": "0x1", "transactionIndex": "0x0",
        "from": "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "to": null,
        "contractAddress": "0x5fbdb2315678afecb367f032d93f642f64180aa3"}]}"#;
    let root = folder(&[
        ("foundry.toml", "[profile.default]\nsolc = \"0.4.11\"\n"),
        ("src/A.sol", "contract A {}"),
        ("broadcast/D.s.sol/560048/run-latest.json", run),
    ]);
    let made = drafted(root.path());
    let [left, why] = made.notes() else { panic!("{:?}", made.notes()) };
    assert!(left.contains("0x01010101") && left.contains("does not name its contract"), "{left}");
    let what = "contracts that the broadcast does not name are not told by their code: ";
    assert!(why.starts_with(what) && why.contains("0.4.11"), "{why}");
}
