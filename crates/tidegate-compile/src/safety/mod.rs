//! What in a contract's sources is unsafe behind a proxy: the rules of OpenZeppelin's
//! `upgrades-core`, over the compiler's syntax tree. `docs/upgrades.md` lists where they differ.

mod annotations;
mod code;
mod initializers;
mod opcodes;
mod texts;

use std::collections::BTreeSet;

use tidegate_model::hazard::{Hazard, HazardKind};

pub(crate) use self::code::Code;
use crate::ast::{Declarations, Node, STORAGE_LOCATION, TypeName};
use crate::sources::Closure;

/// The sources that a contract stands in, and whether annotations are heeded.
#[derive(Debug, Clone, Copy)]
struct Rules<'a> {
    declarations: &'a Declarations<'a>,
    /// The contract that is deployed.
    contract: &'a Node,
    heeds: bool,
}

/// Something unsafe: what, of which name, and the place as the compiler says it.
type Found = (HazardKind, String, String);

/// Everything that is unsafe in a contract behind a proxy, what its sources allow included.
/// `links` are the names of the libraries that its creation code links.
pub(crate) fn hazards<'l>(
    declarations: &Declarations<'_>,
    contract: &Node,
    links: impl Iterator<Item = &'l str> + Clone,
    closure: &Closure,
) -> Vec<Hazard> {
    let found = |heeds| {
        let rules = Rules { declarations, contract, heeds };
        rules.all(links.clone())
    };
    let refused = found(true);
    let place = |src: &str| place(declarations, contract, closure, src);
    let hazard = |found: Found| {
        let allowed = !refused.contains(&found);
        let (kind, name, src) = found;
        Hazard { kind, name, at: place(&src), allowed }
    };
    let mut hazards: Vec<_> = found(false).into_iter().map(hazard).collect();
    hazards.sort();
    hazards.dedup();
    hazards
}

/// The contract that one says it replaces.
pub(crate) fn upgrades_from(contract: &Node) -> Option<String> {
    let named = annotations::arguments(text(contract), annotations::UPGRADES_FROM);
    named.first().map(|name| (*name).to_owned())
}

/// What a contract says that it keeps as it was, although no layout has it, and why. Without a
/// reason it says nothing.
pub(crate) fn kept_as_it_was(contract: &Node) -> Vec<(String, String)> {
    let said = annotations::each(text(contract), annotations::KEEPS).into_iter();
    let said = said.filter_map(|words| {
        let (name, why) = words.split_first()?;
        (!why.is_empty()).then(|| ((*name).to_owned(), why.join(" ")))
    });
    said.collect()
}

/// Whether a structure only wraps one value that has no parts of its own, so that it is nothing but
/// a slot with a type.
pub(crate) fn is_single_value(structure: &Node) -> bool {
    let [member] = structure.members.as_slice() else { return false };
    member.type_name.as_ref().is_some_and(|kind| kind.node_type == "ElementaryTypeName")
}

impl<'a> Rules<'a> {
    fn all<'l>(self, links: impl Iterator<Item = &'l str>) -> BTreeSet<Found> {
        let mut found = BTreeSet::new();
        let bases = self.contract.linearized_base_contracts.iter();
        for base in bases.filter_map(|id| self.declarations.get(*id)) {
            self.constructors(base, &mut found);
            self.variables(base, &mut found);
            self.stored_functions(base, &mut BTreeSet::new(), &mut found);
            initializers::check(self, base, &mut found);
            self.unknown_annotations(base, &mut found);
        }
        for library in links {
            if !self.allows(HazardKind::ExternalLibraryLinking, self.contract) {
                let (kind, src) = (HazardKind::ExternalLibraryLinking, &self.contract.src);
                found.insert((kind, library.to_owned(), src.clone()));
            }
        }
        opcodes::check(self, &mut found);
        found
    }

    /// Whether a declaration's own documentation allows something in it. What the deployed
    /// contract allows as reachable, it allows in its bases as well.
    fn allows(self, kind: HazardKind, node: &Node) -> bool {
        self.allows_here(kind, text(node)) || self.allows_reachable(kind, text(self.contract))
    }

    fn allows_here(self, kind: HazardKind, documentation: &str) -> bool {
        let names = annotations::ALLOW.iter();
        let mut names = names.flat_map(|tag| annotations::arguments(documentation, tag));
        self.heeds && names.any(|name| name == kind.name())
    }

    fn allows_reachable(self, kind: HazardKind, documentation: &str) -> bool {
        let tag = annotations::UNSAFE_ALLOW_REACHABLE;
        self.heeds && annotations::arguments(documentation, tag).contains(&kind.name())
    }

    fn constructors(self, contract: &Node, found: &mut BTreeSet<Found>) {
        let kind = HazardKind::Constructor;
        if self.allows(kind, contract) {
            return;
        }
        for node in functions(contract).filter(|node| node.kind.as_deref() == Some("constructor")) {
            let body = node.body.as_ref().map_or(0, |body| body.statements.len());
            if (body > 0 || !node.modifiers.is_empty()) && !self.allows(kind, node) {
                found.insert((kind, contract.name.clone(), node.src.clone()));
            }
        }
    }

    fn variables(self, contract: &Node, found: &mut BTreeSet<Found>) {
        for node in contract.nodes.iter().filter(|node| node.node_type == "VariableDeclaration") {
            let kind = match node.mutability.as_deref() {
                Some("immutable") => HazardKind::StateVariableImmutable,
                _ if !node.constant && node.value.is_some() => HazardKind::StateVariableAssignment,
                _ => continue,
            };
            if !self.allows(kind, contract) && !self.allows(kind, node) {
                found.insert((kind, node.name.clone(), node.src.clone()));
            }
        }
    }

    /// Internal functions among the variables of a contract or the members of a structure.
    fn stored_functions(self, owner: &Node, seen: &mut BTreeSet<u64>, found: &mut BTreeSet<Found>) {
        let kind = HazardKind::InternalFunctionStorage;
        if self.allows_reachable(kind, text(self.contract)) {
            return;
        }
        let mut open = vec![owner];
        while let Some(owner) = open.pop() {
            for variable in stored(owner, seen) {
                let Some(type_name) = &variable.type_name else { continue };
                let is_function = type_name.node_type == "FunctionTypeName";
                if is_function && type_name.visibility.as_deref() == Some("internal") {
                    found.insert((kind, variable.name.clone(), variable.src.clone()));
                    continue;
                }
                let declared = declared(type_name).and_then(|id| self.declarations.get(id));
                let declared = declared.filter(|node| node.node_type == "StructDefinition");
                open.extend(declared.filter(|structure| seen.insert(structure.id)));
            }
        }
    }

    fn unknown_annotations(self, contract: &Node, found: &mut BTreeSet<Found>) {
        for node in [contract].into_iter().chain(&contract.nodes) {
            let unknown = annotations::unknown(text(node));
            let kind = HazardKind::UnknownAnnotation;
            found.extend(unknown.map(|name| (kind, name.to_owned(), node.src.clone())));
        }
    }
}

/// A declaration's documentation.
fn text(node: &Node) -> &str {
    node.documentation.as_ref().map_or("", |documentation| &documentation.0)
}

fn functions(contract: &Node) -> impl Iterator<Item = &Node> {
    contract.nodes.iter().filter(|node| node.node_type == "FunctionDefinition")
}

/// The variables of a contract with the members of its namespaces, or the members of a structure.
fn stored<'n>(owner: &'n Node, seen: &mut BTreeSet<u64>) -> Vec<&'n Node> {
    if owner.node_type == "StructDefinition" {
        return owner.members.iter().collect();
    }
    let mut variables = Vec::new();
    for node in &owner.nodes {
        match node.node_type.as_str() {
            "VariableDeclaration" => variables.push(node),
            "StructDefinition" if text(node).contains(STORAGE_LOCATION) && seen.insert(node.id) => {
                variables.extend(&node.members);
            }
            _ => {}
        }
    }
    variables
}

/// The declaration that a type names, by itself or as what an array or a mapping holds.
fn declared(type_name: &TypeName) -> Option<u64> {
    let mut inner = type_name;
    loop {
        inner = match inner.node_type.as_str() {
            "ArrayTypeName" => inner.base_type.as_deref()?,
            "Mapping" => inner.value_type.as_deref()?,
            "UserDefinedTypeName" => {
                return inner.declaration();
            }
            _ => return None,
        };
    }
}

/// A place as `source:line`.
fn place(declarations: &Declarations<'_>, contract: &Node, closure: &Closure, src: &str) -> String {
    let mut parts = src.split(':');
    let start: usize = parts.next().and_then(|start| start.parse().ok()).unwrap_or_default();
    let number = parts.nth(1);
    let own = declarations.place(contract.id).map(|(source, _)| source);
    let source = number.and_then(|number| declarations.source(number)).or(own).unwrap_or_default();
    let content = closure.get(source).map(|source| source.content.as_bytes()).unwrap_or_default();
    let before = content.get(..start).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("{source}:{line}")
}

#[cfg(test)]
mod tests {
    use super::code::{Call, Opcode, Statement, StatementCall};
    use super::*;

    /// Functions in a row, each of which calls the next one; the last one destroys the contract.
    fn row(functions: u64) -> Node {
        let node_type = "FunctionDefinition".to_owned();
        let function = |id: u64| {
            let is_last = id == functions + 1;
            let next = (!is_last).then(|| i64::try_from(id + 1).unwrap());
            let opcode = is_last.then_some(Opcode::Selfdestruct);
            let call = Call { function: next, opcode, src: id.to_string(), ..Call::default() };
            let next = StatementCall { function: next, src: String::new() };
            let statements = vec![Statement { call: Some(next), note: String::new() }];
            let body = Code { calls: vec![call], statements, ..Code::default() };
            let name = if id == 2 { "initialize" } else { "f" }.to_owned();
            let visibility = Some("public".to_owned());
            Node {
                id,
                node_type: node_type.clone(),
                name,
                visibility,
                body: Some(body),
                scope: Some(1),
                ..Node::default()
            }
        };
        Node {
            id: 1,
            node_type: "ContractDefinition".to_owned(),
            linearized_base_contracts: vec![1],
            nodes: (2..functions + 2).map(function).collect(),
            ..Node::default()
        }
    }

    /// On the stack of a thread of a test, ten thousand functions in a row do not fit.
    #[test]
    fn calls_are_followed_however_many_are_in_a_row() {
        let contract = row(100_000);
        let unit = Node { nodes: vec![contract], ..Node::default() };
        let declarations = Declarations::new([("src/A.sol", &unit)]);
        let rules = Rules { declarations: &declarations, contract: &unit.nodes[0], heeds: true };
        let mut found = BTreeSet::new();
        opcodes::check(rules, &mut found);
        let last = (HazardKind::Selfdestruct, String::new(), "100001".to_owned());
        assert_eq!(found, [last].into());
        initializers::check(rules, rules.contract, &mut found);
        assert_eq!(found.len(), 1);
    }
}
