//! What somebody meant who wrote a unit as it is written elsewhere.

/// How a number or a span is written instead, as the end of a sentence.
pub(super) fn slip(text: &str) -> Option<String> {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '_' | '.');
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let end = rest.find(|c| !is_number(c)).unwrap_or(rest.len());
    let (number, unit) = (&rest[..end], rest[end..].trim_start());
    if number.is_empty() {
        return None;
    }
    let word = unit.to_ascii_lowercase();
    let written = |unit: &str| Some(format!("write `{sign}{number} {unit}`"));
    let span = |unit: &str| Some(format!("write `{sign}{number}{unit}`"));
    match word.as_str() {
        "wei" | "weis" => written("wei"),
        "gwei" | "gweis" | "nanoether" | "shannon" => written("gwei"),
        "eth" | "eths" | "ether" | "ethers" => written("ether"),
        "d" | "day" | "days" => span("d"),
        "h" | "hr" | "hrs" | "hour" | "hours" => span("h"),
        "m" | "min" | "mins" | "minute" | "minutes" => span("m"),
        "s" | "sec" | "secs" | "second" | "seconds" => span("s"),
        "w" | "week" | "weeks" => {
            let days = number.parse::<u64>().ok()?.checked_mul(7)?;
            Some(format!("write `{sign}{days}d`"))
        }
        "%" | "percent" => Some("a share is written as the contract counts it".to_owned()),
        _ if unit.starts_with(',') => {
            Some(format!("write it as `{}`", text.replace(',', "_").replace(' ', "")))
        }
        _ if unit.starts_with(|c: char| c.is_alphabetic()) && !is_exponent(unit) => Some(format!(
            "`{unit}` is no unit; amounts have `wei`, `gwei` or `ether`, spans `d`, `h`, `m` or `s`"
        )),
        _ => None,
    }
}

/// Whether this goes on as an exponent, or as the hexadecimal digits of `0x`.
fn is_exponent(unit: &str) -> bool {
    if unit.starts_with(['x', 'X']) {
        return true;
    }
    let after = unit.strip_prefix(['e', 'E']);
    after.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_by_other_units_is_said() {
        let cases = [
            ("2 eth", "write `2 ether`"),
            ("2ETH", "write `2 ether`"),
            ("0.5Ether", "write `0.5 ether`"),
            ("1.5gwei", "write `1.5 gwei`"),
            ("-3 GWEI", "write `-3 gwei`"),
            ("1_000wei", "write `1_000 wei`"),
            ("14 days", "write `14d`"),
            ("1 hour", "write `1h`"),
            ("90min", "write `90m`"),
            ("2w", "write `14d`"),
            ("1,000,000", "write it as `1_000_000`"),
            ("5%", "a share is written"),
            ("2 finney", "`finney` is no unit; amounts have `wei`, `gwei` or `ether`"),
        ];
        for (text, says) in cases {
            let said = slip(text);
            assert!(said.as_ref().is_some_and(|said| said.contains(says)), "{text}: {said:?}");
        }
        for text in ["", "abc", "1e", "0xzz", "1.2.3", "1e-"] {
            assert_eq!(slip(text), None, "{text}");
        }
    }
}
