//! Descriptions of calls, from their calldata alone.

use std::fmt;
use std::sync::LazyLock;

use alloy_dyn_abi::JsonAbiExt;
use alloy_json_abi::{Function, JsonAbi, StateMutability};
use alloy_primitives::{Address, Selector, keccak256};
use tidegate_model::units::counted;

use crate::batch::InnerCall;
use crate::helper;
use crate::sensitive::sensitive;
use crate::warning::Warning;

mod arguments;

#[cfg(test)]
pub(crate) use arguments::show;
use arguments::{Reading, argument, hidden, show_bytes};

/// The description of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The function's signature, or what is known of it.
    pub function: String,
    /// Its arguments; empty where the function is unknown.
    pub arguments: Vec<Argument>,
    /// What a signer must not overlook: of the function, or of bytes that nobody can read.
    pub warnings: Vec<Warning>,
    /// Whether function and arguments are exactly what the calldata says.
    pub is_read: bool,
}

/// A decoded argument of a call, with its name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name in the ABI; empty where the ABI has none.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its value, with control characters escaped.
    pub value: String,
    /// Whether it is calldata or a list of it, so that its calls say all of it.
    pub is_calls: bool,
    /// What the argument does where it is or holds calldata of known functions, or calls that are
    /// made; several where it is a list.
    pub calls: Vec<Description>,
    /// What sensitive calls may be hidden in bytes of it that are no call.
    pub hidden: Vec<Warning>,
    /// Whether all of it is shown.
    pub is_read: bool,
}

static HELPER_ABI: LazyLock<JsonAbi> =
    LazyLock::new(|| serde_json::from_str(helper::ABI_JSON).expect("the committed ABI parses"));

/// The ABI of view functions that a batch calls on contracts outside the project.
static VIEWS: LazyLock<JsonAbi> = LazyLock::new(|| {
    let signed = "function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)";
    JsonAbi::parse([signed]).expect("the signature parses")
});

/// The helper's ABI.
pub fn helper_abi() -> &'static JsonAbi {
    &HELPER_ABI
}

/// Describes a call by the helper's ABI where the helper is called, and else by `abis`. Notes are
/// not looked at. Where two functions of the ABIs share a selector, both are named and none is
/// decoded.
pub fn describe(call: &InnerCall, helper: Address, abis: &[JsonAbi]) -> Description {
    if call.data.is_empty() {
        let text = "plain transfer, no calldata".to_owned();
        return Description { is_read: true, ..Description::bare(text, Vec::new()) };
    }
    if call.to == helper::CREATE2_PROXY {
        return creation(&call.data);
    }
    let own = [&*HELPER_ABI];
    let others: Vec<_> = abis.iter().chain([&*VIEWS]).collect();
    // The helper's own functions may still hold calldata of the project's contracts.
    let outer = if call.to == helper { &own[..] } else { &others[..] };
    let reading = Reading { abis: &others, by_helper: call.to == helper, depth: 0 };
    describe_data(&call.data, outer, reading)
}

/// Describes what a constructor is given: the bytes behind the creation code. Calls in them are
/// read by `abis`.
pub fn describe_constructor(abi: &JsonAbi, given: &[u8], abis: &[JsonAbi]) -> Description {
    let abis: Vec<_> = abis.iter().collect();
    let reading = Reading { abis: &abis, by_helper: false, depth: 0 };
    let inputs = abi.constructor.as_ref().map(|found| found.inputs.clone()).unwrap_or_default();
    let function = Function {
        name: "constructor".to_owned(),
        inputs,
        outputs: Vec::new(),
        state_mutability: StateMutability::Payable,
    };
    match decode(&function, given, reading) {
        Some(arguments) => {
            let is_read = arguments.iter().all(|argument| argument.is_read);
            let function = function.signature();
            Description { function, arguments, warnings: Vec::new(), is_read }
        }
        None => {
            let text = format!("constructor with {}", show_bytes(given));
            Description::bare(text, hidden(given))
        }
    }
}

impl Description {
    /// Every warning in the call and in the calls inside its arguments.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let inner = self.arguments.iter().flat_map(|argument| {
            argument.hidden.iter().copied().chain(argument.calls.iter().flat_map(Self::warnings))
        });
        self.warnings.iter().copied().chain(inner).collect()
    }

    /// The first call, of this one and those inside its arguments, that could not be read.
    pub(crate) fn unreadable(&self) -> Option<&Self> {
        if !self.is_read {
            return Some(self);
        }
        self.inner().find_map(Self::unreadable)
    }

    fn inner(&self) -> impl Iterator<Item = &Self> {
        self.arguments.iter().flat_map(|argument| &argument.calls)
    }

    const fn bare(function: String, warnings: Vec<Warning>) -> Self {
        Self { function, arguments: Vec::new(), warnings, is_read: false }
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

/// A call of the CREATE2 proxy, which takes salt and creation code end to end. Whoever checks a
/// proposal makes the code again.
fn creation(data: &[u8]) -> Description {
    let Some((salt, code, address)) = helper::created_new(data) else {
        let text = format!("unknown calldata {} of the CREATE2 proxy", show_bytes(data));
        return Description::bare(text, hidden(data));
    };
    let function = format!(
        "the CREATE2 proxy creates {address} and reverts if anything stands there; salt {salt}, \
         creation code of {}, keccak256 {}",
        counted(code.len(), "byte"),
        keccak256(code)
    );
    Description { is_read: true, ..Description::bare(function, Vec::new()) }
}

fn describe_data(data: &[u8], abis: &[&JsonAbi], reading: Reading<'_>) -> Description {
    let Some((selector, _)) = data.split_first_chunk::<4>() else {
        let text = format!("unknown calldata {}", show_bytes(data));
        return Description::bare(text, Vec::new());
    };
    let selector = Selector::from(*selector);
    let known = sensitive(selector);
    let mut found: Vec<&Function> = Vec::new();
    let named = abis.iter().flat_map(|abi| abi.functions()).filter(|f| f.selector() == selector);
    for function in named.chain(known.map(|entry| &entry.function)) {
        if found.iter().all(|other| other.signature() != function.signature()) {
            found.push(function);
        }
    }
    let decoded = match found[..] {
        [function] => decode(function, &data[4..], reading),
        _ => None,
    };
    if let Some(arguments) = decoded {
        let function = found[0].signature();
        let warnings = known.map(|entry| entry.warning).into_iter().collect();
        let is_read = arguments.iter().all(|argument| argument.is_read);
        return Description { function, arguments, warnings, is_read };
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
    Description::bare(text, hidden(data))
}

/// `None` unless the arguments encode to exactly these bytes again: others could mean something
/// else to the contract than what is shown.
fn decode(function: &Function, given: &[u8], reading: Reading<'_>) -> Option<Vec<Argument>> {
    let values = function.abi_decode_input(given).ok()?;
    if function.abi_encode_input_raw(&values).ok()? != given {
        return None;
    }
    let inputs = function.inputs.iter().enumerate().zip(&values);
    Some(inputs.map(|(input, value)| argument(function, input, value, reading)).collect())
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
            calls if !self.is_calls => {
                let calls: Vec<_> = calls.iter().map(|call| format!("{{{call}}}")).collect();
                write!(f, "{name} = {} that holds {}", self.value, calls.join(", "))
            }
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
    use alloy_dyn_abi::DynSolValue;
    use alloy_primitives::{B256, Bytes, U256, hex};
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
    fn text_from_outside_moves_no_cursor() {
        assert_eq!(escape("it's \"a\\b\"\n\u{202e}é"), "it's \\\"a\\\\b\\\"\\n\\u{202e}é");
    }

    #[test]
    fn a_plain_transfer_is_read_whole() {
        let (data, note) = (Bytes::new(), String::new());
        let call = InnerCall { to: VAULT, value: U256::ONE, data, note };
        let found = describe(&call, helper::address(), &[]);
        assert_eq!(found.function, "plain transfer, no calldata");
        assert!(found.unreadable().is_none());
    }

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
    fn what_a_constructor_is_given_is_read_whole_or_not_at_all() {
        let proxy = abi(&["constructor(address implementation, bytes init)"]);
        let own = [abi(&["function initialize(uint256 cap)"])];
        let init = encode("initialize(uint256)", &[DynSolValue::Uint(U256::from(5), 256)]);
        let given = DynSolValue::Tuple(vec![VAULT.into(), DynSolValue::Bytes(init.into())]);
        let given = given.abi_encode_params();
        let text = format!("constructor(implementation = {VAULT}, init = {{initialize(cap = 5)}})");
        let found = describe_constructor(&proxy, &given, &own);
        assert_eq!((found.to_string(), found.is_read), (text, true));
        // A word more, a word less, arguments that nobody takes.
        let more = [&given[..], &[0; 32]].concat();
        for (abi, given) in [(&proxy, &more[..]), (&proxy, &given[32..]), (&own[0], &given[..])] {
            let found = describe_constructor(abi, given, &own);
            assert!(!found.is_read && found.arguments.is_empty(), "{found}");
            assert!(found.to_string().contains(&hex::encode(given)), "{found}");
        }
        let none = describe_constructor(&own[0], &[], &own);
        assert!(none.is_read && none.arguments.is_empty());
    }

    /// Creation code holds the selectors of its functions, which are no calls.
    #[test]
    fn a_creation_by_the_proxy_is_read() {
        let (salt, code) =
            (B256::repeat_byte(3), [[7; 40].as_slice(), &[0x2f, 0x2f, 0xf1, 0x5d]].concat());
        let created = helper::CREATE2_PROXY.create2_from_code(salt, &code);
        let hash = keccak256(&code);
        check(
            helper::CREATE2_PROXY,
            helper::create_new(salt, &code),
            &[],
            &format!(
                "the CREATE2 proxy creates {created} and reverts if anything stands there; salt \
                 {salt}, creation code of 44 bytes, keccak256 {hash}"
            ),
            &[],
        );
        let call = |data: Bytes| InnerCall {
            to: helper::CREATE2_PROXY,
            value: U256::ZERO,
            data,
            note: String::new(),
        };
        for (data, is_read) in [(helper::create_new(salt, &code), true), (salt.into(), false)] {
            let found = unreadable(&[call(data)], helper::address(), &[], &[]);
            assert_eq!(found.is_none(), is_read, "{found:?}");
        }
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
    fn values_are_shown_whole_and_inert() {
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
                 b = {}, a = [{VAULT}, {}], t = (true, 0x01020304))",
                hex::encode_prefixed(long),
                Address::ZERO
            ),
            &[],
        );
    }
}
