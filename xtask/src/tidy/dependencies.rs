//! What the crates may not depend on directly.

use toml::{Table, Value};

use super::pure;

/// One rule: what these crates do not name.
struct Rule {
    crates: &'static [&'static str],
    never: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 5] = [
    Rule {
        crates: &["tidegate-cli"],
        never: &[
            "tidegate-chain",
            "tidegate-compile",
            "tidegate-engine",
            "tidegate-evidence",
            "tidegate-evm",
            "tidegate-gates",
            "tidegate-ledger",
            "tidegate-safe",
            "tidegate-scaffold",
        ],
        why: "a front end shows what a use case answers",
    },
    Rule {
        crates: &["tidegate-app"],
        never: &["clap", "tidegate-keys", "tidegate-cli"],
        why: "a use case knows no front end and holds no key",
    },
    Rule {
        crates: &["tidegate-engine"],
        never: &["tidegate-safe"],
        why: "the two executors of a plan lean on nothing that the other assumes",
    },
    Rule {
        crates: &["tidegate-safe"],
        never: &["tidegate-engine"],
        why: "the two executors of a plan lean on nothing that the other assumes",
    },
    Rule {
        crates: &pure::CRATES,
        never: &["tokio", "reqwest", "rusqlite"],
        why: "the crate is pure",
    },
];

/// What only tests use, and the crates that are nothing else.
const FOR_TESTS: &str = "tidegate-testkit";
const TESTS: [&str; 2] = ["tidegate-tests", "xtask"];

/// What a manifest names that it may not, one sentence each. The workspace's manifest says what
/// `name.workspace = true` is.
///
/// # Errors
/// If one of them is no TOML.
pub(super) fn check(manifest: &str, workspace: &str) -> Result<Vec<String>, toml::de::Error> {
    let (manifest, workspace): (Table, Table) = (manifest.parse()?, workspace.parse()?);
    let package = manifest.get("package").and_then(|package| package.get("name"));
    let Some(package) = package.and_then(Value::as_str) else { return Ok(Vec::new()) };
    let named = dependencies(&manifest, &workspace);
    let mut found = Vec::new();
    for Rule { crates, never, why } in &RULES {
        let is_broken = |name: &&&str| named.contains(&name.to_string());
        for name in never.iter().filter(|_| crates.contains(&package)).filter(is_broken) {
            found.push(format!("{package} does not depend on {name}: {why}"));
        }
    }
    if named.iter().any(|name| name == FOR_TESTS) && !TESTS.contains(&package) {
        found.push(format!("{FOR_TESTS} stands under [dev-dependencies]: it never ships"));
    }
    Ok(found)
}

/// The packages under `[dependencies]` and `[build-dependencies]`, also of one target.
fn dependencies(manifest: &Table, workspace: &Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let tables = targets
        .chain([manifest])
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|name| table.get(name)));
    let entries = tables.flatten().filter_map(Value::as_table).flatten();
    let shared = workspace.get("workspace").and_then(|table| table.get("dependencies"));
    let package = |(name, value): (&String, &Value)| {
        let is_shared = value.get("workspace").is_some();
        let shared = shared.filter(|_| is_shared).and_then(|shared| shared.get(name));
        let package = shared.unwrap_or(value).get("package").and_then(Value::as_str);
        package.unwrap_or(name).to_owned()
    };
    entries.map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "[workspace.dependencies]\ntokio = \"1\"\nserde = \"1\"\n\
                             io = { package = \"tokio\", version = \"1\" }";

    fn faults(package: &str, rest: &str) -> usize {
        let manifest = format!("[package]\nname = \"{package}\"\n{rest}");
        check(&manifest, WORKSPACE).unwrap().len()
    }

    #[test]
    fn what_a_crate_may_not_name_is_found_wherever_it_stands() {
        let named = [
            "[dependencies]\ntokio.workspace = true",
            "[dependencies]\nio.workspace = true",
            "[dependencies]\nio = { workspace = true, features = [] }",
            "[dependencies.io]\nworkspace = true",
            "[dependencies]\nio = { package = \"tokio\", version = \"1\" }",
            "[build-dependencies]\ntokio = \"1\"",
            "[target.'cfg(unix)'.dependencies]\ntokio = \"1\"",
        ];
        for rest in named {
            assert_eq!(faults("tidegate-plan", rest), 1, "{rest}");
            assert_eq!(faults("tidegate-chain", rest), 0, "{rest}");
        }
        // A dependency of this name that is the crate's own.
        assert_eq!(faults("tidegate-plan", "[dependencies]\nio = \"1\""), 0);
        assert_eq!(faults("tidegate-plan", "[dev-dependencies]\ntokio = \"1\""), 0);
        assert_eq!(faults("tidegate-app", "[dependencies]\nclap = \"4\"\nserde = \"1\""), 1);
    }

    #[test]
    fn what_is_for_tests_does_not_ship() {
        let under = |table: &str| format!("[{table}]\ntidegate-testkit.workspace = true");
        assert_eq!(faults("tidegate-safe", &under("dependencies")), 1);
        assert_eq!(faults("tidegate-safe", &under("dev-dependencies")), 0);
        assert_eq!(faults("xtask", &under("dependencies")), 0);
    }
}
