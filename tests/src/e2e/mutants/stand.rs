//! What stands on the chain, and ways to change it behind everybody's back.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use libtest_mimic::{Completion, Failed};
use serde_json::{Value, json};

use crate::support::{Case, Level, Scene, said};

/// The bytes that the compiler appends: an IPFS hash, its version, and their length.
const METADATA_BYTES: usize = 53;

/// A change of what stands on the chain, and the words by which it is reported.
pub(super) struct Mutant {
    name: &'static str,
    change: fn(&Stand<'_>) -> Result<(), Failed>,
    says: &'static [&'static str],
}

impl Mutant {
    pub(super) const fn new(
        name: &'static str,
        change: fn(&Stand<'_>) -> Result<(), Failed>,
        says: &'static [&'static str],
    ) -> Self {
        Self { name, change, says }
    }

    /// The mutant as a case. Where the deployment is not finished, it goes on first.
    pub(super) fn case(&'static self, level: Level) -> Case {
        let body = move |scene: &Scene<'_>| {
            let scene = scene.beside("kinds");
            (self.change)(&Stand::of(&scene, level)?)?;
            scene.world.settle()?;
            let mut reported = String::new();
            if level == Level::Halfway {
                let deployed = scene.approve("eva", &["deploy"])?;
                // What `expect` speaks of is refused before there is an anchor.
                if deployed.code != 0 {
                    reported = said(&deployed);
                }
            }
            if reported.is_empty() {
                let verified = scene.run("eva", &["verify", "--json"], 1)?.json()?;
                let result = &verified["result"];
                let reasons = result["reasons"].as_array().into_iter().flatten();
                let reasons = reasons.filter_map(Value::as_str).collect::<Vec<_>>().join("\n");
                reported = format!("{}\n{reasons}", result["verdict"]);
            }
            match self.says.iter().all(|words| reported.contains(words)) {
                true => Ok(Completion::Completed),
                false => Err(format!("should say {:?}, says:\n{reported}", self.says).into()),
            }
        };
        let name = format!("mutants::mutant_{}", self.name);
        Case { name, level, slow: false, body: Box::new(body) }
    }
}

/// The contracts of the project, by the names that `verify` gives them.
pub(super) struct Stand<'a> {
    scene: &'a Scene<'a>,
    rows: BTreeMap<String, Value>,
}

impl<'a> Stand<'a> {
    fn of(scene: &'a Scene<'a>, level: Level) -> Result<Self, Failed> {
        let plan = scene.run("eva", &["plan", "--json"], 0)?.json()?;
        let operations = plan["operations"].as_array().into_iter().flatten();
        let named = |row: &Value| Some((row["id"].as_str()?.to_owned(), row.clone()));
        let mut rows: BTreeMap<_, _> = operations.filter_map(named).collect();
        if level == Level::Mixed {
            let verified = scene.run("eva", &["verify", "--json"], 0)?.json()?;
            for row in verified["contracts"].as_array().into_iter().flatten() {
                rows.insert(row["name"].as_str().unwrap_or_default().to_owned(), row.clone());
            }
        }
        let mut stand = Self { scene, rows };
        for parent in ["desk", "transparent/proxy"] {
            let nested = json!({ "address": stand.address(parent)?.create(1) });
            stand.rows.entry(format!("{parent}+1")).or_insert(nested);
        }
        Ok(stand)
    }

    fn row(&self, name: &str) -> Result<&Value, Failed> {
        let known = || format!("{name} is none of {:?}", self.rows.keys());
        Ok(self.rows.get(name).ok_or_else(known)?)
    }

    fn address(&self, name: &str) -> Result<Address, Failed> {
        Ok(serde_json::from_value(self.row(name)?["address"].clone())?)
    }

    fn code(&self, name: &str) -> Result<Vec<u8>, Failed> {
        Ok(self.scene.world.testnet.code(self.address(name)?)?.to_vec())
    }

    pub(super) fn set_code(&self, name: &str, code: Vec<u8>) -> Result<(), Failed> {
        Ok(self.scene.world.testnet.set_code(self.address(name)?, &Bytes::from(code))?)
    }

    pub(super) fn edit(&self, name: &str, edit: fn(&mut Vec<u8>)) -> Result<(), Failed> {
        let mut code = self.code(name)?;
        edit(&mut code);
        self.set_code(name, code)
    }

    pub(super) fn flip(&self, name: &str, at: usize) -> Result<(), Failed> {
        let mut code = self.code(name)?;
        code[at] ^= 1;
        self.set_code(name, code)
    }

    /// Puts one contract's code where another stands.
    pub(super) fn copy(&self, from: &str, to: &str) -> Result<(), Failed> {
        self.set_code(to, self.code(from)?)
    }

    /// Code of ERC-1167.
    pub(super) fn clone_of(&self, name: &str, target: Address) -> Result<(), Failed> {
        let start = hex!("363d3d373d3d3d363d73");
        let end = hex!("5af43d82803e903d91602b57fd5bf3");
        self.set_code(name, [&start[..], target.as_slice(), &end].concat())
    }

    /// One byte of a function, which the sources mark by a constant.
    pub(super) fn flip_at(&self, name: &str, constant: u32) -> Result<(), Failed> {
        let (code, constant) = (self.code(name)?, constant.to_be_bytes());
        let at = code.windows(4).position(|window| window == constant);
        self.flip(name, at.ok_or("the constant is not in the code")?)
    }

    /// Where transformations of one kind stand.
    fn offsets(&self, name: &str, reason: &str, id: &str) -> Result<Vec<usize>, Failed> {
        let list = &self.row(name)?["transformations"]["runtime"]["list"];
        let list = list.as_array().into_iter().flatten();
        let wanted = list.filter(|step| {
            let text = step["id"].as_str().unwrap_or_default();
            step["reason"] == reason && (id.is_empty() || text.ends_with(id))
        });
        let offsets = wanted.filter_map(|step| usize::try_from(step["offset"].as_u64()?).ok());
        let offsets: Vec<_> = offsets.collect();
        match offsets.is_empty() {
            true => Err(format!("{name} has no {reason} {id}: {}", self.row(name)?).into()),
            false => Ok(offsets),
        }
    }

    /// Changes the value of an immutable: at all places, or only at one.
    pub(super) fn immutable(
        &self,
        name: &str,
        immutable: &str,
        only: usize,
        edit: fn(&mut [u8]),
    ) -> Result<(), Failed> {
        let mut code = self.code(name)?;
        for (index, at) in self.offsets(name, "immutable", immutable)?.into_iter().enumerate() {
            if only == usize::MAX || only == index {
                edit(&mut code[at..at + 32]);
            }
        }
        self.set_code(name, code)
    }

    /// Two immutables change places.
    pub(super) fn swap_immutables(&self, name: &str) -> Result<(), Failed> {
        let mut code = self.code(name)?;
        let (fee, bonus) = (
            self.offsets(name, "immutable", "Desk.fee")?,
            self.offsets(name, "immutable", "Desk.bonus")?,
        );
        let value = |at: usize, code: &[u8]| code[at..at + 32].to_vec();
        let (one, other) = (value(fee[0], &code), value(bonus[0], &code));
        for (places, value) in [(fee, other), (bonus, one)] {
            for at in places {
                code[at..at + 32].copy_from_slice(&value);
            }
        }
        self.set_code(name, code)
    }

    /// Puts an address where a library is linked.
    pub(super) fn library(&self, name: &str, library: Address) -> Result<(), Failed> {
        let mut code = self.code(name)?;
        for at in self.offsets(name, "library", ":Twice")? {
            code[at..at + 20].copy_from_slice(library.as_slice());
        }
        self.set_code(name, code)
    }

    /// Puts one library where another is linked.
    pub(super) fn swap_library(&self, name: &str) -> Result<(), Failed> {
        self.library(name, self.address("lib:Fourfold")?)
    }

    /// Changes the contract's own metadata.
    pub(super) fn metadata(&self, name: &str, edit: fn(&mut [u8])) -> Result<(), Failed> {
        let mut code = self.code(name)?;
        let at = code.len() - METADATA_BYTES;
        edit(&mut code[at..]);
        self.set_code(name, code)
    }

    /// Overwrites code with the contract's own metadata, so that it looks like a region.
    pub(super) fn fake_metadata(&self, name: &str) -> Result<(), Failed> {
        let mut code = self.code(name)?;
        let region = code[code.len() - METADATA_BYTES..].to_vec();
        let start = code.len() / 3;
        code[start..start + METADATA_BYTES].copy_from_slice(&region);
        self.set_code(name, code)
    }

    pub(super) fn set(&self, name: &str, slot: U256, value: U256) -> Result<(), Failed> {
        Ok(self.scene.world.testnet.set_storage(self.address(name)?, slot, value.into())?)
    }

    pub(super) fn slot(&self, name: &str, slot: &str, value: B256) -> Result<(), Failed> {
        self.set(name, slot.parse()?, value.into())
    }

    /// Lets a slot point at another contract.
    pub(super) fn point(&self, name: &str, slot: &str, to: &str) -> Result<(), Failed> {
        self.slot(name, slot, self.address(to)?.into_word())
    }
}
