//! What a release's state rests on, for people; and gates that prove they can fail.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Day13: each_gate_is_explained_by_its_blocks, a_report_is_markdown_or_a_page;
        Ready: every_gate_refuses_damaged_inputs;
    }
}

fn each_gate_is_explained_by_its_blocks(scene: &Scene<'_>) -> Outcome {
    let status = scene.status()?.0;
    let explained = scene.run("eva", &["status", "--explain"], 0)?;
    let text = said(&explained);
    for report in status["gates"].as_array().into_iter().flatten() {
        let (gate, verdict) = (&report["gate"], &report["result"]["verdict"]);
        let head = format!("{}: {}", text_of(gate)?, text_of(verdict)?);
        assert!(text.contains(&head), "{head}");
        for input in report["inputs"].as_array().into_iter().flatten() {
            for hash in [&input["block"]["hash"], &input["digest"]] {
                assert!(text.contains(text_of(hash)?), "{gate}: {hash}");
            }
        }
    }
    let earliest = text_of(&status["earliest"])?;
    assert!(earliest.contains("not before") && earliest.contains("audits"), "{earliest}");
    assert!(text.contains(earliest));
    let columns = explained.stdout.lines().map(|line| line.chars().count()).max();
    assert!(columns.is_some_and(|columns| columns <= 80), "{columns:?}");
    Ok(())
}

fn a_report_is_markdown_or_a_page(scene: &Scene<'_>) -> Outcome {
    for (name, begins) in [("r.md", "# vault-1.4.0"), ("r.html", "<!doctype html>")] {
        scene.run("eva", &["status", "--report", name], 0)?;
        let text = scene.read(name)?;
        assert!(text.starts_with(begins), "{text}");
        for words in ["For engineers", "For auditors", "For treasurers", "13d"] {
            assert!(text.contains(words), "{name}: {words}");
        }
    }
    let refused = scene.run("eva", &["status", "--report", "r.pdf"], 2)?;
    assert!(said(&refused).contains(".md or .html"));
    assert!(scene.read("r.pdf").is_err());
    Ok(())
}

fn every_gate_refuses_damaged_inputs(scene: &Scene<'_>) -> Outcome {
    let checked = scene.run("eva", &["policy", "check", "--json"], 0)?.json()?;
    for list in ["controls", "onRelease"] {
        let controls = checked[list].as_array().into_iter().flatten();
        let tried: Vec<_> = controls.filter(|c| c["verdict"].is_string()).collect();
        assert!(tried.len() > 30, "{checked}");
        assert!(tried.iter().all(|c| c["verdict"] != "PASS" && c["verdict"] != "WAIVED"));
    }
    // A dry run shows all that would be proposed.
    let dry = said(&scene.run("eva", &["promote", "--dry-run"], 0)?);
    for shown in ["damaged inputs, all refused", "Differs from the testnet", "valid until", "gas "]
    {
        assert!(dry.contains(shown), "{shown}: {dry}");
    }
    assert!(dry.contains("calls in one Safe transaction") && scene.promotion().is_err(), "{dry}");
    let promoted = scene.run("eva", &["promote"], 0)?;
    assert!(said(&promoted).contains("damaged inputs, all refused"), "{}", promoted.stdout);
    Ok(())
}

fn text_of(value: &Value) -> Result<&str, Failed> {
    Ok(value.as_str().ok_or("no text")?)
}
