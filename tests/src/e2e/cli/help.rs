//! Help and screens fit eighty columns.

use libtest_mimic::Failed;

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: the_help_of_every_command_fits_eighty_columns;
        Funded: status_before_the_deployment_fits_eighty_columns;
        Day13: status_while_soaking_fits_eighty_columns;
        Signed: status_before_and_after_the_promotion_fits_eighty_columns;
    }
}

const COLUMNS: usize = 80;
/// Commands below commands below commands are not what we have.
const DEPTH_MAX: usize = 3;
/// A hash or an address cannot be broken.
const WHOLE: &str = "0x";

fn the_help_of_every_command_fits_eighty_columns(scene: &Scene<'_>) -> Outcome {
    let mut commands = vec![Vec::<String>::new()];
    let mut seen = Vec::new();
    while let Some(command) = commands.pop() {
        for flag in ["--help", "-h"] {
            let args: Vec<&str> = command.iter().map(String::as_str).chain([flag]).collect();
            let ran = scene.person("eva").run(&args)?.expect_code(0)?;
            assert!(ran.stdout.contains("Usage: tidegate"), "{ran:?}");
            fits(&ran.typed(), &ran.stdout)?;
            if flag == "--help" && command.len() < DEPTH_MAX {
                let below = subcommands(&ran.stdout);
                commands.extend(below.map(|name| [&command[..], &[name]].concat()));
            }
        }
        seen.push(command.join(" "));
    }
    for command in ["deploy", "proposal execute", "ledger export", "fund return", "key import"] {
        assert!(seen.iter().any(|name| name == command), "{command} is missing of {seen:?}");
    }
    Ok(())
}

fn subcommands(help: &str) -> impl Iterator<Item = String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    listed.filter_map(|line| {
        let name = line.strip_prefix("  ")?.split_whitespace().next()?;
        (!line.starts_with("   ")).then(|| name.to_owned())
    })
}

fn status_before_the_deployment_fits_eighty_columns(scene: &Scene<'_>) -> Outcome {
    let ran = scene.run("eva", &["status"], 0)?;
    assert!(said(&ran).contains("tidegate deploy testnet"), "the next step is named: {ran:?}");
    fits("status", &ran.stdout)
}

fn status_while_soaking_fits_eighty_columns(scene: &Scene<'_>) -> Outcome {
    let ran = scene.run("eva", &["status"], 0)?;
    assert!(said(&ran).contains("WAITING soak") && ran.stdout.contains("Next"), "{ran:?}");
    fits("status", &ran.stdout)
}

fn status_before_and_after_the_promotion_fits_eighty_columns(scene: &Scene<'_>) -> Outcome {
    fits("status", &scene.run("eva", &["status"], 0)?.stdout)?;
    let (proposal, _) = scene.promotion()?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    fits("status", &scene.run("eva", &["status"], 0)?.stdout)
}

/// Whether text fits the screen.
pub(crate) fn fits(what: &str, text: &str) -> Result<(), Failed> {
    let wide = |line: &&str| line.chars().count() > COLUMNS && !line.contains(WHOLE);
    match text.lines().find(wide) {
        Some(line) => Err(format!("{what}: wider than {COLUMNS}: {line}").into()),
        None => Ok(()),
    }
}
