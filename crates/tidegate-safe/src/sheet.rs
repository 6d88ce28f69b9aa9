//! What a signer sees before signing, made from the bytes that will be signed.

use alloy_json_abi::JsonAbi;
use tidegate_model::units::format_utc;

use crate::batch::InnerCall;
use crate::canonical::canonical_by_address;
use crate::describe::{describe, escape};
use crate::proposal::{Adoption, Checked, Promotion, ProposalKind};
use crate::tx::Operation;

/// Rows of label and value, in the order in which they are shown. The names of the digests are
/// ERC-8213's, because each device shows another one of them. Calls are decoded from calldata by
/// the helper's ABI and by `abis`; an author's note is marked as such.
pub fn sheet(checked: &Checked, abis: &[JsonAbi]) -> Vec<(String, String)> {
    let proposal = checked.proposal();
    let tx = &proposal.safe_tx;
    let mut rows = Rows(Vec::new());
    rows.add("Chain", proposal.network.chain);
    rows.add("Safe", proposal.safe);
    match &proposal.kind {
        ProposalKind::Adoption(adoption) => rows.adoption(adoption),
        ProposalKind::Promotion(promotion) => rows.promotion(promotion),
    }
    rows.add("Domain Hash", checked.domain_hash());
    rows.add("Message Hash", checked.message_hash());
    rows.add("EIP-712 Digest", format!("{} (safeTxHash)", checked.hash()));
    rows.add("Calldata Digest", tx.calldata_digest());
    let known = canonical_by_address(tx.to).map(|known| format!(" ({known})"));
    rows.add("To", format!("{}{}", tx.to, known.unwrap_or_default()));
    rows.add("Value", format!("{} wei", tx.value));
    rows.add(
        "Operation",
        match tx.operation {
            Operation::Call => "0 (CALL)",
            Operation::DelegateCall => "1 (DELEGATECALL)",
        },
    );
    rows.add("Nonce", tx.nonce);
    for (index, call) in proposal.calls.iter().enumerate() {
        let label = format!("Call {} of {}", index + 1, proposal.calls.len());
        rows.call(&label, call, checked, abis);
    }
    rows.0
}

struct Rows(Vec<(String, String)>);

impl Rows {
    fn add(&mut self, label: &str, value: impl ToString) {
        self.0.push((label.to_owned(), value.to_string()));
    }

    fn adoption(&mut self, adoption: &Adoption) {
        self.add("Proposal", "adopt a policy");
        self.add("Project", adoption.project);
        self.add("Policy version", adoption.policy_version);
        self.add("Policy digest", adoption.policy_digest);
        let until = adoption.valid_until;
        self.add("Valid until", format!("{} ({until})", format_utc(until)));
    }

    fn promotion(&mut self, promotion: &Promotion) {
        self.add("Proposal", "promote a release");
        self.add("Project", promotion.project);
        self.add("Release root", promotion.release_root);
        self.add("Policy digest", promotion.policy_digest);
        self.add("Evidence digest", promotion.evidence_digest);
        self.add("Deployment digest", promotion.deployment_digest);
        let soak = &promotion.soak;
        self.add("Soak chain", soak.network.chain);
        self.add("Soak deployment digest", soak.deployment_digest);
        let terminal = format!("{} {}", soak.terminal.number, soak.terminal.hash);
        self.add("Soak terminal block", terminal);
        let until = promotion.valid_until;
        self.add("Valid until", format!("{} ({until})", format_utc(until)));
        if let Some(terms) = &promotion.emergency {
            self.add("Emergency", escape(&terms.incident));
            self.add("Replaces release", terms.baseline_root);
            self.add("Soak asked for", format!("{} s", terms.min_soak_seconds));
            self.add("Difference digest", terms.diff_digest);
            self.add("Owes until", format_utc(terms.retro_due_by));
        }
    }

    fn call(&mut self, label: &str, call: &InnerCall, checked: &Checked, abis: &[JsonAbi]) {
        let helper = checked.helper();
        let name = if call.to == helper { " (helper)" } else { "" };
        let own = call.to == checked.proposal().safe;
        let name = if own { " (the Safe itself)" } else { name };
        let known = canonical_by_address(call.to).map(|known| format!(" ({known})"));
        let known = known.unwrap_or_default();
        let value =
            if call.value.is_zero() { String::new() } else { format!(" with {} wei", call.value) };
        let description = describe(call, helper, abis);
        self.add(label, format!("{}{name}{known}{value}: {description}", call.to));
        for warning in description.warnings() {
            self.add(&format!("{label}, attention"), format!("this call {warning}"));
        }
        if own {
            self.add(&format!("{label}, attention"), "this call changes the Safe itself");
        }
        if !call.note.is_empty() {
            let note = format!("\"{}\" (its author's words, unchecked)", escape(&call.note));
            self.add(&format!("{label}, note"), note);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::proposal::tests::{checked_adoption, checked_promotion};

    use super::*;

    fn value<'a>(rows: &'a [(String, String)], label: &str) -> &'a str {
        rows.iter().find(|(found, _)| found == label).map_or("", |(_, value)| value)
    }

    #[test]
    fn a_promotion_shows_every_digest_and_call() {
        let checked = checked_promotion();
        let rows = sheet(&checked, &[]);
        assert_eq!(value(&rows, "Domain Hash"), checked.domain_hash().to_string());
        assert_eq!(value(&rows, "Message Hash"), checked.message_hash().to_string());
        assert!(value(&rows, "EIP-712 Digest").starts_with(&checked.hash().to_string()));
        let digest = checked.proposal().safe_tx.calldata_digest();
        assert_eq!(value(&rows, "Calldata Digest"), digest.to_string());
        assert!(value(&rows, "To").ends_with("(MultiSendCallOnly 1.4.1)"));
        assert_eq!(value(&rows, "Operation"), "1 (DELEGATECALL)");
        assert_eq!(value(&rows, "Valid until"), "2026-01-06 00:00 UTC (1767657600)");
        assert!(value(&rows, "Call 1 of 6").contains("(helper): requireBefore(timestamp = 1767"));
        assert!(value(&rows, "Call 5 of 6").contains("with 5 wei: grantRole("));
        assert_eq!(value(&rows, "Call 5 of 6, attention"), "this call grants a role");
        assert!(value(&rows, "Call 5 of 6, note").contains("unchecked"));
        assert!(value(&rows, "Call 6 of 6").contains("(helper): record(project ="));
    }

    #[test]
    fn an_adoption_is_one_direct_call() {
        let rows = sheet(&checked_adoption(), &[]);
        assert_eq!(value(&rows, "Operation"), "0 (CALL)");
        assert_eq!(value(&rows, "Policy version"), "3");
        assert!(value(&rows, "Call 1 of 1").contains("(helper): adoptPolicy("));
    }
}
