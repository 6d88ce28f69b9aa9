//! Keys, passwords and approvals.

use tidegate_testkit::actor;

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: keys_passwords_and_approvals_that_are_wrong_are_explained;
        Signed: only_owners_sign;
    }
}

fn keys_passwords_and_approvals_that_are_wrong_are_explained(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    let deploy = ["deploy", "--password-fd", "0"];
    let refusal = |code, says, hint| Refusal { code, says, hint };

    // Nobody is there to ask: the exact command is named, which is what to type.
    let unapproved = refused(scene, &eva, &deploy, &refusal(2, &["approve"], "--approve "))?;
    let approved = unapproved.asked_for().ok_or("the command to type")?;
    let wrong = ["deploy", "--password-fd", "0", "--approve", "deadbeefdeadbeef"];
    let hint = approved.last().ok_or("a hash")?;
    refused(scene, &eva, &wrong, &refusal(2, &["deadbeef"], hint))?;
    let short = ["deploy", "--password-fd", "0", "--approve", &hint[..4]];
    refused(scene, &eva, &short, &refusal(2, &["4 digits", "at least 16"], "--approve "))?;
    let args: Vec<&str> = approved.iter().map(String::as_str).collect();

    // What was never deployed has no verdict but UNKNOWN; no key is removed that is not there.
    refused(scene, &eva, &["verify", "testnet"], &refusal(30, &["not deployed"], "deploy"))?;
    let remove = ["key", "remove", "gone", "--address", &format!("0x{}", "ab".repeat(20))];
    refused(scene, &eva, &remove, &refusal(5, &["cannot remove key gone"], "key list"))?;

    // Another person's password; no password; another key's name; no key at all.
    let thief = scene.person("eva-who-forgot").with_variable("X", "");
    thief.keep_key("deployer", &actor("deployer"))?;
    let keystore = |person: &str| format!("homes/{person}/keys/deployer.json");
    std::fs::copy(
        scene.folder().join(keystore("eva")),
        scene.folder().join(keystore("eva-who-forgot")),
    )?;
    refused(scene, &thief, &args, &refusal(5, &["deployer"], ""))?;
    let nobody = scene.person("nobody");
    refused(scene, &nobody, &args, &refusal(5, &["deployer"], ""))?;
    let other = [&args[..], &["--as", "none"]].concat();
    refused(scene, &eva, &other, &refusal(5, &["none"], ""))?;
    let closed = ["deploy", "--password-fd", "99", "--approve", hint];
    refused(scene, &eva, &closed, &refusal(5, &["99"], ""))?;
    assert_eq!(
        scene.nonce(&scene.world.testnet, actor("deployer").address())?,
        0,
        "nothing was sent"
    );

    // What was right all along still is.
    eva.run(&args)?.expect_code(0)?;
    Ok(())
}

fn only_owners_sign(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let pin = scene.safe();
    let args = [
        "proposal",
        "sign",
        &proposal,
        "--as",
        "ada",
        "--password-fd",
        "0",
        "--approve",
        &proposal,
    ];
    let unpinned = Refusal { code: 2, says: &["pinned"], hint: "--pin " };
    refused(scene, &scene.person("ada"), &args, &unpinned)?;
    let wrong = [&args[..], &["--pin", "1:0x00000000000000000000000000000000000000aa"]].concat();
    refused(scene, &scene.person("ada"), &wrong, &Refusal { code: 2, says: &["--pin"], hint: "" })?;
    let pinned = [&args[..], &["--pin", &pin]].concat();
    let ran = scene.person("ada").run(&pinned)?;
    super::check(&ran, &Refusal { code: 5, says: &["not an owner of the Safe"], hint: "" })?;
    assert_eq!(scene.promotion()?.1.len(), 2);
    Ok(())
}
