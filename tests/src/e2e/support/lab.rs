//! A world with a project, taken through the pipeline once and put back for each case.

use std::path::{Path, PathBuf};

use alloy_primitives::{U64, U256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_testkit::{
    Activity, Anvil, DAY_SECS, GENESIS_TIMESTAMP, HOUR_SECS, Project, ProjectOptions, Tools, World,
    WorldOptions, actor, actor_address,
};

use super::{Level, Scene, files};

/// Whose home holds which key: person, the key's name, and the actor it belongs to.
const KEYS: [(&str, &str, &str); 9] = [
    ("eva", "deployer", "deployer"),
    ("kim", "treasury", "treasury"),
    ("ops", "relayer", "relayer"),
    ("ada", "ada", "ada"),
    ("bo", "bo", "bo"),
    ("cy", "cy", "cy"),
    ("o1", "owner", "o1"),
    ("o2", "owner", "o2"),
    ("o3", "owner", "o3"),
];

/// A world and the folders of each level it has been taken to.
pub(crate) struct Lab {
    tools: Tools,
    world: World,
    folder: TempDir,
    saved: Vec<Saved>,
}

/// A level that a lab can go back to.
struct Saved {
    level: Level,
    /// A snapshot of each chain, and the base fee of the block after it.
    chains: [(U256, U64); 2],
}

impl Lab {
    /// Starts the chains and makes the project.
    pub(crate) fn start() -> Result<Self, Failed> {
        let tools = Tools::here()?;
        let world = World::start(&tools, &WorldOptions::default())?;
        let lab = Self { tools, world, folder: tempfile::tempdir()?, saved: Vec::new() };
        // A second auditor of Acme, whose attestation makes no second firm.
        let cy = actor_address("cy");
        let appended =
            format!("cy = {{ roles = [\"auditor\"], firm = \"Acme\", keys = [\"{cy}\"] }}\n");
        let options = ProjectOptions { appended, ..ProjectOptions::default() };
        let folder = lab.master(Level::Fresh);
        Project::create(&lab.tools, &lab.world, &folder.join("project"), &options)?;
        files::write(&folder.join("project/reports/acme.md"), b"# Acme\n\nNo open findings.\n")?;
        files::write(&folder.join("project/reports/bolt.md"), b"# Bolt\n\nNo open findings.\n")?;
        let scene = lab.open(&folder)?;
        for (person, key, name) in KEYS {
            scene.person(person).keep_key(key, &actor(name))?;
        }
        drop(scene);
        let saved = lab.save(Level::Fresh)?;
        Ok(Self { saved: vec![saved], ..lab })
    }

    /// The chains as they were at a level, and a copy of the folders.
    pub(crate) fn scene(&mut self, level: Level) -> Result<Scene<'_>, Failed> {
        self.reach(level)?;
        let folder = self.folder.path().join("scene");
        copy_over(&self.master(level), &folder)?;
        self.open(&folder)
    }

    fn open(&self, folder: &Path) -> Result<Scene<'_>, Failed> {
        Scene::open(&self.tools, &self.world, folder)
    }

    /// Where the folders of a level are kept.
    fn master(&self, level: Level) -> PathBuf {
        self.folder.path().join(format!("{level:?}"))
    }

    /// Goes back to the highest level that is not above this one, and up from there.
    fn reach(&mut self, level: Level) -> Result<(), Failed> {
        while let Some(saved) = self.saved.pop() {
            if saved.level <= level {
                self.restore(&saved)?;
                break;
            }
        }
        let top = self.saved.last().map(|saved| saved.level);
        let missing = Level::ALL.into_iter().filter(|next| Some(*next) > top && *next <= level);
        for next in missing {
            let folder = self.folder.path().join("next");
            let below = top_below(&self.saved).ok_or("a lab without its first level")?;
            copy_over(&self.master(below), &folder)?;
            climb(&self.open(&folder)?, next)?;
            copy_over(&folder, &self.master(next))?;
            let saved = self.save(next)?;
            self.saved.push(saved);
        }
        Ok(())
    }

    fn save(&self, level: Level) -> Result<Saved, Failed> {
        let save = |anvil: &Anvil| -> Result<(U256, U64), Failed> {
            let next = anvil.rpc("eth_getBlockByNumber", json!(["pending", false]))?;
            let base_fee = serde_json::from_value(next["baseFeePerGas"].clone())?;
            Ok((anvil.snapshot()?, base_fee))
        };
        let [testnet, mainnet] = self.world.chains();
        Ok(Saved { level, chains: [save(testnet)?, save(mainnet)?] })
    }

    /// Goes back, and saves again: a snapshot is used up by going back to it. Going back does not
    /// restore the base fee, without which later blocks would have other hashes.
    fn restore(&mut self, saved: &Saved) -> Result<(), Failed> {
        for (anvil, (snapshot, base_fee)) in self.world.chains().into_iter().zip(saved.chains) {
            anvil.revert(snapshot)?;
            anvil.rpc("anvil_setNextBlockBaseFeePerGas", json!([base_fee]))?;
        }
        let again = self.save(saved.level)?;
        self.saved.push(again);
        Ok(())
    }
}

fn top_below(saved: &[Saved]) -> Option<Level> {
    saved.last().map(|saved| saved.level)
}

fn copy_over(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    files::copy_tree(from, to)
}

/// What happens between a level and the one below it.
fn climb(scene: &Scene<'_>, level: Level) -> Result<(), Failed> {
    match level {
        Level::Fresh => Ok(()),
        Level::Funded => {
            scene.done("ops", &["deploy", "--helper"])?;
            scene.world.settle()?;
            let adopt = scene.done("eva", &["policy", "adopt", "--json"])?.json()?;
            let proposal = text(&adopt["proposal"])?;
            scene.sign(&proposal, &["o1", "o2"])?;
            scene.done("ops", &["proposal", "execute", &proposal])?;
            scene.world.settle()?;
            scene.done("eva", &["fund", "request", "2 ether", "--reason", "rehearse vault"])?;
            scene.done("kim", &["fund", "approve", "--as", "treasury"])?;
            scene.done("kim", &["fund", "draw"])?;
            Ok(scene.world.settle()?)
        }
        Level::Deployed => {
            scene.done("eva", &["deploy"])?;
            scene.world.settle()?;
            use_contracts(scene)
        }
        Level::Day13 => {
            scene.attest("ada")?;
            advance_to_day(scene.world, 13)
        }
        Level::Ready => {
            advance_to_day(scene.world, 14)?;
            scene.attest("bo")
        }
        Level::Signed => {
            let promote = scene.done("eva", &["promote", "--json"])?.json()?;
            scene.sign(&text(&promote["proposal"])?, &["o1", "o2"])
        }
    }
}

/// Lets time pass until the finalized header of both chains stands at ten o'clock of a day.
fn advance_to_day(world: &World, day: u64) -> Result<(), Failed> {
    Ok(world.advance_to(GENESIS_TIMESTAMP + day * DAY_SECS + 10 * HOUR_SECS)?)
}

fn use_contracts(scene: &Scene<'_>) -> Result<(), Failed> {
    let at = |name| scene.contract(name);
    let activity =
        Activity::new(&scene.world.testnet, at("registry")?, at("vault")?, at("@usdc")?);
    activity.prepare()?;
    for (tester, act) in Activity::ACTS {
        activity.act(tester, act)?;
    }
    Ok(scene.world.settle()?)
}

fn text(value: &Value) -> Result<String, Failed> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("a text, not {value}").into())
}
