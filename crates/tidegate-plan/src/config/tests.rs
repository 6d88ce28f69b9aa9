//! The whole file: what it says, and what nobody can mean by it.

use serde_json::{Value, json};
use tidegate_model::plan::Rule;

use super::*;
use crate::trial::ALL;

/// The example with this in place of that.
fn edited(from: &str, to: &str) -> Result<Config, String> {
    assert_eq!(ALL.matches(from).count(), 1, "{from}");
    Config::parse(&ALL.replace(from, to)).map_err(|error| error.to_string())
}

fn refused(from: &str, to: &str, says: &str) {
    let error = edited(from, to).unwrap_err();
    assert!(error.contains(says), "{error} does not say {says}");
}

#[test]
fn a_file_says_what_stands_in_it() {
    let config = Config::parse(ALL).unwrap();
    assert_eq!(config.release_name(), "fuzz-1.0.0");
    let network = |name: &str| &config.networks[name];
    assert_eq!(network("testnet").block_time_secs(), Some(12));
    assert_eq!(network("mainnet").block_time_secs(), Some(3_600));
    assert_eq!(network("mainnet").end_of_life_at(), None);
    let ends = edited("block_time = \"1h\"", "end_of_life = \"2027-12-31\"").unwrap();
    let ends = &ends.networks["mainnet"];
    assert_eq!((ends.end_of_life_at(), ends.block_time_secs()), (Some(1_830_211_200), None));
    let guarded: Vec<_> = config.steps.iter().map(StepConfig::is_guarded).collect();
    assert_eq!(guarded, [true; 11]);
    let open = edited("guarded = true", "guarded = false").unwrap();
    assert_eq!(open.steps.iter().filter(|step| !step.is_guarded()).count(), 1);
    assert_eq!(config.existing["live"].openzeppelin, OpenZeppelin::V4);
    assert_eq!(edited("= 4\n", "= 5\n").unwrap().existing["live"].openzeppelin, OpenZeppelin::V5);
    assert!(edited("= 4\n", "= 6\n").is_err());
}

#[test]
fn compiler_settings_are_own_unless_they_only_name_others() {
    let is_own = |text: &str| {
        let config = edited("[params]", &format!("[compiler]\n{text}\n\n[params]")).unwrap();
        config.compiler.is_own()
    };
    for text in ["", "solc = \"/usr/bin/solc\"", "profile = \"ci\""] {
        assert!(!is_own(text), "{text}");
    }
    for text in ["src = \"contracts\"", "optimizer = false", "solc = \"s\"\nversion = \"0.8.30\""] {
        assert!(is_own(text), "{text}");
    }
}

#[test]
fn names_are_simple_and_networks_are_declared() {
    let long = "a".repeat(49);
    for name in ["", "-a", ".a", "a b", "a/b", "ä", &long] {
        refused("name = \"fuzz\"", &format!("name = \"{name}\""), "use 1 to 48 letters");
    }
    for name in ["anchor", "foreign"] {
        refused("name = \"fuzz\"", &format!("name = \"{name}\""), "this name is reserved");
    }
    for name in [&long[1..], "a", "7", "A-b_c.d"] {
        assert!(edited("name = \"fuzz\"", &format!("name = \"{name}\"")).is_ok());
    }
    let places = [
        ("version = \"1.0.0\"", "version = \"1 0\"", "`project.version`"),
        ("[networks.mainnet]", "[networks.\"main net\"]", "`networks.main net`"),
        ("name = \"lists\"", "name = \"li sts\"", "`step.name`"),
        ("delay = \"14d\"", "\"de lay\" = \"14d\"", "`params.de lay`"),
        ("[externals.usdc]", "[externals.\"us dc\"]", "`externals.us dc`"),
        ("[existing.live]", "[existing.\"li ve\"]", "`existing.li ve`"),
    ];
    for (from, to, says) in places {
        refused(from, to, says);
    }
    let (_, live) = ALL.split_once("[existing.live]").unwrap();
    let (live, _) = live.split_once("\n\n").unwrap();
    let both = format!("{live}\n\n[existing.same]{live}");
    refused(
        live,
        &both,
        "`existing.same` in tidegate.toml: it is what `existing.live` is on mainnet",
    );
    let near = "`testnt` is not under [networks] (did you mean `testnet`?)";
    let networks = [
        ("soaks_on = [\"testnet\"]", "soaks_on = [\"testnt\"]"),
        ("testnet = { create", "testnt = { create"),
        ("testnet = { address", "testnt = { address"),
        ("testnet = 1,", "testnt = 1,"),
        ("testnet = { treasury", "testnt = { treasury"),
    ];
    for (from, to) in networks {
        refused(from, to, near);
    }
}

#[test]
fn a_network_has_endpoints_times_and_the_keys_of_its_stage() {
    let refused_keys = [
        (
            "rpc = [\"https://example.org\"]",
            "rpc = [\"https://${HOST}/\"]",
            "`networks.mainnet.rpc`",
        ),
        ("\"1h\"", "\"0h\"", "`networks.mainnet.block_time` in tidegate.toml: it must be at least"),
        ("\"1h\"", "\"soon\"", "`networks.mainnet.block_time`"),
        ("block_time = \"1h\"", "end_of_life = \"2027-13-31\"", "`networks.mainnet.end_of_life`"),
        ("block_time = \"12s\"", "relayer = \"other\"", "`networks.testnet.safe`"),
        (
            "block_time = \"12s\"",
            "safe = \"0x0000000000000000000000000000000000000001\"",
            "`networks.testnet.safe`",
        ),
        ("relayer = \"relayer\"", "deployer = \"other\"", "`networks.mainnet.deployer`"),
    ];
    for (from, to, says) in refused_keys {
        refused(from, to, says);
    }
    for key in ["deployer", "treasury"] {
        let says = "`networks.mainnet.relayer` in tidegate.toml: a testnet uses this key";
        refused("relayer = \"relayer\"", &format!("relayer = \"{key}\""), says);
    }
    // Of two testnets it is any key.
    let second = "[networks.second]\nstage = \"testnet\"\nchain = 31339\ndeployer = \"relayer\"\n";
    refused("[externals.usdc]", &format!("{second}\n[externals.usdc]"), "a testnet uses this key");
}

#[test]
fn a_parameter_has_one_rule_and_a_value_by_network() {
    let param = |text: &str| edited("delay = \"14d\"", &format!("delay = {text}"));
    let read = |text: &str| param(text).unwrap().params["delay"].clone();
    let plain = read("\"14d\"");
    assert_eq!(
        (&plain.rule, &plain.rule_written),
        (&RuleConfig::SameAsTestnet, &json!("same-as-testnet"))
    );
    assert_eq!(plain.value("mainnet"), Some(&json!("14d")));
    let own = read("{ value = 1, mainnet = 2 }");
    assert_eq!((own.value("testnet"), own.value("mainnet")), (Some(&json!(1)), Some(&json!(2))));
    assert_eq!(own.rule, RuleConfig::SameAsTestnet);
    let each = read("{ rule = \"per-network\", mainnet = 2 }");
    assert_eq!((each.rule, each.rule_written), (RuleConfig::PerNetwork, json!("per-network")));
    assert_eq!(each.values, [("mainnet".to_owned(), json!(2))].into());
    let same = read("{ rule = \"same-as-testnet\", value = 2 }");
    assert_eq!(same.rule, RuleConfig::SameAsTestnet);
    let bounds = |min: Option<i32>, max: Option<i32>| RuleConfig::Range {
        min: min.map(Value::from),
        max: max.map(Value::from),
    };
    assert_eq!(read("{ rule = { min = 1 } }").rule, bounds(Some(1), None));
    assert_eq!(read("{ rule = { max = 2 } }").rule, bounds(None, Some(2)));
    assert_eq!(read("{ rule = { min = 1, max = 2 } }").rule, bounds(Some(1), Some(2)));
    assert_eq!(read("{ rule = { one-of = [1] } }").rule, RuleConfig::OneOf(vec![json!(1)]));
    let refused = [
        ("{ rule = \"any\" }", "write \"same-as-testnet\", \"per-network\""),
        ("{ rule = { mini = 1 } }", "`mini` is not `min`, `max` or `one-of`"),
        ("{ rule = {} }", "an empty rule has no effect"),
        ("{ rule = { one-of = 1 } }", "an empty rule has no effect"),
        ("{ rule = { min = 1, one-of = [1] } }", "`one-of` and bounds exclude each other"),
        ("{ rule = { max = 1, one-of = [1] } }", "`one-of` and bounds exclude each other"),
        ("{ rule = 1 }", "a rule is a word or a table"),
    ];
    for (text, says) in refused {
        let error = param(text).unwrap_err();
        assert!(error.contains("`params.delay.rule`") && error.contains(says), "{error}");
    }
}

#[test]
fn bounds_of_a_rule_are_values_of_the_parameter_s_type() {
    let typed = |rule: RuleConfig| rule.typed(|value| crate::value::normalise("uint64", value));
    let text = |text: &str| Some(text.to_owned());
    let range = RuleConfig::Range { min: Some(json!("1d")), max: Some(json!(100_000)) };
    assert_eq!(typed(range), Ok(Rule::Range { min: text("86400"), max: text("100000") }));
    let open = RuleConfig::Range { min: None, max: Some(json!(7)) };
    assert_eq!(typed(open), Ok(Rule::Range { min: None, max: text("7") }));
    let one_of = RuleConfig::OneOf(vec![json!("1m"), json!(7)]);
    assert_eq!(typed(one_of), Ok(Rule::OneOf(vec![json!("60"), json!("7")])));
    assert_eq!(typed(RuleConfig::SameAsTestnet), Ok(Rule::SameAsTestnet));
    assert_eq!(typed(RuleConfig::PerNetwork), Ok(Rule::PerNetwork));
    assert!(typed(RuleConfig::OneOf(vec![json!(-1)])).is_err());
    assert!(typed(RuleConfig::Range { min: Some(json!("many")), max: None }).is_err());
}

#[test]
fn a_slip_is_told_from_another_word() {
    let near = |unknown: &str, known: &[&'static str]| nearest(unknown, known.iter().copied());
    assert_eq!(near("vualt", &["registry", "vault"]), Some("vault"));
    assert_eq!(near("abcd", &["abxy"]), Some("abxy"), "half of it");
    assert_eq!(near("abcd", &["axyz"]), None);
    assert_eq!(near("ab", &["abcd"]), Some("abcd"));
    assert_eq!(near("a", &["abcd"]), None);
    assert_eq!(near("abcdefghij", &["abcdzzzzzz"]), None, "six of ten");
    let slip = |from: &str, to: &str| {
        let error = Config::parse(&ALL.replace(from, to)).unwrap_err();
        let ConfigError::Shape { nearest, .. } = error else { panic!("{error}") };
        nearest
    };
    assert_eq!(slip("relayer =", "relaier ="), Some("relayer".to_owned()));
    assert_eq!(slip("stage = \"mainnet\"", "stage = \"mianet\""), Some("mainnet".to_owned()));
    assert_eq!(slip("relayer =", "zzzzzzzzzz ="), None);
    assert_eq!(slip("chain = 31337", "chain = \"x\""), None);
    let error = Config::parse(&ALL.replace("relayer =", "relaier =")).unwrap_err();
    assert!(error.to_string().ends_with("tidegate.toml (did you mean `relayer`?)"), "{error}");
}

#[test]
fn what_toml_cannot_hold_is_written_in_quotes() {
    let values =
        [("block_time = \"1h\"", "block_time = 12"), ("version = \"1.0.0\"", "version = 1.0")];
    for (from, to) in values {
        let text = ALL.replacen(from, to, 1);
        let error = Config::parse(&text).unwrap_err();
        assert!(error.to_string().ends_with(": write the value in quotes"), "{to}: {error:?}");
    }
}

#[test]
fn a_date_without_quotes_is_told_as_one() {
    let values = [
        ("block_time = \"1h\"", "block_time = 2026-11-21", "text in quotes, a time as 1795219200"),
        ("version = \"1.0.0\"", "version = 2026-11-21T10:00:00Z", "text in quotes, and a number"),
        ("chain = 31337", "chain = 07:32:00", "`07:32:00` is a date of TOML"),
    ];
    for (from, to, says) in values {
        let text = ALL.replacen(from, to, 1);
        let line = text.lines().position(|line| line.contains(to)).unwrap() + 1;
        let error = Config::parse(&text).unwrap_err().to_string();
        let expected = [&format!("cannot read line {line} of tidegate.toml"), says];
        assert!(expected.iter().all(|part| error.contains(part)), "{to}: {error}");
    }
    let error = Config::parse(&ALL.replace("chain = 31337", "chain = \"x\"")).unwrap_err();
    assert!(error.to_string().ends_with(": write a whole number, without quotes"), "{error}");
}

/// Wherever an address stands, a slip in it is told by its checksum.
#[test]
fn an_address_with_another_checksum_is_refused_in_every_key() {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_hexdigit).count();
    let places: Vec<_> = ALL.match_indices("\"0x").map(|(at, _)| at + 1).collect();
    let mut found = 0;
    for at in places {
        if digits(&ALL[at + 2..]) != 40 {
            continue;
        }
        found += 1;
        // One letter in the other case.
        let letter = at + 2 + ALL[at + 2..].find(|c: char| c.is_ascii_alphabetic()).unwrap();
        let mut text = ALL.as_bytes().to_vec();
        text[letter] ^= 0x20;
        let error = Config::parse(&String::from_utf8(text).unwrap()).unwrap_err();
        let ConfigError::Shape { source, .. } = error else { panic!("{error}") };
        let (line, says) = (&ALL[at - 20..at + 44], source.message());
        assert!(says.contains("its checksum is wrong"), "{line}: {says}");
    }
    assert_eq!(found, 9);
}
