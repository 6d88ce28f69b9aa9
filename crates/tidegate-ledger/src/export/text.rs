//! Free text that cannot become anything but text in any of the formats.

/// The most characters of a description.
const TEXT_CHARS_MAX: usize = 200;

/// One line of plain ASCII: line ends, tabs and the characters that begin comments, split payees,
/// end strings or make tags are replaced, runs of spaces are one.
pub(super) fn sanitise(text: &str) -> String {
    let plain = text.chars().take(TEXT_CHARS_MAX).map(|c| match c {
        ';' => ',',
        '|' | '\\' => '/',
        '"' => '\'',
        ':' => '.',
        ' '..='~' => c,
        c if c.is_control() || c.is_whitespace() => ' ',
        _ => '?',
    });
    let plain: String = plain.collect();
    let words: Vec<_> = plain.split_whitespace().collect();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let cases = [
            ("deploy vault", "deploy vault"),
            ("a\n2026-01-01 * x\n    Assets:A  5", "a 2026-01-01 * x Assets.A 5"),
            ("a\r\n\tb", "a b"),
            ("x ; tag:value | payee", "x , tag.value / payee"),
            ("say \"hi\" \\ bye", "say 'hi' / bye"),
            ("see https://example.org", "see https.//example.org"),
            ("gas for caf\u{e9} \u{202e}\u{1f980}", "gas for caf? ??"),
            ("a\u{a0}\u{2028}b", "a b"),
            ("", "-"),
            (" \n ", "-"),
        ];
        for (text, expected) in cases {
            assert_eq!(sanitise(text), expected, "{text:?}");
        }
        assert_eq!(sanitise(&"x".repeat(500)).len(), TEXT_CHARS_MAX);
    }
}
