//! A release from a clean checkout to mainnet, on two local chains.
//!
//! The demo itself only lets time pass, uses the contracts as testers do, and types commands. All
//! else is done by the binary.

mod people;
mod project;
mod shell;
mod story;
mod table;
mod world;

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use tidegate_testkit::{Env, Person, Project, ProjectOptions, Tools, World};

use self::people::People;
use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

/// Builds the binary, then plays the whole story below `target/demo`.
#[expect(clippy::disallowed_methods, reason = "how long the demo takes")]
pub(crate) fn run() -> XtaskResult {
    let tools = Tools::here()?;
    build(&tools)?;
    let started = Instant::now();
    let stage = Stage::set(&tools)?;
    let end = story::play(&stage.world, &stage.project, &stage.people)?;
    table::show(&stage.world, &stage.people, &end)?;
    say(format!("\nThe demo took {} s.", started.elapsed().as_secs()));
    say(format!("PROMOTED {} {}", end.release, end.release_root));
    Ok(())
}

/// Plays the story until every gate passes, and hands over who may then type commands.
pub(crate) fn at_go(measure: impl FnOnce(&Person) -> XtaskResult) -> XtaskResult {
    let stage = Stage::set(&Tools::here()?)?;
    story::until_go(&stage.world, &stage.project, &stage.people)?;
    measure(&stage.people.eva)
}

/// Two chains, a project and its people, before anything happened.
struct Stage {
    world: World,
    project: Project,
    people: People,
}

impl Stage {
    fn set(tools: &Tools) -> XtaskResult<Self> {
        world::require_ports()?;
        let folder = fresh_folder(tools)?;
        let cache = folder.join("cache");
        let project = project::copy(tools, &folder)?;
        let (world, people) = thread::scope(|scope| {
            let warm_up = scope.spawn(|| project::warm_up(tools, &project, &cache));
            let world = world::start(tools, &folder)?;
            let env = Env::new(tools, &world, &project, &cache)?;
            let people = people::gather(&env, &folder)?;
            warm_up.join().expect("a warm-up does not panic")?;
            Ok::<_, XtaskError>((world, people))
        })?;
        project.write_config(&world, &ProjectOptions::default())?;
        Ok(Self { world, project, people })
    }
}

fn build(tools: &Tools) -> XtaskResult {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&tools.root).args(["build", "--workspace", "--bin", "tidegate"]);
    let run = |source| XtaskError::Run { program: "cargo".to_owned(), source };
    if cargo.status().map_err(run)?.success() { Ok(()) } else { Err(XtaskError::Check("build")) }
}

/// `target/demo`, empty.
fn fresh_folder(tools: &Tools) -> XtaskResult<PathBuf> {
    let path = tools.root.join("target/demo");
    let removed = std::fs::remove_dir_all(&path);
    match removed.or_else(absent_is_fine) {
        Ok(()) => {}
        Err(source) => return Err(XtaskError::File { path, source }),
    }
    std::fs::create_dir_all(&path)
        .map_err(|source| XtaskError::File { path: path.clone(), source })?;
    Ok(path)
}

fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
