//! What an external of the target reads of the transaction and its block, where the stand-in that
//! soaked read nothing.

use alloy_primitives::{Address, Bytes, hex, keccak256};

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: cheat_an_external_that_reads_who_sends_and_in_which_block;
    }
}

/// Where the external stands on the target.
const OUT: Address = Address::repeat_byte(0x0f);
const SOURCE: &str = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n\
    interface Feed { function r() external view returns (bool); function poke() external; }\n\
    contract Stand { function r() external pure returns (bool) { return false; } function poke() \
    external {} }\n\
    contract Odd { address public boss; constructor(address e, address o) { boss = Feed(e).r() ? \
    address(0x7777) : o; } }\n\
    contract Plain { address public boss; constructor(address o) { boss = o; } function \
    set(address e) external { if (Feed(e).r()) boss = address(0x7777); } }\n";

/// Whoever sends the execution, a stranger too, chooses the price, and more.
fn cheat_an_external_that_reads_who_sends_and_in_which_block(scene: &Scene<'_>) -> Outcome {
    scene.write("contracts/src/Odd.sol", SOURCE)?;
    let odd = "[[step]]\ncreate = \"Odd\"\nargs = [\"@feed\", \"$owner\"]\nguarded = true\n";
    let plain = "[[step]]\ncreate = \"Plain\"\nargs = [\"$owner\"]\nguarded = true\n[[step]]\nname \
                 = \"set\"\ncall = [\"@plain\", \"set\", \"@feed\"]\n";
    let poke = "[[step]]\nname = \"poke\"\ncall = [\"@feed\", \"poke\"]\n[[step]]\ncreate = \
                \"Plain\"\nargs = [\"$owner\"]\n";
    let (price, block) = ("asks for tx.gasprice", "asks for block.coinbase, block.prevrandao");
    // Whether the word that this leaves is more than 123 gwei.
    let cases = [
        ("3a", odd, Some(price)),
        ("3a", plain, Some(price)),
        ("32", odd, Some("asks for tx.origin")),
        ("44", odd, Some(block)),
        ("41", plain, Some(block)),
        ("606340", odd, Some(block)),
        ("48", odd, Some(block)),
        ("45", odd, Some(block)),
        ("5f49", plain, Some("asks for blobhash")),
        // What reading a slot costs: GAS, SLOAD of slot 9, GAS, SWAP1, SUB.
        ("5a600954505a9003", odd, Some("asks for the gas that is left")),
        // It asks for itself alone, and keeps what it found.
        ("3a", poke, Some("for another choice of tx.gasprice")),
        // What tokens and feeds read, and a price that nothing follows from.
        ("42", odd, None),
        ("43", odd, None),
        ("3a506007", poke, None),
    ];
    for (read, steps, says) in cases {
        let keeps = if steps == poke { "80600755" } else { "" };
        let answer = format!("641ca35f0e00{read}11{keeps}60005260206000f3");
        let code = Bytes::from(hex::decode(answer)?);
        scene.world.mainnet.set_code(OUT, &code)?;
        scene.world.settle()?;
        let external = format!(
            "[externals.feed]\ntestnet = {{ create = \"Stand\" }}\nmainnet.address = \
             \"{OUT}\"\nmainnet.code_hash = \"{}\"\n",
            keccak256(&code)
        );
        scene.plan_of(&external, steps)?;
        let ran = scene.run("eva", &["plan", "mainnet"], i32::from(says.is_some()))?;
        let flat = said(&ran);
        assert!(says.is_none_or(|says| flat.contains(says)), "{read} {steps}: {flat}");
    }
    Ok(())
}
