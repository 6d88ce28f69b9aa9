//! What is followed, and what is refused.

use super::*;
use crate::testing::project;

fn load(files: &[(&str, &str)], profile: Option<&str>) -> Result<FoundryConfig, FoundryError> {
    FoundryConfig::load_profile(project(files).path(), profile)
}

fn parse(text: &str) -> Result<FoundryConfig, FoundryError> {
    load(&[("foundry.toml", text)], None)
}

fn remappings(list: &[&str]) -> Vec<Remapping> {
    list.iter().map(|text| Remapping::parse(text).unwrap()).collect()
}

#[test]
fn a_profile_inherits_key_by_key() {
    let text = r#"
        [profile.default]
        src = "contracts"
        solc = "0.8.20"
        libs = ["lib"]
        remappings = ["a/=lib/a/", "b/=lib/b/"]
        optimizer_runs = 999
        [profile.ci]
        solc_version = "0.8.30"
        remappings = ["c/=lib/c/"]
        via-ir = true
        [profile.broken]
        via_ir = 3
        "#;
    let read = |profile| load(&[("foundry.toml", text)], profile);
    let default = read(None).unwrap();
    assert_eq!(read(Some("default")).unwrap(), default);
    let expected = FoundryConfig {
        solc: Some(SolcPin::Version(Version::new(0, 8, 30))),
        remappings: remappings(&["c/=lib/c/"]),
        via_ir: true,
        ..default
    };
    assert_eq!(read(Some("ci")).unwrap(), expected);
    let error = read(Some("broken")).unwrap_err();
    assert!(matches!(error, FoundryError::Malformed { line: 13, .. }), "{error:?}");
    // Forge warns that there is no such profile, and takes the old section all the same.
    let old = format!("{text}[old]\noptimizer_runs = 77\n");
    let old = load(&[("foundry.toml", &old)], Some("old")).unwrap();
    assert_eq!((old.optimizer_runs, old.src.as_str()), (77, "contracts"));
    let error = read(Some("cl")).unwrap_err().to_string();
    assert!(error.ends_with("has only broken, ci, default"), "{error}");
}

#[test]
fn only_the_profile_asked_for_counts() {
    let config = parse(
        r#"
        [profile.default]
        src = "./contracts/src/"
        libs = ["lib", "node_modules"]
        remappings = ["@oz/=node_modules/@oz/"]
        solc_version = "0.8.30"
        optimizer_runs = 999
        evm_version = "tangerineWHISTLE"
        bytecode_hash = "None"
        cbor_metadata = false
        use_literal_content = true
        via_ir = true
        some_future_key = { a = 1 }
        revert_strings = "verboseDebug"
        libraries = []
        [profile.default.optimizer_details]
        yul = true
        [profile.ci]
        src = "elsewhere"
        optimizer = "not even a boolean"
        [fuzz]
        runs = 1
        "#,
    )
    .unwrap();
    let expected = FoundryConfig {
        rules: Rules::Forge,
        src: "contracts/src".to_owned(),
        libs: vec!["lib".to_owned(), "node_modules".to_owned()],
        remappings: remappings(&["@oz/=node_modules/@oz/"]),
        solc: Some(SolcPin::Version(Version::new(0, 8, 30))),
        optimizer: true,
        optimizer_runs: 999,
        optimizer_details: Some(serde_json::json!({"yul": true})),
        evm_version: Some("tangerineWhistle".to_owned()),
        revert_strings: Some("verboseDebug".to_owned()),
        bytecode_hash: BytecodeHash::None,
        cbor_metadata: false,
        use_literal_content: true,
        via_ir: true,
        ..FoundryConfig::empty()
    };
    assert_eq!(config, expected);
    let empty = FoundryConfig { rules: Rules::Forge, ..FoundryConfig::empty() };
    assert_eq!(parse("").unwrap(), empty);
    assert_eq!(empty.wanted_evm(), (Some(EvmVersion::Osaka), false));
}

#[test]
fn vyper_has_a_section_that_profiles_go_before() {
    let text = r#"
        [profile.default]
        vyper = { path = "venv/bin/vyper", optimize = "gas" }
        [profile.ci.vyper]
        optimize = "codesize"
        [vyper]
        optimize = "none"
        experimental_codegen = true
        "#;
    for (profile, optimize) in [(None, "gas"), (Some("ci"), "codesize")] {
        let expected = VyperSettings {
            path: Some("venv/bin/vyper".into()),
            optimize: Some(optimize.to_owned()),
            experimental_codegen: Some(true),
        };
        assert_eq!(load(&[("foundry.toml", text)], profile).unwrap().vyper, expected);
    }
}

#[test]
fn bad_keys_are_named_with_their_line() {
    let error = parse("[profile.default]\nsrc = \"a\"\noptimizer = 3\n").unwrap_err();
    assert!(matches!(error, FoundryError::Malformed { line: 3, .. }), "{error:?}");
    let error = parse("\noptimizer = true\n[profile.default]\n").unwrap_err();
    assert!(matches!(error, FoundryError::Malformed { line: 2, .. }), "{error:?}");
    let cases = [
        ("src = \"/x\"", "`src`"),
        ("libs = [\"/x\"]", "`libs`"),
        ("evm_version = \"moon\"", "`evm_version`"),
        ("revert_strings = \"moon\"", "`revert_strings`"),
        ("remappings = [\"x\"]", "remappings"),
        ("solc = \"newest\"", "`solc`"),
        ("libraries = [\"src/L.sol:L:0x11\"]", "`libraries`"),
        ("extra_args = [\"--x\"]", "`extra_args`"),
        ("compilation_restrictions = [{ paths = \"src/*\" }]", "`compilation_restrictions`"),
        ("extends = \"gone.toml\"", "`extends`"),
        ("extends = \"foundry.toml\"", "`extends`"),
        ("extends = { path = \"base.toml\", strategy = \"no-collision\" }", "`extends`"),
        ("extends = { path = \"base.toml\", strategy = \"other\" }", "`extends`"),
        ("extends = \"nested.toml\"", "`extends`"),
    ];
    for (line, key) in cases {
        let files = [
            ("foundry.toml", &*format!("[profile.default]\ntest = \"test\"\n{line}\n")),
            ("base.toml", "[profile.default]\ntest = \"other\"\n"),
            ("nested.toml", "[profile.default]\nextends = \"base.toml\"\n"),
        ];
        let error = load(&files, None).unwrap_err();
        assert!(error.to_string().contains(key), "{line}: {error}");
    }
}

#[test]
fn what_is_extended_lies_in_the_repository() {
    let top = project(&[
        ("base.toml", "[profile.default]\noptimizer_runs = 7\n"),
        ("p/foundry.toml", "[profile.default]\nextends = \"../base.toml\"\n"),
    ]);
    let root = top.path().join("p");
    let error = FoundryConfig::load(&root).unwrap_err();
    assert!(matches!(error, FoundryError::Extends { .. }), "{error:?}");
    std::fs::create_dir(top.path().join(".git")).unwrap();
    assert_eq!(FoundryConfig::load(&root).unwrap().optimizer_runs, 7);
}

#[test]
fn a_compiler_is_a_version_a_range_or_a_file() {
    let pin = |text: &str| {
        let toml = format!("[profile.default]\nsolc = \"{text}\"\n");
        load(&[("foundry.toml", &toml), ("bin/solc", "")], None).unwrap().solc.unwrap()
    };
    for text in ["0.8.26", "=0.8.26", "v0.8.26"] {
        assert_eq!(pin(text), SolcPin::Version(Version::new(0, 8, 26)), "{text}");
    }
    for text in ["0.8.x", "^0.8.20", "0.8", "v0.8"] {
        let range = Range::parse(text.trim_start_matches('v')).unwrap();
        assert_eq!(pin(text), SolcPin::Range(range), "{text}");
    }
    for text in ["bin/solc", "gone/solc", "/usr/bin/solc"] {
        assert_eq!(pin(text), SolcPin::Path(text.into()));
    }
}

#[test]
fn a_section_of_its_own_names_a_version() {
    let read = |solc: &str| {
        let profile = Profile { solc: Some(solc.to_owned()), ..Profile::default() };
        FoundryConfig::from_profile(profile, Path::new("tidegate.toml"))
    };
    let pinned = |pin| FoundryConfig { solc: Some(pin), ..FoundryConfig::empty() };
    let version = SolcPin::Version(Version::new(0, 8, 20));
    assert_eq!(read("0.8.20").unwrap(), pinned(version));
    let range = SolcPin::Range(Range::parse("^0.8.20").unwrap());
    assert_eq!(read("^0.8.20").unwrap(), pinned(range));
    for text in ["bin/solc", "latest"] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, FoundryError::Version { .. }), "{error:?}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = FoundryConfig::load(Path::new("no-such-folder")).unwrap_err();
    assert!(matches!(error, FoundryError::Unreadable { .. }), "{error:?}");
}

/// Each library is read once, however often folders of dependencies lead back to it.
#[test]
fn libraries_that_lead_back_to_themselves_are_read_once() {
    let round = "[profile.default]\nlibs = [\".\", \".\", \"..\", \"../..\", \"./\"]\n";
    let outside = "[profile.default]\nlibs = [\"/\"]\n";
    let files = [
        ("foundry.toml", ""),
        ("lib/a/foundry.toml", round),
        ("lib/b/foundry.toml", round),
        ("lib/c/foundry.toml", outside),
        ("lib/a/src/A.sol", ""),
        ("lib/b/src/B.sol", ""),
        ("lib/c/src/C.sol", ""),
    ];
    let found = load(&files, None).unwrap();
    let names: Vec<_> = found.remappings.iter().map(|one| one.prefix.as_str()).collect();
    assert!(["a/", "b/", "c/"].iter().all(|name| names.contains(name)), "{names:?}");
}

/// A remapping that cannot be used is blamed on the file that says it.
#[test]
fn a_remapping_is_named_with_its_file() {
    let own = "[profile.default]\nremappings = [\"x/=/abs/\"]\n";
    let cases = [
        (vec![("foundry.toml", own)], "foundry.toml"),
        (vec![("foundry.toml", ""), ("remappings.txt", "x/=a/../b/")], "remappings.txt"),
        (vec![("foundry.toml", ""), ("lib/d/foundry.toml", own)], "lib/d/foundry.toml"),
        (
            vec![
                ("foundry.toml", ""),
                ("lib/d/foundry.toml", ""),
                ("lib/d/remappings.txt", "x/=/a/"),
            ],
            "lib/d/remappings.txt",
        ),
    ];
    for (files, blamed) in cases {
        let Err(FoundryError::Remapping { file, library, source }) = load(&files, None) else {
            panic!("{blamed}")
        };
        assert!(file.ends_with(blamed), "{}: {blamed}", file.display());
        // Nobody edits a dependency: what leads on is said.
        assert_eq!(library, blamed.starts_with("lib/"), "{blamed}");
        assert!(source.to_string().contains("no absolute path"), "{source}");
    }
}

/// What is wrong in a file that is extended is no fault of `foundry.toml`.
#[test]
fn what_an_extended_file_says_is_blamed_on_it() {
    let own = "[profile.default]\nextends = \"base.toml\"\nlibs = [\"lib\"]\n";
    for line in [
        "src = \"/x\"",
        "libs = [\"/x\"]",
        "include_paths = [\"/x\"]",
        "evm_version = \"moon\"",
        "revert_strings = \"moon\"",
        "remappings = [\"x\"]",
        "remappings = [\"x/=/abs/\"]",
        "solc = \"newest\"",
        "libraries = [\"src/L.sol:L:0x11\"]",
        "extra_args = [\"--x\"]",
        "skip = [\"x\"]",
        "optimizer = 3",
        "bytecode_hash = \"moon\"",
        "vyper = 3",
        "= 3",
    ] {
        let base = format!("[profile.default]\n{line}\n");
        for (own, base, blamed) in [
            (own.to_owned(), base.as_str(), "base.toml"),
            // The same in the file itself.
            (
                format!("{own}{line}\n").replace("libs = [\"lib\"]\nlibs", "libs"),
                "",
                "foundry.toml",
            ),
        ] {
            let files = [("foundry.toml", own.as_str()), ("base.toml", base)];
            let error = load(&files, None).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("/{blamed}")), "{line}: {text}");
            assert!(!text.contains("dependency"), "{line}: {text}");
            let lines = if blamed == "base.toml" { 2 } else { own.lines().count() };
            if let FoundryError::Malformed { line: found, .. } = error {
                assert_eq!(found, lines, "{line}: {text}");
            }
        }
    }
}

#[test]
fn what_shapes_code_is_what_is_followed_or_refused() {
    for key in
        ["src", "solc", "solc_version", "optimizer_runs", "bytecode_hash", "vyper", "libraries"]
    {
        assert!(shapes_code(key), "{key}");
    }
    for key in ["eth_rpc_url", "fuzz", "ffi", "verbosity", "etherscan_api_key"] {
        assert!(!shapes_code(key), "{key}");
    }
}
