//! How many blocks an endpoint serves the logs of at once, by what it says when it refuses.

/// Whether a refusal, in lower case, speaks of what one call asks for, not of how many calls.
pub(crate) fn names_a_range(text: &str) -> bool {
    ["range", "block", "result", "response size", "logs"].iter().any(|word| text.contains(word))
}

/// Why a range of blocks was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is too many blocks, whatever is in them; so many would do, if it says.
    Blocks(Option<u64>),
    /// There is too much in these blocks; so many of them would do, if it says.
    Content(Option<u64>),
}

/// Whether it is a limit that other queries meet too.
pub(crate) const fn is_of_range(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Blocks(_))
}

/// Reads a refusal to give the logs of `asked` blocks. What it says only decides what is asked
/// next.
pub(crate) fn refusal(message: &str, asked: u64) -> Refusal {
    let text = message.to_lowercase();
    let fits = |count: &u64| (1..asked).contains(count);
    let (suggested, text) = suggested(&text);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let counted = numbers(&text).filter(|number| !number.of_content && fits(&number.count));
    let (of_blocks, others): (Vec<_>, Vec<_>) = counted.partition(|number| number.of_blocks);
    let largest = |numbers: Vec<Number>| numbers.iter().map(|number| number.count).max();
    if let Some(limit) = largest(of_blocks) {
        return Refusal::Blocks(Some(limit));
    }
    let is_of_content = has(&["result", "response size", "too many logs", "logs matched"]);
    match suggested.filter(fits) {
        None if !is_of_content && has(&["range", "block"]) => Refusal::Blocks(largest(others)),
        suggested => Refusal::Content(suggested),
    }
}

/// How many blocks the range has that a refusal proposes, as `[0x10, 0x1f]` or `range 1-500`; and
/// the rest of its text.
fn suggested(text: &str) -> (Option<u64>, String) {
    let bracketed = text.rsplit_once('[').and_then(|(before, after)| {
        let (range, after) = after.split_once(']')?;
        Some((range.split_once([',', '-'])?, format!("{before}{after}")))
    });
    let plain = || {
        let (before, after) = text.rsplit_once("range ")?;
        let (range, _) = after.split_once([' ', '.', ',']).unwrap_or((after, ""));
        Some((range.split_once('-')?, before.to_owned()))
    };
    let Some(((from, to), rest)) = bracketed.or_else(plain) else { return (None, text.to_owned()) };
    let number = |text: &str| {
        let text = text.trim();
        let hex = text.strip_prefix("0x").map(|hex| u64::from_str_radix(hex, 16));
        hex.unwrap_or_else(|| text.parse()).ok()
    };
    let count = || number(to)?.checked_sub(number(from)?)?.checked_add(1);
    match count() {
        Some(count) => (Some(count), rest),
        None => (None, text.to_owned()),
    }
}

/// A number of a refusal, and what it counts.
struct Number {
    count: u64,
    of_blocks: bool,
    of_content: bool,
}

/// The numbers of a text: `10,000` and `2k` are one number each, and hexadecimal ones none.
fn numbers(text: &str) -> impl Iterator<Item = Number> {
    let split = |c: char| !c.is_alphanumeric() && c != ',' && c != '_';
    let words: Vec<&str> = text.split(split).filter(|word| !word.is_empty()).collect();
    (0..words.len()).filter_map(move |at| {
        let word = words[at].trim_matches(',');
        let (digits, unit) = word.strip_suffix('k').map_or((word, 1), |digits| (digits, 1_000));
        let count: u64 = digits.replace([',', '_'], "").parse().ok()?;
        let has = |words: &[&str], wanted: &[&str]| {
            words.iter().any(|word| wanted.iter().any(|wanted| word.starts_with(wanted)))
        };
        let near = |before: usize, after: usize| {
            &words[at.saturating_sub(before)..words.len().min(at + 1 + after)]
        };
        Some(Number {
            count: count.saturating_mul(unit),
            of_blocks: has(near(3, 2), &["range", "block"]),
            of_content: has(near(0, 1), &["result", "log", "event", "entries"]),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As providers and nodes word it.
    #[test]
    fn what_a_refusal_says_would_do() {
        use Refusal::{Blocks, Content};
        let cases = [
            (
                "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block \
                 range. Based on your parameters, this block range should work: [0x1, 0xa].",
                Blocks(Some(10)),
            ),
            (
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K \
                 block range and no limit on the response size, or you can request any block range \
                 with a cap of 10K logs in the response. Based on your parameters and the response \
                 size limit, this block range should work: [0x0, 0x1ff]",
                Blocks(Some(2_000)),
            ),
            (
                "query returned more than 10000 results. Try with this block range [0x3, 0x7].",
                Content(Some(5)),
            ),
            ("query exceeds max results 20000, retry with the range 1-500", Content(Some(500))),
            ("logs matched by query exceeds limit of 10000", Content(None)),
            ("query returned more than 10000 results", Content(None)),
            ("query timeout exceeded", Content(None)),
            ("eth_getLogs is limited to a 10,000 range", Blocks(Some(10_000))),
            ("eth_getLogs is limited to a 5 range", Blocks(Some(5))),
            ("exceed maximum block range: 5000", Blocks(Some(5_000))),
            ("ranges over 10000 blocks are not supported on freetier", Blocks(Some(10_000))),
            ("Max range: 800", Blocks(Some(800))),
            ("block range too large: max 800", Blocks(Some(800))),
            ("query exceeds the range allowed for your plan (20000 > 500)", Blocks(Some(500))),
            ("You requested 20000 blocks, max is 3", Blocks(Some(3))),
            ("query exceeds max block range 10_000", Blocks(Some(10_000))),
            ("block range is too wide", Blocks(None)),
            ("Requested range exceeds maximum RPC range limit", Blocks(None)),
            ("exceed maximum block range: 50000", Blocks(None)),
            ("no blocks after 99999999999999999999999", Blocks(None)),
            ("this block range should work: [0x9, 0x3]", Blocks(None)),
            ("", Content(None)),
        ];
        for (message, expected) in cases {
            assert_eq!(refusal(message, 20_000), expected, "{message}");
        }
        // A number that was asked for already is no help, nor is none.
        assert_eq!(refusal("exceed maximum block range: 50", 50), Blocks(None));
        assert_eq!(refusal("exceed maximum block range: 0", 50), Blocks(None));
    }
}
