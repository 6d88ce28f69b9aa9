//! What is refused, and how.

use tidegate_compile::{ArtifactError, CompileError, FindCompilerError, SolcPin, SourceError};

use crate::project::Project;

#[test]
fn errors_of_the_compiler_are_shown_as_it_formats_them() {
    let project = Project::new(&[("src/A.sol", "contract A { uint256 x = y; }")]);
    let error = project.try_compile(&["A"]).unwrap_err();
    assert!(matches!(error, CompileError::Rejected { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("DeclarationError: Undeclared identifier"), "{text}");
    assert!(text.contains("--> src/A.sol:1:26"), "{text}");
    assert!(!text.contains("SPDX"), "a warning among the errors: {text}");
}

/// Where code is not made, the answer lacks it, and says why.
#[test]
fn a_stack_that_is_too_deep_is_told_as_the_compiler_tells_it() {
    let args: Vec<_> = (0..17).map(|n| format!("uint256 a{n}")).collect();
    let sum: Vec<_> = (0..17).map(|n| format!("a{n}")).collect();
    let (args, sum) = (args.join(", "), sum.join(" + "));
    let source = format!(
        "contract A {{ function f({args}) external pure returns (uint256) {{ return {sum}; }} }}"
    );
    let error = Project::new(&[("src/A.sol", &source)]).try_compile(&["A"]).unwrap_err();
    assert!(matches!(error, CompileError::Rejected { .. }), "{error:?}");
    assert!(error.to_string().contains("Stack too deep"), "{error}");
}

#[test]
fn warnings_are_kept_with_the_compilation() {
    let project = Project::new(&[("src/A.sol", "pragma solidity ^0.8.0; contract A {}")]);
    for run in ["compiled", "cached"] {
        let warnings = project.compile(&["A"]).warnings;
        assert!(warnings[0].contains("SPDX"), "{run}: {warnings:?}");
        assert_eq!(warnings.len(), 1, "{run}: {warnings:?}");
    }
}

#[test]
fn a_pragma_that_is_no_range_is_refused() {
    let project = Project::new(&[("src/A.sol", "pragma solidity latest; contract A {}")]);
    let error = project.try_compile(&["A"]).unwrap_err();
    let expected = matches!(&error, CompileError::Source(SourceError::Pragma { text, .. })
        if text == "latest");
    assert!(expected, "{error:?}");
}

#[test]
fn what_has_no_code_is_no_contract_to_create() {
    let source = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0; interface I {}";
    let project = Project::new(&[("src/I.sol", source)]);
    let error = project.try_compile(&["I"]).unwrap_err();
    let expected = CompileError::Artifact(ArtifactError::NotDeployable { name: String::new() });
    assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&expected), "{error}");
    assert!(matches!(project.try_compile(&[]).unwrap_err(), CompileError::NothingNamed));
}

#[test]
fn no_compiler_fits_the_pragmas_or_the_pin() {
    let mut project = Project::new(&[
        ("src/A.sol", "pragma solidity ^0.8.0; import \"./B.sol\"; contract A {}"),
        ("src/B.sol", "pragma solidity <0.8.4;"),
    ]);
    let check = |project: &Project, wanted: &str| {
        let error = project.try_compile(&["A"]).unwrap_err();
        let none_fits =
            matches!(error, CompileError::FindCompiler(FindCompilerError::NoneFits { .. }));
        assert!(none_fits, "{error:?}");
        assert!(error.to_string().contains(wanted), "{error}");
    };
    check(&project, "a version within <0.8.4 and ^0.8.0");
    project.foundry.solc = Some(SolcPin::Version("0.8.1".parse().unwrap()));
    check(&project, "version 0.8.1");
}
