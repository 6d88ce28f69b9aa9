//! Endpoint addresses, which often carry a secret.

use std::fmt;
use std::sync::Arc;

use url::{Host, Url};

use crate::text::escape;

const REDACTED: &str = "[redacted]";
/// Shorter parts of a URL are words like `v3` or `rpc`, not keys.
const SECRET_CHARS_MIN: usize = 8;

/// The address of an endpoint. Its path, query and user information may hold an API key, so
/// `Display` and `Debug` show scheme, host and port only.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(Arc<Url>);

/// An address that is not an endpoint's. The text itself is not in the error, as it may hold an
/// API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not a URL.
    #[error("the endpoint's URL is not valid")]
    NotAUrl(#[source] url::ParseError),
    /// It has another scheme.
    #[error("the endpoint's URL is not valid: the scheme must be `https` or `http`")]
    NotHttp,
    /// It names no host.
    #[error("the endpoint's URL is not valid: it names no host")]
    NoHost,
}

impl RedactedUrl {
    /// Parses an `https` or `http` URL.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text.trim()).map_err(UrlError::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(UrlError::NotHttp);
        }
        match url.host() {
            Some(_) => Ok(Self(Arc::new(url))),
            None => Err(UrlError::NoHost),
        }
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_end_matches('.')
    }

    /// The host, and the port where the URL has one that its scheme does not imply.
    pub fn host_and_port(&self) -> String {
        self.0
            .port()
            .map_or_else(|| self.host().to_owned(), |port| format!("{}:{port}", self.host()))
    }

    /// The host and port, as operators of this machine's endpoints are named by.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host(), self.0.port_or_known_default().unwrap_or_default())
    }

    /// Whether the URL itself names this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(domain)) => domain.trim_end_matches('.') == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
            None => false,
        }
    }

    /// Whether it is a port of this machine and nothing else: no path, query or user is chosen.
    pub fn is_bare_loopback(&self) -> bool {
        let has_user = !self.0.username().is_empty() || self.0.password().is_some();
        self.is_loopback() && self.0.path() == "/" && self.0.query().is_none() && !has_user
    }

    /// Whether what is sent there leaves this machine in clear text.
    pub(crate) fn is_clear_text(&self) -> bool {
        self.0.scheme() == "http" && !self.is_loopback()
    }

    pub(crate) fn typed_host(&self) -> Option<Host<&str>> {
        self.0.host()
    }

    pub(crate) fn expose(&self) -> &Url {
        &self.0
    }

    /// Escapes what the endpoint wrote, and takes this URL's own secrets out of it.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let user = [self.0.username(), self.0.password().unwrap_or_default()];
        let path = self.0.path().split('/');
        let query = self.0.query().unwrap_or_default().split(['&', '=']);
        for part in user.into_iter().chain(path).chain(query) {
            if part.chars().count() >= SECRET_CHARS_MIN {
                text = text.replace(part, REDACTED);
            }
        }
        escape(&text)
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.host())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedactedUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_are_shown() {
        let cases = [
            (
                "https://user:password1@Node.Example:8443/v3/0123456789?key=k#f",
                "node.example",
                ":8443",
            ),
            ("http://127.0.0.1:8545/", "127.0.0.1", ":8545"),
            ("https://node.example.:443/secret", "node.example", ""),
            ("  https://[::1]:1/x ", "[::1]", ":1"),
        ];
        for (text, host, port) in cases {
            let url = RedactedUrl::parse(text).expect(text);
            assert_eq!(url.host(), host);
            assert_eq!(url.host_and_port(), format!("{host}{port}"));
            let scheme = text.trim().split("://").next().expect("a scheme");
            assert_eq!(url.to_string(), format!("{scheme}://{host}{port}"));
            assert_eq!(format!("{url:?}"), format!("RedactedUrl({scheme}://{host}{port})"));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_without_repeating_it() {
        for text in ["", "node", "ws://node", "file:///secret-key", "https://"] {
            let error = RedactedUrl::parse(text).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("secret-key"), "{text}");
        }
    }

    #[test]
    fn secrets_that_come_back_are_taken_out() {
        let url =
            RedactedUrl::parse("https://node.example/v3/abcdef012345?token=98765432").unwrap();
        let echoed = "no project abcdef012345 (98765432) under v3\n";
        assert_eq!(url.clean(echoed), "no project [redacted] ([redacted]) under v3\\n");
    }

    #[test]
    fn a_bare_port_of_this_machine_chooses_nothing() {
        let cases = [
            ("http://127.0.0.1:8545", true),
            ("http://[::1]:8545/", true),
            ("http://127.0.0.1:8545/queue/shutdown", false),
            ("http://localhost:8545/?confirm=yes", false),
            ("http://user@localhost:8545", false),
            ("https://node.example", false),
        ];
        for (text, expected) in cases {
            assert_eq!(RedactedUrl::parse(text).unwrap().is_bare_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn clear_text_is_only_for_this_machine() {
        let cases = [
            ("http://127.0.0.1:8545", false),
            ("http://localhost:8545", false),
            ("http://[::1]:8545", false),
            ("http://10.0.0.7:8545", true),
            ("http://localhost.example", true),
            ("http://node.localhost", true),
            ("http://0.0.0.0:8545", true),
            ("http://[::ffff:10.0.0.7]", true),
            ("http://[::ffff:127.0.0.1]", false),
            ("https://node.example", false),
        ];
        for (text, expected) in cases {
            assert_eq!(RedactedUrl::parse(text).unwrap().is_clear_text(), expected, "{text}");
        }
    }
}
