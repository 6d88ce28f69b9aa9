//! Contracts in Vyper, by the compiler of `tests/requirements.txt`.

use std::path::PathBuf;

use serde_json::json;
use tidegate_compile::{
    CompileError, CompileOutput, CompileRequest, CompilerSources, FoundryConfig, RootError,
    SourceError, VyperError, VyperSettings, compile, minimal, source_places,
};
use tidegate_gates::Layout;
use tidegate_gates::code_match::match_code;
use tidegate_model::release::{Artifact, Span};

use crate::project::{Project, artifact, compilers, repository, trusting};

const TOKEN: &str = "\
# pragma version ^0.4.1
from ethereum.ercs import IERC20
import Store
from . import IThing
initializes: Store
implements: IThing

owner: public(immutable(address))
limits: immutable(uint256[3])
total: public(uint256)
asset: IERC20

@deploy
def __init__(first: address, bounds: uint256[3]):
    owner = first
    limits = bounds
    Store.__init__(first)

@external
@nonreentrant
def thing(by: uint256) -> uint256:
    self.total += by * limits[1]
    return Store.grow(by)
";

const STORE: &str = "\
# pragma version ^0.4.1
x: uint256
who: immutable(address)
@deploy
def __init__(a: address):
    who = a
@internal
def grow(by: uint256) -> uint256:
    self.x += by * 286331153
    return self.x
";

const THING: &str = "\
@external
def thing(by: uint256) -> uint256: ...
";

/// A project with these files; none where the compiler cannot be installed.
#[expect(clippy::print_stderr, reason = "says which check did not run")]
fn project(files: &[(&str, &str)]) -> Option<Project> {
    let vyper = match tidegate_testkit::vyper(&repository()) {
        Ok(vyper) => vyper,
        Err(error) => {
            eprintln!("SKIPPED: Vyper is not installed: failed to {error}");
            return None;
        }
    };
    let mut project = Project::new(files);
    project.foundry.vyper = VyperSettings { path: Some(vyper), ..VyperSettings::default() };
    Some(project)
}

fn token() -> Option<Project> {
    project(&[
        ("src/Token.vy", TOKEN),
        ("src/Store.vy", STORE),
        ("src/IThing.vyi", THING),
        ("src/Unused.vy", "does not parse"),
    ])
}

const FQN: &str = "src/Token.vy:Token";

fn templates(artifact: &Artifact) -> [alloy_primitives::B256; 2] {
    [artifact.creation_template(), artifact.runtime_template()]
}

#[test]
fn a_comment_changes_only_the_hash_of_the_sources() {
    let Some(mut project) = token() else { return };
    let plain = project.compile(&["Token"]);
    assert_eq!(project.compile(&["Token"]), plain, "from the cache");
    let places = source_places(project.root(), &project.foundry, &["Token".to_owned()]).unwrap();
    let files: Vec<_> = places.values().map(|place| place.file.as_str()).collect();
    assert_eq!(files, ["src/IThing.vyi", "src/Store.vy", "src/Token.vy"]);
    let plain = artifact(&plain, FQN);
    assert!(plain.sources.keys().eq(places.keys()));
    let [integrity] = plain.creation.metadata.as_slice() else { panic!("one region") };
    assert_eq!(integrity.length, 32);
    for file in ["src/Token.vy", "src/Store.vy", "src/IThing.vyi"] {
        let text = std::fs::read_to_string(project.root().join(file)).unwrap();
        project.write(file, &format!("# words\n{text}"));
    }
    let noisy = project.compile(&["Token"]);
    let noisy = artifact(&noisy, FQN);
    assert_eq!(templates(noisy), templates(plain));
    assert_eq!(noisy.runtime, plain.runtime);
    assert_ne!(noisy.creation.object, plain.creation.object);
    for (file, digest) in &noisy.sources {
        assert_ne!(digest, &plain.sources[file], "{file}");
    }
    assert_eq!((&noisy.profile, &noisy.layout), (&plain.profile, &plain.layout));
    project.edit("src/Store.vy", "286331153", "286331154");
    project.foundry.vyper.optimize = Some("codesize".to_owned());
    let other = project.compile(&["Token"]);
    assert_ne!(templates(artifact(&other, FQN)), templates(plain), "other code is other code");
    assert_eq!(artifact(&other, FQN).profile["optimize"], "codesize");
    let expected = json!({
        "compiler": "vyper", "longVersion": "0.4.3+commit.bff19ea2", "evmVersion": "cancun",
        "optimize": "default", "experimentalCodegen": false, "enableDecimals": false,
        "language": "Vyper",
    });
    assert_eq!(plain.profile, expected);
}

#[test]
fn immutables_stand_behind_the_code_and_bytes_have_functions() {
    let Some(project) = token() else { return };
    let output = project.compile(&["Token"]);
    let token = artifact(&output, FQN);
    let length = token.runtime.object.len();
    let span = |back, length_| vec![Span { start: length - back, length: length_ }];
    let shown: Vec<_> = token.immutables.iter().map(|(n, s)| (n.as_str(), s.clone())).collect();
    let expected = [
        ("Store.who", span(160, 32)),
        ("Token.limits", span(96, 96)),
        ("Token.owner", span(128, 32)),
    ];
    assert_eq!(shown, expected);
    assert!(token.runtime.object[length - 160..].iter().all(|byte| *byte == 0));
    let created = token.creation.object.windows(length - 160);
    assert_eq!(created.filter(|code| *code == &token.runtime.object[..length - 160]).count(), 1);

    let mut expected = token.runtime.object.to_vec();
    expected[length - 97] = 0x11;
    let differs = |at: usize, byte: u8| {
        let mut found = expected.clone();
        found[at] = byte;
        match_code(token, &expected, &found).findings().join("\n")
    };
    assert!(differs(length - 97, 0x12).contains("immutable Token.owner"));
    let constant = 286_331_153_u32.to_be_bytes();
    let at = expected.windows(4).position(|window| window == constant).unwrap();
    let said = differs(at, 0);
    assert!(said.contains("Store.grow(uint256)"), "{said}");
}

#[test]
fn layouts_have_the_form_that_solidity_has() {
    let Some(project) = project(&[
        (
            "src/Main.vy",
            "import sub.Types as T\nfrom ethereum.ercs import IERC20\n\
             N: constant(uint256) = 2\n\
             struct Inner:\n    z: uint8\n\
             struct S:\n    a: uint256[N + 1]\n    b: DynArray[Inner, T.M]\n    c: T.Q\n\
             flag F:\n    A\n    B\n\
             s: S\nt: transient(uint256)\nm: HashMap[address, HashMap[F, T.Q]]\nf: F\n\
             name: String[40]\ntoken: IERC20\nodd: uint256[max_value(uint8) - 253]\n\
             @external\ndef run() -> uint256:\n    return self.s.a[0]\n",
        ),
        (
            "src/sub/Types.vy",
            "M: constant(uint256) = 2 * 2\nstruct Q:\n    w: bytes20\n    v: bool\n",
        ),
    ]) else {
        return;
    };
    let output = project.compile(&["Main"]);
    let main = artifact(&output, "src/Main.vy:Main");
    let kind = |label: &str, words: u64| {
        let bytes = (words * 32).to_string();
        json!({"encoding": "inplace", "label": label, "numberOfBytes": bytes})
    };
    let with = |mut kind: serde_json::Value, more: serde_json::Value| {
        let more = more.as_object().unwrap().clone();
        kind.as_object_mut().unwrap().extend(more);
        kind
    };
    let at = |label: &str, slot: u64, kind: &serde_json::Value| {
        let slot = slot.to_string();
        json!({"label": label, "slot": slot, "offset": 0, "type": kind})
    };
    let q = with(
        kind("struct Q", 2),
        json!({"members": [at("w", 0, &kind("bytes20", 1)), at("v", 1, &kind("bool", 1))]}),
    );
    let inner = with(kind("struct Inner", 1), json!({"members": [at("z", 0, &kind("uint8", 1))]}));
    let a = with(kind("uint256[3]", 3), json!({"base": kind("uint256", 1)}));
    let b =
        with(kind("DynArray[Inner, 4]", 5), json!({"encoding": "dynamic_array", "base": inner}));
    let s = with(
        kind("struct S", 10),
        json!({"members": [at("a", 0, &a), at("b", 3, &b), at("c", 8, &q)]}),
    );
    let values = with(
        kind("HashMap[F, Q]", 1),
        json!({"encoding": "mapping", "key": kind("enum F", 1), "value": q}),
    );
    let m = with(
        kind("HashMap[address, HashMap[F, Q]]", 1),
        json!({"encoding": "mapping", "key": kind("address", 1), "value": values}),
    );
    let items = [
        at("s", 0, &s),
        at("m", 10, &m),
        at("f", 11, &kind("enum F", 1)),
        at("name", 12, &with(kind("String[40]", 3), json!({"encoding": "bytes"}))),
        at("token", 15, &kind("contract IERC20", 1)),
        at("odd", 16, &kind("uint256[2]", 2)), // by the compiler's words
    ];
    for (found, expected) in main.layout["items"].as_array().unwrap().iter().zip(&items) {
        assert_eq!(found, expected);
    }
    assert_eq!(main.layout["items"].as_array().unwrap().len(), items.len());
    assert_eq!(main.layout_notes.enums["enum F"], ["A", "B"]);
    assert_eq!(Layout::of(main).unwrap().variables(), items.len());
}

#[test]
fn both_languages_are_in_one_project() {
    let Some(project) = token() else { return };
    project.write(
        "src/Vault.sol",
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0; contract Vault {}",
    );
    let output = project.compile(&["Vault", "src/Token.vy:Token"]);
    let names: Vec<_> = output.artifacts.keys().map(|fqn| fqn.0.as_str()).collect();
    assert_eq!(names, ["src/Token.vy:Token", "src/Vault.sol:Vault"]);
    assert!(output.compilers[1].version.starts_with("vyper 0.4.3"), "{:?}", output.compilers);
    project.write("src/a/Token.sol", "contract Token {}");
    let error = project.try_compile(&["Token"]).unwrap_err();
    assert!(matches!(error, CompileError::Root(RootError::Ambiguous { .. })), "{error:?}");
}

/// What comes of a contract where this is on `PATH`, and solc nowhere.
fn on_path(
    project: &Project,
    path: PathBuf,
    contract: &str,
) -> Result<CompileOutput, CompileError> {
    let sources = CompilerSources { path: vec![path], npm_packages: Vec::new(), ..compilers() };
    let foundry = FoundryConfig { vyper: VyperSettings::default(), ..project.foundry.clone() };
    let request = CompileRequest {
        root: project.root(),
        foundry: &foundry,
        contracts: &[contract.to_owned()],
        compilers: &sources,
        cache_dir: &project.root().join("cache"),
    };
    let output = trusting(&request, compile)?;
    assert_eq!(trusting(&request, minimal)?, []);
    Ok(output)
}

#[test]
fn the_compiler_is_on_path_or_missing() {
    let Some(project) = token() else { return };
    let vyper = project.foundry.vyper.path.clone().unwrap();
    let output = on_path(&project, vyper.parent().unwrap().to_owned(), "Token").unwrap();
    assert_eq!(output.artifacts, project.compile(&["Token"]).artifacts);
    let error = on_path(&project, PathBuf::new(), "Token").unwrap_err();
    assert!(matches!(error, CompileError::Vyper(VyperError::NotFound { .. })), "{error:?}");
    let mut gone = project;
    gone.foundry.vyper.path = Some("gone/vyper".into());
    let error = gone.try_compile(&["Token"]).unwrap_err();
    assert!(matches!(error, CompileError::Vyper(VyperError::NoFile { .. })), "{error:?}");
}

#[test]
fn what_the_compiler_refuses_is_shown() {
    let Some(project) = project(&[
        ("src/Old.vy", "# pragma version ^0.3.0\nx: uint256\n"),
        ("src/Typo.vy", "@external\ndef f():\n    return nothing_here\n"),
        ("src/Syntax.vy", "@external\ndef f(:\n    pass\n"),
        ("src/Gone.vy", "from . import Missing\n"),
    ]) else {
        return;
    };
    for (name, words) in [
        ("Old", &["^0.3.0", "0.4.3"][..]),
        ("Typo", &["nothing_here", "src/Typo.vy:3"]),
        ("Syntax", &["EOF in multi-line statement", "src/Syntax.vy:4"]),
    ] {
        let error = project.try_compile(&[name]).unwrap_err();
        assert!(matches!(error, CompileError::Rejected { .. }), "{name}: {error:?}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{name}: {text}");
    }
    let error = project.try_compile(&["Gone"]).unwrap_err();
    assert!(matches!(error, CompileError::Source(SourceError::Missing { .. })), "{error:?}");
}

/// A Python of this machine that is a program.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "where a test finds the machine's own")]
fn python() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let system = ["/usr/bin", "/usr/local/bin"].map(PathBuf::from);
    let folders = system.into_iter().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join("python3")).find(|path| path.is_file()).unwrap()
}

/// A compiler of a few lines, which says what is asked of it here.
#[cfg(unix)]
fn fake(project: &Project, script: &str) -> PathBuf {
    project.write("bin/vyper", "#!/usr/bin/env python3\n");
    let link = project.root().join("bin/python3");
    if !link.exists() {
        std::os::unix::fs::symlink(python(), link).unwrap();
    }
    let lines: String = script.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!("import sys\ndef _parse_cli_args():\n{lines}");
    project.write("lib/python3/site-packages/vyper/cli/vyper_compile.py", &text);
    project.root().join("bin")
}

/// Nothing of an environment is run before its digest is trusted, or without being in it.
#[cfg(unix)]
#[test]
fn an_environment_runs_only_what_its_digest_covers() {
    let project = Project::new(&[("src/A.vy", "x: uint256\n")]);
    let mark = project.root().join("ran");
    let evil = format!("open({mark:?}, 'w')\n");
    let folder = fake(&project, &format!("open({mark:?}, 'w')"));
    let sources = CompilerSources { path: vec![folder], ..compilers() };
    let request = CompileRequest {
        root: project.root(),
        foundry: &project.foundry,
        contracts: &["A".to_owned()],
        compilers: &sources,
        cache_dir: &project.root().join("cache"),
    };
    let error = compile(&request).unwrap_err();
    assert!(matches!(error, CompileError::Vyper(VyperError::NotTrusted { .. })), "{error:?}");
    assert!(!mark.exists(), "it was started");
    // What lies beside it and is in no digest is not run either.
    fake(&project, "print('0.4.0+commit.e9db8d9')");
    let site = "lib/python3/site-packages";
    project.write("bin/vyper", &format!("#!/usr/bin/env python3\n{evil}"));
    project.write(&format!("{site}/evil.pth"), &format!("import sys; {evil}"));
    project.write(&format!("{site}/pip/__init__.py"), &evil);
    project.write("sys.py", &evil);
    project.write("bin/json.py", &evil);
    project.write(
        "lib/python3/site-packages/vyper/__init__.py",
        "try:\n import pip\nexcept ImportError: pass\nimport json\n",
    );
    let error = trusting(&request, compile).unwrap_err();
    assert!(matches!(error, CompileError::Vyper(VyperError::TooOld { .. })), "{error:?}");
    assert!(!mark.exists(), "something beside it was run");
}

#[cfg(unix)]
#[test]
fn a_compiler_that_is_none_or_too_old_is_refused() {
    let project = Project::new(&[("src/A.vy", "x: uint256\n")]);
    let check = |script: &str| on_path(&project, fake(&project, script), "A").unwrap_err();
    let error = check("print('0.4.0+commit.e9db8d9')");
    assert!(matches!(error, CompileError::Vyper(VyperError::TooOld { .. })), "{error:?}");
    let error = check("print('hello')");
    assert!(matches!(error, CompileError::Vyper(VyperError::NoAnswer { .. })), "{error:?}");
    let version = "if sys.argv[1] == '--version': print('0.4.3rc1+commit.1'); return";
    let error = check(&format!("{version}\nsys.exit(3)"));
    assert!(matches!(error, CompileError::Run { .. }), "{error:?}");
    // Code without a trailer, and a trailer of other code.
    for code in ["6001", "60018402800 0a1657679706572830004030010"] {
        let code = code.replace(' ', "");
        let contract = format!(
            r#"{{"evm": {{"bytecode": {{"object": "0x{code}"}},
            "deployedBytecode": {{"object": "0x01"}}}}}}"#
        );
        let answer = format!(r#"{{"contracts": {{"src/A.vy": {{"A": {contract}}}}}}}"#);
        let error = check(&format!("{version}\nsys.stdin.read()\nprint({answer:?})"));
        assert!(matches!(error, CompileError::Vyper(VyperError::Trailer { .. })), "{error:?}");
    }
}
