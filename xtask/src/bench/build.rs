//! `cargo xtask bench build`: our build against forge's, side by side on one project with one
//! compiler.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tidegate_testkit::{Env, Person, Project, Tools, solc_wrapper};

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

/// Each figure is the middle one of this many runs. Ours and forge's take turns, so that
/// whatever else the computer does slows both down.
const NOOP_RUNS: usize = 11;
const COLD_RUNS: usize = 3;
const MEMORY_POLL: Duration = Duration::from_millis(2);

/// Prints a line `name value unit` for each figure. The project is the example's, without tests;
/// both compile it with npm's compiler through the same wrapper and with the same settings. Cold
/// is without anything that an earlier build left behind; no-op is with all of it.
pub(crate) fn run() -> XtaskResult {
    let tools = Tools::here()?;
    let folder = tools.root.join("target/bench/build");
    remove(&folder)?;
    let project = Project::copy(&tools, &folder.join("project"))?;
    let ours = ours(&tools, &project, &folder)?;
    let forge = forge(&tools, &project, &folder)?;

    let (mut cold, mut forge_cold) = (Vec::new(), Vec::new());
    for _ in 0..COLD_RUNS {
        cold.push(ours.cold()?);
        forge_cold.push(forge.cold()?);
    }
    let (mut noop, mut forge_noop) = (Vec::new(), Vec::new());
    for _ in 0..NOOP_RUNS {
        noop.push(ours.run()?);
        forge_noop.push(forge.run()?);
    }
    let figures =
        [("noop", middle(noop), middle(forge_noop)), ("cold", middle(cold), middle(forge_cold))];
    for (name, ours, forge) in &figures {
        say(format!("build_{name}_ms {:.0} ms", ours.time.as_secs_f64() * 1e3));
        say(format!("forge_{name}_ms {:.0} ms", forge.time.as_secs_f64() * 1e3));
    }
    for (name, ours, forge) in &figures {
        let ratio = ours.time.as_secs_f64() / forge.time.as_secs_f64();
        say(format!("build_{name}_vs_forge {ratio:.2} ratio"));
    }
    let [_, (_, ours, forge)] = figures;
    say(format!("build_peak_mb {} MB", ours.peak_kib / 1_000));
    say(format!("forge_peak_mb {} MB", forge.peak_kib / 1_000));
    Ok(())
}

/// A build that can be repeated.
struct Build {
    command: Box<dyn Fn() -> Command>,
    /// What it leaves behind.
    leaves: Vec<PathBuf>,
}

/// One run: how long it took, and the most memory that its process and all below it, such as the
/// compiler, were seen to hold at once.
#[derive(Debug, Clone, Copy)]
struct Run {
    time: Duration,
    peak_kib: u64,
}

impl Build {
    fn cold(&self) -> XtaskResult<Run> {
        self.leaves.iter().try_for_each(|path| remove(path))?;
        self.run()
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    fn run(&self) -> XtaskResult<Run> {
        let mut command = (self.command)();
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |source| XtaskError::Run { program: program.clone(), source };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().map_err(failed)?;
        let id = child.id();
        // Another thread looks at memory, so that the end is seen when it comes.
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            let mut peak = 0;
            loop {
                peak = peak.max(tree_kib(id));
                if ended.recv_timeout(MEMORY_POLL)
                    != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                {
                    return peak;
                }
            }
        });
        let status = child.wait().map_err(failed)?;
        let time = started.elapsed();
        drop(done);
        let peak_kib = watch.join().unwrap_or_default();
        if !status.success() {
            return Err(XtaskError::Check("a build"));
        }
        if peak_kib == 0 {
            return Err(XtaskError::Missing("VmRSS under /proc".to_owned()));
        }
        Ok(Run { time, peak_kib })
    }
}

/// The binary as it is released.
pub(super) fn release(tools: &Tools) -> XtaskResult<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "--package", "tidegate-cli", "--bin", "tidegate"]);
    cargo.current_dir(&tools.root);
    let failed = |source| XtaskError::Run { program: "cargo".to_owned(), source };
    if !cargo.status().map_err(failed)?.success() {
        return Err(XtaskError::Check("the release build"));
    }
    Ok(tools.root.join("target/release/tidegate"))
}

fn ours(tools: &Tools, project: &Project, folder: &Path) -> XtaskResult<Build> {
    let binary = release(tools)?;
    let cache = folder.join("cache");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let env = Env {
        binary,
        project: project.root().to_owned(),
        variables: [
            ("PATH".to_owned(), text(tools.node.parent().unwrap_or(Path::new("/")))),
            ("XDG_CACHE_HOME".to_owned(), text(&cache)),
        ]
        .into(),
    };
    let person = Person::new(&env, "eva", folder.join("eva"));
    let leaves = vec![cache, folder.join("eva/checkouts")];
    Ok(Build { command: Box::new(move || person.command(&["build"])), leaves })
}

fn forge(tools: &Tools, project: &Project, folder: &Path) -> XtaskResult<Build> {
    let wrapper = solc_wrapper(tools)?;
    let root = project.root().to_owned();
    let leaves = vec![root.join("out"), root.join("cache")];
    let (forge, home) = (tools.forge.clone(), folder.join("forge"));
    let path = tools.node.parent().unwrap_or(Path::new("/")).to_owned();
    let command = move || {
        let mut command = Command::new(&forge);
        command.args(["build", "--offline", "--use"]).arg(&wrapper).current_dir(&root);
        command.env_clear().env("PATH", &path).env("HOME", &home);
        command
    };
    Ok(Build { command: Box::new(command), leaves })
}

fn middle(mut runs: Vec<Run>) -> Run {
    let peak_kib = runs.iter().map(|run| run.peak_kib).max().unwrap_or_default();
    runs.sort_unstable_by_key(|run| run.time);
    Run { peak_kib, ..runs[runs.len() / 2] }
}

/// What a process and all below it hold. What several of them share counts for each.
fn tree_kib(root: u32) -> u64 {
    let Ok(entries) = Path::new("/proc").read_dir() else { return 0 };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let processes: Vec<(u32, u32, u64)> = ids.filter_map(status).collect();
    let mut tree = vec![root];
    let mut sum = 0;
    while let Some(id) = tree.pop() {
        sum += processes.iter().filter(|p| p.0 == id).map(|p| p.2).sum::<u64>();
        tree.extend(processes.iter().filter(|p| p.1 == id).map(|p| p.0));
    }
    sum
}

/// A process, its parent, and what it holds.
fn status(id: u32) -> Option<(u32, u32, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let number = |label: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(label))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some((id, u32::try_from(number("PPid:")?).ok()?, number("VmRSS:")?))
}

pub(super) fn remove(path: &Path) -> XtaskResult {
    let removed =
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(XtaskError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
