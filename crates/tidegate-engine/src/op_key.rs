//! The name of a deployment's operation in the journal.

use std::fmt;

use alloy_primitives::B256;
use tidegate_model::ReleaseRoot;

/// `deploy/<project>/<root>/<id>/<op>`. Older journals leave the project out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpKey<'a> {
    pub project: Option<&'a str>,
    pub release_root: ReleaseRoot,
    pub deployment_id: u64,
    pub op: &'a str,
}

impl<'a> OpKey<'a> {
    /// Reads what an attempt's operation is called; `None` where no deployment made it.
    pub fn parse(name: &'a str) -> Option<Self> {
        let name = name.strip_prefix("deploy/")?;
        let (first, rest) = name.split_once('/')?;
        let (project, root, rest) = match first.parse::<B256>() {
            Ok(root) => (None, root, rest),
            Err(_) => {
                let (root, rest) = rest.split_once('/')?;
                (Some(first), root.parse().ok()?, rest)
            }
        };
        let (id, op) = rest.split_once('/')?;
        let deployment_id = id.parse().ok()?;
        Some(Self { project, release_root: ReleaseRoot(root), deployment_id, op })
    }
}

impl fmt::Display for OpKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, release_root, deployment_id, op } = self;
        f.write_str("deploy/")?;
        if let Some(project) = project {
            write!(f, "{project}/")?;
        }
        write!(f, "{release_root}/{deployment_id}/{op}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let release_root = ReleaseRoot(B256::repeat_byte(3));
        for project in [Some("vault"), None] {
            let key = OpKey { project, release_root, deployment_id: 1, op: "dial.set" };
            assert_eq!(OpKey::parse(&key.to_string()), Some(key));
        }
        let root = release_root.to_string();
        for other in ["draw/1".to_owned(), format!("again/{root}/0/a/1"), "deploy/a/b/0/c".into()] {
            assert_eq!(OpKey::parse(&other), None, "{other}");
        }
    }
}
