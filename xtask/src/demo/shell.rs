//! Types commands, and shows them and what they say.

use tidegate_testkit::{Person, Ran};

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

const COLUMNS: usize = 80;
const INDENT: &str = "    ";

/// A heading over the days of the story.
pub(super) fn heading(text: &str) {
    say(format!("\n── {text} {}\n", "─".repeat(COLUMNS - 4 - text.chars().count())));
}

/// A sentence between commands.
pub(super) fn tell(text: &str) {
    say(format!("# {text}"));
}

/// Types a command that neither signs nor sends, and shows it.
pub(super) fn run(person: &Person, args: &[&str], expected: i32) -> XtaskResult<Ran> {
    let ran = person.on_one_screen().run(args)?;
    show(person, &ran);
    check(person, ran, expected)
}

/// Types a command that signs or sends. It is asked quietly first what it would do; what is shown
/// is the command that it then asks for, with the approval of exactly that.
pub(super) fn approve(person: &Person, args: &[&str], expected: i32) -> XtaskResult<Ran> {
    let ran = person.on_one_screen().approve(args)?;
    show(person, &ran);
    check(person, ran, expected)
}

/// Types a command whose result is read by the demo, and shows nothing.
pub(super) fn quiet(person: &Person, args: &[&str]) -> XtaskResult<Ran> {
    check(person, person.run(args)?, 0)
}

fn check(person: &Person, ran: Ran, expected: i32) -> XtaskResult<Ran> {
    if ran.code == expected {
        return Ok(ran);
    }
    Err(XtaskError::Story {
        person: person.name().to_owned(),
        command: ran.typed(),
        output: format!("{}{}", ran.stdout, ran.stderr),
        code: ran.code,
        expected,
    })
}

fn show(person: &Person, ran: &Ran) {
    say(broken(&format!("{}$ ", person.name()), &ran.words()));
    for line in ran.stdout.lines() {
        say(format!("{INDENT}{line}").trim_end());
    }
    if ran.code != 0 {
        say(format!("{INDENT}(exit code {})", ran.code));
    }
    say("");
}

/// Breaks a command between words as one does in a shell; a word longer than a line stands alone.
fn broken(prompt: &str, words: &[String]) -> String {
    let mut text = prompt.to_owned();
    let mut column = prompt.chars().count();
    for word in words {
        let width = word.chars().count() + 1;
        if column + width > COLUMNS - 1 && column > prompt.chars().count() {
            text.push_str("\\\n");
            text.push_str(INDENT);
            column = INDENT.len();
        }
        text.push_str(word);
        text.push(' ');
        column += width;
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn long_commands_are_broken_so_that_they_can_be_pasted() {
        let hash = "a".repeat(64);
        let words = ["tidegate", "fund", "request", "--reason", "'for a test'", "--approve", &hash];
        let words = words.map(str::to_owned);
        let text = broken("kim$ ", &words);
        assert_eq!(text.replace("\\\n    ", ""), format!("kim$ {}", words.join(" ")));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(broken("kim$ ", &words[..2]), "kim$ tidegate fund");
    }
}
