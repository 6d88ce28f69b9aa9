//! The outcome in words.

use std::fmt;

use alloy_primitives::{Address, U256, hex};
use tidegate_model::cbor;
use tidegate_model::units::counted;

use super::{CodeMatch, Differences, MetadataDifference, Mismatch, Place};

/// The most bytes that are written out.
const WRITTEN_BYTES_MAX: usize = 32;
/// Where they are more, as many from their start.
const WRITTEN_BYTES_LEAD: usize = 16;
/// A word whose value has at most this many bytes is a number rather than an address.
const NUMBER_BYTES_MAX: usize = 10;

impl CodeMatch {
    /// Each difference in a few words; none of code that is the same.
    pub fn findings(&self) -> Vec<String> {
        match self {
            Self::Same => Vec::new(),
            Self::MetadataOnly { regions } => vec![metadata_only(regions)],
            Self::NotDeployed => vec!["there is no code".to_owned()],
            Self::Delegation { to } => vec![format!(
                "it is a key's account that runs the code of {to} (EIP-7702), which its owner can \
                 change at any time"
            )],
            Self::MinimalProxy { target } => {
                vec![format!("a minimal proxy (EIP-1167) for {target} stands there instead")]
            }
            Self::Different(differences) => different(differences),
        }
    }

    /// The first differences in one line.
    pub fn summary(&self) -> String {
        const FINDINGS_MAX: usize = 3;
        let findings = self.findings();
        let (shown, rest) = findings.split_at(findings.len().min(FINDINGS_MAX));
        let mut text = shown.join("; ");
        if !rest.is_empty() {
            text.push_str(&format!("; and {} more", rest.len()));
        }
        text
    }
}

fn metadata_only(regions: &[MetadataDifference]) -> String {
    let other = regions.iter().find_map(|region| {
        let found = region.found.as_ref()?;
        (found.compiler != region.expected.compiler).then_some(found)
    });
    let why = if regions.iter().any(|region| region.found.is_none()) {
        "it was built without metadata".to_owned()
    } else if let Some(other) = other {
        let version = |compiler: &Option<String>| compiler.clone().unwrap_or("none".to_owned());
        let expected = regions.first().map(|region| version(&region.expected.compiler));
        let (found, expected) = (version(&other.compiler), expected.unwrap_or_default());
        format!("its compiler says {found}, expected {expected}")
    } else {
        "source text, names or settings are others than those compiled here".to_owned()
    };
    format!("only metadata differs ({}): the code is the audited one, but {why}", {
        counted(regions.len(), "region")
    })
}

fn different(differences: &Differences) -> Vec<String> {
    let Differences { expected_length, found_length, count, mismatches, occurrences_disagree } =
        differences;
    let Some(expected_length) = expected_length else {
        return vec!["other code stands there".to_owned()];
    };
    if expected_length != found_length {
        let parts = mismatches.first().map(|Mismatch { offset, place, .. }| {
            if offset == expected_length {
                "; the rest is added at its end".to_owned()
            } else if offset == found_length {
                format!("; it ends early, in {place}")
            } else {
                format!("; they part at byte {offset}, in {place}")
            }
        });
        let parts = parts.unwrap_or_default();
        let found = counted(found_length, "byte");
        return vec![format!("{found} of code, expected {expected_length}{parts}")];
    }
    let mut findings: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
    for place in occurrences_disagree {
        findings.push(format!("{place} has several values on the chain"));
    }
    if let Some(left_out @ 1..) = count.checked_sub(mismatches.len()) {
        findings.push(format!("{} elsewhere", counted(left_out, "more difference")));
    }
    findings
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, length, place, occurrences, expected, found } = self;
        match place {
            Place::Code(_) => write!(f, "{place}, byte {offset}")?,
            Place::Metadata(_) if cbor::read_region(found).is_some() => {
                return write!(f, "{place} at byte {offset} differs");
            }
            Place::Metadata(_) => write!(f, "{place} at byte {offset} holds something else")?,
            _ => write!(f, "{place}")?,
        }
        if *occurrences > 1 {
            write!(f, " ({occurrences} places)")?;
        }
        let side = |bytes: &[u8]| match place {
            Place::Immutable(_) => word(bytes),
            Place::Library(_) | Place::CallProtection => address(bytes),
            Place::Code(_) | Place::Metadata(_) => written(bytes, *length),
        };
        write!(f, ": expected {}, found {}", side(expected), side(found))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Immutable(name) => write!(f, "immutable {name}"),
            Self::Library(fqn) => write!(f, "library {}", fqn.name()),
            Self::CallProtection => f.write_str("the library's own address"),
            Self::Metadata(number) => write!(f, "metadata {number}"),
            Self::Code(Some(function)) => f.write_str(function),
            Self::Code(None) => f.write_str("code of an unknown function"),
        }
    }
}

/// A word as it is most likely meant.
fn word(bytes: &[u8]) -> String {
    let significant = bytes.len() - bytes.iter().take_while(|byte| **byte == 0).count();
    if bytes.len() == 32 && significant <= NUMBER_BYTES_MAX {
        U256::from_be_slice(bytes).to_string()
    } else if significant <= 20 && bytes.len() >= 20 {
        address(bytes)
    } else {
        written(bytes, bytes.len())
    }
}

fn address(bytes: &[u8]) -> String {
    match bytes.last_chunk::<20>() {
        Some(last) if bytes[..bytes.len() - 20].iter().all(|byte| *byte == 0) => {
            Address::from(*last).to_string()
        }
        _ => written(bytes, bytes.len()),
    }
}

fn written(bytes: &[u8], length: usize) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    if length <= WRITTEN_BYTES_MAX {
        return hex::encode_prefixed(bytes);
    }
    let lead = &bytes[..bytes.len().min(WRITTEN_BYTES_LEAD)];
    format!("{}… ({length} bytes)", hex::encode_prefixed(lead))
}
