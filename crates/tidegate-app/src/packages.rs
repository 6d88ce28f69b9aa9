//! Dependencies that a checkout names and does not hold.

use std::path::Path;

use tidegate_store::read_limited;

/// The largest `.gitmodules`, in bytes.
const MODULES_BYTES_MAX: u64 = 1 << 16;

/// Lock files, and what installs exactly what they say.
const LOCKS: [(&str, &str); 5] = [
    ("package-lock.json", "npm ci"),
    ("npm-shrinkwrap.json", "npm ci"),
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
    ("yarn.lock", "yarn install --frozen-lockfile"),
    ("bun.lock", "bun install --frozen-lockfile"),
];

/// What brings the dependencies that are not here: packages, submodules, or those of soldeer.
/// `libs` are the project's folders of dependencies.
pub(crate) fn missing(root: &Path, libs: &[String]) -> Option<String> {
    modules(root, libs).or_else(|| submodules(root)).or_else(|| {
        let is_missing = root.join("soldeer.lock").exists() && !root.join("dependencies").is_dir();
        is_missing
            .then(|| "`dependencies` is missing: run `forge soldeer install` first".to_owned())
    })
}

fn modules(root: &Path, libs: &[String]) -> Option<String> {
    // Folders that are named, such as `tests/node_modules`, and those around the project.
    let named = libs.iter().filter_map(|lib| lib.strip_suffix("/node_modules"));
    let named = named.map(|folder| root.join(folder)).filter(|folder| is_bare(folder));
    let around: Vec<&Path> = up_to_repository(root).collect();
    let hoisted = around.iter().any(|folder| folder.join("node_modules").is_dir());
    let bare = around.iter().filter(|folder| is_bare(folder)).map(|folder| folder.to_path_buf());
    // The lock file of a workspace is that of its top.
    let bare: Vec<_> = if hoisted { Vec::new() } else { bare.collect() };
    let folder = named.chain(bare.into_iter().rev()).next()?;
    let command = LOCKS.iter().find(|(lock, _)| folder.join(lock).exists());
    let command = command.map_or("npm install", |(_, command)| command);
    let place = match folder.strip_prefix(root) {
        Ok(below) if below.as_os_str().is_empty() => String::new(),
        Ok(below) => format!(" in {}", below.display()),
        Err(_) => format!(" in {}", folder.display()),
    };
    Some(format!("`node_modules` is missing: run `{command}`{place} first"))
}

/// Whether packages are named here and none is installed.
fn is_bare(folder: &Path) -> bool {
    folder.join("package.json").exists() && !folder.join("node_modules").is_dir()
}

/// The folder and those around it, up to the top of the git repository; alone if there is none.
fn up_to_repository(root: &Path) -> impl Iterator<Item = &Path> {
    let depth = root.ancestors().position(|folder| folder.join(".git").exists());
    root.ancestors().take(depth.unwrap_or(0) + 1)
}

fn submodules(root: &Path) -> Option<String> {
    let top = up_to_repository(root).last()?;
    let text = read_limited(&top.join(".gitmodules"), MODULES_BYTES_MAX).ok()?;
    let text = String::from_utf8_lossy(&text);
    let paths = text.lines().filter_map(|line| line.trim().strip_prefix("path")?.split_once('='));
    let is_empty = |folder: &Path| folder.read_dir().is_ok_and(|mut all| all.next().is_none());
    let is_gone = |folder: &Path| !folder.exists() || is_empty(folder);
    let path = paths.map(|(_, path)| path.trim()).find(|path| is_gone(&top.join(path)))?;
    let command = "git submodule update --init --recursive";
    Some(format!("the submodule `{path}` is not here: run `{command}` first"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project below a repository, with these files; a name that ends with `/` is a folder.
    fn hint(project: &str, libs: &[&str], files: &[(&str, &str)]) -> Option<String> {
        let top = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = top.path().join(name);
            if name.ends_with('/') {
                std::fs::create_dir_all(path).unwrap();
            } else {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                tidegate_store::write_atomic(&path, text.as_bytes()).unwrap();
            }
        }
        let libs: Vec<_> = libs.iter().map(|lib| (*lib).to_owned()).collect();
        let found = missing(&top.path().join(project), &libs);
        found.map(|text| text.replace(&top.path().display().to_string(), "TOP"))
    }

    #[test]
    fn what_is_not_installed_is_named_with_what_installs_it() {
        let (git, package) = ((".git/", ""), ("package.json", "{}"));
        let says = |text: &str| Some(text.to_owned());
        let run =
            |command: &str| says(&format!("`node_modules` is missing: run `{command}` first"));
        for (lock, command) in [
            ("package-lock.json", "npm ci"),
            ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
            ("yarn.lock", "yarn install --frozen-lockfile"),
            ("none", "npm install"),
        ] {
            assert_eq!(hint("", &[], &[git, package, (lock, "")]), run(command));
        }
        assert_eq!(hint("", &[], &[git, package, ("node_modules/", "")]), None);
        assert_eq!(hint("", &[], &[git]), None);
        // A folder that is named, and a workspace whose lock file lies above.
        let tests = [git, ("tests/package.json", "{}"), ("tests/package-lock.json", "")];
        let below = says("`node_modules` is missing: run `npm ci` in tests first");
        assert_eq!(hint("", &["tests/node_modules"], &tests), below);
        let workspace = [git, package, ("pnpm-lock.yaml", ""), ("a/package.json", "{}")];
        let above = "`node_modules` is missing: run `pnpm install --frozen-lockfile` in TOP first";
        assert_eq!(hint("a", &[], &workspace), says(above));
        let hoisted = [&workspace[..], &[("node_modules/", "")]].concat();
        assert_eq!(hint("a", &[], &hoisted), None);
        // Nothing above the repository counts.
        assert_eq!(hint("a", &[], &[package, ("a/.git/", "")]), None);
        let modules = "[submodule \"lib/oz\"]\n\tpath = lib/oz\n\turl = u\n";
        let update = "the submodule `lib/oz` is not here: run `git submodule update --init \
                      --recursive` first";
        assert_eq!(hint("", &[], &[git, (".gitmodules", modules)]), says(update));
        assert_eq!(hint("", &[], &[git, (".gitmodules", modules), ("lib/oz/", "")]), says(update));
        assert_eq!(hint("", &[], &[git, (".gitmodules", modules), ("lib/oz/a.sol", "")]), None);
        let soldeer = says("`dependencies` is missing: run `forge soldeer install` first");
        assert_eq!(hint("", &[], &[git, ("soldeer.lock", "")]), soldeer);
    }
}
