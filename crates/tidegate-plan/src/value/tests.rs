//! Values of each type, as written and as words.

use alloy_primitives::{Address, I256, Sign, U256};
use proptest::prelude::*;

use serde_json::json;
use tidegate_testkit::fuzz::fuzz;

use super::*;

#[test]
fn normal_forms() {
    let cases = [
        ("uint256", json!("250e18"), json!("250000000000000000000")),
        ("uint64", json!("14d"), json!("1209600")),
        ("uint8", json!(255), json!("255")),
        ("int8", json!(-128), json!("-128")),
        ("int256", json!("-1e3"), json!("-1000")),
        ("bool", json!(true), json!(true)),
        (
            "address",
            json!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
            json!("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
        ),
        ("bytes4", json!("0xDEADBEEF"), json!("0xdeadbeef")),
        ("uint256[]", json!(["1e2", 3]), json!(["100", "3"])),
        ("string", json!("14d"), json!("14d")),
        ("(uint64,bool)[1]", json!([["2d", true]]), json!([["172800", true]])),
        ("uint256", json!("1.50e1"), json!("15")),
        ("int64", json!("7d"), json!("604800")),
        ("int64", json!("-7d"), json!("-604800")),
        ("int24", json!("-0x10"), json!("-16")),
        ("uint8", json!("type(uint8).max"), json!("255")),
        ("int8", json!("type(int8).min"), json!("-128")),
        ("int256", json!(" type( int8 ).max "), json!("127")),
        ("uint128", json!("type(uint).min"), json!("0")),
        ("int256", json!("type(int256).max"), json!(I256::MAX.to_string())),
        ("int256", json!(I256::MIN.to_string()), json!(I256::MIN.to_string())),
        ("uint256", json!("type(uint256).max"), json!(U256::MAX.to_string())),
        (
            "function",
            json!(format!("0x{}", "AB".repeat(24))),
            json!(format!("0x{}", "ab".repeat(24))),
        ),
    ];
    for (ty, written, expected) in cases {
        assert_eq!(normalise(ty, &written), Ok(expected), "{ty} {written}");
    }
}

#[test]
fn values_that_do_not_fit() {
    let cases = [
        ("uint8", json!(256)),
        ("uint256", json!(-1)),
        ("uint256", json!("1.5")),
        ("int8", json!(128)),
        ("int8", json!(-129)),
        ("address", json!("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")),
        ("address", json!("0x00")),
        ("bytes4", json!("0xdeadbe")),
        ("bool", json!("true")),
        ("uint256[2]", json!([1])),
        ("(uint256,address)", json!([1])),
        ("(uint8,bool)", json!([256, true])),
        ("uint257", json!(1)),
        ("()", json!([])),
        ("()[]", json!([])),
        ("uint8", json!("type(uint16).max")),
        ("uint256", json!("type(int256).min")),
        ("int256", json!("type(uint256).max")),
        ("int8", json!("type(int16).min")),
        ("uint256", json!("type(bool).max")),
        ("uint256", json!("type(uint7).max")),
        ("uint64", json!("-7d")),
        ("int32", json!("99999d")),
        ("function", json!("0x00")),
    ];
    for (ty, written) in cases {
        assert!(normalise(ty, &written).is_err(), "{ty} {written}");
    }
}

#[test]
fn decoding_a_returned_word() {
    let word = U256::from(42).to_be_bytes::<32>();
    assert_eq!(decode_word("uint256", &word), Ok(json!("42")));
    assert!(decode_word("uint256", &word[..31]).is_err());
    assert!(decode_word("uint8", &[0xff; 32]).is_err());
    assert!(decode_word("uint8", &[word, word].concat()).is_err());
}

#[test]
fn what_does_not_fit_says_how_it_is_written() {
    let cases = [
        ("uint256", json!(1e18), "`1e+18`", "write it in quotes, such as \"1e18\""),
        ("int8", json!(1.5), "`1.5`", "write it in quotes"),
        (
            "uint64",
            json!({"$__toml_private_datetime": "2026-11-21"}),
            "`2026-11-21`",
            ", 1795219200",
        ),
        ("string", json!({"$__toml_private_datetime": "07:32:00"}), "`07:32:00`", "text in quotes"),
        ("uint256", json!("2 eth"), "`2 eth`", "write `2 ether`"),
        ("uint64[]", json!(["1 day"]), "`1 day`", "write `1d`"),
        ("int256", json!("1.5gwei"), "`1.5gwei`", "write `1.5 gwei`"),
        ("uint8", json!(null), "`null`", "`nan` and `inf` are no values"),
        ("bool", json!("true"), "`\"true\"`", "without quotes"),
        (
            "address",
            json!("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
            "0x5AAe",
            "checksum is wrong",
        ),
        ("address", json!("0x00"), "0x00", "40 hexadecimal digits"),
        ("bytes4", json!("0x00"), "0x00", "8 hexadecimal digits"),
        ("bytes", json!("@handle"), "@handle", "this text is \"0x4068616e646c65\""),
        ("uint8[2]", json!([1]), "[1]", "it has 1 item, not 2"),
        ("(uint8,bool)", json!([1, true, 2]), "[1,true,2]", "it has 3 items, not 2"),
        ("string", json!(7), "`7`", "in quotes"),
    ];
    for (ty, written, names, says) in cases {
        let error = normalise(ty, &written).unwrap_err().to_string();
        assert!(error.contains(names) && error.contains(says), "{ty} {written}: {error}");
    }
}

#[test]
fn text_is_told_from_names() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let known = Known { addresses: set(&["vault", "safe"]), params: set(&["cap", "WIF"]) };
    let of = |ty: &str, text: &str| match beginning(&text.into(), ty, &known) {
        Ok(Beginning::Param(name)) => format!("param {name}"),
        Ok(Beginning::Ref(name)) => format!("ref {name}"),
        Ok(Beginning::Text(text)) => format!("text {text}"),
        Ok(Beginning::Plain) => "plain".to_owned(),
        Err(error) => error.to_string(),
    };
    let is_address = "`@vault` is an address, but a `string` is needed; if it is meant as text, \
                      write `@@vault`";
    let cases = [
        ("@handle", "text @handle"),
        ("$USD", "text $USD"),
        ("$WIF", "param WIF"),
        ("$$WIF", "text $WIF"),
        ("$$$WIF", "text $$WIF"),
        ("@vault", is_address),
        ("@@vault", "text @vault"),
        ("@@handle", "text @handle"),
        ("@valt", "`@valt` is nearly `@vault`; if it is meant as text, write its first sign twice"),
        ("$cp", "`$cp` is nearly `$cap`; if it is meant as text, write its first sign twice"),
        ("@", "text @"),
        ("me@vault", "plain"),
        ("", "plain"),
    ];
    for (text, expected) in cases {
        assert_eq!(of("string", text), expected, "{text}");
        let in_bytes = match expected == is_address {
            true => "`@vault` is an address, but a `bytes` is needed",
            false => expected,
        };
        assert_eq!(of("bytes", text), in_bytes, "{text}");
    }
    for ty in ["address", "uint256", "bool", "bytes4", "string[]"] {
        assert_eq!(
            (of(ty, "@any"), of(ty, "$any")),
            ("ref any".to_owned(), "param any".to_owned())
        );
    }
    for (text, written) in [("@a", "@@a"), ("$a", "$$a"), ("@@a", "@@@a"), ("a@", "a@"), ("", "")] {
        assert_eq!(escaped(text), written);
    }
}

/// Every ABI type, structures and lists of them included.
fn types() -> impl Strategy<Value = DynSolType> {
    let bits = || (1_usize..=32).prop_map(|bytes| bytes * 8);
    let leaf = prop_oneof![
        bits().prop_map(DynSolType::Uint),
        bits().prop_map(DynSolType::Int),
        (1_usize..=32).prop_map(DynSolType::FixedBytes),
        Just(DynSolType::Bool),
        Just(DynSolType::Address),
        Just(DynSolType::Function),
        Just(DynSolType::Bytes),
        Just(DynSolType::String),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|item| DynSolType::Array(Box::new(item))),
            (inner.clone(), 1_usize..4)
                .prop_map(|(item, length)| DynSolType::FixedArray(Box::new(item), length)),
            prop::collection::vec(inner, 1..4).prop_map(DynSolType::Tuple),
        ]
    })
}

/// A value of a type, and one of the ways in which people write it.
fn value_of(ty: &DynSolType) -> BoxedStrategy<(DynSolValue, Value)> {
    let hex_of = |bytes: &[u8]| Value::from(hex::encode_prefixed(bytes));
    let bytes = |size: std::ops::Range<usize>| prop::collection::vec(any::<u8>(), size);
    match ty {
        DynSolType::Bool => {
            any::<bool>().prop_map(|value| (DynSolValue::Bool(value), value.into())).boxed()
        }
        DynSolType::Uint(bits) => {
            let bits = *bits;
            (any::<[u8; 32]>(), 0_u8..4)
                .prop_map(move |(word, way)| unsigned(word, bits, way))
                .boxed()
        }
        DynSolType::Int(bits) => {
            let bits = *bits;
            (any::<[u8; 32]>(), 0_u8..4)
                .prop_map(move |(word, way)| signed(word, bits, way))
                .boxed()
        }
        DynSolType::Address => any::<[u8; 20]>()
            .prop_map(|bytes| {
                let address = Address::from(bytes);
                (DynSolValue::Address(address), address.to_string().into())
            })
            .boxed(),
        DynSolType::Function => any::<[u8; 24]>()
            .prop_map(move |bytes| (DynSolValue::Function(bytes.into()), hex_of(&bytes)))
            .boxed(),
        DynSolType::FixedBytes(size) => {
            let size = *size;
            let made = move |bytes: Vec<u8>| {
                let mut word = B256::ZERO;
                word[..size].copy_from_slice(&bytes);
                (DynSolValue::FixedBytes(word, size), hex_of(&bytes))
            };
            bytes(size..size + 1).prop_map(made).boxed()
        }
        DynSolType::Bytes => bytes(0..70)
            .prop_map(move |bytes| (DynSolValue::Bytes(bytes.clone()), hex_of(&bytes)))
            .boxed(),
        DynSolType::String => "[@$]{0,2}(safe|cap|\\PC{0,40})"
            .prop_map(|text| (DynSolValue::String(text.clone()), escaped(&text).into()))
            .boxed(),
        DynSolType::Array(item) => many(vec![value_of(item); 2], DynSolValue::Array),
        DynSolType::FixedArray(item, length) => {
            many(vec![value_of(item); *length], DynSolValue::FixedArray)
        }
        DynSolType::Tuple(types) => many(types.iter().map(value_of).collect(), DynSolValue::Tuple),
        _ => panic!("{ty} is not made"),
    }
}

fn many(
    items: Vec<BoxedStrategy<(DynSolValue, Value)>>,
    of: fn(Vec<DynSolValue>) -> DynSolValue,
) -> BoxedStrategy<(DynSolValue, Value)> {
    let made = move |items: Vec<(DynSolValue, Value)>| {
        let (values, written) = items.into_iter().unzip();
        (of(values), Value::Array(written))
    };
    items.prop_map(made).boxed()
}

fn unsigned(word: [u8; 32], bits: usize, way: u8) -> (DynSolValue, Value) {
    let number = U256::from_be_bytes(word) >> (256 - bits);
    let (number, text) = match way {
        0 => (U256::MAX >> (256 - bits), format!("type(uint{bits}).max")),
        1 => (U256::ZERO, format!("type(uint{bits}).min")),
        2 => (number, format!("{number:#x}")),
        _ => (number, number.to_string()),
    };
    (DynSolValue::Uint(number, bits), text.into())
}

fn signed(word: [u8; 32], bits: usize, way: u8) -> (DynSolValue, Value) {
    let number = I256::from_raw(U256::from_be_bytes(word)).asr(256 - bits);
    let end = U256::from(1) << (bits - 1);
    let (number, text) = match way {
        0 => {
            let least = I256::checked_from_sign_and_abs(Sign::Negative, end).unwrap();
            (least, format!("type(int{bits}).min"))
        }
        1 => {
            let most = I256::from_raw(end - U256::from(1));
            (most, most.to_string())
        }
        _ => (number, number.to_string()),
    };
    (DynSolValue::Int(number, bits), text.into())
}

/// Text as it is written, in all places of a value.
fn written(ty: &DynSolType, normal: &Value) -> Value {
    let all = |types: &mut dyn Iterator<Item = &DynSolType>, items: &Value| {
        let items = items.as_array().unwrap();
        types.zip(items).map(|(ty, item)| written(ty, item)).collect()
    };
    match ty {
        DynSolType::String => escaped(normal.as_str().unwrap()).into(),
        DynSolType::Array(item) | DynSolType::FixedArray(item, _) => {
            all(&mut std::iter::repeat(&**item), normal)
        }
        DynSolType::Tuple(types) => all(&mut types.iter(), normal),
        _ => normal.clone(),
    }
}

#[test]
fn every_type_is_written_encoded_decoded_and_written_again() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let known = Known { addresses: set(&["safe", "vault"]), params: set(&["cap"]) };
    let names = Names { known: &known, address: &|_| None };
    let values = types().prop_flat_map(|ty| (Just(ty.clone()), value_of(&ty)));
    fuzz(&values, |(ty, (value, text))| {
        let name = ty.to_string();
        let normal = read(&name, &[], &text, &names).unwrap();
        assert_eq!(encode_value(&name, &normal).as_ref(), Ok(&value), "{name} {text}");
        let encoded = DynSolValue::Tuple(vec![value]).abi_encode_params();
        let decoded = decode_word(&name, &encoded).unwrap();
        assert_eq!(decoded, normal, "{name} {text}");
        assert_eq!(read(&name, &[], &written(&ty, &decoded), &names), Ok(normal), "{name} {text}");
    });
}
