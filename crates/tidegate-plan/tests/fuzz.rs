//! Whatever stands in `tidegate.toml`, it is refused or becomes a plan with one meaning.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod example;

use std::path::Path;

use alloy_dyn_abi::DynSolValue;
use proptest::prelude::*;
use serde_json::Value;
use tidegate_model::release::Release;
use tidegate_plan::config::Config;
use tidegate_plan::{Resolved, decode_word, encode_value, normalise, resolve};
use tidegate_testkit::fuzz::{changed_bytes, changed_json, corpus, fuzz};

use self::example::{context, plan, release};

fn configs() -> Vec<(String, Vec<u8>)> {
    corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/config"))
}

/// A release on each network of a configuration.
fn resolved(release: &Release, config: &Config) -> Vec<Resolved> {
    let on = |name: &String| resolve(release, &context(config, name)).ok();
    config.networks.keys().filter_map(on).collect()
}

/// Reads a configuration as far as it goes. How many networks it can be resolved on, or why none.
fn check(text: &str) -> Result<usize, String> {
    let config = Config::parse(text).map_err(|error| format!("{error:?}"))?;
    let plan = plan(&config).map_err(|error| format!("{error:?}"))?;
    assert_eq!(plan.digest().unwrap(), example::plan(&config).unwrap().digest().unwrap());
    let release = release(plan);
    let roots = release.roots().unwrap();
    let text = serde_json::to_string(&release).unwrap();
    let read: Release = serde_json::from_str(&text).unwrap();
    assert_eq!(read, release);
    assert_eq!(read.roots().unwrap(), roots);
    let first = resolved(&release, &config);
    let again = resolved(&read, &config);
    let codes = |all: &[Resolved]| all.iter().map(Resolved::initcodes).collect::<Vec<_>>();
    assert_eq!(codes(&first), codes(&again));
    Ok(first.len())
}

#[test]
fn every_configuration_of_the_corpus_is_read_or_refused() {
    let mut networks = Vec::new();
    for (name, text) in configs() {
        networks.push((name, check(&String::from_utf8_lossy(&text))));
    }
    assert_eq!(networks[0], ("all.toml".to_owned(), Ok(2)), "the first one is whole");
}

#[test]
fn changed_configurations_are_read_or_refused() {
    let words = [
        "\"",
        "'''",
        "[",
        "]]",
        "{",
        "}",
        "=",
        "\n",
        "#",
        "@",
        "$",
        "@safe",
        "$cap",
        "1e78",
        "-1",
        "\"14d\"",
        "nan",
        "0x",
        "[[step]]",
        "call = ",
        "init = ",
        "expect = ",
        "proxy",
        "(",
        "))",
        "uint256",
        "[]",
        "\u{202e}",
        "2026-11-21",
        "approve(address,(uint256,",
        "\"${\"",
    ];
    let words = words.map(|word| word.as_bytes().to_vec()).to_vec();
    let seeds = configs().into_iter().map(|(_, text)| text).collect();
    fuzz(&changed_bytes(seeds, words), |text| {
        let _ = check(&String::from_utf8_lossy(&text));
    });
}

#[test]
fn configurations_of_other_values_are_read_or_refused() {
    let document = |text: &[u8]| toml::from_str(&String::from_utf8_lossy(text)).ok();
    let seeds: Vec<Value> = configs().iter().filter_map(|(_, text)| document(text)).collect();
    fuzz(&changed_json(seeds), |document| {
        // What TOML cannot hold, such as null, is no configuration.
        if let Ok(text) = toml::to_string(&document) {
            let _ = check(&text);
        }
    });
}

#[test]
fn changed_releases_are_read_or_refused() {
    let configs = configs();
    let configs: Vec<Config> = configs
        .iter()
        .filter_map(|(_, text)| Config::parse(&String::from_utf8_lossy(text)).ok())
        .collect();
    let release = |config| serde_json::to_value(release(plan(config).ok()?)).ok();
    let seeds: Vec<Value> = configs.iter().filter_map(release).collect();
    fuzz(&changed_json(seeds), |document| {
        let Ok(release) = serde_json::from_value::<Release>(document) else { return };
        let text = serde_json::to_string(&release).unwrap();
        assert_eq!(serde_json::from_str::<Release>(&text).unwrap(), release);
        let _ = release.roots();
        resolved(&release, &configs[0]);
    });
}

#[test]
fn a_value_has_one_normal_form_and_survives_encoding() {
    let types = [
        "uint256",
        "uint8",
        "int256",
        "int8",
        "bool",
        "address",
        "bytes",
        "bytes4",
        "bytes32",
        "string",
        "uint256[]",
        "uint8[2]",
        "int16[2][]",
        "bytes[]",
        "string[]",
        "address[3]",
        "(uint256,bool)",
        "uint",
        "function",
    ];
    let types = types.map(|ty| ty.as_bytes().to_vec()).to_vec();
    let types = changed_bytes(types, vec![b"[]".into(), b"[4294967296]".into(), b"(".into()]);
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        "-?[0-9]{1,3}(\\.[0-9]{1,3})?(e[0-9]{1,2})?".prop_map(Value::from),
        "[0-9]{1,20}[smhdwy]".prop_map(Value::from),
        "0x[0-9a-fA-F]{0,66}".prop_map(Value::from),
        "0x[0-9a-f]{40}".prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let value = value
        .prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::from));
    fuzz(&(types, value), |(ty, value)| {
        let ty = String::from_utf8_lossy(&ty);
        let Ok(normal) = normalise(&ty, &value) else { return };
        assert_eq!(normalise(&ty, &normal).as_ref(), Ok(&normal), "{ty} {value}");
        let encoded = encode_value(&ty, &value).unwrap();
        assert_eq!(encode_value(&ty, &normal).unwrap(), encoded, "{ty} {value}");
        let encoded = DynSolValue::Tuple(vec![encoded]).abi_encode_params();
        let decoded = decode_word(&ty, &encoded);
        // An empty list of very long lists can be written, and is refused where it is read.
        let very_long = ty.split(|c: char| !c.is_ascii_digit()).any(|length| length.len() > 3);
        assert!(decoded == Ok(normal) || (very_long && decoded.is_err()), "{ty} {value}");
    });
}

#[test]
fn returned_bytes_are_one_value_or_refused() {
    let types = ["uint256", "uint8", "bool", "address", "bytes4", "string", "bytes[]", "int8[2][]"];
    let seeds = [vec![0; 32], vec![0xff; 32], [[0; 31].as_slice(), &[32], &[0; 64]].concat()];
    let words = vec![[[0; 31].as_slice(), &[32]].concat(), [0xff; 32].to_vec()];
    let strategy = (prop::sample::select(types.to_vec()), changed_bytes(seeds.to_vec(), words));
    fuzz(&strategy, |(ty, data)| {
        let Ok(value) = decode_word(ty, &data) else { return };
        let encoded = encode_value(ty, &value).unwrap();
        let encoded = DynSolValue::Tuple(vec![encoded]).abi_encode_params();
        assert_eq!(decode_word(ty, &encoded), Ok(value), "{ty}");
    });
}
