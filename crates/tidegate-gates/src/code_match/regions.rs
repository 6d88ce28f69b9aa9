//! The places in runtime code that are filled in after compilation, as the build located them.

use tidegate_model::release::{Artifact, Span};

use super::Place;

/// One such place.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) span: Span,
    pub(super) place: Place,
}

impl Region {
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.span.start..self.span.start + self.span.length
    }
}

/// `PUSH20 0`, `ADDRESS`, `EQ`: how a library begins. Deployment writes its address into the zeros.
const CALL_PROTECTION: [u8; 23] = {
    let mut code = [0; 23];
    (code[0], code[21], code[22]) = (0x73, 0x30, 0x14);
    code
};
const OWN_ADDRESS: Span = Span { start: 1, length: 20 };

/// Through the intermediate representation, a library's own address is named as an immutable.
const LIBRARY_ADDRESS: &str = ".library_deploy_address";

/// The regions, in order and apart from each other. None if this code is not the artifact's: a
/// constructor may return what it likes, and then nothing is known of it.
pub(super) fn regions(artifact: &Artifact, code: &[u8]) -> Option<Vec<Region>> {
    let runtime = &artifact.runtime;
    let mut regions = Vec::new();
    if runtime.object.starts_with(&CALL_PROTECTION) {
        regions.push(Region { span: OWN_ADDRESS, place: Place::CallProtection });
    }
    for (name, spans) in &artifact.immutables {
        let place = if name.ends_with(LIBRARY_ADDRESS) {
            Place::CallProtection
        } else {
            Place::Immutable(name.clone())
        };
        regions.extend(spans.iter().map(|span| Region { span: *span, place: place.clone() }));
    }
    for (library, spans) in &runtime.links {
        let place = Place::Library(library.clone());
        regions.extend(spans.iter().map(|span| Region { span: *span, place: place.clone() }));
    }
    let metadata = runtime.metadata.iter().enumerate();
    regions.extend(metadata.map(|(n, span)| Region { span: *span, place: Place::Metadata(n + 1) }));
    regions.sort_by_key(|region| region.span);
    fits(&regions, &runtime.object, code).then_some(regions)
}

/// Whether the code is the template outside the regions, and no region leads outside it.
fn fits(regions: &[Region], template: &[u8], code: &[u8]) -> bool {
    let mut at = 0;
    let length = code.len();
    for region in regions {
        let end = region.span.start.checked_add(region.span.length);
        let Some(end) = end.filter(|end| *end <= length) else { return false };
        let apart = region.span.start >= at;
        if !apart || template.get(at..region.span.start) != code.get(at..region.span.start) {
            return false;
        }
        at = end;
    }
    template.len() == length && template[at..] == code[at..]
}
