//! The tour of the README: every line of it, by whom it names, on two chains.

use libtest_mimic::Failed;
use tidegate_testkit::actor_address;

use super::pages::{Block, Printed};
use super::typist::Typist;
use super::{TOUR, blocks_of};
use crate::support::{Case, Outcome, Scene, cases, files, json_text, said, use_contracts};

pub(super) fn cases() -> Vec<Case> {
    cases! {
        Fresh: the_tour_of_the_readme_is_typed;
    }
}

/// Who types a line: whose key it names, or who stands for the role of its comment; more than one
/// where each of them types it.
fn who(printed: &Printed) -> Result<&'static [&'static str], Failed> {
    let key = printed.words.iter().skip_while(|word| *word != "--as").nth(1);
    Ok(match (printed.role(), key.map(String::as_str)) {
        (role, Some("treasury")) if role.starts_with("anybody") => &["kim"],
        (role, Some("ada")) if role.starts_with("anybody") => &["ada"],
        (role, _) => by_role(role)?,
    })
}

fn by_role(role: &str) -> Result<&'static [&'static str], Failed> {
    Ok(match role {
        "engineer" | "anybody" => &["eva"],
        "everybody" => &["zoe"],
        "operations" | "anybody with ether" => &["ops"],
        "owners" => &["o1", "o2"],
        "treasurer" | "approvers" => &["kim"],
        "each auditor" => &["ada", "bo"],
        "two people" => &["eva", "kim"],
        other => return Err(format!("nobody is `{other}`").into()),
    })
}

/// A document with one finding that two people may accept.
pub(super) const FINDINGS: &str = r#"{"version": "2.1.0", "runs": [{
    "tool": {"driver": {"name": "by hand"}},
    "results": [{"ruleId": "BOLT-1", "level": "warning", "message": {"text": "rounds down"},
                 "partialFingerprints": {"id": "bolt-1"}}]
}]}"#;

fn the_tour_of_the_readme_is_typed(scene: &Scene<'_>) -> Outcome {
    let [screen, tour] = blocks_of::<2>(scene, TOUR)?;
    scene.write("report.pdf", "%PDF-1.7\n")?;
    scene.write("findings.sarif", FINDINGS)?;
    for payer in ["ada", "bo"] {
        let ether = alloy_primitives::U256::from(10).pow(alloy_primitives::U256::from(18));
        scene.world.mainnet.set_balance(actor_address(payer), ether)?;
    }
    let mut typist = Typist::default();
    typist.says("URL", "https://acme.example/report.pdf");
    for printed in tour.commands() {
        match (printed.words.is_empty(), printed.comment.as_str()) {
            (false, _) => line(scene, &mut typist, &printed)?,
            (true, "Two weeks later") => {
                shows_the_gates(scene, &screen)?;
                scene.advance_to_day(14)?;
            }
            (true, _) => {}
        }
        scene.world.settle()?;
    }
    Ok(())
}

/// One line, by everybody whom it names.
fn line(scene: &Scene<'_>, typist: &mut Typist, printed: &Printed) -> Outcome {
    let command: Vec<&str> = printed.words.iter().skip(1).map(String::as_str).collect();
    let people = who(printed)?;
    if let Some(file) = before(scene, &command)? {
        typist.says("STATEMENT.json", file);
    }
    for (index, person) in people.iter().enumerate() {
        let mut printed = printed.clone();
        if printed.role() == "each auditor" {
            let own = printed.words.iter_mut().filter(|word| *word == people[0]);
            own.for_each(|word| (*person).clone_into(word));
        }
        match command[..] {
            // Each of the two types what `record risk --help` says of them.
            ["record", "risk", ..] if index > 0 => {
                printed.words.truncate(4);
                printed.words.extend(["--as", "treasury"].map(str::to_owned));
            }
            // The second auditor has found something: docs/auditors.md.
            ["attest", ..] if index > 0 => {
                printed.words.extend(["--findings", "findings.sarif"].map(str::to_owned));
            }
            // It would watch for ever.
            ["status", "--watch", ..] => {
                printed.words.extend(["--rounds", "1"].map(str::to_owned));
            }
            _ => {}
        }
        let screen = match command[..] {
            ["init", ..] => init(scene, typist, &printed)?,
            _ => typist.types(&scene.person(person), &printed)?,
        };
        if let Some(hash) = row(&screen, "proposal") {
            typist.says("HASH", hash);
        }
    }
    after(scene, typist, &command)
}

/// What has to be there before a line is typed: who posts what somebody else signed needs that.
fn before(scene: &Scene<'_>, command: &[&str]) -> Result<Option<String>, Failed> {
    let ["record", "post", ..] = command else { return Ok(None) };
    let freeze = ["record", "freeze", "--for", "1d", "--reason", "a doubt", "--as", "bo", "--json"];
    let digest = json_text(&scene.done("bo", &freeze)?, "digest")?;
    Ok(Some(format!("deployments/statements/{digest}.json")))
}

/// What others do once a line is typed.
fn after(scene: &Scene<'_>, typist: &mut Typist, command: &[&str]) -> Outcome {
    match command {
        ["deploy"] => {
            scene.world.settle()?;
            use_contracts(scene, "1.4.0")
        }
        ["attest", ..] => {
            scene.world.settle()?;
            typist.says("FINDING", finding(scene)?);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Where there is no `tidegate.toml` yet, beside the example's own, which has what is filled in.
fn init(scene: &Scene<'_>, typist: &Typist, printed: &Printed) -> Result<String, Failed> {
    let other = scene.beside("new");
    files::copy_tree(scene.project(), other.project())?;
    std::fs::remove_file(other.project().join("tidegate.toml"))?;
    let screen = typist.types(&other.person("eva"), printed)?;
    assert!(other.read("tidegate.toml")?.contains("create = \"Registry\""), "{screen}");
    Ok(screen)
}

/// The key of the only open finding, as `status` shows it.
pub(super) fn finding(scene: &Scene<'_>) -> Result<String, Failed> {
    let shown = said(&scene.run("eva", &["status"], 0)?);
    let mut words = shown.split_whitespace().skip_while(|word| *word != "finding").skip(1);
    Ok(words.next().ok_or_else(|| format!("no finding in {shown}"))?.to_owned())
}

/// The screen of the README has the gates that `status` has, in its order.
fn shows_the_gates(scene: &Scene<'_>, screen: &Block) -> Outcome {
    let printed = screen.commands();
    let [command] = &printed[..] else { return Err("one command on the screen".into()) };
    let screen = Typist::default().types(&scene.person("eva"), command)?;
    let gates = |lines: &[String]| -> Vec<String> {
        let verdicts = ["PASS", "FAIL", "WAITING", "UNKNOWN"];
        let words = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let named = words.filter(|words| words.first().is_some_and(|word| verdicts.contains(word)));
        named.filter_map(|words| words.get(1).map(|&gate| gate.to_owned())).collect()
    };
    let lines: Vec<String> = screen.lines().map(str::to_owned).collect();
    assert_eq!(gates(&command.output), gates(&lines), "{screen}");
    Ok(())
}

/// What a command said under this label.
fn row(screen: &str, label: &str) -> Option<String> {
    let mut lines = screen.lines().map(str::split_whitespace);
    lines.find_map(|mut words| {
        (words.next() == Some(label)).then(|| words.next())?.map(str::to_owned)
    })
}
