//! What an upgrade may do to each kind of type, on layouts as compilers write them.

use serde_json::{Value, json};
use tidegate_model::release::{Formerly, LayoutNotes};

use super::*;

type Fields<'a> = &'a [(&'a str, Value)];

fn plain(label: &str, bytes: u64) -> Value {
    json!({"encoding": "inplace", "label": label, "numberOfBytes": bytes.to_string()})
}

fn uint(bits: u64) -> Value {
    plain(&format!("uint{bits}"), bits / 8)
}

fn label(kind: &Value) -> &str {
    kind["label"].as_str().unwrap()
}

fn bytes(kind: &Value) -> u64 {
    kind["numberOfBytes"].as_str().unwrap().parse().unwrap()
}

fn with(mut kind: Value, name: &str, inner: &Value) -> Value {
    kind[name] = inner.clone();
    kind
}

/// A list of so many whole slots.
fn fixed(base: &Value, length: u64) -> Value {
    let label = format!("{}[{length}]", label(base));
    with(plain(&label, length * bytes(base).div_ceil(32) * 32), "base", base)
}

fn dynamic(base: &Value) -> Value {
    let list = with(plain(&format!("{}[]", label(base)), 32), "base", base);
    with(list, "encoding", &json!("dynamic_array"))
}

fn mapping(key: &Value, value: &Value) -> Value {
    let label = format!("mapping({} => {})", label(key), label(value));
    let map = with(with(plain(&label, 32), "key", key), "value", value);
    with(map, "encoding", &json!("mapping"))
}

/// Fields as the compiler places them, and how many slots they take.
fn placed(fields: Fields<'_>) -> (Value, u64) {
    let (mut slot, mut offset) = (0, 0);
    let place = |(name, kind): &(&str, Value)| {
        let size = bytes(kind);
        let whole = size > 32 || kind.get("base").is_some() || kind.get("members").is_some();
        if offset > 0 && (whole || offset + size > 32) {
            (slot, offset) = (slot + 1, 0);
        }
        let item = json!({"label": name, "slot": slot.to_string(), "offset": offset, "type": kind});
        let behind = offset + size;
        (slot, offset) = if whole { (slot + size.div_ceil(32), 0) } else { (slot, behind) };
        item
    };
    let items = fields.iter().map(place).collect();
    (Value::Array(items), slot + u64::from(offset > 0))
}

fn structure(name: &str, members: Fields<'_>) -> Value {
    let (members, slots) = placed(members);
    with(plain(&format!("struct {name}"), slots * 32), "members", &members)
}

fn notes() -> LayoutNotes {
    LayoutNotes::default()
}

fn read(fields: Fields<'_>, notes: &LayoutNotes) -> Layout {
    Layout::read(&json!({"items": placed(fields).0, "namespaces": []}), notes).unwrap()
}

fn said(problems: &[LayoutProblem]) -> String {
    let one = |problem: &LayoutProblem| {
        let inside: Vec<_> = problem.inside.iter().map(|fault| format!(" {fault:?}")).collect();
        format!("{:?} {}{}", problem.kind, problem.variable, inside.concat())
    };
    problems.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn check(old: Fields<'_>, new: Fields<'_>, expected: &str) {
    assert_eq!(said(&compare(&read(old, &notes()), &read(new, &notes()))), expected);
}

/// One variable whose type changes.
#[track_caller]
fn becomes(old: &Value, new: &Value, expected: &str) {
    let expected =
        if expected.is_empty() { String::new() } else { format!("Retyped v {expected}") };
    check(&[("v", old.clone())], &[("v", new.clone())], &expected);
}

#[test]
fn variables_stay_where_they_are() {
    let (a, b, c) = (("a", uint(256)), ("b", uint(256)), ("c", uint(256)));
    let [small, room] = [("s", uint(128)), ("r", uint(64))];
    let two = [a.clone(), c.clone()];
    check(&two, &[a.clone(), c.clone(), b.clone()], "");
    check(&two, &[a.clone(), b.clone(), c.clone()], "Inserted b, Moved c");
    check(&two, &[b.clone(), a.clone(), c.clone()], "Inserted b, Moved a, Moved c");
    check(&two, std::slice::from_ref(&a), "Deleted c");
    check(&two, std::slice::from_ref(&c), "Deleted a, Moved c");
    check(&two, &[a.clone(), b.clone()], "Renamed b");
    check(&two, &[a.clone(), ("b", plain("address", 20))], "Replaced b");
    check(&two, &[a.clone(), ("c", plain("address", 20))], "Retyped c Mismatch");
    // In room that packing left, as far as it goes.
    let packed = [small.clone(), c.clone()];
    check(&packed, &[small.clone(), room.clone(), c.clone()], "");
    check(&packed, &[small, room, ("t", uint(128)), c], "Inserted t, Moved c");
}

#[test]
fn gaps_give_room_and_end_where_they_did() {
    let gap = |name, length| (name, fixed(&uint(256), length));
    let (a, b, c) = (("a", uint(256)), ("b", uint(256)), ("c", uint(256)));
    let old = [a.clone(), gap("__gap", 5), c.clone()];
    check(&old, &[a.clone(), b.clone(), gap("__gap", 4), c.clone()], "");
    let shifted = [a.clone(), b.clone(), gap("__gap", 5), c.clone()];
    check(&old, &shifted, "Moved __gap, Moved c");
    let short = [a.clone(), b.clone(), gap("__gap", 3), c.clone()];
    check(&old, &short, "Retyped __gap ArrayShorter, Moved c");
    check(&old, &[a.clone(), gap("__gap_two", 5), c.clone()], "");
    check(&[a.clone(), gap("__gap", 1), c.clone()], &[a.clone(), b.clone(), c.clone()], "");
    // What is called otherwise is no gap.
    let other = [a.clone(), gap("room", 5), c.clone()];
    let used = [a, b, gap("room", 4), c];
    check(&other, &used, "Inserted b, Retyped room ArrayShorter");
}

#[test]
fn structures_grow_only_where_nothing_lies_behind_them() {
    let short = structure("S", &[("x", uint(256))]);
    let long = structure("S", &[("x", uint(256)), ("y", uint(256))]);
    let key = plain("address", 20);
    becomes(&short, &long, "StructMembers");
    becomes(&long, &short, "StructMembers");
    becomes(&mapping(&key, &short), &mapping(&key, &long), "");
    becomes(&mapping(&key, &long), &mapping(&key, &short), "MappingValue StructMembers");
    becomes(&dynamic(&short), &dynamic(&long), "ArrayElement StructMembers");
    becomes(&fixed(&short, 2), &fixed(&long, 2), "ArrayElement StructMembers");
    let inside = |kind: &Value| mapping(&key, &structure("T", &[("s", kind.clone())]));
    becomes(&inside(&short), &inside(&long), "MappingValue StructMembers");
    let renamed = structure("S", &[("z", uint(256))]);
    becomes(&short, &renamed, "StructMembers");
}

#[test]
fn lists_and_mappings_keep_what_they_hold() {
    let (word, key) = (uint(256), plain("address", 20));
    becomes(&fixed(&word, 3), &fixed(&word, 2), "ArrayShorter");
    becomes(&fixed(&word, 2), &fixed(&word, 3), "ArrayLonger");
    becomes(&fixed(&word, 2), &fixed(&plain("int256", 32), 2), "ArrayElement Mismatch");
    becomes(&dynamic(&word), &dynamic(&plain("int256", 32)), "ArrayElement Mismatch");
    becomes(&fixed(&word, 1), &dynamic(&word), "ArrayDynamic");
    becomes(&dynamic(&word), &fixed(&word, 1), "ArrayDynamic");
    let of = |value: &Value| mapping(&key, value);
    becomes(&of(&fixed(&word, 2)), &of(&fixed(&word, 3)), "");
    becomes(&of(&fixed(&word, 3)), &of(&fixed(&word, 2)), "MappingValue ArrayShorter");
    becomes(&of(&word), &of(&plain("int256", 32)), "MappingValue Mismatch");
    becomes(&of(&word), &mapping(&uint(256), &word), "MappingKey Mismatch");
    becomes(&of(&of(&word)), &of(&of(&key)), "MappingValue MappingValue Mismatch");
    becomes(&of(&word), &dynamic(&word), "Mismatch");
}

#[test]
fn functions_contracts_and_addresses() {
    let external = plain("function () external", 24);
    let internal = plain("function ()", 8);
    becomes(&external, &external, "");
    becomes(&internal, &internal, "InternalFunction");
    becomes(&internal, &external, "Visibility");
    let text = with(plain("string", 32), "encoding", &json!("bytes"));
    let raw = with(plain("bytes", 32), "encoding", &json!("bytes"));
    becomes(&text, &text, "");
    becomes(&text, &raw, "Mismatch");
    let (token, vault) = (plain("contract Token", 20), plain("contract Vault", 20));
    let address = plain("address", 20);
    for (old, new) in [(&token, &vault), (&token, &address), (&address, &token)] {
        becomes(old, new, "");
    }
    let payable = plain("address payable", 20);
    becomes(&token, &payable, "Mismatch");
    becomes(&payable, &token, "Mismatch");
    becomes(&token, &uint(160), "Mismatch");
    becomes(&uint(160), &token, "Mismatch");
}

#[test]
fn enums_and_named_values_are_what_is_known_of_them() {
    let noted = |enums: &[&str], value: Option<&str>, size: u64| {
        let mut notes = notes();
        let members = enums.iter().map(ToString::to_string).collect();
        notes.enums.insert("enum Mode".to_owned(), members);
        if let Some(value) = value {
            notes.values.insert("Price".to_owned(), value.to_owned());
        }
        read(&[("m", plain("enum Mode", size)), ("p", plain("Price", 16))], &notes)
    };
    let old = noted(&["A", "B"], Some("uint128"), 1);
    for (enums, value, size, expected) in [
        (&["A", "B"][..], Some("uint128"), 1, ""),
        (&["A", "B", "C"], Some("uint128"), 1, ""),
        (&["A", "C", "B"], Some("uint128"), 1, "Retyped m EnumMembers"),
        (&["A"], Some("uint128"), 1, "Retyped m EnumMembers"),
        (&["A", "X"], Some("uint128"), 1, "Retyped m EnumMembers"),
        (&["A", "B"], Some("int128"), 1, "Retyped p Mismatch"),
        (&["A", "B"], None, 1, "Retyped p Unknown"),
        (&["A", "B"], Some("uint128"), 2, "Retyped m Resized, Moved p"),
    ] {
        let problems = said(&compare(&old, &noted(enums, value, size)));
        assert_eq!(problems, expected, "{enums:?} {value:?} {size}");
    }
    let sized = |bytes| read(&[("p", plain("Price", bytes))], &notes());
    assert_eq!(said(&compare(&sized(16), &sized(8))), "Retyped p Resized");
}

/// Whoever writes that a variable had another name or type is believed, but not about its size.
#[test]
fn what_was_called_otherwise_may_say_so() {
    let noted = |name: &str, kind: Value, was: (Option<&str>, Option<&str>)| {
        let mut notes = notes();
        let (was_called, was_a) = (was.0.map(str::to_owned), was.1.map(str::to_owned));
        notes.items.insert(0, Formerly { name: was_called, kind: was_a, grows: None });
        read(&[(name, kind)], &notes)
    };
    let old = read(&[("a", uint(256))], &notes());
    let told = |new: Layout| said(&compare(&old, &new));
    assert_eq!(told(noted("b", uint(256), (Some("a"), None))), "");
    assert_eq!(told(noted("b", uint(256), (Some("x"), None))), "Renamed b");
    assert_eq!(told(noted("a", uint(256), (Some("x"), None))), "Renamed a");
    let int = || plain("int256", 32);
    assert_eq!(told(noted("a", int(), (None, Some("uint256")))), "");
    assert_eq!(told(noted("a", int(), (None, Some("uint128")))), "Retyped a Mismatch");
    assert_eq!(told(noted("a", uint(128), (None, Some("uint256")))), "Moved a");
    assert_eq!(told(noted("b", int(), (Some("a"), Some("uint256")))), "");
    // A note may stay for the next upgrade.
    let noted_before = noted("b", uint(256), (Some("a"), None));
    let still = noted("b", uint(256), (Some("a"), None));
    assert_eq!(said(&compare(&noted_before, &still)), "");
    // `contract`, `struct` and `enum` may be left away.
    let old = read(&[("t", plain("contract Token", 20))], &notes());
    let new = noted("t", uint(160), (None, Some("Token")));
    assert_eq!(said(&compare(&old, &new)), "");
}

#[test]
fn a_structure_inside_itself_is_compared_once() {
    let inside = json!({"label": "struct Node", "recursive": true});
    let node = |value: &Value| {
        let next = mapping(&uint(256), &inside);
        structure("Node", &[("value", value.clone()), ("next", next)])
    };
    becomes(&node(&uint(256)), &node(&uint(256)), "");
    becomes(&node(&uint(256)), &node(&plain("int256", 32)), "StructMembers");
}

#[test]
fn namespaces_are_kept_whole_and_apart() {
    let space = |id: &str, members: &[(&str, Value)]| {
        let members: Vec<_> = members.iter().map(|(name, kind)| json!([name, kind])).collect();
        json!({"id": id, "members": members})
    };
    let read = |spaces: &[Value]| {
        Layout::read(&json!({"items": [], "namespaces": spaces}), &notes()).unwrap()
    };
    let (a, b, word) = ("erc7201:a", "erc7201:b", uint(256));
    let one = || space(a, &[("x", word.clone())]);
    let old = read(&[one(), space(b, &[("y", word.clone())])]);
    let told = |spaces: &[Value]| said(&compare(&old, &read(spaces)));
    let other = || space(b, &[("y", word.clone())]);
    assert_eq!(told(&[one(), other()]), "");
    assert_eq!(told(&[other(), one()]), "", "in another order");
    assert_eq!(told(&[space(a, &[("x", word.clone()), ("z", word.clone())]), other()]), "");
    assert_eq!(told(&[space(a, &[("x", plain("int256", 32))]), other()]), "Retyped x Mismatch");
    assert!(told(&[one()]).starts_with("NamespaceDeleted"), "{}", told(&[one()]));
    let twice = told(&[one(), other(), one()]);
    assert!(twice.starts_with("NamespaceRepeated"), "{twice}");
    // Members are packed as the compiler packs them: the third begins a slot.
    let packed = |third: u64| {
        let members = [("x", uint(64)), ("y", uint(128)), ("z", uint(third))];
        read(&[space(a, &members)])
    };
    let places = |layout: &Layout| -> Vec<String> {
        layout.namespaces[0].members.iter().map(|field| field.place.to_string()).collect()
    };
    assert_eq!(places(&packed(64)), ["slot 0", "slot 0, byte 8", "slot 0, byte 24"]);
    assert_eq!(places(&packed(128)), ["slot 0", "slot 0, byte 8", "slot 1"]);
    let lists = read(&[space(a, &[("x", uint(64)), ("l", fixed(&word, 2)), ("z", uint(8))])]);
    assert_eq!(places(&lists), ["slot 0", "slot 1", "slot 3"]);
}

#[test]
fn nothing_else_lies_where_a_namespace_lies() {
    let id = "erc7201:a";
    let slot = namespaces::root(id).unwrap();
    let one = alloy_primitives::U256::from(1);
    let told = |at: alloy_primitives::U256, slots: u64| {
        let held = fixed(&uint(256), slots);
        let item = json!({"label": "v", "slot": at.to_string(), "offset": 0, "type": held});
        let members = json!([["x", uint(256)], ["y", uint(256)]]);
        let written = json!({"items": [item], "namespaces": [{"id": id, "members": members}]});
        let layout = Layout::read(&written, &notes()).unwrap();
        compare(&layout, &layout).len()
    };
    let two = one + one;
    assert_eq!((told(slot - one, 1), told(slot - one, 2)), (0, 1));
    assert_eq!((told(slot, 1), told(slot + one, 1), told(slot + two, 1)), (1, 1, 0));
    assert_eq!((told(slot - two, 2), told(slot - two, 9)), (0, 1));
}

/// A problem's sentence names the variable, its types and places; its hint says what to write.
#[test]
fn problems_name_variables_types_and_places() {
    let told = |old: Fields<'_>, new: Fields<'_>| {
        let problems = compare(&read(old, &notes()), &read(new, &notes()));
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
    };
    let field = |name: &'static str, kind: &Value| (name, kind.clone());
    let (word, int, address) = (uint(256), plain("int256", 32), plain("address", 20));
    let (a, c) = (field("a", &word), field("c", &word));
    let short = structure("S", &[("x", word.clone())]);
    let long = structure("S", &[("x", word.clone()), ("y", int.clone())]);
    let gap = |length| ("__gap", fixed(&word, length));
    let retyped = |old: &Value, new: &Value| told(&[field("v", old)], &[field("v", new)]);
    let cases: [(String, &[&str]); 12] = [
        (
            told(&[a.clone(), c.clone()], &[a.clone(), field("b", &word), c.clone()]),
            &["slot 1: `b` (uint256)", "overlaps `c`", "was at slot 1 and is at slot 2"],
        ),
        (
            told(&[a.clone(), c.clone()], std::slice::from_ref(&a)),
            &["slot 1: `c` (uint256) is gone"],
        ),
        (
            told(std::slice::from_ref(&c), &[field("b", &address)]),
            &["`c` (uint256) becomes `b` (address)"],
        ),
        (
            told(std::slice::from_ref(&c), &[field("b", &word)]),
            &["`c` becomes `b`", "@custom:oz-renamed-from c"],
        ),
        (retyped(&word, &int), &["`v`: uint256 becomes int256", "@custom:oz-retyped-from uint256"]),
        (retyped(&short, &long), &["in struct S, `y` (int256)", "only values of mappings may"]),
        (retyped(&mapping(&word, &word), &mapping(&int, &word)), &["in the keys of mapping(int"]),
        (retyped(&mapping(&word, &word), &mapping(&word, &int)), &["in the values of mapping(u"]),
        (retyped(&dynamic(&word), &dynamic(&int)), &["in the elements of int256[], uint256 be"]),
        (retyped(&dynamic(&word), &fixed(&word, 1)), &["uint256[] becomes uint256[1]:"]),
        (retyped(&fixed(&word, 2), &fixed(&word, 1)), &["uint256[2] becomes uint256[1]; keep"]),
        (
            told(&[a.clone(), gap(5), c.clone()], &[a, field("b", &word), gap(3), c]),
            &["uint256[5] becomes uint256[3], and ends elsewhere; give `__gap` 4 elements"],
        ),
    ];
    for (text, names) in cases {
        for name in names {
            assert!(text.contains(name), "{name}: {text}");
        }
    }
    let mut notes = notes();
    notes.items.insert(0, Formerly { kind: Some("uint256".to_owned()), ..Formerly::default() });
    let (old, new) =
        (read(&[("v", word)], &LayoutNotes::default()), read(&[("v", uint(128))], &notes));
    let sizes = compare(&old, &new)[0].sentence.clone();
    assert_eq!(sizes, "slot 0: `v` took 32 bytes and takes 16");
    notes.items.insert(0, Formerly { kind: Some("uint8".to_owned()), ..Formerly::default() });
    let small = read(&[("v", uint(8))], &LayoutNotes::default());
    let sizes = compare(&small, &read(&[("v", uint(128))], &notes))[0].sentence.clone();
    assert_eq!(sizes, "slot 0: `v` took 1 byte and takes 16");
    notes.items.insert(0, Formerly { name: Some("x".to_owned()), ..Formerly::default() });
    let new = read(&[("v", uint(256))], &notes);
    let named = compare(&old, &new)[0].sentence.clone();
    assert_eq!(named, "slot 0: `v` says that it was `x`, but it was `v`");
}

/// What the hint says depends on where in the type the change is.
#[test]
fn hints_say_what_can_be_done_instead() {
    let hint = |old: &Layout, new: &Layout| compare(old, new)[0].hint.clone();
    let function = read(&[("f", plain("function ()", 8))], &notes());
    assert!(hint(&function, &function).contains("store a number or an enum"));
    let of = |members: &[&str]| {
        let mut notes = notes();
        let members = members.iter().map(ToString::to_string).collect();
        notes.enums.insert("enum Mode".to_owned(), members);
        read(&[("m", plain("enum Mode", 1))], &notes)
    };
    assert!(hint(&of(&["A", "B"]), &of(&["B"])).contains("add members of an enum"));
    let value = |behind: &str| {
        let mut notes = notes();
        notes.values.insert("Price".to_owned(), behind.to_owned());
        read(&[("p", plain("Price", 16))], &notes)
    };
    let changed = &compare(&value("uint128"), &value("int128"))[0];
    assert!(changed.sentence.ends_with("Price is now another type"), "{changed}");
    // A list that is no gap, or becomes none, is no matter of room.
    let list = |name, length| read(&[(name, fixed(&uint(256), length))], &notes());
    assert!(hint(&list("room", 3), &list("room", 2)).contains("@custom:oz-retyped-from"));
}

#[test]
fn as_many_variables_are_read_as_are_allowed() {
    let count = |count: usize| {
        let item = placed(&[("a", uint(256))]).0[0].clone();
        Layout::read(&json!({"items": vec![item; count], "namespaces": []}), &notes())
    };
    assert_eq!(count(1_000).unwrap().variables(), 1_000);
    assert!(matches!(count(1_001), Err(LayoutReadError::TooLarge { limit: 1_000, .. })));
}
