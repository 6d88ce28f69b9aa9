//! Just enough CBOR to recognise and read the metadata that the compiler appends to code.

use alloy_primitives::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

/// The compiler and the metadata's hash, as a metadata region has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Metadata {
    /// The compiler's version, such as `0.8.30`; a prerelease says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// The hash of the metadata file, which has that of every source, and its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<MetadataHash>,
}

/// A hash of the metadata file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MetadataHash {
    /// `ipfs`, `bzzr0` or `bzzr1`.
    pub kind: String,
    /// The hash, as it stands there.
    #[schemars(with = "String")]
    pub hash: Bytes,
}

/// The length of a metadata region that starts here: a CBOR map with keys that the compiler
/// writes, each once, then its length as two bytes, big-endian. Both are counted.
pub fn region_length(bytes: &[u8]) -> Option<usize> {
    region(bytes, |_, _| ())
}

/// Decodes a metadata region; `None` unless the bytes are exactly one.
pub fn read_region(bytes: &[u8]) -> Option<Metadata> {
    let mut metadata = Metadata::default();
    let length = region(bytes, |key, value| match key {
        b"ipfs" | b"bzzr0" | b"bzzr1" => {
            let kind = String::from_utf8_lossy(key).into_owned();
            metadata.hash = Some(MetadataHash { kind, hash: Bytes::copy_from_slice(value) });
        }
        b"solc" => metadata.compiler = Some(compiler(value)),
        _ => {}
    })?;
    (length == bytes.len()).then_some(metadata)
}

/// The start of the metadata region at the end of this code; `None` if there is none. The last two
/// bytes may pass for a length by chance; then what they point at does not decode.
pub fn trailing_region(code: &[u8]) -> Option<usize> {
    let map = code.last_chunk::<2>()?;
    let start = code.len().checked_sub(usize::from(u16::from_be_bytes(*map)) + 2)?;
    (region_length(&code[start..])? == code.len() - start).then_some(start)
}

/// Three bytes of a release, or text.
fn compiler(value: &[u8]) -> String {
    match value {
        [major, minor, patch] => format!("{major}.{minor}.{patch}"),
        text => String::from_utf8_lossy(text).into_owned(),
    }
}

fn region(bytes: &[u8], each: impl FnMut(&[u8], &[u8])) -> Option<usize> {
    let map = map_length(bytes, each)?;
    let tail: [u8; 2] = bytes.get(map..map + 2)?.try_into().ok()?;
    (usize::from(u16::from_be_bytes(tail)) == map).then_some(map + 2)
}

const KEYS: [&[u8]; 5] = [b"ipfs", b"bzzr0", b"bzzr1", b"experimental", b"solc"];

fn map_length(bytes: &[u8], mut each: impl FnMut(&[u8], &[u8])) -> Option<usize> {
    let (MAP, pairs, mut at) = head(bytes)? else { return None };
    let mut keys = Vec::new();
    for _ in 0..pairs {
        let (TEXT, length, skip) = head(bytes.get(at..)?)? else { return None };
        let key = bytes.get(at + skip..at + skip + length)?;
        if !KEYS.contains(&key) || keys.contains(&key) {
            return None;
        }
        keys.push(key);
        at += skip + length;
        let (start, end) = match head(bytes.get(at..)?)? {
            (BYTES | TEXT, length, skip) => (at + skip, at + skip + length),
            (SIMPLE, FALSE | TRUE, skip) => (at + skip, at + skip),
            _ => return None,
        };
        each(key, bytes.get(start..end)?);
        at = end;
    }
    (!keys.is_empty()).then_some(at)
}

const BYTES: u8 = 2;
const TEXT: u8 = 3;
const MAP: u8 = 5;
const SIMPLE: u8 = 7;
const FALSE: usize = 20;
const TRUE: usize = 21;

/// Major type, argument and the bytes both take. The compiler needs no argument above 255.
fn head(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (&first, rest) = bytes.split_first()?;
    match first & 0x1f {
        argument @ 0..=23 => Some((first >> 5, usize::from(argument), 1)),
        24 => Some((first >> 5, usize::from(*rest.first()?), 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[track_caller]
    fn check(code: &str, start: Option<usize>) {
        assert_eq!(trailing_region(&hex::decode(code.replace(' ', "")).unwrap()), start, "{code}");
    }

    #[test]
    fn regions_are_recognised_by_decoding_them() {
        let hash = "00".repeat(32);
        check(
            &format!("5b fe a2 64 69706673 58 22 1220 {hash} 64 736f6c63 43 000825 0033"),
            Some(2),
        );
        check(&format!("fe a2 65 627a7a7231 58 20 {hash} 64 736f6c63 43 000825 0032"), Some(1));
        check("5b fe a1 64 736f6c63 43 00081e 000a", Some(2));
        check("fe a1 64 736f6c63 65 302e382e31 000c", Some(1));
        check("fe a2 6c 6578706572696d656e74616c f5 64 736f6c63 43 00081e 0018", Some(1));
        // A length that leads outside, an unknown key, a byte too many, a map cut short.
        check("5b 5056", None);
        check("fe a1 64 746f6c63 43 00081e 000a", None);
        check("fe a2 64 736f6c63 43 00081e 64 736f6c63 43 00081e 0013", None);
        check("fe a2 64 736f6c63 43 00081e 64 746f6c63 43 00081e 0013", None);
        check("fe a0 0001", None);
        check("fe a1 64 736f6c63 43 00081e 00 000b", None);
        check("fe a1 64 736f6c63 44 00081e 000a", None);
        check("", None);
        check("00", None);
    }

    #[test]
    fn a_region_says_compiler_and_hash() {
        let hash = "07".repeat(32);
        let region = format!("a2646970667358221220{hash}64736f6c634300081e0033");
        let region = hex::decode(region).unwrap();
        let metadata = read_region(&region).unwrap();
        assert_eq!(metadata.compiler.as_deref(), Some("0.8.30"));
        let hash = metadata.hash.unwrap();
        assert_eq!((hash.kind.as_str(), hash.hash.len()), ("ipfs", 34));
        assert_eq!(read_region(&[region.as_slice(), &[0]].concat()), None);
        let text = hex::decode("a164736f6c6365302e382e31000c").unwrap();
        assert_eq!(read_region(&text).unwrap().compiler.as_deref(), Some("0.8.1"));
    }
}
