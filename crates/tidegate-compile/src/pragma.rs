//! Ranges of compiler versions, as pragmas and settings write them.

use std::fmt;

use semver::{Version, VersionReq};

/// A range of versions: `^0.8.20`, `0.8.x`, `>=0.7.0 <0.9.0`, `0.7.6 || ^0.8.0`, `0.8.1 - 0.8.9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    text: String,
    /// One of these has to allow a version.
    any: Vec<VersionReq>,
}

impl Range {
    /// Reads a range as the compiler does; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let any = text.split("||").map(all_of).collect::<Option<_>>()?;
        Some(Self { text: text.to_owned(), any })
    }

    /// Whether a version lies within it. Prereleases count as the version that they lead to.
    pub fn allows(&self, version: &Version) -> bool {
        let plain = Version::new(version.major, version.minor, version.patch);
        self.any.iter().any(|all| all.matches(&plain))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Comparisons that all have to hold, of which there is at least one.
fn all_of(text: &str) -> Option<VersionReq> {
    if let Some((from, to)) = text.split_once(" - ") {
        let (from, to) = (number(from.trim())?, number(to.trim())?);
        return VersionReq::parse(&format!(">={from},<={to}")).ok();
    }
    let mut rest = text.trim();
    let mut comparisons = Vec::new();
    while !rest.is_empty() {
        let operator = ["^", "~", ">=", "<=", ">", "<", "="];
        let operator = operator.into_iter().find(|sign| rest.starts_with(sign)).unwrap_or_default();
        rest = rest[operator.len()..].trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".*".contains(c)));
        let (written, behind) = rest.split_at(end.unwrap_or(rest.len()));
        match number(written)?.as_str() {
            "*" => comparisons.push("*".to_owned()),
            number if operator.is_empty() => comparisons.push(format!("={number}")),
            number => comparisons.push(format!("{operator}{number}")),
        }
        rest = behind.trim_start_matches([' ', '\t', '\r', '\n', ',']);
    }
    if comparisons.is_empty() {
        return None;
    }
    if comparisons.len() > 1 {
        comparisons.retain(|comparison| comparison != "*");
    }
    VersionReq::parse(&comparisons.join(",")).ok()
}

/// One to three numbers. A part that is left open, and all behind it, is left out; `*` if nothing
/// is left.
fn number(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let open = |part: &&str| ["x", "X", "*"].contains(part);
    let plain = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(|part| open(part) || plain(part)) {
        return None;
    }
    let closed: Vec<&str> = parts.into_iter().take_while(|part| !open(part)).collect();
    Some(if closed.is_empty() { "*".to_owned() } else { closed.join(".") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, within: &[&str], without: &[&str]) {
        let range = Range::parse(text).unwrap_or_else(|| panic!("{text} is no range"));
        let allows = |version: &&str| range.allows(&version.parse().unwrap());
        assert!(within.iter().all(allows), "{text}");
        assert!(!without.iter().any(allows), "{text}");
    }

    #[test]
    fn ranges_mean_what_they_mean_to_the_compiler() {
        check("0.8.26", &["0.8.26", "0.8.26+commit.8a97fa7a.Linux.gcc"], &["0.8.25", "0.8.27"]);
        check("=0.8.26", &["0.8.26"], &["0.8.27"]);
        check("^0.8.20", &["0.8.20", "0.8.37"], &["0.8.19", "0.9.0"]);
        check("~0.8.20", &["0.8.21"], &["0.9.0", "0.8.19"]);
        for text in ["0.8", "0.8.x", "0.8.X", "0.8.*", "^0.8", "=0.8", "=0.8.x"] {
            check(text, &["0.8.0", "0.8.37"], &["0.7.6", "0.9.0"]);
        }
        for text in [">=0.7.0 <0.9.0", ">= 0.7.0 < 0.9.0", ">=0.7.0,<0.9.0", ">=0.7.0  <0.9.0"] {
            check(text, &["0.7.0", "0.8.37"], &["0.6.12", "0.9.0"]);
        }
        check(">=0.8.0<0.8.20", &["0.8.19"], &["0.8.20"]);
        check("0.7.6 || ^0.8.10", &["0.7.6", "0.8.10"], &["0.7.5", "0.8.9"]);
        check("^0.7.0||0.8.1||>=0.8.30", &["0.7.6", "0.8.1", "0.8.37"], &["0.8.2", "0.8.29"]);
        check("0.8.1 - 0.8.9", &["0.8.1", "0.8.9"], &["0.8.0", "0.8.10"]);
        check("*", &["0.4.0", "0.8.37"], &[]);
        check("* >=0.8.0", &["0.8.37"], &["0.7.6"]);
    }

    #[test]
    fn what_is_no_range_is_none() {
        for text in ["", "latest", "^", "0.8.", "0..8", "1.2.3.4", "^0.8.20 ||", "0.8.2a", ">>0.8"]
        {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
