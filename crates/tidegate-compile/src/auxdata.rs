//! Locates every metadata region of a contract's code, those of contracts inside it included.
//!
//! The metadata's hash changes with a comment, a path or a remapping. Masking only the end of
//! the code misses the regions of contracts that the code creates, so sources are compiled
//! twice, the second time with other metadata, and a region is real if each build has its own
//! bytes there.

use tidegate_model::cbor;
use tidegate_model::release::Span;

/// Two builds of one contract that do not show where its metadata regions are.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuxdataError {
    /// The two builds do not line up.
    #[error(
        "cannot locate the metadata: two builds of the same source have {first} and {second} \
         bytes of code or metadata"
    )]
    LengthsDiffer {
        /// Bytes of the first build.
        first: usize,
        /// Bytes of the second build.
        second: usize,
    },
    /// The two builds differ where no metadata was found.
    #[error(
        "cannot locate the metadata: two builds of the same source differ at byte {at}, outside \
         every region found"
    )]
    Unlocated {
        /// The first such byte.
        at: usize,
    },
}

/// One build of one contract: its code, and the metadata that its assembly lists, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build<'a> {
    pub(crate) code: &'a [u8],
    pub(crate) auxdata: &'a [Vec<u8>],
}

/// The metadata regions, in order. Both builds masked there are equal.
///
/// Metadata without a hash is the same in both builds, so comparing proves nothing; it counts
/// only where code is known to end, at one of `ends`. Further inside it is left alone: it is
/// constant, so there is nothing to mask, while masking could hide a constant of the source.
pub(crate) fn locate(
    first: Build<'_>,
    second: Build<'_>,
    ends: &[usize],
) -> Result<Vec<Span>, AuxdataError> {
    same_length(first.code, second.code)?;
    let mut spans = if first.auxdata.is_empty() || first.auxdata.len() != second.auxdata.len() {
        by_difference(first.code, second.code, ends)
    } else {
        by_assembly(first, second, ends)?
    };
    spans.sort_unstable();
    spans.dedup();
    match differs(first.code, second.code, &spans) {
        Some(at) => Err(AuxdataError::Unlocated { at }),
        None => Ok(spans),
    }
}

/// The end of the first occurrence of `part` in some code.
pub(crate) fn end_of(code: &[u8], part: &[u8]) -> Option<usize> {
    Some(occurrences(code, part).next()? + part.len())
}

/// Whether a part stands in some code exactly once, and ends there.
pub(crate) fn ends_once(code: &[u8], part: &[u8], end: Option<usize>) -> bool {
    let mut starts = occurrences(code, part);
    let only = starts.next().filter(|_| starts.next().is_none());
    only.is_some_and(|start| Some(start + part.len()) == end)
}

fn by_assembly(
    first: Build<'_>,
    second: Build<'_>,
    ends: &[usize],
) -> Result<Vec<Span>, AuxdataError> {
    let mut spans = Vec::new();
    for (one, other) in first.auxdata.iter().zip(second.auxdata) {
        same_length(one, other)?;
        let length = one.len();
        let real = |start: &usize| {
            let present = second.code[*start..*start + length] == **other;
            present && (one != other || ends.contains(&(*start + length)))
        };
        let starts = occurrences(first.code, one).filter(real);
        spans.extend(starts.map(|start| Span { start, length }));
    }
    Ok(spans)
}

/// Without an assembly: around each difference, what decodes as metadata in both builds; and
/// what decodes as metadata at the end of code.
fn by_difference(first: &[u8], second: &[u8], ends: &[usize]) -> Vec<Span> {
    let mut spans = Vec::new();
    for end in ends {
        if let Some(start) = cbor::trailing_region(&first[..*end]) {
            spans.push(Span { start, length: end - start });
        }
    }
    let mut at = 0;
    while let Some(differs) = (at..first.len()).find(|i| first[*i] != second[*i]) {
        at = differs + 1;
        if let Some(span) = region_around(first, second, differs) {
            at = span.start + span.length;
            spans.push(span);
        }
    }
    spans
}

/// The most bytes of a region before its first difference: key and header of a hash.
const LEAD_BYTES_MAX: usize = 32;

fn region_around(first: &[u8], second: &[u8], at: usize) -> Option<Span> {
    (at.saturating_sub(LEAD_BYTES_MAX)..=at).find_map(|start| {
        let length = cbor::region_length(&first[start..])?;
        let same = cbor::region_length(&second[start..]) == Some(length);
        (same && start + length > at).then_some(Span { start, length })
    })
}

fn occurrences<'a>(code: &'a [u8], part: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let windows = code.windows(part.len().max(1)).enumerate();
    windows.filter_map(move |(at, window)| (window == part).then_some(at))
}

fn differs(first: &[u8], second: &[u8], spans: &[Span]) -> Option<usize> {
    let masked = |at: usize| spans.iter().any(|s| (s.start..s.start + s.length).contains(&at));
    (0..first.len()).find(|at| first[*at] != second[*at] && !masked(*at))
}

fn same_length(first: &[u8], second: &[u8]) -> Result<(), AuxdataError> {
    let (first, second) = (first.len(), second.len());
    if first == second { Ok(()) } else { Err(AuxdataError::LengthsDiffer { first, second }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata with a hash of this byte.
    fn hashed(byte: u8) -> Vec<u8> {
        let mut region = b"\xa2\x64ipfs\x58\x22\x12\x20".to_vec();
        region.extend([byte; 32]);
        region.extend(b"\x64solc\x43\x00\x08\x25\x00\x33");
        region
    }

    const CONSTANT: &[u8] = b"\xa1\x64solc\x43\x00\x08\x25\x00\x0a";

    fn code(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[track_caller]
    fn check(builds: [&[u8]; 2], auxdata: [&[Vec<u8>]; 2], expected: &[(usize, usize)]) {
        let ends = [builds[0].len()];
        let [first, second] = [0, 1].map(|i| Build { code: builds[i], auxdata: auxdata[i] });
        let spans = locate(first, second, &ends).unwrap();
        let spans: Vec<_> = spans.iter().map(|span| (span.start, span.length)).collect();
        assert_eq!(spans, expected);
    }

    #[test]
    fn nested_regions_are_found_with_and_without_an_assembly() {
        let build = |child, own| {
            code(&[b"\x60\x80\xfe\x60\x01\xfe", &hashed(child), b"\xfe", &hashed(own)])
        };
        let builds = [build(1, 2), build(3, 4)];
        let auxdata = [vec![hashed(2), hashed(1)], vec![hashed(4), hashed(3)]];
        let expected = [(6, 53), (60, 53)];
        check([&builds[0], &builds[1]], [&auxdata[0], &auxdata[1]], &expected);
        check([&builds[0], &builds[1]], [&[], &[]], &expected);
    }

    #[test]
    fn a_constant_that_looks_like_metadata_is_code() {
        // The source embeds the first build's own metadata, which the second one keeps.
        let build = |own| code(&[&hashed(1), b"\xfe", &hashed(own)]);
        let auxdata = [vec![hashed(1)], vec![hashed(2)]];
        check([&build(1), &build(2)], [&auxdata[0], &auxdata[1]], &[(54, 53)]);
        // Metadata without a hash, and a constant with the same bytes.
        let same = code(&[CONSTANT, b"\xfe", CONSTANT]);
        let auxdata = vec![CONSTANT.to_vec()];
        check([&same, &same], [&auxdata, &auxdata], &[(13, 12)]);
        check([&same, &same], [&[], &[]], &[(13, 12)]);
    }

    #[test]
    fn metadata_that_stands_once_and_last_needs_no_contrast() {
        let own = hashed(1);
        let plain = code(&[b"\x60\x80\xfe", &own]);
        assert!(ends_once(&plain, &own, Some(plain.len())));
        assert!(!ends_once(&plain, &own, Some(plain.len() - 1)));
        assert!(!ends_once(&plain, &own, None));
        let twice = code(&[&own, b"\xfe", &own]);
        assert!(!ends_once(&twice, &own, Some(twice.len())));
        assert!(!ends_once(&plain, &hashed(2), Some(plain.len())));
    }

    #[test]
    fn code_without_metadata_has_no_region() {
        check([b"\x60\x80\x50\x56", b"\x60\x80\x50\x56"], [&[], &[]], &[]);
    }

    #[test]
    fn builds_that_differ_elsewhere_are_refused() {
        let build = |byte, own| code(&[&[byte], b"\xfe", &hashed(own)]);
        let (one, two) = (build(1, 1), build(2, 2));
        let locate = |auxdata: [&[Vec<u8>]; 2]| {
            let first = Build { code: &one, auxdata: auxdata[0] };
            super::locate(first, Build { code: &two, auxdata: auxdata[1] }, &[one.len()])
        };
        let unlocated = Err(AuxdataError::Unlocated { at: 0 });
        assert_eq!(locate([&[hashed(1)], &[hashed(2)]]), unlocated);
        assert_eq!(locate([&[], &[]]), unlocated);
        let short = [CONSTANT.to_vec()];
        let error = locate([&[hashed(1)], &short]).unwrap_err();
        assert!(matches!(error, AuxdataError::LengthsDiffer { .. }));
    }
}
