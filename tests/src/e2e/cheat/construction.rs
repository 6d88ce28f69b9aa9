//! Construction that follows who sends it, when it runs, or what others decide, so that what is
//! executed is not what soaked.

use alloy_primitives::{Address, Bytes};
use libtest_mimic::Failed;

use crate::support::{Case, Outcome, Scene, Status, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            cheat_a_child_that_reads_what_others_decide,
            cheat_a_plan_that_asks_who_sends,
            cheat_a_moment_that_turns_what_is_created,
            cheat_state_outside_the_plan_that_turns_it,
            cheat_a_stranger_who_comes_first;
        Funded:
            cheat_a_child_that_is_not_what_was_made,
            cheat_differences_behind_a_small_parameter,
            cheat_a_boss_that_is_packed_beside_a_time;
    }
}

const FILE: &str = "contracts/src/Odd.sol";

/// Adds contracts to the project, and what the plan does with them.
fn add(scene: &Scene<'_>, plan: &str, source: &str, steps: &str) -> Outcome {
    let head = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n";
    scene.write(FILE, &format!("{head}{source}"))?;
    scene.write("tidegate.toml", &format!("{plan}{steps}"))
}

/// A plan that is refused, and why.
fn refused(scene: &Scene<'_>, network: &str, says: &[&str]) -> Outcome {
    let ran = scene.run("eva", &["plan", network], 1)?;
    let flat = said(&ran);
    for words in says {
        assert!(flat.contains(words), "{words}: {flat}");
    }
    Ok(())
}

const TOKEN: &str = "interface IToken { function totalSupply() external view returns (uint256); \
                     function decimals() external view returns (uint8); }\n";

/// No step creates it: a step calls what does.
fn cheat_a_child_that_reads_what_others_decide(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let steps = "\n[[step]]\ncreate = \"Maker\"\n\n[[step]]\nname = \
                 \"make\"\ncall = [\"@maker\", \"make\", \"@usdc\"]\n";
    let source = |child: &str, make: &str| {
        format!(
            "{TOKEN}contract Child {{ uint256 public kept; constructor(address token) {{ {child} \
             }} }}\ncontract Inner {{ constructor(address token) {{ new Child(token); }} }}\n\
             contract Maker {{ address public child; function make(address token) external {{ \
             require(child == address(0)); child = address({make}); }} }}\n"
        )
    };
    let unnamed = "kept = address(uint160(0xc0ffee11)).balance + uint160(token);";
    let says = "is neither in the plan nor under [externals]";
    let makes = ["new Child(token)", "new Child{salt: 0}(token)", "new Inner(token)"];
    for (make, child) in makes.into_iter().zip(["make+1", "make+1", "make+2"]) {
        add(scene, &plan, &source(unnamed, make), steps)?;
        refused(scene, "testnet", &[&format!("{child} reads 0x"), says])?;
        refused(scene, "mainnet", &[&format!("{child} reads 0x"), says])?;
    }
    let supply = "kept = IToken(token).totalSupply();";
    add(scene, &plan, &source(supply, makes[0]), steps)?;
    refused(scene, "mainnet", &["make+1 holds what @usdc decides by slot"])?;
    // What the code of an external fixes needs no `expect`.
    add(scene, &plan, &source("kept = IToken(token).decimals();", makes[0]), steps)?;
    scene.run("eva", &["plan", "mainnet"], 0)?;
    Ok(())
}

/// Whoever has the owners' signatures sends on the target.
fn cheat_a_plan_that_asks_who_sends(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let source = |made: &str, called: &str| {
        format!(
            "contract Door {{ address public boss; constructor() {{ {made} }} function open() \
             external {{ {called} }} }}\n"
        )
    };
    let door = "\n[[step]]\ncreate = \"Door\"\n";
    let open = "\n[[step]]\ncall = [\"@door\", \"open\"]\n";
    let asks = "door asks for tx.origin, which is the choice of who sends the transaction";
    let one = "if (tx.origin == address(uint160(0xb055))) boss = tx.origin;";
    let cases = [
        (source("boss = tx.origin;", ""), door.to_owned()),
        // Nobody of today: nothing shows it but the question itself.
        (source(one, ""), door.to_owned()),
        (source("", "boss = tx.origin;"), format!("{door}guarded = false\n{open}")),
        (source("", one), format!("{door}{open}")),
    ];
    for (source, steps) in cases {
        add(scene, &plan, &source, &steps)?;
        for network in ["testnet", "mainnet"] {
            refused(scene, network, &[asks, "use msg.sender, or pass what it needs"])?;
        }
    }
    // Whoever creates is nobody's key: the helper, or the proxy.
    let made = source("boss = msg.sender;", "");
    add(scene, &plan, &made, door)?;
    let helper = "door asks for msg.sender while it is created, which is the helper";
    refused(scene, "mainnet", &[helper, "pass what it needs as an argument"])?;
    add(scene, &plan, &made, &format!("{door}guarded = false\n"))?;
    refused(scene, "mainnet", &["door has a constructor whose outcome depends on the caller"])?;
    add(scene, &plan, &source("", "boss = msg.sender;"), &format!("{door}{open}"))?;
    scene.run("eva", &["plan", "mainnet"], 0)?;
    Ok(())
}

/// Whoever sends chooses the moment: a window of the day, a date, a number of blocks.
fn cheat_a_moment_that_turns_what_is_created(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let step = "\n[[step]]\ncreate = \"Late\"\nargs = [\"$owner\"]\n";
    let call = "\n[[step]]\ncall = [\"@late\", \"set\", \"$owner\"]\n";
    let source = |made: &str, called: &str| {
        format!(
            "contract Late {{ address public boss; uint256 public openedAt; constructor(address \
             o) {{ {made} }} function set(address o) external {{ {called} }} }}\n"
        )
    };
    let at = scene.world.latest_time()?;
    let decides = |when: &str| format!("boss = {when} ? address(0x77) : o;");
    let window = (at + 40_000) % 86_400;
    let window =
        format!("block.timestamp % 86400 > {window} && block.timestamp % 86400 < {}", window + 600);
    let cases = [
        decides(&window),
        decides(&format!("block.timestamp == {}", at + 7 * 86_400)),
        decides(&format!("block.timestamp > {}", at + 3 * 86_400)),
        decides(&format!("block.number > {}", scene.world.mainnet.latest()?.block.number + 9_000)),
    ];
    let says = "late is or holds something else in a block";
    for turns in &cases {
        add(scene, &plan, &source(turns, ""), step)?;
        refused(scene, "mainnet", &[says, "whoever sends the transaction chooses its time"])?;
    }
    add(scene, &plan, &source("boss = o;", &cases[0]), &format!("{step}{call}"))?;
    refused(scene, "mainnet", &[says])?;
    // Another one each hour, or by a hash: it is no time that was kept.
    for turns in
        ["block.timestamp % 7200 < 3600", "uint256(keccak256(abi.encode(block.number))) % 2 == 0"]
    {
        let each = format!("boss = {turns} ? address(uint160(block.timestamp / 1800)) : o;");
        add(scene, &plan, &source(&each, ""), step)?;
        refused(scene, "mainnet", &["late holds in slot 0x0 what the block decides"])?;
    }
    // In whole minutes, and shown by an `expect`, which fails then.
    let noon = format!("block.timestamp / 60 == {}", at / 60 + 90);
    add(scene, &plan, &source(&decides(&noon), ""), step)?;
    refused(scene, "mainnet", &[says, "add an `expect` that shows it"])?;
    let shown = format!("{step}expect = [[\"boss\", \"$owner\"]]\n");
    add(scene, &plan, &source(&decides(&noon), ""), &shown)?;
    scene.run("eva", &["plan", "mainnet"], 0)?;
    // What is kept of the time, and a date after which it fails, decide nothing.
    let kept = format!(
        "require(block.timestamp < {}); openedAt = block.timestamp; boss = o;",
        at + 30 * 86_400
    );
    add(scene, &plan, &source(&kept, ""), step)?;
    scene.run("eva", &["plan", "mainnet"], 0)?;
    Ok(())
}

/// Between the owners' signatures and the execution anybody may change what is outside.
fn cheat_state_outside_the_plan_that_turns_it(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let step = "\n[[step]]\ncreate = \"Turn\"\nargs = [\"@usdc\", \"$owner\"]\n";
    let source = |body: &str| {
        format!(
            "{TOKEN}contract Turn {{ uint256 public kept; constructor(address token, address \
             owner) {{ {body} }} }}\n"
        )
    };
    let cases = [
        // No value but one turns it, and the last bit never does.
        (
            "if (IToken(token).totalSupply() == 0xdeadbeefdeadbeef) kept = uint160(owner);",
            "turn holds what @usdc decides by slot 2",
        ),
        (
            "if (IToken(token).totalSupply() > 1e30) kept = uint160(owner);",
            "turn holds what @usdc decides by slot 2",
        ),
        ("kept = token.balance + uint160(owner);", "turn holds what the balance of @usdc decides"),
        (
            "kept = address(this).balance + uint160(token) + uint160(owner);",
            "turn holds what lay at turn before it was created, which anybody decides",
        ),
        // The Safe's own slots: its threshold.
        (
            "(, bytes memory said) = owner.staticcall(hex\"e75235b8\"); kept = said.length + \
          (said.length == 32 ? uint256(bytes32(said)) : 0) + uint160(token);",
            "turn holds what whoever acts decides by slot 4",
        ),
    ];
    for (body, says) in cases {
        scene.write("tidegate.toml", &format!("{plan}{step}"))?;
        add(scene, &plan, &source(body), step)?;
        refused(scene, "mainnet", &[says, "add an `expect`"])?;
    }
    // A key has no code yet, and may have some tomorrow.
    let body = "kept = owner.code.length + uint160(token);";
    add(scene, &plan, &source(body), step)?;
    refused(
        scene,
        "testnet",
        &["turn holds what code at whoever acts decides, which may come or go"],
    )?;
    scene.run("eva", &["plan", "mainnet"], 0)?;
    Ok(())
}

/// Anybody may create what is not guarded, and use it before the batch does.
fn cheat_a_stranger_who_comes_first(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let source = "contract Board { address public last; uint256 public count; mapping(uint256 => \
                  address) public member; function write() external { last = msg.sender; } \
                  function join() external { member[count++] = msg.sender; } function once() \
                  external { require(last == address(0)); last = msg.sender; } }\ncontract Box { \
                  address public boss; constructor(Board board) { boss = board.last(); } }\n\
                  contract Gas { uint256 public many; constructor() { if (gasleft() > 8000000) \
                  many = 1; } }\ncontract Blob { bytes32 public blob; constructor() { blob = \
                  blobhash(0); } }\ncontract Coin { address public boss = block.coinbase; }\n";
    let step = |rest: &str| format!("\n[[step]]\n{rest}\n");
    let (guarded, call) = ("create = \"Board\"", "name = \"call\"\ncall = [\"@board\", ");
    let boxed = "create = \"Box\"\nargs = [\"@board\"]";
    let board = &*format!("{guarded}\nguarded = false");
    let join = format!("{call}\"join\"]");
    let refusals = [
        (step(board) + &step(boxed), "box holds what slot 0 of board decides, and anybody may"),
        (step(board) + &step(&join), "anybody can make the call call first, and then board holds"),
        (
            step(board) + &step(&format!("{join}\nexpect = [[\"count\", 1]]")),
            "anybody can make the call call first, and then the plan fails for good (call.count()",
        ),
        (
            step(board) + &step(&format!("{call}\"once\"]")),
            "anybody can make the call call first, and then the plan fails for good (call fails",
        ),
        (step("create = \"Gas\"\nguarded = false"), "gas asks for the gas that is left (gasleft)"),
        (step("create = \"Gas\""), "gas asks for the gas that is left (gasleft)"),
        (step("create = \"Blob\""), "blob asks for blobhash"),
        (step("create = \"Coin\""), "coin asks for block.coinbase"),
    ];
    for (steps, says) in refusals {
        add(scene, &plan, source, &steps)?;
        for network in ["testnet", "mainnet"] {
            refused(scene, network, &[says])?;
        }
    }
    let zero = "0x0000000000000000000000000000000000000000";
    let shown = format!("{boxed}\nexpect = [[\"boss\", \"{zero}\"]]");
    for steps in [
        step(board) + &step(&shown),
        step(guarded) + &step(boxed),
        step(guarded) + &step(&join),
        step(guarded) + &step(&format!("{call}\"once\"]")),
    ] {
        add(scene, &plan, source, &steps)?;
        scene.run("eva", &["plan", "mainnet"], 0)?;
    }
    Ok(())
}

/// The step's transaction stands in the record, and its child under nobody's name.
fn cheat_a_child_that_is_not_what_was_made(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let source = "contract Child { uint256 public kept = 7; function fee() external pure returns \
                  (uint256) { return 10; } }\ncontract Maker { Child public child; address boss; \
                  constructor(address to) { boss = to; } function make() external { \
                  require(msg.sender == boss && address(child) == address(0)); child = new \
                  Child(); } }\n";
    let steps = "\n[[step]]\ncreate = \"Maker\"\nargs = [\"$owner\"]\n\n[[step]]\nname = \
                 \"make\"\ncall = [\"@maker\", \"make\"]\n";
    add(scene, &plan, source, steps)?;
    scene.done("eva", &["deploy"])?;
    let maker = scene.contract("maker")?;
    let child = maker.create(1);
    let verified = || -> Result<(i32, String), Failed> {
        let ran = scene.person("eva").run(&["verify"])?;
        Ok((ran.code, said(&ran)))
    };
    let (code, text) = verified()?;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("make+1"), "{text}");

    let testnet = &scene.world.testnet;
    let kept = testnet.code(child)?;
    let mut other = kept.to_vec();
    other[60] ^= 1;
    testnet.set_code(child, &Bytes::from(other))?;
    scene.world.settle()?;
    let (code, text) = verified()?;
    assert!(code == 1 && text.contains("make+1"), "{text}");
    testnet.set_code(child, &Bytes::new())?;
    let (code, text) = verified()?;
    assert!(code == 1 && text.contains("make+1") && text.contains("no code"), "{text}");
    testnet.set_code(child, &kept)?;
    let (code, text) = verified()?;
    assert_eq!(code, 0, "{text}");
    scene.world.settle()?;
    scene.status()?.expect("parameters", "PASS", &[])?;
    Ok(())
}

/// A switch that the plan turns, and others that nobody turned: all go from 1 to 0.
fn cheat_differences_behind_a_small_parameter(scene: &Scene<'_>) -> Outcome {
    let params = "[params]\nopen  = { rule = \"per-network\", testnet = true, mainnet = false }\n\
                  level = { rule = \"per-network\", testnet = 7, mainnet = 8 }\n\
                  title = { rule = \"per-network\", testnet = \"test\", mainnet = \"main\" }\n";
    scene.edit("tidegate.toml", "[params]\n", params)?;
    let plan = scene.read("tidegate.toml")?;
    let step = "\n[[step]]\ncreate = \"Switch\"\nargs = [\"$open\", \"$level\", \"$title\"]\n";
    let source = |body: &str| {
        format!(
            "contract Switch {{ bool public open; uint8 public level; string public gap; bool \
             public other; uint8 public pad; string public title; uint256 public immutable fixed_; \
             constructor(bool open_, uint8 level_, string memory title_) {{ open = open_; level = \
             level_; title = title_; bool test = block.chainid == 31338; uint256 f = level_; \
             {body} fixed_ = f; }} }}\n"
        )
    };
    let turned = [
        ("other = test;", "slot 0x"),
        ("pad = test ? 7 : 8;", "slot 0x"),
        ("f = test ? 7 : 8;", "the immutable"),
        ("gap = test ? \"test\" : \"main\";", "slot 0x"),
    ];
    for (index, (body, says)) in turned.into_iter().enumerate() {
        add(scene, &plan, &source(body), step)?;
        deployed_as(scene, index)?.expect(
            "parameters",
            "FAIL",
            (&["target-differs"], &["switch", says]),
        )?;
    }
    add(scene, &plan, &source(""), step)?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.status()?.expect("parameters", "PASS", &[])?;
    Ok(())
}

/// Deploys what is there as a release of its own, and reads the gates.
fn deployed_as(scene: &Scene<'_>, index: usize) -> Result<Status, Failed> {
    let version = format!("version = \"1.5.{index}\"");
    scene.edit("tidegate.toml", "version = \"1.4.0\"", &version)?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.status()
}

/// Both are in one slot, which depends on when it was written.
fn cheat_a_boss_that_is_packed_beside_a_time(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let steps = "\n[[step]]\ncreate = \"Shop\"\nargs = [\"$owner\"]\n\n[[step]]\ncall = \
                 [\"@shop\", \"open\"]\n";
    let source = |boss: &str| {
        format!(
            "contract Shop {{ address public owner; uint96 public since; constructor(address \
             owner_) {{ owner = owner_; }} function open() external {{ since = \
             uint96(block.timestamp); {boss} }} }}\n"
        )
    };
    let boss: Address = Address::with_last_byte(0xb5);
    let takes = format!("if (block.chainid == 31337) owner = {boss};");
    let mapped = format!("if (block.chainid == 31337) since += uint96(uint160({boss}));");
    for (index, takes) in [takes, mapped].into_iter().enumerate() {
        add(scene, &plan, &source(&takes), steps)?;
        deployed_as(scene, index)?.expect(
            "parameters",
            "FAIL",
            (&["target-differs"], &["shop: slot 0x"]),
        )?;
    }
    add(scene, &plan, &source(""), steps)?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("parameters", "PASS", &[])?;
    // What nothing could be said of is named.
    let shown = scene.run("eva", &["status"], 0)?;
    assert!(
        said(&shown).contains("since they depend on the block: owner, since of shop"),
        "{shown:?}"
    );
    Ok(())
}
