//! The crash matrix: the real binary dies, or its machine fails it, at every effect that it has.
//! An effect is a write to a file, a sync, a rename, a removal, or the send of a transaction.
//!
//! They are counted as the binary has them, so that a new one is covered the day it is added. Each
//! suite prints one line; `cargo xtask crash-matrix` runs all. A check of a change tries some
//! effects of each command, `--full` all.

mod journal;
mod subject;

use std::path::PathBuf;

use libtest_mimic::Failed;
use tidegate_testkit::faults::{Effect, Fault, effects, fault_library};

use self::journal::checked;
use self::subject::{Left, Subject, draw, execute, first_deployment};
use crate::support::{Case, Outcome, Scene, Start, cases};

/// Of how many effects a check of a change tries one.
const SOME: usize = 24;
/// What a disk may say: EIO, ENOSPC, EDQUOT.
const ERRORS: [i32; 3] = [5, 28, 122];

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: a1_a_deployment_dies_at_some_effects,
            a2_it_dies_again_while_it_recovers,
            b2_bytes_are_on_the_disk_before_they_leave,
            b3_the_disk_fails_a_deployment_at_some_effects;
        Signed: a1_an_execution_dies_at_some_effects;
    }
}

pub(crate) fn slow_cases() -> Vec<Case> {
    cases! {
        Funded: a1_a_deployment_dies_at_every_effect,
            a1_a_draw_dies_at_every_effect,
            a2_it_dies_again_at_every_effect,
            b3_the_disk_fails_a_deployment_at_every_effect;
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

fn b3_the_disk_fails_a_deployment_at_some_effects(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.fails("B3 deploy", SOME)
}

fn b3_the_disk_fails_a_deployment_at_every_effect(scene: &Scene<'_>) -> Outcome {
    Matrix::of(scene, first_deployment(scene)?)?.fails("B3 deploy", 1)
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
    assert!(sends >= 5, "{:?}", matrix.clean);
    print_line(&format!("B2 sync before send: {sends} of {sends}"));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the line of a suite is what it is run for")]
fn print_line(line: &str) {
    println!("{line}");
}

/// Whether it is of the file that SQLite appends transactions to.
fn is_journal(effect: &Effect) -> bool {
    effect.of.contains("/journal/") && effect.of.ends_with("-wal")
}

/// One command, what it does undisturbed, and how to begin again.
struct Matrix<'a> {
    scene: &'a Scene<'a>,
    subject: Subject,
    start: Start,
    library: PathBuf,
    clean: Vec<Effect>,
    done: Left,
}

/// How the cases of a suite ended.
#[derive(Debug, Default)]
struct Tally {
    cases: u32,
    recovered: u32,
    /// With fewer transactions than undisturbed.
    lost: u32,
    /// With more.
    duplicated: u32,
    /// Left to a person: the same command again did not end well.
    manual: u32,
    /// What went wrong, for people.
    wrong: Vec<String>,
}

impl Tally {
    /// Prints the suite's line, and fails where one did not recover.
    fn print(&self, suite: &str) -> Outcome {
        let Self { cases, recovered, lost, duplicated, manual, wrong } = self;
        print_line(&format!(
            "{suite}: cases {cases}, recovered {recovered}, lost {lost}, duplicated {duplicated}, \
             manual {manual}"
        ));
        if recovered == cases { Ok(()) } else { Err(wrong.join("\n").into()) }
    }
}

impl<'a> Matrix<'a> {
    fn of(scene: &'a Scene<'a>, subject: Subject) -> Result<Self, Failed> {
        let library = fault_library(scene.tools)?;
        let mut start = Start::save(scene)?;
        let log = scene.folder().join("effects");
        let person = scene.person(subject.person).with_faults(&library, &log, None);
        person.run(&subject.command)?.expect_code(0)?;
        let clean = effects(&log)?;
        let done = (subject.outcome)(scene)?;
        checked(scene, &subject)?;
        start.restore(scene)?;
        Ok(Self { scene, subject, start, library, clean, done })
    }

    /// The points of one run: before every effect, and after what leaves the machine.
    fn points(&self, every: usize) -> Vec<(usize, Fault)> {
        let before = self.clean.iter().map(|effect| (effect.number, Fault::KilledBefore));
        let sends = self.clean.iter().filter(|effect| effect.name == "send");
        let after = sends.map(|effect| (effect.number, Fault::KilledAfter));
        let before = before.enumerate().filter(|(at, _)| at % every == every / 2);
        before.map(|(_, point)| point).chain(after.step_by(every.div_ceil(8))).collect()
    }

    /// Runs the command with a fault. Its exit code: -1 where it was killed.
    fn run(&self, fault: Option<(usize, Fault)>) -> Result<i32, Failed> {
        let log = self.scene.folder().join("effects");
        let person = self.scene.person(self.subject.person);
        let person = person.with_faults(&self.library, &log, fault);
        Ok(person.run(&self.subject.command)?.code)
    }

    /// Runs the command once more, and compares what is there with an undisturbed run.
    fn recover(&self, tally: &mut Tally, context: &str) -> Outcome {
        tally.cases += 1;
        let ran = self.scene.person(self.subject.person).run(&self.subject.command)?;
        let found = (self.subject.outcome)(self.scene)?;
        tally.lost += u32::from(found.sent < self.done.sent);
        tally.duplicated += u32::from(found.sent > self.done.sent);
        tally.manual += u32::from(ran.code != 0);
        let checked = checked(self.scene, &self.subject);
        if ran.code == 0 && found == self.done && checked.is_ok() {
            tally.recovered += 1;
        } else {
            tally.wrong.push(format!("{context}: {ran:?}\n{found:?}\n{checked:?}"));
        }
        Ok(())
    }

    fn dies(mut self, suite: &str, every: usize) -> Outcome {
        let mut tally = Tally::default();
        for (number, fault) in self.points(every) {
            self.start.restore(self.scene)?;
            let context = format!("{suite}: {fault:?} {:?}", self.clean[number]);
            let code = self.run(Some((number, fault)))?;
            assert!(code == -1 || code == 0, "{context}: {code}");
            self.recover(&mut tally, &context)?;
        }
        tally.print(suite)
    }

    fn dies_twice(mut self, suite: &str, every: (usize, usize)) -> Outcome {
        let mut tally = Tally::default();
        for (number, fault) in self.points(every.0) {
            let mut again = every.1 / 2;
            loop {
                self.start.restore(self.scene)?;
                self.run(Some((number, fault)))?;
                let context = format!("{suite}: {fault:?} {:?}, then {again}", self.clean[number]);
                if self.run(Some((again, Fault::KilledBefore)))? != -1 {
                    break;
                }
                self.recover(&mut tally, &context)?;
                again += every.1;
            }
        }
        tally.print(suite)
    }

    /// A call that fails ends the command with an error or does not matter; nothing is lost by it.
    fn fails(mut self, suite: &str, every: usize) -> Outcome {
        let mut tally = Tally::default();
        let points: Vec<_> = self.points(every);
        for (number, _) in points.into_iter().filter(|(_, fault)| *fault == Fault::KilledBefore) {
            let errno = ERRORS[number % ERRORS.len()];
            self.start.restore(self.scene)?;
            let context = format!("{suite}: error {errno} at {:?}", self.clean[number]);
            let code = self.run(Some((number, Fault::Fails(errno))))?;
            assert!(code >= 0 && code != 101, "{context}: it ended by a panic or a signal, {code}");
            self.recover(&mut tally, &context)?;
        }
        tally.print(suite)
    }
}
