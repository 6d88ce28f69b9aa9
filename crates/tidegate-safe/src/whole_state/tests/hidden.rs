//! What was executed and does not show in its transaction.

use alloy_sol_types::SolCall;

use super::*;
use crate::exec::abi::execTransactionCall;

/// Whoever sends an execution can keep it out of the calldata, or bury it there. It is known all
/// the same from a file or a memory that has it, and from nothing that only says so.
#[test]
fn an_execution_that_calldata_hides_is_known_by_its_hash() {
    for name in ["message signed", "hidden by a later delegatecall"] {
        let (chain, mut made) = Made::named(name);
        // What the singleton logged, other than in its own words, hides nothing here.
        made.logs.retain(|log| log.topics.len() > 1);
        let plain = made.explain(chain);
        let read = plain.executed.clone();
        assert!(!read.is_empty() && plain.unknown.is_empty(), "{name}");

        let flood = [execTransactionCall::SELECTOR; 257].concat();
        let empty = |_: &Bytes| Bytes::new();
        let buried = |input: &Bytes| Bytes::from([&flood[..], input].concat());
        for hide in [&empty as &dyn Fn(&Bytes) -> Bytes, &buried] {
            let mut hidden = made.clone();
            hidden.inputs.values_mut().for_each(|input| *input = hide(input));
            let hashes: Vec<_> = hidden.explain(chain).unknown.iter().map(|r| r.hash).collect();
            assert_eq!(hashes, read.iter().map(|(hash, _)| *hash).collect::<Vec<_>>(), "{name}");

            let mut known = Preimages::new(chain, made.safe);
            for (hash, tx) in &read {
                // As a machine remembers it, and as a proposal's file has it.
                let text = serde_json::json!({"v": 99, "safeTx": tx}).to_string();
                let again = Preimage::in_proposal(text.as_bytes()).unwrap();
                assert_eq!(known.add(again), *hash);
            }
            let explained = hidden.explain_with(known);
            assert_eq!(explained.unexplained, plain.unexplained, "{name}");
            assert_eq!((explained.executed, explained.unknown), (read.clone(), vec![]), "{name}");

            // Of another Safe, of another chain, or with one field changed: it is not that.
            let (other, elsewhere) = (Address::repeat_byte(3), ChainId(1));
            let mut forged = [
                Preimages::new(chain, other),
                Preimages::new(elsewhere, made.safe),
                Preimages::new(chain, made.safe),
            ];
            for (_, tx) in &read {
                forged[0].add(tx.clone());
                forged[1].add(tx.clone());
                let mut text = serde_json::to_value(tx).unwrap();
                text["operation"] = (1 - tx.operation()).into();
                forged[2].add(serde_json::from_value(text).unwrap());
            }
            for known in forged {
                assert_eq!(hidden.explain_with(known).unknown.len(), read.len(), "{name}");
            }
        }
    }
    for text in ["", "{}", r#"{"safeTx": 1}"#, r#"{"safeTx": {"to": "0x00"}}"#] {
        assert!(Preimage::in_proposal(text.as_bytes()).is_none(), "{text}");
    }
}
