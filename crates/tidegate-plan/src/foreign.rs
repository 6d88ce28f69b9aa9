//! What construction reads outside the plan: refused where the plan does not name it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use serde_json::Value;
use tidegate_evm::{EvmError, Part, Sandbox};

use crate::expected::Expected;
use crate::resolve::{CREATE2_PROXY, HELPER, Resolved};

/// The last precompile that has its address in the order of their making.
const PRECOMPILE_MAX: U256 = U256::from_limbs([0x11, 0, 0, 0]);
/// The precompile for signatures over secp256r1.
const P256_VERIFY: U256 = U256::from_limbs([0x100, 0, 0, 0]);
/// Refuses a plan whose own code, while it is created and set up, looks at an account that the plan
/// does not name: whoever controls that one decides what is created.
pub(crate) fn refuse_unnamed(
    resolved: &Resolved,
    sandbox: &Sandbox<'_>,
    expected: &mut Expected,
) -> Result<(), EvmError> {
    let params: BTreeSet<Address> = resolved.params.values().flat_map(addresses).collect();
    let mut unnamed = BTreeMap::new();
    for look in &expected.seen.looks {
        let Some(made) = expected.created.get(&look.from) else { continue };
        let precompile = is_precompile(look.at) && look.part != Part::Balance;
        if precompile || is_named(resolved, expected, look.at) {
            continue;
        }
        // Whether an owner is a key or a contract may be asked; what a contract answers may not.
        if params.contains(&look.at)
            && (look.part != Part::Runs || sandbox.code(look.at)?.is_empty())
        {
            continue;
        }
        unnamed.entry(look.at).or_insert_with(|| made.op.clone());
    }
    if expected.seen.is_cut {
        expected.faults.push("reads more than can be followed".to_owned());
    }
    for (at, op) in unnamed {
        expected.faults.push(format!(
            "{op} reads {at}, which is neither in the plan nor under [externals]: who controls it \
             would decide what is created"
        ));
    }
    Ok(())
}

pub(crate) fn is_precompile(at: Address) -> bool {
    let number = U256::from_be_slice(at.as_slice());
    (!number.is_zero() && number <= PRECOMPILE_MAX) || number == P256_VERIFY
}

fn is_named(resolved: &Resolved, expected: &Expected, at: Address) -> bool {
    expected.created.contains_key(&at)
        || [HELPER, CREATE2_PROXY, resolved.executor.address()].contains(&at)
        || resolved.outside.values().any(|named| *named == at)
}

/// The addresses in a value in normal form.
fn addresses(value: &Value) -> Vec<Address> {
    match value {
        Value::String(text) => text.parse::<Address>().into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(addresses).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expected::When;
    use crate::trial::{ANSWER, OTHER, answer_of_other, balance_of_other, faults, plan};

    #[test]
    fn what_the_plan_does_not_name_is_not_read() {
        let unnamed = |plan: &Resolved, code: &[u8]| {
            let found = faults(plan, code, When::After);
            assert!(found.len() <= 1, "{found:?}");
            found.first().is_some_and(|fault| {
                fault.starts_with("reader reads 0x") && fault.contains("neither in the plan")
            })
        };
        for read in [balance_of_other(), answer_of_other()] {
            for code in [&ANSWER[..], &[]] {
                assert!(unnamed(&plan(&read, true), code));
                assert!(unnamed(&plan(&read, false), code), "whatever becomes of it");
                let mut named = plan(&read, true);
                named.outside.insert("usdc".to_owned(), OTHER);
                assert!(!unnamed(&named, code));
            }
        }
        // Whether an owner has code may be asked; a contract among the parameters is not run.
        let mut owned = plan(&balance_of_other(), true);
        owned.params.insert("owner".to_owned(), Value::String(OTHER.to_string().to_lowercase()));
        assert!(!unnamed(&owned, &ANSWER));
        let mut owned = Resolved { params: owned.params, ..plan(&answer_of_other(), true) };
        assert!(unnamed(&owned, &ANSWER) && !unnamed(&owned, &[]));
        owned.params.insert("owner".to_owned(), Value::Array(vec![Value::Null]));
        assert!(unnamed(&owned, &[]));
        let owner = Value::String(OTHER.to_string());
        owned.params.insert("owner".to_owned(), Value::Array(vec![Value::Null, owner]));
        assert!(!unnamed(&owned, &[]));
    }
}
