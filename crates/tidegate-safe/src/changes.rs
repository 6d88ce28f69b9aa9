//! What a Safe's events say about who moves it. What was changed and changed back leaves no other
//! trace.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, keccak256};

/// Events and what they say, as the end of the sentence "the Safe …".
const CHANGES: [(&str, &str); 12] = [
    ("SafeSetup(address,address[],uint256,address,address)", "was set up"),
    ("AddedOwner(address)", "got the owner"),
    ("RemovedOwner(address)", "lost the owner"),
    ("ChangedThreshold(uint256)", "changed its threshold"),
    ("EnabledModule(address)", "enabled the module"),
    ("DisabledModule(address)", "disabled the module"),
    ("ChangedGuard(address)", "changed its guard to"),
    ("ChangedModuleGuard(address)", "changed its module guard to"),
    ("ChangedFallbackHandler(address)", "changed its fallback handler to"),
    ("ChangedMasterCopy(address)", "changed its singleton to"),
    ("ExecutionFromModuleSuccess(address)", MOVED),
    ("ExecutionFromModuleFailure(address)", TRIED),
];

/// The text for what a module did, which changes nothing by itself.
const MOVED: &str = "was moved by the module";
const TRIED: &str = "was tried to be moved by the module";

static TOPICS: LazyLock<Vec<(B256, &str)>> =
    LazyLock::new(|| CHANGES.iter().map(|(event, says)| (keccak256(event), *says)).collect());

/// The topic of `ApproveHash`: an owner approved a Safe transaction on chain.
pub(crate) static APPROVE_HASH: LazyLock<B256> =
    LazyLock::new(|| keccak256("ApproveHash(bytes32,address)"));

/// The topics of every event that changes who moves a Safe.
pub fn trust_topics() -> Vec<B256> {
    TOPICS.iter().map(|(topic, _)| *topic).collect()
}

/// A change to who may move a Safe, as a log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustChange {
    /// A sentence.
    pub what: String,
    /// The module that moved the Safe or tried to; `None` where anything else happened.
    pub moved_by: Option<Address>,
}

/// The change that a Safe's log reports; `None` if the log does not concern who may move it.
pub fn trust_change(topics: &[B256], data: &[u8]) -> Option<TrustChange> {
    let (_, says) = TOPICS.iter().find(|(topic, _)| topics.first() == Some(topic))?;
    // Some versions index the argument and others do not.
    let word = topics.get(1).map(|topic| topic.as_slice()).or_else(|| data.get(..32));
    let word = word.filter(|_| !says.contains("threshold") && !says.ends_with("up"));
    let address = word.map(|word| Address::from_slice(&word[12..]));
    let what = match address {
        Some(address) => format!("the Safe {says} {address}"),
        None => format!("the Safe {says}"),
    };
    Some(TrustChange { what, moved_by: address.filter(|_| [MOVED, TRIED].contains(says)) })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;

    use super::*;

    #[test]
    fn topics_and_words() {
        let guard = b256!("1151116914515bc0891ff9047a6cb32cf902546f83066499bcf8ba33d2353fa2");
        let module_guard =
            b256!("cd1966d6be16bc0c030cc741a06c6e0efaf8d00de2c8b6a9e11827e125de8bb8");
        for topic in [guard, module_guard] {
            assert!(trust_topics().contains(&topic), "{topic}");
        }
        let nine = Address::with_last_byte(9);
        let expected = format!("the Safe enabled the module {nine}");
        let topic = keccak256("EnabledModule(address)");
        let change = |what: &str, moved_by| Some(TrustChange { what: what.to_owned(), moved_by });
        let indexed = trust_change(&[topic, nine.into_word()], &[]);
        assert_eq!(indexed, change(&expected, None));
        let in_data = trust_change(&[topic], nine.into_word().as_slice());
        assert_eq!(in_data, change(&expected, None));
        let threshold = trust_change(&[keccak256("ChangedThreshold(uint256)")], &[0; 32]);
        assert_eq!(threshold, change("the Safe changed its threshold", None));
        assert_eq!(trust_change(&[*APPROVE_HASH], &[]), None);
        for (word, says) in [("Success", MOVED), ("Failure", TRIED)] {
            let topic = keccak256(format!("ExecutionFromModule{word}(address)"));
            let moved = trust_change(&[topic, nine.into_word()], &[]);
            assert_eq!(moved, change(&format!("the Safe {says} {nine}"), Some(nine)));
            // One that names no module is nobody's.
            let unnamed = trust_change(&[topic], &[]);
            assert_eq!(unnamed, change(&format!("the Safe {says}"), None));
        }
    }
}
