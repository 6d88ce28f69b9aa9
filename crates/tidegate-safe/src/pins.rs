//! The signer's own memory of Safes, so that a bundle cannot name another one. The caller reads
//! and writes the file.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use tidegate_model::ChainId;
use tidegate_model::policy::SafeTrust;

use crate::trust::list_changes;

/// The format version of the file.
const PINS_VERSION: u32 = 1;

/// The most Safes in one file.
const PINS_MAX: usize = 1_000;

/// The Safes that this signer knows, by chain and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins(Vec<Pin>);

/// A Safe as its owner first saw and accepted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub chain: ChainId,
    pub safe: Address,
    /// Its owners, sorted.
    pub owners: Vec<Address>,
    /// Number of owners who must sign.
    pub threshold: u32,
    /// The code hash of the singleton behind its proxy.
    pub singleton: B256,
    /// The chain's finalized timestamp when it was accepted, in seconds.
    pub first_seen: u64,
}

/// The result of comparing a Safe with the pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinCheck {
    /// Never seen: show owners and threshold, and ask.
    New,
    /// As it was accepted.
    Known,
    /// Accepted once, and changed since; one sentence each.
    Changed(Vec<String>),
}

/// A pin file that is refused.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error("cannot read the pin file")]
    Read(#[source] Box<toml::de::Error>),
    #[error("cannot write the pin file")]
    Write(#[source] Box<toml::ser::Error>),
    /// A version that this program does not know.
    #[error("cannot read pin file version {0}")]
    Version(u32),
    #[error("cannot read a pin file of more than {PINS_MAX} Safes")]
    TooMany,
    #[error("cannot read the pin file: Safe {safe} on chain {chain} is in it twice")]
    Twice { chain: ChainId, safe: Address },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, rename = "safe")]
    safes: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    chain: u64,
    address: String,
    owners: Vec<String>,
    threshold: u32,
    singleton: String,
    first_seen: u64,
}

impl Pins {
    /// No pins: what a missing file means.
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// Reads a pin file.
    ///
    /// # Errors
    /// If the text is no pin file of this version, or holds a Safe twice.
    pub fn parse(text: &str) -> Result<Self, PinError> {
        let file: File = toml::from_str(text).map_err(|e| PinError::Read(Box::new(e)))?;
        if file.version != PINS_VERSION {
            return Err(PinError::Version(file.version));
        }
        if file.safes.len() > PINS_MAX {
            return Err(PinError::TooMany);
        }
        let mut pins = Vec::new();
        for row in file.safes {
            pins.push(row.pin()?);
        }
        pins.sort_by_key(Pin::key);
        match pins.windows(2).find(|pair| pair[0].key() == pair[1].key()) {
            Some(pair) => Err(PinError::Twice { chain: pair[0].chain, safe: pair[0].safe }),
            None => Ok(Self(pins)),
        }
    }

    /// The file's text: sorted, equal for equal pins.
    ///
    /// # Errors
    /// If a number does not fit the format (a chain id or timestamp of 2^63 or more).
    pub fn to_text(&self) -> Result<String, PinError> {
        let safes = self.0.iter().map(Row::from_pin).collect();
        let file = File { version: PINS_VERSION, safes };
        toml::to_string(&file).map_err(|e| PinError::Write(Box::new(e)))
    }

    /// The pin of a Safe.
    pub fn get(&self, chain: ChainId, safe: Address) -> Option<&Pin> {
        self.0.iter().find(|pin| pin.key() == (chain, safe))
    }

    /// Every pin, by chain and address.
    pub fn iter(&self) -> impl Iterator<Item = &Pin> {
        self.0.iter()
    }

    /// Compares a Safe with its pin.
    pub fn check(&self, chain: ChainId, now: &SafeTrust) -> PinCheck {
        let Some(pin) = self.get(chain, now.address) else { return PinCheck::New };
        let mut changes = list_changes("owner", &pin.owners, &now.owners);
        if pin.threshold != now.threshold {
            let (before, after) = (pin.threshold, now.threshold);
            changes.push(format!("the threshold changed from {before} to {after}"));
        }
        if pin.singleton != now.singleton_code_hash {
            let (before, after) = (pin.singleton, now.singleton_code_hash);
            changes.push(format!("the singleton's code changed from {before} to {after}"));
        }
        if changes.is_empty() { PinCheck::Known } else { PinCheck::Changed(changes) }
    }

    /// The pins with a Safe accepted as it is now; an earlier pin's first sight is kept.
    #[must_use]
    pub fn with(&self, chain: ChainId, now: &SafeTrust, seen: u64) -> Self {
        let first_seen = self.get(chain, now.address).map_or(seen, |pin| pin.first_seen);
        let mut owners = now.owners.clone();
        owners.sort_unstable();
        let (safe, threshold) = (now.address, now.threshold);
        let singleton = now.singleton_code_hash;
        let pin = Pin { chain, safe, owners, threshold, singleton, first_seen };
        let others = self.0.iter().filter(|other| other.key() != pin.key()).cloned();
        let mut pins: Vec<_> = others.collect();
        pins.push(pin);
        pins.sort_by_key(Pin::key);
        Self(pins)
    }
}

impl Pin {
    const fn key(&self) -> (ChainId, Address) {
        (self.chain, self.safe)
    }
}

impl Row {
    fn from_pin(pin: &Pin) -> Self {
        Self {
            chain: pin.chain.0,
            address: pin.safe.to_string(),
            owners: pin.owners.iter().map(ToString::to_string).collect(),
            threshold: pin.threshold,
            singleton: pin.singleton.to_string(),
            first_seen: pin.first_seen,
        }
    }

    fn pin(self) -> Result<Pin, PinError> {
        let mut owners = Vec::new();
        for owner in &self.owners {
            owners.push(parse_address(owner)?);
        }
        owners.sort_unstable();
        let safe = parse_address(&self.address)?;
        let (chain, threshold) = (ChainId(self.chain), self.threshold);
        let singleton = parse("code hash", &self.singleton)?;
        Ok(Pin { chain, safe, owners, threshold, singleton, first_seen: self.first_seen })
    }
}

pub(crate) fn parse_address(text: &str) -> Result<Address, PinError> {
    parse("address", text)
}

fn parse<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, PinError> {
    let custom = |_| serde::de::Error::custom(format!("`{text}` is no {what}"));
    text.parse().map_err(custom).map_err(|e| PinError::Read(Box::new(e)))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn trust(owners: &[u8], threshold: u32) -> SafeTrust {
        SafeTrust {
            address: Address::with_last_byte(1),
            singleton_code_hash: B256::ZERO,
            owners: owners.iter().map(|byte| Address::with_last_byte(*byte)).collect(),
            threshold,
            modules: vec![],
            guard: Address::ZERO,
            module_guard: Address::ZERO,
            handler: Address::ZERO,
        }
    }

    #[test]
    fn a_pin_file() {
        let pins = Pins::empty().with(ChainId(10), &trust(&[5, 4], 2), 1_767_657_600);
        let pins = pins.with(ChainId(1), &trust(&[6], 1), 9);
        let text = pins.to_text().unwrap();
        let expected = "\
version = 1

[[safe]]
chain = 1
address = \"0x0000000000000000000000000000000000000001\"
owners = [\"0x0000000000000000000000000000000000000006\"]
threshold = 1
singleton = \"0x0000000000000000000000000000000000000000000000000000000000000000\"
first_seen = 9

[[safe]]
chain = 10
address = \"0x0000000000000000000000000000000000000001\"
owners = [\"0x0000000000000000000000000000000000000004\", \
\"0x0000000000000000000000000000000000000005\"]
threshold = 2
singleton = \"0x0000000000000000000000000000000000000000000000000000000000000000\"
first_seen = 1767657600
";
        assert_eq!(text, expected);
        assert_eq!(Pins::parse(&text).unwrap(), pins);
        assert_eq!(Pins::parse("version = 1\n").unwrap(), Pins::empty());
    }

    #[test]
    fn a_safe_is_new_known_or_changed() {
        let pins = Pins::empty().with(ChainId(1), &trust(&[4, 5], 2), 9);
        assert_eq!(pins.check(ChainId(2), &trust(&[4, 5], 2)), PinCheck::New);
        assert_eq!(pins.check(ChainId(1), &trust(&[5, 4], 2)), PinCheck::Known);
        let changed = pins.check(ChainId(1), &trust(&[4, 6], 1));
        assert!(matches!(&changed, PinCheck::Changed(list) if list.len() == 3), "{changed:?}");
        let mut other = trust(&[4, 5], 2);
        other.singleton_code_hash = B256::repeat_byte(1);
        let changed = pins.check(ChainId(1), &other);
        assert!(matches!(&changed, PinCheck::Changed(list) if list.len() == 1), "{changed:?}");
        let accepted = pins.with(ChainId(1), &trust(&[4, 6], 1), 20);
        assert_eq!(accepted.check(ChainId(1), &trust(&[4, 6], 1)), PinCheck::Known);
        assert_eq!(accepted.iter().map(|pin| pin.first_seen).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn files_that_are_refused() {
        let row = "[[safe]]\nchain = 1\naddress = \"0x0000000000000000000000000000000000000001\"\n\
                   owners = []\nthreshold = 1\nsingleton = \"0x0000000000000000000000000000000000000000000000000000000000000000\"\n\
                   first_seen = 1\n";
        let cases = [
            ("", "read the pin file"),
            ("version = 2\n", "read pin file version 2"),
            ("version = 1\nx = 1\n", "read the pin file"),
            (&format!("version = 1\n{row}{row}"), "is in it twice"),
            (&format!("version = 1\n{}", row.replace("01\"", "\"")), "read the pin file"),
        ];
        for (text, expected) in cases {
            let error = Pins::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} does not say {expected}");
        }
    }

    #[test]
    fn a_file_holds_as_many_safes_as_it_may() {
        let file = |count: usize| {
            let row = |chain: usize| {
                let (safe, hash) = (Address::ZERO, B256::ZERO);
                format!(
                    "[[safe]]\nchain = {chain}\naddress = \"{safe}\"\nowners = []\n\
                     threshold = 1\nsingleton = \"{hash}\"\nfirst_seen = 1\n"
                )
            };
            Pins::parse(&format!("version = 1\n{}", (0..count).map(row).collect::<String>()))
        };
        assert_eq!(file(PINS_MAX).unwrap().iter().count(), PINS_MAX);
        assert!(matches!(file(PINS_MAX + 1), Err(PinError::TooMany)));
    }
}
