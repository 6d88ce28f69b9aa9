//! The crash matrix: the real binary dies, or its machine fails it, at every effect that it has.
//! An effect is a write to a file, a sync, a rename, a removal, or the send of a transaction.
//!
//! They are counted as the binary has them, so that a new one is covered the day it is added. Each
//! suite prints one line; `cargo xtask crash-matrix` runs all. A check of a change tries some
//! effects of each command, `--full` all.

mod endpoint;
mod journal;
mod run;
mod subject;

use tidegate_testkit::faults::Effect;

use self::endpoint::{QUICK, SEND, SLOW};
use self::run::{Matrix, print_line};
use self::subject::{draw, execute, first_deployment, sixty_steps};
use crate::support::{Case, Outcome, Scene, cases};

/// Of how many effects a check of a change tries one.
const SOME: usize = 24;
/// How often a deployment is killed at a random moment.
const KILLS: u32 = 200;

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: a1_a_deployment_dies_at_some_effects,
            a2_it_dies_again_while_it_recovers,
            b2_bytes_are_on_the_disk_before_they_leave,
            b3_the_disk_fails_a_deployment_at_some_effects,
            c_an_endpoint_fails_some_calls;
        Signed: a1_an_execution_dies_at_some_effects;
    }
}

pub(crate) fn slow_cases() -> Vec<Case> {
    cases! {
        Fresh: a3_sixty_steps_die_at_random_moments;
        Funded: a1_a_deployment_dies_at_every_effect,
            a1_a_draw_dies_at_every_effect,
            a2_it_dies_again_at_every_effect,
            b3_the_disk_fails_a_deployment_at_every_effect,
            c_an_endpoint_fails_every_call_in_every_way;
        Signed: a1_an_execution_dies_at_every_effect;
    }
}

fn a1_a_deployment_dies_at_some_effects(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.dies("A1 deploy", SOME)
}

fn a1_a_deployment_dies_at_every_effect(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.dies("A1 deploy", 1)
}

fn a1_a_draw_dies_at_every_effect(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, draw(scene)?)?.dies("A1 fund draw", 1)
}

fn a1_an_execution_dies_at_some_effects(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, execute(scene)?)?.dies("A1 proposal execute", SOME)
}

fn a1_an_execution_dies_at_every_effect(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, execute(scene)?)?.dies("A1 proposal execute", 1)
}

fn a2_it_dies_again_while_it_recovers(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.dies_twice("A2 deploy", (5 * SOME, 3 * SOME))
}

fn a2_it_dies_again_at_every_effect(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.dies_twice("A2 deploy", (SOME / 2, SOME / 2))
}

fn a3_sixty_steps_die_at_random_moments(scene: &Scene<'_>) -> Outcome {
    let sixty = scene.other("sixty", &[])?;
    Matrix::of(&sixty, sixty_steps(&sixty)?)?.dies_at_random("A3 deploy of 60 steps", KILLS)
}

fn b3_the_disk_fails_a_deployment_at_some_effects(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.fails("B3 deploy", SOME)
}

fn b3_the_disk_fails_a_deployment_at_every_effect(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.fails("B3 deploy", 1)
}

fn c_an_endpoint_fails_some_calls(scene: &Scene<'_>) -> Outcome {
    let matrix = Matrix::of(scene, first_deployment(scene)?)?;
    let asked = matrix.asked()?;
    let each = asked.iter().zip(QUICK.iter().cycle());
    let each = each.map(|((method, calls), fault)| (*method, *calls, *fault));
    let sends = asked.iter().filter(|(method, _)| *method == SEND);
    let sends = sends.flat_map(|(method, calls)| QUICK.map(|fault| (*method, *calls, fault)));
    let all = each.chain(sends).collect::<Vec<_>>();
    matrix.fails_to_answer("C deploy", &all)
}

fn c_an_endpoint_fails_every_call_in_every_way(scene: &Scene<'_>) -> Outcome {
    let matrix = Matrix::of(scene, first_deployment(scene)?)?;
    let faults = QUICK.iter().chain(&SLOW);
    let asked = matrix.asked()?;
    let all = asked
        .iter()
        .flat_map(|(method, calls)| faults.clone().map(|fault| (*method, *calls, *fault)));
    let all = all.collect::<Vec<_>>();
    matrix.fails_to_answer("C deploy", &all)
}

/// Between the last write to the journal and a send there is a sync of it: at every send.
fn b2_bytes_are_on_the_disk_before_they_leave(scene: &Scene<'_>) -> Outcome {
    let matrix = Matrix::of(scene, first_deployment(scene)?)?;
    let mut sends = 0;
    let mut unsynced = None;
    for effect in &matrix.clean {
        match effect.name.as_str() {
            "write" if is_journal(effect) => unsynced = Some(effect),
            "sync" if is_journal(effect) => unsynced = None,
            "send" => {
                sends += 1;
                assert_eq!(unsynced, None, "{effect:?} leaves before this is synced");
            }
            _ => {}
        }
    }
    // The first transaction, and all others in one window.
    assert!(sends >= 2, "{:?}", matrix.clean);
    print_line(&format!("B2 sync before send: {sends} of {sends} requests"));
    Ok(())
}

/// Whether it is of the file that SQLite appends transactions to.
fn is_journal(effect: &Effect) -> bool {
    effect.of.contains("/journal/") && effect.of.ends_with("-wal")
}
