//! Commands that stand within sentences: each is one that the program has, with these options.

use std::collections::BTreeMap;

use libtest_mimic::Failed;

use super::pages::pages;
use crate::support::{Case, Outcome, Scene, cases};

pub(super) fn cases() -> Vec<Case> {
    cases! {
        Fresh: commands_within_sentences_exist;
    }
}

/// Pages of what was, and of what ran elsewhere.
const PAST: [&str; 3] = ["CHANGELOG.md", "docs/routes.md", "docs/mutants.md"];
/// All pages together have fewer of them only if the search is broken.
const FOUND_MIN: usize = 15;

/// The helps of the commands that were asked for, by their words.
struct Helps<'a> {
    scene: &'a Scene<'a>,
    read: BTreeMap<Vec<String>, String>,
}

impl Helps<'_> {
    /// The help of a command; none where the program has no such command.
    fn of(&mut self, command: &[&str]) -> Result<Option<String>, Failed> {
        let words: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        if let Some(help) = self.read.get(&words) {
            return Ok(Some(help.clone()));
        }
        let ran = self.scene.person("eva").run(&[command, &["--help"]].concat())?;
        let usage = format!("Usage: tidegate {}", command.join(" "));
        if ran.code != 0 || !ran.stdout.contains(usage.trim_end()) {
            return Ok(None);
        }
        self.read.insert(words, ran.stdout.clone());
        Ok(Some(ran.stdout))
    }

    /// What is wrong with a command and its options, if it is one of ours.
    fn check(&mut self, text: &str) -> Result<Option<String>, Failed> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ours = words.first() == Some(&"tidegate");
        let words = if ours { &words[1..] } else { &words[..] };
        let names = words.iter().take_while(|word| is_name(word)).count();
        let (mut help, mut depth) = (self.of(&[])?.ok_or("no help")?, 0);
        while depth < names && lists(&help, words[depth]) {
            depth += 1;
            help = self.of(&words[..depth])?.ok_or_else(|| format!("{text} has no help"))?;
        }
        if depth == 0 {
            let wrong = ours && names > 0;
            return Ok(wrong.then(|| "the program has no such command".to_owned()));
        }
        let options = words.iter().filter(|word| word.starts_with("--"));
        let mut options = options.map(|word| word.split('=').next().unwrap_or(word));
        Ok(options.find(|option| !has(&help, option)).map(|option| format!("has no {option}")))
    }
}

fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-')
}

/// Whether a help lists a command below it.
fn lists(help: &str, name: &str) -> bool {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let mut listed = listed.take_while(|line| !line.is_empty());
    listed.any(|line| line.starts_with("  ") && line.split_whitespace().next() == Some(name))
}

/// Whether a help names an option.
fn has(help: &str, option: &str) -> bool {
    let mut words = help.split(|c: char| c.is_whitespace() || "[]<>=,`.".contains(c));
    words.any(|word| word == option)
}

/// What stands between single backticks on a page, outside its blocks.
fn spans(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose += line;
            prose.push('\n');
        }
    }
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn commands_within_sentences_exist(scene: &Scene<'_>) -> Outcome {
    let mut helps = Helps { scene, read: BTreeMap::new() };
    let (mut found, mut wrong) = (0, Vec::new());
    for page in pages(&scene.tools.root)? {
        if PAST.contains(&page.as_str()) {
            continue;
        }
        for span in spans(&std::fs::read_to_string(scene.tools.root.join(&page))?) {
            // One word alone may be anything: a gate, a key, a command.
            if span.split_whitespace().count() > 1 {
                found += usize::from(span.starts_with("tidegate "));
                let fault = helps.check(&span)?;
                wrong.extend(fault.map(|fault| format!("{page}: `{span}`: {fault}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found >= FOUND_MIN, "{found} commands");
    Ok(())
}
