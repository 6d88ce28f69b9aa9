//! Which function each byte of runtime code was made from. It explains a difference to people and
//! enters no digest.

use serde::{Deserialize, Serialize};

/// The name for code that the compiler adds: dispatch, decoding of arguments, checks.
pub const GENERATED: &str = "dispatcher or compiler-generated code";
/// The name for bytes behind the instructions: constants, metadata, contracts that the code
/// creates.
pub const DATA: &str = "embedded code or data";

/// The runs of runtime code, in order, each with the function it was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionMap {
    names: Vec<String>,
    /// Bytes of each run, and its place in `names`.
    runs: Vec<(usize, usize)>,
}

impl FunctionMap {
    /// The map of these runs: bytes and name of each, in order.
    pub fn new<'a>(runs: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut map = Self::default();
        for (length, name) in runs.into_iter().filter(|(length, _)| *length > 0) {
            let known = map.names.iter().position(|known| known == name);
            let index = known.unwrap_or_else(|| {
                map.names.push(name.to_owned());
                map.names.len() - 1
            });
            match map.runs.last_mut() {
                Some((total, last)) if *last == index => *total += length,
                _ => map.runs.push((length, index)),
            }
        }
        map
    }

    /// The function that the byte at this place was made from; none where the map does not reach.
    pub fn at(&self, offset: usize) -> Option<&str> {
        let mut end = 0_usize;
        let run = self.runs.iter().find(|(length, _)| {
            end = end.saturating_add(*length);
            offset < end
        });
        Some(self.names.get(run?.1)?.as_str())
    }

    /// Whether it says nothing at all, so that leaving it out loses nothing.
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty() && self.runs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_name_are_joined_and_found_by_place() {
        let map = FunctionMap::new([(2, "a"), (1, "a"), (0, "z"), (4, "b"), (1, "a")]);
        assert_eq!(
            serde_json::to_string(&map).unwrap(),
            r#"{"names":["a","b"],"runs":[[3,0],[4,1],[1,0]]}"#
        );
        let found: Vec<_> = [0, 2, 3, 6, 7, 8].map(|offset| map.at(offset)).into();
        assert_eq!(found, [Some("a"), Some("a"), Some("b"), Some("b"), Some("a"), None]);
        // As a damaged file may have it.
        let json = r#"{"names":[],"runs":[[18446744073709551615,0],[18446744073709551615,7]]}"#;
        let map: FunctionMap = serde_json::from_str(json).unwrap();
        assert_eq!(map.at(5), None);
        assert_eq!(FunctionMap::default().at(0), None);
        let names: FunctionMap = serde_json::from_str(r#"{"names":["a"],"runs":[]}"#).unwrap();
        assert!(!names.is_empty() && FunctionMap::new([(0, "a")]).is_empty());
    }
}
