//! A key of a person: an account that signs, or a contract on one chain that answers for it.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::Address;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::address::{AddressError, parse_address};
use crate::ids::ChainId;

/// The CAIP-2 namespace of EVM chains.
const NAMESPACE: &str = "eip155:";

/// A key as `[people]` has it. One address may be a contract on one chain and somebody else's on
/// another, so a contract's key says on which chain it stands: `eip155:CHAIN:0x…` (CAIP-10). A
/// plain `0x…` is a key without code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey {
    /// The chain on which a contract stands; none for a key without code.
    pub chain: Option<ChainId>,
    pub address: Address,
}

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonKeyError {
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Another form than `eip155:CHAIN:0x…`.
    #[error("cannot read the key `{0}`: a contract's key is written eip155:CHAIN:0x…")]
    Form(String),
}

impl PersonKey {
    /// A key without code.
    pub const fn plain(address: Address) -> Self {
        Self { chain: None, address }
    }

    /// A contract on a chain.
    pub const fn contract(chain: ChainId, address: Address) -> Self {
        Self { chain: Some(chain), address }
    }
}

impl From<Address> for PersonKey {
    fn from(address: Address) -> Self {
        Self::plain(address)
    }
}

impl FromStr for PersonKey {
    type Err = PersonKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(rest) = text.strip_prefix(NAMESPACE) else {
            return if text.contains(':') {
                Err(PersonKeyError::Form(text.to_owned()))
            } else {
                Ok(Self::plain(parse_address(text)?))
            };
        };
        let form = || PersonKeyError::Form(text.to_owned());
        let (chain, account) = rest.split_once(':').ok_or_else(form)?;
        let canonical = chain.parse::<u64>().ok().filter(|id| id.to_string() == chain);
        let chain = canonical.filter(|id| *id != 0).ok_or_else(form)?;
        Ok(Self::contract(ChainId(chain), parse_address(account)?))
    }
}

impl fmt::Display for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.chain {
            None => write!(f, "{}", self.address),
            Some(chain) => write!(f, "{NAMESPACE}{chain}:{}", self.address),
        }
    }
}

/// In lower case, as addresses are in all files.
impl Serialize for PersonKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.chain {
            None => self.address.serialize(serializer),
            Some(chain) => {
                serializer.collect_str(&format_args!("{NAMESPACE}{chain}:{:#x}", self.address))
            }
        }
    }
}

impl<'de> Deserialize<'de> for PersonKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "0x8ba1f109551bd432803012645ac136ddd64dba72";

    #[test]
    fn keys_are_read_and_written_in_one_form() {
        let plain = PersonKey::plain(HERE.parse().unwrap());
        let contract = PersonKey::contract(ChainId(1), plain.address);
        for (key, text) in [(plain, HERE.to_owned()), (contract, format!("eip155:1:{HERE}"))] {
            assert_eq!(text.parse::<PersonKey>().unwrap(), key);
            assert_eq!(serde_json::to_value(key).unwrap(), text);
            assert_eq!(serde_json::from_value::<PersonKey>(text.into()).unwrap(), key);
            assert_eq!(key.to_string().parse::<PersonKey>().unwrap(), key);
        }
        assert_eq!(plain.to_string(), "0x8ba1f109551bD432803012645Ac136ddd64DBA72");
        assert_ne!(plain, contract);
    }

    #[test]
    fn other_forms_are_refused() {
        let digits = &HERE[2..];
        let cases = [
            String::new(),
            "kim".to_owned(),
            digits.to_owned(),
            HERE[..41].to_owned(),
            format!("eip155:{HERE}"),
            format!("eip155:01:{HERE}"),
            format!("eip155:0:{HERE}"),
            format!("eip155:+1:{HERE}"),
            format!("eip155:1:{digits}"),
            format!("eip155:1:{HERE}:2"),
            format!("solana:1:{HERE}"),
            format!("mainnet:{HERE}"),
            format!(" {HERE}"),
            HERE.replace("8ba1", "8Ba1"),
            format!("eip155:1:{}", HERE.replace("8ba1", "8Ba1")),
        ];
        for text in cases {
            assert!(text.parse::<PersonKey>().is_err(), "{text}");
        }
    }
}
