//! Somebody who types what is printed, with what stands for its placeholders.

use std::collections::BTreeMap;

use libtest_mimic::Failed;
use tidegate_testkit::Person;

use super::pages::Printed;

/// A command asks for a pin and for an approval.
const ROUNDS_MAX: usize = 4;
const PROGRAM: &str = "tidegate";
/// What is left out of a hash or an address that is printed.
const LEFT_OUT: char = '…';

/// What the placeholders of a page stand for.
#[derive(Debug, Default)]
pub(super) struct Typist(BTreeMap<String, String>);

impl Typist {
    /// Says what a printed word, or a part of one, stands for.
    pub(super) fn says(&mut self, printed: &str, actual: impl Into<String>) {
        self.0.insert(printed.to_owned(), actual.into());
    }

    /// The words of a command behind its program, as they are typed. A placeholder that nothing
    /// stands for is an error.
    pub(super) fn words(&self, printed: &Printed) -> Result<Vec<String>, Failed> {
        let (program, words) = printed.words.split_first().ok_or("a line without a command")?;
        if program != PROGRAM {
            return Err(format!("{printed:?} is another program's").into());
        }
        words.iter().map(|word| self.word(word)).collect()
    }

    /// A word as it is typed, or a line with several.
    pub(super) fn word(&self, word: &str) -> Result<String, Failed> {
        let mut known: Vec<_> = self.0.iter().collect();
        known.sort_by_key(|(printed, _)| std::cmp::Reverse(printed.len()));
        let found = known.iter().any(|(printed, _)| word.contains(printed.as_str()));
        let capitals = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
        if !found && (capitals || word.contains(LEFT_OUT)) {
            return Err(format!("nothing stands for {word}").into());
        }
        let put = |text: String, (printed, actual): &(&String, &String)| {
            text.replace(printed.as_str(), actual)
        };
        Ok(known.iter().fold(word.to_owned(), put))
    }

    /// Somebody types it, and approves where that is asked for; it must end well. All that was said
    /// on the way, as it would stand on one screen.
    pub(super) fn types(&self, person: &Person, printed: &Printed) -> Result<String, Failed> {
        let mut words = self.words(printed)?;
        words.extend(["--password-fd", "0"].map(str::to_owned));
        let mut screen = String::new();
        for _ in 0..ROUNDS_MAX {
            let ran = person.run(&words)?;
            screen += &format!("{}\n{}\n", ran.stdout, ran.stderr);
            match ran.asked_for() {
                Some(asked) => words = asked,
                None => return Ok(ran.expect_code(0).map(|_| screen)?),
            }
        }
        Err(format!("it asks and asks: {screen}").into())
    }
}

/// Whether a screen holds each printed line, in this order, but for hashes, addresses and numbers,
/// and for what the page leaves out with `…`.
pub(super) fn shows(printed: &Printed, screen: &str) -> Result<(), Failed> {
    let said = form(screen);
    let mut rest = said.as_str();
    for line in &printed.output {
        let line = form(line);
        for part in line.split(LEFT_OUT).map(str::trim).filter(|part| !part.is_empty()) {
            let at = rest.find(part);
            let at = at.ok_or_else(|| format!("{part:?} is printed and not said in {said:?}"))?;
            rest = &rest[at + part.len()..];
        }
    }
    Ok(())
}

/// A text with one space for each run of spaces and line ends, `0x#` for what is hexadecimal, and
/// `#` for a number.
fn form(text: &str) -> String {
    let word = |word: &str| {
        let hex = word.find("0x").map(|at| {
            let rest = &word[at + 2..];
            let digit = |c: char| c.is_ascii_hexdigit() || c == LEFT_OUT;
            let end = rest.find(|c| !digit(c)).unwrap_or(rest.len());
            format!("{}0x#{}", &word[..at], &rest[end..])
        });
        let long = word.len() >= 16 && word.chars().all(|c| c.is_ascii_hexdigit());
        match hex {
            Some(hex) => hex,
            None if long => "#".to_owned(),
            None => numbers(word),
        }
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

fn numbers(word: &str) -> String {
    let mut shown = String::new();
    for c in word.chars() {
        match c.is_ascii_digit() {
            true if shown.ends_with('#') => {}
            true => shown.push('#'),
            false => shown.push(c),
        }
    }
    shown
}
