//! The comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use alloy_primitives::{Address, Bytes};
use tidegate_model::cbor;
use tidegate_model::functions::FunctionMap;
use tidegate_model::release::Artifact;

use super::regions::{Region, regions};
use super::{
    CodeMatch, Differences, MISMATCHES_MAX, MetadataDifference, Mismatch, Place, SHOWN_BYTES_MAX,
};
use crate::proxy::minimal_proxy;

/// Differing bytes of one function that are closer together than this are one mismatch.
const JOINED_BYTES_MAX: usize = 16;

/// `INVALID`, which the compiler puts in front of data.
const INVALID: u8 = 0xfe;

/// Compares the code found with what local execution of the artifact's creation code gave.
pub fn match_code(artifact: &Artifact, expected: &[u8], found: &[u8]) -> CodeMatch {
    if expected == found {
        return CodeMatch::Same;
    }
    // Where a minimal proxy is expected, another one differs in what it calls.
    let another = minimal_proxy(expected).is_some() && expected.len() == found.len();
    if let Some(other) = other_kind(found).filter(|_| !another) {
        return other;
    }
    // Where the constructor returned other code than the compiler's, nothing is known of it.
    let unknown = FunctionMap::default();
    let (regions, functions) = match regions(artifact, expected) {
        Some(regions) => (regions, &artifact.functions),
        None => (Vec::new(), &unknown),
    };
    let comparison = Comparison { functions, expected, found };
    if let Some(regions) = comparison.metadata_only(&regions) {
        return CodeMatch::MetadataOnly { regions };
    }
    CodeMatch::Different(if expected.len() == found.len() {
        comparison.differences(&regions)
    } else {
        comparison.other_length(&regions)
    })
}

/// What can be said of code of which only another hash is expected.
pub fn match_other(found: &[u8]) -> CodeMatch {
    let different = Differences { found_length: found.len(), ..Differences::default() };
    other_kind(found).unwrap_or(CodeMatch::Different(different))
}

fn other_kind(found: &[u8]) -> Option<CodeMatch> {
    const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];
    if found.is_empty() {
        return Some(CodeMatch::NotDeployed);
    }
    if let Some(to) = found.strip_prefix(&DELEGATION).filter(|to| to.len() == 20) {
        return Some(CodeMatch::Delegation { to: Address::from_slice(to) });
    }
    minimal_proxy(found).map(|target| CodeMatch::MinimalProxy { target })
}

struct Comparison<'a> {
    functions: &'a FunctionMap,
    expected: &'a [u8],
    found: &'a [u8],
}

impl Comparison<'_> {
    /// The metadata that differs, if nothing else does.
    fn metadata_only(&self, regions: &[Region]) -> Option<Vec<MetadataDifference>> {
        if self.expected.len() != self.found.len() {
            return Some(vec![self.left_away(regions)?]);
        }
        let mut differences = Vec::new();
        let mut at = 0;
        for region in regions {
            let Place::Metadata(number) = region.place else { continue };
            let range = region.range();
            if self.expected[at..range.start] != self.found[at..range.start] {
                return None;
            }
            at = range.end;
            let (expected, found) = (&self.expected[range.clone()], &self.found[range.clone()]);
            if expected != found {
                differences.push(MetadataDifference {
                    region: number,
                    offset: range.start,
                    expected: cbor::read_region(expected).unwrap_or_default(),
                    found: Some(cbor::read_region(found)?),
                });
            }
        }
        (self.expected[at..] == self.found[at..]).then_some(differences)
    }

    /// The last region, where all that the chain lacks is that region and the byte in front of it
    /// that keeps execution out.
    fn left_away(&self, regions: &[Region]) -> Option<MetadataDifference> {
        let last = regions.last().filter(|region| region.range().end == self.expected.len())?;
        let Place::Metadata(region) = last.place else { return None };
        let offset = last.span.start;
        let fence = offset.checked_sub(1)?;
        let guarded = self.expected.get(fence) == Some(&INVALID);
        let left = self.found.len() == fence || self.found.len() == offset;
        (guarded && left && self.expected.starts_with(self.found)).then(|| MetadataDifference {
            region,
            offset,
            expected: cbor::read_region(&self.expected[last.range()]).unwrap_or_default(),
            found: None,
        })
    }

    fn differences(&self, regions: &[Region]) -> Differences {
        let mut mismatches = Vec::new();
        let mut at = 0;
        for region in regions {
            self.code(at..region.span.start, &mut mismatches);
            at = region.range().end;
        }
        self.code(at..self.expected.len(), &mut mismatches);
        let mut named: BTreeMap<&Place, Vec<&Region>> = BTreeMap::new();
        for region in regions {
            named.entry(&region.place).or_default().push(region);
        }
        let mut occurrences_disagree = Vec::new();
        for (place, regions) in named {
            let values: BTreeSet<&[u8]> =
                regions.iter().map(|region| &self.found[region.range()]).collect();
            if values.len() > 1 {
                occurrences_disagree.push(place.clone());
            }
            let differs =
                |region: &&&Region| self.expected[region.range()] != self.found[region.range()];
            let differing: Vec<_> = regions.iter().filter(differs).collect();
            if let Some(first) = differing.first() {
                let mut mismatch = self.mismatch(first.range(), place.clone());
                mismatch.occurrences = differing.len();
                mismatches.push(mismatch);
            }
        }
        mismatches.sort_by_key(|mismatch| {
            let place = &mismatch.place;
            let is_metadata =
                matches!(place, Place::Metadata(_)) && cbor::read_region(&mismatch.found).is_some();
            (is_metadata, mismatch.offset)
        });
        self.bounded(mismatches, occurrences_disagree)
    }

    /// Mismatches of code between two regions.
    fn code(&self, within: Range<usize>, mismatches: &mut Vec<Mismatch>) {
        let mut open: Option<Range<usize>> = None;
        for at in within.filter(|at| self.expected[*at] != self.found[*at]) {
            let function = self.functions.at(at);
            open = Some(match open {
                Some(run)
                    if at - run.end < JOINED_BYTES_MAX
                        && self.functions.at(run.start) == function =>
                {
                    run.start..at + 1
                }
                run => {
                    mismatches.extend(run.map(|run| self.code_mismatch(run)));
                    at..at + 1
                }
            });
        }
        mismatches.extend(open.map(|run| self.code_mismatch(run)));
    }

    fn code_mismatch(&self, run: Range<usize>) -> Mismatch {
        let function = self.functions.at(run.start).map(str::to_owned);
        self.mismatch(run, Place::Code(function))
    }

    /// Everything behind an inserted or missing byte is elsewhere, so only the first one is told.
    fn other_length(&self, regions: &[Region]) -> Differences {
        let pairs = self.expected.iter().zip(self.found);
        let start = pairs.take_while(|(expected, found)| expected == found).count();
        let end = self.expected.len().max(self.found.len());
        let region = regions.iter().find(|region| region.range().contains(&start));
        let mismatch = match region {
            Some(region) => self.mismatch(start..end, region.place.clone()),
            None => self.code_mismatch(start..end),
        };
        self.bounded(vec![mismatch], Vec::new())
    }

    fn mismatch(&self, range: Range<usize>, place: Place) -> Mismatch {
        let shown = |code: &[u8]| {
            let end = range.end.min(range.start + SHOWN_BYTES_MAX).min(code.len());
            Bytes::copy_from_slice(code.get(range.start..end).unwrap_or_default())
        };
        Mismatch {
            offset: range.start,
            length: range.len(),
            place,
            occurrences: 1,
            expected: shown(self.expected),
            found: shown(self.found),
        }
    }

    fn bounded(&self, mut mismatches: Vec<Mismatch>, disagree: Vec<Place>) -> Differences {
        let count = mismatches.len();
        mismatches.truncate(MISMATCHES_MAX);
        Differences {
            expected_length: Some(self.expected.len()),
            found_length: self.found.len(),
            count,
            mismatches,
            occurrences_disagree: disagree,
        }
    }
}
