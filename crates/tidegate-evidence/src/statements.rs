//! The set of statements a command sees: files in git, and what this machine has ever seen.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde_json::Value;
use tidegate_model::statement::{
    AuditAttestation, AuditRevocation, Bearing, Body, Bug, ContractSigner, EmergencyWaiver,
    General, SignedStatement, Standing, Statement,
};
use tidegate_model::{GateInput, ProjectId, ReleaseRoot, StatementDigest};

/// Where a statement was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File,
    /// Only in this machine's memory: its file is missing.
    Memory,
}

/// A statement whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// What was signed, by whom.
    pub signed: SignedStatement,
    /// Where it was found.
    pub origin: Origin,
}

/// A statement by a contract that did not say, now, that the signature is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The statement as it was found.
    pub collected: Collected,
    /// Why it does not count.
    pub doubt: Doubt,
}

/// Why a contract's statement does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// In words that go on from "the contract that signed it".
    pub why: String,
    /// Whether a contract stands there and was asked.
    pub asked: bool,
}

/// A statement of the general form.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// Its digest.
    pub digest: StatementDigest,
    /// What was signed.
    pub general: &'a General,
    /// By whom.
    pub signer: Address,
    /// Whether it counts; otherwise why not, in words that go on from "the contract that signed
    /// it".
    pub confirmed: Result<(), String>,
}

/// Every statement whose signature holds, by digest.
#[derive(Debug, Clone, Default)]
pub struct StatementSet {
    /// The statements.
    pub statements: BTreeMap<StatementDigest, Collected>,
    /// Statements by contracts, which only their chains can confirm. They count for nothing until
    /// [`StatementSet::confirm`] is called for them.
    pub pending: BTreeMap<StatementDigest, (Collected, ContractSigner)>,
    /// Those that their contracts did not confirm.
    pub unconfirmed: BTreeMap<StatementDigest, Unconfirmed>,
    /// Where a statement by a contract was confirmed.
    pub confirmed: BTreeMap<StatementDigest, GateInput>,
    /// Files that are no valid statements, one sentence each.
    pub faults: Vec<String>,
}

/// Collects statements from files and from memory. Each is parsed and its signature checked;
/// what fails is named and counts for nothing.
pub fn collect(
    files: impl IntoIterator<Item = (String, Result<Value, String>)>,
    seen: impl IntoIterator<Item = (StatementDigest, Value)>,
) -> StatementSet {
    let mut set = StatementSet::default();
    for (name, content) in files {
        match content.and_then(verified) {
            Ok((standing, signed)) if name == file_name(standing.digest()) => {
                set.add(standing, Collected { signed, origin: Origin::File });
            }
            Ok((standing, _)) => {
                let digest = standing.digest();
                let right = file_name(digest);
                set.faults.push(format!("{name} holds the statement of {right}"));
            }
            Err(why) => set.faults.push(format!("{name}: {why}")),
        }
    }
    for (_, value) in seen {
        if let Ok((standing, signed)) = verified(value) {
            set.add(standing, Collected { signed, origin: Origin::Memory });
        }
    }
    // A key's word needs no chain.
    let StatementSet { statements, pending, .. } = &mut set;
    pending.retain(|digest, _| !statements.contains_key(digest));
    set
}

fn file_name(digest: StatementDigest) -> String {
    format!("{digest}.json")
}

fn verified(value: Value) -> Result<(Standing, SignedStatement), String> {
    let signed: SignedStatement =
        serde_json::from_value(value).map_err(|error| error.to_string())?;
    let standing = signed.check().map_err(|error| error.to_string())?;
    Ok((standing, signed))
}

impl StatementSet {
    /// Adds one; a file comes before what is remembered.
    fn add(&mut self, standing: Standing, collected: Collected) {
        match standing {
            Standing::Holds(digest) => {
                self.statements.entry(digest).or_insert(collected);
            }
            Standing::Pending(digest, contract) => {
                self.pending.entry(digest).or_insert((collected, contract));
            }
        }
    }

    /// Notes what a contract said of a pending statement: that it holds and where that was read,
    /// or why it does not count.
    pub fn confirm(&mut self, digest: StatementDigest, answer: Result<Option<GateInput>, Doubt>) {
        let Some((collected, _)) = self.pending.remove(&digest) else { return };
        match answer {
            Ok(input) => {
                self.confirmed.extend(input.map(|input| (digest, input)));
                self.statements.insert(digest, collected);
            }
            Err(doubt) => {
                self.unconfirmed.insert(digest, Unconfirmed { collected, doubt });
            }
        }
    }

    /// The digest of every statement that counts, or is there and counted once: its contract has
    /// changed its mind, of which the gates speak. Not so of one that anybody may have put in place
    /// of a key's statement, nor of one that no gate would miss.
    pub fn present(&self) -> BTreeSet<StatementDigest> {
        let refused = self.unconfirmed.iter().filter(|(_, found)| {
            let signed = &found.collected.signed;
            found.doubt.asked
                && match &signed.statement {
                    Statement::Statement(general) => {
                        !matches!(general.body, Body::FundRequest(_) | Body::SoakSample(_))
                            && general.salt_by(signed.signer).ok() == Some(general.salt)
                    }
                    // These name who signs.
                    Statement::AuditAttestation(_)
                    | Statement::AuditRevocation(_)
                    | Statement::EmergencyWaiver(_) => true,
                }
        });
        let refused = refused.map(|(digest, _)| digest);
        self.statements.keys().chain(refused).copied().collect()
    }

    /// What was signed, whether or not its contract confirms it.
    pub fn signed(&self, digest: StatementDigest) -> Option<&SignedStatement> {
        let unconfirmed = || self.unconfirmed.get(&digest).map(|found| &found.collected);
        self.statements.get(&digest).or_else(unconfirmed).map(|collected| &collected.signed)
    }

    /// Every attestation.
    pub fn attestations(
        &self,
    ) -> impl Iterator<Item = (StatementDigest, &AuditAttestation, Origin)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::AuditAttestation(a) => Some((*digest, a, collected.origin)),
            _ => None,
        })
    }

    /// Every revocation.
    pub fn revocations(&self) -> impl Iterator<Item = (StatementDigest, &AuditRevocation)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::AuditRevocation(r) => Some((*digest, r)),
            _ => None,
        })
    }

    /// Every other statement with its signer.
    pub fn general(
        &self,
    ) -> impl Iterator<Item = (StatementDigest, &General, alloy_primitives::Address)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::Statement(g) => Some((*digest, g, collected.signed.signer)),
            _ => None,
        })
    }

    /// The same, and those that stop something and that the contracts which signed them do not
    /// confirm: nobody takes a stop back by rotating the owners of a Safe.
    pub fn said(&self) -> impl Iterator<Item = Said<'_>> {
        let counts = self.general().map(|(digest, general, signer)| Said {
            digest,
            general,
            signer,
            confirmed: Ok(()),
        });
        let doubtful = self.unconfirmed.iter().filter_map(|(digest, found)| {
            let signed = &found.collected.signed;
            let Statement::Statement(general) = &signed.statement else { return None };
            let confirmed = Err(found.doubt.why.clone());
            let said = Said { digest: *digest, general, signer: signed.signer, confirmed };
            signed.statement.stops().then_some(said)
        });
        counts.chain(doubtful)
    }

    /// Every bug of a project's releases, also one that is not confirmed.
    pub fn bugs(&self, project: ProjectId) -> impl Iterator<Item = (Said<'_>, &Bug)> {
        let of_project = self.said().filter(move |said| said.general.project == project);
        of_project.filter_map(|said| match &said.general.body {
            Body::Bug(bug) => Some((said, bug)),
            _ => None,
        })
    }

    /// Every guardian's word on an emergency.
    pub fn emergencies(&self) -> impl Iterator<Item = &EmergencyWaiver> {
        self.statements.values().filter_map(|collected| match &collected.signed.statement {
            Statement::EmergencyWaiver(waiver) => Some(&**waiver),
            _ => None,
        })
    }

    /// The keys that have signed something for a project, or any audit.
    pub fn signers(&self, project: ProjectId) -> BTreeSet<Address> {
        let signed = self.statements.values().filter(|collected| {
            !matches!(&collected.signed.statement, Statement::Statement(g) if g.project != project)
        });
        signed.map(|collected| collected.signed.signer).collect()
    }

    /// Every statement that a `go` for this release must have seen, each in words. What strangers
    /// sign binds nobody: otherwise anybody could make every go stale.
    pub fn bearing(
        &self,
        project: ProjectId,
        release: ReleaseRoot,
        is_known: impl Fn(Address) -> bool,
    ) -> BTreeMap<StatementDigest, String> {
        let mut found = BTreeMap::new();
        let mut later = Vec::new();
        for (digest, collected) in &self.statements {
            let statement = &collected.signed.statement;
            let on = match statement {
                _ if !is_known(collected.signed.signer) => continue,
                // One of another scope may cover a contract of this release.
                Statement::AuditAttestation(_) => Bearing::Project,
                Statement::AuditRevocation(r) => Bearing::On(r.attestation),
                Statement::Statement(g) if g.project == project => g.body.bearing(),
                _ => Bearing::Nothing,
            };
            match on {
                Bearing::Project => drop(found.insert(*digest, statement.text())),
                Bearing::Release(of) if of == release => {
                    found.insert(*digest, statement.text());
                }
                Bearing::On(other) => later.push((*digest, other, statement.text())),
                Bearing::Release(_) | Bearing::Nothing => {}
            }
        }
        // What speaks of a statement that is not here may speak of this release.
        let here = |digest| self.statements.contains_key(&digest);
        let firsts: BTreeSet<_> = found.keys().copied().collect();
        let later = later.into_iter().filter(|(_, on, _)| firsts.contains(on) || !here(*on));
        found.extend(later.map(|(digest, _, text)| (digest, text)));
        found
    }

    /// What the gates go by of the general statements of a project: those by people of the policy,
    /// and what strangers say of fund requests on which these decided.
    pub fn weighed(
        &self,
        project: ProjectId,
        is_known: impl Fn(Address) -> bool,
    ) -> BTreeSet<StatementDigest> {
        let of_project = || self.general().filter(|(_, general, _)| general.project == project);
        let decided = of_project().filter(|(_, _, signer)| is_known(*signer));
        let decided = decided.filter_map(|(_, general, _)| match &general.body {
            Body::FundApprove(decision) | Body::FundDeny(decision) => Some(decision.request),
            _ => None,
        });
        let decided: BTreeSet<_> = decided.collect();
        let weighed = of_project().filter(|(digest, general, signer)| {
            is_known(*signer)
                || match &general.body {
                    Body::FundRequest(_) => decided.contains(digest),
                    Body::FundDraw(moved) | Body::FundReturn(moved) => {
                        decided.contains(&moved.request)
                    }
                    _ => false,
                }
        });
        weighed.map(|(digest, ..)| digest).collect()
    }

    /// Statements whose files are missing, one sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let missing = self.statements.iter().filter(|(_, c)| c.origin == Origin::Memory);
        missing
            .map(|(digest, collected)| {
                format!(
                    "deployments/statements/{digest}.json is missing here ({}); restore it",
                    collected.signed.statement.text()
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, U256};
    use tidegate_model::statement::{Freeze, FundDecision, FundRequest, FundTransfer, Go, NoGo};
    use tidegate_model::{BlockRef, ChainId, NetworkId};

    use super::*;

    /// A revocation that a contract is said to have signed.
    fn by_contract(signature: u8) -> (StatementDigest, Value) {
        let statement = Statement::AuditRevocation(AuditRevocation {
            auditor: Address::with_last_byte(1),
            attestation: StatementDigest(B256::ZERO),
            reason: 0,
            detail: String::new(),
            revoked_at: 0,
        });
        let digest = statement.digest().unwrap();
        let block = BlockRef { number: 1, hash: B256::ZERO };
        let signed = SignedStatement {
            v: SignedStatement::VERSION,
            statement,
            signer: Address::with_last_byte(1),
            signature: vec![signature].into(),
            contract: Some(ContractSigner { chain: ChainId(1), block }),
        };
        (digest, serde_json::to_value(&signed).unwrap())
    }

    /// A statement of a release that a contract is said to have signed, which it does not confirm.
    fn refused(body: Body, salted: bool, asked: bool) -> (StatementDigest, StatementSet) {
        let signer = Address::with_last_byte(1);
        let (project, subject, salt) = (ProjectId(B256::ZERO), B256::ZERO, B256::ZERO);
        let mut general = General { project, subject, body, issued_at: 5, expires_at: 9, salt };
        if salted {
            general.salt = general.salt_by(signer).unwrap();
        }
        let statement = Statement::Statement(general);
        let digest = statement.digest().unwrap();
        let block = BlockRef { number: 1, hash: B256::ZERO };
        let signed = SignedStatement {
            v: SignedStatement::VERSION,
            statement,
            signer,
            signature: vec![1].into(),
            contract: Some(ContractSigner { chain: ChainId(1), block }),
        };
        let value = serde_json::to_value(&signed).unwrap();
        let mut set = collect([(file_name(digest), Ok(value))], []);
        set.confirm(digest, Err(Doubt { why: "refuses it".to_owned(), asked }));
        (digest, set)
    }

    #[test]
    fn a_stop_that_is_not_confirmed_stays_in_sight() {
        let (release, discipline) = (ReleaseRoot(B256::ZERO), None);
        let reason = String::new;
        let no_go = Body::NoGo(NoGo { release, discipline, reason: reason() });
        let freeze = Body::Freeze(Freeze { until: 9, reason: reason() });
        let go = Body::Go(Go::over(release, [], None, reason()));
        for (body, stops) in [(no_go.clone(), true), (freeze, true), (go, false)] {
            let (digest, set) = refused(body, true, true);
            let found: Vec<_> = set.said().map(|said| (said.digest, said.confirmed)).collect();
            let doubtful = vec![(digest, Err("refuses it".to_owned()))];
            assert_eq!(found, if stops { doubtful } else { Vec::new() });
            assert_eq!(set.general().count(), 0, "it counts for nothing else");
        }
        // Its file is there, unless anybody may have put it in place of another's.
        for (salted, asked) in [(true, true), (true, false), (false, true)] {
            let (digest, set) = refused(no_go.clone(), salted, asked);
            assert_eq!(set.present().contains(&digest), salted && asked, "{salted} {asked}");
        }
    }

    #[test]
    fn what_strangers_say_is_weighed_only_where_somebody_decided_on_it() {
        let mut set = StatementSet::default();
        let mut say = |signer, body| {
            let (project, subject) = (ProjectId(B256::ZERO), B256::ZERO);
            let signer = Address::with_last_byte(signer);
            let salt = B256::ZERO;
            let general = General { project, subject, body, issued_at: 5, expires_at: 9, salt };
            let statement = Statement::Statement(general);
            let digest = statement.digest().unwrap();
            let (v, signature) = (SignedStatement::VERSION, vec![1].into());
            let signed = SignedStatement { v, statement, signer, signature, contract: None };
            set.statements.insert(digest, Collected { signed, origin: Origin::Memory });
            digest
        };
        let network = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
        let request = |reason: &str| {
            Body::FundRequest(FundRequest {
                network,
                amount: U256::from(1),
                destination: Address::ZERO,
                release: None,
                reason: reason.to_owned(),
            })
        };
        let draw = |request| {
            let (amount, transaction) = (U256::from(1), B256::ZERO);
            Body::FundDraw(FundTransfer { network, request, amount, transaction })
        };
        let approve = |request| Body::FundApprove(FundDecision { request, reason: String::new() });
        let release = ReleaseRoot(B256::ZERO);
        let no_go = |reason: &str| {
            Body::NoGo(NoGo { release, discipline: None, reason: reason.to_owned() })
        };
        let (kim, stranger) = (1, 9);
        let granted = say(stranger, request("granted"));
        let mut expected = vec![
            granted,
            say(stranger, draw(granted)),
            say(kim, approve(granted)),
            say(kim, request("own")),
            say(kim, no_go("known")),
        ];
        let other = say(stranger, request("other"));
        say(stranger, approve(other));
        say(stranger, draw(other));
        say(stranger, no_go("unknown"));
        expected.sort_unstable();
        let is_known = |key| key == Address::with_last_byte(kim);
        let weighed = set.weighed(ProjectId(B256::ZERO), is_known);
        assert_eq!(weighed.into_iter().collect::<Vec<_>>(), expected);
        assert!(set.weighed(ProjectId(B256::repeat_byte(1)), is_known).is_empty());
    }

    #[test]
    fn what_a_contract_signed_counts_only_once_it_says_so() {
        let (digest, value) = by_contract(1);
        let file = || [(file_name(digest), Ok(value.clone()))];
        let seen = [(digest, by_contract(2).1)];
        let set = collect(file(), seen);
        assert!(set.statements.is_empty() && set.faults.is_empty());
        let (collected, _) = &set.pending[&digest];
        assert_eq!(collected.origin, Origin::File, "a file comes before what is remembered");

        let mut refused = set.clone();
        let doubt = Doubt { why: "refuses it".to_owned(), asked: true };
        refused.confirm(digest, Err(doubt.clone()));
        assert_eq!(refused.revocations().count(), 0);
        assert_eq!(refused.unconfirmed[&digest].doubt, doubt);
        assert!(refused.present().contains(&digest), "its file is still there");
        let mut accepted = set;
        accepted.confirm(digest, Ok(None));
        assert_eq!(accepted.revocations().count(), 1);
        assert!(accepted.pending.is_empty());

        let other = format!("0x{}.json", "00".repeat(32));
        assert_eq!(collect([(other, Ok(value))], []).faults.len(), 1);
    }
}
