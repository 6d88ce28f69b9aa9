//! Which endpoints count apart: a quorum is of operators, not of names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use psl::Type;
use serde::Deserialize;
use url::Host;

use crate::RedactedUrl;

/// Groups of an IPv6 address that one site has.
const IPV6_SITE_GROUPS: usize = 4;
/// The operator of every endpoint on this machine that has no other.
const THIS_MACHINE: &str = "this machine";

/// The most endpoints that a person can name.
const NAMED_MAX: usize = 100;

/// A file of operators that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OperatorsError {
    /// It is not such a file.
    #[error(
        "cannot read the operators: `version = 1`, and names by \"host:port\" under \
         [operators]"
    )]
    Toml(#[source] Box<toml::de::Error>),
    /// Another version, or too much.
    #[error("cannot read the operators: {0}")]
    Content(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    operators: BTreeMap<String, String>,
}

/// Reads whom a person named as operators of endpoints on this machine: `version = 1`, and under
/// `[operators]` names by `host:port`.
///
/// # Errors
/// If it is no such file.
pub fn named_operators(text: &str) -> Result<BTreeMap<String, String>, OperatorsError> {
    let file: File = toml::from_str(text).map_err(|e| OperatorsError::Toml(Box::new(e)))?;
    if file.version != 1 {
        return Err(OperatorsError::Content("it is of another version"));
    }
    if file.operators.len() > NAMED_MAX {
        return Err(OperatorsError::Content("it names more than 100 endpoints"));
    }
    Ok(file.operators)
}

/// An endpoint, and the addresses that its host has.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub url: RedactedUrl,
    /// The addresses that its host resolves to; empty if they are not known.
    pub addresses: Vec<IpAddr>,
}

/// The operator of each endpoint, as far as it can be told. A quorum counts operators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Operators {
    /// An operator for each endpoint, in order. Equal ones count once.
    pub of: Vec<String>,
    /// What a person should know of them, a sentence each.
    pub remarks: Vec<String>,
}

/// Tells operators apart: by registrable domain, by address where a URL names one, and everything
/// on this machine as one. Hosts that share a private or loopback address are one; those that
/// share a public one, as behind a provider's front, count apart, and that is said. `named` are
/// operators of endpoints on this machine, by `host:port`.
pub(crate) fn operators(places: &[Place], named: &BTreeMap<String, String>) -> Operators {
    let mut of: Vec<String> = places.iter().map(|place| operator(place, named)).collect();
    let mut remarks = Vec::new();
    for (later, place) in places.iter().enumerate() {
        for earlier in 0..later {
            let one_is_named = is_named(place, named) || is_named(&places[earlier], named);
            if of[later] == of[earlier] || one_is_named {
                continue;
            }
            let ours: BTreeSet<_> = place.addresses.iter().map(IpAddr::to_canonical).collect();
            let theirs = places[earlier].addresses.iter().map(IpAddr::to_canonical);
            let Some(shared) = theirs.into_iter().find(|address| ours.contains(address)) else {
                continue;
            };
            if is_near(shared) {
                let (from, to) = (of[later].clone(), of[earlier].clone());
                of.iter_mut().filter(|name| **name == from).for_each(|name| *name = to.clone());
            } else {
                let (one, other) = (&places[earlier].url, &place.url);
                remarks.push(format!(
                    "{one} and {other} have one address, {shared}; they count apart by their \
                     domains"
                ));
            }
        }
    }
    Operators { of, remarks }
}

fn operator(place: &Place, named: &BTreeMap<String, String>) -> String {
    if place.url.is_loopback() || place.addresses.iter().any(is_this_machine) {
        let name = named.get(&place.url.authority()).filter(|_| place.url.is_loopback());
        return name.map_or_else(|| THIS_MACHINE.to_owned(), |name| format!("{name}, by name"));
    }
    match place.url.typed_host() {
        Some(Host::Domain(domain)) => registrable(domain.trim_end_matches('.')).to_owned(),
        Some(Host::Ipv4(ip)) => ip.to_string(),
        Some(Host::Ipv6(ip)) => match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => {
                let site: Vec<_> =
                    ip.segments()[..IPV6_SITE_GROUPS].iter().map(|g| format!("{g:x}")).collect();
                format!("{}::/64", site.join(":"))
            }
        },
        None => String::new(),
    }
}

fn is_named(place: &Place, named: &BTreeMap<String, String>) -> bool {
    place.url.is_loopback() && named.contains_key(&place.url.authority())
}

fn is_this_machine(address: &IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

/// Whether an address means something else on each network, so that an equal one is the same
/// machine and not a provider's front.
fn is_near(address: IpAddr) -> bool {
    if is_this_machine(&address) {
        return true;
    }
    match address {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// The domain that somebody registered, by the public suffix list. Names below a platform's own
/// suffix (`a.platform.example`) are the platform's: one registration gives any number of them.
/// A name without one, as inside a network, stands for itself.
fn registrable(host: &str) -> &str {
    let mut below = host;
    while let Some(suffix) = psl::suffix(below.as_bytes()) {
        let length = suffix.as_bytes().len();
        if suffix.typ() != Some(Type::Private) {
            let Some(labels) = host.len().checked_sub(length + 1) else { return host };
            let start = host[..labels].rfind('.').map_or(0, |dot| dot + 1);
            return &host[start..];
        }
        // The suffix of the platform's own name.
        let platform = &below[below.len() - length..];
        let Some((_, parent)) = platform.split_once('.') else { return host };
        below = parent;
    }
    host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, addresses: &[&str]) -> Place {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Place { url: RedactedUrl::parse(url).unwrap(), addresses }
    }

    fn count(places: &[(&str, &[&str])]) -> (usize, usize) {
        let places: Vec<_> = places.iter().map(|(url, at)| place(url, at)).collect();
        let found = operators(&places, &BTreeMap::new());
        assert_eq!(found.of.len(), places.len());
        (found.of.iter().collect::<BTreeSet<_>>().len(), found.remarks.len())
    }

    #[test]
    fn the_domain_that_somebody_registered() {
        for (host, expected) in [
            ("rpc.node.example.com", "example.com"),
            ("example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("one.vercel.app", "vercel.app"),
            ("two.eu.vercel.app", "vercel.app"),
            ("s3.us-east-1.amazonaws.com", "amazonaws.com"),
            ("geth", "geth"),
            ("com", "com"),
        ] {
            assert_eq!(registrable(host), expected, "{host}");
        }
    }

    #[test]
    fn names_of_one_operator_count_once() {
        let apart: &[(&str, &[&str])] =
            &[("https://a.one.com", &["203.0.113.1"]), ("https://b.two.com", &["203.0.113.2"])];
        assert_eq!(count(apart), (2, 0));
        let cases: [[(&str, &[&str]); 2]; 9] = [
            [("https://a.one.com", &[]), ("https://b.one.com", &[])],
            [("https://one.com", &[]), ("https://ONE.com.", &[])],
            [("http://127.0.0.1:1", &[]), ("http://localhost:2", &[])],
            [("http://127.0.0.1:1", &[]), ("http://127.0.0.2:1", &[])],
            [("http://[::1]:1", &[]), ("https://mine.example.com", &["127.0.0.1"])],
            [("http://127.0.0.1:1", &[]), ("https://[::ffff:127.0.0.1]", &[])],
            [("https://10.0.0.1", &["10.0.0.1"]), ("https://one.com", &["10.0.0.1"])],
            [("https://a.one.com", &["fd00::1"]), ("https://b.two.com", &["fd00::1"])],
            [("https://[2001:db8::1]", &[]), ("https://[2001:db8::2]", &[])],
        ];
        for case in &cases {
            assert_eq!(count(case), (1, 0), "{case:?}");
        }
    }

    #[test]
    fn a_public_address_that_is_shared_is_said() {
        let front: &[(&str, &[&str])] = &[
            ("https://a.one.com", &["203.0.113.1"]),
            ("https://b.two.com", &["198.51.100.1", "203.0.113.1"]),
        ];
        assert_eq!(count(front), (2, 1));
        // One address through a third name joins all three.
        let joined: &[(&str, &[&str])] = &[
            ("https://a.one.com", &["10.0.0.1"]),
            ("https://b.two.com", &["10.0.0.2"]),
            ("https://c.three.com", &["10.0.0.1", "10.0.0.2"]),
        ];
        assert_eq!(count(joined), (1, 0));
    }

    #[test]
    fn a_file_of_names_is_read_or_refused() {
        let good = "version = 1\n[operators]\n\"127.0.0.1:8545\" = \"ann\"\n";
        assert_eq!(named_operators(good).unwrap()["127.0.0.1:8545"], "ann");
        let more = "version = 1\nx = 1\n[operators]\n";
        for bad in ["", "version = 2\n[operators]\n", more, "version = 1\noperators = 3"] {
            assert!(named_operators(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_loopback_has_names() {
        let named = [("127.0.0.1:1", "ann"), ("localhost:2", "bo"), ("node.example.com:443", "cy")];
        let named = named.map(|(at, name)| (at.to_owned(), name.to_owned())).into();
        let places = [
            place("http://127.0.0.1:1", &["127.0.0.1"]),
            place("http://localhost:2", &["127.0.0.1"]),
            place("http://127.0.0.1:3", &["127.0.0.1"]),
            place("https://node.example.com", &["127.0.0.1"]),
        ];
        let found = operators(&places, &named);
        assert_eq!(found.of, ["ann, by name", "bo, by name", THIS_MACHINE, THIS_MACHINE]);
    }
}
