//! Worlds, projects and people are what their documentation says.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, U256, keccak256};
use serde_json::json;
use tidegate_keys::{KeyRef, Keys, Password};
use tidegate_model::ports::DigestSigner;
use tidegate_plan::config::Config;
use tidegate_testkit::{
    DAY_SECS, Env, GENESIS_TIMESTAMP, HOUR_SECS, Mine, Person, Project, ProjectOptions,
    TestkitError, Tools, World, WorldOptions, actor, actor_address,
};

type Outcome = Result<(), TestkitError>;

#[test]
fn a_world_has_a_safe_a_token_and_money() -> Outcome {
    let mut world = World::start(&Tools::here()?, &WorldOptions::default())?;
    assert_ne!(world.testnet.genesis_hash()?, world.mainnet.genesis_hash()?);
    assert!(!world.mainnet.code(world.safe)?.is_empty());
    // getThreshold()
    let threshold = world.mainnet.call(world.safe, &selector("getThreshold()"))?;
    assert_eq!(U256::from_be_slice(&threshold), U256::from(2));
    let decimals = world.mainnet.call(world.usdc, &selector("decimals()"))?;
    assert_eq!(U256::from_be_slice(&decimals), U256::from(6));
    assert!(world.testnet.balance(actor_address("treasury"))? > U256::ZERO);
    assert!(world.mainnet.balance(actor_address("relayer"))? > U256::ZERO);
    assert_eq!(world.testnet.balance(actor_address("deployer"))?, U256::ZERO);

    world.save()?;
    let start = world.latest_time()?;
    for _ in 0..2 {
        world.advance_days(3, 10)?;
        for anvil in world.chains() {
            assert_eq!(anvil.finalized()?.timestamp, GENESIS_TIMESTAMP + 3 * DAY_SECS + 36_000);
            let blocks = anvil.latest()?.block.number;
            assert!((3 * 24 + 10..3 * 24 + 40).contains(&blocks), "{blocks}");
        }
        world.restore()?;
        assert_eq!(world.latest_time()?, start);
    }
    assert!(start < GENESIS_TIMESTAMP + HOUR_SECS);
    Ok(())
}

#[test]
fn mined_by_hand_a_world_is_the_same() -> Outcome {
    let tools = Tools::here()?;
    let manual = WorldOptions { mine: Mine::Manual, ..WorldOptions::default() };
    let world = World::start(&tools, &manual)?;
    assert_eq!(world.miners().len(), 2);
    let before = world.testnet.latest()?;
    world.testnet.send(&actor("t1"), Some(world.safe), Bytes::new(), U256::ZERO)?;
    assert_eq!(world.testnet.latest()?.block.number, before.block.number + 1);
    assert_eq!(world.safe, World::start(&tools, &WorldOptions::default())?.safe);
    Ok(())
}

#[test]
fn a_project_can_be_read_and_edited() -> Outcome {
    let tools = Tools::here()?;
    let world = World::start(&tools, &WorldOptions::default())?;
    let dir = tempfile::tempdir().expect("a folder for a test");
    let options = ProjectOptions::default();
    let project = Project::create(&tools, &world, dir.path(), &options)?;
    let text = std::fs::read_to_string(project.config()).expect("it was just written");
    let config = Config::parse(&text).expect("the example is a configuration");
    assert_eq!((config.steps.len(), config.people.len()), (3, 5));
    assert_eq!(config.networks["mainnet"].safe, Some(world.safe));
    assert!(dir.path().join("tests/node_modules/solc/soljson.js").is_file());
    // The repository is its own first user, with the world's addresses, which never change.
    let own = std::fs::read_to_string(tools.root.join("tidegate.toml"));
    assert_eq!(own.expect("the repository has a configuration"), text);
    project.edit("tidegate.toml", "14d", "15d")?;
    assert!(project.edit("tidegate.toml", "no such text", "").is_err());
    Ok(())
}

#[test]
fn quick_keystores_open_with_the_password() -> Outcome {
    let dir = tempfile::tempdir().expect("a folder for a test");
    let env = Env {
        binary: "no such program".into(),
        project: dir.path().to_owned(),
        variables: BTreeMap::new(),
    };
    let kim = Person::new(&env, "kim", dir.path().join("kim"));
    let address = kim.keep_key("treasury", &actor("treasury"))?;
    let keys = Keys { home: kim.home().to_owned(), foundry_dir: None };
    let key: KeyRef = "treasury".parse().expect("a name");
    let open = |password: &str| {
        let password = Password::new(password.to_owned()).expect("a short password");
        keys.open(&key, &password)
    };
    let opened = open(kim.password()).expect("the password fits");
    assert_eq!(opened.address(), address);
    assert!(open("another").is_err());
    Ok(())
}

#[test]
fn a_person_runs_the_binary() -> Outcome {
    let tools = Tools::here()?;
    let world = World::start(&tools, &WorldOptions::default())?;
    let dir = tempfile::tempdir().expect("a folder for a test");
    let options = ProjectOptions::default();
    let project = Project::create(&tools, &world, &dir.path().join("project"), &options)?;
    let env = Env::new(&tools, &world, &project, &tools.root.join("target/testkit/cache"))?;
    let kim = Person::new(&env, "kim", dir.path().join("kim"));
    kim.keep_key("treasury", &actor("treasury"))?;
    let listed = kim.run(&["key", "list", "--json"])?.expect_code(0)?;
    assert_eq!(
        listed.json()?,
        json!({"keys": [{
            "name": "treasury",
            "address": actor_address("treasury").to_string(),
            "readableByOthers": false,
        }]})
    );
    assert_eq!(kim.run(&["no-such-command"])?.code, 2);
    Ok(())
}

fn selector(signature: &str) -> Bytes {
    Bytes::copy_from_slice(&keccak256(signature)[..4])
}
