//! Free text as it was written, in which nothing can become anything but text.

/// The most characters of a description.
const TEXT_CHARS_MAX: usize = 200;

/// One line: what ends lines and whatever is invisible is replaced, runs of spaces are one.
pub(super) fn line(text: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_control() || c.is_whitespace() => ' ',
        c if is_invisible(c) => '?',
        c => c,
    };
    let mut all = text.chars().map(shown);
    let line: String = all.by_ref().take(TEXT_CHARS_MAX).collect();
    let words: Vec<_> = line.split_whitespace().collect();
    match (words.is_empty(), all.next()) {
        (true, _) => "-".to_owned(),
        (false, None) => words.join(" "),
        (false, Some(_)) => format!("{} …", words.join(" ")),
    }
}

/// The same for hledger and Ledger: to hledger a semicolon begins a comment, wherever it stands.
pub(super) fn journal_line(text: &str) -> String {
    line(text).replace(';', ",")
}

/// The same within the quotes of Beancount.
pub(super) fn beancount_line(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Characters that show nothing, or turn the direction of what follows.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_as_it_was_written_on_one_line() {
        let cases = [
            ("deploy vault", "deploy vault"),
            ("Zürich, 東京, \u{1f980}", "Zürich, 東京, \u{1f980}"),
            ("say \"hi\"; see https://a.b | c \\ d", "say \"hi\"; see https://a.b | c \\ d"),
            ("a\n2026-01-01 * x\n    Assets:A  5", "a 2026-01-01 * x Assets:A 5"),
            ("a\r\n\tb", "a b"),
            ("a\u{202e}b\u{200b}c\u{feff}", "a?b?c?"),
            ("a\u{a0}\u{2028}b\u{85}c", "a b c"),
            ("", "-"),
            (" \n ", "-"),
        ];
        for (text, expected) in cases {
            assert_eq!(line(text), expected, "{text:?}");
        }
        assert_eq!(journal_line("a;b ; \"c\""), "a,b , \"c\"");
        assert_eq!(beancount_line("a;b \"c\" \\"), "a;b \\\"c\\\" \\\\");
        let whole = "x".repeat(TEXT_CHARS_MAX);
        assert_eq!(line(&whole), whole);
        assert_eq!(line(&format!("{whole}y")), format!("{whole} …"));
    }
}
