//! Calls that must not run as an implementation's code: those in a contract, in what it inherits,
//! and in the functions that these call.

use std::collections::BTreeSet;

use tidegate_model::hazard::HazardKind;

use super::code::{Call, Opcode};
use super::{Found, Rules, text};
use crate::ast::Node;

/// Where code is reached: from the contract itself, or by what it inherits. What a base has inside
/// counts only where the contract itself calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Own,
    Inherited,
}

pub(super) fn check(rules: Rules<'_>, found: &mut BTreeSet<Found>) {
    let kinds = [
        (HazardKind::Delegatecall, Opcode::Delegatecall),
        (HazardKind::Selfdestruct, Opcode::Selfdestruct),
    ];
    for (kind, opcode) in kinds {
        let mut walk = Walk { rules, kind, opcode, seen: BTreeSet::new(), found };
        walk.contract(rules.contract, Reach::Own);
    }
}

struct Walk<'a, 'f> {
    rules: Rules<'a>,
    kind: HazardKind,
    opcode: Opcode,
    seen: BTreeSet<(u64, Reach)>,
    found: &'f mut BTreeSet<Found>,
}

impl<'a> Walk<'a, '_> {
    /// A contract and what it inherits.
    fn contract(&mut self, contract: &'a Node, reach: Reach) {
        let mut open = vec![(contract, reach)];
        while let Some((contract, reach)) = open.pop() {
            self.definitions(contract, reach);
            if self.rules.allows_reachable(self.kind, text(contract)) {
                continue;
            }
            for base in &contract.base_contracts {
                let id = base.base_name.declaration();
                let node = id.and_then(|id| self.rules.declarations.get(id));
                let node = node.filter(|node| self.seen.insert((node.id, Reach::Inherited)));
                open.extend(node.map(|node| (node, Reach::Inherited)));
            }
        }
    }

    /// A contract or a function, and the functions that it leads to, however many in a row.
    fn definitions(&mut self, node: &'a Node, reach: Reach) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            self.definition(node, reach, &mut open);
        }
    }

    fn definition(&mut self, node: &'a Node, reach: Reach, open: &mut Vec<&'a Node>) {
        let Self { rules, kind, .. } = *self;
        let around = node.scope.and_then(|id| rules.declarations.get(id)).map_or("", text);
        if !rules.allows_here(kind, around) {
            let prune = |documentation: &str| rules.allows_here(kind, documentation);
            for call in calls(node, reach, &prune) {
                if call.opcode == Some(self.opcode) {
                    self.found.insert((kind, String::new(), call.src.clone()));
                }
            }
        }
        if rules.allows_reachable(kind, around) {
            return;
        }
        let prune = |documentation: &str| rules.allows_reachable(kind, documentation);
        let called = calls(node, reach, &prune).into_iter();
        let called = called.filter_map(|call| u64::try_from(call.function?).ok());
        // The modifiers of a library's function; those of a contract are in it.
        let modifiers = node.modifiers.iter().filter_map(|m| m.modifier_name.declaration());
        for id in called.chain(modifiers) {
            let kinds = ["FunctionDefinition", "ModifierDefinition"];
            let called = rules.declarations.get(id);
            let called = called.filter(|node| kinds.contains(&node.node_type.as_str()));
            open.extend(called.filter(|node| self.seen.insert((node.id, reach))));
        }
    }
}

/// The calls in a definition, without those in what `prune` takes away by its documentation.
fn calls<'a>(node: &'a Node, reach: Reach, prune: &dyn Fn(&str) -> bool) -> Vec<&'a Call> {
    let is_inside = |node: &Node| {
        let hidden = matches!(node.visibility.as_deref(), Some("internal" | "private"));
        let is_constructor = node.kind.as_deref() == Some("constructor");
        node.node_type == "FunctionDefinition" && !is_constructor && hidden
    };
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if prune(text(node)) || (reach == Reach::Inherited && is_inside(node)) {
            continue;
        }
        let arguments = node.modifiers.iter().filter_map(|modifier| modifier.arguments.as_ref());
        let bases = node.base_contracts.iter().filter_map(|base| base.arguments.as_ref());
        let own = node.body.iter().chain(&node.value).chain(arguments).chain(bases);
        found.extend(own.flat_map(|code| &code.calls));
        open.extend(&node.nodes);
    }
    found.retain(|call| !call.notes.iter().any(|note| prune(note)));
    found
}
