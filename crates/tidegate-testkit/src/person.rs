//! A person who types commands: a home with keys and pins, and the binary.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alloy_primitives::Address;

use crate::keystore::keystore_json;
use crate::{Binary, PrivateKeySigner, Project, TestkitError, Tools, World, files};

/// The exit code of a command that asks for an approval or a pin.
const EXIT_USAGE: i32 = 2;
/// What gives a command a terminal.
const SCRIPT: &str = "/usr/bin/script";
/// A command is asked to pin and then to approve; more than that is a loop.
const ROUNDS_MAX: usize = 4;

/// What everybody in a world has in common.
#[derive(Debug, Clone)]
pub struct Env {
    /// The binary.
    pub binary: PathBuf,
    /// Where commands are typed.
    pub project: PathBuf,
    /// The environment, complete: nothing is inherited.
    pub variables: BTreeMap<String, String>,
}

impl Env {
    /// The environment of commands on `project` in `world`. Endpoints are `TESTNET_RPC` and
    /// `MAINNET_RPC`; compilations are kept in `cache`.
    ///
    /// # Errors
    /// If the binary cannot be built.
    pub fn new(
        tools: &Tools,
        world: &World,
        project: &Project,
        cache: &Path,
    ) -> Result<Self, TestkitError> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let variables = [
            ("PATH", text(tools.node.parent().unwrap_or(Path::new("/")))),
            ("NO_COLOR", "1".to_owned()),
            ("TESTNET_RPC", world.testnet.url().to_owned()),
            ("MAINNET_RPC", world.mainnet.url().to_owned()),
            ("XDG_CACHE_HOME", text(cache)),
        ];
        Ok(Self {
            binary: Binary::here(tools)?.path().to_owned(),
            project: project.root().to_owned(),
            variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
        })
    }
}

/// Somebody with keys of their own.
#[derive(Debug, Clone)]
pub struct Person {
    name: String,
    home: PathBuf,
    password: String,
    env: Env,
    one_screen: bool,
}

/// A command that was run to its end.
#[derive(Debug, Clone)]
pub struct Ran {
    /// What was typed, without the program's name.
    pub args: Vec<String>,
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it wrote to standard output; to a person's one screen, everything.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Person {
    /// A person whose `TIDEGATE_HOME` is `home`, with no keys yet.
    pub fn new(env: &Env, name: &str, home: PathBuf) -> Self {
        let password = format!("password of {name}");
        Self { name: name.to_owned(), home, password, env: env.clone(), one_screen: false }
    }

    /// The person's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The password of all their keys.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Their `TIDEGATE_HOME`.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where they type.
    pub fn project(&self) -> &Path {
        &self.env.project
    }

    /// The same person in another checkout.
    #[must_use]
    pub fn at(&self, project: &Path) -> Self {
        let env = Env { project: project.to_owned(), ..self.env.clone() };
        Self { env, ..self.clone() }
    }

    /// The same person with one environment variable changed.
    #[must_use]
    pub fn with_variable(&self, name: &str, value: &str) -> Self {
        let mut person = self.clone();
        person.env.variables.insert(name.to_owned(), value.to_owned());
        person
    }

    /// The same person, who sees both outputs on one screen, in the order in which they come.
    #[must_use]
    pub fn on_one_screen(&self) -> Self {
        Self { one_screen: true, ..self.clone() }
    }

    /// Puts a key into their home, in a keystore that opens at once. Returns its address.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_key(&self, name: &str, key: &PrivateKeySigner) -> Result<Address, TestkitError> {
        let path = self.home.join("keys").join(format!("{name}.json"));
        files::write_private(&path, keystore_json(key, &self.password).as_bytes())?;
        Ok(key.address())
    }

    /// The command with these arguments, in their environment; for who wants to run it otherwise.
    pub fn command<S: AsRef<str>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(&self.env.binary);
        command
            .args(args.iter().map(AsRef::as_ref))
            .current_dir(&self.env.project)
            .env_clear()
            .envs(&self.env.variables)
            .env("HOME", &self.home)
            .env("TIDEGATE_HOME", &self.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `tidegate` with these arguments, their password on standard input.
    ///
    /// # Errors
    /// If it cannot be run; not if it fails.
    pub fn run<S: AsRef<str>>(&self, args: &[S]) -> Result<Ran, TestkitError> {
        let run = |source| TestkitError::Run { program: "tidegate".to_owned(), source };
        let mut command = self.command(args);
        let screen = if self.one_screen { Some(screen(&mut command)) } else { None };
        let mut child = command.spawn().map_err(run)?;
        // The command holds ends of the screen's pipe, which must close for it to end.
        drop(command);
        let mut stdin = child.stdin.take().expect("stdin was asked to be piped");
        // A command that needs no password may be gone already.
        let _ = stdin.write_all(format!("{0}\n{0}\n", self.password).as_bytes());
        drop(stdin);
        let mut shown = Vec::new();
        if let Some(screen) = screen {
            screen.map_err(run)?.read_to_end(&mut shown).map_err(run)?;
        }
        let done = child.wait_with_output().map_err(run)?;
        shown.extend(done.stdout);
        Ok(Ran {
            args: args.iter().map(|arg| arg.as_ref().to_owned()).collect(),
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&shown).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }

    /// Runs a command at a terminal, where it may ask: the terminal of `script`, on which all that
    /// it writes comes together. What is typed ends with the end of input.
    ///
    /// # Errors
    /// If it cannot be run, or `script` of util-linux is missing; not if it fails.
    pub fn at_terminal<S: AsRef<str>>(&self, args: &[S], typed: &str) -> Result<Ran, TestkitError> {
        let run = |source| TestkitError::Run { program: SCRIPT.to_owned(), source };
        let own = self.command(args);
        let words = std::iter::once(own.get_program()).chain(own.get_args());
        let line: Vec<_> = words.map(|word| quoted(&word.to_string_lossy())).collect();
        let mut command = Command::new(SCRIPT);
        command.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
        command.current_dir(&self.env.project).env_clear().stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = command.spawn().map_err(run)?;
        let mut stdin = child.stdin.take().expect("stdin was asked to be piped");
        // A command that asks nothing may be gone already.
        let _ = stdin.write_all(typed.as_bytes());
        drop(stdin);
        let done = child.wait_with_output().map_err(run)?;
        Ok(Ran {
            args: args.iter().map(|arg| arg.as_ref().to_owned()).collect(),
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }

    /// Runs a command; where it asks for a pin or an approval, types what its last hint says,
    /// until it asks no more. The password comes by `--password-fd 0`. Returns the last run.
    ///
    /// # Errors
    /// As [`Person::run`].
    pub fn approve<S: AsRef<str>>(&self, args: &[S]) -> Result<Ran, TestkitError> {
        let given = args.iter().map(AsRef::as_ref);
        let args: Vec<&str> = given.chain(["--password-fd", "0"]).collect();
        let mut ran = self.run(&args)?;
        for _ in 1..ROUNDS_MAX {
            match ran.asked_for() {
                Some(command) => ran = self.run(&command)?,
                None => break,
            }
        }
        Ok(ran)
    }
}

impl Ran {
    /// What the command asks to be typed instead: the arguments of the last hint, if it ended with
    /// a usage error whose last hint is a command with an approval or a pin.
    pub fn asked_for(&self) -> Option<Vec<String>> {
        if self.code != EXIT_USAGE {
            return None;
        }
        let mut lines = self.stdout.lines().chain(self.stderr.lines()).rev();
        let hint = lines.find_map(|line| line.strip_prefix("hint: "))?;
        let words = split_words(hint.strip_prefix("tidegate ")?);
        words.iter().any(|word| word == "--approve" || word == "--pin").then_some(words)
    }

    /// The words of the command as it is typed, each quoted where a shell asks for it.
    pub fn words(&self) -> Vec<String> {
        let args = self.args.iter().map(|word| quoted(word));
        std::iter::once("tidegate".to_owned()).chain(args).collect()
    }

    /// The command as it is typed.
    pub fn typed(&self) -> String {
        self.words().join(" ")
    }

    /// Its standard output as JSON, for commands with `--json`.
    ///
    /// # Errors
    /// If it is none; the command and its output are in the error.
    pub fn json(&self) -> Result<serde_json::Value, TestkitError> {
        serde_json::from_str(&self.stdout).map_err(|_| self.failure())
    }

    /// Itself, if it ended with this code.
    ///
    /// # Errors
    /// If it ended with another; the command and its output are in the error.
    pub fn expect_code(self, code: i32) -> Result<Self, TestkitError> {
        if self.code == code { Ok(self) } else { Err(self.failure()) }
    }

    fn failure(&self) -> TestkitError {
        TestkitError::Ended {
            program: self.typed(),
            status: format!("exit code {}", self.code),
            output: format!("{}{}", self.stdout, self.stderr),
        }
    }
}

/// Sends both outputs of a command into one pipe, and gives its end.
fn screen(command: &mut Command) -> std::io::Result<std::io::PipeReader> {
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    Ok(reader)
}

/// Splits a command line as a shell does: at spaces, single quotes around words with others.
pub fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => words.extend(word.take()),
            '\'' => {
                let quoted: String = chars.by_ref().take_while(|c| *c != '\'').collect();
                word.get_or_insert_default().push_str(&quoted);
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(code: i32, stderr: &str) -> Ran {
        let args = vec!["deploy".to_owned(), "it's".to_owned()];
        Ran { args, code, stdout: String::new(), stderr: stderr.to_owned() }
    }

    #[test]
    fn words_split_as_they_were_quoted() {
        let line = "a  'b c' 'it'\\''s' ''";
        assert_eq!(split_words(line), ["a", "b c", "it's", ""]);
        assert_eq!(split_words(""), Vec::<String>::new());
        assert_eq!(ran(0, "").typed(), "tidegate deploy 'it'\\''s'");
    }

    #[test]
    fn only_a_command_with_an_approval_is_asked_for() {
        let asking = "error: x\nhint: approve exactly this:\nhint: tidegate deploy --approve ab\n";
        let words = ["deploy", "--approve", "ab"].map(str::to_owned).to_vec();
        assert_eq!(ran(2, asking).asked_for(), Some(words));
        assert_eq!(ran(3, asking).asked_for(), None);
        assert_eq!(ran(2, "hint: tidegate proposal list\n").asked_for(), None);
        assert_eq!(ran(2, "error: x\n").asked_for(), None);
    }
}
