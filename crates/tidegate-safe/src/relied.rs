//! Which Safe a project has on each chain, as this machine first relied on it, so that no file
//! that came later names another one. The caller reads and writes the file.

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use tidegate_model::ChainId;

use crate::pins::{PinError, parse_address};

/// The format version of the file.
const VERSION: u32 = 1;

/// The most Safes, and the most checkouts, of one file.
const ROWS_MAX: usize = 4_096;

/// The Safe of a project on a chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProjectSafe {
    /// The project's name.
    pub project: String,
    /// The target's chain.
    pub chain: ChainId,
    pub safe: Address,
}

/// The Safes that this machine relies on for each project, and the project of each checkout
/// (`safes.toml`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relied {
    /// In the order in which they were relied on.
    safes: Vec<ProjectSafe>,
    /// The name of the project that each checkout had.
    checkouts: BTreeMap<String, String>,
}

/// The relation of a Safe in `tidegate.toml` to those that this machine relies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reliance {
    /// Nothing is known of the project: it is trusted on first use.
    First,
    /// The one that was relied on before.
    Known,
    /// Another one than these, which were relied on before.
    Other(Vec<ProjectSafe>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, rename = "safe")]
    safes: Vec<Row>,
    #[serde(default)]
    checkouts: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    project: String,
    chain: u64,
    address: String,
}

impl fmt::Display for ProjectSafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Safe {} on chain {} for {}", self.safe, self.chain, self.project)
    }
}

impl Relied {
    /// Reads the file.
    ///
    /// # Errors
    /// If the text is no such file of this version, or has too many rows.
    pub fn parse(text: &str) -> Result<Self, PinError> {
        let file: File = toml::from_str(text).map_err(|e| PinError::Read(Box::new(e)))?;
        if file.version != VERSION {
            return Err(PinError::Version(file.version));
        }
        if file.safes.len() > ROWS_MAX || file.checkouts.len() > ROWS_MAX {
            return Err(PinError::TooMany);
        }
        let mut safes = Vec::new();
        for Row { project, chain, address } in file.safes {
            let safe = parse_address(&address)?;
            safes.push(ProjectSafe { project, chain: ChainId(chain), safe });
        }
        Ok(Self { safes, checkouts: file.checkouts })
    }

    /// The file's text.
    ///
    /// # Errors
    /// If a chain id does not fit the format (2^63 or more).
    pub fn to_text(&self) -> Result<String, PinError> {
        let row = |one: &ProjectSafe| Row {
            project: one.project.clone(),
            chain: one.chain.0,
            address: one.safe.to_string(),
        };
        let safes = self.safes.iter().map(row).collect();
        let file = File { version: VERSION, safes, checkouts: self.checkouts.clone() };
        toml::to_string(&file).map_err(|e| PinError::Write(Box::new(e)))
    }

    /// Compares the Safe that a checkout's file names with those relied on before: for the
    /// project's name in any checkout, and in this checkout under another name.
    pub fn reliance(&self, checkout: &str, now: &ProjectSafe) -> Reliance {
        let before = self.checkouts.get(checkout);
        let is_renamed = before.is_some_and(|name| *name != now.project);
        let of_name = |one: &&ProjectSafe| {
            one.project == now.project || before.is_some_and(|name| *name == one.project)
        };
        let relied: Vec<_> = self.safes.iter().filter(of_name).cloned().collect();
        if relied.is_empty() {
            Reliance::First
        } else if !is_renamed && relied.contains(now) {
            Reliance::Known
        } else {
            Reliance::Other(relied)
        }
    }

    /// Relies on all that the file of a checkout names, on first use; where anything of it is
    /// another Safe than before, nothing changes.
    #[must_use]
    pub fn with_first(&self, checkout: &str, named: &[ProjectSafe]) -> Self {
        let mut next = self.clone();
        let other = |one: &ProjectSafe| matches!(self.reliance(checkout, one), Reliance::Other(_));
        if named.iter().any(other) {
            return next;
        }
        for one in named {
            next.checkouts.insert(checkout.to_owned(), one.project.clone());
            if !next.safes.contains(one) {
                next.safes.push(one.clone());
            }
        }
        next
    }

    /// Relies on a Safe that the person has pinned, instead of those that the project had on its
    /// chain and that the checkout's file names no more.
    #[must_use]
    pub fn with_pinned(&self, checkout: &str, now: &ProjectSafe, named: &[ProjectSafe]) -> Self {
        let mut next = self.clone();
        let of_place = |one: &ProjectSafe| (one.project == now.project) && one.chain == now.chain;
        next.safes.retain(|one| one != now && (!of_place(one) || named.contains(one)));
        next.safes.push(now.clone());
        next.checkouts.insert(checkout.to_owned(), now.project.clone());
        next
    }
}

/// The Safe under which something is stopped where the checkout's file names another one: the one
/// relied on before on the same chain which the file names no more; of the project's own name
/// before others, and the newest.
pub fn stops_under<'a>(
    now: &ProjectSafe,
    before: &'a [ProjectSafe],
    named: &[ProjectSafe],
) -> Option<&'a ProjectSafe> {
    let there = before.iter().filter(|one| one.chain == now.chain && !named.contains(one));
    there.max_by_key(|one| one.project == now.project)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(project: &str, chain: u64, byte: u8) -> ProjectSafe {
        let safe = Address::with_last_byte(byte);
        ProjectSafe { project: project.to_owned(), chain: ChainId(chain), safe }
    }

    fn first() -> Relied {
        Relied::default().with_first("a", &[safe("vault", 1, 7)])
    }

    #[test]
    fn a_safe_is_first_known_or_another() {
        let relied = first();
        let other = Reliance::Other(vec![safe("vault", 1, 7)]);
        let cases = [
            ("the same", "a", safe("vault", 1, 7), Reliance::Known),
            ("in a second checkout", "b", safe("vault", 1, 7), Reliance::Known),
            ("another Safe", "a", safe("vault", 1, 8), other.clone()),
            ("another in a second checkout", "b", safe("vault", 1, 8), other.clone()),
            ("on another chain", "a", safe("vault", 2, 7), other.clone()),
            ("renamed with another Safe", "a", safe("vault2", 1, 8), other.clone()),
            ("renamed", "a", safe("vault2", 1, 7), other),
            ("another project", "b", safe("vault2", 1, 8), Reliance::First),
        ];
        for (what, checkout, now, expected) in cases {
            assert_eq!(relied.reliance(checkout, &now), expected, "{what}");
        }
        assert_eq!(Relied::default().reliance("a", &safe("vault", 1, 8)), Reliance::First);
    }

    /// The name of another project of the same person is no way round it.
    #[test]
    fn a_checkout_that_takes_the_name_of_another_project() {
        let relied = first().with_first("b", &[safe("bank", 1, 9)]);
        let now = safe("bank", 1, 9);
        assert!(matches!(relied.reliance("a", &now), Reliance::Other(_)));
        assert_eq!(relied.reliance("b", &now), Reliance::Known);
    }

    #[test]
    fn nothing_is_relied_on_beside_another_safe() {
        let relied = first();
        let named = [safe("vault", 1, 7), safe("vault", 1, 8)];
        assert_eq!(relied.with_first("b", &named), relied);
        let second = relied.with_first("b", &named[..1]);
        assert!(matches!(second.reliance("b", &safe("bank", 1, 7)), Reliance::Other(_)));
        let both = Relied::default().with_first("a", &named);
        assert!(named.iter().all(|one| both.reliance("a", one) == Reliance::Known));
    }

    #[test]
    fn a_pinned_safe_takes_the_place_of_the_one_before() {
        let (old, new) = (safe("vault", 1, 7), safe("vault", 1, 8));
        let moved = first().with_pinned("a", &new, std::slice::from_ref(&new));
        assert_eq!(moved.reliance("a", &new), Reliance::Known);
        assert_eq!(moved.reliance("b", &old), Reliance::Other(vec![new.clone()]));
        // A sibling on the same chain takes nobody's place.
        let both = first().with_pinned("a", &new, &[old.clone(), new.clone()]);
        assert!([&old, &new].iter().all(|one| both.reliance("a", one) == Reliance::Known));
        let renamed = safe("vault2", 1, 7);
        let after = first().with_pinned("a", &renamed, std::slice::from_ref(&renamed));
        assert_eq!(after.reliance("a", &renamed), Reliance::Known);
        assert_eq!(after.reliance("b", &old), Reliance::Known);
    }

    #[test]
    fn a_stop_is_said_under_the_safe_that_is_known() {
        let before = [safe("vault", 1, 7), safe("vault", 2, 6), safe("vault", 1, 5)];
        let under = |now: &ProjectSafe, named: &[ProjectSafe]| {
            stops_under(now, &before, named).map(|one| one.safe.0[19])
        };
        assert_eq!(under(&safe("vault", 1, 8), &[]), Some(5));
        assert_eq!(under(&safe("vault", 1, 8), &[safe("vault", 1, 5)]), Some(7));
        assert_eq!(under(&safe("bank", 2, 8), &[]), Some(6));
        assert_eq!(under(&safe("vault", 3, 7), &[]), None);
    }

    #[test]
    fn its_file() {
        let relied = first().with_first("a", &[safe("vault", 1, 7), safe("vault", 10, 7)]);
        assert_eq!(relied, first(), "a further chain is another Safe");
        let text = first().to_text().unwrap();
        let expected = "\
version = 1

[[safe]]
project = \"vault\"
chain = 1
address = \"0x0000000000000000000000000000000000000007\"

[checkouts]
a = \"vault\"
";
        assert_eq!(text, expected);
        assert_eq!(Relied::parse(&text).unwrap(), first());
        assert_eq!(Relied::parse("version = 1\n").unwrap(), Relied::default());
        for text in ["", "version = 2\n", "version = 1\nx = 1\n", &text.replace("07\"", "\"")] {
            Relied::parse(text).unwrap_err();
        }
    }

    #[test]
    fn the_project_s_own_name_comes_before_a_newer_one() {
        let before = [safe("vault", 1, 7), safe("bank", 1, 5)];
        let found = stops_under(&safe("vault", 1, 8), &before, &[]).unwrap();
        assert_eq!(found.to_string(), format!("Safe {} on chain 1 for vault", before[0].safe));
    }

    #[test]
    fn a_file_holds_as_many_rows_as_it_may() {
        let file = |safes: usize, checkouts: usize| {
            let safe = |chain: usize| {
                let address = Address::ZERO;
                format!("[[safe]]\nproject = \"v\"\nchain = {chain}\naddress = \"{address}\"\n")
            };
            let safes: String = (0..safes).map(safe).collect();
            let checkouts: String = (0..checkouts).map(|n| format!("c{n} = \"v\"\n")).collect();
            Relied::parse(&format!("version = 1\n{safes}[checkouts]\n{checkouts}"))
        };
        let most = file(ROWS_MAX, ROWS_MAX).unwrap();
        assert_eq!((most.safes.len(), most.checkouts.len()), (ROWS_MAX, ROWS_MAX));
        for (safes, checkouts) in [(ROWS_MAX + 1, 0), (0, ROWS_MAX + 1)] {
            assert!(matches!(file(safes, checkouts), Err(PinError::TooMany)));
        }
    }
}
