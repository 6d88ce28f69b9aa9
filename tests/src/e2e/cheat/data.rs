//! Cheating with what should be data: bundles, endpoints, compilers, links and journals that a
//! repository or a file brings along.

use std::path::{Path, PathBuf};

use alloy_json_abi::{JsonAbi, StateMutability};
use libtest_mimic::Failed;
use tidegate_evidence::{Bundle, CONFIG};
use tidegate_testkit::{Person, Reply, ScriptedNode, actor};

use crate::support::{Case, Outcome, Scene, Status, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            cheat_a_compiler_of_the_repository,
            cheat_an_interpreter_of_a_repository_around_the_project,
            cheat_a_program_in_place_of_a_compiler;
        Funded: cheat_a_variable_inside_an_endpoint;
        Deployed:
            cheat_a_journal_that_the_repository_brings,
            cheat_an_approval_that_was_given_before,
            cheat_a_link_where_files_decide;
        Signed:
            cheat_an_endpoint_that_the_project_chose,
            cheat_a_bundle_with_sources_and_a_compiler,
            cheat_a_bundle_whose_configuration_names_programs,
            cheat_a_bundle_with_fewer_functions,
            cheat_a_bundle_that_names_an_endpoint;
    }
}

/// A bundle of the scene's release, as somebody edited it who repairs its digest.
fn forged(scene: &Scene<'_>, edit: impl FnOnce(&mut Bundle)) -> Result<PathBuf, Failed> {
    let honest = scene.folder().join("honest.tidegate");
    if !honest.exists() {
        scene.run("eva", &["export", "--out", &honest.to_string_lossy()], 0)?;
    }
    let mut bundle = Bundle::read(&std::fs::read_to_string(&honest)?)?;
    edit(&mut bundle);
    let file = scene.folder().join("forged.tidegate");
    files::write(&file, bundle.to_text()?.as_bytes())?;
    Ok(file)
}

/// Somebody in an empty folder.
fn newcomer(scene: &Scene<'_>, name: &str) -> Result<Person, Failed> {
    let folder = scene.folder().join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(scene.person("newcomer").at(&folder))
}

fn import(person: &Person, file: &Path, code: i32) -> Result<String, Failed> {
    Ok(said(&person.run(&["import", &file.to_string_lossy()])?.expect_code(code)?))
}

/// Nothing but the kinds of files that teams share is taken, and nothing is written if one is not.
fn cheat_a_bundle_with_sources_and_a_compiler(scene: &Scene<'_>) -> Outcome {
    let newcomer = newcomer(scene, "empty")?;
    for path in [
        "deployments/src/A.sol",
        "deployments/solc/soljson.js",
        "deployments/solc/package.json",
        "deployments/testnet/solc/soljson.js",
        "deployments/foundry.toml",
        "deployments/bundle.toml",
        "foundry.toml",
        "../tidegate.toml",
        ".git/config",
    ] {
        let file = forged(scene, |bundle| {
            bundle.files.insert(path.to_owned(), "{}".to_owned());
        })?;
        let refused = import(&newcomer, &file, 1)?;
        assert!(refused.contains("not a place for one of its files"), "{path}: {refused}");
    }
    let file = forged(scene, |bundle| {
        let program = "#!/bin/sh\ntouch ran\n".to_owned();
        bundle.files.insert("deployments/testnet/abi/A.json".to_owned(), program);
    })?;
    assert!(import(&newcomer, &file, 1)?.contains("is not JSON"));
    assert_eq!(std::fs::read_dir(newcomer.project())?.count(), 0, "nothing was written");
    Ok(())
}

/// Whatever the configuration of a bundle says of compilers, and whatever lies in its folder,
/// nothing is executed; and a configuration that is there stays.
fn cheat_a_bundle_whose_configuration_names_programs(scene: &Scene<'_>) -> Outcome {
    let newcomer = newcomer(scene, "empty")?;
    newcomer.keep_key("ada", &actor("ada"))?;
    let folder = newcomer.project().to_owned();
    let mark = scene.folder().join("ran");
    let program = scene.folder().join("solc");
    let script = trap(&program, &mark)?;
    let program = program.to_string_lossy();
    let sections = [
        format!("[compiler]\nsolc = \"{program}\"\n"),
        format!("[compiler]\nsolc = \"{program}\"\nsrc = \".\"\nversion = \"0.8.37\"\n"),
        format!("[compiler]\nsolc = \"deployments/solc\"\nsrc = \"{}\"\n", folder.display()),
        "[compiler]\nsrc = \"deployments\"\n".to_owned(),
        "[compiler]\nprofile = \"default\"\n".to_owned(),
    ];
    for section in &sections {
        std::fs::remove_dir_all(&folder)?;
        // What a hostile sender had the person put there before.
        files::write(&folder.join("A.sol"), b"contract Vault {} contract Registry {}")?;
        let foundry = format!("[profile.default]\nsolc = \"{program}\"\nsrc = \".\"\n");
        files::write(&folder.join("foundry.toml"), foundry.as_bytes())?;
        files::write(&folder.join("node_modules/solc/soljson.js"), script.as_bytes())?;
        let file = forged(scene, |bundle| {
            let config = bundle.files.get_mut(CONFIG).expect("a bundle has a configuration");
            *config = format!("{section}\n{config}");
        })?;
        import(&newcomer, &file, 0)?;
        assert!(!folder.join("tidegate.toml").exists(), "it is kept apart");
        let built = newcomer.run(&["build"])?.expect_code(3)?;
        assert!(said(&built).contains("has no sources to compile"), "{built:?}");
        // The release is there; a deployer's key is not.
        let plan = newcomer.run(&["plan"])?.expect_code(5)?;
        assert!(said(&plan).contains("comes from a bundle"), "{plan:?}");
        newcomer.run(&["doctor"])?;
        let attest = newcomer.run(&["attest", "A.sol", "--as", "ada"])?.expect_code(1)?;
        assert!(said(&attest).contains("no sources here"), "{attest:?}");
        assert!(!mark.exists(), "something was run under {section}");
    }
    // Nor under any other that somebody puts there by hand.
    let taken = folder.join("deployments/bundle.toml");
    let config = std::fs::read_to_string(&taken)?;
    let (_, config) = config.split_once("[project]").ok_or("a project")?;
    for seed in 0_usize..24 {
        let section = compiler_section(seed, &program);
        replace(&taken, format!("{section}\n[project]{config}").as_bytes())?;
        let built = newcomer.run(&["build"])?.expect_code(3)?;
        assert!(!mark.exists(), "something was run under {section}: {built:?}");
    }
    // In a project of one's own, its files stay as they are.
    let project = scene.project();
    let config = scene.read("tidegate.toml")?;
    let foundry = scene.read("foundry.toml")?;
    let own = |text: String| {
        forged(scene, |bundle| {
            bundle.files.insert(CONFIG.to_owned(), text);
        })
    };
    let file = own(format!("{}\n{config}", sections[0]))?;
    import(&scene.person("eva"), &file, 0)?;
    // And what is said of another project is not said of this one.
    let file = own("[project]\nname = \"x\"\nversion = \"1\"\n".to_owned())?;
    assert!(import(&scene.person("eva"), &file, 6)?.contains("this one is `vault`"));
    assert_eq!((scene.read("tidegate.toml")?, scene.read("foundry.toml")?), (config, foundry));
    assert!(!project.join("deployments/bundle.toml").exists());
    Ok(())
}

/// Some of what can be said under `[compiler]`, another choice for each seed.
fn compiler_section(seed: usize, program: &str) -> String {
    let lines = [
        format!("solc = \"{program}\""),
        "src = \".\"".to_owned(),
        "libs = [\"node_modules\", \"deployments\"]".to_owned(),
        "version = \"0.8.37\"".to_owned(),
        "remappings = [\"@a/=deployments/\"]".to_owned(),
        "profile = \"default\"".to_owned(),
        "via_ir = true".to_owned(),
    ];
    let mixed = seed.wrapping_mul(2_654_435_761) >> 3;
    let chosen = lines.iter().enumerate().filter(|(bit, _)| mixed >> bit & 1 == 1);
    let lines: Vec<_> = chosen.map(|(_, line)| line.as_str()).collect();
    format!("[compiler]\n{}\n", lines.join("\n"))
}

fn cheat_a_bundle_that_names_an_endpoint(scene: &Scene<'_>) -> Outcome {
    let newcomer = newcomer(scene, "empty")?;
    for url in ["http://127.0.0.1:1/", "https://example.org/${TOKEN}"] {
        let file = forged(scene, |bundle| {
            let config = bundle.files.get_mut(CONFIG).expect("a bundle has a configuration");
            *config =
                config.replace("\"${MAINNET_RPC}\"", &format!("\"${{MAINNET_RPC}}\", \"{url}\""));
        })?;
        let ran = newcomer.run(&["import", &file.to_string_lossy()])?;
        assert!(ran.code != 0 && said(&ran).contains("mainnet"), "{url}: {ran:?}");
    }
    assert_eq!(std::fs::read_dir(newcomer.project())?.count(), 0, "nothing was written");
    Ok(())
}

/// Use is counted by function. Whoever leaves out what nobody called, or calls it a view, and
/// repairs every digest of the bundle, has another build than the one that soaked.
fn cheat_a_bundle_with_fewer_functions(scene: &Scene<'_>) -> Outcome {
    type Edit = dyn Fn(&mut JsonAbi);
    let edits: [(&str, &Edit); 3] = [
        ("fewer", &|abi| abi.functions.retain(|name, _| name == "deposit" || name == "note")),
        ("views", &|abi| {
            let functions = abi.functions.values_mut().flatten();
            functions.for_each(|function| function.state_mutability = StateMutability::View);
        }),
        ("none", &|abi| abi.functions.clear()),
    ];
    for (what, edit) in edits {
        let newcomer = newcomer(scene, what)?;
        let file = forged(scene, |bundle| {
            bundle.release.artifacts.values_mut().for_each(|artifact| edit(&mut artifact.abi));
            let roots = bundle.release.roots().expect("a release has digests");
            assert_eq!(roots.release_root, bundle.roots.release_root, "{what}");
            bundle.roots = roots;
        })?;
        import(&newcomer, &file, 0)?;
        let status = Status::of(&newcomer.run(&["status", "--json"])?)?;
        for gate in ["code", "soak"] {
            status.expect(gate, "UNKNOWN", &["other-build"])?;
        }
    }
    Ok(())
}

/// A program that leaves a mark when it is run, and says that it is a compiler. Returns its text.
fn trap(path: &Path, mark: &Path) -> Result<String, Failed> {
    let text = format!("#!/bin/sh\ntouch '{}'\necho 'Version: 0.8.37+commit.1'\n", mark.display());
    replace(path, text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(text)
}

/// Writes a file that may be linked from elsewhere, without touching what it is linked with.
fn replace(path: &Path, bytes: &[u8]) -> Outcome {
    if path.symlink_metadata().is_ok() {
        std::fs::remove_file(path)?;
    }
    Ok(files::write(path, bytes)?)
}

/// Every file of the package beside the compiler is changed, and nothing of it is run; the compiler
/// is changed, and it is refused, although the cache has what the honest one made.
fn cheat_a_compiler_of_the_repository(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    let scope = |person: &Person| -> Result<String, Failed> {
        let built = person.run(&["build", "--json"])?.expect_code(0)?.json()?;
        Ok(built["roots"]["scopeRoot"].to_string())
    };
    let honest = scope(&eva)?;
    let mark = scene.folder().join("ran");
    let package = scene.project().join("tests/node_modules/solc");
    let evil = format!("require('fs').writeFileSync({mark:?}, '1');\n");
    for entry in std::fs::read_dir(&package)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "js") && !path.ends_with("soljson.js") {
            replace(&path, evil.as_bytes())?;
        }
    }
    let bin = scene.project().join("tests/node_modules/.bin");
    trap(&bin.join("node"), &mark)?;
    let path = scene.env.variables.get("PATH").cloned().unwrap_or_default();
    let careless = eva
        .with_variable("PATH", &format!("{}:./node_modules/.bin:{path}", bin.display()))
        .with_variable("XDG_CACHE_HOME", &scene.folder().join("cache").to_string_lossy());
    assert_eq!(scope(&careless)?, honest);
    assert!(!mark.exists(), "something of the repository was run");

    let mut soljson = std::fs::read(package.join("soljson.js"))?;
    soljson.splice(0..0, evil.bytes());
    replace(&package.join("soljson.js"), &soljson)?;
    for person in [&eva, &careless] {
        let refused = person.run(&["build"])?.expect_code(3)?;
        assert!(said(&refused).contains("neither that of an official build"), "{refused:?}");
        let refused = person.run(&["attest", "reports/acme.md", "--as", "ada"])?;
        assert_ne!(refused.code, 0, "{refused:?}");
    }
    assert!(!mark.exists(), "the compiler was run");
    Ok(())
}

/// A `node` of the repository that has the project's as a submodule, and of one around both.
fn cheat_an_interpreter_of_a_repository_around_the_project(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    let mark = scene.folder().join("ran");
    let outer = scene.project().parent().ok_or("a folder around the project")?;
    for repository in [outer, scene.project()] {
        std::fs::create_dir_all(repository.join(".git"))?;
    }
    let path = scene.env.variables.get("PATH").cloned().unwrap_or_default();
    let linked = scene.folder().join("linked");
    std::fs::create_dir_all(&linked)?;
    let tools = outer.join("tools");
    trap(&tools.join("node"), &mark)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(tools.join("node"), linked.join("node"))?;
    for (index, folder) in [&tools, &linked].into_iter().enumerate() {
        let cache = scene.folder().join(format!("cache-{index}"));
        let careless = eva
            .with_variable("PATH", &format!("{}:{path}", folder.display()))
            .with_variable("XDG_CACHE_HOME", &cache.to_string_lossy());
        careless.run(&["build"])?.expect_code(0)?;
        assert!(!mark.exists(), "the node in {} was run", folder.display());
    }
    // Where there is no other, the error says what to do.
    let alone = eva
        .with_variable("PATH", &tools.to_string_lossy())
        .with_variable("XDG_CACHE_HOME", &scene.folder().join("cache-2").to_string_lossy());
    let refused = alone.run(&["build"])?.expect_code(3)?;
    let text = said(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("no `node` outside of the git repository"), "{text}");
    assert!(text.contains("if your home folder is a repository"), "{text}");
    assert!(!mark.exists(), "it was run");
    Ok(())
}

/// A program where the configuration names a compiler: refused until somebody trusts its digest.
fn cheat_a_program_in_place_of_a_compiler(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    let mark = scene.folder().join("ran");
    trap(&scene.project().join("tools/solc"), &mark)?;
    let (foundry, config) = (scene.read("foundry.toml")?, scene.read("tidegate.toml")?);
    let unpinned: String = foundry
        .lines()
        .filter(|line| !line.starts_with("solc"))
        .map(|l| format!("{l}\n"))
        .collect();
    let pinned =
        unpinned.replacen("[profile.default]", "[profile.default]\nsolc = \"tools/solc\"", 1);
    let named = format!("[compiler]\nsolc = \"tools/solc\"\n\n{config}");
    let mut hint = String::new();
    for (foundry, config) in [(&pinned, &config), (&foundry, &named)] {
        scene.write("foundry.toml", foundry)?;
        scene.write("tidegate.toml", config)?;
        for command in ["build", "plan", "doctor"] {
            let ran = eva.run(&[command])?;
            assert!(said(&ran).contains("neither that of an official build"), "{ran:?}");
            hint = ran.stderr;
        }
        eva.run(&["deploy"])?.expect_code(3)?;
        assert!(!mark.exists(), "it was run");
    }
    // `svm` and `PATH` are no better than the repository.
    scene.write("tidegate.toml", &config)?;
    scene.write("foundry.toml", &foundry)?;
    trap(&eva.home().join(".svm/0.8.37/solc-0.8.37"), &mark)?;
    trap(&scene.folder().join("bin/solc"), &mark)?;
    let path = scene.env.variables.get("PATH").cloned().unwrap_or_default();
    let path = format!("{}:{path}", scene.folder().join("bin").display());
    eva.with_variable("PATH", &path).run(&["build"])?.expect_code(0)?;
    assert!(!mark.exists(), "it was run: {hint}");
    Ok(())
}

/// Nothing of the environment is sent to where the project wants it, nor shown.
fn cheat_a_variable_inside_an_endpoint(scene: &Scene<'_>) -> Outcome {
    const SECRET: &str = "canary-0123456789";
    let node = ScriptedNode::start(Some(scene.world.testnet.url()), |_, _| Reply::Forward)?;
    let eva = scene.person("eva").with_variable("SECRET_TOKEN", SECRET);
    let config = scene.read("tidegate.toml")?;
    let url = node.url();
    for entry in [
        format!("{url}/${{SECRET_TOKEN}}"),
        format!("{url}/?key=${{SECRET_TOKEN}}&chain=1"),
        format!("${{SECRET_TOKEN}}@{}", url.trim_start_matches("http://")),
        "${SECRET_TOKEN}${TESTNET_RPC}".to_owned(),
        "${SECRET_TOKEN}".to_owned(),
    ] {
        scene.write("tidegate.toml", &config.replace("${TESTNET_RPC}", &entry))?;
        for command in [&["plan"][..], &["deploy"], &["verify"], &["status", "--check"]] {
            let ran = eva.run(command)?;
            assert_ne!(ran.code, 0, "{entry}: {ran:?}");
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(SECRET), "{ran:?}");
        }
        let init = ["init", "--rpc", &entry, "--network", "x", "--project", "tests"];
        assert!(!said(&eva.run(&init)?).contains(SECRET));
    }
    assert_eq!(node.calls("eth_chainId"), 0, "the project's host was asked");
    Ok(())
}

/// An endpoint that stands in the project decides nothing until its reader has pinned it; a testnet
/// needs no more than one to be deployed to.
fn cheat_an_endpoint_that_the_project_chose(scene: &Scene<'_>) -> Outcome {
    let node = ScriptedNode::start(Some(scene.world.mainnet.url()), |_, _| Reply::Forward)?;
    let config = scene.read("tidegate.toml")?;
    let (proposal, _) = scene.promotion()?;
    scene.write("tidegate.toml", &config.replace("${MAINNET_RPC}", &node.url()))?;
    let variable = format!("TIDEGATE_RPC_{}", scene.world.mainnet.chain_id());
    let status = scene.status()?;
    for gate in ["policy", "safe", "audits", "go", "overall"] {
        status.expect(gate, "UNKNOWN", &[])?;
    }
    let sign = scene.signing(&proposal);
    let commands = [
        ("eva", vec!["promote"]),
        ("ada", vec!["attest", "reports/acme.md", "--as", "ada"]),
        ("ada", vec!["record", "go", "--as", "ada"]),
        ("o3", sign.iter().map(String::as_str).collect()),
        ("ops", vec!["proposal", "execute", &proposal]),
    ];
    for (person, args) in &commands {
        let refused = scene.person(person).run(args)?.expect_code(30)?;
        let says = said(&refused).contains("you have no endpoint");
        assert!(*person == "eva" || says && refused.stderr.contains(&variable), "{refused:?}");
    }
    assert_eq!(node.calls("eth_chainId"), 0, "the project's endpoint was asked");
    // One of one's own is enough, wherever it is written; and then it is asked.
    let eva = scene.person("eva").with_variable(&variable, scene.world.mainnet.url());
    eva.run(&["status", "--check"])?.expect_code(0)?;
    let pins = format!("version = 1\n[[endpoint]]\nchain = 31337\nurl = \"{}\"\n", node.url());
    files::write(&scene.person("eva").home().join("endpoints.toml"), pins.as_bytes())?;
    scene.run("eva", &["status", "--check"], 0)?;
    assert!(node.calls("eth_chainId") > 0);

    let testnet = ScriptedNode::start(Some(scene.world.testnet.url()), |_, _| Reply::Forward)?;
    scene.write("tidegate.toml", &config.replace("${TESTNET_RPC}", &testnet.url()))?;
    scene.run("eva", &["plan"], 0)?;
    let asked = scene.run("eva", &["deploy", "--id", "1"], 2)?;
    assert!(asked.asked_for().is_some(), "{asked:?}");
    scene.run("eva", &["verify"], 30)?;
    Ok(())
}

/// A journal in the repository says that everything was approved. Nobody reads it.
fn cheat_a_journal_that_the_repository_brings(scene: &Scene<'_>) -> Outcome {
    let journal = scene.person("eva").home().join("journal");
    files::copy_tree(&journal, &scene.project().join(".tidegate"))?;
    files::copy_tree(&journal, &scene.project().join("journal"))?;
    let victim = scene.person("victim");
    victim.keep_key("deployer", &actor("deployer"))?;
    for forged in ["as it is", "as a link"] {
        let deploy = ["deploy", "--id", "1", "--password-fd", "0"];
        let asked = said(&victim.run(&deploy)?.expect_code(2)?);
        assert!(asked.contains("nobody can be asked here"), "{forged}: {asked}");
        assert!(asked.contains("under Tidegate's management"), "{forged}: {asked}");
        #[cfg(unix)]
        {
            let local = scene.project().join(".tidegate");
            std::fs::remove_dir_all(&local)?;
            std::os::unix::fs::symlink(&journal, &local)?;
        }
    }
    assert!(!scene.project().join(".tidegate/checkouts").exists());
    Ok(())
}

/// What was approved once is compared again, each time: with any other hash nothing is sent, and a
/// resumed run takes the same one.
fn cheat_an_approval_that_was_given_before(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    let second = ["deploy", "--id", "1", "--password-fd", "0"];
    let asked = eva.run(&second)?.expect_code(2)?;
    let command = asked.asked_for().ok_or("the command to type")?;
    let hash = command.last().ok_or("the hash")?.clone();
    let other = format!("{:0>64}", "1");
    for approved in ["banana", "", "0x", &hash[..7], &other, &format!("{hash}00")] {
        let run = [&second[..], &["--approve", approved]].concat();
        let refused = eva.run(&run)?.expect_code(2)?;
        assert!(
            said(&refused).contains("review it again, then approve it"),
            "{approved}: {refused:?}"
        );
    }
    // Of a deployment that stands nothing is sent, whatever is approved.
    scene.forget("eva")?;
    eva.approve(&["deploy"])?.expect_code(0)?;
    let again = ["deploy", "--password-fd", "0", "--approve", &other];
    let again = eva.run(&again)?.expect_code(0)?;
    assert!(said(&again).contains("nothing was sent"), "{again:?}");
    Ok(())
}

/// Nothing is read or written through a link where files decide.
#[cfg(unix)]
fn cheat_a_link_where_files_decide(scene: &Scene<'_>) -> Outcome {
    use std::os::unix::fs::symlink;
    let eva = scene.person("eva");
    let outside = scene.folder().join("outside");
    let project = scene.project();
    for name in [
        "tidegate.toml",
        "foundry.toml",
        "deployments",
        "deployments/testnet",
        "deployments/statements",
    ] {
        let path = project.join(name);
        let kept = scene.folder().join("kept");
        std::fs::rename(&path, &kept)?;
        symlink(&kept, &path)?;
        for command in [&["status"][..], &["deploy"], &["build"]] {
            let refused = eva.run(command)?;
            let link = refused.code == 3 && said(&refused).contains("it is a link");
            assert!(
                link || (name == "foundry.toml" && command == ["status"]),
                "{name}: {refused:?}"
            );
        }
        std::fs::remove_file(&path)?;
        std::fs::rename(&kept, &path)?;
    }
    // A link that is not there yet leads out of the project: what would be written there is not.
    symlink(&outside, project.join("deployments/mainnet-2"))?;
    assert!(said(&eva.run(&["deploy"])?.expect_code(3)?).contains("it is a link"));
    std::fs::remove_file(project.join("deployments/mainnet-2"))?;
    assert!(!outside.exists());
    // Keys and stores are one's own files.
    let key = eva.home().join("keys/deployer.json");
    std::fs::rename(&key, &outside)?;
    symlink(&outside, &key)?;
    let refused = eva.run(&["deploy"])?;
    assert!(refused.code != 0 && said(&refused).contains("a link"), "{refused:?}");
    std::fs::remove_file(&key)?;
    std::fs::rename(&outside, &key)?;
    let store = scene.store("eva")?;
    let folder = store.parent().ok_or("a folder")?;
    std::fs::rename(folder, &outside)?;
    symlink(&outside, folder)?;
    assert!(said(&eva.run(&["build"])?.expect_code(3)?).contains("it is a link"));
    std::fs::remove_file(folder)?;
    // Sources may be links inside the repository only.
    std::fs::create_dir(project.join(".git"))?;
    let library = project.join("contracts/src/CapMath.sol");
    let elsewhere = scene.folder().join("CapMath.sol");
    std::fs::rename(&library, &elsewhere)?;
    symlink(&elsewhere, &library)?;
    let refused = eva.run(&["build"])?.expect_code(3)?;
    assert!(said(&refused).contains("outside of the git repository"), "{refused:?}");
    std::fs::remove_file(&library)?;
    std::fs::rename(&elsewhere, project.join("CapMath.sol"))?;
    symlink("../../CapMath.sol", &library)?;
    eva.run(&["build"])?.expect_code(0)?;
    Ok(())
}
