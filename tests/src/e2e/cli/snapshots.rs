//! What people and programs read most, letter by letter. After a wanted change, run with
//! `INSTA_UPDATE=always` and read the difference.

use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: a_build_and_errors_look_as_they_did;
        Day13: status_while_soaking_looks_as_it_did;
    }
}

fn a_build_and_errors_look_as_they_did(scene: &Scene<'_>) -> Outcome {
    same(scene, "build_json", &scene.run("eva", &["build", "--json"], 0)?.stdout);
    same(scene, "error_with_hint", &scene.run("eva", &["verify", "tesnet"], 2)?.stderr);
    let config = scene.read("tidegate.toml")?;
    scene.write("tidegate.toml", &format!("tresury = 1\n{config}"))?;
    same(scene, "error", &scene.run("eva", &["status"], 3)?.stderr);
    Ok(())
}

fn status_while_soaking_looks_as_it_did(scene: &Scene<'_>) -> Outcome {
    same(scene, "status", &scene.run("eva", &["status"], 0)?.stdout);
    Ok(())
}

/// Compares with the file `snapshots/<name>.snap`, whatever the folder of the scene.
fn same(scene: &Scene<'_>, name: &str, text: &str) {
    let text = text.replace(&scene.project().display().to_string(), "[project]");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
