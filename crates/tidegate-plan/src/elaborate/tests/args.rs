//! Arguments beside the types that the ABI gives them.

use tidegate_model::plan::Member;

use super::*;

fn of(ty: &str, source: Source) -> Arg {
    Arg { ty: ty.to_owned(), from: source }
}

fn literal(ty: &str, value: Value) -> Arg {
    of(ty, Source::Literal(value))
}

/// The arguments of one more call of the vault.
fn args(function: &str, args: &str) -> Result<Vec<Arg>, String> {
    let call = format!("name = \"more\"\ncall = [\"@vault\", \"{function}\", {args}]");
    let plan = with_step(&call)?;
    let Action::Call(found) = &step(&plan, "more").action else { panic!("a call") };
    Ok(found.invocation.args.clone())
}

fn refuses(found: Result<Vec<Arg>, String>, says: &str) {
    let error = found.unwrap_err();
    assert!(error.contains(says), "{error} does not say {says}");
}

#[test]
fn lists_hold_what_is_named_item_by_item() {
    let found = args("lists", "[1, 2], [\"0x00\"], 1, -1, \"0x00000000\", false").unwrap();
    assert_eq!(found[0], literal("uint8[2]", serde_json::json!(["1", "2"])));
    assert_eq!(found[1], literal("bytes[]", serde_json::json!(["0x00"])));
    refuses(args("lists", "[1], [], 1, 1, \"0x00000000\", true"), "argument `[1]`");
    refuses(args("lists", "[1, 256], [], 1, 1, \"0x00000000\", true"), "argument `256`");
    refuses(args("lists", "1, [], 1, 1, \"0x00000000\", true"), "argument `1`");
    let found = args("pair", "[\"$cap\", \"text\"]").unwrap();
    let items =
        vec![of("uint256", Source::Param("cap".to_owned())), literal("string", "text".into())];
    assert_eq!(found, [of("(uint256,string)", Source::List(items))]);
}

#[test]
fn a_structure_may_be_written_by_its_members() {
    let in_order = args("pair", "[\"1e3\", \"text\"]").unwrap();
    assert_eq!(in_order, [literal("(uint256,string)", serde_json::json!(["1000", "text"]))]);
    assert_eq!(args("pair", "{ text = \"text\", id = \"1e3\" }"), Ok(in_order));
    refuses(args("pair", "{ text = \"text\" }"), "`id` is missing");
    refuses(args("pair", "{ text = \"t\", id = 1, ids = 2 }"), "`ids` is not a member");
    refuses(args("pair", "[1]"), "argument `[1]`");
    refuses(args("register", "{ vault = \"@vault\" }"), "step `more`, argument `{");
}

#[test]
fn a_function_is_named_as_far_as_it_takes() {
    let one = args("register", "\"@vault\"").unwrap();
    assert_eq!(one, [of("address", Source::Ref("vault".to_owned()))]);
    assert_eq!(args("share( address, uint64 )", "\"@vault\", 1").unwrap().len(), 2);
    assert_eq!(args("register(address)", "\"@vault\""), Ok(one));
    refuses(args("share", "\"@vault\""), "write one of these in full: share(address,uint64)");
    refuses(args("share(bool)", "true"), "write one of these in full");
    refuses(args("register(bool)", "true"), "write one of these in full: register(address)");
    refuses(args("registr", "\"@vault\""), "no function `registr`; did you mean `register`?");
    refuses(args("zzzzzzzzzz", ""), "no function `zzzzzzzzzz`; it has ");
    let number = "name = \"more\"\ncall = [\"@vault\", 1]";
    refused(with_step(number), "`1` is not a function");
}

/// Whatever calls it: a call, an initialiser.
#[test]
fn what_only_reads_is_not_sent() {
    let reads = "`owner()` is view: a transaction that calls it changes nothing; to check what it \
                 returns, write `expect = [[\"owner\", arguments…, value]]` in a step";
    refused(with_step("name = \"more\"\ncall = [\"@vault\", \"owner\"]"), reads);
    refused(with_step("name = \"more\"\ncall = [\"@vault\", \"owner()\"]"), reads);
}

/// A date without quotes is a table to the parser; nobody wrote one.
#[test]
fn a_date_is_shown_as_it_is_written() {
    let seconds = "`2026-11-21` is not a value of type `uint64`: it is a date of TOML; write a \
                   time as its seconds since 1970, 1795219200";
    refuses(args("share(address,uint64)", "\"@vault\", 2026-11-21"), "argument `2026-11-21`");
    let date = serde_json::json!({"$__toml_private_datetime": "2026-11-21"});
    let found = crate::value::normalise("uint64", &date).unwrap_err().to_string();
    assert!(found.starts_with(seconds), "{found}");
    for call in ["[2026-11-21, \"cap\"]", "[\"@vault\", 2026-11-21]", "[\"@vault\", [07:00:00]]"] {
        let found = with_step(&format!("name = \"more\"\ncall = {call}")).unwrap_err();
        assert!(!found.contains("__toml") && found.contains('`'), "{call}: {found}");
    }
    let nested = args("lists", "[2026-11-21], [], 1, 1, \"0x00000000\", true").unwrap_err();
    assert!(nested.contains("argument `[2026-11-21]`"), "{nested}");
}

#[test]
fn names_stand_for_addresses_that_are_known_so_far() {
    for name in ["safe", "deployer", "executor", "usdc", "live", "next", "registry"] {
        let found = args("register", &format!("\"@{name}\"")).unwrap();
        assert_eq!(found, [of("address", Source::Ref(name.to_owned()))]);
    }
    refuses(args("register", "\"@lists\""), "`@lists` is neither an earlier step nor");
    refuses(args("register", "\"@more\""), "`@more` is neither an earlier step nor");
    let reads = edited(&[("args = [\"@registry\"]", "args = [\"@pool\"]")]);
    refused(reads, "step `vault`: `@pool` is neither an earlier step nor");
}

#[test]
fn text_is_a_name_only_where_something_is_called_so() {
    let pair = |text: &str| {
        let found = args("pair", &format!("[1, \"{text}\"]"))?;
        let Source::Literal(Value::Array(items)) = &found[0].from else { panic!("{found:?}") };
        Ok::<_, String>(items[1].as_str().unwrap().to_owned())
    };
    let texts = [
        ("@handle", "@handle"),
        ("@@handle", "@handle"),
        ("@@vault", "@vault"),
        ("$WIF", "$WIF"),
        ("$$cap", "$cap"),
        ("a@safe", "a@safe"),
    ];
    for (written, meant) in texts {
        assert_eq!(pair(written), Ok(meant.to_owned()), "{written}");
    }
    // `next` is a later step.
    for name in ["vault", "usdc", "live", "safe", "executor", "next"] {
        let found = args("pair", &format!("[1, \"@{name}\"]"));
        refuses(found, &format!("argument `\"@{name}\"`"));
    }
    refuses(args("pair", "[1, \"@vaul\"]"), "argument `\"@vaul\"`");
    // A parameter may be text too.
    refuses(args("pair", "[1, \"$cap\"]"), "used both as `uint256` and as `string`");
    // Bytes are never the text of a name.
    for text in ["@handle", "@vault", "$WIF", "$$cap"] {
        refuses(args("lists", &format!("[1, 2], [\"{text}\"], 1, 1, \"0x00000000\", true")), text);
    }
}

/// The example with one more parameter, which is what guards are.
fn guards(param: &str) -> Result<Plan, String> {
    let step = "[[step]]\nname = \"more\"\ncall = [\"@vault\", \"guard\", \"$guards\", \"\"]";
    edited(&[
        ("[funds]", &format!("{step}\n\n[funds]")),
        ("delay = \"14d\"", &format!("delay = \"14d\"\nguards = {param}")),
    ])
}

#[test]
fn a_parameter_may_be_a_structure_or_hold_some() {
    let member = |name: &str| Member { name: name.to_owned(), members: Vec::new() };
    let found = guards("[{ who = \"@safe\", days = [\"1d\"] }, [\"@vault\", []]]").unwrap();
    assert_eq!(found.params["guards"].ty, "(address,uint64[])[]");
    assert_eq!(found.params["guards"].members, [member("who"), member("days")]);
    let refused = [
        ("[{ who = \"@safe\" }]", "`days` is missing"),
        ("[{ who = \"@safe\", days = [], day = 1 }]", "`day` is not a member; it has who, days"),
        ("[[\"@nobody\", []]]", "`@nobody` has no address here"),
        ("[[\"@safe\", [1e18]]]", "write it in quotes"),
        ("[[\"@safe\", [2026-11-21]]]", "1795219200"),
        ("{ who = \"@safe\", days = [] }", "write a list"),
        ("{ value = [[\"@safe\", [-1]]], testnet = [] }", "it is negative"),
        ("{ rule = { one-of = [[[\"@safe\", []]]] }, value = [] }", "`@safe` has no address here"),
    ];
    for (param, says) in refused {
        let step = "call = [\"@vault\", \"guard\", \"$guards\", \"\"]";
        let text = ALL
            .replace("[funds]", &format!("[[step]]\n{step}\n\n[funds]"))
            .replace("delay = \"14d\"", &format!("delay = \"14d\"\nguards = {param}"));
        let error = plan(&Config::parse(&text).unwrap()).unwrap_err();
        let ElaborateError::Value { param: name, source } = error else { panic!("{error}") };
        assert!(name == "guards" && source.to_string().contains(says), "{param}: {source}");
    }
}

#[test]
fn a_table_without_networks_is_a_structure() {
    let pair = |param: &str| {
        let step = "[[step]]\nname = \"more\"\ncall = [\"@vault\", \"pair\", \"$both\"]";
        edited(&[
            ("[funds]", &format!("{step}\n\n[funds]")),
            ("delay = \"14d\"", &format!("delay = \"14d\"\nboth = {param}")),
        ])
    };
    for param in [
        "{ id = 1, text = \"a\" }",
        "{ value = { id = 1, text = \"a\" } }",
        "{ rule = \"per-network\", testnet = { id = 1, text = \"a\" }, mainnet = [2, \"b\"] }",
    ] {
        assert_eq!(pair(param).unwrap().params["both"].members.len(), 2, "{param}");
    }
    let number = [("delay = \"14d\"", "delay = { tesnet2 = \"14d\" }")];
    refused(edited(&number), "cannot read parameter `delay`");
}
