//! Files that other programs read, beside what the plan and the chain give.
//!
//! A front end sends its users where the address book says. So whoever reads a network back also
//! compares these files, and says which one to make anew, and how.

use serde_json::Value;
use tidegate_model::{Reason, ReasonCode};

use crate::policy::compare;

/// The most fields that are named of one file.
const FIELDS_MAX: usize = 3;
/// The most characters that are shown of what differs.
const SHOWN_CHARS_MAX: usize = 240;

/// A file as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFact {
    /// It is not there.
    Missing,
    /// It cannot be read, for this reason.
    Unreadable(String),
    /// It holds this document.
    Holds(Value),
}

/// One file, and what it may hold.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its path, from the project's folder.
    pub path: String,
    /// The value there.
    pub found: FileFact,
    /// What it may hold; differences are named against the first. Where there is none, nothing
    /// gives such a file, and `anew` says what.
    pub may_hold: Vec<Value>,
    /// How it is made anew, as the end of a sentence.
    pub anew: String,
}

/// What was found wrong, and what could not be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The reasons that contradict.
    pub faults: Vec<Reason>,
    pub missing: Vec<Reason>,
}

/// Compares files with what they may hold.
pub fn published(files: &[Published]) -> Findings {
    let mut findings = Findings::default();
    for Published { path, found, may_hold, anew } in files {
        let found = match found {
            FileFact::Missing if may_hold.is_empty() => continue,
            FileFact::Missing => {
                let text = format!("{path} is missing; {anew}");
                findings.missing.push(Reason::new(ReasonCode::FileMissing, text));
                continue;
            }
            FileFact::Unreadable(why) => {
                let text = format!("{path} cannot be read: {why}; {anew}");
                findings.faults.push(Reason::new(ReasonCode::FileUnread, text));
                continue;
            }
            FileFact::Holds(found) => found,
        };
        match may_hold.first() {
            _ if may_hold.contains(found) => {}
            Some(expected) => {
                let text = format!(
                    "{path} is not what the plan and the chain give: {}; {anew}",
                    differences(expected, found)
                );
                findings.faults.push(Reason::new(ReasonCode::FileDiffers, text));
            }
            None => {
                let text = format!("{path} {anew}");
                findings.faults.push(Reason::new(ReasonCode::FileUnexpected, text));
            }
        }
    }
    findings
}

/// In reading order: what the file was written with, and what it must be now.
fn differences(expected: &Value, found: &Value) -> String {
    let mut fields = Vec::new();
    compare("", found, expected, &mut fields);
    let more = fields.len().saturating_sub(FIELDS_MAX);
    fields.truncate(FIELDS_MAX);
    let shown = |field: String| match field.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &field[..end]),
        None => field,
    };
    let mut fields: Vec<_> = fields.into_iter().map(shown).collect();
    if more > 0 {
        fields.push(format!("{more} more"));
    }
    fields.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(found: FileFact, may_hold: &[Value]) -> Findings {
        published(&[Published {
            path: "deployments/m/addresses.json".to_owned(),
            found,
            may_hold: may_hold.to_vec(),
            anew: "`make it` writes it anew".to_owned(),
        }])
    }

    #[test]
    fn a_file_is_one_of_what_it_may_be_or_is_named() {
        let (ours, older) = (json!({"a": {"x": 1}, "b": 2}), json!({"a": {"x": 0}, "b": 2}));
        let both = [ours.clone(), older.clone()];
        for holds in &both {
            assert_eq!(one(FileFact::Holds(holds.clone()), &both), Findings::default());
        }
        // Of both a part is neither.
        let forged = one(FileFact::Holds(json!({"a": {"x": 9}, "b": 2, "c": 3})), &both);
        let [fault] = forged.faults.as_slice() else { panic!("{forged:?}") };
        assert_eq!(fault.code, ReasonCode::FileDiffers);
        let fault = &fault.text;
        assert!(fault.starts_with("deployments/m/addresses.json is not what"), "{fault}");
        assert!(fault.contains("a.x: was 9, is 1"), "as recorded, as it is now: {fault}");
        assert!(fault.contains("c: was 3, is null"), "{fault}");
        assert!(fault.ends_with("; `make it` writes it anew"), "{fault}");
        assert!(!fault.contains("more"), "{fault}");
        let gone = one(FileFact::Missing, &both);
        assert!(gone.faults.is_empty() && gone.missing.len() == 1, "{gone:?}");
        assert_eq!(gone.missing[0].code, ReasonCode::FileMissing);
        let broken = one(FileFact::Unreadable("no JSON".to_owned()), &both);
        assert_eq!(broken.faults[0].code, ReasonCode::FileUnread);
        assert!(broken.faults[0].text.contains(": no JSON; `make it`"), "{broken:?}");
    }

    #[test]
    fn what_nothing_gives_must_not_be_there() {
        assert_eq!(one(FileFact::Missing, &[]), Findings::default());
        let found = one(FileFact::Holds(json!({})), &[]).faults;
        let codes: Vec<_> = found.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [ReasonCode::FileUnexpected]);
    }

    #[test]
    fn long_documents_are_cut() {
        let expected: Value = (0..9).map(|n| (format!("f{n}"), json!("ä".repeat(999)))).collect();
        let fault = one(FileFact::Holds(json!({})), &[expected]).faults.remove(0).text;
        assert!(fault.contains("6 more") && fault.chars().count() < 900, "{fault}");
    }
}
