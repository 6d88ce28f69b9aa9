//! `status --watch`: what changes, samples, and how it stops.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use serde_json::Value;
use tidegate_testkit::{Reply, ScriptedNode, actor_address};

use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Day13: watching_says_what_changed_and_signs_one_sample_a_day;
        Ready: watching_outlives_an_endpoint_and_stops_when_told;
    }
}

fn watching_says_what_changed_and_signs_one_sample_a_day(scene: &Scene<'_>) -> Outcome {
    let watch =
        ["status", "--watch", "--every", "1s", "--rounds", "2", "--json", "--as", "treasury"];
    let lines = |ran: &str| -> Vec<Value> {
        ran.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
    };
    let first = lines(&scene.done("kim", &watch)?.stdout);
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(first[0]["sample"].is_string(), "{first:?}");
    assert_eq!(first[1]["changes"], serde_json::json!([]), "nothing changed: {first:?}");
    assert!(first[1]["sample"].is_null());
    scene.world.advance_days(1, 10)?;
    let later = lines(&scene.done("kim", &watch)?.stdout);
    assert!(later[0]["sample"].is_string(), "another day: {later:?}");
    let status = scene.status()?;
    let samples = status.0["soak"]["samples"].as_array().cloned().unwrap_or_default();
    assert_eq!(samples.len(), 2, "{samples:?}");
    for sample in samples {
        assert_eq!((&sample["by"], &sample["canonical"]), (&"kim".into(), &true.into()));
        assert_eq!(sample["state"], status.0["soak"]["state"]);
    }
    let statements = std::fs::read_dir(scene.project().join("deployments/statements"))?;
    let kim = actor_address("treasury").to_string().to_lowercase();
    let mut signed = 0;
    for entry in statements {
        let text = std::fs::read_to_string(entry?.path())?;
        signed += usize::from(text.contains("soak/sample") && text.contains(&kim));
    }
    assert_eq!(signed, 2);
    Ok(())
}

fn watching_outlives_an_endpoint_and_stops_when_told(scene: &Scene<'_>) -> Outcome {
    let down = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let switch = std::sync::Arc::clone(&down);
    let node = ScriptedNode::start(Some(scene.world.testnet.url()), move |_, _| {
        if switch.load(std::sync::atomic::Ordering::Acquire) {
            Reply::HangUp
        } else {
            Reply::Forward
        }
    })?;
    let eva = scene.person("eva").with_variable("TESTNET_RPC", &node.url());
    let mut child = eva.command(&["status", "--watch", "--every", "1s", "--check"]).spawn()?;
    let output = child.stdout.take().ok_or("its output")?;
    let mut seen = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if line.contains("soak UNKNOWN") {
            down.store(false, std::sync::atomic::Ordering::Release);
        }
        let done = line.contains("soak PASS");
        seen.push(line);
        if done {
            let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
            assert!(told.success());
        }
    }
    let ended = child.wait()?;
    assert!(seen.iter().any(|line| line.contains("soak UNKNOWN")), "{seen:?}");
    assert_eq!(ended.code(), Some(0), "the verdict of the last round: {seen:?}");
    Ok(())
}
