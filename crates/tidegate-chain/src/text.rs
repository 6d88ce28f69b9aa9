//! Text that others wrote.

const TEXT_CHARS_MAX: usize = 300;

/// Makes text from a chain, node or service safe to print: control characters, characters that
/// change the direction of writing and characters without a shape are written as escapes, and
/// what is longer than a few lines is cut.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == TEXT_CHARS_MAX {
            out.push('…');
            break;
        }
        if c.is_control() || is_deceptive(c) || c == '\\' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character is invisible, ends a line unseen, or reorders or hides its neighbours.
pub const fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_deceives_is_left() {
        let cases = [
            ("execution reverted: Ünïcode ok", "execution reverted: Ünïcode ok"),
            ("a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
            ("a\r\nb\tc\0", r"a\r\nb\tc\u{0}"),
            ("pay \u{202e}0x1\u{2066}", r"pay \u{202e}0x1\u{2066}"),
            ("zero\u{200b}width\u{feff}", r"zero\u{200b}width\u{feff}"),
            ("\u{9b}31m", r"\u{9b}31m"),
            (r"already \u{202e}", r"already \\u{202e}"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn long_text_is_cut() {
        let text = "x".repeat(TEXT_CHARS_MAX + 1);
        assert_eq!(escape(&text).chars().count(), TEXT_CHARS_MAX + 1);
        assert!(escape(&text).ends_with('…'));
        assert_eq!(escape(&text[1..]), text[1..]);
    }
}
