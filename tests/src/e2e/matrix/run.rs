//! The runs of one command: undisturbed, disturbed, and once more.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use libtest_mimic::Failed;
use tidegate_testkit::faults::{Effect, Fault, effects, fault_library};
use tidegate_testkit::{Ran, Reply, ScriptedNode};

use super::endpoint::{self, METHODS, SEND};
use super::journal::checked;
use super::subject::{Left, Subject};
use crate::crash::{SEED, fraction, kill_at, seed};
use crate::support::{Outcome, Scene, Start};

/// What a disk may say: EIO, ENOSPC, EDQUOT.
const ERRORS: [i32; 3] = [5, 28, 122];

#[expect(clippy::print_stdout, reason = "the line of a suite is what it is run for")]
pub(super) fn print_line(line: &str) {
    println!("{line}");
}

/// One command, what it does undisturbed, and how to begin again.
pub(super) struct Matrix<'a> {
    scene: &'a Scene<'a>,
    subject: Subject,
    start: Start,
    library: PathBuf,
    /// The effects of an undisturbed run.
    pub(super) clean: Vec<Effect>,
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
    pub(super) fn of(scene: &'a Scene<'a>, subject: Subject) -> Result<Self, Failed> {
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

    pub(super) fn dies(mut self, suite: &str, every: usize) -> Outcome {
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

    pub(super) fn dies_twice(mut self, suite: &str, every: (usize, usize)) -> Outcome {
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

    /// Dies as often at moments that nobody chose. A run that ends before its moment counts for
    /// nothing.
    #[expect(clippy::disallowed_methods, reason = "a test measures")]
    pub(super) fn dies_at_random(mut self, suite: &str, kills: u32) -> Outcome {
        let started = Instant::now();
        self.run(None)?;
        let mut whole = started.elapsed();
        let seed = seed()?;
        let mut random = seed;
        let mut tally = Tally::default();
        while tally.cases < kills {
            self.start.restore(self.scene)?;
            let moment = whole.mul_f64(fraction(&mut random));
            if kill_at(self.scene, &self.subject.command, moment)? {
                let context = format!("{suite}: {SEED}={seed}, after {moment:?}");
                self.recover(&mut tally, &context)?;
            } else {
                whole = whole.min(moment);
            }
        }
        tally.print(suite)
    }

    /// A call that fails ends the command with an error or does not matter; nothing is lost by it.
    pub(super) fn fails(mut self, suite: &str, every: usize) -> Outcome {
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

    /// Which methods the command calls at the endpoint of its chain, and how often.
    pub(super) fn asked(&self) -> Result<Vec<(&'static str, usize)>, Failed> {
        let upstream = (self.subject.chain)(self.scene.world).url().to_owned();
        let node = ScriptedNode::start(Some(&upstream), |_, _| Reply::Forward)?;
        self.through(&node)?;
        let methods = METHODS.into_iter().chain([SEND]);
        let asked = methods.map(|method| (method, node.calls(method)));
        Ok(asked.filter(|(_, calls)| *calls > 0).collect())
    }

    /// Runs the command through an endpoint of a test's own.
    fn through(&self, node: &ScriptedNode) -> Result<Ran, Failed> {
        let person = self.scene.person(self.subject.person);
        let person = person.with_variable(self.subject.endpoint, &node.url());
        Ok(person.run(&self.subject.command)?)
    }

    /// One call in the middle of the run is not answered as it should be. The command ends well or
    /// with a documented error, and nothing is taken for done that is not.
    pub(super) fn fails_to_answer(
        mut self,
        suite: &str,
        all: &[(&'static str, usize, endpoint::Fault)],
    ) -> Outcome {
        let mut tally = Tally::default();
        for (method, calls, fault) in all.iter().copied() {
            self.start.restore(self.scene)?;
            let at = calls / 2;
            let seen = AtomicUsize::new(0);
            let upstream = (self.subject.chain)(self.scene.world).url().to_owned();
            let node = ScriptedNode::start(Some(&upstream), move |asked, _| {
                let is_due = asked == method && seen.fetch_add(1, Ordering::Relaxed) == at;
                if is_due { fault.reply() } else { Reply::Forward }
            })?;
            let context = format!("{suite}: {method} {fault:?} at {at}");
            let ran = self.through(&node)?;
            drop(node);
            assert!((0..=40).contains(&ran.code), "{context}: {ran:?}");
            if ran.code == 0 {
                let found = (self.subject.outcome)(self.scene)?;
                assert_eq!(found, self.done, "{context}: a false success");
            }
            self.recover(&mut tally, &context)?;
        }
        tally.print(suite)
    }
}
