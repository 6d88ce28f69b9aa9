//! Cheating with who people are: firms, names, projects and keys.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::refused;
use crate::support::{Case, Outcome, Scene, cases, files, json_text, put, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_second_firm_that_looks_like_the_first,
            cheat_a_contract_s_key_without_its_chain,
            cheat_a_keystore_that_others_may_read,
            cheat_a_foundry_keystore_that_others_may_read,
            cheat_a_keystore_that_costs_nothing_to_guess,
            cheat_a_record_that_was_seen_and_is_gone;
        Funded: cheat_a_project_under_a_new_name;
    }
}

/// Two audits of one firm, or of one that is read as it.
fn cheat_a_second_firm_that_looks_like_the_first(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read("tidegate.toml")?;
    let bolt = "Bolt = \"Bolt Security\"";
    let twins = [
        "Bolt = \"Acme Audits \"",
        "Bolt = \"ACME AUDITS\"",
        "Bolt = \"Acme\u{a0}Audits\"",
        "Bolt = \"\u{410}cme Audits\"",
        "ACME = \"Other\"",
        "\"\u{410}cme\" = \"Other\"",
    ];
    for twin in twins {
        scene.write("tidegate.toml", &kept.replace(bolt, twin))?;
        let ran = scene.person("eva").run(&["promote"])?.expect_code(3)?;
        assert!(said(&ran).contains("firms."), "{twin}: {ran:?}");
    }
    // A firm that nobody declared is none.
    scene.write("tidegate.toml", &kept.replace(bolt, ""))?;
    let ran = scene.person("eva").run(&["promote"])?.expect_code(3)?;
    assert!(said(&ran).contains("is not under [firms]"), "{ran:?}");
    Ok(())
}

fn cheat_a_contract_s_key_without_its_chain(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read("tidegate.toml")?;
    let key = tidegate_testkit::actor_address("bo").to_string();
    for written in ["eip155:{}", "eip155:0:{}", "eip155:1:{}\", \"{}", "mainnet:{}"] {
        let text = written.replace("{}", &key);
        scene.write("tidegate.toml", &kept.replace(&key, &text))?;
        scene.person("eva").run(&["promote"])?.expect_code(3)?;
    }
    Ok(())
}

fn cheat_a_keystore_that_others_may_read(scene: &Scene<'_>) -> Outcome {
    let path = scene.person("kim").home().join("keys/treasury.json");
    for mode in [0o666, 0o644, 0o620] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode))?;
        let ran = scene.approve("kim", &["record", "go", "--as", "treasury"])?.expect_code(5)?;
        let shown = said(&ran);
        assert!(shown.contains("others on this machine") && shown.contains("chmod 600"), "{ran:?}");
    }
    let listed = said(&scene.run("kim", &["key", "list"], 0)?);
    assert!(listed.contains(&format!("chmod 600 {}", path.display())), "{listed}");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
    scene.go()
}

/// Foundry makes its keystores readable by all, and names no address in them.
fn cheat_a_foundry_keystore_that_others_may_read(scene: &Scene<'_>) -> Outcome {
    let kim = scene.person("kim");
    let mut keystore: Value =
        serde_json::from_slice(&std::fs::read(kim.home().join("keys/treasury.json"))?)?;
    keystore.as_object_mut().ok_or("a keystore")?.remove("address");
    let path = kim.home().join(".foundry/keystores/mine");
    files::write(&path, keystore.to_string().as_bytes())?;
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644))?;
    for args in
        [&["record", "go", "--as", "foundry:mine"][..], &["fund", "draw", "--as", "foundry:mine"]]
    {
        let ran = scene.approve("kim", args)?.expect_code(5)?;
        assert!(said(&ran).contains(&format!("chmod 600 {}", path.display())), "{ran:?}");
        assert!(!said(&ran).contains("--password-fd N"), "{ran:?}");
    }
    let missing =
        scene.approve("kim", &["record", "go", "--as", "foundry:none"])?.expect_code(5)?;
    assert!(said(&missing).contains("cast wallet import none"), "{missing:?}");
    Ok(())
}

fn cheat_a_keystore_that_costs_nothing_to_guess(scene: &Scene<'_>) -> Outcome {
    let path = scene.person("kim").home().join("keys/treasury.json");
    let mut keystore: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    for n in [2, 1 << 12] {
        put(&mut keystore, "/crypto/kdfparams/n", json!(n))?;
        files::write(&path, keystore.to_string().as_bytes())?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        let ran = scene.approve("kim", &["record", "go", "--as", "treasury"])?.expect_code(5)?;
        let shown = said(&ran);
        assert!(shown.contains("cheap") && shown.contains("key import"), "{ran:?}");
    }
    Ok(())
}

/// A freeze, a debt and the 72 hours of `vault` are not those of `Vault`.
fn cheat_a_project_under_a_new_name(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "name    = \"vault\"", "name    = \"Vault\"")?;
    // Of machines that knew the project none would go on without a pin.
    scene.forget_safes()?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    let verify = ["proposal", "verify", &proposal, "--pin", &scene.safe()];
    let shown = said(&scene.person("o1").run(&verify)?.expect_code(0)?);
    assert!(shown.contains("its name is new beside project"), "{shown}");
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect(
        "policy",
        "WAITING",
        (&["looser-line"], &["its name is new beside project", "1 policy version"]),
    )?;
    let promote = scene.person("eva").run(&["promote"])?;
    assert_ne!(promote.code, 0, "{promote:?}");

    // A second version that asks for more ends nothing of that wait.
    scene.edit("tidegate.toml", "audits = 2", "audits = 2\ntransactions = 26")?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("policy", "WAITING", (&["looser-line"], &["its name is new beside project"]))?;
    Ok(())
}

/// Whoever deletes the record of a deployment hides neither it nor who deployed.
fn cheat_a_record_that_was_seen_and_is_gone(scene: &Scene<'_>) -> Outcome {
    scene.status()?.expect("soak", "PASS", &[])?;
    let (path, _) = scene.record()?;
    let kept = std::fs::read(&path)?;
    std::fs::remove_file(&path)?;
    let status = refused(scene, "soak", "UNKNOWN", (&["record-gone"], &["it was deployed there"]))?;
    assert!(status.why("soak").contains("vault-1.4.0-"), "{}", status.why("soak"));
    // Whoever has not seen it learns at least that the network has none.
    scene.forget("eva")?;
    scene.status()?.expect("soak", "UNKNOWN", &["not-deployed"])?;
    files::write(&path, &kept)?;
    scene.status()?.expect("soak", "PASS", &[])
}
