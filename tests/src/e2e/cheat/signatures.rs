//! Signatures that are no word of the signer, and contracts that take theirs back.

use std::path::Path;

use alloy_primitives::{Address, B256, Bytes, U256, address, b256, hex};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::statement::{ContractSigner, SignedStatement, Statement};
use tidegate_model::{BlockRef, ChainId};
use tidegate_testkit::{actor, actor_address};

use super::refused;
use crate::audits::{SIGN, node};
use crate::support::{Case, Forge, Outcome, Scene, Status, by_key, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Due:
            cheat_a_contract_that_changed_its_mind,
            cheat_a_safe_whose_owners_no_longer_agree,
            cheat_a_contract_signature_by_an_address_without_code,
            cheat_a_contract_on_a_chain_that_nobody_named,
            cheat_a_contract_that_a_stranger_created_on_another_chain,
            cheat_a_key_that_is_said_to_be_a_contract,
            cheat_a_signature_with_high_s,
            cheat_a_signature_of_other_typed_data,
            a_wallet_signs_typed_data_that_another_machine_made;
        Ready:
            cheat_a_contract_that_takes_a_no_go_back_in_silence,
            cheat_a_no_go_by_a_contract_that_cannot_be_asked;
    }
}

/// Where a contract stands that audits.
pub(super) const DAO: Address = address!("000000000000000000000000000000000000da01");
/// Answers every call with what its first slot holds.
pub(super) const CODE: [u8; 8] = hex!("5f545f5260205ff3");
/// What it holds while it accepts.
pub(super) const ACCEPTS: B256 =
    b256!("1626ba7e00000000000000000000000000000000000000000000000000000000");

/// Makes the contract an auditor of a second firm.
pub(super) fn name_the_dao(scene: &Scene<'_>) -> Outcome {
    let chain = scene.world.mainnet.chain_id();
    let dao = format!(
        "dao = {{ roles = [\"auditor\"], firm = \"Dao\", keys = [\"eip155:{chain}:{DAO}\"] }}\n"
    );
    scene.edit("tidegate.toml", "cy = {", &format!("{dao}cy = {{"))
}

/// The contract's code on mainnet, and whether it accepts.
pub(super) fn dao(scene: &Scene<'_>, code: &[u8], answer: B256) -> Outcome {
    let mainnet = &scene.world.mainnet;
    mainnet.set_code(DAO, &Bytes::copy_from_slice(code))?;
    mainnet.set_storage(DAO, U256::ZERO, answer)?;
    Ok(scene.world.settle()?)
}

/// An attestation that the contract is said to have signed, on a chain.
fn signed(scene: &Scene<'_>, chain: u64) -> Result<SignedStatement, Failed> {
    let statement = Forge(scene).like_ada(DAO, |_| {})?;
    let block = BlockRef { number: 1, hash: B256::ZERO };
    let contract = Some(ContractSigner { chain: ChainId(chain), block });
    let v = SignedStatement::VERSION;
    Ok(SignedStatement { v, statement, signature: Bytes::new(), contract })
}

fn cheat_a_contract_that_changed_its_mind(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    let typed = scene.folder().join("dao.json");
    let file = typed.to_string_lossy();
    let dao_address = DAO.to_string();
    let attest = ["attest", "reports/bolt.md", "--as", &dao_address, "--typed-data", &file];
    scene.run("bo", &attest, 0)?;
    let import = ["import", &file, "--signature", "0x1234", "--contract", "mainnet"];
    let early = scene.run("bo", &import, 1)?;
    assert!(said(&early).contains("has no code on mainnet"), "{early:?}");

    dao(scene, &CODE, ACCEPTS)?;
    scene.run("bo", &import, 0)?;
    scene.status()?.expect("audits", "PASS", &[])?;
    scene.go()?;
    dao(scene, &CODE, B256::ZERO)?;
    // Who said go has seen it, and it is still there.
    let says = (&["too-few-firms", "signature-refused"], &["1 of 2", "Dao"]);
    refused(scene, "audits", "UNKNOWN", says)?.expect("go", "PASS", &[])?;
    // Nor by what this machine remembers.
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let path = entry?.path();
        if std::fs::read_to_string(&path)?.contains("\"contract\"") {
            std::fs::remove_file(path)?;
        }
    }
    refused(
        scene,
        "audits",
        "UNKNOWN",
        (&["too-few-firms", "signature-refused"], &["1 of 2", "Dao"]),
    )?;
    Ok(())
}

/// The contract says no-go, on mainnet, and confirms it.
fn stopped_by_the_dao(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    dao(scene, &CODE, ACCEPTS)?;
    let file = scene.folder().join("no-go.json").to_string_lossy().into_owned();
    let dao = DAO.to_string();
    let no_go = ["record", "no-go", "--reason", "a doubt", "--as", &dao, "--typed-data", &file];
    // Who signs elsewhere also posts from there: nothing is asked or sent here.
    let ran = scene.run("bo", &[&no_go[..], &["--post"]].concat(), 0)?;
    assert!(said(&ran).contains("also post it from that wallet"), "{ran:?}");
    scene.run("bo", &["import", &file, "--signature", "0x1234", "--contract", "mainnet"], 0)?;
    refused(scene, "go", "FAIL", (&["no-go"], &["dao", "a doubt"]))?;
    Ok(())
}

fn cheat_a_contract_that_takes_a_no_go_back_in_silence(scene: &Scene<'_>) -> Outcome {
    stopped_by_the_dao(scene)?;
    scene.go()?;
    dao(scene, &CODE, B256::ZERO)?;
    let says = (&["no-go", "signature-refused"], &["dao says no-go", "a doubt"]);
    let status = refused(scene, "go", "UNKNOWN", says)?;
    // The go that has seen it is not stale: its file is there.
    for stale in ["go-stale", "seen-gone", "seen-void"] {
        status.expect_without("go", stale)?;
    }
    // Who decides anew takes it back.
    dao(scene, &CODE, ACCEPTS)?;
    let file = scene.folder().join("go.json").to_string_lossy().into_owned();
    let own = ["record", "go", "--as", &DAO.to_string(), "--typed-data", &file];
    scene.run("bo", &own, 0)?;
    scene.run("bo", &["import", &file, "--signature", "0x1234", "--contract", "mainnet"], 0)?;
    scene.status()?.expect("go", "PASS", &[])
}

/// Another network stands in its file, on which nobody can ask.
fn cheat_a_no_go_by_a_contract_that_cannot_be_asked(scene: &Scene<'_>) -> Outcome {
    stopped_by_the_dao(scene)?;
    let clone = scene.folder().join("clone");
    files::copy_clone(scene.project(), &clone)?;
    for entry in std::fs::read_dir(clone.join("deployments/statements"))? {
        let path = entry?.path();
        let mut file: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        if file["contract"].is_object() {
            file["contract"]["chain"] = json!(1337);
            files::write(&path, file.to_string().as_bytes())?;
        }
    }
    let status = scene.person("o3").at(&clone).run(&["status", "--json"])?.expect_code(0)?;
    let names = ["dao", "31337, but its file names 1337"];
    Status::of(&status)?.expect("go", "UNKNOWN", (&["no-go", "contract-elsewhere"], &names))
}

/// What owners of a Safe sign for it: the message, in the order of their addresses.
const SAFE_SIGN: &str = "
    import { readFileSync } from 'node:fs';
    import { AbiCoder, TypedDataEncoder, Wallet, concat } from 'ethers';
    const [file, chainId, verifyingContract, ...keys] = process.argv.slice(1);
    const { domain, types, message } = JSON.parse(readFileSync(file, 'utf8'));
    delete types.EIP712Domain;
    const digest = TypedDataEncoder.hash(domain, types, message);
    const fields = { SafeMessage: [{ name: 'message', type: 'bytes' }] };
    const says = { message: AbiCoder.defaultAbiCoder().encode(['bytes32'], [digest]) };
    const owners = keys.map((key) => new Wallet(key));
    owners.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    const sign = (owner) => owner.signTypedData({ chainId, verifyingContract }, fields, says);
    process.stdout.write(concat(await Promise.all(owners.map(sign))));
";

fn cheat_a_safe_whose_owners_no_longer_agree(scene: &Scene<'_>) -> Outcome {
    const THRESHOLD: U256 = U256::from_limbs([4, 0, 0, 0]);
    let (mainnet, safe) = (&scene.world.mainnet, scene.world.safe);
    let person = format!(
        "dao = {{ roles = [\"auditor\"], firm = \"Dao\", keys = [\"eip155:31337:{safe}\"] }}\n"
    );
    scene.edit("tidegate.toml", "cy = {", &format!("{person}cy = {{"))?;
    let file = scene.folder().join("safe.json").to_string_lossy().into_owned();
    let address = safe.to_string();
    let attest = ["attest", "reports/bolt.md", "--as", &address, "--typed-data", &file];
    scene.run("bo", &attest, 0)?;
    let chain = mainnet.chain_id().to_string();
    let keys = ["o1", "o2"].map(|owner| hex::encode_prefixed(actor(owner).to_bytes()));
    let signature = |keys: &[String]| {
        let keys = keys.iter().map(String::as_str);
        let args: Vec<&str> = [&*file, &chain, &address].into_iter().chain(keys).collect();
        node(scene, SAFE_SIGN, &args)
    };
    let import = |signature: &str, code| {
        let import = ["import", &file, "--signature", signature, "--contract", "mainnet"];
        scene.run("bo", &import, code)
    };
    import(&signature(&keys[..1])?, 1)?;
    import(&signature(&keys)?, 0)?;
    scene.status()?.expect("audits", "PASS", &[])?;
    // From now on three have to agree.
    mainnet.set_storage(safe, THRESHOLD, B256::with_last_byte(3))?;
    scene.world.settle()?;
    refused(
        scene,
        "audits",
        "UNKNOWN",
        (&["too-few-firms", "signature-refused"], &["1 of 2", "Dao", "mainnet"]),
    )?;
    Ok(())
}

fn cheat_a_contract_signature_by_an_address_without_code(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    Forge(scene).write(&signed(scene, scene.world.mainnet.chain_id())?)?;
    refused(
        scene,
        "audits",
        "UNKNOWN",
        (&["too-few-firms", "contract-absent"], &["1 of 2", "Dao", "has no code on mainnet"]),
    )?;
    // Nor by a key that lent its account to a contract which says yes to all.
    dao(scene, &[&hex!("ef0100")[..], DAO.as_slice()].concat(), ACCEPTS)?;
    refused(
        scene,
        "audits",
        "UNKNOWN",
        (&["too-few-firms", "contract-absent"], &["1 of 2", "is a key on mainnet"]),
    )?;
    Ok(())
}

fn cheat_a_contract_on_a_chain_that_nobody_named(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    dao(scene, &CODE, ACCEPTS)?;
    Forge(scene).write(&signed(scene, 1337)?)?;
    refused(
        scene,
        "audits",
        "UNKNOWN",
        (&["too-few-firms", "contract-elsewhere"], &["1 of 2", "31337"]),
    )?;
    Ok(())
}

/// Whoever holds the keys of an old deployer, or finds the address free, creates a contract at the
/// same address where the soak runs, and it says yes to all.
fn cheat_a_contract_that_a_stranger_created_on_another_chain(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    let testnet = &scene.world.testnet;
    testnet.set_code(DAO, &Bytes::from_static(&CODE))?;
    testnet.set_storage(DAO, U256::ZERO, ACCEPTS)?;
    scene.world.settle()?;
    let forged = Forge(scene).write(&signed(scene, testnet.chain_id())?)?;
    let names = ["1 of 2", "31337, but its file names 31338"];
    let codes = ["too-few-firms", "contract-elsewhere"];
    refused(scene, "audits", "UNKNOWN", (&codes, &names))?;
    let file = format!("deployments/statements/{forged}.json");
    let import = scene.run("bo", &["import", &file], 1)?;
    assert!(said(&import).contains("is on chain 31337"), "{import:?}");
    // Nor where the policy is made to name that chain: the Safe adopted another.
    scene.edit("tidegate.toml", "eip155:31337:", "eip155:31338:")?;
    refused(scene, "policy", "FAIL", &["policy-differs"])?;
    Ok(())
}

/// A key of the policy without code: whoever creates a contract at its address signs for nobody.
fn cheat_a_key_that_is_said_to_be_a_contract(scene: &Scene<'_>) -> Outcome {
    let bo = actor_address("bo");
    scene.world.mainnet.set_code(bo, &Bytes::from_static(&CODE))?;
    scene.world.mainnet.set_storage(bo, U256::ZERO, ACCEPTS)?;
    scene.world.settle()?;
    let chain = scene.world.mainnet.chain_id();
    let statement = Forge(scene).like_ada(bo, |_| {})?;
    let forged = SignedStatement { statement, ..signed(scene, chain)? };
    Forge(scene).write(&forged)?;
    let ran = scene.run("eva", &["status", "--json"], 0)?;
    Status::of(&ran)?.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    assert!(said(&ran).contains("is a key without code"), "{ran:?}");
    Ok(())
}

fn cheat_a_signature_with_high_s(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let mut signed = by_key("bo", forge.like_ada(actor_address("bo"), |_| {})?)?;
    // The curve's order less s, with the other parity, recovers to the same key.
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )?;
    let mut bytes = signed.signature.to_vec();
    let s = order - U256::from_be_slice(&bytes[32..64]);
    bytes[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    bytes[64] = 55 - bytes[64];
    let low = std::mem::replace(&mut signed.signature, bytes.into());
    forge.write(&signed)?;
    refused(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?
        .expect_others_pass(&["audits", "go"])?;
    signed.signature = low;
    forge.write(&signed)?;
    scene.status()?.expect("audits", "PASS", &[])
}

/// Typed data that the second auditor is to sign elsewhere, in a file.
fn typed_data(scene: &Scene<'_>, name: &str, args: &[&str]) -> Result<String, Failed> {
    let file = scene.folder().join(name).to_string_lossy().into_owned();
    let bo = actor_address("bo").to_string();
    let attest = ["attest", "reports/bolt.md", "--as", &bo, "--typed-data", &file];
    scene.run("eva", &[&attest[..], args].concat(), 0)?;
    Ok(file)
}

/// What ethers makes of typed data with the second auditor's key.
fn ethers_signs(scene: &Scene<'_>, typed: &str) -> Result<String, Failed> {
    node(scene, SIGN, &[typed, &hex::encode_prefixed(actor("bo").to_bytes())])
}

fn cheat_a_signature_of_other_typed_data(scene: &Scene<'_>) -> Outcome {
    let one = typed_data(scene, "one.json", &["--valid-for", "30d"])?;
    let other = typed_data(scene, "other.json", &["--valid-for", "60d"])?;
    let signature = ethers_signs(scene, &one)?;
    let import = scene.run("eva", &["import", &other, "--signature", &signature], 3)?;
    assert!(said(&import).contains("does not recover to it"), "{import:?}");
    // Nor where the document shows one thing and its digest is of another.
    let mut shown: Value = serde_json::from_slice(&std::fs::read(&one)?)?;
    shown["message"]["openHigh"] = json!("0x0");
    files::write(Path::new(&one), shown.to_string().as_bytes())?;
    scene.run("eva", &["import", &one, "--signature", &signature], 3)?;
    refused(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?
        .expect_others_pass(&["audits", "go"])
}

fn a_wallet_signs_typed_data_that_another_machine_made(scene: &Scene<'_>) -> Outcome {
    let file = typed_data(scene, "typed.json", &[])?;
    scene.status()?.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    let signature = ethers_signs(scene, &file)?;
    let unsigned = scene.run("eva", &["import", &file], 2)?;
    assert!(said(&unsigned).contains("--signature"), "{unsigned:?}");
    let typed: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let both = json!({"typedData": typed, "signature": signature});
    files::write(Path::new(&file), both.to_string().as_bytes())?;
    scene.run("eva", &["import", &file], 0)?;
    let status = scene.status()?;
    status.expect("audits", "PASS", &[])?;
    status.expect_others_pass(&["go"])?;
    let Statement::AuditAttestation(_) = Forge(scene).signed("bo")?.statement else {
        return Err("no attestation".into());
    };

    // A general statement takes its body along; standard output has the typed data alone.
    let kim = actor_address("treasury").to_string();
    let request = ["fund", "request", "1 ether", "--reason", "more", "--as", "deployer"];
    scene.done("eva", &request)?;
    let approve = ["fund", "approve", "--as", &kim, "--typed-data", "-"];
    let shown = scene.run("eva", &approve, 0)?;
    let typed: Value = serde_json::from_str(&shown.stdout)?;
    assert_eq!(typed["tidegate"]["body"]["kind"], "fund/approve");
    Ok(())
}
