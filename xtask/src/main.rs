//! What this repository does to itself: `cargo xtask ci`, `tidy`, `mutants`,
//! `crash-matrix`, `demo` and `bench`.

mod bench;
mod ci;
mod demo;
mod error;
mod mutants;
mod terminal;
mod tidy;
mod tools;

use std::process::ExitCode;

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::{fail, say};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  ci [--full]   every check, as continuous integration runs them
  tidy          the checks that no other tool makes
  mutants       faults in the crates that decide, which their unit tests must notice
  mutants K/N   only part K of N, counted from 0
  crash-matrix  the binary killed, and failed by its disk, at every effect; a line a suite
  demo          a release from a clean checkout to mainnet, on two local chains
  bench         times and sizes of the binary, a line `name value unit` each
  bench build   only `build` as it is released, against forge
  bench deploy  only `deploy` as it is released, against forge script
  bench status  only `status`, where the demo stands when every gate passes
  bench gates   only all gates on 10,000 statements and observations
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            fail(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> XtaskResult {
    match args {
        ["ci"] => ci::run(ci::Scope::Quick),
        ["ci", "--full"] => ci::run(ci::Scope::Full),
        ["tidy"] => tidy::run(),
        ["mutants"] => mutants::run(None),
        ["mutants", part] => mutants::run(Some(part)),
        ["crash-matrix"] => ci::crash_matrix(),
        ["demo"] => demo::run(),
        ["bench"] => bench::run(),
        ["bench", "build"] => bench::build::run(),
        ["bench", "deploy"] => bench::deploy::run(),
        ["bench", "status"] => bench::status(),
        ["bench", "gates"] => bench::gates::run(),
        [] | ["help" | "-h" | "--help"] => {
            say(USAGE.trim_end());
            Ok(())
        }
        _ => Err(XtaskError::Usage(USAGE)),
    }
}
