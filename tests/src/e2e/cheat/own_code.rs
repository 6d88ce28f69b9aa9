//! Code that a release runs as its own, and that is another one on the target than where it soaked.

use alloy_primitives::{Address, Bytes, keccak256};

use crate::support::{Case, Outcome, Scene, Status, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            cheat_an_external_that_runs_as_the_release_s_own,
            cheat_code_at_an_address_that_the_plan_does_not_name;
    }
}

const CONFIG: &str = "tidegate.toml";
const FILE: &str = "contracts/src/Own.sol";
/// Where the other code stands.
const OUT: Address = Address::repeat_byte(0x0e);
/// What stands in for it, and contracts that run it.
const SOURCE: &str = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n\
    contract Rules { function fee(uint256 x) external pure returns (uint256) { return x / 100; } \
    }\n\
    abstract contract Fwd { uint256 public kept; function _impl() internal virtual view returns \
    (address); fallback(bytes calldata d) external returns (bytes memory) { (bool ok, bytes memory \
    r) = _impl().delegatecall(d); require(ok); return r; } }\n\
    contract FwdImmutable is Fwd { address immutable impl; constructor(address i) { impl = i; } \
    function _impl() internal view override returns (address) { return impl; } }\n\
    contract FwdSlot is Fwd { uint32 public fee = 7; address impl; constructor(address i) { impl = \
    i; } function _impl() internal view override returns (address) { return impl; } }\n\
    contract FwdEntry is Fwd { mapping(uint256 => address) impls; constructor(address i) { \
    impls[7] = i; } function _impl() internal view override returns (address) { return impls[7]; } \
    }\n\
    contract FwdMemory is Fwd { address[] impls; constructor(address i) { impls.push(i); \
    impls.push(i); } function _impl() internal view override returns (address) { address[] memory \
    m = impls; return m[1]; } }\n\
    contract Caller { address impl; constructor(address i) { impl = i; } function fee() external \
    returns (bool ok) { (ok,) = impl.call(\"\"); } }\n\
    contract Fixed is Fwd { function _impl() internal pure override returns (address) { return \
    address(uint160(uint256(0x000e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e))); } }\n";

/// The plan with more steps and externals.
fn written(scene: &Scene<'_>, plan: &str, steps: &str, externals: &str) -> Outcome {
    let plan = plan.replacen("[params]", &format!("{externals}\n[params]"), 1);
    scene.write(CONFIG, &plan.replacen("[funds]", &format!("{steps}\n[funds]"), 1))
}

/// Deploys what is there as a release of its own, and reads the gates.
fn deployed(scene: &Scene<'_>, index: usize) -> Result<Status, libtest_mimic::Failed> {
    let version = format!("version = \"1.5.{index}\"");
    scene.edit(CONFIG, "version = \"1.4.0\"", &version)?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.status()
}

fn cheat_an_external_that_runs_as_the_release_s_own(scene: &Scene<'_>) -> Outcome {
    scene.write(FILE, SOURCE)?;
    let plan = scene.read(CONFIG)?;
    let other = Bytes::from_static(&[0x60, 0x00, 0x35, 0x60, 0x00, 0x55, 0x00]);
    scene.world.mainnet.set_code(OUT, &other)?;
    scene.world.settle()?;
    let external = format!(
        "[externals.impl]\ntestnet = {{ create = \"Rules\" }}\nmainnet.address = \"{OUT}\"\n\
         mainnet.code_hash = \"{}\"\n",
        keccak256(&other)
    );
    let step = |contract: &str| {
        format!("[[step]]\nname = \"fwd\"\ncreate = \"{contract}\"\nargs = [\"@impl\"]\n")
    };
    // By an immutable, a slot, an entry of a mapping, by way of memory, and from behind a proxy.
    let proxy = "[[step]]\nname = \"back\"\ncreate = \"FwdImmutable\"\nargs = [\"@impl\"]\n\
                 [[step]]\nname = \"fwd\"\ncreate = \"FwdSlot\"\nargs = [\"@back\"]\n";
    let runs = ("own-code-differs", "fwd runs the code of @impl");
    let cases = [
        (step("FwdImmutable"), runs),
        (step("FwdSlot"), runs),
        (step("FwdEntry"), runs),
        (step("FwdMemory"), ("own-code-unknown", "it may be @impl")),
        (proxy.to_owned(), runs),
    ];
    for (index, (steps, (code, name))) in cases.into_iter().enumerate() {
        written(scene, &plan, &steps, &external)?;
        let names = [name, "the same code on both"];
        deployed(scene, index)?.expect("parameters", "FAIL", (&[code], &names))?;
    }
    // What is only called may be another one; everybody is told.
    written(scene, &plan, &step("Caller"), &external)?;
    let status = deployed(scene, 5)?;
    status.expect("parameters", "PASS", &[])?;
    let shown = said(&scene.run("eva", &["status"], 0)?);
    for text in ["Code differs from where it soaked", "@impl", &OUT.to_string(), "on testnet"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(shown.contains(&keccak256(&other).to_string()), "{shown}");
    // And the same code may be run.
    let rules = scene.contract_of("1.5.5", "@impl")?;
    let code = scene.world.testnet.code(rules)?;
    scene.world.mainnet.set_code(OUT, &code)?;
    scene.world.settle()?;
    let same = external.replace(&keccak256(&other).to_string(), &keccak256(&code).to_string());
    written(scene, &plan, &step("FwdImmutable"), &same)?;
    deployed(scene, 6)?.expect("parameters", "PASS", &[])?;
    Ok(())
}

fn cheat_code_at_an_address_that_the_plan_does_not_name(scene: &Scene<'_>) -> Outcome {
    scene.write(FILE, SOURCE)?;
    let plan = scene.read(CONFIG)?;
    let codes = [Bytes::from_static(&[0x00]), Bytes::from_static(&[0x5f, 0x35, 0x5f, 0x55, 0x00])];
    let chains = [&scene.world.testnet, &scene.world.mainnet];
    for (chain, code) in chains.into_iter().zip(&codes) {
        chain.set_code(OUT, code)?;
    }
    scene.world.settle()?;
    let unnamed = (&["own-code-unnamed"], &["fwd runs the code at 0x", "[externals]"]);
    let fixed = "[[step]]\nname = \"fwd\"\ncreate = \"Fixed\"\n";
    written(scene, &plan, fixed, "")?;
    deployed(scene, 0)?.expect("parameters", "FAIL", unnamed)?;
    // A parameter's address is no better.
    let by_param = "[[step]]\nname = \"fwd\"\ncreate = \"FwdSlot\"\nargs = [\"$impl\"]\n";
    let param =
        format!("impl = {{ rule = \"per-network\", testnet = \"{OUT}\", mainnet = \"{OUT}\" }}");
    written(scene, &plan.replacen("[params]\n", &format!("[params]\n{param}\n"), 1), by_param, "")?;
    deployed(scene, 1)?.expect("parameters", "FAIL", unnamed)?;
    // Named, it is compared; an account's borrowed code is none (EIP-7702).
    let borrowed =
        Bytes::from([&[0xef, 0x01, 0x00][..], Address::repeat_byte(0x77).as_slice()].concat());
    let cases = [(2, None, "own-code-differs"), (3, Some(borrowed), "own-code-of-key")];
    for (index, code, says) in cases {
        let codes = code.map_or_else(|| codes.clone(), |code| [code.clone(), code]);
        let mut named = "[externals.impl]\n".to_owned();
        for ((network, chain), code) in ["testnet", "mainnet"].iter().zip(chains).zip(&codes) {
            chain.set_code(OUT, code)?;
            named += &format!(
                "{network}.address = \"{OUT}\"\n{network}.code_hash = \"{}\"\n",
                keccak256(code)
            );
        }
        scene.world.settle()?;
        let salted = format!("{fixed}salt = \"{index}\"\n");
        written(scene, &plan, &salted, &named)?;
        deployed(scene, index)?.expect("parameters", "FAIL", (&[says], &["code of @impl"]))?;
    }
    Ok(())
}
