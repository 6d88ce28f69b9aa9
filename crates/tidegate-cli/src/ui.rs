//! The only place that prints. Results go to standard output, everything else to standard error;
//! whatever came from a chain, a file or a compiler is made inert first.

use std::collections::{BTreeSet, VecDeque};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};
use textwrap::core::display_width;
use tidegate_app::error::{Again, AppError, AppResult, Hint, Kind};
use tidegate_app::front::{Approving, Event, Front, Question};
use tidegate_app::settings::Environment;
use tidegate_app::view::{AskedView, ErrorView, WARNED};

use crate::output::Output;
use crate::progress::Progress;
use crate::questions;
use crate::text::{COLUMNS, Colour, coloured, folded, inert, message, pad, wrap};
use crate::typed::Typed;

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
    /// Standard output.
    output: Output,
    /// The command line as typed, for hints that repeat it.
    typed: Typed,
    /// What was said so far, for whoever approves.
    said: Arc<Mutex<Said>>,
    /// What takes a while now.
    progress: Arc<Progress>,
}

/// How a line begins that nobody who approves may overlook.
const ATTENTION: &str = "Attention: ";
/// So many lines are on a screen at once.
const SCREEN_LINES: usize = 12;

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
    /// Every warning that was said.
    all_warned: BTreeSet<String>,
    /// The last lines that were told.
    told: VecDeque<String>,
    /// Whether a document was printed.
    has_result: bool,
    /// What is to be approved, which is printed with how the command ends.
    asked: Option<Map<String, Value>>,
}

impl Said {
    /// Whether a warning stands among the last lines, and has not scrolled away.
    fn is_in_sight(&self, text: &str) -> bool {
        self.told.iter().any(|line| line.trim() == format!("{ATTENTION}{text}."))
    }
}

/// What a terminal here can do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// It shows colours, and whoever sits there wants them.
    has_colors: bool,
    /// A line on it can be taken back.
    takes_back: bool,
}

impl Terminal {
    /// As the environment describes it. One that it does not name can nothing.
    pub(crate) fn of(env: &Environment) -> Self {
        let is_named = env.get("TERM").is_some_and(|name| !["dumb", "unknown"].contains(&name));
        let takes_back = is_named || cfg!(windows);
        Self { has_colors: takes_back && env.get("NO_COLOR").is_none(), takes_back }
    }
}

impl Ui {
    pub(crate) fn new(json: bool, terminal: Terminal, typed: Typed) -> Self {
        let out = std::io::stdout().is_terminal();
        let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self {
            json,
            color: out && terminal.has_colors && !json,
            interactive,
            out_is_seen: out,
            aside: false,
            output: Output::default(),
            typed,
            said: Arc::default(),
            progress: Arc::new(Progress::silent()),
        }
    }

    /// The same, with a line of what takes a while: at the foot where a person sees all output,
    /// else one that stays.
    pub(crate) fn with_progress(self, terminal: Terminal) -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let is_shown = out && err && terminal.takes_back && !self.json && !self.aside;
        Self { progress: Arc::new(Progress::new(is_shown)), ..self }
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
        self.raw(&format!("{}\n", coloured(text)));
    }

    /// What cannot be written there has nowhere to be said.
    fn err(&self, text: &str) {
        self.at_terminal(|| drop(writeln!(std::io::stderr().lock(), "{}", coloured(text))));
    }

    /// Whether all that was to stand on standard output does.
    ///
    /// # Errors
    /// Why not, if it does not.
    pub(crate) fn written(&self) -> AppResult {
        self.output.written()
    }

    /// Remembers how something else was written there.
    pub(crate) fn keep_written(&self, written: std::io::Result<()>) {
        self.output.keep(written);
    }

    /// One line of a result, for people.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if self.aside {
            self.err(text.as_ref());
        } else if self.json {
            self.keep(text.as_ref(), true);
        } else {
            self.told(text.as_ref());
            if self.out_is_seen {
                return self.at_screen(text.as_ref());
            }
            self.keep(text.as_ref(), true);
            self.out(text.as_ref());
        }
    }

    /// A line in the columns of a screen.
    fn at_screen(&self, text: &str) {
        let text = inert(text);
        let lines = match text.strip_prefix(ATTENTION) {
            Some(says) => message(ATTENTION, says),
            None => text.split('\n').flat_map(folded).collect(),
        };
        lines.iter().for_each(|line| self.out(line));
    }

    /// Remembers what stands on the last screen.
    fn told(&self, text: &str) {
        let mut said = self.said();
        if said.told.len() == SCREEN_LINES {
            said.told.pop_front();
        }
        said.told.push_back(text.to_owned());
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
        let all_warned = std::mem::take(&mut said.all_warned);
        let (has_result, asked) = (said.has_result, said.asked.take());
        let rest = Said { warned, all_warned, has_result, asked, ..Said::default() };
        std::mem::replace(&mut *said, rest)
    }

    /// Whoever approves has seen all of it: lines that `--json` kept back or that went to a file or
    /// pipe, and once more, right above the question, what must not be overlooked.
    fn show_again(&self, approving: &Approving<'_>) {
        let said = self.take_said();
        let above: Vec<_> =
            said.attentions.iter().filter(|text| !said.is_in_sight(text)).cloned().collect();
        if self.interactive {
            said.unseen.iter().for_each(|line| self.note(format!(" {line}")));
        } else {
            let Approving { network, hash, fields, again } = approving;
            let command = self.typed.with(&again.options);
            let mut document = (*fields).clone();
            let asked = serde_json::to_value(AskedView {
                approve: *hash,
                network: (*network).to_owned(),
                command,
                sheet: said.sheet,
                attentions: said.attentions.clone(),
                ended: None,
            });
            let asked: Map<String, Value> =
                asked.and_then(serde_json::from_value).unwrap_or_default();
            document.extend(asked);
            // How the command ends stands in the same document.
            self.said().asked = Some(document);
        }
        if !above.is_empty() {
            self.note("Attention:");
            above.iter().for_each(|text| self.attention(text));
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A result for machines.
    pub(crate) fn result(&self, view: &impl Serialize) {
        let asked = self.said().asked.take();
        if let Some(document) = asked {
            self.result(&document);
        }
        if self.json && !self.aside {
            match self.document(view) {
                Ok(text) => self.out(&text),
                Err(error) => self.output.fail(error.to_string()),
            }
        }
    }

    /// A result with the warnings that no document has yet.
    fn document(&self, view: &impl Serialize) -> serde_json::Result<String> {
        let mut document = serde_json::to_value(view)?;
        let warned = std::mem::take(&mut self.said().warned);
        self.said().has_result = true;
        if let (Some(fields), false) = (document.as_object_mut(), warned.is_empty()) {
            fields.insert(WARNED.to_owned(), warned.into());
        }
        serde_json::to_string_pretty(&document)
    }

    /// A result as it is, for other programs: nothing is replaced.
    pub(crate) fn raw(&self, text: &str) {
        self.at_terminal(|| self.output.write(text));
    }

    /// What belongs to the line before, wrapped further in.
    pub(crate) fn inset(&self, text: &str) {
        const MARGIN_COLUMNS: usize = 4;
        for part in wrap(text, COLUMNS - MARGIN_COLUMNS) {
            self.line(format!("{:MARGIN_COLUMNS$}{part}", ""));
        }
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
        self.told(text);
        self.keep(text, false);
        if text.starts_with(' ') {
            return self.err(text);
        }
        message("", text).iter().for_each(|line| self.err(line));
    }

    /// A warning once more, in the columns of a screen.
    fn attention(&self, text: &str) {
        self.keep(&format!("  {text}"), false);
        for part in wrap(&inert(text), COLUMNS - 2) {
            self.err(&format!("  {part}"));
        }
    }

    /// A warning, to standard error. What was said is not said again.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        if !self.said().all_warned.insert(text.as_ref().to_owned()) {
            return;
        }
        self.said().warned.push(text.as_ref().to_owned());
        let (label, text) = ("warning: ", text.as_ref());
        self.keep(&format!("{label}{text}"), false);
        message(label, text).iter().for_each(|line| self.err(line));
    }

    /// An error as a document, where none was printed. What waits for an approval has it beside.
    pub(crate) fn failed(&self, error: &AppError, exit: u8) {
        let asked = self.said().asked.take();
        if let Some(mut document) = asked {
            let command = |again: &Again| self.typed.with(&again.options);
            let ended = serde_json::to_value(ErrorView::of(error, exit, command));
            document.insert("ended".to_owned(), ended.unwrap_or_default());
            return self.result(&document);
        }
        if !self.said().has_result {
            let command = |again: &Again| self.typed.with(&again.options);
            self.result(&ErrorView::of(error, exit, command));
        }
    }

    /// An error with its causes and hints, to standard error.
    pub(crate) fn error(&self, error: &AppError) {
        for (depth, cause) in error.chain().iter().enumerate() {
            let label = if depth == 0 { "error: " } else { "  cause: " };
            message(label, cause).iter().for_each(|line| self.err(line));
        }
        for hint in &error.hints {
            let text = match hint {
                Hint::Text(text) => text.clone(),
                Hint::Again(again) => self.typed.with(&again.options),
            };
            message("hint: ", &text).iter().for_each(|line| self.err(line));
        }
    }

    /// A verdict's word in its colour, padded to the widest.
    pub(crate) fn verdict(&self, word: &str) -> String {
        let padded = format!("{word:<7}");
        if !self.color {
            return padded;
        }
        let colour = match word {
            "PASS" => Colour::Passes,
            "WAITING" | "WAIVED" => Colour::Waits,
            "UNKNOWN" => Colour::Unknown,
            _ => Colour::Fails,
        };
        colour.paint(&padded)
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
}

impl Front for Ui {
    fn tell(&self, event: Event<'_>) {
        match event {
            Event::Line(text) => self.line(text),
            Event::Row(label, text) => self.row(label, text),
            Event::Fields(heading, rows) => self.fields(heading, rows),
            Event::Table(rows) => self.table(rows),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(variables: &[(&str, &str)]) -> Terminal {
        let of = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Terminal::of(&Environment::new(variables.iter().map(of).collect()))
    }

    #[test]
    fn whoever_approves_is_told_what_no_screen_has_shown() {
        for (json, out_is_seen) in [(true, true), (false, false), (false, true)] {
            let ui = Ui { out_is_seen, ..Ui::new(json, terminal(&[]), Typed::default()) };
            ui.clone().line("a call");
            ui.attend("Call 1 of 1, attention: this call grants a role");
            let said = ui.take_said();
            let is_hidden = json || !out_is_seen;
            assert_eq!(said.sheet, if is_hidden { vec!["a call"] } else { vec![] });
            assert_eq!(said.unseen, said.sheet);
            assert_eq!(said.attentions.len(), 1);
            assert!(!said.is_in_sight(&said.attentions[0]));
            assert_eq!(ui.take_said().attentions.len(), 0, "nothing is said twice");
            ui.warn("a record does not count");
            assert!(ui.take_said().warned.is_empty());
            assert_eq!(ui.said().warned, ["a record does not count"], "the document has it");
        }
    }

    #[test]
    fn what_is_in_sight_is_not_said_again_and_what_scrolled_away_is() {
        let ui = Ui { out_is_seen: false, ..Ui::new(false, terminal(&[]), Typed::default()) };
        ui.line("Attention: it is a second proxy.");
        ui.attend("it is a second proxy");
        let is_in_sight = || ui.said().clone().is_in_sight("it is a second proxy");
        assert!(is_in_sight());
        for _ in 1..SCREEN_LINES {
            ui.line("");
            assert!(is_in_sight());
        }
        ui.line("");
        assert!(!is_in_sight());
        // The same warning of a second connection.
        ui.warn("a port is open");
        ui.warn("a port is open");
        assert_eq!(ui.said().warned, ["a port is open"]);
    }

    #[test]
    fn a_terminal_is_asked_for_no_more_than_it_can() {
        for (variables, expected) in [
            (&[][..], (cfg!(windows), cfg!(windows))),
            (&[("TERM", "dumb")][..], (cfg!(windows), cfg!(windows))),
            (&[("TERM", "xterm")][..], (true, true)),
            (&[("TERM", "xterm"), ("NO_COLOR", "1")][..], (false, true)),
            (&[("TERM", "xterm"), ("NO_COLOR", "")][..], (true, true)),
        ] {
            let Terminal { has_colors, takes_back } = terminal(variables);
            assert_eq!((has_colors, takes_back), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_is_no_json_is_no_result() {
        let ui = Ui::new(true, terminal(&[]), Typed::default());
        ui.result(&std::collections::BTreeMap::from([((1, 2), 3)]));
        assert!(ui.written().is_err());
    }
}
