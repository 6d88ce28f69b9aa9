//! The command as it was typed, for hints that repeat it.

use std::sync::Arc;

use clap::Command;
use tidegate_app::text::is_deceptive;

/// The option that a command which approves something cannot have.
const DRY_RUN: &str = "--dry-run";
const APPROVE: &str = "--approve";

/// The words of the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    /// What the program takes.
    program: Arc<Command>,
    /// The words, without the program's name.
    words: Vec<String>,
}

impl Typed {
    /// `program` is all that the program takes.
    pub(crate) fn new(mut program: Command, words: Vec<String>) -> Self {
        program.build();
        Self { program: Arc::new(program), words }
    }

    /// The same command with these options in place of its own, quoted for a shell. Values of other
    /// options and words behind `--` stay as they are.
    pub(crate) fn with(&self, options: &[(&'static str, String)]) -> String {
        let mut command = &*self.program;
        let approves = options.iter().any(|(name, _)| *name == APPROVE);
        let is_replaced = |word: &str| {
            options.iter().any(|(name, _)| *name == word) || (approves && word == DRY_RUN)
        };
        let mut words = vec!["tidegate".to_owned()];
        let mut typed = self.words.iter();
        let mut behind = Vec::new();
        while let Some(word) = typed.next() {
            if word == "--" {
                behind = std::iter::once(word).chain(typed.by_ref()).collect();
                break;
            }
            let inline = word.starts_with("--").then(|| word.split_once('=')).flatten();
            let name = inline.map_or(word.as_str(), |(name, _)| name);
            let has_value = inline.is_none() && takes_value(command, name);
            let value = if has_value { typed.next() } else { None };
            if is_replaced(name) {
                continue;
            }
            if let Some(inner) = command.find_subcommand(word) {
                command = inner;
            }
            words.push(quote(word));
            words.extend(value.map(|value| quote(value)));
        }
        for (name, value) in options {
            words.extend([(*name).to_owned(), quote(value)]);
        }
        words.extend(behind.into_iter().map(|word| quote(word)));
        words.join(" ")
    }
}

/// Whether an option of a command has its value in the next word.
fn takes_value(command: &Command, word: &str) -> bool {
    let name = word.strip_prefix("--");
    let mut options = command.get_arguments().filter(|arg| arg.get_long().is_some());
    options.any(|arg| arg.get_long() == name && arg.get_action().takes_values())
}

/// A word as a shell takes it. What a screen would not show as it is, is written out.
fn quote(word: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !is_deceptive(c);
    match shlex::try_quote(word) {
        Ok(quoted) if word.chars().all(is_plain) => quoted.into_owned(),
        _ => format!("$'{}'", word.bytes().map(escaped).collect::<String>()),
    }
}

/// A byte between `$'` and `'`.
fn escaped(byte: u8) -> String {
    match byte {
        b' '..=b'~' if byte != b'\'' && byte != b'\\' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn again(typed: &str, options: &[(&'static str, &str)]) -> String {
        let options: Vec<_> = options.iter().map(|(name, to)| (*name, (*to).to_owned())).collect();
        let words = typed.split('|').map(str::to_owned).collect();
        Typed::new(crate::args::Cli::command(), words).with(&options)
    }

    const NEW: (&str, &str) = (APPROVE, "new");

    #[test]
    fn an_option_that_is_brought_stands_there_once() {
        let deploy = "tidegate deploy 'a b' --json --approve new";
        assert_eq!(again("deploy|a b|--approve|old|--json", &[NEW]), deploy);
        assert_eq!(again("deploy|a b|--approve=old|--json", &[NEW]), deploy);
        assert_eq!(again("--approve|old|deploy|a b|--json", &[NEW]), deploy);
        let returned = "tidegate fund return 0x1 --amount 7 --approve new";
        for typed in ["--amount|5", "--amount=5", "--approve|old|--amount|5"] {
            let typed = format!("fund|return|0x1|{typed}");
            assert_eq!(again(&typed, &[("--amount", "7"), NEW]), returned, "{typed}");
        }
    }

    #[test]
    fn words_that_are_no_options_stay() {
        let behind =
            "tidegate record bug --severity low '--as=ada' --approve new -- -dash --approve x";
        let typed = "record|bug|--severity|low|--as=ada|--|-dash|--approve|x";
        assert_eq!(again(typed, &[NEW]), behind);
        let value = "tidegate record no-go --reason --approve --post --approve new";
        assert_eq!(again("record|no-go|--reason|--approve|--post", &[NEW]), value);
        assert_eq!(
            again("record|no-go|--reason=--approve", &[NEW]).matches("--approve").count(),
            2
        );
    }

    #[test]
    fn what_approves_is_no_dry_run() {
        assert_eq!(
            again("deploy|--dry-run|--json", &[NEW]),
            "tidegate deploy --json --approve new"
        );
        assert_eq!(
            again("deploy|--dry-run", &[("--pin", "1:2")]),
            "tidegate deploy --dry-run --pin 1:2"
        );
    }

    #[test]
    fn words_are_quoted_as_a_shell_takes_them() {
        assert_eq!(quote("${RPC}"), "'${RPC}'");
        assert_eq!(quote("a\nb'\u{202e}"), "$'a\\x0ab\\x27\\xe2\\x80\\xae'");
    }
}
