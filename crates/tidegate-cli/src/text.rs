//! Text for a terminal: made inert, laid out in columns, wrapped.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use tidegate_app::text::is_deceptive;

/// Columns that a screen is laid out for.
pub(crate) const COLUMNS: usize = 80;

/// The colours of verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Passes,
    Waits,
    Unknown,
    Fails,
}

impl Colour {
    const ALL: [Self; 4] = [Self::Passes, Self::Waits, Self::Unknown, Self::Fails];

    const fn style(self) -> Style {
        match self {
            Self::Passes => AnsiColor::Green.on_default(),
            Self::Waits => AnsiColor::Yellow.on_default(),
            Self::Unknown => AnsiColor::Magenta.on_default(),
            Self::Fails => AnsiColor::Red.on_default(),
        }
    }

    /// A word in this colour, for [`coloured`], which alone knows the marks: text from outside
    /// cannot have them, since each process has its own.
    pub(crate) fn paint(self, word: &str) -> String {
        let [before, after] = [mark(self as usize), mark(Self::ALL.len())];
        format!("{before}{word}{after}")
    }
}

/// A mark of this process, in the form of a terminal's codes, so that it takes no columns.
fn mark(index: usize) -> String {
    static OWN: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    format!("\u{1b}[{}{index}m", *OWN)
}

/// The marks of this process, each with the codes that a terminal is told for it.
fn marks() -> impl Iterator<Item = (String, String)> {
    let codes = Colour::ALL.into_iter().map(|colour| colour.style().render().to_string());
    let reset = format!("{:#}", Colour::Passes.style());
    codes.chain([reset]).enumerate().map(|(at, code)| (mark(at), code))
}

/// Inert text as a terminal is sent it: with the colours that its marks stand for.
pub(crate) fn coloured(text: &str) -> String {
    marks().fold(inert(text), |text, (mark, code)| text.replace(&mark, &code))
}

/// Text in so many columns, as a terminal counts them.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(display_width(text))))
}

/// Replaces control characters, and characters that are invisible or turn the direction of writing,
/// except line ends and the marks of our own colours. Inert text stays as it is.
pub(crate) fn inert(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mark = (c == '\u{1b}').then(|| marks().find(|(mark, _)| rest.starts_with(mark)));
        let length = mark.flatten().map_or(c.len_utf8(), |(mark, _)| mark.len());
        let (this, further) = rest.split_at(length);
        let is_mark = length > c.len_utf8();
        if !is_mark && ((c.is_control() && c != '\n') || is_deceptive(c)) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push_str(this);
        }
        rest = further;
    }
    clean
}

/// How text is broken: at spaces; a word longer than the width stands alone, so that it can be
/// copied.
fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

/// Breaks text at spaces.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    textwrap::wrap(text, options(width)).into_iter().map(Cow::into_owned).collect()
}

/// A line of a sheet in the columns of a screen: what does not fit goes on below, further in. A
/// list without spaces is broken behind its commas; any other long word stands alone.
pub(crate) fn folded(line: &str) -> Vec<String> {
    if display_width(line) <= COLUMNS {
        return vec![line.to_owned()];
    }
    /// A word of 32 bytes fits beside this, also within a list.
    const INDENT_MAX: usize = COLUMNS - "[\"0x\",".len() - 64;
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    let further = " ".repeat((indent + 4).min(INDENT_MAX));
    let mut lines = vec![" ".repeat(indent)];
    let mut is_first = true;
    for (word, gap) in words(text, COLUMNS - further.len()) {
        let last = lines.last_mut().expect("there is one at least");
        if is_first || display_width(last) + gap + display_width(word) <= COLUMNS {
            last.push_str(&" ".repeat(gap));
            last.push_str(word);
        } else {
            lines.push(format!("{further}{word}"));
        }
        is_first = false;
    }
    lines
}

/// The words of a line, each with the spaces before it.
fn words(text: &str, width: usize) -> Vec<(&str, usize)> {
    let mut words = Vec::new();
    let mut gap = 0;
    for part in text.split(' ') {
        if part.is_empty() {
            gap += 1;
            continue;
        }
        if display_width(part) <= width {
            words.push((part, gap));
        } else {
            let pieces = part.split_inclusive(',').enumerate();
            words.extend(pieces.map(|(at, piece)| (piece, if at == 0 { gap } else { 0 })));
        }
        gap = 1;
    }
    words
}

/// A message in the columns of a screen, with its label before it and the rest under that. What is
/// to be copied stays whole: a command, and what stands between backquotes. So do lines that fit,
/// and lines that are laid out already.
pub(crate) fn message(label: &str, text: &str) -> Vec<String> {
    let indent = match label.len() - label.trim_start().len() {
        _ if label.is_empty() => String::new(),
        before => " ".repeat(before + 2),
    };
    let text = inert(text);
    let mut lines = Vec::new();
    for (index, line) in text.trim_end().split('\n').enumerate() {
        let label = if index == 0 { label } else { "" };
        let fits = display_width(label) + display_width(line) <= COLUMNS;
        if fits || is_laid_out(line) || is_command(line) {
            lines.push(format!("{label}{line}"));
            continue;
        }
        let options = options(COLUMNS).initial_indent(label).subsequent_indent(&indent);
        let glued = glue_code(line);
        lines.extend(textwrap::wrap(&glued, options).iter().map(|part| part.replace(GLUE, " ")));
    }
    lines
}

/// Whether a compiler or parser laid a line out: an excerpt, or marks under one.
fn is_laid_out(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.starts_with(' ') || rest.starts_with('|')
}

fn is_command(line: &str) -> bool {
    line.starts_with("tidegate ")
}

/// A space that breaks no line.
const GLUE: char = '\u{a0}';

/// Text in which no line breaks between two backquotes.
fn glue_code(text: &str) -> String {
    if text.matches('`').count() % 2 == 1 {
        return text.to_owned();
    }
    let glued = |(index, part): (usize, &str)| match index % 2 {
        1 => part.replace(' ', &GLUE.to_string()),
        _ => part.to_owned(),
    };
    text.split('`').enumerate().map(glued).collect::<Vec<_>>().join("`")
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
        let painted = inert(&inert(&Colour::Passes.paint("PASS")));
        let shown = coloured(&painted);
        assert_eq!(shown, "\u{1b}[32mPASS\u{1b}[0m");
        // The very codes that this program uses: a name could write its own verdict by them.
        assert_eq!(coloured(&shown), "\\u{1b}[32mPASS\\u{1b}[0m");
        assert_eq!(display_width(&Colour::Fails.paint("FAIL   ")), 7);
    }

    #[test]
    fn text_is_laid_out_by_the_columns_that_it_takes() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("0x1234567 b", 4), ["0x1234567", "b"], "a hash can be copied");
        assert_eq!(wrap("a\nb", 80), ["a", "b"]);
        assert_eq!(wrap("資金 資金", 8), ["資金", "資金"], "each takes two columns");
        assert_eq!(pad("資金", 5), "資金 ");
    }

    #[test]
    fn a_line_of_a_sheet_fits_a_screen() {
        let row = "  call   vault/upgrade                     53615 gas  \
                   upgradeToAndCall(address,bytes,uint256)";
        let lines = folded(row);
        let begins = "  call   vault/upgrade                     53615 gas";
        assert_eq!(lines, [begins, "      upgradeToAndCall(address,bytes,uint256)"]);
        let word = format!("0x{}", "ab".repeat(32));
        let lines = folded(&format!("             something = {word}"));
        assert_eq!(lines, ["             something =", &format!("          {word}")]);
        let list = format!("         owners = [{}]", vec![format!("{word:?}"); 3].join(","));
        let lines = folded(&list);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.len() <= COLUMNS), "{lines:?}");
        let joined: String = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(joined.replace(' ', ""), list.replace(' ', ""), "nothing is lost");
        let bytes = format!("0x{}", "ab".repeat(90));
        assert_eq!(folded(&bytes), [bytes.as_str()], "what is copied stays whole");
        for fits in ["", "  a  b", &"x".repeat(COLUMNS)] {
            assert_eq!(folded(fits), [fits]);
        }
    }

    #[test]
    fn a_message_fits_a_screen_and_what_is_copied_stays_whole() {
        let words = "word ".repeat(40);
        for (label, indent) in [("error: ", "  "), ("  cause: ", "    "), ("", "")] {
            let lines = message(label, &words);
            assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= COLUMNS), "{lines:?}");
            assert!(lines[0].starts_with(&format!("{label}word")), "{lines:?}");
            assert!(lines[1].starts_with(&format!("{indent}word")), "{lines:?}");
            let told: Vec<_> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            assert_eq!(told.len(), 40 + label.split_whitespace().count());
        }
        let command = format!("tidegate deploy {}", "--option value ".repeat(9));
        assert_eq!(message("hint: ", &command), [format!("hint: {}", command.trim_end())]);
        let code = format!("`{}`", "mv a b ".repeat(11).trim_end());
        let lines = message("hint: ", &format!("{words}move it: {code}, then go on"));
        assert!(lines.iter().any(|line| line.contains(&code)), "{lines:?}");
        let excerpt = format!("cannot read it\n   |\n12 | {words}\n   | ^^^^");
        let lines = message("error: ", &excerpt);
        let whole = format!("12 | {}", words.as_str());
        assert_eq!(lines, ["error: cannot read it", "   |", whole.as_str(), "   | ^^^^"]);
    }
}
