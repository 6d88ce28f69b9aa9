//! The two ways a digest is made: a concatenation of typed words, or canonical JSON.

use alloy_primitives::{Address, B256, U256, address, keccak256};
use serde::Serialize;
use serde_json::{Number, Value};

use crate::ids::{ChainId, ProjectId};

/// Builds the preimage of a concatenated digest. A string enters as its keccak256, a number as a
/// `uint256`, an address as 20 bytes and a digest as 32 bytes, so that no two preimages of one
/// shape can be confused.
#[derive(Debug, Clone, Default)]
pub struct Preimage(Vec<u8>);

impl Preimage {
    /// An empty preimage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends keccak256 of the UTF-8 text.
    #[must_use]
    pub fn string(self, text: &str) -> Self {
        self.digest(keccak256(text.as_bytes()))
    }

    /// Appends a number as `uint256`.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&U256::from(number).to_be_bytes::<32>());
        self
    }

    /// Appends the 20 bytes of an address.
    #[must_use]
    pub fn address(mut self, address: Address) -> Self {
        self.0.extend_from_slice(address.as_slice());
        self
    }

    /// Appends a 32-byte digest.
    #[must_use]
    pub fn digest(mut self, digest: B256) -> Self {
        self.0.extend_from_slice(digest.as_slice());
        self
    }

    /// The bytes of the preimage.
    #[must_use]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The keccak256 of the preimage.
    pub fn keccak(&self) -> B256 {
        keccak256(&self.0)
    }
}

/// The largest integer, without its sign, of which canonical JSON keeps every digit.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// A value that canonical JSON cannot carry.
#[derive(Debug, thiserror::Error)]
pub enum JcsError {
    /// A map with keys that are not strings, a number beyond 64 bits.
    #[error("cannot encode {what} as canonical JSON")]
    Form {
        /// The type of the value.
        what: &'static str,
        /// Why it has no JSON form.
        #[source]
        source: serde_json::Error,
    },
    /// An integer that is written as a double, and so as another integer.
    #[error(
        "cannot encode {what} as canonical JSON: it would round {number}; write it as a \
         string"
    )]
    Rounded {
        /// The type of the value.
        what: &'static str,
        number: Number,
    },
}

/// The RFC 8785 text of a value. Integers beyond 2^53 - 1 are refused, because the RFC rounds
/// them, and two values would have one text. Fractions have no place in what is digested: one
/// that is not finite becomes `null`.
///
/// # Errors
/// If the value has no JSON form, or holds an integer that would be rounded.
pub fn jcs<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, JcsError> {
    let form = |source| JcsError::Form { what, source };
    let tree = serde_json::to_value(value).map_err(form)?;
    if let Some(number) = rounded(&tree) {
        return Err(JcsError::Rounded { what, number: number.clone() });
    }
    serde_json_canonicalizer::to_vec(&tree).map_err(form)
}

fn rounded(tree: &Value) -> Option<&Number> {
    match tree {
        Value::Number(number) => {
            // The text, as a number beyond 64 bits has no other form where serde_json is built
            // with `arbitrary_precision`, which another crate of a build can switch on.
            let text = number.to_string();
            let digits = text.trim_start_matches('-');
            let integer = digits.bytes().all(|byte| byte.is_ascii_digit());
            let exact = digits.parse().is_ok_and(|magnitude: u64| magnitude <= INTEGER_MAX);
            (integer && !exact).then_some(number)
        }
        Value::Array(items) => items.iter().find_map(rounded),
        Value::Object(members) => members.values().find_map(rounded),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

/// keccak256 of the RFC 8785 text of a value.
///
/// # Errors
/// See [`jcs`].
pub fn jcs_keccak<T: Serialize>(what: &'static str, value: &T) -> Result<B256, JcsError> {
    Ok(keccak256(jcs(what, value)?))
}

/// keccak256 over digests laid end to end.
pub(crate) fn keccak_concat(digests: impl IntoIterator<Item = B256>) -> B256 {
    let mut bytes = Vec::new();
    for digest in digests {
        bytes.extend_from_slice(digest.as_slice());
    }
    keccak256(bytes)
}

/// The canonical CREATE2 proxy, the same on all chains: calldata is `salt ‖ initcode`.
pub const CREATE2_PROXY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// The helper contract, the same on all chains. It is also the contract in the domain of every
/// statement.
pub const HELPER: Address = address!("b49c2E825ce1675d0cEd1556CEDBF10f7cde038e");

/// The addresses of Safe's batch contracts, MultiSend and MultiSendCallOnly of all versions. An
/// account that delegates to one acts on calls of others' choosing.
pub const MULTI_SENDS: [Address; 8] = [
    address!("A238CBeb142c10Ef7Ad8442C6D1f9E89e07e7761"),
    address!("998739BFdAAdde7C933B942a68053933098f9EDa"),
    address!("40A2aCCbd92BCA938b02010E17A5b8929b49130D"),
    address!("A1dabEF33b3B82c7814B6D82A79e50F4AC44102B"),
    address!("38869bf66a61cF6bDB996A6aE40D5853Fd43B526"),
    address!("9641d764fc13c8B624c04430C7356C1C7C8102e2"),
    address!("218543288004CD07832472D464648173c77D7eB7"),
    address!("A83c336B20401Af773B6219BA5027174338D1836"),
];

/// The id of a project on one target.
pub fn project_id(chain: ChainId, safe: Address, name: &str) -> ProjectId {
    ProjectId(Preimage::new().number(chain.0).address(safe).string(name).keccak())
}

/// The CREATE2 salt of one step's contracts on one network.
pub fn create2_salt(project: &str, step: &str, label: &str, deployment_id: u64) -> B256 {
    Preimage::new()
        .string("salt/1")
        .string(project)
        .string(step)
        .string(label)
        .number(deployment_id)
        .keccak()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_are_exact_or_refused() {
        let edge = INTEGER_MAX.cast_signed();
        for kept in [json!(edge), json!(-edge), json!({"a": [edge, {"b": -edge}]}), json!(0)] {
            let text = String::from_utf8(jcs("test", &kept).unwrap()).unwrap();
            assert_eq!(text, kept.to_string());
        }
        for number in [json!(edge + 1), json!(-edge - 1), json!(u64::MAX), json!(i64::MIN)] {
            for tree in [number.clone(), json!({"a": [0, {"b": number}]})] {
                let refused = jcs("test", &tree).unwrap_err();
                assert!(
                    matches!(&refused, JcsError::Rounded { number: found, .. }
                        if json!(found) == number),
                    "{tree}: {refused}"
                );
            }
        }
        assert!(jcs("test", &u128::MAX).is_err());
        assert!(jcs_keccak("test", &[u64::MAX]).is_err());
    }

    #[test]
    fn fractions_have_one_text() {
        let text = jcs("test", &[1e21, 0.5, -0.0, 1e300, 9_007_199_254_740_992.0]).unwrap();
        assert_eq!(text, b"[1e+21,0.5,0,1e+300,9007199254740992]");
    }
}
