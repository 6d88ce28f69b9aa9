//! What `diff` says of a change to the sources of something deployed.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::support::{Case, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: a_name_that_two_builds_have_names_neither;
        Mixed:
            a_change_is_named_by_its_kind,
            two_deployments_of_one_release_are_identical;
    }
}

const SOURCE: &str = "src/Kinds.sol";

/// Runs `diff`, and `diff --check` for its exit code.
fn diff(scene: &Scene<'_>, sides: &[&str], differs: bool) -> Result<Value, Failed> {
    let args: Vec<_> = ["diff", "--check", "--json"].iter().chain(sides).copied().collect();
    Ok(scene.run("eva", &args, i32::from(differs))?.json()?)
}

/// The changes of one contract and the functions that are named.
fn changes<'a>(found: &'a Value, contract: &str) -> Result<(&'a Value, &'a Value), Failed> {
    let rows = found["contracts"].as_array().into_iter().flatten();
    let mut rows =
        rows.filter(|row| row["contract"].as_str().is_some_and(|n| n.ends_with(contract)));
    let row = rows.next().ok_or_else(|| format!("no {contract} in {found}"))?;
    Ok((&row["changes"], &row["functions"]))
}

fn a_change_is_named_by_its_kind(scene: &Scene<'_>) -> Outcome {
    let scene = scene.beside("kinds");
    let found = diff(&scene, &[], false)?;
    assert_eq!(found["furthest"], "identical", "{found}");
    assert_eq!(found["a"]["chain"]["verdict"], "PASS", "{found}");

    let source = scene.read(SOURCE)?;
    let edits: [(&str, &str, &str, Value, Value); 4] = [
        ("/// Stands behind", "/// Is behind", ":Box", json!(["comment-only"]), json!([])),
        (
            "size = size_ ^ 0x3003c0de",
            "size = size_ ^ 0x3003c0df",
            ":Box",
            json!(["code"]),
            json!(["Box.resize(uint256)"]),
        ),
        (
            "bool private _initialized;",
            "bool private _initialized;\n    uint64 public spare;",
            ":Box",
            json!(["layout", "code"]),
            json!([
                "Box.initialize(address,uint256)",
                "Box.spare",
                "dispatcher or compiler-generated code"
            ]),
        ),
        (
            "return Twice.times(amount) + fee + 0x1001c0de;",
            "return Twice.times(amount) + 0x1001c0de;",
            ":Desk",
            json!(["code"]),
            json!(["Desk.order(uint256)"]),
        ),
    ];
    for (from, to, contract, kinds, functions) in edits {
        scene.edit(SOURCE, from, to)?;
        let found = diff(&scene, &["testnet", "."], true)?;
        assert_eq!(changes(&found, contract)?, (&kinds, &functions), "{to}");
        scene.write(SOURCE, &source)?;
    }

    let config = scene.read("tidegate.toml")?;
    scene.edit("tidegate.toml", "delay   = \"2d\"", "delay   = \"3d\"")?;
    let found = diff(&scene, &["testnet"], true)?;
    assert_eq!(found["furthest"], "parameters");
    assert_eq!(found["params"][0]["name"], "delay", "{found}");
    scene.write("tidegate.toml", &config)?;
    scene.edit("tidegate.toml", "args   = [7, 11]", "args   = [7, 12]")?;
    let found = diff(&scene, &["testnet"], true)?;
    assert_eq!(found["plan"], json!(["step `desk`: args differs"]));
    assert_eq!(changes(&found, ":Desk")?.0, &json!(["parameters"]));
    Ok(())
}

fn two_deployments_of_one_release_are_identical(scene: &Scene<'_>) -> Outcome {
    let scene = scene.beside("kinds");
    scene.done("eva", &["deploy", "--id", "1"])?;
    let found = diff(&scene, &["testnet#0", "testnet#1"], false)?;
    assert_eq!(found["furthest"], "identical", "{found}");
    let ids = [&found["a"], &found["b"]].map(|side| side["network"]["id"].clone());
    assert_eq!(ids, [json!(0), json!(1)]);
    scene.run("eva", &["diff", "testnet#7"], 3)?;
    scene.run("eva", &["diff", "testnt"], 2)?;
    Ok(())
}

/// One rule for every command that takes a release's name.
fn a_name_that_two_builds_have_names_neither(scene: &Scene<'_>) -> Outcome {
    const NAME: &str = "vault-1.4.0";
    let roots = |field: &str| -> Result<String, Failed> {
        Ok(scene.run("eva", &["build", "--json"], 0)?.json()?["roots"][field]
            .as_str()
            .ok_or("a root")?
            .to_owned())
    };
    let first = roots("releaseRoot")?;
    scene.run("eva", &["status", NAME], 0)?;
    scene.edit("contracts/src/Registry.sol", "vaultCount++", "vaultCount += 1 + 0 * 7")?;
    scene.edit("contracts/src/Registry.sol", "noteCount[vault]++", "noteCount[vault] += 2")?;
    let second = roots("releaseRoot")?;
    assert_ne!(first, second);
    let commands: [&[&str]; 12] = [
        &["status", NAME],
        &["promote", NAME],
        &["diff", NAME, "."],
        &["plan", "--release", NAME],
        &["deploy", "--release", NAME],
        &["verify", "--release", NAME],
        &["export", NAME],
        &["export", NAME, "--format", "sarif"],
        &["record", "bug", "x", "--severity", "low", "--release", NAME, "--as", "deployer"],
        &["record", "go", NAME, "--as", "deployer"],
        &["record", "start", NAME, "--as", "deployer"],
        &["record", "no-go", NAME, "--reason", "x", "--as", "deployer"],
    ];
    for args in commands {
        let says = said(&scene.run("eva", args, 2)?);
        assert!(
            says.contains(&format!("this machine has 2 builds of `{NAME}`")),
            "{args:?}: {says}"
        );
        assert!(says.contains(&first), "{args:?}: {says}");
        let is_here = if args[0] == "diff" { "" } else { " (the working tree)" };
        assert!(says.contains(&format!("{second}{is_here}")), "{args:?}: {says}");
    }
    let status = scene.run("eva", &["status", &second, "--json"], 0)?;
    assert_eq!(status.json()?["roots"]["releaseRoot"], Value::from(second.as_str()));
    let other = said(&scene.run("eva", &["status", &first], 2)?);
    assert!(other.contains("the working tree builds"), "{other}");

    // A comment changes the build alone.
    scene.edit("contracts/src/Registry.sol", "Lists `vault`.", "Lists this `vault`.")?;
    let (root, build) = (roots("releaseRoot")?, roots("buildDigest")?);
    assert_eq!(root, second);
    let says = said(&scene.run("eva", &["status", &root], 2)?);
    assert!(says.contains(&format!("{build} (the working tree)")), "{says}");
    let status = scene.run("eva", &["status", &build[..20], "--json"], 0)?;
    assert_eq!(json_text(&status, "release")?, NAME);
    Ok(())
}
