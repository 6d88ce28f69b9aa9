//! Values out of initcode and calldata, and back.

use alloy_primitives::{B256, I256, address, bytes};
use tidegate_model::release::Span;

use super::*;

#[test]
fn values_are_written_as_they_are_read() {
    let vault = address!("5FbDB2315678afecb367f032d93F642f64180aa3");
    let names = Names::from([(vault, "vault".to_owned())]);
    let uint = |value: u64| DynSolValue::Uint(U256::from(value), 256);
    let cases = [
        (uint(0), "0"),
        (uint(250_000_000), "\"250e6\""),
        (uint(1_209_600), "1209600"),
        (
            DynSolValue::Uint(U256::MAX >> 64, 256),
            "\"6277101735386680763835789423207666416102355444464034512895\"",
        ),
        (DynSolValue::Int(I256::try_from(-5).unwrap(), 8), "-5"),
        (DynSolValue::Address(vault), "\"@vault\""),
        (DynSolValue::Address(Address::ZERO), "\"0x0000000000000000000000000000000000000000\""),
        (
            DynSolValue::Array(vec![DynSolValue::Tuple(vec![
                DynSolValue::Address(vault),
                uint(1),
            ])]),
            "[[\"@vault\", 1]]",
        ),
        (DynSolValue::FixedBytes(B256::repeat_byte(7), 2), "\"0x0707\""),
        (
            DynSolValue::String("a\"\\\n\u{202e}é".to_owned()),
            "\"a\\\"\\\\\\U0000000A\\U0000202Eé\"",
        ),
        (structure(&["who", "caps"], vault), "{ who = \"@vault\", caps = [1] }"),
        // Members without names that can be keys, each its own, are a list.
        (structure(&["who", ""], vault), "[\"@vault\", [1]]"),
        (structure(&["$who", "caps"], vault), "[\"@vault\", [1]]"),
        (structure(&["who", "who"], vault), "[\"@vault\", [1]]"),
        // What begins like a name is escaped.
        (DynSolValue::String("@x".to_owned()), "\"@@x\""),
        (DynSolValue::String("$x".to_owned()), "\"$$x\""),
    ];
    for (value, expected) in cases {
        let [toml] = &written(std::slice::from_ref(&value), &names).unwrap()[..] else {
            panic!("{value:?}")
        };
        assert_eq!(toml.to_string(), expected, "{value:?}");
    }
}

#[test]
fn arguments_stand_behind_the_code() {
    let constructor = Constructor::parse("constructor(uint256 a, string b)").unwrap();
    let values = [DynSolValue::Uint(U256::from(7), 256), DynSolValue::String("x".to_owned())];
    let tail = constructor.abi_encode_input(&values).unwrap();
    // One byte of metadata and a library's address differ from build to build.
    let code = Code {
        object: bytes!("600102030400"),
        links: BTreeMap::from([(
            tidegate_model::Fqn("L".to_owned()),
            vec![Span { start: 2, length: 1 }],
        )]),
        metadata: vec![Span { start: 4, length: 1 }],
    };
    let args = |head: &[u8], tail: &[u8], shown: &[&str]| {
        let shown: Vec<_> = shown.iter().map(|text| (*text).to_owned()).collect();
        constructor_args(Some(&constructor), &code, &[head, tail].concat(), &shown)
    };
    assert_eq!(args(&[0x60, 1, 9, 3, 9, 0], &tail, &[]).unwrap(), values);
    assert_eq!(args(&[0x60, 1, 9, 3, 9, 1], &tail, &[]), None, "other code");
    assert_eq!(args(&[0x60, 1, 9, 3, 9, 0], &[&tail[..], &[0]].concat(), &[]), None);
    assert_eq!(args(&[1, 2, 3], &tail, &["7", "x"]).unwrap(), values, "as the file shows");
    assert_eq!(args(&[1, 2, 3], &tail, &["8", "x"]), None, "the file shows another value");
    assert_eq!(constructor_args(None, &code, &[], &[]), Some(Vec::new()));
}

fn structure(names: &[&str], who: Address) -> DynSolValue {
    let caps = DynSolValue::Array(vec![DynSolValue::Uint(U256::from(1), 256)]);
    DynSolValue::CustomStruct {
        name: "S".to_owned(),
        prop_names: names.iter().map(|name| (*name).to_owned()).collect(),
        tuple: vec![DynSolValue::Address(who), caps],
    }
}

#[test]
fn what_a_file_shows_says_where_arguments_begin() {
    let types = "((uint256,address[],(uint8,string)),uint256[2],string)";
    let types = DynSolType::parse(types).unwrap();
    let uint = |value: u64| DynSolValue::Uint(U256::from(value), 256);
    let values = vec![
        DynSolValue::Tuple(vec![
            uint(1_000_000_000_000_000_000),
            DynSolValue::Array(
                [1, 0xab].map(|n| DynSolValue::Address(Address::repeat_byte(n))).into(),
            ),
            DynSolValue::Tuple(vec![
                DynSolValue::Uint(U256::from(3), 8),
                DynSolValue::String("a, \"b] (c".to_owned()),
            ]),
        ]),
        DynSolValue::FixedArray(vec![uint(1), uint(2_000_000)]),
        DynSolValue::String("x [1".to_owned()),
    ];
    let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(0xab));
    let lower = two.to_string().to_lowercase();
    let tail = DynSolValue::Tuple(values.clone()).abi_encode_params();
    let initcode = [&[0x60, 0x01, 0x02], &tail[..]].concat();
    let found = |shown: [String; 3]| at_the_end(&types, &initcode, &shown);
    // As forge 1.7 shows them, and as it did years ago.
    let new = format!("(1000000000000000000, [{one}, {two}], (3, a, \"b] (c))");
    let old = format!("(1000000000000000000 [1e18], [{one}, {lower}], (3, \"a, \\\"b] (c\"))");
    let text = "x [1".to_owned();
    let shown = [new.clone(), "[1, 2000000]".to_owned(), text.clone()];
    assert_eq!(found(shown), Some(values.clone()));
    let shown = [old, "[1, 2000000 [2e6]]".to_owned(), text.clone()];
    assert_eq!(found(shown), Some(values));
    assert_eq!(found([new.clone(), "[1, 2000001]".to_owned(), text.clone()]), None);
    assert_eq!(found([new, "[1, 2000000 [e]]".to_owned(), text]), None);
    assert_eq!(at_the_end(&types, &initcode, &[]), None);
}
