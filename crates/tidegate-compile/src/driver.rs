//! Runs a compiler: standard JSON in, standard JSON out.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::loader::NodeCompiler;

/// A compiler process that cannot be started, fails, or answers something unusable.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Its process cannot be started.
    #[error("cannot start {}", program.display())]
    Start {
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It ended before it had answered.
    #[error("the compiler ended with {status}{}", said(.stderr))]
    Ended {
        status: String,
        /// The beginning of what it wrote to standard error.
        stderr: String,
    },
    /// What it writes cannot be read.
    #[error("cannot read what the compiler writes")]
    Unreadable {
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("the compiler took longer than {limit_secs} seconds")]
    TooSlow { limit_secs: u64 },
    /// It writes too much.
    #[error("the compiler's answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It does not answer as a compiler does.
    #[error("cannot understand the compiler's answer {text:?}")]
    NotUnderstood {
        /// The beginning of what it says.
        text: String,
    },
}

/// The most bytes of one answer; npm's compiler can give no more, as it is one string there.
const ANSWER_BYTES_MAX: u64 = 512 << 20;

/// The most bytes that are kept of what a compiler complains of.
const STDERR_BYTES_MAX: u64 = 4 << 10;

/// The most bytes that are read of what a compiler says its version is.
const VERSION_BYTES_MAX: u64 = 4 << 10;

/// The most seconds that one process may run: far more than the largest projects need through the
/// IR.
const RUN_SECS_MAX: u64 = 3_600;

/// The most seconds that a compiler may take to say its version; npm's has to be loaded for it.
const VERSION_SECS_MAX: u64 = 120;

/// The way in which a compiler is given its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// One process an input, as the native binary wants it.
    Once,
    /// All to one process, each behind its length, as our script wants it.
    Frames,
}

/// The program that is started.
#[derive(Debug, Clone)]
pub(crate) enum Program {
    /// A program, with what stands before the request.
    Plain { path: PathBuf, args: Vec<OsString> },
    /// The compiler of an npm package.
    Node(NodeCompiler),
}

impl Program {
    fn path(&self) -> &Path {
        match self {
            Self::Plain { path, .. } => path,
            Self::Node(compiler) => &compiler.node,
        }
    }

    /// The command, with no variable of the environment, in a folder without files: a compiler
    /// would read imports that are not among its inputs from the folder that it runs in.
    #[expect(clippy::disallowed_methods, reason = "a folder of PATH may be relative")]
    fn command(&self, request: &str, folder: &Path) -> Command {
        let mut command = match self {
            Self::Plain { path, args } => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                let mut command = Command::new(path);
                command.args(args).arg(request);
                command
            }
            Self::Node(compiler) => compiler.command(request),
        };
        isolate(&mut command);
        command.current_dir(folder);
        command
    }
}

/// Takes away what a repository or a shell could have left for a program. Windows starts nothing
/// without its variables.
pub(crate) fn isolate(command: &mut Command) {
    if cfg!(unix) {
        command.env_clear();
    }
}

/// A compiler that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Driver {
    pub(crate) program: Program,
    pub(crate) protocol: Protocol,
    /// An empty folder, to run in.
    pub(crate) folder: PathBuf,
}

impl Driver {
    /// The compiler's answer to `--version`.
    pub(crate) fn version_text(&self) -> Result<String, DriverError> {
        let answer = self.run("--version", VERSION_SECS_MAX, &[], |pipe| {
            let mut text = Vec::new();
            pipe.take(VERSION_BYTES_MAX).read_to_end(&mut text).map_err(unreadable)?;
            Ok(text)
        })?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Asks with each input in turn and hands over each answer as it comes. The first one that is
    /// refused ends it, and the refusal is the inner result.
    pub(crate) fn ask<E>(
        &self,
        inputs: &[&str],
        mut take: impl FnMut(Vec<u8>) -> Result<(), E>,
    ) -> Result<Result<(), E>, DriverError> {
        match self.protocol {
            Protocol::Once => {
                for input in inputs {
                    let answer =
                        self.run("--standard-json", RUN_SECS_MAX, &[input.as_bytes()], whole)?;
                    if let Err(refusal) = take(answer) {
                        return Ok(Err(refusal));
                    }
                }
                Ok(Ok(()))
            }
            Protocol::Frames => {
                let lengths: Vec<_> = inputs.iter().map(|i| format!("{}\n", i.len())).collect();
                let frames = lengths.iter().zip(inputs);
                let frames = frames.flat_map(|(length, i)| [length.as_bytes(), i.as_bytes()]);
                let frames: Vec<&[u8]> = frames.collect();
                self.run("--standard-json-frames", RUN_SECS_MAX, &frames, |pipe| {
                    let mut pipe = BufReader::new(pipe);
                    for _ in inputs {
                        if let Err(refusal) = take(frame(&mut pipe)?) {
                            return Ok(Err(refusal));
                        }
                    }
                    Ok(Ok(()))
                })
            }
        }
    }

    /// Runs one process, given these parts on its standard input, and reads its output. Whatever
    /// is still running then is ended.
    fn run<T>(
        &self,
        request: &str,
        limit_secs: u64,
        parts: &[&[u8]],
        read: impl FnOnce(&mut dyn Read) -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        let program = self.program.path().to_owned();
        let start = |source| DriverError::Start { program: program.clone(), source };
        let mut command = self.program.command(request, &self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(start)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(mut stdout), Some(stderr)) = pipes else {
            return Err(start(io::Error::other("it has no pipes")));
        };
        let child = Mutex::new(child);
        let late = AtomicBool::new(false);
        let (done, ended) = mpsc::channel::<()>();
        let (answer, status, finished, stderr) = thread::scope(|scope| {
            scope.spawn(|| feed(stdin, parts));
            let stderr = scope.spawn(|| beginning(stderr));
            let late = &late;
            let child = &child;
            scope.spawn(move || {
                let limit = Duration::from_secs(limit_secs);
                if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                    late.store(true, Ordering::SeqCst);
                    // One that has ended meanwhile cannot be killed, and need not be.
                    let _ = lock(child).kill();
                }
            });
            let answer = read(&mut stdout);
            drop(stdout);
            // One that has closed its output is about to end, and says how it went by that. From
            // any other one there is nothing more to learn.
            let finished = match &answer {
                Ok(_) => self.protocol == Protocol::Once || parts.is_empty(),
                Err(error) => is_early_end(error),
            };
            let status = end(child, finished);
            drop(done);
            (answer, status, finished, stderr.join().unwrap_or_default())
        });
        let failed = |status: &ExitStatus| finished && !status.success();
        match (answer, status) {
            (Err(_), _) | (_, Err(_)) if late.load(Ordering::SeqCst) => {
                Err(DriverError::TooSlow { limit_secs })
            }
            (Err(error), Ok(status)) if is_early_end(&error) => {
                Err(DriverError::Ended { status: status.to_string(), stderr })
            }
            (Ok(_), Ok(status)) if failed(&status) => {
                Err(DriverError::Ended { status: status.to_string(), stderr })
            }
            (Ok(_), Err(source)) => Err(unreadable(source)),
            (answer, _) => answer,
        }
    }
}

const END_POLL: Duration = Duration::from_millis(1);

/// Waits for a process to end, or ends it. The lock is free while it is waited for, so that one
/// that does not end by itself can still be ended.
fn end(child: &Mutex<Child>, by_itself: bool) -> io::Result<ExitStatus> {
    if !by_itself {
        lock(child).kill()?;
    }
    loop {
        if let Some(status) = lock(child).try_wait()? {
            return Ok(status);
        }
        thread::sleep(END_POLL);
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the inputs. A compiler that does not want them all says why, or by its exit code.
fn feed(mut stdin: ChildStdin, parts: &[&[u8]]) {
    let _ = parts.iter().try_for_each(|part| stdin.write_all(part));
}

/// The beginning of a text; the rest is read, as nobody may have to wait for it, and dropped.
fn beginning(mut pipe: impl Read) -> String {
    let mut text = Vec::new();
    let _ = pipe.by_ref().take(STDERR_BYTES_MAX).read_to_end(&mut text);
    let _ = io::copy(&mut pipe, &mut io::sink());
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// All there is, which has to be something.
fn whole(pipe: &mut dyn Read) -> Result<Vec<u8>, DriverError> {
    let mut answer = Vec::new();
    pipe.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut answer).map_err(unreadable)?;
    check_size(answer.len() as u64)?;
    if answer.is_empty() {
        return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(answer)
}

/// The most digits of a length.
const LENGTH_DIGITS_MAX: u64 = 10;

/// One answer behind its length.
fn frame(pipe: &mut impl BufRead) -> Result<Vec<u8>, DriverError> {
    let mut line = Vec::new();
    pipe.take(LENGTH_DIGITS_MAX + 1).read_until(b'\n', &mut line).map_err(unreadable)?;
    if line.is_empty() {
        return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
    }
    let text = String::from_utf8_lossy(&line).into_owned();
    let length = text.strip_suffix('\n').and_then(|digits| digits.parse().ok());
    let length = length.ok_or(DriverError::NotUnderstood { text })?;
    check_size(length)?;
    let mut answer = Vec::new();
    pipe.take(length).read_to_end(&mut answer).map_err(unreadable)?;
    if answer.len() as u64 != length {
        return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(answer)
}

fn check_size(bytes: u64) -> Result<(), DriverError> {
    if bytes > ANSWER_BYTES_MAX {
        return Err(DriverError::TooLarge { limit: ANSWER_BYTES_MAX });
    }
    Ok(())
}

fn unreadable(source: io::Error) -> DriverError {
    DriverError::Unreadable { source }
}

fn is_early_end(error: &DriverError) -> bool {
    matches!(error, DriverError::Unreadable { source }
        if source.kind() == io::ErrorKind::UnexpectedEof)
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, protocol: Protocol) -> Driver {
        let args = ["-c", script, "sh"].map(OsString::from).to_vec();
        let program = Program::Plain { path: "/bin/sh".into(), args };
        Driver { program, protocol, folder: "/".into() }
    }

    #[test]
    fn a_compiler_has_no_environment() {
        let script = "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; echo x";
        assert_eq!(asked(Protocol::Once, script).unwrap(), ["x\n", "x\n"]);
    }

    /// The answers of a shell script, in place of a compiler, to two inputs.
    fn asked(protocol: Protocol, script: &str) -> Result<Vec<String>, DriverError> {
        let driver = shell(script, protocol);
        let mut answers = Vec::new();
        let taken = driver.ask(&["one", "second"], |answer| {
            answers.push(String::from_utf8_lossy(&answer).into_owned());
            Ok::<_, ()>(())
        })?;
        assert_eq!(taken, Ok(()));
        Ok(answers)
    }

    #[test]
    fn answers_come_in_the_order_of_the_inputs() {
        assert_eq!(asked(Protocol::Once, "cat; echo $1 >&2").unwrap(), ["one", "second"]);
        // What goes in as frames comes out as such, and nothing after them is waited for.
        assert_eq!(asked(Protocol::Frames, "cat; exec sleep 60").unwrap(), ["one", "second"]);
    }

    #[test]
    fn a_compiler_that_fails_says_why() {
        for protocol in [Protocol::Once, Protocol::Frames] {
            let error = asked(protocol, "echo no memory >&2; exit 3").unwrap_err().to_string();
            assert!(error.contains("exit status: 3: no memory"), "{protocol:?}: {error}");
            let error = asked(protocol, "printf '3\\none'; exit 4").unwrap_err().to_string();
            assert!(error.ends_with("exit status: 4"), "{protocol:?}: {error}");
        }
        let error = asked(Protocol::Frames, "echo x").unwrap_err();
        assert!(matches!(error, DriverError::NotUnderstood { .. }), "{error:?}");
        let error = asked(Protocol::Frames, "echo 536870913; exec sleep 60").unwrap_err();
        assert!(matches!(error, DriverError::TooLarge { .. }), "{error:?}");
    }

    #[test]
    fn one_that_never_answers_is_ended() {
        let driver = shell("exec sleep 60", Protocol::Once);
        let error = driver.run("60", 1, &[], whole).unwrap_err();
        assert!(matches!(error, DriverError::TooSlow { limit_secs: 1 }), "{error:?}");
    }

    #[test]
    fn a_refused_answer_ends_the_process() {
        let driver = shell("cat; exec sleep 60", Protocol::Frames);
        let mut seen = 0;
        let outcome = driver.ask(&["one", "second"], |_| {
            seen += 1;
            Err("refused")
        });
        assert_eq!(outcome.unwrap(), Err("refused"));
        assert_eq!(seen, 1);
    }
}
