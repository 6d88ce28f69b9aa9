//! Cheating with what people say, with the policy and with the Safe.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_model::digest::project_id;
use tidegate_model::statement::{Body, Lowered, NoGo, Statement, Waiver};
use tidegate_model::units::format_utc;
use tidegate_model::{ChainId, GateId, ReleaseRoot};
use tidegate_safe::helper;
use tidegate_testkit::{DAY_SECS, GENESIS_TIMESTAMP, Person, Ran, actor, actor_address, safe};

use crate::support::{
    Case, Forge, Outcome, Scene, Status, by_key, cases, files, json_text, safe_call, said,
    use_contracts,
};

sol! {
    function enableModule(address module);
    function disableModule(address before, address module);
    function swapOwner(address before, address old, address new);
    function upgradeToAndCall(address to, bytes data);
    function execTransactionFromModule(
        address to, uint256 value, bytes data, uint8 operation
    ) returns (bool);
    function adoptPolicy(bytes32 project, bytes32 digest, uint64 version, uint256 before);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_deleted_bug,
            cheat_a_deleted_no_go,
            cheat_a_deleted_freeze_that_was_posted,
            cheat_a_deleted_stop_that_was_posted,
            cheat_a_go_that_is_older_than_a_statement,
            cheat_a_go_by_a_stranger,
            cheat_a_go_by_who_deployed,
            cheat_a_policy_that_somebody_else_adopted,
            cheat_another_safe_as_the_root_of_trust,
            cheat_a_loosened_policy_before_72_hours,
            cheat_a_module_for_a_moment,
            what_is_said_about_another_target,
            a_module_that_the_policy_allows_moves_the_safe,
            cheat_a_queued_policy,
            cheat_a_proposal_over_what_only_one_machine_remembers;
        Day13:
            cheat_git_history_without_a_bug,
            cheat_a_role_that_is_taken_away;
        Signed: cheat_an_owner_who_was_rotated_out;
        Guarded:
            cheat_a_policy_rolled_back,
            cheat_two_keys_of_one_person_say_go,
            cheat_a_waiver_for_another_release,
            cheat_an_expired_waiver,
            cheat_a_waiver_by_one_guardian_twice,
            cheat_a_waiver_by_people_who_are_no_guardians,
            cheat_a_waiver_below_the_floor,
            cheat_a_waiver_instead_of_an_emergency,
            cheat_a_waiver_of_what_cannot_be_waived,
            cheat_an_emergency_of_what_was_never_promoted,
            a_waiver_lowers_the_soak_and_says_who_did;
        Urgent: cheat_an_emergency_for_another_safe_transaction;
    }
}

const SENTINEL: Address = Address::with_last_byte(1);
const SOMEBODY: Address = Address::with_last_byte(0xaa);
const ETHER: u64 = 1_000_000_000_000_000_000;

/// Somebody with what git carries and an empty store.
fn newcomer(scene: &Scene<'_>, name: &str) -> Result<Person, Failed> {
    let clone = scene.folder().join(name);
    files::copy_clone(scene.project(), &clone)?;
    Ok(scene.person("o3").at(&clone))
}

fn status_of(person: &Person) -> Result<Status, Failed> {
    Status::of(&person.run(&["status", "--json"])?.expect_code(0)?)
}

/// The digest of what somebody has just recorded.
fn record(scene: &Scene<'_>, person: &str, key: &str, args: &[&str]) -> Result<String, Failed> {
    let args = [&["record"], args, &["--as", key, "--json"]].concat();
    json_text(&scene.done(person, &args)?, "digest")
}

fn statement_file(person: &Person, digest: &str) -> PathBuf {
    person.project().join(format!("deployments/statements/{digest}.json"))
}

fn cheat_a_deleted_bug(scene: &Scene<'_>) -> Outcome {
    let bug = record(scene, "ada", "ada", &["bug", "funds are stuck", "--severity", "high"])?;
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    scene.go()?;
    let clone = newcomer(scene, "clone")?;
    std::fs::remove_file(statement_file(&clone, &bug))?;
    status_of(&clone)?.expect("go", "UNKNOWN", (&["seen-gone"], &[bug.as_str()]))?;
    clone.run(&["promote"])?.expect_code(30)?;
    // Who has seen it never forgets it.
    std::fs::remove_file(statement_file(&scene.person("eva"), &bug))?;
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))
}

/// Runs git in the project, as somebody.
pub(super) fn git(scene: &Scene<'_>, args: &[&str]) -> Outcome {
    Ok(files::git(scene.project(), args)?)
}

/// The commit with the bug is gone from every branch, and with it every word that it ever was.
fn cheat_git_history_without_a_bug(scene: &Scene<'_>) -> Outcome {
    let git = |args: &[&str]| git(scene, args);
    scene.go()?;
    git(&["init", "--quiet"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message", "vault 1.4.0"])?;
    let bug = record(scene, "ada", "ada", &["bug", "funds are stuck", "--severity", "high"])?;
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message", "a bug"])?;
    git(&["reset", "--quiet", "--hard", "HEAD~1"])?;
    scene.attest("bo")?;
    scene.advance_to_day(14)?;
    let clone = newcomer(scene, "clone")?;
    assert!(!statement_file(&clone, &bug).exists());
    let status = status_of(&clone)?;
    status.expect("go", "UNKNOWN", &["go-too-early"])?;
    clone.run(&["promote"])?.expect_code(30)?;
    // And whoever has seen it says so when they are asked again.
    scene.go()?;
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))
}

/// An auditor who found something is made somebody who audits nothing.
fn cheat_a_role_that_is_taken_away(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    scene.write(
        "tidegate.toml",
        &text.replace("[\"auditor\"], firm = \"Bolt\"", "[], firm = \"Bolt\""),
    )?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    let names = ["the roles of bo", "were auditor"];
    scene.status()?.expect("policy", "WAITING", (&["looser-line"], &names))
}

fn cheat_a_deleted_no_go(scene: &Scene<'_>) -> Outcome {
    let no_go = record(scene, "bo", "bo", &["no-go", "--reason", "a doubt"])?;
    scene.status()?.expect("go", "FAIL", (&["no-go"], &["bo", "a doubt"]))?;
    scene.go()?;
    scene.status()?.expect("go", "FAIL", (&["no-go"], &["bo"]))?;
    let clone = newcomer(scene, "clone")?;
    std::fs::remove_file(statement_file(&clone, &no_go))?;
    status_of(&clone)?.expect("go", "UNKNOWN", (&["seen-gone"], &[no_go.as_str()]))
}

fn cheat_a_deleted_freeze_that_was_posted(scene: &Scene<'_>) -> Outcome {
    let freeze = ["freeze", "--for", "7d", "--reason", "holidays", "--post"];
    posted(scene, &freeze, ["UNKNOWN", "WAITING"], ["frozen", "frozen-posted"])
}

fn cheat_a_deleted_stop_that_was_posted(scene: &Scene<'_>) -> Outcome {
    posted(
        scene,
        &["no-go", "--reason", "a doubt", "--post"],
        ["FAIL"; 2],
        ["no-go", "no-go-posted"],
    )
}

/// Where its file is, and where it was deleted.
fn posted(scene: &Scene<'_>, args: &[&str], verdicts: [&str; 2], codes: [&str; 2]) -> Outcome {
    scene.world.mainnet.set_balance(actor_address("ada"), U256::from(ETHER))?;
    // Sending and signing are approved at once, so both are shown.
    let shown = scene.run("ada", &[&["record"], args, &["--as", "ada"]].concat(), 2)?;
    let digest = record(scene, "ada", "ada", args)?;
    let shows = ["says", &format!("digest {digest}"), &format!("signs statement {digest}")];
    assert!(shows.iter().all(|text| said(&shown).contains(text)), "{shown:?}");
    scene.world.settle()?;
    scene.status()?.expect("go", verdicts[0], (&codes, &["ada"]))?;
    let clone = newcomer(scene, "clone")?;
    std::fs::remove_file(statement_file(&clone, &digest))?;
    status_of(&clone)?.expect("go", verdicts[1], (&codes[1..], &["ada"]))?;
    clone.run(&["promote"])?.expect_code(if verdicts[1] == "WAITING" { 20 } else { 1 })?;
    Ok(())
}

fn cheat_a_go_that_is_older_than_a_statement(scene: &Scene<'_>) -> Outcome {
    scene.done("eva", &["fund", "request", "1 ether", "--reason", "more"])?;
    let status = scene.status()?;
    status.expect("go", "UNKNOWN", &["go-stale"])?;
    scene.run("eva", &["promote"], 30)?;
    Ok(())
}

/// They put themselves under `[people]` of their own checkout and carry the file over.
fn cheat_a_go_by_a_stranger(scene: &Scene<'_>) -> Outcome {
    let go = go_of(scene, "kim")?;
    let clone = newcomer(scene, "clone")?;
    std::fs::remove_file(statement_file(&clone, &go))?;
    scene.person("o3").keep_key("mallory", &actor("mallory"))?;
    let go = ["record", "go", "--as", "mallory", "--json"];
    let refused = clone.approve(&go)?.expect_code(5)?;
    assert!(said(&refused).contains("belongs to nobody"), "{refused:?}");
    let config = clone.project().join("tidegate.toml");
    let kept = std::fs::read_to_string(&config)?;
    let mallory = actor_address("mallory");
    let line = format!("mallory = {{ roles = [\"product\"], keys = [\"{mallory}\"] }}");
    files::write(&config, kept.replace("[people]", &format!("[people]\n{line}")).as_bytes())?;
    clone.approve(&go)?.expect_code(0)?;
    status_of(&clone)?.expect("policy", "FAIL", (&["policy-line"], &["people.mallory"]))?;
    files::write(&config, kept.as_bytes())?;
    status_of(&clone)?.expect("go", "UNKNOWN", &["go-by-stranger"])
}

fn cheat_a_go_by_who_deployed(scene: &Scene<'_>) -> Outcome {
    let clone = newcomer(scene, "clone")?;
    std::fs::remove_file(statement_file(&clone, &go_of(scene, "kim")?))?;
    let eva = scene.person("eva").at(clone.project());
    eva.approve(&["record", "go", "--as", "deployer"])?.expect_code(0)?;
    status_of(&clone)?.expect("go", "UNKNOWN", (&["go-by-deployer"], &["eva"]))
}

/// What people of the policy signed is there for everybody again; what a stranger left here for a
/// moment is asked of nobody.
fn cheat_a_proposal_over_what_only_one_machine_remembers(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let no_go = Body::NoGo(NoGo {
        release: ReleaseRoot(keccak256("any")),
        discipline: None,
        reason: "a stranger's".to_owned(),
    });
    let no_go = Statement::Statement(forge.general("mallory", no_go, 1)?);
    let strange = forge.write(&by_key("mallory", no_go)?)?.to_string();
    let audit = forge.file_of("bo")?;
    let go = statement_file(&scene.person("eva"), &go_of(scene, "kim")?);
    scene.status()?.expect_others_pass(&[])?;
    std::fs::remove_file(statement_file(&scene.person("eva"), &strange))?;

    let is_restored = |ran: &Ran, path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        said(ran).contains(&format!("restored deployments/statements/{name}")) && path.exists()
    };
    std::fs::remove_file(&audit)?;
    scene.status()?.expect_others_pass(&[])?;
    assert!(!audit.exists(), "who only looks writes nothing");
    let again = scene.done("kim", &["record", "go", "--as", "treasury"])?;
    assert!(is_restored(&again, &audit), "{again:?}");

    std::fs::remove_file(&go)?;
    let promote = scene.run("eva", &["promote"], 0)?;
    assert!(is_restored(&promote, &go), "{promote:?}");
    assert!(!said(&promote).contains(&format!("restored deployments/statements/{strange}")));
    let (proposal, _) = scene.promotion()?;
    let clone = newcomer(scene, "clone")?;
    clone.run(&scene.signing(&proposal))?.expect_code(0)?;
    Ok(())
}

/// The digest of the go by somebody's first key.
fn go_of(scene: &Scene<'_>, name: &str) -> Result<String, Failed> {
    let key = if name == "kim" { "treasury" } else { name };
    let address = actor_address(key).to_string().to_lowercase();
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let path = entry?.path();
        let file: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let signer = &file["statement"]["message"]["signer"];
        let signer = signer.as_str().unwrap_or_default().to_lowercase();
        if signer == address && file["statement"]["message"]["body"]["kind"] == "go" {
            return Ok(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    Err(format!("no go by {name}").into())
}

/// The helper keeps what each caller adopts under the caller.
fn cheat_a_policy_that_somebody_else_adopted(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "audits = 2", "audits = 1")?;
    let shown = scene.run("eva", &["policy", "show", "--json"], 0)?;
    let digest = json_text(&shown, "digest")?.parse()?;
    let project = project_id(ChainId(31337), scene.world.safe, "vault").0;
    let mallory = actor("mallory");
    scene.world.mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    for version in [1, 2] {
        let call = adoptPolicyCall { project, digest, version, before: U256::MAX }.abi_encode();
        scene.world.mainnet.send(&mallory, Some(helper::address()), call, U256::ZERO)?;
    }
    scene.world.settle()?;
    scene.status()?.expect("policy", "FAIL", (&["policy-line"], &["policy.audits"]))?;
    scene.run("eva", &["promote"], 1)?;
    Ok(())
}

fn cheat_another_safe_as_the_root_of_trust(scene: &Scene<'_>) -> Outcome {
    let (mainnet, mallory) = (&scene.world.mainnet, actor("mallory"));
    mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    let singleton = safe::Singleton::Safe;
    let own = safe::deploy_safe(mainnet, &mallory, singleton, &[mallory.address()], 1, 7)?;
    scene.edit("tidegate.toml", &scene.world.safe.to_string(), &own.to_string())?;
    // A machine that knew the project would say so at once.
    scene.forget_safes()?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    // The owners were told another Safe.
    let refused = scene.person("o1").run(&scene.signing(&proposal))?.expect_code(2)?;
    assert!(said(&refused).contains("but this is"), "{refused:?}");
    scene.person("ops").keep_key("mallory", &mallory)?;
    scene.approve("ops", &["proposal", "sign", &proposal, "--as", "mallory"])?.expect_code(0)?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("safe", "FAIL", &["too-few-owners", "threshold-too-low"])?;
    // What was said about the project of the other Safe is said about another project.
    status.expect("go", "UNKNOWN", (&["too-few-goes"], &["0 of 1"]))?;
    scene.run("eva", &["promote"], 1)?;
    Ok(())
}

/// Adopts what `tidegate.toml` says; the owners agree.
fn adopt(scene: &Scene<'_>) -> Outcome {
    let proposal = json_text(&scene.done("eva", &["policy", "adopt", "--json"])?, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    Ok(scene.world.settle()?)
}

/// Neither at once, nor behind a second version that is no looser than the first.
fn cheat_a_loosened_policy_before_72_hours(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "audits = 2", "audits = 1")?;
    adopt(scene)?;
    let looser = ["looser-policy", "looser-line"];
    let names =
        ["looser than version 1", "audits: was 2, is 1", "looser than the built-in defaults"];
    scene.status()?.expect("policy", "WAITING", (&looser, &names[..2]))?;
    scene.edit("tidegate.toml", "audits = 1", "audits = 1\nvalid_for = \"6d\"")?;
    adopt(scene)?;
    scene.status()?.expect("policy", "WAITING", (&looser, &names[..2]))?;
    scene.run("eva", &["promote"], 20)?;
    let first = "deployments/mainnet/policy-1.json";
    let kept = scene.read(first)?;
    scene.edit(first, "\"audits\": 2", "\"audits\": 1")?;
    scene.status()?.expect("policy", "UNKNOWN", (&["policy-file"], &["policy-1.json"]))?;
    scene.write(first, &kept)?;
    scene.advance_to_day(18)?;
    scene.run("eva", &["status", "--check"], 0)?;
    Ok(())
}

/// What a module did in between nobody knows. Once the owners do, they adopt the same policy anew.
fn cheat_a_module_for_a_moment(scene: &Scene<'_>) -> Outcome {
    let safe = scene.world.safe;
    safe_call(scene, safe, enableModuleCall { module: SOMEBODY }.abi_encode())?;
    let disable = disableModuleCall { before: SENTINEL, module: SOMEBODY };
    safe_call(scene, safe, disable.abi_encode())?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect(
        "safe",
        "FAIL",
        (&["safe-changed"], &["enabled the module", "disabled the module"]),
    )?;
    status.expect_others_pass(&["safe"])?;
    scene.run("eva", &["promote"], 1)?;
    let again = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&again, "proposal")?;
    let signed = scene.person("o1").run(&scene.signing(&proposal))?.expect_code(0)?;
    assert!(said(&signed).contains("the Safe enabled the module"), "{signed:?}");
    scene.sign(&proposal, &["o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("safe", "PASS", &[])?;
    status.expect_others_pass(&[])?;
    scene.run("eva", &["status", "--check"], 0)?;
    let third = scene.done("eva", &["policy", "adopt"])?;
    assert!(said(&third).contains("adopted it already, as version 2"), "{third:?}");
    Ok(())
}

/// What it does is no change of the Safe; that it goes is.
fn a_module_that_the_policy_allows_moves_the_safe(scene: &Scene<'_>) -> Outcome {
    let (mainnet, safe, allowed) = (&scene.world.mainnet, scene.world.safe, actor("mallory"));
    let module = allowed.address();
    safe_call(scene, safe, enableModuleCall { module }.abi_encode())?;
    let policy = format!("audits = 2\nsafe_allow = [\"module:{module}\"]");
    scene.edit("tidegate.toml", "audits = 2", &policy)?;
    adopt(scene)?;
    mainnet.set_balance(module, U256::from(ETHER))?;
    let moves = execTransactionFromModuleCall {
        to: SOMEBODY,
        value: U256::ZERO,
        data: Bytes::new(),
        operation: 0,
    };
    mainnet.send(&allowed, Some(safe), moves.abi_encode(), U256::ZERO)?;
    scene.advance_to_day(18)?;
    scene.run("eva", &["status", "--check"], 0)?;
    let before = SENTINEL;
    safe_call(scene, safe, disableModuleCall { before, module }.abi_encode())?;
    scene.world.settle()?;
    scene.status()?.expect("safe", "FAIL", (&["safe-changed"], &["disabled the module"]))
}

/// A second target, of whose Safe and chain only the names matter here. What is said about one
/// target is about that one.
fn what_is_said_about_another_target(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    let (_, target) = text.split_once("[networks.mainnet]").ok_or("a target")?;
    let target = target.split("\n[").next().unwrap_or(target);
    let other = target.replace(&scene.world.safe.to_string(), &SOMEBODY.to_string());
    scene.write("tidegate.toml", &format!("{text}\n[networks.aside]{other}"))?;
    scene.forget_safes()?;
    let status = |target| -> Result<Status, Failed> {
        Status::of(&scene.run("eva", &["status", "--json", "--target", target], 0)?)
    };
    let bug = ["bug", "funds are stuck", "--severity", "high", "--target", "mainnet"];
    record(scene, "ada", "ada", &bug)?;
    let mainnet = status("mainnet")?;
    mainnet.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    assert!(mainnet.0["next"].to_string().contains("triage --target mainnet"), "{mainnet:?}");

    scene.world.mainnet.set_balance(actor_address("bo"), U256::from(ETHER))?;
    let attestation = Forge(scene).file_of("bo")?;
    let attestation = attestation.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let revoke = ["attest", "--revoke", &attestation, "--target", "mainnet", "--as", "bo"];
    let revoked = scene.done("bo", &revoke)?;
    assert!(said(&revoked).contains("--target aside`"), "{revoked:?}");
    status("aside")?.expect("audits", "FAIL", (&["revoked"], &["Bolt"]))
}

fn cheat_a_queued_policy(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "audits = 2", "audits = 1")?;
    scene.done("eva", &["policy", "adopt"])?;
    scene.edit("tidegate.toml", "audits = 1", "audits = 2")?;
    scene.status()?.expect("safe", "UNKNOWN", (&["adoption-queued"], &["version 2"]))?;
    scene.run("eva", &["promote"], 30)?;
    Ok(())
}

/// Their signature is still there, and counts no more.
fn cheat_an_owner_who_was_rotated_out(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let before = owner_before(scene, actor_address("o1"))?;
    let swap = swapOwnerCall { before, old: actor_address("o1"), new: SOMEBODY };
    safe_call(scene, scene.world.safe, swap.abi_encode())?;
    scene.world.settle()?;
    let listed = scene.run("eva", &["proposal", "list", "--json"], 0)?.json()?;
    let of_proposal = |row: &&Value| row["safeTxHash"] == proposal.as_str();
    let rows = listed["proposals"].as_array().into_iter().flatten();
    let row = rows.into_iter().find(of_proposal).ok_or("the proposal is listed")?;
    assert_eq!(row["signed"].as_array().map(Vec::len), Some(1), "{row}");
    scene.status()?.expect("safe", "FAIL", (&["safe-changed"], &["lost the owner"]))?;
    scene.status()?.expect("policy", "FAIL", (&["policy-line"], &["safe.owners"]))?;
    scene.approve("ops", &["proposal", "execute", &proposal])?.expect_code(1)?;
    Ok(())
}

/// The owner before another one in the Safe's list.
fn owner_before(scene: &Scene<'_>, owner: Address) -> Result<Address, Failed> {
    sol! { function getOwners() returns (address[] owners); }
    let answer =
        scene.world.mainnet.call(scene.world.safe, &getOwnersCall {}.abi_encode().into())?;
    let owners = getOwnersCall::abi_decode_returns(&answer)?;
    let at = owners.iter().position(|found| *found == owner).ok_or("an owner")?;
    Ok(at.checked_sub(1).map_or(SENTINEL, |before| owners[before]))
}

fn cheat_a_policy_rolled_back(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    scene.write("tidegate.toml", &text.replace("go = 2\n", ""))?;
    scene.status()?.expect(
        "policy",
        "FAIL",
        (&["policy-line", "policy-differs"], &["policy.go"]),
    )?;
    scene.run("eva", &["promote"], 1)?;
    Ok(())
}

fn cheat_two_keys_of_one_person_say_go(scene: &Scene<'_>) -> Outcome {
    scene.advance_to_day(14)?;
    scene.go()?;
    let clone = newcomer(scene, "clone")?;
    let kim = scene.person("kim").at(clone.project());
    kim.approve(&["record", "go", "--as", "kim2"])?.expect_code(0)?;
    status_of(&clone)?.expect("go", "UNKNOWN", (&["too-few-goes"], &["1 of 2"]))
}

/// The time at which the cases of guardians play.
const DAY10: u64 = GENESIS_TIMESTAMP + 10 * DAY_SECS;

/// Puts a waiver that these people signed into a clone, whatever `record waiver` would say.
fn waived(
    scene: &Scene<'_>,
    clone: &Person,
    signers: &[&str],
    edit: impl Fn(&mut Waiver),
) -> Outcome {
    let (_, record) = scene.record()?;
    let release: ReleaseRoot = serde_json::from_value(record["releaseRoot"].clone())?;
    let mut waiver = Waiver {
        release,
        gate: GateId::Soak,
        lowers: Lowered { soak_secs: Some(7 * DAY_SECS), ..Lowered::default() },
        until: DAY10 + 30 * DAY_SECS,
        reason: "an urgent fix".to_owned(),
        link: String::new(),
    };
    edit(&mut waiver);
    for name in signers {
        let general = Forge(scene).general(name, Body::Waiver(waiver.clone()), DAY10)?;
        let statement = Statement::Statement(general);
        let digest = statement.digest()?;
        let signed = by_key(name, statement)?;
        let text = format!("{:#}\n", serde_json::to_value(signed)?);
        files::write(&statement_file(clone, &digest.to_string()), text.as_bytes())?;
    }
    Ok(())
}

const BOTH: [&str; 2] = ["ada", "bo"];

/// These waivers lower nothing, and the gate says why.
fn lowers_nothing(
    scene: &Scene<'_>,
    signers: &[&str],
    edit: impl Fn(&mut Waiver),
    (code, names): (&str, &str),
) -> Outcome {
    let clone = newcomer(scene, "clone")?;
    waived(scene, &clone, signers, edit)?;
    let status = status_of(&clone)?;
    status.expect("soak", "WAITING", (&["waiver-void", code], &[names]))?;
    // They said go for a soak that would be over by now.
    status.expect("go", "UNKNOWN", &["go-too-early"])?;
    status.expect_others_pass(&["soak", "go"])
}

fn cheat_a_waiver_for_another_release(scene: &Scene<'_>) -> Outcome {
    let another = ReleaseRoot(keccak256("another"));
    let other = |w: &mut Waiver| w.release = another;
    lowers_nothing(scene, &BOTH, other, ("waiver-of-other-release", &another.short()))
}

fn cheat_an_expired_waiver(scene: &Scene<'_>) -> Outcome {
    lowers_nothing(scene, &BOTH, |w| w.until = DAY10, ("waiver-expired", &format_utc(DAY10)))
}

fn cheat_a_waiver_by_one_guardian_twice(scene: &Scene<'_>) -> Outcome {
    lowers_nothing(scene, &["treasury", "kim2"], |_| {}, ("waiver-too-few-guardians", "1 of 2"))
}

/// One guardian, an auditor who is none, and somebody whom nobody knows.
fn cheat_a_waiver_by_people_who_are_no_guardians(scene: &Scene<'_>) -> Outcome {
    lowers_nothing(scene, &["ada", "cy", "mallory"], |_| {}, ("waiver-too-few-guardians", "1 of 2"))
}

fn cheat_a_waiver_below_the_floor(scene: &Scene<'_>) -> Outcome {
    let hour = |w: &mut Waiver| w.lowers.soak_secs = Some(3_600);
    lowers_nothing(scene, &BOTH, hour, ("waiver-below-floor", "24 hours"))
}

/// Less than half takes an emergency, which has a price.
fn cheat_a_waiver_instead_of_an_emergency(scene: &Scene<'_>) -> Outcome {
    let day = |w: &mut Waiver| {
        w.lowers = Lowered {
            soak_secs: Some(DAY_SECS),
            transactions: Some(0),
            senders: Some(0),
            selectors_percent: Some(0),
            audits: None,
        };
    };
    lowers_nothing(scene, &BOTH, day, ("waiver-below-half", "604800"))
}

fn cheat_a_waiver_of_what_cannot_be_waived(scene: &Scene<'_>) -> Outcome {
    let until = (DAY10 + DAY_SECS).to_string();
    for gate in ["code", "layout", "parameters", "policy", "safe", "separation"] {
        let waiver =
            ["record", "waiver", gate, "--audits", "1", "--until", &until, "--reason", "x"];
        let refused = scene.approve("ada", &[&waiver[..], &["--as", "ada"]].concat())?;
        assert_eq!(refused.code, 2, "{refused:?}");
    }
    // Nor where somebody signs it without asking: here a gate that is red.
    let clone = newcomer(scene, "clone")?;
    waived(scene, &clone, &BOTH, |w| w.gate = GateId::Policy)?;
    let config = clone.project().join("tidegate.toml");
    let text = std::fs::read_to_string(&config)?.replace("audits = 2", "audits = 1");
    files::write(&config, text.as_bytes())?;
    status_of(&clone)?.expect("policy", "FAIL", &["waiver-void", "not-waivable"])
}

fn a_waiver_lowers_the_soak_and_says_who_did(scene: &Scene<'_>) -> Outcome {
    let until = (DAY10 + DAY_SECS).to_string();
    let waiver = ["waiver", "soak", "--soak", "7d", "--reason", "a fix", "--until", &until];
    record(scene, "ada", "ada", &waiver)?;
    scene.status()?.expect("soak", "WAITING", (&["waiver-too-few-guardians"], &["1 of 2"]))?;
    record(scene, "kim", "treasury", &waiver)?;
    let status = scene.status()?;
    status.expect("soak", "WAIVED", &["too-young"])?;
    let promote = scene.run("eva", &["promote", "--json"], 10)?;
    let proposal = json_text(&promote, "proposal")?;
    let signed = scene.person("o1").run(&scene.signing(&proposal))?.expect_code(10)?;
    assert!(said(&signed).contains("waived by ada, kim"), "{signed:?}");
    // When the waiver ends, so does what rests on it.
    scene.world.advance_to(DAY10 + 2 * DAY_SECS)?;
    let late = scene.person("o2").run(&scene.signing(&proposal))?.expect_code(30)?;
    assert!(said(&late).contains("does not count: it expired"), "{late:?}");
    Ok(())
}

fn cheat_an_emergency_of_what_was_never_promoted(scene: &Scene<'_>) -> Outcome {
    let refused = scene.run("eva", &["promote", "--emergency", "INC-7"], 1)?;
    assert!(said(&refused).contains("nothing of this project is promoted"), "{refused:?}");
    assert!(said(&refused).contains("gate `soak` is not lowered"), "{refused:?}");
    Ok(())
}

fn cheat_an_emergency_for_another_safe_transaction(scene: &Scene<'_>) -> Outcome {
    let urgent = |incident| -> Result<String, Failed> {
        let promote = ["promote", "--emergency", incident, "--json"];
        json_text(&scene.run("eva", &promote, 10)?, "proposal")
    };
    let first = urgent("INC-7")?;
    let unsigned = scene.person("o1").run(&scene.signing(&first))?;
    assert!(said(&unsigned).contains("0 of 4 guardians signed"), "{unsigned:?}");
    scene.world.mainnet.set_balance(actor_address("gil"), U256::from(ETHER))?;
    for (person, key) in [("ada", "ada"), ("kim", "treasury"), ("hana", "hana")] {
        scene.done(person, &["record", "emergency", &first, "--as", key])?;
    }
    let announce = ["record", "emergency", &first, "--as", "gil", "--post"];
    let shown = scene.run("gil", &announce, 2)?;
    let differs = [
        "Registry code function Registry.register(address)",
        "source contracts/src/Registry.sol",
        "CapMath identical",
    ];
    assert!(differs.iter().all(|text| said(&shown).contains(text)), "{shown:?}");
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80), "{shown:?}");
    scene.done("gil", &announce)?;
    scene.world.settle()?;
    let other = urgent("INC-8")?;
    let refused = scene.person("o1").run(&scene.signing(&other))?;
    assert!(said(&refused).contains("UNKNOWN soak"), "{refused:?}");
    assert!(said(&refused).contains("0 of 4 guardians signed"), "{refused:?}");
    assert!(said(&refused).contains("the gates do not pass now"), "{refused:?}");

    scene.world.advance_days(1, 12)?;
    for owner in ["o1", "o2"] {
        let signed = scene.person(owner).run(&scene.signing(&first))?.expect_code(10)?;
        assert!(said(&signed).contains("emergency (ada, gil, hana, kim)"), "{signed:?}");
    }
    let executed = scene.approve("ops", &["proposal", "execute", &first])?.expect_code(10)?;
    assert!(said(&executed).contains("WAIVED by emergency (ada, gil, hana, kim)"), "{executed:?}");
    scene.world.settle()?;
    // A second run executes nothing, and so judges nothing.
    scene.done("ops", &["proposal", "execute", &first])?;

    // The price: nothing else is promoted until it is paid.
    let registry = "contracts/src/Registry.sol";
    scene.edit(registry, "noteCount[vault] += 2;", "noteCount[vault] += 3;")?;
    scene.edit("tidegate.toml", "1.4.1", "1.4.2")?;
    let owes = ["of chain time left", "1 of 2 audits", "a post-mortem"];
    scene.status()?.expect("obligations", "UNKNOWN", (&["emergency-owes"], &owes))?;
    scene.edit(registry, "noteCount[vault] += 3;", "noteCount[vault] += 2;")?;
    scene.edit("tidegate.toml", "1.4.2", "1.4.1")?;
    debts_are_paid(scene)
}

/// The debt of the release in the working tree is paid, and open again once something takes its
/// place on the testnet that no record tells.
fn debts_are_paid(scene: &Scene<'_>) -> Outcome {
    use_contracts(scene, "1.4.1")?;
    scene.attest("bo")?;
    scene.world.advance_days(14, 12)?;
    let registry = "contracts/src/Registry.sol";
    scene.write("reports/postmortem.md", "# INC-7\n")?;
    let postmortem = ["record", "postmortem", "reports/postmortem.md", "--as", "ada"];
    let next = || -> Outcome {
        scene.edit(registry, "noteCount[vault] += 2;", "noteCount[vault] += 3;")?;
        scene.edit("tidegate.toml", "1.4.1", "1.4.2")
    };
    next()?;
    let status = scene.status()?;
    status.expect("obligations", "UNKNOWN", (&["emergency-owes"], &["a post-mortem"]))?;
    let told = status.why("obligations");
    assert!(!told.contains("audits") && !told.contains("chain time"), "{told}");
    scene.edit(registry, "noteCount[vault] += 3;", "noteCount[vault] += 2;")?;
    scene.edit("tidegate.toml", "1.4.2", "1.4.1")?;
    scene.done("ada", &postmortem)?;
    next()?;
    scene.status()?.expect("obligations", "PASS", &[])?;

    // An upgrade by hand, and a record that somebody wrote of it without the deployer's anchor.
    let (path, mut record) = scene.record_of("1.4.1")?;
    let vault = scene.contract_of("1.4.1", "vault")?;
    let old = scene.record()?.1["deployment"]["steps"]["vault"]["implementation"].clone();
    let call = upgradeToAndCallCall { to: serde_json::from_value(old)?, data: Bytes::new() };
    let testnet = &scene.world.testnet;
    let sent = testnet.send(&actor("deployer"), Some(vault), call.abi_encode(), U256::ZERO)?;
    scene.world.settle()?;
    scene.status()?.expect(
        "obligations",
        "UNKNOWN",
        (&["emergency-owes", "slot-differs"], &["the implementation slot"]),
    )?;
    record["releaseRoot"] = keccak256("next").to_string().into();
    let mut first = record["transactions"][0].clone();
    first["block"]["number"] = sent.block.number.into();
    first["hash"] = sent.hash.to_string().into();
    record["transactions"] = Value::Array(vec![first]);
    let next = path.with_file_name("vault-1.4.9-0000000000000000-9.json");
    files::write(&next, record.to_string().as_bytes())?;
    let codes = ["emergency-owes", "slot-differs", "soak-cut-short"];
    let names = ["the implementation slot", "deploy it on testnet again"];
    scene.status()?.expect("obligations", "UNKNOWN", (&codes, &names))
}
