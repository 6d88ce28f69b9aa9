//! Which endpoints are a person's own: those in their environment and in their own file. What a
//! project writes as a URL counts for decisions only once the person has taken it into that file.

use serde::{Deserialize, Serialize};
use tidegate_model::ChainId;
use tidegate_model::endpoint::{Endpoint, MixedEndpoint};

use crate::url::{RedactedUrl, UrlError};

/// The format version of the file.
const VERSION: u32 = 1;
/// The most endpoints of one file.
const ENDPOINTS_MAX: usize = 1_000;

/// The endpoints in a person's own file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnEndpoints(Vec<(ChainId, RedactedUrl)>);

/// A file or an entry that is refused. None shows a URL.
#[derive(Debug, thiserror::Error)]
pub enum OwnEndpointError {
    /// The file has another shape. What the parser says would show its lines.
    #[error(
        "cannot read the file of your endpoints: it has another shape than `[[endpoint]]` with \
             `chain` and `url`"
    )]
    Shape,
    /// A version that this program does not know.
    #[error("cannot read the file of your endpoints: version {0} is not supported")]
    Version(u32),
    #[error("cannot read the file of your endpoints: it has more than {ENDPOINTS_MAX}")]
    TooMany,
    /// An endpoint is none.
    #[error("cannot use the endpoint {place}")]
    Url {
        /// Where it is written.
        place: String,
        #[source]
        source: UrlError,
    },
    /// A variable is only a part of an endpoint.
    #[error(transparent)]
    Mixed(#[from] MixedEndpoint),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, rename = "endpoint")]
    endpoints: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    chain: u64,
    url: String,
}

/// The endpoints of one network on this machine, sorted by whether they may be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Those that are the person's own.
    pub own: Vec<RedactedUrl>,
    /// URLs of the project that the person has not taken as their own.
    pub unpinned: Vec<RedactedUrl>,
    /// Variables that the project names and that are not set.
    pub unset: Vec<String>,
}

impl OwnEndpoints {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is no such file, or holds something that is no URL.
    pub fn parse(text: &str) -> Result<Self, OwnEndpointError> {
        let file: File = toml::from_str(text).map_err(|_| OwnEndpointError::Shape)?;
        if file.version != VERSION {
            return Err(OwnEndpointError::Version(file.version));
        }
        if file.endpoints.len() > ENDPOINTS_MAX {
            return Err(OwnEndpointError::TooMany);
        }
        let read = |row: Row| match RedactedUrl::parse(&row.url) {
            Ok(url) => Ok((ChainId(row.chain), url)),
            Err(source) => {
                let place = format!("of chain {} in the file of your endpoints", row.chain);
                Err(OwnEndpointError::Url { place, source })
            }
        };
        file.endpoints.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The same with one more.
    #[must_use]
    pub fn with(&self, chain: ChainId, url: &RedactedUrl) -> Self {
        let mut all = self.0.clone();
        all.push((chain, url.clone()));
        Self(all)
    }

    /// The file's text, which holds whole URLs.
    ///
    /// # Errors
    /// Never in practice; the encoder's error is passed on.
    pub fn to_text(&self) -> Result<String, toml::ser::Error> {
        let row = |(chain, url): &(ChainId, RedactedUrl)| Row {
            chain: chain.0,
            url: url.expose().to_string(),
        };
        let endpoints = self.0.iter().map(row).collect();
        toml::to_string(&File { version: VERSION, endpoints })
    }

    /// The variable that holds a person's own endpoints of a chain, whatever the project names:
    /// one URL, or several with space between.
    pub fn variable(chain: ChainId) -> String {
        format!("TIDEGATE_RPC_{}", chain.0)
    }

    /// Resolves the entries of a network's `rpc` on this machine. The error of a variable that
    /// holds no URL does not show its value.
    ///
    /// # Errors
    /// If an entry is no endpoint.
    pub fn resolve<'v>(
        &self,
        chain: ChainId,
        written: &[String],
        variable: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<Endpoints, OwnEndpointError> {
        let mut found = Endpoints::default();
        let parse = |place: String, text: &str| {
            RedactedUrl::parse(text).map_err(|source| OwnEndpointError::Url { place, source })
        };
        for entry in written {
            match Endpoint::parse(entry)? {
                Endpoint::Literal(text) => {
                    let url = parse(format!("that the project writes for chain {chain}"), text)?;
                    let pinned = self.0.iter().any(|own| *own == (chain, url.clone()));
                    if !pinned {
                        found.unpinned.push(url);
                    }
                }
                Endpoint::Variable(name) => match variable(name) {
                    Some(text) => found.own.push(parse(format!("in the variable {name}"), text)?),
                    None => found.unset.push(name.to_owned()),
                },
            }
        }
        let name = Self::variable(chain);
        for text in variable(&name).unwrap_or_default().split_whitespace() {
            found.own.push(parse(format!("in the variable {name}"), text)?);
        }
        found.own.extend(self.0.iter().filter(|(of, _)| *of == chain).map(|(_, url)| url.clone()));
        let mut seen = Vec::new();
        found.own.retain(|url| {
            !seen.contains(url) && {
                seen.push(url.clone());
                true
            }
        });
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: ChainId = ChainId(1);

    fn resolve(own: &OwnEndpoints, written: &[&str]) -> Result<Endpoints, OwnEndpointError> {
        let written: Vec<_> = written.iter().map(|text| (*text).to_owned()).collect();
        own.resolve(CHAIN, &written, |name| match name {
            "MINE" => Some("https://mine.example/key"),
            "SECRET_TOKEN" => Some("hunter2"),
            "TIDEGATE_RPC_1" => Some("https://mine.example/key  https://second.example"),
            _ => None,
        })
    }

    fn hosts(urls: &[RedactedUrl]) -> Vec<&str> {
        urls.iter().map(RedactedUrl::host).collect()
    }

    #[test]
    fn a_projects_url_is_nobodys_until_it_is_pinned() {
        let none = OwnEndpoints::default();
        let written = ["https://theirs.example/v1", "${MINE}", "${UNSET}"];
        let found = resolve(&none, &written).unwrap();
        assert_eq!(hosts(&found.own), ["mine.example", "second.example"]);
        assert_eq!(hosts(&found.unpinned), ["theirs.example"]);
        assert_eq!(found.unset, ["UNSET"]);

        let pinned = none.with(CHAIN, &found.unpinned[0]);
        let pinned = OwnEndpoints::parse(&pinned.to_text().unwrap()).unwrap();
        let found = resolve(&pinned, &written).unwrap();
        assert_eq!(hosts(&found.own), ["mine.example", "second.example", "theirs.example"]);
        assert!(found.unpinned.is_empty());
        // Neither another path of that host, nor the same URL for another chain.
        assert_eq!(resolve(&pinned, &["https://theirs.example/v2"]).unwrap().unpinned.len(), 1);
        let other = none.with(ChainId(5), &found.own[2]);
        assert_eq!(resolve(&other, &written).unwrap().unpinned.len(), 1);
    }

    #[test]
    fn no_value_of_a_variable_is_shown_or_sent() {
        let none = OwnEndpoints::default();
        for written in ["http://evil/${SECRET_TOKEN}", "${SECRET_TOKEN}", "https://${MINE}"] {
            let error = resolve(&none, &[written]).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let text = format!("{error} {source:?} {error:?}");
            assert!(!text.contains("hunter2") && !text.contains("mine.example"), "{text}");
        }
        for file in [
            "version = 1\nurl = \"https://a/KEY\"",
            "version = 1\n[[endpoint]]\nchain = 1\nurl = \"KEY\"",
        ] {
            let error = OwnEndpoints::parse(file).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("KEY"), "{error:?}");
        }
    }
}
