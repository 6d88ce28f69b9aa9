//! Addresses as people write them.

use alloy_primitives::Address;
use serde::{Deserialize, Deserializer, de};

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{0}` is no address: one has `0x` and 40 hexadecimal digits")]
    Form(String),
    /// Upper and lower case do not agree with the digits (EIP-55).
    #[error(
        "`{0}` is no address: its checksum is wrong, so a digit or the case of a letter is mistyped"
    )]
    Checksum(String),
}

/// Reads an address. Digits in both cases carry a checksum, which has to be right.
///
/// # Errors
/// If it has another form, or another checksum.
pub fn parse_address(text: &str) -> Result<Address, AddressError> {
    let digits = text.strip_prefix("0x");
    let parsed = digits.and_then(|_| text.parse::<Address>().ok());
    let (Some(digits), Some(address)) = (digits, parsed) else {
        return Err(AddressError::Form(text.to_owned()));
    };
    let upper = digits.bytes().any(|b| b.is_ascii_uppercase());
    let lower = digits.bytes().any(|b| b.is_ascii_lowercase());
    match upper && lower && address.to_checksum(None) != text {
        true => Err(AddressError::Checksum(text.to_owned())),
        false => Ok(address),
    }
}

/// Reads an address of a file that people write, for serde.
///
/// # Errors
/// As [`parse_address`].
pub fn written<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
    parse_address(&String::deserialize(from)?).map_err(de::Error::custom)
}

/// The same where there may be none.
///
/// # Errors
/// As [`parse_address`].
pub fn written_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| parse_address(&text)).transpose().map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_told_from_a_form() {
        let right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        let address = right.parse::<Address>().unwrap();
        for text in [right, &right.to_lowercase(), &format!("0x{}", right[2..].to_uppercase())] {
            assert_eq!(parse_address(text), Ok(address), "{text}");
        }
        let wrong = right.replace("aAeb", "AAeb");
        assert_eq!(parse_address(&wrong), Err(AddressError::Checksum(wrong.clone())));
        for text in ["", "0x", &right[2..], &right[..41], &format!("{right}0"), "0x…", "vault"] {
            assert_eq!(parse_address(text), Err(AddressError::Form(text.to_owned())), "{text}");
        }
    }
}
