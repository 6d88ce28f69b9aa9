//! The set of statements a command sees: files in git, and what this machine has ever seen.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde_json::Value;
use tidegate_model::statement::{
    AuditAttestation, AuditRevocation, Bearing, Body, Bug, ContractSigner, EmergencyWaiver,
    General, SignedStatement, Standing, Statement,
};
use tidegate_model::units::counted;
use tidegate_model::{GateInput, ProjectId, Reason, ReleaseRoot, StatementDigest};

/// The source that a statement was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    File,
    /// Only in this machine's memory: its file is missing.
    Memory,
}

/// A statement whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The statement with its signature.
    pub signed: SignedStatement,
    /// The source that it was read from.
    pub origin: Origin,
}

/// A statement that does not count: its contract did not say, now, that the signature is its own,
/// or the block that it names is none of its target's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The statement as it was found.
    pub collected: Collected,
    /// The reason why it does not count.
    pub doubt: Doubt,
}

/// The reason why a statement does not count, and of which kind it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    pub why: Reason,
    /// The kind of doubt.
    pub kind: Doubtful,
}

/// The kind of doubt about a statement that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubtful {
    /// The contract that signed it stands there, was asked, and refuses the signature now.
    Refused,
    /// Nobody could say, about the signature or the block.
    Unasked,
    /// It never counted, nor will it.
    Void,
}

/// A statement of the general form.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    pub digest: StatementDigest,
    /// The signed message.
    pub general: &'a General,
    /// The signer's address.
    pub signer: Address,
    /// Whether it counts; otherwise why not.
    pub confirmed: Result<(), Reason>,
}

/// Every statement whose signature holds, by digest.
#[derive(Debug, Clone, Default)]
pub struct StatementSet {
    pub statements: BTreeMap<StatementDigest, Collected>,
    /// Statements by contracts, which only their chains can confirm. They count for nothing until
    /// [`StatementSet::confirm`] is called for them. Of one whose file has another signature than
    /// is remembered, both stand here: either may be the one that the contract accepts.
    pub pending: BTreeMap<StatementDigest, Vec<(Collected, ContractSigner)>>,
    /// Those that do not count, by their contracts or their blocks.
    pub unconfirmed: BTreeMap<StatementDigest, Unconfirmed>,
    /// Those that this machine remembers from before.
    pub remembered: BTreeSet<StatementDigest>,
    /// Where a statement by a contract was confirmed.
    pub confirmed: BTreeMap<StatementDigest, GateInput>,
    /// Files that are no valid statements, one sentence each.
    pub faults: Vec<String>,
}

/// Collects statements from files and from memory. Each is parsed and its signature checked;
/// what fails is named and counts for nothing, and displaces nothing: who signs is in the digest,
/// so a file under another's digest holds their own words or is refused.
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
            set.remembered.insert(standing.digest());
            set.add(standing, Collected { signed, origin: Origin::Memory });
        }
    }
    // A key's word needs no chain, wherever it was found.
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
                let both = self.pending.entry(digest).or_default();
                let is_new = |(known, _): &(Collected, _)| known.signed != collected.signed;
                if both.iter().all(is_new) {
                    both.push((collected, contract));
                }
            }
        }
    }

    /// Notes what a contract said of a pending statement: which of its signatures holds and where
    /// that was read, or why it does not count.
    pub fn confirm(
        &mut self,
        digest: StatementDigest,
        answer: Result<(usize, Option<GateInput>), Doubt>,
    ) {
        let Some(mut both) = self.pending.remove(&digest) else { return };
        match answer {
            Ok((index, input)) => {
                self.confirmed.extend(input.map(|input| (digest, input)));
                if index < both.len() {
                    self.statements.insert(digest, both.swap_remove(index).0);
                }
            }
            Err(doubt) => {
                let first = both.into_iter().next();
                let found = first.map(|(collected, _)| Unconfirmed { collected, doubt });
                self.unconfirmed.extend(found.map(|found| (digest, found)));
            }
        }
    }

    /// Sets a statement aside, of which its date says that it does not count.
    pub(crate) fn set_aside(&mut self, digest: StatementDigest, doubt: Doubt) {
        let pending = self.pending.remove(&digest).and_then(|both| both.into_iter().next());
        let pending = pending.map(|(collected, _)| collected);
        if let Some(collected) = self.statements.remove(&digest).or(pending) {
            self.unconfirmed.insert(digest, Unconfirmed { collected, doubt });
        }
    }

    /// Those that may count after all, for all that is known: nobody may take a stop for gone who
    /// cannot check it.
    pub fn doubtful(&self) -> impl Iterator<Item = (StatementDigest, &Unconfirmed)> {
        let found = self.unconfirmed.iter().map(|(digest, found)| (*digest, found));
        found.filter(|(_, found)| found.doubt.kind != Doubtful::Void)
    }

    /// Those that a chain contradicts: they never counted, nor will they.
    pub fn void(&self) -> BTreeSet<StatementDigest> {
        let void = self.unconfirmed.iter();
        let void = void.filter(|(_, found)| found.doubt.kind == Doubtful::Void);
        void.map(|(digest, _)| *digest).collect()
    }

    /// The doubt about some statement whose kind begins with `kind` that may still turn out to
    /// count.
    pub fn unasked(&self, kind: &str) -> Option<&Reason> {
        let of_kind = self.doubtful().find(|(_, found)| match &found.collected.signed.statement {
            Statement::Statement(general) => general.body.kind().starts_with(kind),
            Statement::AuditAttestation(_) | Statement::EmergencyWaiver(_) => false,
        });
        of_kind.map(|(_, found)| &found.doubt.why)
    }

    /// Every statement that counts, or is there and counted once, with its date: its contract has
    /// changed its mind, of which the gates speak. Not so of one that no gate would miss. One that
    /// names no block has no date but its author's word, which is 0 here.
    pub fn present(&self) -> BTreeMap<StatementDigest, u64> {
        let refused = self.unconfirmed.iter().filter(|(_, found)| {
            let missed = match &found.collected.signed.statement {
                Statement::Statement(general) => {
                    !matches!(general.body, Body::FundRequest(_) | Body::SoakSample(_))
                }
                Statement::AuditAttestation(_) | Statement::EmergencyWaiver(_) => true,
            };
            found.doubt.kind == Doubtful::Refused && missed
        });
        let refused = refused.map(|(digest, found)| (digest, &found.collected));
        let all = self.statements.iter().chain(refused);
        let date = |of: &Statement| of.at().block().map_or(0, |_| of.issued_at());
        all.map(|(digest, found)| (*digest, date(&found.signed.statement))).collect()
    }

    /// The signed statement of this digest, whether or not its contract confirms it.
    pub fn signed(&self, digest: StatementDigest) -> Option<&SignedStatement> {
        let unconfirmed = || self.unconfirmed.get(&digest).map(|found| &found.collected);
        self.statements.get(&digest).or_else(unconfirmed).map(|collected| &collected.signed)
    }

    /// Every attestation that counts, with its digest and origin.
    pub fn attestations(
        &self,
    ) -> impl Iterator<Item = (StatementDigest, &AuditAttestation, Origin)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::AuditAttestation(a) => Some((*digest, a, collected.origin)),
            _ => None,
        })
    }

    /// Every revocation, also one that is not confirmed.
    pub fn revocations(&self) -> impl Iterator<Item = (Said<'_>, &AuditRevocation)> {
        self.said().filter_map(|said| match &said.general.body {
            Body::AuditRevoke(revocation) => Some((said, revocation)),
            _ => None,
        })
    }

    /// Every other statement with its signer.
    pub fn general(
        &self,
    ) -> impl Iterator<Item = (StatementDigest, &General, alloy_primitives::Address)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::Statement(g) => Some((*digest, g, g.signer)),
            _ => None,
        })
    }

    /// The same, and those that stop something and that are not confirmed: nobody takes a stop back
    /// by rotating the owners of a Safe.
    pub fn said(&self) -> impl Iterator<Item = Said<'_>> {
        let counts = self.general().map(|(digest, general, signer)| Said {
            digest,
            general,
            signer,
            confirmed: Ok(()),
        });
        let doubtful = self.doubtful().filter_map(|(digest, found)| {
            let statement = &found.collected.signed.statement;
            let Statement::Statement(general) = statement else { return None };
            let confirmed = Err(found.doubt.why.clone());
            let said = Said { digest, general, signer: general.signer, confirmed };
            statement.stops().then_some(said)
        });
        counts.chain(doubtful)
    }

    /// The general statements that count for a project's target, unconfirmed ones included.
    pub fn said_for<'a>(
        &'a self,
        name: &'a str,
        target: ProjectId,
    ) -> impl Iterator<Item = Said<'a>> {
        self.said().filter(move |said| said.general.counts_for(name, target))
    }

    /// Every bug, also one that is not confirmed. A bug of a release is one on every target.
    pub fn bugs(&self) -> impl Iterator<Item = (Said<'_>, &Bug)> {
        self.said().filter_map(|said| match &said.general.body {
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

    /// The keys that have signed something for a project of this name, or any audit.
    pub fn signers(&self, name: &str) -> BTreeSet<Address> {
        let signed = self.statements.values().filter(|collected| {
            let Statement::Statement(general) = &collected.signed.statement else { return true };
            general.project.as_ref().is_none_or(|project| project.name == name)
        });
        signed.map(|collected| collected.signed.signer()).collect()
    }

    /// Every statement that a `go` for this release must have seen, each in words. What strangers
    /// sign binds nobody: otherwise anybody could make every go stale.
    pub fn bearing(
        &self,
        name: &str,
        target: ProjectId,
        release: ReleaseRoot,
        is_known: impl Fn(Address) -> bool,
    ) -> BTreeMap<StatementDigest, String> {
        let mut found = BTreeMap::new();
        let mut later = Vec::new();
        for (digest, collected) in &self.statements {
            let statement = &collected.signed.statement;
            let on = match statement {
                _ if !is_known(collected.signed.signer()) => continue,
                // One of another scope may cover a contract of this release.
                Statement::AuditAttestation(_) => Bearing::Project,
                Statement::Statement(g) if g.counts_for(name, target) => g.body.bearing(),
                Statement::Statement(_) | Statement::EmergencyWaiver(_) => Bearing::Nothing,
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

    /// The general statements of a project that gates use: those by people of the policy.
    pub fn weighed(
        &self,
        name: &str,
        target: ProjectId,
        is_known: impl Fn(Address) -> bool,
    ) -> BTreeSet<StatementDigest> {
        let weighed = self
            .general()
            .filter(|(_, general, signer)| general.counts_for(name, target) && is_known(*signer));
        weighed.map(|(digest, ..)| digest).collect()
    }

    /// As [`Self::remarks`]; those about releases that are not here, because they are of another
    /// branch or were not pulled, are counted in one sentence.
    pub fn remarks_beside(&self, is_here: impl Fn(ReleaseRoot) -> bool) -> Vec<String> {
        let is_elsewhere =
            |statement: &Statement| release_of(statement).is_some_and(|release| !is_here(release));
        let missing = self.statements.values().filter(|c| c.origin == Origin::Memory);
        let elsewhere = missing.filter(|c| is_elsewhere(&c.signed.statement)).count();
        let own = self.statements.iter().filter(|(_, c)| !is_elsewhere(&c.signed.statement));
        let mut remarks = remarks(own);
        if elsewhere > 0 {
            let statements = counted(elsewhere, "statement");
            remarks.push(format!(
                "{statements} about releases that nothing here is of: pull, or look on the branch \
                 that has them; what they stop stays stopped"
            ));
        }
        remarks
    }

    /// Statements whose files are missing, one sentence each.
    pub fn remarks(&self) -> Vec<String> {
        remarks(self.statements.iter())
    }
}

fn remarks<'a>(all: impl Iterator<Item = (&'a StatementDigest, &'a Collected)>) -> Vec<String> {
    let missing = all.filter(|(_, collected)| collected.origin == Origin::Memory);
    let remark = |(digest, collected): (&StatementDigest, &Collected)| {
        format!(
            "deployments/statements/{digest}.json is missing here ({}); pull or restore it",
            collected.signed.statement.text()
        )
    };
    missing.map(remark).collect()
}

/// The one release that a statement is about, if it is about one.
const fn release_of(statement: &Statement) -> Option<ReleaseRoot> {
    let Statement::Statement(General { body, .. }) = statement else { return None };
    match body {
        Body::Go(go) => Some(go.release),
        Body::NoGo(no_go) => Some(no_go.release),
        Body::Bug(bug) => Some(bug.release),
        Body::Waiver(waiver) => Some(waiver.release),
        Body::SoakSample(sample) => Some(sample.release),
        Body::Postmortem(found) => Some(found.release),
        Body::FundRequest(request) => request.release,
        _ => None,
    }
}

#[cfg(test)]
mod tests;
