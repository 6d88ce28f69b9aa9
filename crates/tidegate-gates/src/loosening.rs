//! Which lines of a policy ask for less than those of another one.
//!
//! What is not known to ask for more counts as asking for less.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_model::policy::{Person, PolicyDoc, PolicyParam, SafeTrust, Treasury};

use crate::PolicyRules;

/// Every line of `new` that is looser than `old`, one sentence each.
pub fn loosened(old: &PolicyDoc, new: &PolicyDoc) -> Vec<String> {
    let mut lines = Vec::new();
    let PolicyDoc { v, name, target, soaks, quorum, safe, .. } = new;
    let PolicyDoc { policy, firms, people, externals, existing, params, funds, .. } = new;
    let mut other = |what: &str, same: bool| {
        if !same {
            lines.push(format!("{what} changed"));
        }
    };
    other("the format version", *v == old.v);
    other("the project's name", *name == old.name);
    other("the target", *target == old.target);
    other("the list of soak networks", *soaks == old.soaks);
    other("the list of firms", *firms == old.firms);
    other("the list of externals", *externals == old.externals);
    other("the list of existing contracts", *existing == old.existing);
    if *quorum < old.quorum {
        lines.push(format!("quorum: was {}, is {quorum}", old.quorum));
    }
    safe_lines(&old.safe, safe, &mut lines);
    lines.extend(keys(&old.policy, policy));
    people_lines(&old.people, people, &mut lines);
    param_lines(&old.params, params, &mut lines);
    fund_lines(&old.funds, funds, &mut lines);
    lines
}

/// Every line that is looser than the built-in defaults, one sentence each.
pub fn looser_than_defaults(written: &BTreeMap<String, Value>) -> Vec<String> {
    let defaults = [("defaults".to_owned(), Value::String(PolicyRules::DEFAULTS.to_owned()))];
    keys(&defaults.into(), written)
}

/// The keys of `[policy]`: known ones by what they ask for, others by whether they changed.
fn keys(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>) -> Vec<String> {
    let rules = |written: &BTreeMap<String, Value>| {
        let written = written.iter().filter(|(key, _)| *key != "defaults");
        PolicyRules::from_written(&written.map(|(k, v)| (k.clone(), v.clone())).collect())
    };
    let (Ok(before), Ok(after)) = (rules(old), rules(new)) else {
        return vec!["a policy key cannot be read".to_owned()];
    };
    let mut lines = Vec::new();
    let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    for key in names {
        let (was, is) = (old.get(key), new.get(key));
        if was == is || !looser(key, &before, &after) {
            continue;
        }
        let text = |value: Option<&Value>| value.map_or_else(|| "the default".into(), plain);
        lines.push(format!("{key}: was {}, is {}", text(was), text(is)));
    }
    lines
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a key that changed asks for less. A key that is not named here does.
fn looser(key: &str, old: &PolicyRules, new: &PolicyRules) -> bool {
    let added = |old: &[String], new: &[String]| new.iter().any(|item| !old.contains(item));
    match key {
        "soak" => new.soak_secs < old.soak_secs,
        "audits" => new.audits < old.audits,
        "transactions" => new.transactions < old.transactions,
        "senders" => new.senders < old.senders,
        "selectors_percent" => new.selectors_percent < old.selectors_percent,
        "activity_ignore" => added(&old.activity_ignore, &new.activity_ignore),
        "valid_for" => new.valid_for_secs > old.valid_for_secs,
        "go" => {
            let lost = old.go.disciplines.iter().any(|d| !new.go.disciplines.contains(d));
            new.go.people < old.go.people || lost
        }
        "waiver_signers" => new.waiver_signers < old.waiver_signers,
        "emergency_signers" => new.emergency_signers < old.emergency_signers,
        "allow_selectors" => {
            new.allow_selectors.iter().any(|item| !old.allow_selectors.contains(item))
        }
        "heads_within" => {
            let most = |rules: &PolicyRules| rules.heads_within_secs.unwrap_or(u64::MAX);
            most(new) > most(old)
        }
        "soak_anchor" => {
            let asked = |rules: &PolicyRules| rules.soak_anchor.unwrap_or(true);
            asked(old) && !asked(new)
        }
        "unlisted" => new.unlisted && !old.unlisted,
        "safe_allow" => added(&old.safe_allow, &new.safe_allow),
        "fresh" => old.fresh && !new.fresh,
        _ => true,
    }
}

fn safe_lines(old: &SafeTrust, new: &SafeTrust, lines: &mut Vec<String>) {
    let mut changed = |what: &str, same: bool| {
        if !same {
            lines.push(format!("the Safe's {what} changed"));
        }
    };
    changed("address", old.address == new.address);
    changed("singleton", old.singleton_code_hash == new.singleton_code_hash);
    changed("guard", old.guard == new.guard);
    changed("module guard", old.module_guard == new.module_guard);
    changed("fallback handler", old.handler == new.handler);
    if new.threshold < old.threshold {
        lines.push(format!("the Safe's threshold: was {}, is {}", old.threshold, new.threshold));
    }
    for owner in new.owners.iter().filter(|owner| !old.owners.contains(owner)) {
        lines.push(format!("the Safe's owner {owner} was added"));
    }
    for module in new.modules.iter().filter(|module| !old.modules.contains(module)) {
        lines.push(format!("the Safe's module {module} was added"));
    }
}

/// Who joins may approve, and who leaves can stop nothing any more.
fn people_lines(
    old: &BTreeMap<String, Person>,
    new: &BTreeMap<String, Person>,
    lines: &mut Vec<String>,
) {
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        lines.push(format!("people: {name} was removed"));
    }
    for (name, person) in new {
        let Some(before) = old.get(name) else {
            lines.push(format!("people: {name} was added"));
            continue;
        };
        if person.keys != before.keys {
            lines.push(format!("people: the keys of {name} changed"));
        }
        if person.firm != before.firm {
            lines.push(format!("people: the firm of {name} changed"));
        }
        // Whose role is gone has no say any more, nor in what they said against it.
        if person.roles != before.roles {
            let (is, was) = (person.roles.join(", "), before.roles.join(", "));
            lines.push(format!("people: the roles of {name}: were {was}, are {is}"));
        }
    }
}

/// A parameter lets a plan differ between networks, so one less asks for more: what a plan does not
/// name it cannot set, and one that comes back was added.
fn param_lines(
    old: &BTreeMap<String, PolicyParam>,
    new: &BTreeMap<String, PolicyParam>,
    lines: &mut Vec<String>,
) {
    for (name, param) in new {
        match old.get(name) {
            None => lines.push(format!("params: ${name} was added")),
            Some(before) if before.value != param.value => {
                let text = |value: &Option<Value>| {
                    value.as_ref().map_or_else(|| "unset".to_owned(), plain)
                };
                let (was, is) = (text(&before.value), text(&param.value));
                lines.push(format!("params.{name}: was {was}, is {is}"));
            }
            Some(before) if before.rule != param.rule && !is_narrowest(&param.rule) => {
                let (was, is) = (plain(&before.rule), plain(&param.rule));
                lines.push(format!("params: the rule of ${name}: was {was}, is {is}"));
            }
            Some(_) => {}
        }
    }
}

/// A treasury that is gone is watched no more, and another one is where funds would go. One on a
/// network that had none is watched from now on, so that asks for more.
fn fund_lines(old: &[Treasury], new: &[Treasury], lines: &mut Vec<String>) {
    for Treasury { chain, genesis, treasury } in old.iter().filter(|was| !new.contains(was)) {
        let of_network = |is: &&Treasury| is.chain == *chain && is.genesis == *genesis;
        lines.push(match new.iter().find(of_network) {
            Some(is) => {
                format!("funds: the treasury on chain {chain}: was {treasury}, is {}", is.treasury)
            }
            None => format!("funds: the treasury {treasury} on chain {chain} was removed"),
        });
    }
}

/// Only what soaked is the narrowest rule; everything else is another rule, not a narrower one.
fn is_narrowest(rule: &Value) -> bool {
    rule == "same-as-testnet"
}

#[cfg(test)]
pub(crate) mod tests {
    use alloy_primitives::{Address, B256};
    use serde_json::json;
    use tidegate_model::policy::{Existing, SoakNetwork};
    use tidegate_model::{ChainId, NetworkId};

    use super::*;

    pub(crate) fn doc() -> PolicyDoc {
        let network = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
        let at = Address::with_last_byte;
        let person = Person { roles: vec!["auditor".into()], firm: None, keys: vec![at(7).into()] };
        PolicyDoc {
            v: 1,
            name: "vault".to_owned(),
            target: network,
            soaks: vec![SoakNetwork { chain: ChainId(2), genesis: B256::ZERO, block_time: 12 }],
            quorum: 2,
            safe: SafeTrust {
                address: at(1),
                singleton_code_hash: B256::ZERO,
                owners: vec![at(2), at(3), at(4)],
                threshold: 2,
                modules: vec![at(5)],
                guard: Address::ZERO,
                module_guard: Address::ZERO,
                handler: at(6),
            },
            policy: [("soak".to_owned(), json!("14d")), ("defaults".to_owned(), json!("1"))].into(),
            people: [("ada".to_owned(), person)].into(),
            firms: [("acme".to_owned(), "Acme Audits".to_owned())].into(),
            externals: BTreeMap::new(),
            existing: [("live".to_owned(), Existing { address: at(8), admin: None })].into(),
            params: [("cap".to_owned(), PolicyParam { rule: json!({"max": "5"}), value: None })]
                .into(),
            funds: vec![Treasury { chain: ChainId(2), genesis: B256::ZERO, treasury: at(9) }],
        }
    }

    #[test]
    fn what_asks_for_less_is_named() {
        type Edit = fn(&mut PolicyDoc);
        let cases: [(Edit, &str); 35] = [
            (|d| drop(d.policy.insert("soak".into(), json!("13d"))), "soak: was 14d, is 13d"),
            (|d| drop(d.policy.insert("soak".into(), json!("15d"))), ""),
            (|d| drop(d.policy.insert("audits".into(), json!(1))), "audits: was the default, is 1"),
            (|d| drop(d.policy.insert("audits".into(), json!(3))), ""),
            (|d| drop(d.policy.insert("valid_for".into(), json!("8d"))), "valid_for"),
            (|d| drop(d.policy.insert("valid_for".into(), json!("6d"))), ""),
            (|d| drop(d.policy.insert("go".into(), json!(0))), ", is 0"),
            (|d| drop(d.policy.insert("go".into(), json!(["security"]))), ""),
            (
                |d| drop(d.policy.insert("activity_ignore".into(), json!(["A.b"]))),
                "activity_ignore",
            ),
            (|d| drop(d.policy.insert("unheard".into(), json!(1))), "cannot be read"),
            (|d| drop(d.policy.insert("defaults".into(), json!("2"))), "defaults"),
            (|d| d.quorum = 1, "quorum: was 2, is 1"),
            (|d| d.quorum = 3, ""),
            (|d| d.safe.threshold = 1, "threshold: was 2, is 1"),
            (|d| d.safe.owners[2] = Address::with_last_byte(9), "was added"),
            (|d| d.safe.owners.truncate(2), ""),
            (|d| d.safe.guard = Address::with_last_byte(9), "guard changed"),
            (|d| d.safe.modules.clear(), ""),
            (|d| d.people.clear(), "ada was removed"),
            (|d| d.people.get_mut("ada").unwrap().roles.clear(), "the roles of ada"),
            (
                |d| d.params.get_mut("cap").unwrap().rule = json!({"max": "6"}),
                "the rule of $cap: was {\"max\":\"5\"}, is {\"max\":\"6\"}",
            ),
            (|d| d.params.get_mut("cap").unwrap().rule = json!("same-as-testnet"), ""),
            (|d| d.soaks.clear(), "soak networks changed"),
            (|d| d.firms.clear(), "the list of firms changed"),
            (|d| drop(d.firms.insert("bolt".into(), "Bolt".into())), "the list of firms changed"),
            (|d| drop(d.firms.insert("acme".into(), "Bolt".into())), "the list of firms changed"),
            (|d| d.existing.clear(), "the list of existing contracts changed"),
            (
                |d| d.existing.get_mut("live").unwrap().address = Address::with_last_byte(9),
                "the list of existing contracts changed",
            ),
            (
                |d| d.existing.get_mut("live").unwrap().admin = Some(Address::ZERO),
                "the list of existing contracts changed",
            ),
            (
                |d| d.people.get_mut("ada").unwrap().keys[0].chain = Some(ChainId(1)),
                "the keys of ada changed",
            ),
            (|d| d.people.get_mut("ada").unwrap().firm = Some("acme".into()), "the firm of"),
            (|d| d.funds.clear(), "09 on chain 2 was removed"),
            (|d| d.funds[0].treasury = Address::with_last_byte(3), "the treasury on chain 2: "),
            (|d| d.funds[0].genesis = B256::repeat_byte(1), "09 on chain 2 was removed"),
            (
                |d| {
                    let other = Treasury { chain: ChainId(7), ..d.funds[0] };
                    d.funds.push(other);
                },
                "",
            ),
        ];
        for (edit, expected) in cases {
            let mut new = doc();
            edit(&mut new);
            let lines = loosened(&doc(), &new).join("; ");
            let right =
                if expected.is_empty() { lines.is_empty() } else { lines.contains(expected) };
            assert!(right, "{lines:?} should be {expected:?}");
        }
        assert!(loosened(&doc(), &doc()).is_empty());
    }

    #[test]
    fn defaults_are_a_policy_too() {
        let written = |value: Value| serde_json::from_value(value).unwrap();
        let strict = written(json!({"soak": "14d", "audits": 3, "defaults": "1"}));
        assert_eq!(looser_than_defaults(&strict), Vec::<String>::new());
        let loose = written(json!({"soak": "1h", "senders": 0, "defaults": "1"}));
        assert_eq!(looser_than_defaults(&loose).len(), 2);
    }

    #[test]
    fn a_parameter_less_is_no_looser_and_one_more_is() {
        let mut less = doc();
        less.params.clear();
        assert_eq!(loosened(&doc(), &less), Vec::<String>::new());
        assert_eq!(loosened(&less, &doc()), ["params: $cap was added"]);
    }

    #[test]
    fn another_value_is_another_rule() {
        let mut new = doc();
        new.params.get_mut("cap").unwrap().value = Some(json!("4"));
        assert_eq!(loosened(&doc(), &new), ["params.cap: was unset, is 4"]);
    }

    /// Of each key: what is written, and what asks for less.
    fn directions() -> [(&'static str, Value, Value); 16] {
        let module = "module:0x0000000000000000000000000000000000000001";
        [
            ("soak", json!("14d"), json!("13d")),
            ("audits", json!(2), json!(1)),
            ("transactions", json!(25), json!(24)),
            ("senders", json!(3), json!(2)),
            ("selectors_percent", json!(50), json!(49)),
            ("activity_ignore", json!([]), json!(["A.b"])),
            ("valid_for", json!("7d"), json!("8d")),
            ("go", json!(1), json!(0)),
            ("waiver_signers", json!(3), json!(2)),
            ("emergency_signers", json!(4), json!(3)),
            ("heads_within", json!("60s"), json!("61s")),
            ("soak_anchor", json!(true), json!(false)),
            ("unlisted", json!(false), json!(true)),
            ("safe_allow", json!([]), json!([module])),
            ("fresh", json!(true), json!(false)),
            ("allow_selectors", json!([]), json!(["0x12345678"])),
        ]
    }

    #[test]
    fn each_key_is_looser_in_one_direction() {
        let one = |key: &str, value: &Value| BTreeMap::from([(key.to_owned(), value.clone())]);
        for (key, strict, loose) in directions() {
            let (strict, loose) = (one(key, &strict), one(key, &loose));
            assert_eq!(keys(&strict, &loose).len(), 1, "{key}");
            assert_eq!(keys(&loose, &strict), Vec::<String>::new(), "{key}");
        }
    }

    #[test]
    fn the_same_in_other_words_is_no_looser() {
        let nothing = BTreeMap::new();
        let written = json!({
            "soak": "336h", "audits": 2, "transactions": 25, "senders": 3, "selectors_percent": 50,
            "activity_ignore": [], "valid_for": "168h", "go": 1, "waiver_signers": 2,
            "emergency_signers": 4, "soak_anchor": true, "unlisted": false, "safe_allow": [],
            "fresh": false, "allow_selectors": [],
        });
        let written = serde_json::from_value(written).unwrap();
        assert_eq!(keys(&nothing, &written), Vec::<String>::new());
        assert_eq!(keys(&written, &nothing), Vec::<String>::new());
        let hour = |text: &str| BTreeMap::from([("heads_within".to_owned(), json!(text))]);
        assert_eq!(keys(&hour("1h"), &hour("60m")), Vec::<String>::new());
        assert_eq!(keys(&hour("1h"), &nothing).len(), 1, "what is built in may be more");
        let go = |value: Value| BTreeMap::from([("go".to_owned(), value)]);
        assert_eq!(keys(&go(json!(["a", "b"])), &go(json!(["b", "c"]))).len(), 1);
        assert_eq!(keys(&go(json!(["a", "b"])), &go(json!(["b", "a"]))), Vec::<String>::new());
    }
}
