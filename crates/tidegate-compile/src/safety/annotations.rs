//! The annotations of OpenZeppelin's upgrades plugins, as documentation has them.

use tidegate_model::hazard::HazardKind;

/// Allows something in what it stands above.
pub(super) const UNSAFE_ALLOW: &str = "oz-upgrades-unsafe-allow";
/// The same, and in everything that is reached from there.
pub(super) const UNSAFE_ALLOW_REACHABLE: &str = "oz-upgrades-unsafe-allow-reachable";
/// Both.
pub(super) const ALLOW: [&str; 2] = [UNSAFE_ALLOW, UNSAFE_ALLOW_REACHABLE];
/// Names an initialiser that its name and modifiers do not show.
pub(super) const INITIALIZER: &str = "oz-upgrades-validate-as-initializer";

/// Names what a contract stores by assembly and an upgrade keeps as it was, and says why.
pub(super) const KEEPS: &str = "tidegate-keeps-storage";

/// Names the contract that one replaces.
pub(super) const UPGRADES_FROM: &str = "oz-upgrades-from";

/// Kinds that annotations may name and that nothing gives any more.
const FORMER: [&str; 2] = ["struct-definition", "enum-definition"];

/// Whether a documentation has one of these annotations.
pub(super) fn is_noted(documentation: &str, tags: &[&str]) -> bool {
    let lines = documentation.lines().filter_map(tag_of);
    lines.into_iter().any(|(tag, _)| tags.contains(&tag))
}

/// The words behind all annotations of this name.
pub(super) fn arguments<'d>(documentation: &'d str, tag: &str) -> Vec<&'d str> {
    each(documentation, tag).concat()
}

/// The words behind each annotation of this name, up to the next annotation.
pub(super) fn each<'d>(documentation: &'d str, tag: &str) -> Vec<Vec<&'d str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    let mut is_open = false;
    for line in documentation.lines() {
        let words = if is_tag(line) {
            match tag_of(line).filter(|(own, _)| *own == tag) {
                Some((_, rest)) => {
                    is_open = true;
                    found.push(Vec::new());
                    rest
                }
                None => {
                    is_open = false;
                    continue;
                }
            }
        } else {
            line
        };
        if let Some(last) = found.last_mut().filter(|_| is_open) {
            last.extend(words.split_whitespace());
        }
    }
    found
}

/// What the annotations name that is none of the kinds.
pub(super) fn unknown(documentation: &str) -> impl Iterator<Item = &str> {
    let named = ALLOW.iter().flat_map(|tag| arguments(documentation, tag));
    named.filter(|name| {
        let kind = name.parse::<HazardKind>().ok();
        // What only names that an annotation is none can be allowed by none.
        kind.is_none_or(|kind| kind == HazardKind::UnknownAnnotation) && !FORMER.contains(name)
    })
}

fn is_tag(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix('@');
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The custom annotation that a line begins with, and what stands behind it.
fn tag_of(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start().strip_prefix("@custom:")?;
    Some(rest.split_once(char::is_whitespace).unwrap_or((rest, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_reaches_to_the_next_one() {
        let text = "Words.\n @custom:oz-upgrades-unsafe-allow constructor\n  delegatecall\n\
                    @dev selfdestruct\n@custom:oz-upgrades-unsafe-allow x";
        assert_eq!(arguments(text, UNSAFE_ALLOW), ["constructor", "delegatecall", "x"]);
        assert_eq!(arguments(text, UNSAFE_ALLOW_REACHABLE), [""; 0]);
        assert_eq!(unknown(text).collect::<Vec<_>>(), ["x"]);
        let own = "@custom:oz-upgrades-unsafe-allow unknown-annotation struct-definition";
        assert_eq!(unknown(own).collect::<Vec<_>>(), ["unknown-annotation"]);
        assert!(
            is_noted(text, &ALLOW) && !is_noted("see @custom:oz-upgrades-unsafe-allow", &ALLOW)
        );
    }
}
