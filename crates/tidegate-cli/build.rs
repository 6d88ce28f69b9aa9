//! The commit that the binary is built from, for `tidegate --version`.

use std::path::Path;
use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "what builds it says it; no setting of the program")]
fn main() {
    println!("cargo::rerun-if-env-changed=TIDEGATE_COMMIT");
    // Whoever builds from an archive, which has no history, says it.
    let told = std::env::var("TIDEGATE_COMMIT").ok();
    let commit = told.or_else(head).unwrap_or_else(|| "unknown commit".to_owned());
    println!("cargo::rustc-env=TIDEGATE_COMMIT={commit}");
}

/// The first twelve digits of the commit that is checked out here.
fn head() -> Option<String> {
    let git = |args: &[&str]| {
        let answer = Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(answer.stdout).ok()?;
        answer.status.success().then(|| text.trim().to_owned())
    };
    let folder = git(&["rev-parse", "--git-dir"])?;
    for file in ["HEAD", "logs/HEAD"] {
        let path = Path::new(&folder).join(file);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}
