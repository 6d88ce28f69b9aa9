//! The script that runs the compiler of an npm package, and how `node` is started for it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alloy_primitives::{B256, hex, keccak256};

use crate::driver::isolate;
use crate::files::{self, Access, FileError};
use crate::repository::outermost_repository;

const SCRIPT: &str = include_str!("solcjs.cjs");

/// Raises the stack as far as the system lets it: the code generator recurses along the source's
/// nesting, and its frames lie on the stack of the process. Node is told nine tenths of it.
const LAUNCH: &str = r#"node=$1; shift
for kb in 262144 65520; do
  if ulimit -S -s $kb 2>/dev/null; then
    exec "$node" --stack-size=$((kb / 10 * 9)) "$@"
  fi
done
exec "$node" "$@""#;

/// A compiler that runs in `node`: the interpreter, the loader and its files.
#[derive(Debug, Clone)]
pub(crate) struct NodeCompiler {
    /// The `node` binary.
    pub(crate) node: PathBuf,
    /// Our script.
    pub(crate) script: PathBuf,
    /// The compiler.
    pub(crate) soljson: PathBuf,
    /// The compiler's digest, which the script compares.
    pub(crate) sha256: B256,
}

/// The first `node` in these folders; not one that a repository around the project brings along, as
/// npm's scripts put there.
pub fn find_node(folders: &[PathBuf], root: &Path) -> Option<PathBuf> {
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    let theirs = outermost_repository(root);
    let is_ours = |path: &PathBuf| {
        path.is_file() && path.canonicalize().is_ok_and(|real| !real.starts_with(&theirs))
    };
    let folders = folders.iter().filter(|dir| dir.is_absolute());
    folders.map(|dir| dir.join(name)).find(is_ours)
}

/// The digest of the script.
pub(crate) fn digest() -> B256 {
    keccak256([SCRIPT, LAUNCH].concat())
}

/// Writes the script under a name made from its content, so that one in use never changes, and
/// returns its path.
pub(crate) fn place(cache_dir: &Path) -> Result<PathBuf, FileError> {
    let path = cache_dir.join(format!("solcjs-{}.cjs", hex::encode(&digest()[..8])));
    // What stands there may be cut short or edited, so it counts only if it is the same.
    if files::read(&path, SCRIPT.len() as u64).is_ok_and(|present| present == SCRIPT.as_bytes()) {
        return Ok(path);
    }
    files::write(&path, SCRIPT.as_bytes(), Access::Data)?;
    Ok(path)
}

impl NodeCompiler {
    /// The command that asks it. Where `node` knows permissions, it may read these two files and
    /// nothing else, write nothing, and start neither processes nor threads; what decides is the
    /// digest.
    pub(crate) fn command(&self, request: &str) -> Command {
        let mut args: Vec<OsString> = Vec::new();
        if let Some(flag) = permission_flag(&self.node) {
            args.push(flag.into());
            for file in [&self.script, &self.soljson] {
                let mut allowed = OsString::from("--allow-fs-read=");
                allowed.push(file);
                args.push(allowed);
            }
        }
        args.extend([self.script.clone().into(), self.soljson.clone().into()]);
        args.extend([hex::encode(self.sha256).into(), request.into()]);
        let mut command = if cfg!(unix) {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", LAUNCH, "sh"]).arg(&self.node);
            shell
        } else {
            Command::new(&self.node)
        };
        command.args(args);
        command
    }
}

/// The option by which this `node` takes permissions away, if it has one.
fn permission_flag(node: &Path) -> Option<&'static str> {
    let mut command = Command::new(node);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null());
    isolate(&mut command);
    // Where version managers look for a project's wishes.
    command.current_dir(if cfg!(unix) { "/" } else { "." });
    let output = command.output().ok()?;
    flag_of(&String::from_utf8_lossy(&output.stdout))
}

fn flag_of(version: &str) -> Option<&'static str> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.').map(str::parse::<u32>);
    match (numbers.next()?.ok()?, numbers.next()?.ok()?) {
        (..20, _) => None,
        (23, 5..) | (24.., _) => Some("--permission"),
        _ => Some("--experimental-permission"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_repaired() {
        let cache = tempfile::tempdir().unwrap();
        let path = place(cache.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SCRIPT);
        files::write(&path, b"cut", Access::Data).unwrap();
        assert_eq!(place(cache.path()).unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SCRIPT);
    }

    #[cfg(unix)]
    #[test]
    fn node_is_not_from_a_repository_around_the_project() {
        use crate::testing::{project, write};
        let (outer, machine) = (project(&[]), project(&[("bin/node", "")]));
        for folder in [".git", "inner/.git", "inner/project"] {
            std::fs::create_dir_all(outer.path().join(folder)).unwrap();
        }
        let root = outer.path().join("inner/project");
        let honest = machine.path().join("bin");
        let found = |first: &str| {
            find_node(&[outer.path().join(first), honest.clone()], &root)
                .map(|node| node.parent().map(|folder| folder == honest).unwrap_or_default())
        };
        for folder in ["inner/project/bin", "inner/bin", "bin"] {
            write(outer.path(), &format!("{folder}/node"), "");
            assert_eq!(found(folder), Some(true), "{folder}");
        }
        // A link from outside does not lead back in.
        let link = machine.path().join("linked");
        std::fs::create_dir(&link).unwrap();
        std::os::unix::fs::symlink(outer.path().join("bin/node"), link.join("node")).unwrap();
        assert_eq!(find_node(&[link], &root), None);
    }

    #[test]
    fn permissions_are_asked_of_those_who_know_them() {
        for (version, flag) in [
            ("v18.20.4", None),
            ("v20.20.2", Some("--experimental-permission")),
            ("v23.4.0", Some("--experimental-permission")),
            ("v23.5.0", Some("--permission")),
            ("v26.0.0\n", Some("--permission")),
            ("what", None),
        ] {
            assert_eq!(flag_of(version), flag, "{version}");
        }
    }
}
