//! What a transaction has the CREATE2 proxy create, or the helper for its sender.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_safe::helper;
use tidegate_testkit::{Anvil, safe};

sol! {
    function createGuarded(bytes32 salt, bytes initCode, bytes32 codeHash);
}

/// A creation as a transaction asks for it.
pub(crate) struct Creation {
    pub(crate) at: Address,
    pub(crate) salt: B256,
    pub(crate) code: Bytes,
}

impl Creation {
    /// What a transaction by its hash creates, if anything.
    pub(crate) fn by(anvil: &Anvil, hash: &Value) -> Result<Option<Self>, Failed> {
        Self::of(&anvil.rpc("eth_getTransactionByHash", json!([hash]))?)
    }

    /// The same of a transaction as a node answers with it.
    pub(crate) fn of(sent: &Value) -> Result<Option<Self>, Failed> {
        let input: Bytes = serde_json::from_value(sent["input"].clone())?;
        let (from, to): (Address, Option<Address>) = (
            serde_json::from_value(sent["from"].clone())?,
            serde_json::from_value(sent["to"].clone())?,
        );
        if to == Some(helper::address())
            && let Ok(createGuardedCall { salt, initCode: code, .. }) =
                createGuardedCall::abi_decode(&input)
        {
            return Ok(Some(Self { at: helper::guarded_address(from, salt, &code), salt, code }));
        }
        let Some((salt, code)) = input.split_first_chunk::<32>() else { return Ok(None) };
        let at = safe::DETERMINISTIC_PROXY.create2_from_code(*salt, code);
        let made = Self { at, salt: salt.into(), code: Bytes::copy_from_slice(code) };
        Ok((to == Some(safe::DETERMINISTIC_PROXY)).then_some(made))
    }
}
