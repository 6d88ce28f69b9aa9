//! The only place that prints. Results go to standard output, everything else to standard error;
//! whatever came from a chain, a file or a compiler is made inert first.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Map, Value};
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use tidegate_app::error::{Again, AppError, AppResult, Hint, Kind};
use tidegate_app::front::{Approving, Event, Front, Question};
use tidegate_app::schemas::WARNED;
use tidegate_app::text::is_deceptive;
use tidegate_app::view::{AskedView, ErrorView};

use crate::progress::Progress;
use crate::questions;

/// How a command speaks.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    pub(crate) json: bool,
    color: bool,
    /// Somebody sits at a terminal and can be asked.
    interactive: bool,
    /// Whoever sits there sees standard output too.
    out_is_seen: bool,
    /// Standard output belongs to other programs; lines go beside it.
    aside: bool,
    /// The command line as typed, for hints that repeat it.
    command: Vec<String>,
    /// What was said so far, for whoever approves.
    said: Arc<Mutex<Said>>,
    /// What takes a while now.
    progress: Arc<Progress>,
}

/// What a command has said before something is approved.
#[derive(Debug, Clone, Default)]
struct Said {
    /// Every line, those on standard error included; kept where standard output is no screen.
    sheet: Vec<String>,
    /// The lines of it that nobody has seen.
    unseen: Vec<String>,
    /// Warnings that must not be overlooked.
    attentions: Vec<String>,
    /// Warnings that no document has yet.
    warned: Vec<String>,
    /// Whether a document was printed.
    has_result: bool,
}

const PASSES: Style = AnsiColor::Green.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const UNKNOWN: Style = AnsiColor::Magenta.on_default();
const FAILS: Style = AnsiColor::Red.on_default();
const STYLES: [Style; 4] = [PASSES, WAITS, UNKNOWN, FAILS];

/// Columns that a screen is laid out for.
pub(crate) const COLUMNS: usize = 80;

impl Ui {
    pub(crate) fn new(json: bool, no_color: bool, command: Vec<String>) -> Self {
        let out = std::io::stdout().is_terminal();
        let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self {
            json,
            color: out && !no_color && !json,
            interactive,
            out_is_seen: out,
            aside: false,
            command,
            said: Arc::default(),
            progress: Arc::new(Progress::new(false)),
        }
    }

    /// The same, with a line at the foot of what takes a while, where a person sees all output.
    pub(crate) fn with_progress(self) -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let progress = Arc::new(Progress::new(out && err && !self.json && !self.aside));
        Self { progress, ..self }
    }

    /// The same, with lines for people on standard error where standard output is for programs.
    pub(crate) fn lines_aside(self, aside: bool) -> Self {
        Self { aside, ..self }
    }

    /// Whether a person can be asked.
    pub(crate) const fn interactive(&self) -> bool {
        self.interactive
    }

    /// Does something that uses the terminal itself, such as reading a password.
    pub(crate) fn at_terminal<T>(&self, act: impl FnOnce() -> T) -> T {
        self.progress.aside(act)
    }

    fn out(&self, text: &str) {
        self.at_terminal(|| write_line(&mut std::io::stdout().lock(), text));
    }

    fn err(&self, text: &str) {
        self.at_terminal(|| write_line(&mut std::io::stderr().lock(), text));
    }

    /// One line of a result, for people.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if self.aside {
            self.err(text.as_ref());
        } else if self.json {
            self.keep(text.as_ref(), true);
        } else {
            if !self.out_is_seen {
                self.keep(text.as_ref(), true);
            }
            self.out(text.as_ref());
        }
    }

    fn keep(&self, text: &str, is_unseen: bool) {
        let mut said = self.said();
        said.sheet.push(text.to_owned());
        said.unseen.extend(is_unseen.then(|| text.to_owned()));
    }

    /// What nobody who approves may overlook: it is repeated where they are asked.
    pub(crate) fn attend(&self, text: impl Into<String>) {
        self.said().attentions.push(text.into());
    }

    /// Takes what was said since it was taken last, but for warnings: a document has them.
    fn take_said(&self) -> Said {
        let mut said = self.said();
        let warned = std::mem::take(&mut said.warned);
        let has_result = said.has_result;
        std::mem::replace(&mut *said, Said { warned, has_result, ..Said::default() })
    }

    /// Whoever approves has seen all of it: lines that `--json` kept back or that went to a file or
    /// pipe, and once more, right above the question, what must not be overlooked.
    fn show_again(&self, approving: &Approving<'_>) {
        let said = self.take_said();
        if self.interactive {
            said.unseen.iter().for_each(|line| self.note(format!(" {line}")));
        } else {
            let Approving { network, hash, fields, again } = approving;
            let command = self.command_with(&again.options);
            let mut document = (*fields).clone();
            let asked = serde_json::to_value(AskedView {
                approve: *hash,
                network: (*network).to_owned(),
                command,
                sheet: said.sheet,
                attentions: said.attentions.clone(),
            });
            let asked: Map<String, Value> =
                asked.and_then(serde_json::from_value).unwrap_or_default();
            document.extend(asked);
            self.result(&document);
        }
        if !said.attentions.is_empty() {
            self.note("Attention, as said above:");
            said.attentions.iter().for_each(|text| self.note(format!("  {text}")));
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A result for machines.
    pub(crate) fn result(&self, view: &impl Serialize) {
        if self.json && !self.aside {
            let mut document = serde_json::to_value(view).unwrap_or_default();
            let warned = std::mem::take(&mut self.said().warned);
            self.said().has_result = true;
            if let (Some(fields), false) = (document.as_object_mut(), warned.is_empty()) {
                fields.insert(WARNED.to_owned(), warned.into());
            }
            self.out(&serde_json::to_string_pretty(&document).unwrap_or_default());
        }
    }

    /// A result as it is, for other programs: nothing is replaced.
    pub(crate) fn raw(&self, text: &str) {
        self.at_terminal(|| drop(std::io::stdout().lock().write_all(text.as_bytes())));
    }

    /// A row of a label and what it says, wrapped under the label.
    pub(crate) fn row(&self, label: &str, text: &str) {
        const LABEL_COLUMNS: usize = 12;
        for (index, part) in wrap(text, COLUMNS - LABEL_COLUMNS - 1).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            self.line(format!("{} {part}", pad(label, LABEL_COLUMNS)));
        }
    }

    /// A heading with all that stands under it; a value that does not fit has a line of its own.
    pub(crate) fn fields(&self, heading: &str, rows: &[(String, String)]) {
        self.line(heading);
        let width = rows.iter().map(|(label, _)| display_width(label)).max().unwrap_or(0);
        for (label, text) in rows {
            let room = COLUMNS.saturating_sub(width + 3);
            if display_width(text) <= room {
                self.line(format!("  {} {text}", pad(label, width)));
                continue;
            }
            self.line(format!("  {label}"));
            wrap(text, COLUMNS - 4).iter().for_each(|part| self.line(format!("    {part}")));
        }
    }

    /// Rows under labels of one width.
    pub(crate) fn table(&self, rows: &[(String, String)]) {
        let width = rows.iter().map(|(label, _)| display_width(label)).max().unwrap_or(0);
        for (label, text) in rows {
            for (index, part) in wrap(text, COLUMNS - width - 1).into_iter().enumerate() {
                let label = if index == 0 { label } else { "" };
                self.line(format!("{} {part}", pad(label, width)));
            }
        }
    }

    /// What is going on, to standard error. Text that is laid out already begins with a space.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.keep(text, false);
        if text.starts_with(' ') {
            return self.err(text);
        }
        wrap(text, COLUMNS).iter().for_each(|line| self.err(line));
    }

    /// A warning, to standard error.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.said().warned.push(text.as_ref().to_owned());
        let text = format!("warning: {}", text.as_ref());
        self.keep(&text, false);
        self.err(&text);
    }

    /// An error as a document, where none was printed.
    pub(crate) fn failed(&self, error: &AppError, exit: u8) {
        if !self.said().has_result {
            let command = |again: &Again| self.command_with(&again.options);
            self.result(&ErrorView::of(error, exit, command));
        }
    }

    /// An error with its causes and hints, to standard error.
    pub(crate) fn error(&self, error: &AppError) {
        for (depth, cause) in error.chain().iter().enumerate() {
            let label = if depth == 0 { "error: " } else { "  cause: " };
            self.err(&format!("{label}{cause}"));
        }
        for hint in &error.hints {
            let text = match hint {
                Hint::Text(text) => text.clone(),
                Hint::Again(again) => self.command_with(&again.options),
            };
            self.err(&format!("hint: {text}"));
        }
    }

    /// A verdict's word in its colour, padded to the widest.
    pub(crate) fn verdict(&self, word: &str) -> String {
        let padded = format!("{word:<7}");
        if !self.color {
            return padded;
        }
        let style = match word {
            "PASS" => PASSES,
            "WAITING" | "WAIVED" => WAITS,
            "UNKNOWN" => UNKNOWN,
            _ => FAILS,
        };
        format!("{style}{padded}{style:#}")
    }

    /// Asks for one line, with a prompt on standard error.
    pub(crate) fn read_line(&self, prompt: &str) -> AppResult<String> {
        let mut line = String::new();
        let read = self.at_terminal(|| {
            let mut err = std::io::stderr().lock();
            write!(err, "{prompt}").and_then(|()| err.flush())?;
            std::io::stdin().read_line(&mut line)
        });
        read.map_err(|error| AppError::new(Kind::Usage, error))?;
        Ok(line.trim().to_owned())
    }

    /// The command as it was typed, with these options in place of its own, quoted for a shell.
    pub(crate) fn command_with(&self, options: &[(&'static str, String)]) -> String {
        let is_replaced = |word: &str| options.iter().any(|(name, _)| *name == word);
        let mut words = vec!["tidegate".to_owned()];
        let mut typed = self.command.iter().skip(1);
        while let Some(word) = typed.next() {
            match word.split_once('=') {
                Some((name, _)) if is_replaced(name) => {}
                _ if is_replaced(word) => {
                    typed.next();
                }
                _ => words.push(quote(word).into_owned()),
            }
        }
        for (name, value) in options {
            words.extend([(*name).to_owned(), quote(value).into_owned()]);
        }
        words.join(" ")
    }
}

impl Front for Ui {
    fn tell(&self, event: Event<'_>) {
        match event {
            Event::Line(text) => self.line(text),
            Event::Row(label, text) => self.row(label, text),
            Event::Fields(heading, rows) => self.fields(heading, rows),
            Event::Result(value) => self.result(value),
            Event::Document(text) => self.raw(text),
            Event::Note(text) => self.note(text),
            Event::Warning(text) => self.warn(text),
            Event::Attention(text) => self.attend(text),
            Event::Approval(approving) => self.show_again(approving),
            Event::Begin(what) => self.progress.begin(inert(what)),
            Event::At(done, all) => self.progress.at(done, all),
            Event::End => self.progress.end(),
        }
    }

    fn can_ask(&self) -> bool {
        self.interactive()
    }

    fn ask(&self, question: &Question<'_>) -> AppResult<bool> {
        let typed = self.read_line(&questions::prompt(question))?;
        Ok(questions::is_yes(question, &typed))
    }
}

/// A word as a shell takes it. What no shell can be given, a NUL, is left as it is.
fn quote(word: &str) -> Cow<'_, str> {
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}

/// Text in so many columns, as a terminal counts them.
fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(display_width(text))))
}

/// A closed pipe is no error of the command, so a failed write is dropped.
fn write_line(out: &mut impl Write, text: &str) {
    drop(writeln!(out, "{}", inert(text)));
}

/// Replaces control characters, and characters that are invisible or turn the direction of writing,
/// except line ends and our own colours.
fn inert(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}'
            && let Some(code) = own_color(rest)
        {
            clean.push_str(code);
            rest = &rest[code.len()..];
            continue;
        }
        if (c.is_control() && c != '\n') || is_deceptive(c) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    clean
}

fn own_color(text: &str) -> Option<&str> {
    let codes = STYLES.into_iter().flat_map(|s| [s.render().to_string(), format!("{s:#}")]);
    let len = codes.filter(|code| text.starts_with(code)).map(|code| code.len()).next()?;
    text.get(..len)
}

/// Breaks text at spaces; a word longer than the width stands alone, so that it can be copied.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_inert() {
        assert_eq!(inert("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\n");
        for hidden in
            ["\u{200b}", "\u{200f}", "\u{2028}", "\u{2029}", "\u{2060}", "\u{feff}", "\u{ad}"]
        {
            let shown = inert(&format!("a{hidden}b"));
            assert!(shown.starts_with("a\\u{") && shown.is_ascii(), "{shown}");
        }
        assert_eq!(inert("\u{1b}[32mPASS\u{1b}[0m"), "\u{1b}[32mPASS\u{1b}[0m");
    }

    #[test]
    fn whoever_approves_is_told_what_no_screen_has_shown() {
        for (json, out_is_seen) in [(true, true), (false, false), (false, true)] {
            let ui = Ui { out_is_seen, ..Ui::new(json, true, Vec::new()) };
            ui.clone().line("a call");
            ui.attend("Call 1 of 1, attention: this call grants a role");
            let said = ui.take_said();
            let is_hidden = json || !out_is_seen;
            assert_eq!(said.sheet, if is_hidden { vec!["a call"] } else { vec![] });
            assert_eq!(said.unseen, said.sheet);
            assert_eq!(said.attentions.len(), 1);
            assert_eq!(ui.take_said().attentions.len(), 0, "nothing is said twice");
            ui.warn("a record does not count");
            assert!(ui.take_said().warned.is_empty());
            assert_eq!(ui.said().warned, ["a record does not count"], "the document has it");
        }
    }

    #[test]
    fn hints_repeat_the_command() {
        let again = |typed: &str, options: &[(&'static str, &str)]| {
            let typed = typed.split('|').map(str::to_owned).collect();
            let options: Vec<_> =
                options.iter().map(|(name, to)| (*name, (*to).to_owned())).collect();
            Ui::new(false, true, typed).command_with(&options)
        };
        let approve = ("--approve", "new");
        let deploy = "tidegate deploy 'a b' --json --approve new";
        assert_eq!(again("x|deploy|a b|--approve|old|--json", &[approve]), deploy);
        assert_eq!(again("x|deploy|a b|--approve=old|--json", &[approve]), deploy);
        // Each option that is brought stands there once, however it was typed.
        let returned = "tidegate fund return 0x1 --amount 7 --approve new";
        for typed in ["--amount|5", "--amount=5", "--approve|old|--amount|5"] {
            let typed = format!("x|fund|return|0x1|{typed}");
            assert_eq!(again(&typed, &[("--amount", "7"), approve]), returned, "{typed}");
        }
        assert_eq!(quote("${RPC}"), "'${RPC}'");
    }

    #[test]
    fn text_is_laid_out_by_the_columns_that_it_takes() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("0x1234567 b", 4), ["0x1234567", "b"], "a hash can be copied");
        assert_eq!(wrap("a\nb", 80), ["a", "b"]);
        assert_eq!(wrap("資金 資金", 8), ["資金", "資金"], "each takes two columns");
        assert_eq!(pad("資金", 5), "資金 ");
    }
}
