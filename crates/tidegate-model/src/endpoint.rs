//! Endpoints as a project writes them. A project only *names* them; the environment and the
//! person's own folder say where they are.

/// The longest name of a variable, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// One entry of `rpc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// `${NAME}`: the whole URL is in the environment variable of this name.
    Variable(&'a str),
    /// A URL, which anybody who can write the project may have put there.
    Literal(&'a str),
}

/// An entry that mixes both. The text is not in the error, as it may hold an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`${{NAME}}` must be the whole URL: text around it could send a variable of your environment \
     to a host that the project chose"
)]
pub struct MixedEndpoint;

impl<'a> Endpoint<'a> {
    /// Reads an entry.
    ///
    /// # Errors
    /// If a variable is only a part of it, or has no plain name.
    pub fn parse(text: &'a str) -> Result<Self, MixedEndpoint> {
        if !text.contains("${") {
            return Ok(Self::Literal(text));
        }
        let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let plain = |name: &&str| {
            name.len() <= NAME_BYTES_MAX
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        name.filter(plain).map(Self::Variable).ok_or(MixedEndpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_whole_endpoint() {
        assert_eq!(Endpoint::parse("${A_1}"), Ok(Endpoint::Variable("A_1")));
        assert_eq!(Endpoint::parse("https://a/b"), Ok(Endpoint::Literal("https://a/b")));
        for mixed in [
            "http://evil/${SECRET_TOKEN}",
            "${SECRET_TOKEN}.evil.example",
            "https://${USER}@evil.example",
            "${A}${B}",
            "${A",
            "${}",
            "${A-B}",
            "${1}",
            " ${A}",
            "${A} ",
            "${${A}}",
        ] {
            assert_eq!(Endpoint::parse(mixed), Err(MixedEndpoint), "{mixed}");
        }
    }
}
