//! Who decides on test funds, and where they belong.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_model::NetworkId;
use tidegate_model::policy::{Person, PolicyDoc};

/// The people who ask for and grant test funds, and each network's treasury.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FundRules {
    /// The people, by name.
    pub people: BTreeMap<String, Person>,
    /// Each network's treasury.
    pub treasuries: BTreeMap<NetworkId, Address>,
}

impl FundRules {
    /// The rules of one policy.
    pub fn of(policy: &PolicyDoc) -> Self {
        let treasuries = policy.funds.iter().map(|entry| (entry.network(), entry.treasury));
        Self { people: policy.people.clone(), treasuries: treasuries.collect() }
    }

    /// The rules that all of these policies share; `None` without a policy. A key, a role or a
    /// treasury counts only if each policy has it, so a further policy never gives more.
    pub fn common<'a>(policies: impl IntoIterator<Item = &'a PolicyDoc>) -> Option<Self> {
        policies.into_iter().map(Self::of).reduce(Self::both)
    }

    fn both(mut self, other: Self) -> Self {
        self.treasuries.retain(|network, wallet| other.treasuries.get(network) == Some(wallet));
        self.people.retain(|name, _| other.people.contains_key(name));
        for (name, person) in &mut self.people {
            let Some(also) = other.people.get(name) else { continue };
            person.roles.retain(|role| also.roles.contains(role));
            person.keys.retain(|key| also.keys.contains(key));
        }
        self
    }

    /// Checks a draw while no Safe has adopted a policy: a treasury pays only what its own key has
    /// approved.
    ///
    /// # Errors
    /// If it has not, with the reason.
    pub fn may_draw_unadopted(approvers: &[Address], treasury: Address) -> Result<(), String> {
        if approvers.contains(&treasury) {
            return Ok(());
        }
        Err(format!(
            "no Safe has adopted a policy, so {treasury} pays only what it has approved with its \
             own key, and it has not approved this request"
        ))
    }

    /// Checks a return while no Safe has adopted a policy: test funds may go back only to a wallet
    /// that sent some of them.
    ///
    /// # Errors
    /// If neither holds, with the reason.
    pub fn may_return_unadopted(senders: &[Address], treasury: Address) -> Result<(), String> {
        if senders.contains(&treasury) {
            return Ok(());
        }
        Err(format!(
            "no Safe has adopted a policy, so test funds go back only to a wallet that lent them, \
             and {treasury}, which tidegate.toml names, lent none of these"
        ))
    }

    /// The differences of `tidegate.toml` from these rules, one sentence each.
    pub fn differences(&self, written: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let networks = self.treasuries.keys().chain(written.treasuries.keys());
        let mut networks: Vec<_> = networks.collect();
        networks.sort();
        networks.dedup();
        for network in networks {
            let [ours, theirs] = [self, written].map(|rules| rules.treasuries.get(network));
            if ours != theirs {
                let text = |wallet: Option<&Address>| {
                    wallet.map_or_else(|| "none".to_owned(), Address::to_string)
                };
                let (is, says) = (text(ours), text(theirs));
                let chain = network.chain;
                lines.push(format!(
                    "the treasury on chain {chain} is {is}; tidegate.toml names {says}"
                ));
            }
        }
        let names = self.people.keys().chain(written.people.keys());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.dedup();
        let differs = |name: &&&String| self.people.get(**name) != written.people.get(**name);
        for name in names.iter().filter(differs) {
            lines.push(format!("who `{name}` is and may do is not what tidegate.toml says"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use tidegate_model::ChainId;
    use tidegate_model::policy::{SafeTrust, Treasury};

    use super::*;

    fn network(chain: u64) -> NetworkId {
        NetworkId { chain: ChainId(chain), genesis: B256::ZERO }
    }

    fn rules() -> FundRules {
        let keys = [1, 2].map(|byte| Address::with_last_byte(byte).into()).to_vec();
        let roles = vec!["engineer".to_owned(), "treasurer".to_owned()];
        let kim = Person { roles, firm: None, keys };
        FundRules {
            people: [("kim".to_owned(), kim)].into(),
            treasuries: [(network(5), Address::with_last_byte(9))].into(),
        }
    }

    #[test]
    fn a_further_policy_gives_nobody_more() {
        let mut other = rules();
        other.treasuries.insert(network(6), Address::with_last_byte(7));
        other.treasuries.insert(network(5), Address::with_last_byte(7));
        let kim = other.people.get_mut("kim").unwrap();
        kim.roles = vec!["treasurer".to_owned(), "guardian".to_owned()];
        kim.keys = vec![Address::with_last_byte(2).into(), Address::with_last_byte(3).into()];
        let mallory = Person { keys: vec![Address::with_last_byte(4).into()], ..kim.clone() };
        other.people.insert("mallory".to_owned(), mallory);
        for (a, b) in [(rules(), other.clone()), (other, rules())] {
            let both = a.both(b);
            assert!(both.treasuries.is_empty(), "{both:?}");
            assert_eq!(both.people.keys().collect::<Vec<_>>(), ["kim"]);
            assert_eq!(both.people["kim"].roles, ["treasurer"]);
            assert_eq!(both.people["kim"].keys, [Address::with_last_byte(2).into()]);
        }
        assert_eq!(rules().both(rules()), rules());
        assert_eq!(FundRules::common([]), None);
    }

    #[test]
    fn before_a_policy_only_the_treasury_s_own_word_and_the_way_back_count() {
        let [treasury, other] = [9, 7].map(Address::with_last_byte);
        FundRules::may_draw_unadopted(&[other, treasury], treasury).unwrap();
        let why = FundRules::may_draw_unadopted(&[other], treasury).unwrap_err();
        assert!(why.contains("it has not approved this request"), "{why}");
        FundRules::may_draw_unadopted(&[], treasury).unwrap_err();
        FundRules::may_return_unadopted(&[other, treasury], treasury).unwrap();
        let why = FundRules::may_return_unadopted(&[other], treasury).unwrap_err();
        assert!(why.contains("lent none of these"), "{why}");
        FundRules::may_return_unadopted(&[], treasury).unwrap_err();
    }

    #[test]
    fn each_difference_to_the_file_is_named() {
        type Edit = fn(&mut FundRules);
        let cases: [(Edit, &str); 6] = [
            (|_| {}, ""),
            (|r| r.treasuries.clear(), "09; tidegate.toml names none"),
            (
                |r| r.treasuries.extend([(network(5), Address::with_last_byte(7))]),
                "09; tidegate.toml names 0x0000000000000000000000000000000000000007",
            ),
            (
                |r| r.treasuries.extend([(network(6), Address::with_last_byte(7))]),
                "on chain 6 is none",
            ),
            (|r| r.people.get_mut("kim").unwrap().roles.clear(), "who `kim` is"),
            (|r| drop(r.people.insert("eva".into(), r.people["kim"].clone())), "who `eva` is"),
        ];
        for (edit, says) in cases {
            let mut written = rules();
            edit(&mut written);
            let lines = rules().differences(&written).join("\n");
            assert!(lines.contains(says) && lines.is_empty() == says.is_empty(), "{lines}");
        }
    }

    #[test]
    fn a_policy_says_who_is_who_and_where_funds_belong() {
        let network = network(5);
        let at = Address::with_last_byte;
        let mut policy = PolicyDoc {
            v: 1,
            name: "vault".to_owned(),
            target: network,
            soaks: Vec::new(),
            quorum: 2,
            safe: SafeTrust {
                address: at(1),
                singleton_code_hash: B256::ZERO,
                owners: Vec::new(),
                threshold: 2,
                modules: Vec::new(),
                guard: Address::ZERO,
                module_guard: Address::ZERO,
                handler: Address::ZERO,
            },
            policy: BTreeMap::new(),
            people: rules().people,
            firms: BTreeMap::new(),
            externals: BTreeMap::new(),
            existing: BTreeMap::new(),
            params: BTreeMap::new(),
            funds: vec![Treasury { chain: ChainId(5), genesis: B256::ZERO, treasury: at(9) }],
        };
        assert_eq!(FundRules::of(&policy), rules());
        assert_eq!(FundRules::common([&policy, &policy]), Some(rules()));
        let before = policy.clone();
        policy.funds.clear();
        let both = FundRules::common([&before, &policy]).unwrap();
        assert_eq!((both.people, both.treasuries), (rules().people, BTreeMap::new()));
    }
}
