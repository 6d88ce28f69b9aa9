//! Import remappings, resolved exactly as the compiler resolves them.

use std::fmt;

/// One remapping, `context:prefix=target`. The target is relative to the project root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remapping {
    /// Only importers whose name starts with this; empty means all.
    pub context: String,
    /// The beginning of the imports that it changes.
    pub prefix: String,
    /// The replacement of the prefix, without a leading `./`.
    pub target: String,
}

/// A remapping that is malformed or leads outside the project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemappingError {
    /// Not of the form `prefix=target`.
    #[error("cannot read the remapping {text:?}: it has to be `prefix=target`")]
    Malformed {
        /// The remapping as written.
        text: String,
    },
    /// The target leads out of the project, or to a path of one machine.
    #[error(
        "cannot use the remapping {text:?}: behind `=` write a folder as it is reached from that \
         of the project, such as lib/dep/src/ or ../dep/src/; no absolute path, and `..` only at \
         its beginning"
    )]
    TargetOutside {
        /// The remapping as written.
        text: String,
    },
}

impl Remapping {
    /// Reads `prefix=target` or `context:prefix=target`.
    ///
    /// # Errors
    /// If prefix or target is missing, or the target is absolute or has a `..` behind a folder.
    pub fn parse(text: &str) -> Result<Self, RemappingError> {
        let malformed = || RemappingError::Malformed { text: text.to_owned() };
        let (key, target) = text.split_once('=').ok_or_else(malformed)?;
        let (context, prefix) = key.split_once(':').unwrap_or(("", key));
        if prefix.is_empty() || target.is_empty() {
            return Err(malformed());
        }
        let relative = target.strip_prefix("./").unwrap_or(target);
        let clean = relative.strip_suffix('/').unwrap_or(relative);
        if !is_inside(clean) {
            return Err(RemappingError::TargetOutside { text: text.to_owned() });
        }
        Ok(Self {
            context: context.to_owned(),
            prefix: prefix.to_owned(),
            target: relative.to_owned(),
        })
    }
}

impl fmt::Display for Remapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.context.is_empty() {
            write!(f, "{}:", self.context)?;
        }
        write!(f, "{}={}", self.prefix, self.target)
    }
}

/// The source name that an import stands for, or `None` where it climbs out of the project.
///
/// The compiler first makes a relative import absolute by the importer's folder and then remaps
/// the result: the longest context wins, then the longest prefix, then the last one written.
pub(crate) fn resolve(import: &str, importer: &str, remappings: &[Remapping]) -> Option<String> {
    let absolute =
        if import.starts_with('.') { join(importer, import)? } else { import.to_owned() };
    Some(remap(&absolute, importer, remappings))
}

/// Applies the best remapping to a source name, if any fits.
pub(crate) fn remap(name: &str, importer: &str, remappings: &[Remapping]) -> String {
    let best = remappings
        .iter()
        .filter(|r| importer.starts_with(&r.context) && name.starts_with(&r.prefix))
        .max_by_key(|r| (r.context.len(), r.prefix.len()));
    match best {
        Some(r) => format!("{}{}", r.target, &name[r.prefix.len()..]),
        None => name.to_owned(),
    }
}

/// Whether a name is relative and has neither empty nor dotted components, so that it names one
/// file in one way.
pub(crate) fn is_clean(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    !name.contains(['\\', ':', '\0']) && name.split('/').all(plain)
}

/// Whether a name is relative and names one file in one way, perhaps above the project: only its
/// first components may be `..`. Whether it lies in the same repository, its real path says.
pub(crate) fn is_inside(name: &str) -> bool {
    let mut rest = name;
    while let Some(above) = rest.strip_prefix("../") {
        rest = above;
    }
    is_clean(rest)
}

fn join(importer: &str, import: &str) -> Option<String> {
    let mut parts: Vec<&str> = importer.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().filter(|part| *part != "..")?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(remappings: &[&str], importer: &str, import: &str, expected: Option<&str>) {
        let remappings: Vec<_> = remappings.iter().map(|r| Remapping::parse(r).unwrap()).collect();
        let name = resolve(import, importer, &remappings);
        assert_eq!(name.as_deref(), expected, "{import} in {importer}");
    }

    #[test]
    fn imports_resolve_as_in_the_compiler() {
        let plain = ["@oz/=lib/oz/contracts/", "@oz/utils/=lib/utils/"];
        check(&plain, "src/A.sol", "@oz/a.sol", Some("lib/oz/contracts/a.sol"));
        check(&plain, "src/A.sol", "@oz/utils/a.sol", Some("lib/utils/a.sol"));
        check(&plain, "src/x/A.sol", "../B.sol", Some("src/B.sol"));
        check(&plain, "src/A.sol", "./y//./B.sol", Some("src/y/B.sol"));
        check(&plain, "src/A.sol", "../../B.sol", None);
        check(&plain, "src/A.sol", "src/B.sol", Some("src/B.sol"));
        let nearer = ["src/:x/=a/", "x/y/=b/", "src/z/:x/=./c/"];
        check(&nearer, "src/A.sol", "x/y/B.sol", Some("a/y/B.sol"));
        check(&nearer, "test/A.sol", "x/y/B.sol", Some("b/B.sol"));
        check(&nearer, "src/z/A.sol", "x/y/B.sol", Some("c/y/B.sol"));
        check(&["x/=a/", "x/=b/"], "A.sol", "x/B.sol", Some("b/B.sol"));
        check(&["src/=lib/"], "src/A.sol", "./B.sol", Some("lib/B.sol"));
    }

    #[test]
    fn unusable_remappings_are_refused() {
        for text in ["x", "=y", "x="] {
            let error = Remapping::parse(text).unwrap_err();
            assert!(matches!(error, RemappingError::Malformed { .. }), "{text}: {error}");
        }
        for text in ["x/=/abs/", "x/=lib/../../y/", "x/=lib/../y/", "x/=c:/y/", "x/=.."] {
            let error = Remapping::parse(text).unwrap_err();
            assert!(matches!(error, RemappingError::TargetOutside { .. }), "{text}: {error}");
        }
    }
}
