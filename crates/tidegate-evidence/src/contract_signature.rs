//! Whether a contract says that a signature is its own (ERC-1271).

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, keccak256};
use alloy_sol_types::{SolCall, sol};
use tidegate_chain::{CallOutcome, Network, ReadError};
use tidegate_model::policy::Person;
use tidegate_model::{ChainId, GateInput, Head, Reason, ReasonCode, StatementDigest};

use crate::{Doubt, Doubtful};

sol! {
    function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4);
}

/// The return value of a contract that accepts: the function's own selector, in a whole word.
const MAGIC: [u8; 4] = isValidSignatureCall::SELECTOR;
/// The prefix of the code of a key whose account runs a contract's code (EIP-7702).
pub(crate) const DELEGATED: [u8; 3] = [0xef, 0x01, 0x00];
/// The kind of the input.
const INPUT: &str = "statements/erc1271";

/// A contract's answer to `isValidSignature` (ERC-1271) for a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContractAnswer {
    /// The signature is its own; where it said so.
    Accepts(GateInput),
    /// It is not, in words that go on from "the contract that signed it".
    Refuses(String),
    /// No contract stands there, in the same words.
    Absent(String),
}

/// Asks the contract at a block. A key without code is no contract, whoever answers for it.
///
/// # Errors
/// If too few endpoints answer, or they disagree.
pub async fn ask_contract(
    network: &Network,
    head: Head,
    signer: Address,
    digest: StatementDigest,
    signature: &Bytes,
) -> Result<ContractAnswer, ReadError> {
    let name = network.name();
    let code = network.code(signer, head.block).await?;
    if code.is_empty() {
        return Ok(ContractAnswer::Absent(format!("has no code on {name}")));
    }
    if code.starts_with(&DELEGATED) {
        return Ok(ContractAnswer::Absent(format!("is a key on {name}, and signs by itself")));
    }
    let call = isValidSignatureCall { hash: digest.0, signature: signature.clone() };
    let answer = network.try_call(signer, &call.abi_encode().into(), head.block).await?;
    let CallOutcome::Returned(answer) = answer else {
        return Ok(ContractAnswer::Refuses(format!("refuses the signature on {name}")));
    };
    if !accepts(&answer) {
        return Ok(ContractAnswer::Refuses(format!("does not accept the signature on {name}")));
    }
    Ok(ContractAnswer::Accepts(GateInput {
        kind: INPUT.to_owned(),
        chain: network.id().chain,
        block: head.block,
        digest: keccak256([digest.0.as_slice(), signer.as_slice(), &answer[..]].concat()),
    }))
}

/// A contract is asked where its key in the policy says that it stands, and nowhere else: the
/// address may be anybody's on another chain.
///
/// # Errors
/// If it stands elsewhere, the policy has it as a key without code, or it is nobody's.
pub fn stands_on(
    people: &BTreeMap<String, Person>,
    signer: Address,
    named: ChainId,
) -> Result<(), Doubt> {
    let keys = people.values().flat_map(|person| &person.keys);
    let chains: Vec<_> = keys.filter(|key| key.address == signer).map(|key| key.chain).collect();
    let doubt = |kind, code, why: String| Err(Doubt { why: Reason::new(code, why), kind });
    match chains.iter().find_map(|chain| *chain) {
        _ if chains.contains(&Some(named)) => Ok(()),
        Some(chain) => doubt(
            Doubtful::Unasked,
            ReasonCode::ContractElsewhere,
            format!("contract {signer} is on chain {chain}, but its file names {named}"),
        ),
        None if chains.is_empty() => doubt(
            Doubtful::Unasked,
            ReasonCode::ContractElsewhere,
            format!("contract {signer} is nobody in this policy"),
        ),
        None => doubt(
            Doubtful::Void,
            ReasonCode::ContractElsewhere,
            format!("{signer} is a key without code; a contract is eip155:CHAIN:0x…"),
        ),
    }
}

/// One word that begins with the selector and is zero otherwise.
fn accepts(answer: &[u8]) -> bool {
    let (magic, rest) = answer.split_at(answer.len().min(MAGIC.len()));
    answer.len() == 32 && magic == MAGIC && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use tidegate_model::policy::PersonKey;

    use super::*;

    #[test]
    fn a_contract_is_asked_where_the_policy_says_that_it_stands() {
        let [dao, key, stranger] = [1, 2, 3].map(Address::with_last_byte);
        let keys = vec![PersonKey::contract(ChainId(1), dao), PersonKey::plain(key)];
        let person = Person { roles: Vec::new(), firm: None, keys };
        let people = [("dao".to_owned(), person)].into();
        let kind = |signer, chain| stands_on(&people, signer, ChainId(chain)).map_err(|d| d.kind);
        assert_eq!(kind(dao, 1), Ok(()));
        assert_eq!(kind(dao, 2), Err(Doubtful::Unasked), "a stop stays in sight");
        assert_eq!(kind(key, 1), Err(Doubtful::Void), "a key signs by itself");
        assert_eq!(kind(stranger, 1), Err(Doubtful::Unasked));
    }

    #[test]
    fn only_the_magic_word_accepts() {
        assert_eq!(MAGIC, [0x16, 0x26, 0xba, 0x7e]);
        let mut word = [0; 32];
        word[..4].copy_from_slice(&MAGIC);
        assert!(accepts(&word));
        let mut noisy = word;
        noisy[31] = 1;
        let mut right = [0; 32];
        right[28..].copy_from_slice(&MAGIC);
        let answers: [&[u8]; 6] = [&[], &MAGIC, &[1; 32], &noisy, &right, &[word, word].concat()];
        for answer in answers {
            assert!(!accepts(answer), "{answer:?}");
        }
    }
}
