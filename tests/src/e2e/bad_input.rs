//! Wrong input: one clear error, its documented exit code, a hint, and nothing written.

mod chains;
mod config;
mod keys;
mod lanes;
mod sources;
mod statements;

use libtest_mimic::Failed;
use tidegate_testkit::{Person, Ran};

use crate::support::{Case, Scene, files, messages, said};

pub(crate) fn cases() -> Vec<Case> {
    let themes = [
        chains::cases(),
        config::cases(),
        keys::cases(),
        lanes::cases(),
        sources::cases(),
        statements::cases(),
    ];
    themes.into_iter().flatten().collect()
}

/// What a refusal says.
struct Refusal<'a> {
    code: i32,
    /// Pieces of the error and its causes.
    says: &'a [&'a str],
    /// A piece of a hint; none is asked for where it is empty.
    hint: &'a str,
}

/// Types a command that is refused, and checks that nothing was written but this machine's own
/// memory and caches.
fn refused(
    scene: &Scene<'_>,
    person: &Person,
    args: &[&str],
    expected: &Refusal<'_>,
) -> Result<Ran, Failed> {
    let own = ["checkouts", "journal", "safes.toml", "node_modules"];
    let before = files::read_tree(scene.folder(), &own)?;
    let ran = person.run(args)?;
    let changed = files::differences(&before, &files::read_tree(scene.folder(), &own)?);
    if !changed.is_empty() {
        return Err(format!("{changed:?} was written: {ran:?}").into());
    }
    check(&ran, expected)
        .map_err(|why| format!("{why}\n{}\n{}{}", ran.typed(), ran.stdout, ran.stderr))?;
    Ok(ran)
}

fn check(ran: &Ran, expected: &Refusal<'_>) -> Result<(), String> {
    let Refusal { code, says, hint } = *expected;
    if ran.code != code {
        return Err(format!("exit code {}, not {code}", ran.code));
    }
    let errors = messages(ran, "error").len();
    if errors != 1 {
        return Err(format!("{errors} errors"));
    }
    if ran.stderr.contains("panicked") {
        return Err("a panic".to_owned());
    }
    let text = said(ran);
    if let Some(missing) = says.iter().find(|words| !text.contains(**words)) {
        return Err(format!("it does not say {missing:?}"));
    }
    let hinted = hint.is_empty() || messages(ran, "hint").iter().any(|line| line.contains(hint));
    if hinted { Ok(()) } else { Err(format!("no hint says {hint:?}")) }
}
