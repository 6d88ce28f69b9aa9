//! The list of remappings that a project writes down, against what forge would use now.

use std::path::Path;

use super::{Detected, FoundryConfig, FoundryError};
use crate::remapping::Remapping;

impl FoundryConfig {
    /// The settings with what is in the folders of dependencies now, which another checkout may
    /// not have.
    ///
    /// # Errors
    /// If it is by chance what forge would take.
    pub fn as_detected(self, root: &Path) -> Result<Self, FoundryError> {
        let chance = self.detected.iter().find_map(|Detected { remapping, or }| {
            let or = or.as_ref()?;
            Some(FoundryError::Chance {
                file: root.join(super::FILE),
                one: remapping.to_string(),
                other: or.to_string(),
            })
        });
        chance.map_or(Ok(self), Err)
    }

    /// The settings with the list that a project has written down. What it says of folders that
    /// are not here, such as libraries that only tests need, cannot be judged and holds.
    ///
    /// # Errors
    /// If forge would use another list now.
    pub fn as_pinned(self, root: &Path, list: &[String]) -> Result<Self, FoundryError> {
        let source = |source| FoundryError::Remapping {
            file: root.join("tidegate.toml"),
            library: false,
            source,
        };
        let pinned = list.iter().map(|text| Remapping::parse(text).map_err(source));
        let pinned = pinned.collect::<Result<Vec<_>, _>>()?;
        let differences = self.differences(root, &pinned);
        if differences.is_empty() {
            return Ok(Self { remappings: pinned, detected: Vec::new(), ..self });
        }
        let now = self.remappings.iter().map(ToString::to_string).collect();
        Err(FoundryError::Pinned { differences, now })
    }

    fn differences(&self, root: &Path, pinned: &[Remapping]) -> Vec<String> {
        let same = |a: &Remapping, b: &Remapping| a.context == b.context && a.prefix == b.prefix;
        let here = |remapping: &Remapping| root.join(&remapping.target).exists();
        let mut differences = Vec::new();
        for now in &self.remappings {
            let detected = self.detected.iter().find(|detected| detected.remapping == *now);
            let or = detected.and_then(|detected| detected.or.as_ref());
            match pinned.iter().find(|pinned| same(pinned, now)) {
                None => differences.push(format!("\"{now}\" is not in the list")),
                Some(pinned) if pinned != now && Some(pinned) != or && here(pinned) => {
                    differences.push(format!("\"{now}\" is \"{pinned}\" in the list"));
                }
                Some(_) => {}
            }
        }
        for (at, old) in pinned.iter().enumerate() {
            if pinned[..at].iter().any(|earlier| same(earlier, old)) {
                differences.push(format!("\"{old}\" is in the list after another for its prefix"));
            } else if here(old) && !self.remappings.iter().any(|now| same(now, old)) {
                differences.push(format!("\"{old}\" is in the list, and forge does not use it"));
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{project, write};

    #[test]
    fn a_list_holds_while_the_folders_give_it() {
        let root = project(&[
            ("foundry.toml", "[profile.default]\nremappings = [\"own/=lib/dep/src/\"]\n"),
            ("lib/dep/src/D.sol", ""),
            ("lib/tests-only/src/T.sol", ""),
        ]);
        let root = root.path();
        let list = ["own/=lib/dep/src/", "dep/=lib/dep/src/", "tests-only/=lib/tests-only/src/"];
        let list = list.map(str::to_owned);
        let load = || FoundryConfig::load(root).unwrap();
        let pinned = load().as_pinned(root, &list).unwrap();
        assert_eq!(pinned.remappings, load().remappings);
        let differences = |list: &[String]| match load().as_pinned(root, list) {
            Err(FoundryError::Pinned { differences, now }) => {
                assert_eq!(now.len(), load().remappings.len());
                differences
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(
            differences(&list[..2]),
            ["\"tests-only/=lib/tests-only/src/\" is not in the list"]
        );
        let twice = [&list[..], &list[1..2]].concat();
        assert_eq!(differences(&twice).len(), 1);

        let other = [&list[..2], &["tests-only/=lib/dep/src/".to_owned()]].concat();
        let found = differences(&other);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with("is \"tests-only/=lib/dep/src/\" in the list"), "{found:?}");
        write(root, "lib/new/src/N.sol", "");
        assert_eq!(differences(&list), ["\"new/=lib/new/src/\" is not in the list"]);
        std::fs::remove_dir_all(root.join("lib/new")).unwrap();
        // What is not checked out here is not missed.
        std::fs::remove_dir_all(root.join("lib/tests-only")).unwrap();
        assert_eq!(load().as_pinned(root, &list).unwrap().remappings.len(), 3);
        std::fs::create_dir(root.join("lib/tests-only")).unwrap();
        write(root, "lib/tests-only/src/readme.md", "");
        let found = differences(&list);
        assert!(found[0].ends_with("forge does not use it"), "{found:?}");
    }

    #[test]
    fn what_is_by_chance_has_to_be_written_down() {
        let root = project(&[
            ("foundry.toml", ""),
            ("lib/one/foundry.toml", ""),
            ("lib/one/remappings.txt", "same/=code/"),
            ("lib/two/foundry.toml", ""),
            ("lib/two/remappings.txt", "same/=code/"),
        ]);
        let root = root.path();
        let load = || FoundryConfig::load(root).unwrap();
        let error = load().as_detected(root).unwrap_err();
        assert!(matches!(error, FoundryError::Chance { .. }), "{error:?}");
        let list = |of: &str| ["one/=lib/one/src/", "two/=lib/two/src/", of].map(str::to_owned);
        for of in ["same/=lib/one/code/", "same/=lib/two/code/"] {
            let pinned = load().as_pinned(root, &list(of)).unwrap();
            assert_eq!(pinned.remappings[2].to_string(), of);
        }
        write(root, "lib/three/X.sol", "");
        assert!(load().as_pinned(root, &list("same/=lib/three/")).is_err());
        write(root, "remappings.txt", "same/=lib/two/code/\n");
        assert!(load().as_detected(root).is_ok());
    }
}
