//! The pipeline end to end: the real binary against real chains, the real Safe and the real
//! compiler.
//!
//! A lab is a world of two chains, taken through the pipeline once. Each case gets the chains and
//! the folders as they were at the level it names, and may do with them what it likes.

mod again;
mod audits;
mod bad_input;
mod begun_anew;
mod behind;
mod bundle;
mod cheat;
mod cli;
mod clone;
mod corpus;
mod crash;
mod diff;
mod documented;
mod existing;
mod explain;
mod follow;
mod kinds;
mod matrix;
mod mutants;
mod partial;
mod pipeline;
mod protocols;
mod redeploy;
mod results;
mod stranger;
mod support;
mod tamper;
mod terminal;
mod testnets;
mod upgrade;
mod vyper;
mod watch;

use std::process::ExitCode;

use libtest_mimic::Arguments;

use crate::support::Case;

fn main() -> ExitCode {
    let themes = [
        pipeline::cases(),
        audits::cases(),
        behind::cases(),
        clone::cases(),
        crash::cases(),
        diff::cases(),
        documented::cases(),
        kinds::cases(),
        matrix::cases(),
        mutants::cases(),
        partial::cases(),
        redeploy::cases(),
        again::cases(),
        begun_anew::cases(),
        results::cases(),
        tamper::cases(),
        terminal::cases(),
        testnets::cases(),
        cheat::cases(),
        stranger::cases(),
        bad_input::cases(),
        bundle::cases(),
        cli::cases(),
        upgrade::cases(),
        watch::cases(),
        existing::cases(),
        explain::cases(),
        follow::cases(),
        corpus::cases(),
        protocols::cases(),
        vyper::cases(),
        Case::slow(corpus::slow_cases()),
        Case::slow(protocols::slow_cases()),
        Case::slow(bundle::slow_cases()),
        Case::slow(documented::slow_cases()),
        Case::slow(matrix::slow_cases()),
    ];
    support::run(&Arguments::from_args(), themes.into_iter().flatten().collect())
}
