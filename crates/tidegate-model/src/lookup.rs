//! How people name something by its digest: the one look-up behind every command.
//!
//! Somebody else may have made what stands beside what is meant. With few digits they find
//! something that begins like it, so that a name by a few digits is refused.

use alloy_primitives::{B256, hex};

use crate::units::counted;

/// The fewest hexadecimal digits that name a digest: to make another that begins with as many
/// takes 2^64 tries.
pub const DIGITS_MIN: usize = 16;

/// The hexadecimal digits of a whole digest.
const DIGITS: usize = 64;

/// A name that names nothing, or more than one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Other characters than hexadecimal digits, or none.
    #[error("`{0}` is not a digest: a digest has hexadecimal digits only")]
    Form(String),
    #[error("`{text}` has {}; give at least {DIGITS_MIN} of the digest", counted(*have, "digit"))]
    Short {
        text: String,
        /// How many digits it has.
        have: usize,
    },
    /// Not all digits, where all are asked for.
    #[error("`{text}` has {}; give the full digest of {DIGITS}", counted(*have, "digit"))]
    Part {
        text: String,
        /// How many digits it has.
        have: usize,
    },
    #[error("nothing here has a digest that begins with `{0}`")]
    Unknown(String),
    #[error("several digests begin with `{0}`; give more digits")]
    Several(String),
}

/// The beginning of a digest, as somebody typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    text: String,
    digits: String,
}

impl Prefix {
    /// Reads at least [`DIGITS_MIN`] digits, with or without `0x`, in either case.
    ///
    /// # Errors
    /// If it is something else.
    pub fn parse(text: &str) -> Result<Self, LookupError> {
        let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
        let have = digits.len();
        if have == 0 || have > DIGITS || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(LookupError::Form(text.to_owned()));
        }
        if have < DIGITS_MIN {
            return Err(LookupError::Short { text: text.to_owned(), have });
        }
        Ok(Self { text: text.to_owned(), digits })
    }

    /// Whether a digest begins so.
    pub fn begins(&self, digest: B256) -> bool {
        hex::encode(digest).starts_with(&self.digits)
    }

    /// The one among these whose digest begins so. What is there twice is there once.
    ///
    /// # Errors
    /// If there is none, or several.
    pub fn find<T>(&self, all: impl IntoIterator<Item = (B256, T)>) -> Result<T, LookupError> {
        let mut found: Option<(B256, T)> = None;
        for (digest, item) in all.into_iter().filter(|(digest, _)| self.begins(*digest)) {
            match &found {
                Some((first, _)) if *first == digest => {}
                Some(_) => return Err(LookupError::Several(self.text.clone())),
                None => found = Some((digest, item)),
            }
        }
        found.map(|(_, item)| item).ok_or_else(|| LookupError::Unknown(self.text.clone()))
    }
}

/// Finds by the beginning of a digest.
///
/// # Errors
/// If it has too few digits, or names nothing, or several.
pub fn find<T>(text: &str, all: impl IntoIterator<Item = (B256, T)>) -> Result<T, LookupError> {
    Prefix::parse(text)?.find(all)
}

/// A whole digest, as it is asked for where money or a Safe's transaction is approved.
///
/// # Errors
/// If it is less, or something else.
pub fn whole(text: &str) -> Result<B256, LookupError> {
    let Prefix { digits, .. } = Prefix::parse(text)?;
    let part = || LookupError::Part { text: text.to_owned(), have: digits.len() };
    if digits.len() != DIGITS {
        return Err(part());
    }
    digits.parse().map_err(|_| part())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(first: u8, last: u8) -> B256 {
        let mut bytes = [first; 32];
        bytes[31] = last;
        B256::from(bytes)
    }

    #[test]
    fn what_names_a_digest() {
        let all = [digest(0xab, 1), digest(0xab, 2), digest(0xcd, 1)];
        let find = |text: &str| find(text, all.into_iter().zip(0..));
        let ab = "ab".repeat(31);
        let cd = "cd".repeat(32);
        assert_eq!(find(&format!("{ab}01")), Ok(0));
        assert_eq!(find(&format!("0x{ab}02")), Ok(1));
        assert_eq!(find(&cd[..DIGITS_MIN]), Ok(2));
        assert_eq!(find(&cd[..DIGITS_MIN].to_uppercase()), Ok(2));
        for count in [1, 2, 8, DIGITS_MIN - 1] {
            let short = find(&cd[..count]);
            assert_eq!(short, Err(LookupError::Short { text: cd[..count].into(), have: count }));
        }
        for text in
            ["", "0x", "kim", "0xabcdefghabcdefgh", &format!("{cd}0"), "0x0xabababababababab"]
        {
            assert_eq!(find(text), Err(LookupError::Form(text.to_owned())), "{text}");
        }
        assert_eq!(find(&ab), Err(LookupError::Several(ab.clone())));
        let other = "ef".repeat(8);
        assert_eq!(find(&other), Err(LookupError::Unknown(other.clone())));
        // The same in a file and in memory is one.
        let twice = [(digest(1, 1), 'a'), (digest(1, 1), 'b')];
        assert_eq!(super::find(&"01".repeat(8), twice), Ok('a'));
    }

    #[test]
    fn a_whole_digest_has_all_digits() {
        let text = format!("0x{}", "ab".repeat(32));
        assert_eq!(whole(&text), Ok(B256::repeat_byte(0xab)));
        for digits in [DIGITS_MIN, DIGITS - 1] {
            let part = &text[..2 + digits];
            assert_eq!(whole(part), Err(LookupError::Part { text: part.into(), have: digits }));
        }
        assert!(matches!(whole("0x5b601f6b"), Err(LookupError::Short { .. })));
    }
}
