//! `tidegate.toml` and the folders beside it.

use libtest_mimic::Failed;

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            a_wrong_configuration_is_explained,
            a_wrong_command_line_is_explained,
            a_folder_without_a_project_is_explained;
        Ready: a_folder_that_cannot_be_written_is_explained;
    }
}

/// What is replaced in `tidegate.toml`, by what, the command, and what it says.
struct Edit {
    from: &'static str,
    to: &'static str,
    args: &'static [&'static str],
    says: &'static [&'static str],
    hint: &'static str,
}

const fn edit(
    from: &'static str,
    to: &'static str,
    args: &'static [&'static str],
    says: &'static [&'static str],
    hint: &'static str,
) -> Edit {
    Edit { from, to, args, says, hint }
}

const BUILD: &[&str] = &["build"];
const PLAN: &[&str] = &["plan"];

/// Stands for the edited line's number.
const LINE: &str = "line N";

/// Each ends with exit code 3.
const EDITS: [Edit; 29] = [
    edit(
        "version = \"1.4.0\"",
        "verison = \"1.4.0\"",
        BUILD,
        &[LINE, "`verison`", "did you mean `version`?"],
        "",
    ),
    edit("rpc        = [", "rcp        = [", BUILD, &[LINE, "`rcp`", "did you mean `rpc`?"], ""),
    edit("[policy]", "[polizy]", BUILD, &["`polizy`", "did you mean `policy`?"], ""),
    edit("audits = 2", "audit = 2", BUILD, &["policy", "`audit`", "audits"], ""),
    edit("soak   = \"14d\"", "soak   = \"fortnight\"", BUILD, &["soak", "fortnight"], ""),
    edit("audits = 2", "audits = \"two\"", BUILD, &["audits"], ""),
    edit("[project]", "[project", BUILD, &[LINE], ""),
    edit("name    = \"vault\"", "name    = \"../vault\"", BUILD, &["project.name"], ""),
    edit("chain      = 31338", "chain      = \"anvil\"", BUILD, &[LINE, "chain"], ""),
    edit(
        "stage      = \"testnet\"",
        "stage      = \"tesnet\"",
        BUILD,
        &["`tesnet`", "did you mean `testnet`?"],
        "",
    ),
    edit(
        "soaks_on   = [\"testnet\"]",
        "soaks_on   = [\"tesnet\"]",
        BUILD,
        &["soaks_on", "did you mean `testnet`?"],
        "",
    ),
    edit(
        "relayer    = \"relayer\"",
        "relayer    = \"deployer\"",
        BUILD,
        &["networks.mainnet.relayer", "testnet uses this key"],
        "",
    ),
    edit("name   = \"vault\"", "name   = \"registry\"", BUILD, &["`registry` is taken"], ""),
    edit("create = \"Vault\"", "create = \"Valt\"", BUILD, &["Valt"], ""),
    edit("\"initialize\"", "\"initialise\"", BUILD, &["initialise", "initialize"], ""),
    edit("\"$vault_cap\", \"$owner\"]", "\"$vault_cap\"]", BUILD, &["initialize", "argument"], ""),
    edit("args   = [\"$owner\"]", "args   = []", BUILD, &["registry", "argument"], ""),
    edit(
        "args   = [\"$owner\"]",
        "args   = [\"$ower\"]",
        BUILD,
        &["step `registry`", "`$ower`"],
        "",
    ),
    edit(
        "args   = [\"@registry\"]",
        "args   = [\"@regstry\"]",
        BUILD,
        &["step `vault`", "`@regstry`"],
        "",
    ),
    edit("[params]", "[params]\nunused = { testnet = 1, mainnet = 1 }", BUILD, &["unused"], ""),
    edit(
        "call = [\"@registry\", \"register\"",
        "call = [\"@registry\", \"registr\"",
        BUILD,
        &["registr"],
        "",
    ),
    edit("[\"cap\", \"$vault_cap\"]", "[\"setCap\", \"$vault_cap\"]", BUILD, &["setCap"], ""),
    edit("testnet = \"250e6\"", "testnet = \"-1\"", PLAN, &["vault_cap", "-1"], ""),
    edit("testnet = 12,", "testnet = 256,", PLAN, &["share_decimals", "256"], ""),
    edit("testnet = \"@deployer\"", "testnet = \"0x12\"", PLAN, &["owner", "0x12"], ""),
    edit("testnet = \"250e6\", ", "", PLAN, &["$vault_cap", "no value"], ""),
    edit("[policy]", "[compiler]\nsrc = \"x\"\n[policy]", BUILD, &["foundry.toml"], "keep one"),
    edit("[policy]", "[compiler]\nprofile = \"ci\"\n[policy]", BUILD, &["\"ci\"", "default"], ""),
    edit("{ create = \"MockUSDC\" }", "{ create = \"MockUSDD\" }", PLAN, &["MockUSDD"], ""),
];

fn a_wrong_configuration_is_explained(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read("tidegate.toml")?;
    let mut wrong = Vec::new();
    for Edit { from, to, args, says, hint } in EDITS {
        scene.edit("tidegate.toml", from, to)?;
        let line = kept.lines().take_while(|line| !line.contains(from)).count() + 1;
        let line = format!("line {line}");
        let says: Vec<_> =
            says.iter().map(|says| if *says == LINE { &line } else { *says }).collect();
        let says = &says[..];
        let refusal = Refusal { code: 3, says, hint };
        if let Err(why) = refused(scene, &scene.person("eva"), args, &refusal) {
            wrong.push(format!("{to}: {}", why.message().unwrap_or("")));
        }
        scene.write("tidegate.toml", &kept)?;
    }
    let genesis = kept.lines().find(|line| line.starts_with("genesis")).ok_or("a genesis hash")?;
    scene.edit("tidegate.toml", &format!("{genesis}\n"), "")?;
    let refusal =
        Refusal { code: 3, says: &["[networks.testnet] has no `genesis`"], hint: "doctor" };
    if let Err(why) = refused(scene, &scene.person("eva"), &["policy", "show"], &refusal) {
        wrong.push(format!("without a genesis hash: {}", why.message().unwrap_or("")));
    }
    scene.status()?.expect("policy", "UNKNOWN", (&["unreadable"], &["genesis"]))?;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

/// The command line, its exit code, and what it says.
const COMMANDS: [(&[&str], i32, &[&str], &str); 10] = [
    (&["depoly"], 2, &["depoly"], ""),
    (&["deploy", "--aprove", "00"], 2, &["--aprove", "--approve"], ""),
    (&["deploy", "nowhere"], 2, &["`nowhere`"], "known networks: mainnet, testnet"),
    (&["deploy", "mainnet"], 2, &["mainnet"], "tidegate promote"),
    (&["promote", "testnet-9.9"], 2, &["testnet-9.9", "vault-1.4.0"], ""),
    (&["fund", "request", "two ether", "--reason", "x"], 2, &["two ether"], ""),
    (&["proposal", "show", "0xabcdef"], 2, &["6 digits", "at least 16"], ""),
    (&["proposal", "show", "0xabcdefabcdefabcd"], 2, &["no such proposal"], "proposal list"),
    (
        &["attest", "--revoke", "0xabcdefabcdefabcd", "--as", "deployer"],
        2,
        &["nothing here has a digest"],
        "statements",
    ),
    (&["attest", "reports/none.md", "--as", "deployer"], 3, &["reports/none.md"], ""),
];

fn a_wrong_command_line_is_explained(scene: &Scene<'_>) -> Outcome {
    let mut wrong = Vec::new();
    for (args, code, says, hint) in COMMANDS {
        let refusal = Refusal { code, says, hint };
        if let Err(why) = refused(scene, &scene.person("eva"), args, &refusal) {
            wrong.push(why.message().unwrap_or("").to_owned());
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

fn a_folder_without_a_project_is_explained(scene: &Scene<'_>) -> Outcome {
    let elsewhere = tempfile::tempdir()?;
    let eva = scene.person("eva").at(elsewhere.path());
    let hint = "tidegate init";
    let says = &["no tidegate.toml"][..];
    refused(scene, &eva, &["status"], &Refusal { code: 3, says, hint })?;
    let args = ["status", "--project", "nowhere"];
    refused(scene, &eva, &args, &Refusal { code: 3, says: &["nowhere"], hint: "" })?;
    let init = ["init"];
    refused(scene, &eva, &init, &Refusal { code: 3, says: &["foundry.toml"], hint: "foundry" })?;
    assert_eq!(std::fs::read_dir(elsewhere.path())?.count(), 0, "something was written");
    let eva = scene.person("eva");
    refused(scene, &eva, &init, &Refusal { code: 6, says: &["already"], hint: "remove" })?;
    Ok(())
}

/// Whoever runs the tests may be allowed to write everywhere, so a file stands where a folder
/// should be.
fn a_folder_that_cannot_be_written_is_explained(scene: &Scene<'_>) -> Outcome {
    let proposals = scene.project().join("deployments/mainnet/proposals");
    std::fs::rename(&proposals, proposals.with_extension("away"))?;
    scene.write("deployments/mainnet/proposals", "in the way")?;
    // What is proposed to the Safe cannot be read, so that the gate does not know.
    let ran = scene.run("eva", &["promote"], 30)?;
    assert!(said(&ran).contains("deployments/mainnet/proposals"), "{ran:?}");
    let statements = scene.project().join("deployments/statements");
    std::fs::rename(&statements, statements.with_extension("away"))?;
    scene.write("deployments/statements", "in the way")?;
    let says = &["deployments/statements"][..];
    let refusal = Refusal { code: 3, says, hint: "" };
    let args = ["fund", "request", "1 ether", "--reason", "more"];
    let ran = scene.approve("eva", &args)?;
    super::check(&ran, &refusal).map_err(|why| Failed::from(format!("{why}: {ran:?}")))?;
    Ok(())
}
