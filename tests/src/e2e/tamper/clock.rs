//! The machine's clock decides nothing.

use std::path::Path;

use libtest_mimic::{Completion, Failed};
use tidegate_testkit::{DAY_SECS, Person, Ran};

use crate::support::{Case, Scene, Status, cases, messages};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Day13: cheat_clock_moved_on_day_13;
        Ready: cheat_clock_moved_on_day_14;
    }
}

/// Where distributions put libfaketime.
const LIBRARIES: [&str; 7] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.1.dylib",
    "/opt/homebrew/lib/faketime/libfaketime.1.dylib",
];
/// How wrong the clock is, in days.
const SKEW_DAYS: u64 = 30;

fn cheat_clock_moved_on_day_13(scene: &Scene<'_>) -> Result<Completion, Failed> {
    check(scene, 30)
}

fn cheat_clock_moved_on_day_14(scene: &Scene<'_>) -> Result<Completion, Failed> {
    check(scene, 0)
}

fn check(scene: &Scene<'_>, code: i32) -> Result<Completion, Failed> {
    let Some(library) = LIBRARIES.into_iter().find(|path| Path::new(path).is_file()) else {
        return Ok(Completion::ignored_with("libfaketime is not installed (package `faketime`)"));
    };
    let chain = scene.world.latest_time()?;
    let skew = SKEW_DAYS * DAY_SECS;
    let mut seen = Vec::new();
    for (now, warnings) in [(chain, 0), (chain - skew, 1), (chain + skew, 1)] {
        let eva = scene
            .person("eva")
            .with_variable("LD_PRELOAD", library)
            .with_variable("DYLD_INSERT_LIBRARIES", library)
            .with_variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .with_variable("FAKETIME_FMT", "%s")
            .with_variable("FAKETIME", &now.to_string());
        let run = |args: &[&str]| -> Result<Ran, Failed> {
            let ran = eva.run(args)?;
            let warned = messages(&ran, "warning");
            assert_eq!(warned.len(), warnings, "{ran:?}");
            assert!(warned.iter().all(|warning| warning.contains("clock")), "{ran:?}");
            Ok(ran)
        };
        let status = Status::of(&run(&["status", "--json"])?)?;
        run(&["status", "--check"])?.expect_code(code)?;
        let promote = Status::of(&run(&["promote", "--json"])?.expect_code(code)?)?;
        seen.push((status.shared(), promote.shared()));
        forget_proposals(&eva)?;
    }
    assert_eq!(seen[1], seen[0], "a month behind");
    assert_eq!(seen[2], seen[0], "a month ahead");
    Ok(Completion::Completed)
}

/// The next `promote` shall begin where this one did.
fn forget_proposals(person: &Person) -> Result<(), Failed> {
    let folder = person.project().join("deployments/mainnet/proposals");
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if std::fs::read_to_string(&path)?.contains("\"promotion\"") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
