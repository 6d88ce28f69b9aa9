//! Initialisers: that a contract has one where its bases need it, and that it calls theirs once.

use std::collections::BTreeSet;

use tidegate_model::hazard::HazardKind;

use super::annotations::{INITIALIZER, is_noted};
use super::code::StatementCall;
use super::{Found, Rules, functions, text};
use crate::ast::Node;

/// The bases that have initialisers, the most base first, by name.
type Parents<'a> = Vec<(&'a str, Vec<&'a Node>)>;

/// Checks one contract of an inheritance. Abstract ones leave it to those that are them.
pub(super) fn check<'a>(rules: Rules<'a>, contract: &'a Node, found: &mut BTreeSet<Found>) {
    if contract.r#abstract {
        return;
    }
    let parents = parents(rules, contract);
    let remaining = uncalled(&parents);
    if remaining.is_empty() {
        return;
    }
    let own: Vec<_> = functions(contract).filter(|node| is_initializer(node, false)).collect();
    let kind = HazardKind::MissingInitializer;
    let needed = remaining.len() > 1
        || initializers(&parents, remaining[0]).iter().all(|i| is_visible(i, &["internal"]));
    if needed && own.is_empty() && !rules.allows(kind, contract) {
        found.insert((kind, contract.name.clone(), contract.src.clone()));
    }
    for initializer in own {
        Calls { rules, contract, initializer, parents: &parents }.check(&remaining, found);
    }
}

fn parents<'a>(rules: Rules<'a>, contract: &Node) -> Parents<'a> {
    let bases = contract.linearized_base_contracts.iter().skip(1).rev();
    let mut parents: Parents<'a> = Vec::new();
    for base in bases.filter_map(|id| rules.declarations.get(*id)) {
        let own: Vec<_> = functions(base).filter(|node| is_initializer(node, true)).collect();
        match parents.iter_mut().find(|(name, _)| *name == base.name) {
            _ if own.is_empty() => {}
            Some((_, known)) => *known = own,
            None => parents.push((&base.name, own)),
        }
    }
    parents
}

fn initializers<'p, 'a>(parents: &'p Parents<'a>, name: &str) -> &'p [&'a Node] {
    let found = parents.iter().find(|(parent, _)| *parent == name);
    found.map(|(_, own)| own.as_slice()).unwrap_or_default()
}

/// The bases whose initialisers no other base calls. As in `upgrades-core`, a base that is taken
/// away moves the next ones up while they are looked at.
fn uncalled<'a>(parents: &Parents<'a>) -> Vec<&'a str> {
    let mut remaining: Vec<&str> = parents.iter().map(|(name, _)| *name).collect();
    let mut at = 0;
    while let Some(&parent) = remaining.get(at) {
        for initializer in initializers(parents, parent) {
            for call in statement_calls(initializer).map(|(call, _)| call) {
                let position = remaining.iter().position(|name| *name == parent).unwrap_or(0);
                let called = remaining[..position].iter().position(|earlier| {
                    initializers(parents, earlier).iter().any(|own| is_called(call, own))
                });
                if let Some(called) = called {
                    remaining.remove(called);
                }
            }
        }
        at += 1;
    }
    remaining
}

fn is_called(call: &StatementCall, function: &Node) -> bool {
    call.function.and_then(|id| u64::try_from(id).ok()) == Some(function.id)
}

/// The statements of a function that are calls, with their documentation.
fn statement_calls(function: &Node) -> impl Iterator<Item = (&StatementCall, &str)> {
    let statements = function.body.iter().flat_map(|body| &body.statements);
    statements.filter_map(|statement| Some((statement.call.as_ref()?, &*statement.note)))
}

/// One initialiser of a contract, and the initialisers of its bases.
struct Calls<'a, 'p> {
    rules: Rules<'a>,
    contract: &'a Node,
    initializer: &'a Node,
    parents: &'p Parents<'a>,
}

impl<'a> Calls<'a, '_> {
    fn check(&self, direct: &[&'a str], found: &mut BTreeSet<Found>) {
        let mut linearized: Vec<&str> = self.parents.iter().map(|(name, _)| *name).collect();
        let mut missing = direct.to_vec();
        let (mut seen, mut called) = (BTreeSet::new(), BTreeSet::new());
        for (call, note) in statement_calls(self.initializer) {
            let mut reached = Vec::new();
            self.reached(call, &mut BTreeSet::new(), &mut reached);
            for id in reached {
                for (parent, own) in self.parents {
                    let Some(function) = own.iter().find(|own| own.id == id) else { continue };
                    let again = !called.insert(id);
                    if again && !self.allows(HazardKind::DuplicateInitializerCall, note) {
                        let kind = HazardKind::DuplicateInitializerCall;
                        found.insert((kind, function.name.clone(), call.src.clone()));
                    }
                    if !seen.insert(*parent) {
                        continue;
                    }
                    let position = linearized.iter().position(|name| name == parent);
                    let kind = HazardKind::IncorrectInitializerOrder;
                    if !again && position != Some(0) && !self.allows(kind, "") {
                        found.insert((kind, (*parent).to_owned(), call.src.clone()));
                    }
                    linearized.retain(|name| name != parent);
                    missing.retain(|name| name != parent);
                }
            }
        }
        let kind = HazardKind::MissingInitializerCall;
        let unchained = self.initializer.name.ends_with("_unchained");
        if !unchained && !missing.is_empty() && !self.allows(kind, "") {
            found.insert((kind, missing.join(", "), self.initializer.src.clone()));
        }
    }

    fn allows(&self, kind: HazardKind, note: &str) -> bool {
        self.rules.allows(kind, self.contract)
            || self.rules.allows(kind, self.initializer)
            || self.rules.allows_here(kind, note)
    }

    /// The functions that a call runs by statements that are calls, the innermost first, however
    /// deep they call each other.
    fn reached(&self, call: &StatementCall, seen: &mut BTreeSet<u64>, reached: &mut Vec<u64>) {
        let function = |call: &StatementCall| {
            let id = call.function.and_then(|id| u64::try_from(id).ok())?;
            let node = self.rules.declarations.get(id)?;
            (node.node_type == "FunctionDefinition").then_some(node)
        };
        // Each function with those of its calls that were not followed yet, the next one last.
        let mut open: Vec<(u64, Vec<&StatementCall>)> = Vec::new();
        let mut enter = |call: &StatementCall, open: &mut Vec<_>| {
            if let Some(node) = function(call).filter(|node| seen.insert(node.id)) {
                let mut calls: Vec<_> = statement_calls(node).map(|(inner, _)| inner).collect();
                calls.reverse();
                open.push((node.id, calls));
            }
        };
        enter(call, &mut open);
        while let Some((id, calls)) = open.last_mut() {
            match calls.pop() {
                Some(next) => enter(next, &mut open),
                None => {
                    reached.push(*id);
                    open.pop();
                }
            }
        }
    }
}

fn is_visible(node: &Node, visibilities: &[&str]) -> bool {
    node.visibility.as_deref().is_some_and(|visibility| visibilities.contains(&visibility))
}

/// Whether a function may initialise. Of a base only what others can call and does something.
fn is_initializer(node: &Node, is_base: bool) -> bool {
    let modified = node.modifiers.iter().any(|modifier| {
        matches!(&*modifier.modifier_name.name, "initializer" | "onlyInitializing")
    });
    let named = matches!(&*node.name, "initialize" | "initializer");
    let noted = is_noted(text(node), &[INITIALIZER]);
    let does = node.body.as_ref().is_some_and(|body| !body.statements.is_empty());
    (noted || modified || named)
        && !(node.r#virtual && node.body.is_none())
        && !is_visible(node, &["private"])
        && (!is_base || (does && is_visible(node, &["internal", "public"])))
}
