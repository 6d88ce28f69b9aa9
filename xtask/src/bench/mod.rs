//! `cargo xtask bench`: how long the binary takes, as whoever types its commands feels it.

pub(crate) mod build;
pub(crate) mod deploy;
pub(crate) mod gates;

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tidegate_testkit::{
    Binary, Env, Person, Project, ProjectOptions, TestkitError, Tools, World, WorldOptions, actor,
};

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

/// Each figure is the middle one of this many runs, but for `deploy`, which runs once.
const RUNS: usize = 5;
const MEMORY_POLL_MS: u64 = 1;

/// Prints a line `name value unit` for each figure, on a fresh world.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
pub(crate) fn run() -> XtaskResult {
    let tools = Tools::here()?;
    let folder = tools.root.join("target/bench");
    match std::fs::remove_dir_all(&folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(XtaskError::File { path: folder, source });
        }
        _ => {}
    }
    Binary::here(&tools)?;
    let world = World::start(&tools, &WorldOptions::default())?;
    let options = ProjectOptions::default();
    let project = Project::create(&tools, &world, &folder.join("project"), &options)?;
    let env = Env::new(&tools, &world, &project, &folder.join("cache"))?;
    let engineer = engineer(&env, &world, &folder)?;

    figure("build_cold_ms", millis(&engineer, &["build"])?, "ms");
    figure("build_noop_ms", middle(&engineer, &["build"])?, "ms");
    figure("build_peak_rss_kib", peak_rss_kib(&engineer, &["build"])?, "KiB");
    let started = Instant::now();
    engineer.approve(&["deploy"])?.expect_code(0)?;
    figure("deploy_ms", started.elapsed().as_millis(), "ms");
    world.settle()?;
    figure("verify_ms", middle(&engineer, &["verify"])?, "ms");
    figure("status_ms", middle(&engineer, &["status"])?, "ms");
    gates::run()?;
    build::run()?;
    deploy::run()
}

/// `status` where the demo stands when every gate passes, by the binary of this program's profile.
pub(crate) fn status() -> XtaskResult {
    crate::demo::at_go(|engineer| {
        figure("status_at_go_ms", middle(engineer, &["status"])?, "ms");
        Ok(())
    })
}

/// Somebody who can deploy.
fn engineer(env: &Env, world: &World, folder: &Path) -> Result<Person, TestkitError> {
    const ETHER_WEI: u128 = 1_000_000_000_000_000_000;
    let engineer = Person::new(env, "eva", folder.join("eva"));
    let address = engineer.keep_key("deployer", &actor("deployer"))?;
    world.testnet.set_balance(address, alloy_primitives::U256::from(ETHER_WEI))?;
    world.settle()?;
    Ok(engineer)
}

fn figure(name: &str, value: u128, unit: &str) {
    say(format!("{name} {value} {unit}"));
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
fn millis(person: &Person, args: &[&str]) -> Result<u128, TestkitError> {
    let started = Instant::now();
    person.run(args)?.expect_code(0)?;
    Ok(started.elapsed().as_millis())
}

fn middle(person: &Person, args: &[&str]) -> Result<u128, TestkitError> {
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        runs.push(millis(person, args)?);
    }
    runs.sort_unstable();
    Ok(runs[RUNS / 2])
}

/// The most memory that the command held at once, as the kernel counts it. Its children, such as
/// the compiler, are not in it.
fn peak_rss_kib(person: &Person, args: &[&str]) -> XtaskResult<u128> {
    let mut command: Command = person.command(args);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let run = |source| XtaskError::Run { program: "tidegate".to_owned(), source };
    let mut child = command.spawn().map_err(run)?;
    let mut peak = 0;
    while child.try_wait().map_err(run)?.is_none() {
        peak = peak.max(high_water_kib(&child).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(MEMORY_POLL_MS));
    }
    if peak == 0 { Err(XtaskError::Missing("VmHWM under /proc".to_owned())) } else { Ok(peak) }
}

fn high_water_kib(child: &Child) -> Option<u128> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
