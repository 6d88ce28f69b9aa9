//! Storage layouts: ERC-7201 namespaces are expanded like the compiler's own items.

use serde_json::{Value, json};

use crate::project::{Project, artifact};

/// Every kind of type, with members that pack and members that do not.
const TYPES: &str = r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

type Price is uint64;

struct Tree { uint8 tag; Tree[] children; mapping(address owner => Tree) byOwner; }

abstract contract Base {
    enum Mode { Off, On }
    struct Inner { uint128 a; bool b; uint128 c; Mode mode; }

    /// @notice Where the base keeps its state.
    /// @custom:storage-location erc7201:test.base
    struct Storage {
        uint8 small; Inner inner; address payable to; Price price; int96 signed; bytes4 selector;
        function(uint256) external returns (bool) call; function(uint256) internal run;
        uint40[33] packed; Inner[3] inners; uint256[] list; bytes blob; string text; Base other;
        mapping(address => mapping(bytes32 => Inner)) nested;
        Tree tree; uint256[2][] grid; uint16 last;
    }
}

/// Comments that mention @custom:storage-location are not namespaces.
contract Namespaced is Base {
    /// @custom:storage-location erc7201:test.derived
    struct Own { uint256 x; }
    struct Other { uint256 y; }
    uint256 public plain;
}

contract Listed is Base {
    Storage internal all;
}
"#;

fn members(item: &Value) -> Vec<Value> {
    let members = item["type"]["members"].as_array().unwrap();
    members.iter().map(|member| json!([member["label"], member["type"]])).collect()
}

#[test]
fn namespaces_expand_like_items() {
    let project = Project::new(&[("src/T.sol", TYPES)]);
    let output = project.compile(&["Namespaced", "Listed"]);
    let namespaced = &artifact(&output, "src/T.sol:Namespaced").layout;
    let listed = &artifact(&output, "src/T.sol:Listed").layout;

    // The same structure, once as the compiler lists it and once from the syntax tree.
    let base = &namespaced["namespaces"][0];
    assert_eq!(base["id"], "erc7201:test.base");
    assert_eq!(base["members"], Value::Array(members(&listed["items"][0])));
    assert_eq!(listed["namespaces"][0], *base);

    let uint = json!({"encoding": "inplace", "label": "uint256", "numberOfBytes": "32"});
    let own = json!({"id": "erc7201:test.derived", "members": [["x", uint]]});
    assert_eq!(namespaced["namespaces"][1], own);
    assert_eq!(namespaced["namespaces"].as_array().unwrap().len(), 2);
    let plain = json!([{"label": "plain", "slot": "0", "offset": 0, "type": uint}]);
    assert_eq!(namespaced["items"], plain);
}

#[test]
fn a_layout_is_free_of_ids_and_paths_and_follows_storage() {
    let first = Project::new(&[("src/T.sol", TYPES)]);
    let layout = |project: &Project, path: &str| {
        let output = project.compile(&["Namespaced", "Listed"]);
        artifact(&output, &format!("{path}:Namespaced")).layout.clone()
    };
    let plain = layout(&first, "src/T.sol");

    // Declared later in another file, every id is another one.
    let shift = "contract Before { uint256 a; function f() external {} }\ntype Price";
    let moved = Project::new(&[("src/deep/Moved.sol", &TYPES.replace("type Price", shift))]);
    assert_eq!(layout(&moved, "src/deep/Moved.sol"), plain);

    first.edit("src/T.sol", "uint8 tag;", "uint16 tag;");
    assert_ne!(layout(&first, "src/T.sol"), plain, "a type deep inside a namespace");
}

const NOTED: &str = r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {Other} from "./Other.sol";

enum Mode { Off, On }
type Price is uint64;

contract Base {
    uint256 private first;
    /// @custom:oz-renamed-from total
    uint256 private sum;
}

contract Noted is Base, Other {
    struct Kept {
        /** @custom:oz-retyped-from uint8 */
        bool flag;
        Price price;
    }
    enum Inner { A, B }
    /// @custom:storage-location erc7201:test.noted
    struct Main {
        uint256 /* größer */ a;
        /// @custom:oz-renamed-from c
        mapping(Inner => uint256) b;
    }
    mapping(uint256 => Kept[]) kept;
    mapping(Mode => Price) prices;
}
"#;

#[test]
fn notes_hold_what_the_layout_leaves_out() {
    const OTHER: &str = "pragma solidity ^0.8.20;\nenum Mode { No }\ncontract Other { Mode m; }\n";
    let project = Project::new(&[("src/T.sol", NOTED), ("src/Other.sol", OTHER)]);
    let output = project.compile(&["Noted"]);
    let noted = artifact(&output, "src/T.sol:Noted");
    let expected = json!({
        "items": {"1": {"name": "total", "kind": null}},
        "members": {
            "struct Noted.Kept": {"flag": {"name": null, "kind": "uint8"}},
            "erc7201:test.noted": {"b": {"name": "c", "kind": null}},
        },
        // Two enums are called `Mode`.
        "enums": {"enum Noted.Inner": ["A", "B"]},
        "values": {"Price": "uint64"},
    });
    assert_eq!(serde_json::to_value(&noted.layout_notes).unwrap(), expected);

    let (before, digest) = (noted.layout.clone(), noted.storage_layout().unwrap());
    project.edit("src/T.sol", "oz-renamed-from total", "notice total");
    let output = project.compile(&["Noted"]);
    let silent = artifact(&output, "src/T.sol:Noted");
    assert!(silent.layout_notes.items.is_empty());
    assert_eq!(silent.layout, before);
    assert_ne!(silent.storage_layout().unwrap(), digest, "a note is bound");
}

/// Of two structures of one name only one says what its member was.
#[test]
fn a_note_on_one_of_two_structures_of_one_name_counts_for_neither() {
    const KEPT: &str = "struct Kept { /// @custom:oz-retyped-from uint8\n bool flag; }\n";
    let silent = KEPT.replace("/// @custom:oz-retyped-from uint8\n", "");
    let head = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.20;\n";
    let source = |first: &str| {
        format!(
            "{head}import {{Kept as Theirs}} from \"./Other.sol\";\n{first}contract Two {{ \
             mapping(uint256 => Kept) a; mapping(uint256 => Theirs) b; }}\n"
        )
    };
    for (first, second, counts) in
        [(KEPT, silent.as_str(), false), (silent.as_str(), KEPT, false), (KEPT, KEPT, true)]
    {
        let other = format!("{head}{second}");
        let project = Project::new(&[("src/T.sol", &source(first)), ("src/Other.sol", &other)]);
        let output = project.compile(&["Two"]);
        let notes = &artifact(&output, "src/T.sol:Two").layout_notes;
        let members = notes.members.get("struct Kept");
        assert_eq!(members.is_some(), counts, "{first} beside {second}: {notes:?}");
    }
}
