//! Vyper's storage types, expanded to their structure in the form that Solidity's have.
//!
//! The compiler names a type and says how many slots it takes. What a structure holds stands only
//! in the syntax tree, whose expressions are followed here from file to file.

use std::cell::Cell;
use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde_json::{Value, json};

use super::sources::Modules;
use super::tree::Node;

/// The most types that one variable may expand to, and expressions that its lengths may hold.
const STEPS_MAX: usize = 10_000;
/// The deepest nesting of types and expressions.
const DEPTH_MAX: usize = 64;

/// An expanded type and the slots that it takes.
#[derive(Debug)]
pub(super) struct Sized {
    pub(super) value: Value,
    pub(super) slots: U256,
}

/// The files of a contract and what they declare.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    modules: &'a Modules,
    trees: BTreeMap<&'a str, &'a Node>,
    /// The names of each flag, by its label.
    pub(super) flags: BTreeMap<String, Vec<Vec<String>>>,
    steps: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(modules: &'a Modules, trees: BTreeMap<&'a str, &'a Node>) -> Self {
        Self { modules, trees, flags: BTreeMap::new(), steps: Cell::new(0) }
    }

    /// The source that a file imports under a name.
    pub(super) fn imported(&self, module: &str, alias: &str) -> Option<&'a str> {
        self.modules.get(module)?.imports.get(alias)?.as_deref()
    }

    /// The type of a variable; none where it cannot be told.
    pub(super) fn variable(&mut self, module: &'a str, name: &str) -> Option<Sized> {
        self.steps.set(0);
        let node = self.trees.get(module)?.declared(name)?;
        self.expand(module, &node.annotation, 0)
    }

    fn step(&self, depth: usize) -> Option<()> {
        self.steps.set(self.steps.get() + 1);
        (self.steps.get() <= STEPS_MAX && depth <= DEPTH_MAX).then_some(())
    }

    fn expand(&mut self, module: &'a str, kind: &Value, depth: usize) -> Option<Sized> {
        self.step(depth)?;
        match kind["ast_type"].as_str()? {
            "Name" => {
                let name = kind["id"].as_str()?;
                if is_elementary(name) {
                    return Some(plain("inplace", name, U256::from(1)));
                }
                match self.trees.get(module)?.declared(name) {
                    Some(node) => self.declared(module, node, depth),
                    None => self.interface(module, name),
                }
            }
            "Attribute" => {
                let name = kind["attr"].as_str()?;
                let within = self.module(module, &kind["value"], depth)?;
                if name == "__interface__" {
                    return Some(contract(within));
                }
                let node = self.trees.get(within)?.declared(name)?;
                self.declared(within, node, depth)
            }
            "Subscript" => self.subscript(module, kind, depth),
            _ => None,
        }
    }

    /// A type of something imported: an interface, of which only the name is known here.
    fn interface(&self, module: &str, alias: &str) -> Option<Sized> {
        let import = self.modules.get(module)?.imports.get(alias)?;
        Some(contract(import.as_deref().unwrap_or(alias)))
    }

    /// The file behind `a` or `a.b`.
    fn module(&self, module: &'a str, expression: &Value, depth: usize) -> Option<&'a str> {
        self.step(depth)?;
        match expression["ast_type"].as_str()? {
            "Name" => self.imported(module, expression["id"].as_str()?),
            "Attribute" => {
                let within = self.module(module, &expression["value"], depth + 1)?;
                self.imported(within, expression["attr"].as_str()?)
            }
            _ => None,
        }
    }

    fn declared(&mut self, module: &'a str, node: &'a Node, depth: usize) -> Option<Sized> {
        let name = node.name.as_deref()?;
        match node.kind.as_str() {
            "InterfaceDef" => Some(contract(name)),
            "FlagDef" => {
                let label = format!("enum {name}");
                let names = node.body.iter().map(|item| Some(item.value["id"].as_str()?.into()));
                let names = names.collect::<Option<Vec<String>>>()?;
                self.flags.entry(label.clone()).or_default().push(names);
                Some(plain("inplace", &label, U256::from(1)))
            }
            "StructDef" => {
                let mut members = Vec::new();
                let mut slots = U256::ZERO;
                for member in &node.body {
                    let label = member.target["id"].as_str()?;
                    let kind = self.expand(module, &member.annotation, depth + 1)?;
                    let slot = slots.to_string();
                    members.push(
                        json!({"label": label, "slot": slot, "offset": 0, "type": kind.value}),
                    );
                    slots = slots.checked_add(kind.slots)?;
                }
                let mut whole = plain("inplace", &format!("struct {name}"), slots);
                whole.value["members"] = Value::Array(members);
                Some(whole)
            }
            _ => None,
        }
    }

    fn subscript(&mut self, module: &'a str, kind: &Value, depth: usize) -> Option<Sized> {
        let slice = &kind["slice"];
        let pair = || match slice["elements"].as_array()?.as_slice() {
            [one, other] => Some((one, other)),
            _ => None,
        };
        match kind["value"]["id"].as_str() {
            Some("HashMap") => {
                let (key, value) = pair()?;
                let key = self.expand(module, key, depth + 1)?.value;
                let value = self.expand(module, value, depth + 1)?.value;
                let label = format!("HashMap[{}, {}]", name_of(&key), name_of(&value));
                let mut whole = plain("mapping", &label, U256::from(1));
                whole.value["key"] = key;
                whole.value["value"] = value;
                Some(whole)
            }
            Some("DynArray") => {
                let (base, length) = pair()?;
                let base = self.expand(module, base, depth + 1)?;
                let length = self.number(module, length, depth + 1)?;
                let label = format!("DynArray[{}, {length}]", name_of(&base.value));
                // The length stands in front of the elements.
                let slots = length.checked_mul(base.slots)?.checked_add(U256::from(1))?;
                let mut whole = plain("dynamic_array", &label, slots);
                whole.value["base"] = base.value;
                Some(whole)
            }
            Some(text @ ("String" | "Bytes")) => {
                let length = self.number(module, slice, depth + 1)?;
                let words = length.div_ceil(U256::from(32));
                let slots = words.checked_add(U256::from(1))?;
                Some(plain("bytes", &format!("{text}[{length}]"), slots))
            }
            _ => {
                let base = self.expand(module, &kind["value"], depth + 1)?;
                let length = self.number(module, slice, depth + 1)?;
                let label = format!("{}[{length}]", name_of(&base.value));
                let mut whole = plain("inplace", &label, length.checked_mul(base.slots)?);
                whole.value["base"] = base.value;
                Some(whole)
            }
        }
    }

    /// The value of an expression that stands where a length does.
    fn number(&self, module: &'a str, expression: &Value, depth: usize) -> Option<U256> {
        self.step(depth)?;
        let number = |expression: &Value| self.number(module, expression, depth + 1);
        match expression["ast_type"].as_str()? {
            "Int" => expression["value"].as_u64().map(U256::from),
            "Name" => self.constant(module, expression["id"].as_str()?, depth),
            "Attribute" => {
                let within = self.module(module, &expression["value"], depth + 1)?;
                self.constant(within, expression["attr"].as_str()?, depth)
            }
            "BinOp" => {
                let (left, right) = (number(&expression["left"])?, number(&expression["right"])?);
                match expression["op"]["ast_type"].as_str()? {
                    "Add" => left.checked_add(right),
                    "Sub" => left.checked_sub(right),
                    "Mult" => left.checked_mul(right),
                    "FloorDiv" => left.checked_div(right),
                    "Mod" => left.checked_rem(right),
                    "Pow" => left.checked_pow(right),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn constant(&self, module: &'a str, name: &str, depth: usize) -> Option<U256> {
        let node = self.trees.get(module)?.declared(name).filter(|node| node.constant)?;
        self.number(module, &node.value, depth + 1)
    }
}

/// A type of which only the compiler's name and size are known.
pub(super) fn opaque(label: &str, slots: U256) -> Value {
    // The compiler names some interfaces by where it is installed.
    let parts = label.split_inclusive(['[', ']', ',', ' ']).map(|part| {
        let end = part.find(['[', ']', ',', ' ']).unwrap_or(part.len());
        format!("{}{}", stem(&part[..end]), &part[end..])
    });
    let named: String = parts.collect();
    let is_path = named != label && !label.contains('[');
    let label = if is_path { format!("contract {named}") } else { named };
    plain("inplace", &label, slots).value
}

fn contract(source: &str) -> Sized {
    plain("inplace", &format!("contract {}", stem(source)), U256::from(1))
}

/// A file's name without folder and ending; another name as it is.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let endings = [".vyi", ".vy", ".json"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// The name of a type inside another one's.
fn name_of(kind: &Value) -> &str {
    let label = kind["label"].as_str().unwrap_or_default();
    let words = ["contract ", "struct ", "enum "];
    words.iter().find_map(|word| label.strip_prefix(word)).unwrap_or(label)
}

/// Every value begins at a slot of its own, so its size is one of slots.
fn plain(encoding: &str, label: &str, slots: U256) -> Sized {
    let bytes = slots.saturating_mul(U256::from(32)).to_string();
    let value = json!({"encoding": encoding, "label": label, "numberOfBytes": bytes});
    Sized { value, slots }
}

fn is_elementary(name: &str) -> bool {
    let sized = ["uint", "int", "bytes"].iter().find_map(|start| name.strip_prefix(start));
    let digits = |size: &str| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
    matches!(name, "bool" | "address" | DECIMAL) || sized.is_some_and(digits)
}

/// Vyper's number with ten places.
pub(super) const DECIMAL: &str = "decimal";
