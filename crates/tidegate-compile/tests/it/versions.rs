//! Several compilers, old ones too, and contracts compiled alone.

use std::path::Path;

use alloy_primitives::{B256, hex};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tidegate_compile::{
    BytecodeHash, CompileError, CompileRequest, CompilerSources, FindCompilerError, FoundryConfig,
    Range, SolcPin, Trusted, Wanted, compile, find_compiler,
};
use tidegate_model::Fqn;
use tidegate_model::release::Code;

use crate::project::{Project, artifact, compile_in, compilers, minimal_in, repository};

fn pinned(version: &str) -> FoundryConfig {
    FoundryConfig {
        solc: Some(SolcPin::Version(version.parse().unwrap())),
        libs: vec!["tests/node_modules".to_owned()],
        ..FoundryConfig::empty()
    }
}

/// The code with zeros at its metadata.
fn masked(code: &Code) -> Vec<u8> {
    let mut bytes = code.object.to_vec();
    for span in &code.metadata {
        bytes[span.start..span.start + span.length].fill(0);
    }
    bytes
}

#[test]
fn each_contract_has_the_newest_compiler_that_its_own_sources_allow() {
    let old = "pragma solidity >=0.8.0 <0.8.14; import \"./Both.sol\"; \
               contract Old { function f() external pure returns (uint256) { return Both.g(); } }";
    let new = "pragma solidity ^0.8.0; import \"./Both.sol\"; contract New { uint256 x = 1; }";
    let both = "pragma solidity ^0.8.0; \
                library Both { function g() internal pure returns (uint256) { return 7; } }";
    let mut project =
        Project::new(&[("src/Old.sol", old), ("src/New.sol", new), ("src/Both.sol", both)]);
    let output = project.compile(&["Old", "New"]);
    let versions: Vec<_> =
        output.compilers.iter().map(|c| c.version.split('+').next().unwrap()).collect();
    assert_eq!(versions, ["0.8.37", "0.8.13"]);
    for (name, version, evm) in [("Old", "0.8.13", "london"), ("New", "0.8.37", "cancun")] {
        let profile = &artifact(&output, &format!("src/{name}.sol:{name}")).profile;
        assert!(profile["longVersion"].as_str().unwrap().starts_with(version), "{profile}");
        assert_eq!(profile["evmVersion"], evm, "{name}");
    }
    let note = "solc 0.8.13 does not know cancun: `evm_version` is london";
    assert!(output.warnings.iter().any(|warning| warning == note), "{:?}", output.warnings);

    // A pin is for all.
    project.foundry.solc = Some(SolcPin::Version("0.8.13".parse().unwrap()));
    assert_eq!(project.compile(&["Old", "New"]).compilers.len(), 1);

    // A library that is really linked has to be one contract.
    let external = both.replace("internal", "external");
    project.write("src/Both.sol", &external);
    let uses = new.replace("uint256 x = 1;", "uint256 public x = Both.g();");
    project.write("src/New.sol", &uses);
    project.compile(&["Old", "New"]);
    project.foundry.solc = None;
    let error = project.try_compile(&["Old", "New"]).unwrap_err();
    assert!(matches!(error, CompileError::SeveralCompilers { .. }), "{error:?}");
}

#[test]
fn a_contract_compiled_alone_has_the_same_code() {
    let used = "pragma solidity ^0.8.0; library Used { \
                function f(uint256 x) external pure returns (uint256) { return x + 1; } }";
    let first = "pragma solidity ^0.8.0; import \"./Used.sol\"; contract First { \
                 function g(uint256 x) external pure returns (uint256) { return Used.f(x); } }";
    let second = "pragma solidity ^0.8.0; contract Second { uint256 public immutable born = 1; }";
    let project = Project::new(&[
        ("src/Used.sol", used),
        ("src/First.sol", first),
        ("src/Second.sol", second),
    ]);
    let found = minimal_in(project.root(), &project.foundry, &["First", "Second"]).unwrap();
    assert_eq!(found, []);
}

/// The cache says which version a compiler is that is no official build; the contracts have the
/// last word.
#[test]
fn a_version_that_the_cache_has_wrong_is_noticed() {
    let source = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0; contract A {}";
    let project = Project::new(&[("src/A.sol", source)]);
    let cache = tempfile::tempdir().unwrap();
    // Official, but for a byte of no meaning.
    let package = project.root().join("node_modules/solc");
    let mut soljson =
        std::fs::read(repository().join("tests/node_modules/solc/soljson.js")).unwrap();
    soljson.push(b'\n');
    write(&package.join("soljson.js"), &soljson);
    let trusted = Trusted::default().with(B256::from_slice(&Sha256::digest(&soljson)));
    let run = || {
        let npm_packages = vec![package.clone()];
        let compilers = CompilerSources { npm_packages, trusted: trusted.clone(), ..compilers() };
        compile(&CompileRequest {
            root: project.root(),
            foundry: &project.foundry,
            contracts: &["A".to_owned()],
            compilers: &compilers,
            cache_dir: cache.path(),
        })
    };
    let compiler = run().unwrap().compilers.remove(0);
    let kept = cache.path().join(format!("solc-{}.version", hex::encode(compiler.sha256)));
    let edit = |text: &str| write(&kept, text.as_bytes());
    edit("0.8.36+commit.00000000.Emscripten.clang\n");
    let error = run().unwrap_err();
    assert!(matches!(error, CompileError::OtherVersion { .. }), "{error:?}");
    assert!(error.to_string().contains(kept.to_str().unwrap()), "{error}");
    // What is no version is asked for again.
    edit("0.8.36");
    assert_eq!(run().unwrap().compilers, [compiler]);
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's own throwaway file")]
    std::fs::write(path, bytes).unwrap();
}

/// A package that claims to be newer than it is displaces none that is.
#[test]
fn the_digest_says_which_version_a_compiler_is() {
    let project = Project::new(&[]);
    let modules = repository().join("tests/node_modules");
    let package = project.root().join("node_modules/solc");
    let old = std::fs::read(modules.join("solc-0.8.20/soljson.js")).unwrap();
    write(&package.join("soljson.js"), &old);
    write(&package.join("package.json"), b"{\"version\": \"0.9.0\"}");
    let sources = CompilerSources {
        npm_packages: vec![package.clone(), modules.join("solc-0.8.26")],
        ..compilers()
    };
    let any = Wanted::Within(vec![Range::parse("*").unwrap()]);
    let found = find_compiler(&sources, &any, project.root()).unwrap();
    assert!(found.compiler.version.starts_with("0.8.26+"), "{found:?}");
    let exactly = Wanted::Exactly("0.8.20".parse().unwrap());
    assert_eq!(find_compiler(&sources, &exactly, project.root()).unwrap().location, package);
}

/// Every file of a package is either not executed or decides by its digest whether anything is.
#[test]
fn a_package_that_was_changed_gives_the_same_answer_or_none() {
    let source = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0; contract A {}";
    let project = Project::new(&[("src/A.sol", source)]);
    let package = project.root().join("node_modules/solc");
    let original = repository().join("tests/node_modules/solc");
    let mark = project.root().join("ran");
    let soljson = std::fs::read(original.join("soljson.js")).unwrap();
    let run = |cache: &Path| {
        let npm_packages = vec![package.clone()];
        compile(&CompileRequest {
            root: project.root(),
            foundry: &project.foundry,
            contracts: &["A".to_owned()],
            compilers: &CompilerSources { npm_packages, ..compilers() },
            cache_dir: cache,
        })
    };
    write(&package.join("soljson.js"), &soljson);
    let cache = tempfile::tempdir().unwrap();
    let honest = run(cache.path()).unwrap();

    let evil = format!("require('fs').writeFileSync({mark:?}, '1'); throw 1;");
    let mut files = 0;
    for entry in original.read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".js") && name != "soljson.js" {
            write(&package.join(&name), evil.as_bytes());
            files += 1;
        }
    }
    write(&package.join("package.json"), b"{\"version\": \"0.8.37\", \"main\": \"wrapper.js\"}");
    assert!(files > 5, "the package has files beside its compiler");
    let fresh = tempfile::tempdir().unwrap();
    assert_eq!(run(fresh.path()).unwrap(), honest);
    assert!(!mark.exists(), "a file of the package was run");

    // One other byte of the compiler, at its ends and in its midst: refused, although the cache has
    // what the honest one made.
    for at in [0, soljson.len() / 2, soljson.len() - 1] {
        let mut changed = soljson.clone();
        changed[at] ^= 1;
        write(&package.join("soljson.js"), &changed);
        let error = run(cache.path()).unwrap_err();
        let none = matches!(
            &error,
            CompileError::FindCompiler(FindCompilerError::NoneFits { tried, .. })
                if tried.iter().any(|line| line.contains("official build"))
        );
        assert!(none, "{at}: {error:?}");
    }
    write(&package.join("soljson.js"), [evil.as_bytes(), &soljson].concat().as_slice());
    assert!(run(cache.path()).is_err() && !mark.exists());
}

/// Safe 1.4.1, whose package has the code that its authors deployed, by solc 0.7.6.
#[test]
fn an_old_compiler_builds_what_is_deployed() {
    let root = repository();
    let package = "tests/node_modules/@safe-global/safe-contracts";
    let safe = format!("{package}/contracts/Safe.sol:Safe");
    let output = compile_in(&root, &pinned("0.7.6"), &[&safe]).unwrap();
    let built = &output.artifacts[&output.roots[&safe]];
    let published = json(&root.join(package).join("build/artifacts/contracts/Safe.sol/Safe.json"));
    for (name, code) in [("bytecode", &built.creation), ("deployedBytecode", &built.runtime)] {
        assert_eq!(code.metadata.len(), 1, "{name}");
        is_published(code, &published[name], name);
    }
    assert_eq!(built.profile["evmVersion"], "istanbul");
    let first = &built.layout["items"][0];
    assert_eq!((&first["label"], &first["slot"]), (&"singleton".into(), &"0".into()));
}

/// Uniswap v2, whose package has the code that its authors deployed, by a solc that cannot be asked
/// for another hash of its metadata.
#[test]
fn a_compiler_of_before_the_choice_of_a_hash_builds_what_is_deployed() {
    let root = repository();
    let package = "tests/node_modules/@uniswap/v2-core";
    let factory = format!("{package}/contracts/UniswapV2Factory.sol:UniswapV2Factory");
    let foundry = FoundryConfig {
        optimizer: true,
        optimizer_runs: 999_999,
        bytecode_hash: BytecodeHash::None,
        revert_strings: Some("strip".to_owned()),
        ..pinned("0.5.16")
    };
    let output = compile_in(&root, &foundry, &[&factory]).unwrap();
    let built = &output.artifacts[&output.roots[&factory]];
    let published = json(&root.join(package).join("build/UniswapV2Factory.json"));
    for (name, code) in [("bytecode", &built.creation), ("deployedBytecode", &built.runtime)] {
        // Its own, and that of the pair that it creates.
        assert_eq!(code.metadata.len(), 2, "{name}: {:?}", code.metadata);
        is_published(code, &published["evm"][name]["object"], name);
    }
    assert_eq!(built.profile["bytecodeHash"], "bzzr1");
    let said = output.warnings.join("\n");
    assert!(said.contains("does not know `bytecode_hash`") && said.contains("revert_strings"));
}

fn json(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Whether code is what its authors published, but for the hashes of its metadata.
#[track_caller]
fn is_published(code: &Code, published: &Value, name: &str) {
    let object = hex::decode(published.as_str().unwrap()).unwrap();
    let expected = Code { object: object.into(), ..code.clone() };
    assert_eq!(hex::encode(masked(code)), hex::encode(masked(&expected)), "{name}");
}

/// A lending protocol with seven linked libraries, by solc 0.8.10.
#[test]
#[ignore = "takes half a minute; ./scripts/test --full runs it"]
fn a_large_protocol() {
    let root = repository();
    let pool = "tests/node_modules/@aave/core-v3/contracts/protocol/pool/Pool.sol:Pool";
    let foundry = FoundryConfig { optimizer: true, optimizer_runs: 100_000, ..pinned("0.8.10") };
    let output = compile_in(&root, &foundry, &[pool]).unwrap();
    let fqn = &output.roots[pool];
    let mut libraries: Vec<_> = output.libraries[fqn].iter().map(Fqn::name).collect();
    libraries.sort_unstable();
    let logic = ["Borrow", "Bridge", "EMode", "FlashLoan", "Liquidation", "Pool", "Supply"];
    assert_eq!(libraries, logic.map(|name| format!("{name}Logic")));
    let pool = &output.artifacts[fqn];
    assert_eq!(pool.runtime.metadata.len(), 1);
    assert!(pool.immutables.contains_key("Pool.ADDRESSES_PROVIDER"), "{:?}", pool.immutables);
    assert_eq!(minimal_in(&root, &foundry, &[&fqn.0]).unwrap(), []);
}
