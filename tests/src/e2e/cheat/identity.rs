//! Other code under the same name, the same build, or the same digests.

use alloy_primitives::keccak256;
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_evidence::Bundle;
use tidegate_model::release::{Artifact, Formerly};

use super::refused;
use crate::support::{Case, Outcome, Scene, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            cheat_libraries_swapped_by_their_remappings,
            cheat_bundle_with_another_mask,
            cheat_bundle_with_another_note_or_function,
            cheat_equal_files_that_import_others,
            cheat_a_package_that_is_not_what_it_is_called,
            cheat_construction_that_reads_what_others_decide;
        Ready:
            cheat_a_build_that_never_soaked,
            cheat_a_note_that_came_after_the_audits;
    }
}

/// A project with two libraries of one shape.
fn rates<'a>(scene: &Scene<'a>) -> Result<Scene<'a>, Failed> {
    scene.other("rates", &[])
}

const REMAPPINGS: &str = r#"["@fee/=src/small/", "@fine/=src/large/"]"#;
const SWAPPED: &str = r#"["@fee/=src/large/", "@fine/=src/small/"]"#;

/// The sources are the same, byte for byte, and so is all code but the places of the libraries.
fn cheat_libraries_swapped_by_their_remappings(scene: &Scene<'_>) -> Outcome {
    let scene = rates(scene)?;
    let roots = || -> Result<Value, Failed> {
        Ok(scene.run("eva", &["build", "--json"], 0)?.json()?["roots"].clone())
    };
    let audited = roots()?;
    scene.edit("foundry.toml", REMAPPINGS, SWAPPED)?;
    let swapped = roots()?;
    for root in ["scopeRoot", "codeRoot", "planDigest", "releaseRoot", "buildDigest"] {
        assert_ne!(audited[root], swapped[root], "{root}");
    }
    let release = audited["releaseRoot"].as_str().ok_or("a root")?;
    let found = scene.run("eva", &["diff", "--check", "--json", release, "."], 1)?.json()?;
    assert_eq!(found["furthest"], "code", "{found}");
    let sentences = found["plan"].as_array().ok_or("sentences")?;
    assert_eq!(sentences.len(), 2, "{found}");
    for sentence in sentences.iter().filter_map(Value::as_str) {
        assert!(sentence.starts_with("src/Till.sol:Till links src/"), "{found}");
        assert!(sentence.contains("Rate.sol:Rate at byte"), "{found}");
    }
    Ok(())
}

/// Whoever repairs the digest of a bundle after changing what its contracts leave open.
fn cheat_bundle_with_another_mask(scene: &Scene<'_>) -> Outcome {
    let scene = rates(scene)?;
    let file = scene.folder().join("rates.tidegate");
    let path = file.to_string_lossy().into_owned();
    scene.run("eva", &["build"], 0)?;
    scene.run("eva", &["export", "--out", &path], 0)?;
    let text = std::fs::read_to_string(&file)?;
    let json = text.split_once('\n').ok_or("a first line")?.1.trim_end();
    let document: Value = serde_json::from_str(json)?;
    let folder = scene.folder().join("elsewhere");
    std::fs::create_dir_all(&folder)?;
    let newcomer = scene.person("newcomer").at(&folder);
    let refused = |change: &dyn Fn(&mut Value), says: &str| -> Outcome {
        let mut changed = document.clone();
        change(&mut changed["release"]["artifacts"]["src/Till.sol:Till"]);
        let json = changed.to_string();
        let repaired = format!("tidegate-bundle/1 {}\n{json}\n", keccak256(&json));
        files::write(&file, repaired.as_bytes())?;
        let refused = newcomer.run(&["import", &path])?.expect_code(1)?;
        assert!(said(&refused).contains(says), "{says}: {}", refused.stderr);
        assert_eq!(std::fs::read_dir(&folder)?.count(), 0, "nothing was written");
        Ok(())
    };
    let swap = |code: &mut Value| {
        let (one, other) = ("src/large/Rate.sol:Rate", "src/small/Rate.sol:Rate");
        let (a, b) = (code["links"][one].take(), code["links"][other].take());
        (code["links"][one], code["links"][other]) = (b, a);
    };
    refused(
        &|till| ["creation", "runtime"].iter().for_each(|part| swap(&mut till[*part])),
        "does not have the digests",
    )?;
    // The first bytes of the code, called metadata; and one byte more than is.
    refused(
        &|till| till["runtime"]["metadata"][0]["start"] = 0.into(),
        "no metadata of a compiler",
    )?;
    let longer = |till: &mut Value| {
        let region = &mut till["creation"]["metadata"][0];
        region["start"] = (region["start"].as_u64().unwrap_or_default() - 1).into();
        region["length"] = (region["length"].as_u64().unwrap_or_default() + 1).into();
    };
    refused(&longer, "no metadata of a compiler")?;
    let renamed = |till: &mut Value| {
        let places = till["immutables"]["Till.self"].take();
        till["immutables"] = serde_json::json!({ "Till.owner": places });
    };
    refused(&renamed, "does not have the digests")
}

/// What a variable was before, and which functions there are, decides whether an upgrade keeps its
/// storage and what has to be used: whoever repairs a bundle after changing it has another release.
fn cheat_bundle_with_another_note_or_function(scene: &Scene<'_>) -> Outcome {
    let file = scene.folder().join("honest.tidegate");
    scene.run("eva", &["build"], 0)?;
    scene.run("eva", &["export", "--out", &file.to_string_lossy()], 0)?;
    let honest = Bundle::read(&std::fs::read_to_string(&file)?)?;
    let folder = scene.folder().join("elsewhere");
    std::fs::create_dir_all(&folder)?;
    let newcomer = scene.person("newcomer").at(&folder);
    let formerly = |kind: &str| Formerly { kind: Some(kind.to_owned()), ..Formerly::default() };
    let namespace = "erc7201:tidegate.example.Vault".to_owned();
    type Change<'a> = dyn Fn(&mut Artifact) + 'a;
    let changes: [(&str, &Change<'_>); 5] = [
        ("a variable", &|vault| drop(vault.layout_notes.items.insert(0, formerly("uint8")))),
        ("a member", &|vault| {
            let members = [("cap".to_owned(), formerly("uint128"))].into();
            vault.layout_notes.members.insert(namespace.clone(), members);
        }),
        ("an enum", &|vault| {
            vault.layout_notes.enums.insert("enum Vault.Mode".to_owned(), vec!["On".to_owned()]);
        }),
        ("a value", &|vault| {
            vault.layout_notes.values.insert("Price".to_owned(), "uint64".to_owned());
        }),
        ("a function", &|vault| drop(vault.abi.functions.remove("pause"))),
    ];
    for (what, change) in changes {
        let mut forged = honest.clone();
        let vaults = forged.release.artifacts.iter_mut();
        let mut vaults = vaults.filter(|(fqn, _)| fqn.name() == "Vault");
        change(vaults.next().ok_or("a vault")?.1);
        files::write(&file, forged.to_text()?.as_bytes())?;
        let refused = newcomer.run(&["import", &file.to_string_lossy()])?.expect_code(1)?;
        assert!(said(&refused).contains("does not have the digests"), "{what}: {refused:?}");
        assert_eq!(std::fs::read_dir(&folder)?.count(), 0, "nothing was written");

        let roots = forged.release.roots()?;
        match what {
            "a function" => assert_ne!(roots.build_digest, honest.roots.build_digest),
            _ => {
                assert_ne!(roots.scope_root, honest.roots.scope_root, "{what}");
                assert_ne!(roots.release_root, honest.roots.release_root, "{what}");
            }
        }
    }
    Ok(())
}

/// A comment that says what a variable was before permits what the auditors never saw permitted.
fn cheat_a_note_that_came_after_the_audits(scene: &Scene<'_>) -> Outcome {
    let roots = || -> Result<Value, Failed> {
        Ok(scene.run("eva", &["build", "--json"], 0)?.json()?["roots"].clone())
    };
    let (audited, source) = (roots()?, scene.read("contracts/src/Vault.sol")?);
    for note in ["@custom:oz-retyped-from uint128", "@custom:oz-renamed-from limit"] {
        let noted =
            source.replace("uint256 cap;\n", &format!("/// {note}\n        uint256 cap;\n"));
        assert_ne!(noted, source);
        scene.write("contracts/src/Vault.sol", &noted)?;
        let after = roots()?;
        for root in ["scopeRoot", "codeRoot", "releaseRoot"] {
            assert_ne!(audited[root], after[root], "{note}: {root}");
        }
        let status = scene.status()?;
        assert_ne!(status.verdict("audits"), "PASS", "{note}");
        assert_ne!(status.verdict("soak"), "PASS", "{note}: it is another release");
    }
    // Any other comment changes what is read, and not what runs.
    scene
        .write("contracts/src/Vault.sol", &source.replace("uint256 cap;\n", "uint256 cap; //\n"))?;
    let after = roots()?;
    assert_ne!(audited["scopeRoot"], after["scopeRoot"]);
    assert_eq!(audited["releaseRoot"], after["releaseRoot"]);
    Ok(())
}

/// One name, two meanings: the contracts of one file would stand for those of the other. The file
/// is as it was published; what it imports is chosen by a remapping for its folder.
fn cheat_equal_files_that_import_others(scene: &Scene<'_>) -> Outcome {
    const FILE: &str = "interfaces/IERC20.sol";
    let modules = "tests/node_modules/@openzeppelin/contracts";
    let refused = |says: &str| -> Outcome {
        let refused = scene.run("eva", &["build"], 3)?;
        let text = said(&refused);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = format!("both are dep:@openzeppelin/contracts/{FILE}");
        assert!(flat.contains(&name) && flat.contains(says), "{flat}");
        Ok(())
    };
    let copies = ["tests/node_modules/a", "tests/node_modules/b"];
    for copy in copies {
        let manifest = "{\"name\": \"@openzeppelin/contracts\"}";
        scene.write(&format!("{copy}/package.json"), manifest)?;
        scene.write(&format!("{copy}/{FILE}"), &scene.read(&format!("{modules}/{FILE}"))?)?;
    }
    let token = scene.read(&format!("{modules}/token/ERC20/IERC20.sol"))?;
    scene.write("contracts/src/other/IERC20.sol", &token)?;
    scene.write("tests/node_modules/b/token/ERC20/IERC20.sol", &token)?;
    let [a, b] = copies;
    scene.edit(
        "foundry.toml",
        "remappings = [",
        &format!("remappings = [\n    \"{a}/:{a}/token/ERC20/=contracts/src/other/\","),
    )?;
    let imports = format!("import \"{a}/{FILE}\";\nimport {{IERC20 as B}} from \"{b}/{FILE}\";\n");
    scene.edit(
        "contracts/src/Registry.sol",
        "contract Registry",
        &format!("{imports}contract Registry"),
    )?;
    refused("where the other imports contracts/src/other/IERC20.sol")?;

    // Another version of a file under the same name.
    let older = "// SPDX-License-Identifier: MIT\n// OpenZeppelin Contracts (last updated v5.0.0) \
                 (interfaces/IERC20.sol)\n\npragma solidity ^0.8.20;\n\nimport {IERC20} from \
                 \"../token/ERC20/IERC20.sol\";\n";
    scene.write(&format!("{a}/{FILE}"), older)?;
    refused("they differ")
}

/// A folder of the repository with a package's name, and other code in it.
fn cheat_a_package_that_is_not_what_it_is_called(scene: &Scene<'_>) -> Outcome {
    const PROXY: &str = "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
    let file = format!("tests/node_modules/{PROXY}");
    let published = scene.run("eva", &["build", "--json"], 0)?.json()?;
    let release = published["roots"]["releaseRoot"].as_str().ok_or("a root")?;
    scene.edit(&file, "contract ERC1967Proxy", "/* obeys one sender */ contract ERC1967Proxy")?;
    let refused = scene.run("eva", &["build"], 3)?;
    let flat = said(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
    let says = format!("vendored:{file} is not what OpenZeppelin published");
    assert!(flat.contains(&says), "{flat}");

    // Named by the project it may be used, and stands in scope and comparison as what it is.
    let proxy = format!("proxy  = \"uups\"\nproxy_contract = \"{PROXY}:ERC1967Proxy\"");
    scene.edit("tidegate.toml", "proxy  = \"uups\"", &proxy)?;
    let shown = scene.run("eva", &["build", "--json"], 0)?.json()?;
    let rows = shown["contracts"].as_array().into_iter().flatten();
    let named = format!("vendored:{file}:ERC1967Proxy");
    assert!(rows.into_iter().any(|row| row["fqn"] == *named), "{shown}");
    let diff = scene.run("eva", &["diff", "--check", release, "."], 1)?;
    assert!(said(&diff).contains("is not what a known package published"), "{diff:?}");
    Ok(())
}

/// Gates that judge what was deployed, and a batch from the working tree: one unused remapping is
/// in the metadata, and so in a code hash that a contract may branch on.
fn cheat_a_build_that_never_soaked(scene: &Scene<'_>) -> Outcome {
    let foundry = scene.read("foundry.toml")?;
    scene.edit("foundry.toml", "remappings = [", "remappings = [\n    \"unused/=lib/unused/\",")?;
    for gate in ["code", "soak"] {
        refused(scene, gate, "UNKNOWN", (&["other-build"], &["the settings or remappings of"]))?;
    }
    scene.write("foundry.toml", &foundry)?;
    scene.edit("contracts/src/Vault.sol", "contract Vault", "/* words */ contract Vault")?;
    refused(scene, "code", "UNKNOWN", (&["other-build"], &["contracts/src/Vault.sol"]))?;
    Ok(())
}

/// A constructor that reads an address which the plan does not name, and one that keeps what an
/// external says now.
fn cheat_construction_that_reads_what_others_decide(scene: &Scene<'_>) -> Outcome {
    let somebody = "address(uint160(0xc0ffee11))";
    let source = |body: &str| {
        format!(
            "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\ninterface IToken {{ \
             function totalSupply() external view returns (uint256); }}\ncontract Reader {{ \
             uint256 public kept; constructor(address token) {{ {body} }} }}\n"
        )
    };
    let step = "\n[[step]]\ncreate = \"Reader\"\nargs = [\"@usdc\"]\n";
    let plan = scene.read("tidegate.toml")?;
    let refused = |network: &str, says: &str| -> Outcome {
        let ran = scene.run("eva", &["plan", network], 1)?;
        let flat = said(&ran).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says), "{says}: {flat}");
        Ok(())
    };
    scene.write("tidegate.toml", &format!("{plan}{step}"))?;
    let unnamed = "is neither in the plan nor under [externals]";
    for body in [
        format!(
            "(bool ok, bytes memory said) = {somebody}.staticcall(\"\"); kept = ok ? said.length : \
             uint160(token);"
        ),
        format!("kept = {somebody}.balance + uint160(token);"),
    ] {
        scene.write("contracts/src/Reader.sol", &source(&body))?;
        for network in ["testnet", "mainnet"] {
            refused(network, unnamed)?;
        }
    }
    scene.write("contracts/src/Reader.sol", &source("kept = IToken(token).totalSupply();"))?;
    refused("mainnet", "reader holds what @usdc decides by slot")?;
    // Shown by a view that the batch requires, it is pinned.
    let pinned = format!("{plan}{step}expect = [[\"kept\", 0]]\n");
    scene.write("tidegate.toml", &pinned)?;
    scene.run("eva", &["plan", "mainnet"], 0)?;
    Ok(())
}
