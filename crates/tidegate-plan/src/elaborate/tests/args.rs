//! Arguments beside the types that the ABI gives them.

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
    let one = args("share(address)", "\"@vault\"").unwrap();
    assert_eq!(one, [of("address", Source::Ref("vault".to_owned()))]);
    assert_eq!(args("share( address, uint64 )", "\"@vault\", 1").unwrap().len(), 2);
    assert_eq!(args("register(address)", "\"@vault\""), Ok(one));
    refuses(args("share", "\"@vault\""), "write one of these in full: share(address,uint64)");
    refuses(args("share(bool)", "true"), "write one of these in full");
    refuses(args("register(bool)", "true"), "write one of these in full: register(address)");
    refuses(args("registr", "\"@vault\""), "no function `registr`; did you mean `register`?");
    let number = "name = \"more\"\ncall = [\"@vault\", 1]";
    refused(with_step(number), "`1` is not a function");
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
