//! What a plan rests on that not every chain has alike: newer opcodes, and addresses of the chain's
//! own.

use tidegate_evm::{EvmError, Probe, Trial, newer_opcodes};

use crate::expected::Expected;

/// The advice of the error.
const INSTEAD: &str = "leave it out, or compile for an older `evm_version`";

impl Expected {
    /// The creations that ask a chain whether it has the rules of local execution, as far as the
    /// plan rests on them while it runs, or its contracts hold newer opcodes.
    ///
    /// # Errors
    /// Where something cannot be asked.
    pub fn probes(&self) -> Result<Vec<Probe>, EvmError> {
        let mut relied = self.seen.relied.clone();
        relied.opcodes.extend(self.created.values().flat_map(|made| newer_opcodes(&made.code)));
        relied.probes()
    }

    /// Adds what a network answered otherwise to the faults, before what follows from it.
    pub fn refuse_rules(&mut self, network: &str, probe: &Probe, answer: &[u8]) {
        let differences = probe.differences(answer);
        let faults: Vec<_> = differences
            .into_iter()
            .map(|trial| {
                let who = self.who(trial);
                format!(
                    "{network} does not run {trial}{who} as local execution does, so what comes of \
                     it would be something else there; {INSTEAD}"
                )
            })
            .collect();
        self.faults.splice(0..0, faults);
    }

    /// The contract that holds an opcode, as part of a sentence; empty if none does.
    fn who(&self, trial: &Trial) -> String {
        let Trial::Opcode(opcode) = trial else { return String::new() };
        let holds = self.created.values().find(|made| newer_opcodes(&made.code).contains(opcode));
        holds.map_or_else(String::new, |made| format!(", which {} holds,", made.op))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use crate::expected::When;
    use crate::trial::{creation, found, leaving, plan_of, reader};

    #[test]
    fn what_a_plan_rests_on_is_asked() {
        let refused = |initcode| {
            let mut expected =
                found(&plan_of(vec![creation("desk", initcode, true)]), &[], When::Before);
            assert_eq!(expected.faults, Vec::<String>::new());
            for probe in expected.probes().unwrap() {
                // A chain on which creations answer nothing.
                expected.refuse_rules("mainnet", &probe, &[]);
            }
            expected.faults
        };
        // The contract holds CLZ, and does not run it.
        let held = refused(leaving(&hex!("5f1e5000")));
        assert_eq!(held.len(), 2, "{held:?}");
        let clz =
            "mainnet does not run the opcode CLZ (0x1e), which desk holds, as local execution";
        assert!(held[0].starts_with(clz), "{held:?}");
        // Its constructor hashes three bytes by the precompile, and asks for the length.
        let read = hex!("6000600060036000600260fffa50" "3d");
        let asked = refused(reader(&read, true));
        assert!(asked.iter().any(|fault| fault.contains("the precompile 0x")), "{asked:?}");
    }
}
