//! Auditors whose compiler is another build than ours.

use std::collections::BTreeSet;

use alloy_primitives::B256;
use tidegate_model::release::Compiler;

use super::AuditFacts;

impl AuditFacts {
    /// What is said of attestations that count and name another build of a compiler than these,
    /// under the same version. Official builds of one version make the same code; whoever trusts
    /// another build vouches for it alone.
    pub fn other_builds(&self, ours: &[Compiler], time: u64) -> Vec<String> {
        let counting = self.counting(time);
        let facts = self.attestations.iter().filter(|fact| counting.contains(&fact.digest));
        let said = facts.flat_map(|fact| {
            let auditor = fact.attestation.auditor;
            let mut people = self.people.iter();
            let person = people.find(|(_, person)| person.holds(auditor));
            let name = person.map_or_else(
                || auditor.to_string(),
                |(name, person)| {
                    let firm = person.firm.as_deref().unwrap_or("no firm");
                    format!("{name} ({firm})")
                },
            );
            let built = fact.attestation.built_by().into_iter();
            built.filter_map(move |theirs| {
                let version = theirs.plain_version();
                let same = ours.iter().filter(|ours| ours.plain_version() == version);
                let known: BTreeSet<B256> = same.map(|ours| ours.sha256).collect();
                let other = !known.is_empty() && !known.contains(&theirs.sha256);
                other.then(|| {
                    let ours = known.iter().map(B256::to_string).collect::<Vec<_>>().join(", ");
                    format!(
                        "{name} attested code that another build of {version} compiled: its \
                         SHA-256 is {}, that of the build here {ours}",
                        theirs.sha256
                    )
                })
            })
        });
        said.collect()
    }
}
