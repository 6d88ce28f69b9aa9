//! The signer's sheet, made from the bytes that will be signed.

use alloy_json_abi::JsonAbi;
use tidegate_model::units::format_utc;

use crate::batch::InnerCall;
use crate::canonical::canonical_by_address;
use crate::describe::{describe, escape};
use crate::proposal::{Adoption, Checked, Promotion, ProposalKind};
use crate::tx::Operation;
use crate::warning::{Warned, warnings};

/// The suffix of a row's label that a signer must not overlook.
pub const ATTENTION: &str = ", attention";

/// Rows of label and value, in the order in which they are shown. The names of the digests are
/// ERC-8213's, because each device shows another one of them. Calls are decoded from calldata by
/// the helper's ABI and by `abis`; an author's note is marked as such.
pub fn sheet(checked: &Checked, abis: &[JsonAbi]) -> Vec<(String, String)> {
    sheet_with(checked, abis, None)
}

/// The same with notes of whoever built the same calls on this machine, instead of the author's.
pub fn sheet_with(
    checked: &Checked,
    abis: &[JsonAbi],
    own: Option<&[InnerCall]>,
) -> Vec<(String, String)> {
    let warned = warnings(checked, abis);
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
        rows.warnings(&label, &warned, Some(index + 1));
        match own.map(|own| own.get(index).map(|call| &call.note)) {
            Some(Some(note)) => rows.add(&format!("{label}, built here"), note),
            Some(None) => {}
            None if call.note.is_empty() => {}
            None => {
                let note = format!("\"{}\" (its author's words, unchecked)", escape(&call.note));
                rows.add(&format!("{label}, note"), note);
            }
        }
    }
    if let ProposalKind::Promotion(promotion) = &proposal.kind {
        for found in promotion.judged.elsewhere(proposal.network.chain) {
            let at = format!("{} on chain {}", found.contract, found.chain);
            rows.add("Signer elsewhere", format!("{at}: statement {}", found.statement));
        }
    }
    rows.warnings("Proposal", &warned, None);
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
    }

    fn warnings(&mut self, label: &str, warned: &[Warned], call: Option<usize>) {
        for found in warned.iter().filter(|found| found.call == call) {
            self.add(&format!("{label}{ATTENTION}"), found.warning.says());
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt};
    use alloy_primitives::{Address, B256, Bytes, U256};

    use crate::describe::show;
    use crate::proposal::tests::{checked_adoption, checked_promotion, checked_promotion_of};
    use crate::sensitive::table;
    use crate::warning::Warning;

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
    fn a_call_without_a_note_has_none() {
        let call = |note: &str| InnerCall {
            to: Address::repeat_byte(0xaa),
            value: U256::from(1),
            data: Bytes::new(),
            note: note.to_owned(),
        };
        let has = |note: &str| {
            let rows = sheet(&checked_promotion_of(call(note)), &[]);
            rows.iter().any(|(label, _)| label == "Call 5 of 6, note")
        };
        assert!(has("pays") && !has(""));
    }

    #[test]
    fn an_adoption_is_one_direct_call() {
        let rows = sheet(&checked_adoption(), &[]);
        assert_eq!(value(&rows, "Operation"), "0 (CALL)");
        assert_eq!(value(&rows, "Policy version"), "3");
        assert!(value(&rows, "Call 1 of 1").contains("(helper): adoptPolicy("));
    }

    /// Something of a type that is seen again.
    fn sample(ty: &DynSolType, n: u8) -> DynSolValue {
        match ty {
            DynSolType::Address => Address::repeat_byte(0x10 + n).into(),
            DynSolType::Uint(bits) if *bits == 8 => DynSolValue::Uint(U256::from(1), 8),
            DynSolType::Uint(bits) => {
                DynSolValue::Uint(U256::from(7_000_001 + u64::from(n)), *bits)
            }
            DynSolType::FixedBytes(size) => {
                DynSolValue::FixedBytes(B256::repeat_byte(0xb0 + n), *size)
            }
            DynSolType::Bool => DynSolValue::Bool(true),
            DynSolType::String => DynSolValue::String(format!("text {n}")),
            DynSolType::Bytes => DynSolValue::Bytes(vec![0xc0 + n; 5]),
            DynSolType::Array(inner) => DynSolValue::Array(vec![sample(inner, n)]),
            other => panic!("the table has no {other}"),
        }
    }

    fn grant() -> (DynSolValue, String) {
        let grant = table().iter().find(|entry| entry.function.name == "grantRole").unwrap();
        let values = [sample(&DynSolType::FixedBytes(32), 9), sample(&DynSolType::Address, 9)];
        let account = show(&values[1]);
        let data = grant.function.abi_encode_input(&values).unwrap();
        (DynSolValue::Bytes(data), format!("account = {account}"))
    }

    /// Each function of the table, with every argument: none is left out, and nor is the warning,
    /// the value, or what a call inside of it does.
    #[test]
    fn every_sensitive_call_warns_and_shows_every_argument() {
        for entry in table() {
            let (inner, says) = grant();
            let mut expected = vec![entry.function.name.clone(), "with 3 wei".to_owned()];
            let mut warned = vec![entry.warning, Warning::SendsValue];
            let mut values = Vec::new();
            for (n, input) in entry.function.inputs.iter().enumerate() {
                let ty = DynSolType::parse(&input.ty).unwrap();
                let value = match (entry.carries(n), &ty) {
                    (false, _) => sample(&ty, u8::try_from(n).unwrap()),
                    (true, DynSolType::Array(_)) => DynSolValue::Array(vec![inner.clone()]),
                    (true, _) => inner.clone(),
                };
                if entry.carries(n) {
                    warned.push(Warning::GrantsRole);
                    expected.push(says.clone());
                } else {
                    expected.push(format!("{} = {}", input.name, show(&value)));
                }
                values.push(value);
            }
            let data = Bytes::from(entry.function.abi_encode_input(&values).unwrap());
            let (to, value) = (Address::repeat_byte(0xaa), U256::from(3));
            let checked = checked_promotion_of(InnerCall { to, value, data, note: String::new() });
            let rows = sheet(&checked, &[]);
            let shown = super::tests::value(&rows, "Call 5 of 6");
            for text in expected {
                assert!(shown.contains(&text), "{shown} does not say {text}");
            }
            for warning in warned {
                let row = ("Call 5 of 6, attention".to_owned(), warning.says().to_owned());
                assert!(rows.contains(&row), "{shown} does not warn: {}", warning.says());
            }
        }
    }

    /// A sensitive call in a function that only the release's ABI knows, in each shape of argument.
    #[test]
    fn a_sensitive_call_warns_in_any_shape() {
        let (grant, says) = grant();
        let list = |value: DynSolValue| DynSolValue::Array(vec![value]);
        let entry = || DynSolValue::Tuple(vec![Address::repeat_byte(1).into(), grant.clone()]);
        let multicall = table().iter().find(|entry| entry.function.name == "multicall").unwrap();
        let nested = multicall.function.abi_encode_input(&[list(grant.clone())]).unwrap();
        let cases = [
            ("run((address,bytes) entry)", entry()),
            ("run((address,bytes)[] entries)", list(entry())),
            ("run(bytes[] calls)", list(grant.clone())),
            ("run(bytes[] calls)", list(DynSolValue::Bytes(nested))),
        ];
        for (function, value) in cases {
            let abi = JsonAbi::parse([&*format!("function {function}")]).unwrap();
            let data = abi.functions().next().unwrap().abi_encode_input(&[value]).unwrap();
            let to = Address::repeat_byte(0xaa);
            let call = InnerCall { to, value: U256::ZERO, data: data.into(), note: String::new() };
            let rows = sheet(&checked_promotion_of(call), &[abi]);
            let shown = super::tests::value(&rows, "Call 5 of 6");
            assert!(shown.contains(&says), "{shown} does not say {says}");
            let warned = Warning::GrantsRole.says().to_owned();
            assert!(rows.contains(&("Call 5 of 6, attention".to_owned(), warned)), "{shown}");
        }
    }

    /// What the Safe itself is told, and calls of which nobody can read what they do.
    #[test]
    fn forms_warn_as_well() {
        let safe = checked_promotion().proposal().safe;
        let call = |to, data: &'static [u8]| {
            let data = Bytes::from_static(data);
            InnerCall { to, value: U256::ZERO, data, note: String::new() }
        };
        let cases = [
            (call(safe, &[]), Warning::CallsSafe),
            (call(Address::repeat_byte(1), &[1, 2, 3, 4]), Warning::Unreadable),
            (call(Address::repeat_byte(1), &[1]), Warning::Unreadable),
        ];
        for (call, warning) in cases {
            let rows = sheet(&checked_promotion_of(call), &[]);
            assert_eq!(value(&rows, "Call 5 of 6, attention"), warning.says());
        }
    }
}
