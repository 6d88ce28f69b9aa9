//! What auditors say that sets the soak back.

use tidegate_model::statement::Severity;

use super::judge::Judge;
use super::{AuditFacts, RevocationFact};
use crate::Reset;

impl AuditFacts {
    /// What starts the soak anew: an auditor takes back what they attested of a contract of the
    /// release, or finds something of high severity in exactly this scope. That the finding is
    /// withdrawn later does not undo it.
    pub fn resets(&self) -> Vec<Reset> {
        let judge = Judge::new(self, 0);
        let covering = judge.covering();
        let mut resets = Vec::new();
        let mut reset = |time, reason| resets.push(Reset { time, block: None, reason });
        for fact in self.attestations.iter().filter(|fact| covering.contains(&fact.digest)) {
            let (a, short) = (&fact.attestation, fact.digest.short());
            let Some(firm) = judge.firm(a.auditor) else { continue };
            let own = |r: &&RevocationFact| {
                r.attestation == fact.digest && r.by == fact.attestation.auditor
            };
            for revocation in self.revocations.iter().filter(own) {
                let found = &revocation.found;
                reset(revocation.at, format!("{firm} revoked attestation {short} ({found})"));
            }
            let listed = |severity| {
                let open = fact.findings.iter().flatten();
                open.filter(|finding| finding.severity == severity).count()
            };
            let critical = listed(Severity::Critical).max(a.open_critical.into());
            let high = listed(Severity::High).max(a.open_high.into());
            if a.scope_root == self.scope_root && fact.confirmed.is_ok() && critical + high > 0 {
                let reason = format!("{firm} found {critical} critical, {high} high ({short})");
                reset(a.issued_at, reason);
            }
        }
        resets
    }
}
