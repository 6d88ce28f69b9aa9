//! A world with a project, taken through the pipeline once and put back for each case.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use tidegate_testkit::{
    Activity, Project, ProjectOptions, Tools, World, WorldOptions, actor, actor_address,
};

use super::chains::Chains;
use super::{Level, Scene, files, json_text};

/// More test processes than this do not run side by side.
const FOLDERS_MAX: usize = 16;

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
    folder: PathBuf,
    /// Held as long as the folder is in use.
    _lock: File,
    saved: Vec<(Level, Chains)>,
}

impl Lab {
    /// Starts the chains and makes the project.
    pub(crate) fn start() -> Result<Self, Failed> {
        let tools = Tools::here()?;
        let world = World::start(&tools, &WorldOptions::default())?;
        let (folder, lock) = own_folder(&tools)?;
        let saved = Vec::new();
        let mut lab = Self { tools, world, folder, _lock: lock, saved };
        let folder = lab.master(Level::Fresh);
        create_project(&lab.tools, &lab.world, &folder.join("project"))?;
        let scene = lab.open(&folder)?;
        for (person, key, name) in KEYS {
            scene.person(person).keep_key(key, &actor(name))?;
        }
        drop(scene);
        lab.saved.push((Level::Fresh, Chains::save(&lab.world)?));
        Ok(lab)
    }

    /// The chains as they were at a level, and a copy of the folders.
    pub(crate) fn scene(&mut self, level: Level) -> Result<Scene<'_>, Failed> {
        self.reach(level)?;
        let folder = self.folder.join("scene");
        copy_over(&self.master(level), &folder)?;
        self.open(&folder)
    }

    fn open(&self, folder: &Path) -> Result<Scene<'_>, Failed> {
        Scene::open(&self.tools, &self.world, folder)
    }

    /// Where the folders of a level are kept.
    fn master(&self, level: Level) -> PathBuf {
        self.folder.join(format!("{level:?}"))
    }

    /// Goes back to the highest level that is not above this one, and up from there.
    fn reach(&mut self, level: Level) -> Result<(), Failed> {
        let path = level.path();
        self.saved.retain(|(saved, _)| path.contains(saved));
        let (top, chains) = self.saved.last_mut().ok_or("a lab without its first level")?;
        chains.restore(&self.world)?;
        let mut top = *top;
        let reached = top;
        for next in path.into_iter().skip_while(|next| *next <= reached) {
            // The folder of the cases: this machine's stores are kept by the project's path.
            let folder = self.folder.join("scene");
            copy_over(&self.master(top), &folder)?;
            climb(&self.open(&folder)?, next)?;
            copy_over(&folder, &self.master(next))?;
            self.saved.push((next, Chains::save(&self.world)?));
            top = next;
        }
        Ok(())
    }
}

/// A folder that no other process uses, and its lock. It is not random, so that what the product
/// caches by path is found again; it stays, so that one can look at what a case left.
fn own_folder(tools: &Tools) -> Result<(PathBuf, File), Failed> {
    for number in 0..FOLDERS_MAX {
        let folder = tools.root.join(format!("target/testkit/e2e-{number}"));
        std::fs::create_dir_all(&folder)?;
        let lock = File::create(folder.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => {
                std::fs::remove_dir_all(&folder)?;
                return Ok((folder, lock));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err("other tests use all folders".into())
}

fn create_project(tools: &Tools, world: &World, root: &Path) -> Result<(), Failed> {
    // A second auditor of Acme, whose attestation makes no second firm.
    let cy = actor_address("cy");
    let appended =
        format!("cy = {{ roles = [\"auditor\"], firm = \"Acme\", keys = [\"{cy}\"] }}\n");
    let options = ProjectOptions { appended, ..ProjectOptions::default() };
    let project = Project::create(tools, world, root, &options)?;
    // A parameter without a rule: it must be on the target what it was on the testnet.
    let (cap, decimals) = ("[\"cap\", \"$vault_cap\"],", "[\"decimals\", \"$share_decimals\"],");
    project.edit("tidegate.toml", cap, &format!("{cap}\n    {decimals}"))?;
    let values = "share_decimals = { testnet = 12, mainnet = 12 }\n";
    project.edit("tidegate.toml", "vault_cap = {", &format!("{values}vault_cap = {{"))?;
    project.write("reports/acme.md", b"# Acme\n\nNo open findings.\n")?;
    project.write("reports/bolt.md", b"# Bolt\n\nNo open findings.\n")?;
    Ok(())
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
            let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
            let proposal = json_text(&adopt, "proposal")?;
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
            use_contracts(scene, "1.4.0")
        }
        Level::Day13 => {
            scene.attest("ada")?;
            scene.advance_to_day(13)
        }
        Level::Due => scene.advance_to_day(14),
        Level::Ready => {
            scene.attest("bo")?;
            scene.go()
        }
        Level::Signed => {
            let promote = scene.done("eva", &["promote", "--json"])?;
            scene.sign(&json_text(&promote, "proposal")?, &["o1", "o2"])
        }
        Level::Open => {
            unguard(scene)?;
            let levels = [Level::Funded, Level::Deployed, Level::Day13, Level::Due, Level::Ready];
            levels.into_iter().try_for_each(|level| climb(scene, level))
        }
        Level::Guarded => guard(scene),
        Level::Urgent => {
            scene.advance_to_day(14)?;
            two_say_go(scene)?;
            promote_and_execute(scene)?;
            let registry = "contracts/src/Registry.sol";
            scene.edit(
                registry,
                "vaultCount++;",
                "vaultCount++;\n        noteCount[vault] += 2;",
            )?;
            scene.edit("tidegate.toml", "1.4.0", "1.4.1")?;
            scene.done("eva", &["deploy"])?;
            scene.world.settle()?;
            scene.attest("ada")?;
            scene.advance_to_day(16)?;
            two_say_go(scene)
        }
        Level::Halfway => halfway(scene),
        Level::Mixed => {
            scene.beside("kinds").done("eva", &["deploy"])?;
            Ok(scene.world.settle()?)
        }
    }
}

pub(crate) fn promote_and_execute(scene: &Scene<'_>) -> Result<(), Failed> {
    let proposal = json_text(&scene.done("eva", &["promote", "--json"])?, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    Ok(scene.world.settle()?)
}

/// Everything of the project of all kinds but its last step.
fn halfway(scene: &Scene<'_>) -> Result<(), Failed> {
    let kinds = scene.other("kinds", &["@openzeppelin/contracts"])?;
    kinds.fund()?;
    let whole = kinds.read("tidegate.toml")?;
    let (steps, rest) = whole.split_once("# Last").ok_or("no last step")?;
    let (_, networks) = rest.split_once("[networks").ok_or("no networks")?;
    kinds.write("tidegate.toml", &format!("{steps}\n[networks{networks}"))?;
    kinds.done("eva", &["deploy"])?;
    kinds.write("tidegate.toml", &whole)?;
    Ok(scene.world.settle()?)
}

/// A second version of the policy, with guardians; it is in effect three days later.
fn guard(scene: &Scene<'_>) -> Result<(), Failed> {
    let text = scene.read("tidegate.toml")?;
    let second = actor_address("kim2");
    let keys = format!("roles = [\"treasurer\", \"guardian\"], keys = [\"{second}\", ");
    let text = text.replace("roles = [\"treasurer\"], keys = [", &keys);
    let mut text = text.replace("audits = 2\n", "audits = 2\ngo = 2\n");
    for firm in ["Acme", "Bolt"] {
        let auditor = format!("roles = [\"auditor\"], firm = \"{firm}\"");
        let guardian = auditor.replace("[\"auditor\"]", "[\"auditor\", \"guardian\"]");
        text = text.replacen(&auditor, &guardian, 1);
    }
    for name in ["gil", "hana"] {
        let key = actor_address(name);
        text += &format!("{name} = {{ roles = [\"guardian\"], keys = [\"{key}\"] }}\n");
        scene.person(name).keep_key(name, &actor(name))?;
    }
    scene.person("kim").keep_key("kim2", &actor("kim2"))?;
    scene.write("tidegate.toml", &text)?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.advance_to_day(10)?;
    for (person, key) in [("gil", "gil"), ("hana", "hana"), ("kim", "kim2")] {
        scene.done(person, &["record", "key", person, "--as", key])?;
    }
    // Each guardian's own machine keeps the release that will be promoted.
    for person in ["gil", "hana", "kim", "ada", "bo"] {
        scene.run(person, &["build"], 0)?;
    }
    scene.attest("ada")?;
    scene.attest("bo")?;
    two_say_go(scene)
}

fn two_say_go(scene: &Scene<'_>) -> Result<(), Failed> {
    scene.go()?;
    scene.done("ada", &["record", "go", "--as", "ada"])?;
    Ok(())
}

/// Strangers use a release on the testnet as much as the policy asks.
pub(crate) fn use_contracts(scene: &Scene<'_>, version: &str) -> Result<(), Failed> {
    // What a release that follows another one takes as it is, that one's record has.
    let at = |name| {
        let found = scene.contract_of(version, name);
        found.or_else(|_| scene.contract_of("1.4.0", name))
    };
    let activity = Activity::new(&scene.world.testnet, at("registry")?, at("vault")?, at("@usdc")?);
    activity.prepare()?;
    for (tester, act) in Activity::ACTS {
        activity.act(tester, act)?;
    }
    Ok(scene.world.settle()?)
}

/// Lets anybody create what the plan creates.
pub(crate) fn unguard(scene: &Scene<'_>) -> Result<(), Failed> {
    for name in ["Registry", "Vault"] {
        let create = format!("create = \"{name}\"");
        scene.edit("tidegate.toml", &create, &format!("{create}\nguarded = false"))?;
    }
    Ok(())
}
