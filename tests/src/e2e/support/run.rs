//! The test binary's `main`.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};

use super::Case;
use super::labs::{LABS, Labs};

/// How many of the slowest cases are named at the end.
const SLOWEST_SHOWN: usize = 10;

type Times = Arc<Mutex<Vec<(Duration, String)>>>;

/// Runs the cases that the arguments select. Cases that begin at a high level come first, so that
/// a lab goes up once and then only down.
pub(crate) fn run(args: &Arguments, mut cases: Vec<Case>) -> ExitCode {
    cases.sort_by_key(|case| std::cmp::Reverse(case.level));
    let labs = Arc::new(Labs::default());
    let times = Times::default();
    let trials = cases.into_iter().map(|case| trial(case, &labs, &times)).collect();
    let threads = args.test_threads.unwrap_or(LABS).clamp(1, LABS);
    let args = Arguments { test_threads: Some(threads), ..args.clone() };
    let conclusion = libtest_mimic::run(&args, trials);
    show(&times);
    drop(labs);
    conclusion.exit_code()
}

#[expect(clippy::disallowed_methods, reason = "a test measures")]
fn trial(case: Case, labs: &Arc<Labs>, times: &Times) -> Trial {
    let (labs, times) = (Arc::clone(labs), Arc::clone(times));
    let Case { name, level, slow, body } = case;
    let trial = Trial::ignorable_test(name.clone(), move || {
        let mut lab = labs.take()?;
        let started = Instant::now();
        let ended = lab.scene(level).and_then(|scene| body(&scene));
        times.lock().unwrap_or_else(PoisonError::into_inner).push((started.elapsed(), name));
        ended
    });
    trial.with_ignored_flag(slow)
}

#[expect(clippy::print_stderr, reason = "the one place from which the tests speak")]
fn show(times: &Times) {
    let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
    if times.is_empty() {
        return;
    }
    times.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let all: Duration = times.iter().map(|(time, _)| *time).sum();
    eprintln!("{} cases in {:.1} s, the slowest:", times.len(), all.as_secs_f64());
    for (time, name) in times.iter().take(SLOWEST_SHOWN) {
        eprintln!("{:>6.1} s  {name}", time.as_secs_f64());
    }
}
