//! Canaries: keys, passwords and the token in an endpoint's path are looked for in everything
//! that was printed or written.

use alloy_primitives::hex;
use libtest_mimic::Failed;
use tidegate_testkit::{Ran, Reply, ScriptedNode, actor};

use crate::support::{Case, Outcome, Scene, cases, files};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: no_secret_is_printed_or_written_by_a_deployment;
        Signed: no_secret_is_printed_or_written_by_a_promotion;
    }
}

const TOKEN: &str = "v3-0123456789abcdef-canary";
const PEOPLE: [(&str, &str); 9] = [
    ("eva", "deployer"),
    ("kim", "treasury"),
    ("ops", "relayer"),
    ("ada", "ada"),
    ("bo", "bo"),
    ("cy", "cy"),
    ("o1", "o1"),
    ("o2", "o2"),
    ("o3", "o3"),
];

fn no_secret_is_printed_or_written_by_a_deployment(scene: &Scene<'_>) -> Outcome {
    let node = ScriptedNode::start(Some(scene.world.testnet.url()), |_, _| Reply::Forward)?;
    let secret = format!("{}/{TOKEN}?key={TOKEN}", node.url());
    let eva = scene.person("eva").with_variable("TESTNET_RPC", &secret);
    // Where it goes well, and then where the endpoint is the error.
    let mut said = vec![
        eva.run(&["doctor"])?.expect_code(0)?,
        eva.run(&["plan"])?.expect_code(0)?,
        eva.approve(&["deploy"])?.expect_code(0)?,
        eva.with_variable("TIDEGATE_LOG", "trace").run(&["verify"])?.expect_code(0)?,
        eva.run(&["status", "--json"])?.expect_code(0)?,
    ];
    let user = format!("http://{TOKEN}:{TOKEN}@127.0.0.1:1/{TOKEN}");
    for url in [format!("http://127.0.0.1:1/{TOKEN}"), user, format!("nonsense://{TOKEN}")] {
        let lost = eva.with_variable("TESTNET_RPC", &url).with_variable("TIDEGATE_LOG", "trace");
        said.push(lost.run(&["verify"])?);
    }
    let lost = eva.with_variable("TESTNET_RPC", &format!("http://127.0.0.1:1/{TOKEN}"));
    said.push(lost.run(&["doctor", "--json"])?);
    said.push(lost.run(&["status", "--json"])?);
    let wrong = scene.world.mainnet.url().to_owned() + "/" + TOKEN;
    said.push(eva.with_variable("TESTNET_RPC", &wrong).run(&["verify"])?);
    drop(node);
    said.push(eva.run(&["verify"])?.expect_code(4)?);
    let raw = ["key", "import", "copy", "--from", "-", "--password-fd", "0"];
    said.push(eva.run(&raw)?);
    scan(scene, &said)
}

fn no_secret_is_printed_or_written_by_a_promotion(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let ops = scene.person("ops").with_variable("TIDEGATE_LOG", "trace");
    let mut said = vec![ops.approve(&["proposal", "execute", &proposal])?.expect_code(0)?];
    let eva = scene.person("eva").with_variable("TIDEGATE_LOG", "trace");
    said.push(eva.approve(&["fund", "return"])?.expect_code(0)?);
    said.push(eva.run(&["status", "--json"])?.expect_code(0)?);
    scan(scene, &said)
}

/// Looks for every secret in everything that was printed, and in every file that was written.
fn scan(scene: &Scene<'_>, said: &[Ran]) -> Result<(), Failed> {
    let mut secrets = vec![("the endpoint's token", TOKEN.as_bytes().to_vec())];
    for (person, key) in PEOPLE {
        secrets.push(("a password", scene.person(person).password().as_bytes().to_vec()));
        let key = actor(key).to_bytes();
        secrets.push(("a key", key.to_vec()));
        secrets.push(("a key in digits", hex::encode(key).into_bytes()));
        secrets.push(("a key in capital digits", hex::encode_upper(key).into_bytes()));
    }
    let find = |text: &[u8]| {
        let holds = |secret: &[u8]| text.windows(secret.len()).any(|window| window == secret);
        secrets.iter().find(|(_, secret)| holds(secret)).map(|(what, _)| *what)
    };
    assert_eq!(find(format!("a{TOKEN}b").as_bytes()), Some("the endpoint's token"));
    for ran in said {
        if let Some(what) = find(format!("{}{}", ran.stdout, ran.stderr).as_bytes()) {
            return Err(format!("{what} was printed: {ran:?}").into());
        }
    }
    let mut written = files::read_tree(scene.folder(), &["node_modules"])?;
    let cache = scene.tools.root.join("target/testkit/cache");
    written.extend(files::read_tree(&cache, &[])?);
    assert!(written.keys().any(|path| path.ends_with("store.db")), "the store is looked at");
    for (path, bytes) in written {
        if let Some(what) = find(&bytes) {
            return Err(format!("{what} is in {}", path.display()).into());
        }
    }
    Ok(())
}
