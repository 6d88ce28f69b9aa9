//! How two releases differ: in nothing that runs, in layout, in parameters, or in which functions.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::digest::{JcsError, jcs_keccak};
use crate::functions::{DATA, FunctionMap};
use crate::ids::Fqn;
use crate::instructions::{Instruction, instructions};
use crate::plan::{Beacon, ParamDecl, Plan, Step};
use crate::release::{Artifact, Release};

/// The distance between two versions of something, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The same code from the same text.
    Identical,
    /// The same code from other text: comments, names of files, formatting.
    CommentOnly,
    /// The same code from other text in files that it imports, which need not be comments: what
    /// they make elsewhere may be other code.
    Imports,
    /// The same code from the same text, by another compiler or with other settings.
    CompilerOnly,
    /// Other arguments, rules or steps.
    Parameters,
    /// Other places in storage.
    Layout,
    /// Other code.
    Code,
}

impl Change {
    /// In words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::CommentOnly => "comment-only: other text, the same code",
            Self::Imports => "imports: other text in imported files, the same code here",
            Self::CompilerOnly => "compiler-only: other compiler or settings, the same code",
            Self::Parameters => "parameters",
            Self::Layout => "storage layout",
            Self::Code => "code",
        }
    }
}

/// One contract in two releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ContractChange {
    /// Its name.
    pub contract: Fqn,
    /// Everything that differs, the furthest last; `Identical` alone where nothing does.
    pub changes: Vec<Change>,
    /// Whether only one release has it: the first one, or the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_in: Option<Side>,
    /// Whether the other release follows that one, and takes the contract as it stands.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// The functions whose code differs, in order of their names. What is made of a function that
    /// only one of both has counts too.
    pub functions: Vec<String>,
    /// The sources whose text differs.
    pub sources: Vec<String>,
}

/// One of two compared releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// The differences of two releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseChanges {
    /// Every contract of either.
    pub contracts: Vec<ContractChange>,
    /// Steps and parameters that differ, one sentence each.
    pub plan: Vec<String>,
}

impl ReleaseChanges {
    /// Compares two releases.
    ///
    /// # Errors
    /// If a layout or rule has no canonical JSON form.
    pub fn between(a: &Release, b: &Release) -> Result<Self, JcsError> {
        let kept = Kept::between(a, b)?;
        let names: BTreeSet<_> = a.artifacts.keys().chain(b.artifacts.keys()).collect();
        let mut contracts = Vec::new();
        for name in names {
            contracts.push(match (a.artifacts.get(name), b.artifacts.get(name)) {
                (Some(old), Some(new)) => contract(name, (a, old), (b, new))?,
                (old, _) => {
                    let side = if old.is_some() { Side::A } else { Side::B };
                    let kept = kept.contract(side, name);
                    ContractChange {
                        contract: name.clone(),
                        changes: vec![if kept { Change::Identical } else { Change::Code }],
                        only_in: Some(side),
                        kept,
                        functions: Vec::new(),
                        sources: Vec::new(),
                    }
                }
            });
        }
        Ok(Self { contracts, plan: plan(&a.plan, &b.plan, &kept)? })
    }

    /// The furthest change of all.
    pub fn furthest(&self) -> Change {
        let contracts = self.contracts.iter().filter_map(|contract| contract.changes.last());
        let plan = if self.plan.is_empty() { Change::Identical } else { Change::Parameters };
        contracts.copied().max().unwrap_or(Change::Identical).max(plan)
    }
}

fn contract(
    name: &Fqn,
    (a, old): (&Release, &Artifact),
    (b, new): (&Release, &Artifact),
) -> Result<ContractChange, JcsError> {
    let (one, other) = (a.scope(old)?, b.scope(new)?);
    let code = one.creation_template != other.creation_template
        || one.runtime_template != other.runtime_template;
    let sources: BTreeSet<_> = old.sources.keys().chain(new.sources.keys()).collect();
    let differs = |source: &&&String| old.sources.get(**source) != new.sources.get(**source);
    let sources: Vec<_> = sources.iter().filter(differs).map(|source| (*source).clone()).collect();
    let (own, imported): (Vec<_>, Vec<_>) =
        sources.iter().partition(|source| *source == name.path());
    let found = [
        (Change::CommentOnly, !code && !own.is_empty()),
        (Change::Imports, !code && !imported.is_empty()),
        (Change::CompilerOnly, !code && one.compiler_profile != other.compiler_profile),
        (Change::Parameters, one.param_policy != other.param_policy),
        (Change::Layout, one.storage_layout != other.storage_layout),
        (Change::Code, code),
    ];
    let mut changes: Vec<_> =
        found.into_iter().filter_map(|(change, found)| found.then_some(change)).collect();
    if changes.is_empty() {
        changes.push(Change::Identical);
    }
    let functions = if code { functions(old, new) } else { Vec::new() };
    let (contract, only_in, kept) = (name.clone(), None, false);
    Ok(ContractChange { contract, changes, only_in, kept, functions, sources })
}

/// The functions whose instructions differ once jump targets are left out, since those move with
/// whatever stands before them.
fn functions(old: &Artifact, new: &Artifact) -> Vec<String> {
    let (a, b) = (by_function(old), by_function(new));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let differs = |name: &&&String| **name != DATA && a.get(**name) != b.get(**name);
    names.iter().filter(differs).map(|name| (*name).clone()).collect()
}

const PUSH1: u8 = 0x60;
const PUSH3: u8 = 0x62;
const JUMPDEST: u8 = 0x5b;

/// The instructions of each function, in order.
fn by_function(artifact: &Artifact) -> BTreeMap<String, Vec<u8>> {
    let code = artifact.runtime.object.as_ref();
    let functions: &FunctionMap = &artifact.functions;
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for Instruction { at, opcode, operand } in instructions(code) {
        let target = operand.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let jump = (PUSH1..=PUSH3).contains(&opcode) && code.get(target) == Some(&JUMPDEST);
        if let Some(name) = functions.at(at) {
            let own = found.entry(name.to_owned()).or_default();
            match jump {
                // However wide: the width of a target follows from where it is.
                true => own.push(PUSH1),
                false => own.extend([&[opcode], operand].concat()),
            }
        }
    }
    found
}

fn plan(a: &Plan, b: &Plan, kept: &Kept<'_>) -> Result<Vec<String>, JcsError> {
    let mut sentences = Vec::new();
    let steps = |plan: &Plan| -> BTreeMap<String, Value> {
        let document = plan.document();
        let steps = document["steps"].as_array().into_iter().flatten();
        steps.map(|s| (s["name"].as_str().unwrap_or_default().to_owned(), s.clone())).collect()
    };
    let (old, new) = (steps(a), steps(b));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(one), Some(other)) => {
                if kept.is_upgrade(name) {
                    sentences.push(format!("step `{name}`: an upgrade of what stands"));
                    continue;
                }
                for key in differing(one, other)? {
                    sentences.push(format!("step `{name}`: {key} differs"));
                }
            }
            _ if kept.step(name) => {}
            (Some(_), None) => sentences.push(format!("step `{name}` is only in the first")),
            _ => sentences.push(format!("step `{name}` is only in the second")),
        }
    }
    let order = |plan: &Plan| plan.steps.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    if old.keys().eq(new.keys()) && order(a) != order(b) {
        sentences.push("the steps are in another order".to_owned());
    }
    let names: BTreeSet<_> = a.params.keys().chain(b.params.keys()).collect();
    for name in names {
        let (one, other) = (a.params.get(name), b.params.get(name));
        if let (Some(ParamDecl { ty, members, rule }), Some(changed)) = (one, other) {
            if *ty != changed.ty {
                sentences.push(format!("parameter `{name}`: type differs"));
            }
            if *members != changed.members {
                sentences.push(format!("parameter `{name}`: names of members differ"));
            }
            if *rule != changed.rule {
                sentences.push(format!("parameter `{name}`: rule differs"));
            }
        } else {
            let side = if one.is_some() { "first" } else { "second" };
            sentences.push(format!("parameter `{name}` is only in the {side}"));
        }
    }
    sentences.extend(links(a, b));
    Ok(sentences)
}

/// The places at which another library is linked. A place that only one release has belongs to
/// other code, which is named with its contract.
fn links(a: &Plan, b: &Plan) -> Vec<String> {
    let by_place = |plan: &Plan| -> BTreeMap<(Fqn, usize), Fqn> {
        let links = plan.links.iter();
        links.map(|l| ((l.contract.clone(), l.position), l.library.clone())).collect()
    };
    let (old, new) = (by_place(a), by_place(b));
    let differs = |((contract, position), one): (&(Fqn, usize), &Fqn)| {
        let other = new.get(&(contract.clone(), *position)).filter(|other| *other != one)?;
        Some(format!("{contract} links {other} at byte {position}, where the first links {one}"))
    };
    old.iter().filter_map(differs).collect()
}

/// What a release finds of the one that it follows, where these two are compared.
struct Kept<'a> {
    /// The followed plan, whose side it is, and the one that follows.
    pair: Option<(&'a Plan, Side, &'a Plan)>,
}

impl<'a> Kept<'a> {
    fn between(a: &'a Release, b: &'a Release) -> Result<Self, JcsError> {
        let follows = |of: &Release, by: &Release| match by.plan.follows {
            Some(root) => Ok(of.roots()?.release_root == root),
            None => Ok(false),
        };
        let pair = if follows(a, b)? {
            Some((&a.plan, Side::A, &b.plan))
        } else if follows(b, a)? {
            Some((&b.plan, Side::B, &a.plan))
        } else {
            None
        };
        Ok(Self { pair })
    }

    /// Whether every step that uses a contract of one side alone stands as it is, or with another
    /// implementation behind its proxy.
    fn contract(&self, only_in: Side, fqn: &Fqn) -> bool {
        let Some((of, side, by)) = self.pair else { return false };
        let mut uses =
            of.steps.iter().filter(|step| step.contracts().any(|of| of == fqn)).peekable();
        side == only_in
            && uses.peek().is_some()
            && uses.all(|step| {
                let proxy = step.as_create().and_then(|create| create.proxy.as_ref());
                let beacon = proxy.and_then(|proxy| match &proxy.beacon {
                    Some(Beacon::Own(beacon)) => Some(beacon),
                    Some(Beacon::Of(_)) | None => None,
                });
                let is_proxy = [proxy.map(|proxy| &proxy.contract), beacon].contains(&Some(fqn));
                let is_replaced = by.step(&step.name).is_some() && !is_proxy;
                by.existing.contains(&step.name) && !is_replaced
            })
    }

    /// Whether a step of the followed plan alone needs nothing: what it made stands, or it was
    /// called.
    fn step(&self, name: &str) -> bool {
        let found = |by: &Plan| by.existing.contains(name) || by.made.contains(name);
        self.pair.is_some_and(|(of, _, by)| of.step(name).is_some() && found(by))
    }

    /// Whether a step of both upgrades what it had made.
    fn is_upgrade(&self, name: &str) -> bool {
        let upgrade = |by: &Plan| by.step(name).and_then(Step::as_upgrade).is_some();
        self.pair.is_some_and(|(of, _, by)| {
            let was = of.step(name).and_then(Step::as_upgrade).is_some();
            upgrade(by) && !was && by.existing.contains(name)
        })
    }
}

/// The keys in which two steps' documents differ.
fn differing(one: &Value, other: &Value) -> Result<Vec<String>, JcsError> {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else {
        return Ok(Vec::new());
    };
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let mut found = Vec::new();
    for key in keys {
        let digest = |value: Option<&Value>| jcs_keccak("step", &value.cloned());
        if digest(one.get(key))? != digest(other.get(key))? {
            found.push(key.clone());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use alloy_json_abi::JsonAbi;
    use alloy_primitives::{B256, Bytes, U256, hex};
    use serde_json::json;

    use super::*;
    use crate::plan::{Action, Call, Create, Invocation, Proxy, ProxyKind, Reference, Upgrade};
    use crate::release::{Code, LayoutNotes};

    fn artifact(code: &str, runs: &[(usize, &str)]) -> Artifact {
        let object = Bytes::from(hex::decode(code.replace(' ', "")).unwrap());
        let code = Code { object, links: BTreeMap::new(), metadata: Vec::new() };
        Artifact {
            fqn: Fqn("src/C.sol:C".to_owned()),
            abi: JsonAbi::new(),
            creation: code.clone(),
            runtime: code,
            immutables: BTreeMap::new(),
            sources: BTreeMap::from([("src/C.sol".to_owned(), B256::repeat_byte(1))]),
            layout: json!({"items": [], "namespaces": []}),
            profile: json!({"compiler": "solc"}),
            layout_notes: LayoutNotes::default(),
            functions: FunctionMap::new(runs.iter().copied()),
            upgrades_from: None,
            hazards: None,
        }
    }

    fn release(artifact: Artifact) -> Release {
        Release {
            v: Release::VERSION,
            name: "c-1".to_owned(),
            project: "c".to_owned(),
            plan: Plan {
                steps: Vec::new(),
                params: BTreeMap::new(),
                externals: BTreeSet::new(),
                existing: BTreeSet::new(),
                links: BTreeSet::new(),
                follows: None,
                made: BTreeSet::new(),
            },
            artifacts: BTreeMap::from([(artifact.fqn.clone(), artifact)]),
            references: BTreeMap::new(),
            compilers: Vec::new(),
        }
    }

    #[track_caller]
    fn check(a: &Artifact, b: &Artifact, changes: &[Change], functions: &[&str]) {
        let found = ReleaseChanges::between(&release(a.clone()), &release(b.clone())).unwrap();
        assert_eq!(found.contracts[0].changes, changes);
        assert_eq!(found.contracts[0].functions, functions);
        assert_eq!(found.furthest(), *changes.last().unwrap());
    }

    #[test]
    fn a_change_is_named_by_its_kind_and_functions() {
        // f jumps to 4, g stands there.
        let runs = [(4, "C.f()"), (3, "C.g()")];
        let a = artifact("6004 56 00 5b 6007", &runs);
        check(&a, &a, &[Change::Identical], &[]);
        // One instruction more in f moves g, whose own code is the same.
        let longer = artifact("6005 56 00 00 5b 6007", &[(5, "C.f()"), (3, "C.g()")]);
        check(&a, &longer, &[Change::Code], &["C.f()"]);
        check(&a, &artifact("6004 56 00 5b 6008", &runs), &[Change::Code], &["C.g()"]);

        let mut text = a.clone();
        text.sources.insert("src/C.sol".to_owned(), B256::repeat_byte(2));
        check(&a, &text, &[Change::CommentOnly], &[]);
        // What is imported may be code of another contract: nobody is told that it is comments.
        let mut imports = a.clone();
        imports.sources.insert("src/Rule.sol".to_owned(), B256::repeat_byte(2));
        check(&a, &imports, &[Change::Imports], &[]);
        imports.sources.insert("src/C.sol".to_owned(), B256::repeat_byte(2));
        check(&a, &imports, &[Change::CommentOnly, Change::Imports], &[]);
        check(&imports, &a, &[Change::CommentOnly, Change::Imports], &[]);
        let mut compiler = text.clone();
        compiler.profile = json!({"compiler": "other"});
        check(&a, &compiler, &[Change::CommentOnly, Change::CompilerOnly], &[]);
        let mut layout = a.clone();
        layout.layout = json!({"items": [1], "namespaces": []});
        check(&a, &layout, &[Change::Layout], &[]);
    }

    /// A release that creates a contract without a proxy, one behind a proxy, and calls.
    fn first() -> Release {
        let mut release = release(artifact("00", &[]));
        for (path, name) in [("src/D.sol", "D"), ("src/P.sol", "P")] {
            let fqn = Fqn(format!("{path}:{name}"));
            release.artifacts.insert(fqn.clone(), Artifact { fqn, ..artifact("00", &[]) });
        }
        release.plan.steps = vec![step("c", "src/C.sol:C", false), step("d", "src/D.sol:D", true)];
        let call = Call {
            target: "c".to_owned(),
            invocation: Invocation { signature: "go()".to_owned(), args: Vec::new() },
            value: U256::ZERO,
        };
        let action = Action::Call(call);
        let (expect, salt_label) = (Vec::new(), String::new());
        release.plan.steps.push(Step { name: "c.go".to_owned(), action, expect, salt_label });
        release
    }

    fn step(name: &str, contract: &str, is_proxied: bool) -> Step {
        let proxy = is_proxied.then(|| Proxy {
            kind: ProxyKind::Uups,
            contract: Fqn("src/P.sol:P".to_owned()),
            admin: None,
            beacon: None,
            init: None,
        });
        let create = Create {
            contract: Fqn(contract.to_owned()),
            libraries: Vec::new(),
            args: Vec::new(),
            value: U256::ZERO,
            guarded: true,
            proxy,
        };
        let (expect, salt_label) = (Vec::new(), String::new());
        Step { name: name.to_owned(), action: Action::Create(create), expect, salt_label }
    }

    #[test]
    fn what_a_following_release_takes_as_it_is_is_kept() {
        let (one, mut two) = (first(), first());
        two.plan.follows = Some(one.roots().unwrap().release_root);
        two.plan.existing = ["c", "d"].map(str::to_owned).into();
        two.plan.made = ["c.go".to_owned()].into();
        let upgrade = Upgrade {
            target: "d".to_owned(),
            kind: ProxyKind::Uups,
            reference: Reference {
                contract: Fqn("recorded:0/src/D.sol:D".to_owned()),
                runtime_template: B256::ZERO,
                storage_layout: B256::ZERO,
            },
            contract: Fqn("src/E.sol:E".to_owned()),
            libraries: Vec::new(),
            args: Vec::new(),
            guarded: true,
            function: "upgradeToAndCall(address,bytes)".to_owned(),
            slot: B256::ZERO,
            init: None,
            initialised: None,
        };
        two.plan.steps = vec![Step { action: Action::Upgrade(upgrade), ..step("d", "", false) }];
        let fqn = Fqn("src/E.sol:E".to_owned());
        two.artifacts = [(fqn.clone(), Artifact { fqn, ..artifact("01", &[]) })].into();
        for (a, b, only) in [(&one, &two, Side::A), (&two, &one, Side::B)] {
            let found = ReleaseChanges::between(a, b).unwrap();
            let kept = found.contracts.iter().filter(|contract| contract.kept);
            let kept: Vec<_> = kept.map(|of| (of.contract.name(), of.only_in)).collect();
            assert_eq!(kept, [("C", Some(only)), ("P", Some(only))], "not what is replaced");
            assert_eq!(found.plan, ["step `d`: an upgrade of what stands"]);
        }
        // Of another release nothing is known to stand.
        two.plan.follows = Some(crate::ReleaseRoot(B256::ZERO));
        let found = ReleaseChanges::between(&one, &two).unwrap();
        assert!(found.contracts.iter().all(|contract| !contract.kept));
        assert!(found.plan.contains(&"step `c` is only in the first".to_owned()));
    }

    #[test]
    fn a_contract_of_one_release_is_named_with_its_side() {
        let (a, mut b) = (artifact("00", &[]), artifact("00", &[]));
        b.fqn = Fqn("src/D.sol:D".to_owned());
        let found = ReleaseChanges::between(&release(a), &release(b)).unwrap();
        let sides: Vec<_> = found.contracts.iter().map(|contract| contract.only_in).collect();
        assert_eq!(sides, [Some(Side::A), Some(Side::B)]);
        assert_eq!(found.furthest(), Change::Code);
    }
}
