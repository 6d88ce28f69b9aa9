//! What a call does, said from its calldata alone.

use std::fmt;
use std::sync::LazyLock;

use alloy_dyn_abi::{DynSolValue, JsonAbiExt};
use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Address, Selector, hex, keccak256};

use crate::batch::{InnerCall, unpack_multi_send};
use crate::helper;
use crate::sensitive::sensitive;
use crate::warning::Warning;

/// How deep calls inside arguments are read.
const NESTING_MAX: usize = 4;
/// Longer byte strings are shown by their beginning, length and hash.
const BYTES_SHOWN_MAX: usize = 68;

/// What a call does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The function's signature, or what is known of it.
    pub function: String,
    /// Its arguments; empty where the function is unknown.
    pub arguments: Vec<Argument>,
    /// What a signer must not overlook.
    pub warning: Option<Warning>,
    /// Whether function and arguments are exactly what the calldata says.
    pub is_read: bool,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name in the ABI; empty where the ABI has none.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its value, with control characters escaped.
    pub value: String,
    /// What the argument does where it is itself the calldata of a known function, or of a call
    /// that is made; several where it is a list.
    pub calls: Vec<Description>,
}

static HELPER_ABI: LazyLock<JsonAbi> =
    LazyLock::new(|| serde_json::from_str(helper::ABI_JSON).expect("the committed ABI parses"));

/// What batches ask contracts that are nobody's of this project.
static VIEWS: LazyLock<JsonAbi> = LazyLock::new(|| {
    let signed = "function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)";
    JsonAbi::parse([signed]).expect("the signature parses")
});

/// Describes a call by the helper's ABI where the helper is called, and else by `abis`. Notes are
/// not looked at. Where two functions of the ABIs share a selector, both are named and none is
/// decoded.
pub fn describe(call: &InnerCall, helper: Address, abis: &[JsonAbi]) -> Description {
    if call.data.is_empty() {
        let text = "plain transfer, no calldata".to_owned();
        return Description { is_read: true, ..Description::bare(text, None) };
    }
    let own = [&*HELPER_ABI];
    let others: Vec<_> = abis.iter().chain([&*VIEWS]).collect();
    // The helper's own functions may still hold calldata of the project's contracts.
    let outer = if call.to == helper { &own[..] } else { &others[..] };
    describe_data(&call.data, outer, &others, 0)
}

impl Description {
    /// Every warning in the call and in the calls inside its arguments.
    pub fn warnings(&self) -> Vec<Warning> {
        let inner = self.inner().flat_map(Self::warnings);
        self.warning.into_iter().chain(inner).collect()
    }

    /// The first call, of this one and those inside its arguments, that could not be read.
    pub fn unreadable(&self) -> Option<&Self> {
        if !self.is_read {
            return Some(self);
        }
        self.inner().find_map(Self::unreadable)
    }

    fn inner(&self) -> impl Iterator<Item = &Self> {
        self.arguments.iter().flat_map(|argument| &argument.calls)
    }

    const fn bare(function: String, warning: Option<Warning>) -> Self {
        Self { function, arguments: Vec::new(), warning, is_read: false }
    }
}

/// The first of these calls of which nobody can read what it does, by its place from 0, unless its
/// selector is one of `allowed`.
pub fn unreadable(
    calls: &[InnerCall],
    helper: Address,
    abis: &[JsonAbi],
    allowed: &[Selector],
) -> Option<(usize, Description)> {
    calls.iter().enumerate().find_map(|(index, call)| {
        let selector = call.data.first_chunk::<4>().map(|bytes| Selector::from(*bytes));
        if call.to != helper && selector.is_some_and(|selector| allowed.contains(&selector)) {
            return None;
        }
        Some((index, describe(call, helper, abis).unreadable()?.clone()))
    })
}

fn describe_data(data: &[u8], abis: &[&JsonAbi], inner: &[&JsonAbi], depth: usize) -> Description {
    let Some((selector, _)) = data.split_first_chunk::<4>() else {
        let text = format!("unknown calldata {}", show_bytes(data));
        return Description::bare(text, None);
    };
    let selector = Selector::from(*selector);
    let known = sensitive(selector);
    let warning = known.map(|entry| entry.warning);
    let mut found: Vec<&Function> = Vec::new();
    let named = abis.iter().flat_map(|abi| abi.functions()).filter(|f| f.selector() == selector);
    for function in named.chain(known.map(|entry| &entry.function)) {
        if found.iter().all(|other| other.signature() != function.signature()) {
            found.push(function);
        }
    }
    let decoded = match found[..] {
        [function] => decode(function, data, inner, depth),
        _ => None,
    };
    if let Some(arguments) = decoded {
        let function = found[0].signature();
        return Description { function, arguments, warning, is_read: true };
    }
    let text = match found[..] {
        [] => format!("unknown function {selector}, calldata {}", show_bytes(data)),
        [function] => {
            format!("not well-formed for {}, calldata {}", function.signature(), show_bytes(data))
        }
        _ => {
            let names: Vec<_> = found.iter().map(|function| function.signature()).collect();
            format!("either {}, calldata {}", names.join(" or "), show_bytes(data))
        }
    };
    Description::bare(text, warning)
}

/// `None` unless the arguments encode to exactly this calldata again: other bytes could mean
/// something else to the contract than what is shown.
fn decode(
    function: &Function,
    data: &[u8],
    inner: &[&JsonAbi],
    depth: usize,
) -> Option<Vec<Argument>> {
    let values = function.abi_decode_input(&data[4..]).ok()?;
    if function.abi_encode_input(&values).ok()? != data {
        return None;
    }
    let known = sensitive(function.selector());
    let arguments = function.inputs.iter().zip(&values).enumerate();
    let arguments = arguments.map(|(index, (input, value))| Argument {
        name: escape(&input.name),
        kind: input.selector_type().into_owned(),
        value: show(value),
        calls: match known {
            Some(entry) if entry.carries(index) => carried(value, inner, depth),
            _ => nested(value, inner, depth).into_iter().collect(),
        },
    });
    Some(arguments.collect())
}

/// The description of an argument that is the calldata of a known function.
fn nested(value: &DynSolValue, abis: &[&JsonAbi], depth: usize) -> Option<Description> {
    let DynSolValue::Bytes(data) = value else { return None };
    let selector = Selector::from(*data.first_chunk::<4>()?);
    let named = abis.iter().flat_map(|abi| abi.functions());
    let known = named.map(Function::selector).any(|found| found == selector);
    if depth >= NESTING_MAX || !(known || sensitive(selector).is_some()) {
        return None;
    }
    Some(describe_data(data, abis, abis, depth + 1))
}

/// The descriptions of calls that are made, whatever they are. One without calldata is a transfer,
/// or none.
fn carried(value: &DynSolValue, abis: &[&JsonAbi], depth: usize) -> Vec<Description> {
    let whole = |data: &[u8]| match depth >= NESTING_MAX {
        true => Description::bare(format!("too deep to read: {}", show_bytes(data)), None),
        false => describe_data(data, abis, abis, depth + 1),
    };
    match value {
        DynSolValue::Bytes(data) if data.is_empty() => Vec::new(),
        // A batch in a batch is packed, not encoded.
        DynSolValue::Bytes(data) => match unpack_multi_send(data) {
            Ok(calls) => calls.iter().map(|call| packed(call, &whole)).collect(),
            Err(_) => vec![whole(data)],
        },
        DynSolValue::Array(values) => {
            values.iter().flat_map(|value| carried(value, abis, depth)).collect()
        }
        _ => Vec::new(),
    }
}

/// One call of a batch that stands in an argument.
fn packed(call: &InnerCall, whole: &dyn Fn(&[u8]) -> Description) -> Description {
    let argument = |name: &str, kind: &str, value: String| Argument {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value,
        calls: Vec::new(),
    };
    let data = Argument {
        calls: if call.data.is_empty() { Vec::new() } else { vec![whole(&call.data)] },
        ..argument("data", "bytes", show_bytes(&call.data))
    };
    let to = argument("to", "address", call.to.to_string());
    let value = argument("value", "uint256", call.value.to_string());
    let function = "call(address,uint256,bytes)".to_owned();
    Description { function, arguments: vec![to, value, data], warning: None, is_read: true }
}

pub(crate) fn show(value: &DynSolValue) -> String {
    let list = |values: &[DynSolValue]| values.iter().map(show).collect::<Vec<_>>().join(", ");
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Function(function) => hex::encode_prefixed(function),
        DynSolValue::Bytes(bytes) => show_bytes(bytes),
        DynSolValue::String(text) => format!("\"{}\"", escape(text)),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            format!("[{}]", list(values))
        }
        DynSolValue::Tuple(values) | DynSolValue::CustomStruct { tuple: values, .. } => {
            format!("({})", list(values))
        }
    }
}

fn show_bytes(bytes: &[u8]) -> String {
    if bytes.len() <= BYTES_SHOWN_MAX {
        return hex::encode_prefixed(bytes);
    }
    let start = hex::encode_prefixed(&bytes[..8]);
    format!("{start}… ({} bytes, keccak256 {})", bytes.len(), keccak256(bytes))
}

/// Text from outside, so that it can neither move the cursor nor turn the reading direction.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' if c != '"' && c != '\\' => escaped.push(c),
            c if c.is_alphanumeric() => escaped.push(c),
            c => escaped.extend(c.escape_default()),
        }
    }
    escaped
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.function.split_once('(').map(|(name, _)| name);
        match name {
            Some(name) if !self.arguments.is_empty() => {
                let arguments: Vec<_> = self.arguments.iter().map(ToString::to_string).collect();
                write!(f, "{name}({})", arguments.join(", "))
            }
            _ => f.write_str(&self.function),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { &self.kind } else { &self.name };
        match &self.calls[..] {
            [] => write!(f, "{name} = {}", self.value),
            [call] => write!(f, "{name} = {{{call}}}"),
            calls => {
                let calls: Vec<_> = calls.iter().map(|call| format!("{{{call}}}")).collect();
                write!(f, "{name} = [{}]", calls.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes, U256};
    use tidegate_model::{PolicyDigest, ProjectId};

    use super::*;

    fn abi(functions: &[&str]) -> JsonAbi {
        JsonAbi::parse(functions.iter().copied()).unwrap()
    }

    fn check(to: Address, data: Bytes, abis: &[JsonAbi], text: &str, warnings: &[Warning]) {
        let call = InnerCall { to, value: U256::ZERO, data, note: "says it is safe".to_owned() };
        let found = describe(&call, helper::address(), abis);
        assert_eq!(found.to_string(), text);
        assert_eq!(found.warnings(), warnings);
    }

    fn encode(function: &str, values: &[DynSolValue]) -> Bytes {
        Function::parse(function).unwrap().abi_encode_input(values).unwrap().into()
    }

    const VAULT: Address = Address::repeat_byte(7);

    #[test]
    fn calls_of_the_helper_and_of_provided_abis() {
        let helper = helper::address();
        let one = B256::with_last_byte(1);
        check(
            helper,
            helper::adopt_policy(ProjectId(one), PolicyDigest(one), 3, 9),
            &[],
            &format!("adoptPolicy(project = {one}, digest = {one}, version = 3, before = 9)"),
            &[Warning::AdoptsPolicy],
        );
        let abis = [abi(&["function cap() view returns (uint256)"])];
        let cap = encode("cap()", &[]);
        check(
            helper,
            helper::require_call(VAULT, cap.clone(), one),
            &abis,
            &format!("requireCall(target = {VAULT}, data = {{cap()}}, keccakOfReturn = {one})"),
            &[],
        );
        check(VAULT, cap.clone(), &abis, "cap()", &[]);
        let selector = hex::encode_prefixed(&cap);
        let unknown = format!("unknown function {selector}, calldata {selector}");
        check(VAULT, cap, &[], &unknown, &[]);
        check(VAULT, Bytes::new(), &[], "plain transfer, no calldata", &[]);
        check(VAULT, Bytes::from_static(&[1]), &[], "unknown calldata 0x01", &[]);
    }

    #[test]
    fn sensitive_calls_are_named_at_any_depth() {
        let grant = encode(
            "grantRole(bytes32,address)",
            &[DynSolValue::FixedBytes(B256::ZERO, 32), VAULT.into()],
        );
        let upgrade = encode(
            "upgradeToAndCall(address,bytes)",
            &[VAULT.into(), DynSolValue::Bytes(grant.to_vec())],
        );
        let zero = B256::ZERO;
        check(
            VAULT,
            upgrade,
            &[],
            &format!(
                "upgradeToAndCall(newImplementation = {VAULT}, \
                 data = {{grantRole(role = {zero}, account = {VAULT})}})"
            ),
            &[Warning::UpgradesProxy, Warning::GrantsRole],
        );
    }

    /// A call that is made and that nobody can read hides behind no function that can be read.
    #[test]
    fn what_a_call_carries_is_read_or_said() {
        let bytes = |data: &[u8]| DynSolValue::Bytes(data.to_vec());
        let unknown = [1, 2, 3, 4];
        let grant = encode(
            "grantRole(bytes32,address)",
            &[DynSolValue::FixedBytes(B256::ZERO, 32), VAULT.into()],
        );
        let word = || DynSolValue::FixedBytes(B256::ZERO, 32);
        let zero = || DynSolValue::Uint(U256::ZERO, 256);
        let packed = |data: &[u8]| {
            let call = InnerCall {
                to: VAULT,
                value: U256::ZERO,
                data: data.to_vec().into(),
                note: "".into(),
            };
            crate::batch::encode_multi_send(&[call.clone(), call]).unwrap()
        };
        let upgrade = "upgradeToAndCall(address,bytes)";
        let schedule = "schedule(address,uint256,bytes,bytes32,bytes32,uint256)";
        let with = |data: &[u8]| {
            let list = DynSolValue::Array(vec![bytes(data), bytes(&grant)]);
            [
                encode(upgrade, &[VAULT.into(), bytes(data)]),
                encode(schedule, &[VAULT.into(), zero(), bytes(data), word(), word(), zero()]),
                encode("multicall(bytes[])", &[list]),
                packed(data),
                // Inside of what is carried.
                encode(
                    upgrade,
                    &[VAULT.into(), bytes(&encode(upgrade, &[VAULT.into(), bytes(data)]))],
                ),
            ]
        };
        let described = |data: Bytes| {
            let call = InnerCall { to: VAULT, value: U256::ZERO, data, note: String::new() };
            let alone = std::slice::from_ref(&call);
            let found = unreadable(alone, helper::address(), &[], &[]);
            let selector = Selector::from(*call.data.first_chunk::<4>().unwrap());
            let allowed = unreadable(alone, helper::address(), &[], &[selector]);
            assert!(allowed.is_none());
            (describe(&call, helper::address(), &[]), found)
        };
        for data in with(&unknown) {
            let (_, found) = described(data);
            assert!(found.unwrap().1.to_string().contains("unknown function 0x01020304"));
        }
        for data in with(&grant) {
            let (description, found) = described(data);
            assert!(found.is_none(), "{description}");
            assert!(description.warnings().contains(&Warning::GrantsRole), "{description}");
            assert!(description.to_string().contains("account = 0x0707"), "{description}");
        }
    }

    #[test]
    fn what_could_mislead_is_not_decoded() {
        let transfer = "transferOwnership(address)";
        let mut data = encode(transfer, &[VAULT.into()]).to_vec();
        data.push(0);
        let shown = hex::encode_prefixed(&data);
        check(
            VAULT,
            data.into(),
            &[],
            &format!("not well-formed for {transfer}, calldata {shown}"),
            &[Warning::GivesOwnershipAway],
        );
        // Two functions with the selector 0x42966c68.
        let both = ["function burn(uint256)", "function collate_propagate_storage(bytes16)"];
        let data = encode("burn(uint256)", &[DynSolValue::Uint(U256::from(1), 256)]);
        let shown = hex::encode_prefixed(&data);
        check(
            VAULT,
            data,
            &[abi(&both)],
            &format!(
                "either burn(uint256) or collate_propagate_storage(bytes16), calldata {shown}"
            ),
            &[],
        );
    }

    #[test]
    fn values_are_shown_whole_or_by_hash_and_inert() {
        let function = "function f(string s, int8 i, bytes b, address[2] a, (bool,bytes4) t)";
        let long = vec![0xab; 69];
        let values = [
            DynSolValue::String("a\"\u{1b}[2J\u{202e}é\n".to_owned()),
            DynSolValue::Int((-5).try_into().unwrap(), 8),
            DynSolValue::Bytes(long.clone()),
            DynSolValue::FixedArray(vec![VAULT.into(), Address::ZERO.into()]),
            DynSolValue::Tuple(vec![
                true.into(),
                DynSolValue::FixedBytes(B256::right_padding_from(&[1, 2, 3, 4]), 4),
            ]),
        ];
        let abis = [abi(&[function])];
        let data = abis[0].functions().next().unwrap().abi_encode_input(&values).unwrap();
        check(
            VAULT,
            data.into(),
            &abis,
            &format!(
                "f(s = \"a\\\"\\u{{1b}}[2J\\u{{202e}}é\\n\", i = -5, \
                 b = 0xabababababababab… (69 bytes, keccak256 {}), \
                 a = [{VAULT}, {}], t = (true, 0x01020304))",
                keccak256(long),
                Address::ZERO
            ),
            &[],
        );
    }
}
