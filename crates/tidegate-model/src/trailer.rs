//! The trailer that Vyper puts at the end of creation code: a CBOR list
//! `[integrity, runtime size, data sizes, immutables' size, {vyper: version}]`, then the length
//! of both together as two bytes. Before 0.4.1 the list begins with the runtime size.

use crate::artifact::Span;

/// The decoded trailer of Vyper's creation code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// Where the hash of the sources stands in the code. Of all the trailer, only this depends on
    /// comments.
    pub integrity: Option<Span>,
    /// Bytes of the runtime code, data included, immutables not.
    pub runtime: usize,
    /// Bytes of each data section, which are the last ones of the runtime code.
    pub data: Vec<usize>,
    /// Bytes of the immutables, which stand behind the runtime code.
    pub immutables: usize,
    /// The compiler's version: major, minor, patch.
    pub version: [usize; 3],
}

/// The bytes of a hash of the sources.
const INTEGRITY_BYTES: usize = 32;
/// The bytes of the trailer's own length, which that length counts.
const LENGTH_BYTES: usize = 2;

/// Reads the trailer of creation code; none if the code does not end with exactly one.
pub fn read(code: &[u8]) -> Option<Trailer> {
    let length = usize::from(u16::from_be_bytes(*code.last_chunk::<LENGTH_BYTES>()?));
    let start = code.len().checked_sub(length)?;
    let list = code.get(start..code.len() - LENGTH_BYTES)?;
    let mut reader = Reader { bytes: list, at: 0 };
    let integrity = match reader.head(LIST)? {
        4 => None,
        5 if reader.head(BYTES)? == INTEGRITY_BYTES => {
            let span = Span { start: start + reader.at, length: INTEGRITY_BYTES };
            reader.skip(INTEGRITY_BYTES)?;
            Some(span)
        }
        _ => return None,
    };
    let runtime = reader.head(NUMBER)?;
    let count = reader.head(LIST)?;
    // Each takes a byte at least, so a count that is not true ends at the end of the list.
    let data = (0..count).map(|_| reader.head(NUMBER)).collect::<Option<Vec<_>>>()?;
    let immutables = reader.head(NUMBER)?;
    let (1, b"vyper") = (reader.head(MAP)?, reader.text()?) else { return None };
    let numbers = reader.head(LIST)?;
    let version = [reader.head(NUMBER)?, reader.head(NUMBER)?, reader.head(NUMBER)?];
    // A prerelease says so behind the numbers.
    for _ in 3..numbers {
        reader.text()?;
    }
    (numbers >= 3 && reader.at == list.len()).then_some(Trailer {
        integrity,
        runtime,
        data,
        immutables,
        version,
    })
}

const NUMBER: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The argument of the next item, which has to be of this major type.
    fn head(&mut self, major: u8) -> Option<usize> {
        let first = *self.bytes.get(self.at)?;
        if first >> 5 != major {
            return None;
        }
        self.at += 1;
        let size = match first & 0x1f {
            argument @ 0..=23 => return Some(usize::from(argument)),
            24 => 1,
            25 => 2,
            26 => 4,
            _ => return None,
        };
        let argument = self.skip(size)?;
        Some(argument.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.head(TEXT)?;
        self.skip(length)
    }

    fn skip(&mut self, length: usize) -> Option<&'a [u8]> {
        let skipped = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(skipped)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    fn shown(trailer: &Trailer) -> String {
        let Trailer { integrity, runtime, data, immutables, version: [major, minor, patch] } =
            trailer;
        let integrity = integrity.map(|span| format!(", integrity at {}", span.start));
        let integrity = integrity.unwrap_or_default();
        format!("{major}.{minor}.{patch}: {runtime} {data:?} {immutables}{integrity}")
    }

    #[track_caller]
    fn check(code: &str, expected: Option<&str>) {
        let code = hex::decode(code.replace(' ', "")).unwrap();
        assert_eq!(read(&code).as_ref().map(shown).as_deref(), expected);
    }

    const HASH: &str = "b1d264c75fbfab3a36ba7b7a86757f87eca72e1fdcc40c4c9e9aca7c679aeecc";

    #[test]
    fn trailers_of_each_form_are_read() {
        // 0.3.10 and 0.4.0, and from 0.4.1 on.
        check("5f fe 84 18d4 80 1820 a1 65 7679706572 83 00030a 0013", Some("0.3.10: 212 [] 32"));
        check("84 190209 810c 00 a1 65 7679706572 83 000400 0014", Some("0.4.0: 521 [12] 0"));
        check(
            &format!("011a 85 5820{HASH} 190209 820818ff 18c0 a1 65 7679706572 83 000403 0039"),
            Some("0.4.3: 521 [8, 255] 192, integrity at 5"),
        );
        check(
            &format!("85 5820{HASH} 02 80 00 a1 65 7679706572 84 000401 627263 0036"),
            Some("0.4.1: 2 [] 0, integrity at 3"),
        );
    }

    #[test]
    fn what_is_no_trailer_is_none() {
        let end = "a1657679706572 83 000403";
        let whole = format!("84 02 80 00 {end}");
        check(&format!("{whole} 0011"), Some("0.4.3: 2 [] 0"));
        // Nothing, lengths that lead outside, and the length without its own bytes or too small.
        for code in ["", "00", "5050 ffff", "5b5056 0002", "0000"] {
            check(code, None);
        }
        for length in ["0012", "0010", "000f", "1100"] {
            check(&format!("{whole} {length}"), None);
        }
        for list in [
            // A byte too many; six items, three items; a hash of 31 bytes, text for a hash.
            format!("{whole} 00"),
            format!("86 02 80 00 00 00 {end}"),
            format!("83 02 80 {end}"),
            format!("85 581f{} 02 80 00 {end}", &HASH[2..]),
            format!("85 7820{HASH} 02 80 00 {end}"),
            // More data sections than there are, another key, two keys, a version of two numbers.
            format!("84 02 9affffffff 00 {end}"),
            "84 02 80 00 a1657679707272 83 000403".to_owned(),
            "84 02 80 00 a2657679706572 83 000403".to_owned(),
            "84 02 80 00 a1657679706572 82 0004".to_owned(),
            // A negative number, one of eight bytes, Solidity's metadata.
            format!("84 20 80 00 {end}"),
            format!("84 1b0000000000000002 80 00 {end}"),
            "a1 64 736f6c63 43 00081e".to_owned(),
        ] {
            let bytes = list.replace(' ', "").len() / 2 + LENGTH_BYTES;
            check(&format!("{list} {bytes:04x}"), None);
        }
    }
}
