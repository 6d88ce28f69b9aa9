//! Sources of the git repository that lie above the project.

use tidegate_compile::{CompileError, FoundryConfig, Remapping, SourceError};

use crate::project::{Project, compile_in};

#[test]
fn sources_of_the_repository_above_the_project_are_used() {
    let whole = Project::new(&[
        (
            "apps/one/src/A.sol",
            "import \"@oz/x/O.sol\"; import \"dep/D.sol\"; contract A is O, D {}",
        ),
        ("node_modules/@oz/x/O.sol", "import \"./sub/P.sol\"; contract O is P {}"),
        ("node_modules/@oz/x/sub/P.sol", "import \"../Q.sol\"; contract P is Q {}"),
        ("node_modules/@oz/x/Q.sol", "contract Q { uint256 public q; }"),
        ("shared/dep/D.sol", "import \"../E.sol\"; contract D is E {}"),
        ("shared/E.sol", "contract E { uint256 public e; }"),
    ]);
    let root = whole.root().join("apps/one");
    let foundry = FoundryConfig {
        remappings: vec![Remapping::parse("dep/=../../shared/dep/").unwrap()],
        ..FoundryConfig::empty()
    };
    let compile = || compile_in(&root, &foundry, &["A"]);
    // Without a repository nothing says whose files those are.
    let error = compile().unwrap_err();
    let missing = matches!(error, CompileError::Source(SourceError::Missing { .. }));
    assert!(missing, "{error:?}");
    std::fs::create_dir(whole.root().join(".git")).unwrap();
    let output = compile().unwrap_or_else(|error| panic!("failed to {error}: {error:?}"));
    let sources: Vec<_> = output.artifacts[&output.roots["A"]].sources.keys().collect();
    assert_eq!(
        sources,
        [
            "../../shared/E.sol",
            "../../shared/dep/D.sol",
            "src/A.sol",
            "vendored:../../node_modules/@oz/x/O.sol",
            "vendored:../../node_modules/@oz/x/Q.sol",
            "vendored:../../node_modules/@oz/x/sub/P.sol",
        ]
    );
}
