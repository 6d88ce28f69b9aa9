//! Whether a contract is safe behind a proxy, by the rules of OpenZeppelin's upgrades plugins.
//!
//! The compiler's crate finds what is unsafe and what the sources allow; what is left is refused.

use alloy_primitives::keccak256;
use tidegate_model::hazard::{Hazard, HazardKind};
use tidegate_model::instructions::instructions;
use tidegate_model::plan::ProxyKind;
use tidegate_model::release::Artifact;
use tidegate_model::{Reason, ReasonCode};

/// Functions of which a UUPS implementation must have one: nothing else upgrades its proxy.
const UPGRADES: [&str; 2] = ["upgradeTo(address)", "upgradeToAndCall(address,bytes)"];

/// The function that a proxy's admin contract has, of OpenZeppelin 4 as of 5.
const OF_PROXY_ADMIN: &str = "upgradeAndCall(address,address,bytes)";

/// What the names of packages' sources begin with.
const OF_PACKAGES: [&str; 2] = ["dep:", "vendored:"];

/// The instruction by which dispatchers have a selector.
const PUSH4: u8 = 0x63;
const CALLCODE: u8 = 0xf2;
const DELEGATECALL: u8 = 0xf4;

/// Everything that is unsafe about a contract behind a proxy, what its sources allow included.
pub fn hazards_behind(kind: ProxyKind, artifact: &Artifact) -> Vec<Hazard> {
    let mut hazards = artifact.hazards.clone().unwrap_or_default();
    let signatures = || artifact.abi.functions().map(|function| function.signature());
    if kind == ProxyKind::Uups && !signatures().any(|own| UPGRADES.contains(&own.as_str())) {
        let at = artifact.fqn.path().to_owned();
        let (kind, name) = (HazardKind::MissingPublicUpgradeto, artifact.fqn.name().to_owned());
        hazards.push(Hazard { kind, name, at, allowed: false });
    }
    hazards
}

/// Why a contract that a step creates without a proxy may be one, so that nobody judges what is
/// behind it: it answers whatever is called, and runs other code on its own storage.
pub fn own_proxy(step: &str, artifact: &Artifact) -> Option<String> {
    let mut code = instructions(&artifact.runtime.object);
    let delegates = code.any(|own| matches!(own.opcode, CALLCODE | DELEGATECALL));
    (delegates && artifact.abi.fallback.is_some()).then(|| {
        format!(
            "{step}: {} has a fallback and delegates to other code, as a proxy does, but is not \
             judged as one: nobody looks at upgrade safety and storage of what is behind it; \
             write it as `proxy_contract` of the step that creates what is behind it",
            artifact.fqn
        )
    })
}

/// What of a contract behind a proxy nobody has looked for: the compiler gave no syntax tree.
pub fn unjudged(artifact: &Artifact) -> Option<String> {
    artifact.hazards.is_none().then(|| {
        format!(
            "{}: what in it is unsafe behind a proxy is not known, since Vyper gives no syntax \
             tree: read its `__init__`, immutables, initial values and `raw_call`s yourself",
            artifact.fqn
        )
    })
}

/// Whether code is that of a contract that owns transparent proxies: it has their function.
pub fn is_proxy_admin(code: &[u8]) -> bool {
    let selector = &keccak256(OF_PROXY_ADMIN)[..4];
    let push = [&[PUSH4], selector].concat();
    code.windows(push.len()).any(|window| window == push)
}

/// Whether a hazard is only worth a word. In `upgrades-core` it is a warning, too.
pub const fn is_remark(hazard: &Hazard) -> bool {
    matches!(hazard.kind, HazardKind::IncorrectInitializerOrder)
}

/// Why a hazard of a step's contract is refused.
pub fn unsafe_reason(step: &str, hazard: &Hazard) -> Reason {
    let text = format!("{step}, {}: {}; {}", hazard.at, sentence(hazard), hint(hazard));
    Reason::new(ReasonCode::UpgradeUnsafe, text)
}

/// A hazard that the sources allow, for who reads them.
pub fn allowed_hazard(hazard: &Hazard) -> String {
    let kind = hazard.kind.name();
    format!("{}: {}; the source allows it ({kind})", hazard.at, sentence(hazard))
}

fn sentence(Hazard { kind, name, .. }: &Hazard) -> String {
    match kind {
        HazardKind::StateVariableAssignment => {
            format!("`{name}` has an initial value, which the proxy never gets")
        }
        HazardKind::StateVariableImmutable => {
            format!("`{name}` is immutable: its value is the implementation's, not the proxy's")
        }
        HazardKind::ExternalLibraryLinking => {
            format!("it links the library `{name}`, whose code runs on the proxy's storage")
        }
        HazardKind::Constructor => {
            format!("the constructor of `{name}` runs for the implementation, not for the proxy")
        }
        HazardKind::Delegatecall => "it delegates to other code by `delegatecall`".to_owned(),
        HazardKind::Selfdestruct => "it can destroy itself by `selfdestruct`".to_owned(),
        HazardKind::MissingPublicUpgradeto => format!(
            "`{name}` has neither `upgradeToAndCall` nor `upgradeTo`, so nothing could ever \
             upgrade its UUPS proxy"
        ),
        HazardKind::InternalFunctionStorage => {
            format!(
                "`{name}` stores an internal function, a place in code that an upgrade replaces"
            )
        }
        HazardKind::MissingInitializer => {
            format!(
                "`{name}` has no initialiser, and contracts that it inherits need theirs called"
            )
        }
        HazardKind::MissingInitializerCall => {
            format!("an initialiser does not call that of {name}")
        }
        HazardKind::DuplicateInitializerCall => format!("`{name}` is called twice"),
        HazardKind::IncorrectInitializerOrder => {
            format!("the initialiser of {name} is called in another order than that of inheritance")
        }
        HazardKind::UnknownAnnotation => {
            format!("an annotation allows `{name}`, which is no name of anything unsafe")
        }
    }
}

fn hint(hazard: &Hazard) -> String {
    let does = match hazard.kind {
        HazardKind::StateVariableAssignment => "set it in the initialiser, or make it constant",
        HazardKind::Constructor => "do it in the initialiser",
        HazardKind::StateVariableImmutable => "make it constant or a variable",
        HazardKind::MissingPublicUpgradeto => {
            return "inherit OpenZeppelin's UUPSUpgradeable".to_owned();
        }
        HazardKind::UnknownAnnotation => {
            return "Tidegate's docs/upgrades.md has the names".to_owned();
        }
        HazardKind::IncorrectInitializerOrder => return "call them in that order".to_owned(),
        HazardKind::InternalFunctionStorage => {
            return "store a number or an enum, and choose the function by it".to_owned();
        }
        HazardKind::MissingInitializer => "write one that calls them",
        HazardKind::MissingInitializerCall => "call it",
        HazardKind::DuplicateInitializerCall => "call it once",
        HazardKind::Delegatecall | HazardKind::Selfdestruct => "leave it out",
        HazardKind::ExternalLibraryLinking => "make the library's functions internal",
    };
    let (kind, allow) = (hazard.kind.name(), "@custom:oz-upgrades-unsafe-allow");
    // Nobody edits the sources of a package.
    if OF_PACKAGES.iter().any(|prefix| hazard.at.starts_with(prefix)) {
        return format!(
            "it is a package's; if that is meant, write `{allow}-reachable {kind}` above the \
             contract that is deployed"
        );
    }
    format!("{does}; if it is meant, write `{allow} {kind}` above it")
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;
    use serde_json::json;
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn every_kind_has_words_of_its_own() {
        let hazard = |kind| Hazard {
            kind,
            name: "Name".to_owned(),
            at: "src/A.sol:7".to_owned(),
            allowed: false,
        };
        let all: Vec<_> =
            HazardKind::iter().map(|kind| unsafe_reason("vault", &hazard(kind))).collect();
        let mut sentences: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert!(sentences.iter().all(|text| text.starts_with("vault, src/A.sol:7: ")), "{all:?}");
        let count = sentences.len();
        sentences.sort();
        sentences.dedup();
        assert_eq!((sentences.len(), count), (13, 13));
        let remarks: Vec<_> = HazardKind::iter().filter(|kind| is_remark(&hazard(*kind))).collect();
        assert_eq!(remarks, [HazardKind::IncorrectInitializerOrder]);
    }

    fn artifact(code: &[u8], answers_all: bool, hazards: Option<Vec<Hazard>>) -> Artifact {
        let fallback = json!([{"type": "fallback", "stateMutability": "payable"}]);
        let document = json!({
            "fqn": "src/C.sol:C", "immutables": {}, "sources": {}, "layout": {}, "profile": {},
            "abi": if answers_all { fallback } else { json!([]) },
            "creation": {"object": "0x", "links": {}, "metadata": []},
            "runtime": {"object": hex::encode_prefixed(code), "links": {}, "metadata": []},
            "layout_notes": {"items": {}, "members": {}, "enums": {}, "values": {}},
        });
        Artifact { hazards, ..serde_json::from_value(document).unwrap() }
    }

    #[test]
    fn a_proxy_by_hand_is_named() {
        for (code, answers_all, is_one) in [
            (&[DELEGATECALL][..], true, true),
            (&[0x60, 0, CALLCODE], true, true),
            (&[0x60, DELEGATECALL], true, false),
            (&[DELEGATECALL], false, false),
        ] {
            let found = own_proxy("proxy", &artifact(code, answers_all, Some(Vec::new())));
            assert_eq!(found.is_some(), is_one, "{code:?} {answers_all}");
        }
    }

    #[test]
    fn where_nobody_looked_that_is_said() {
        assert_eq!(unjudged(&artifact(&[], false, Some(Vec::new()))), None);
        assert!(unjudged(&artifact(&[], false, None)).unwrap().contains("is not known"));
    }

    #[test]
    fn what_a_package_does_is_allowed_by_the_contract_that_inherits_it() {
        let hint = |at: &str| {
            let at = at.to_owned();
            let (kind, name) = (HazardKind::Constructor, "Initializable".to_owned());
            unsafe_reason("vault", &Hazard { kind, name, at, allowed: false }).to_string()
        };
        for at in ["dep:solady/src/A.sol:46", "vendored:node_modules/solady/src/A.sol:46"] {
            let text = hint(at);
            assert!(text.contains("unsafe-allow-reachable constructor` above the"), "{text}");
        }
        assert!(hint("src/A.sol:7").ends_with("unsafe-allow constructor` above it"));
    }

    #[test]
    fn the_contract_that_owns_proxies_is_known_by_its_function() {
        let code = |selector: [u8; 4]| [&[0x60, 0, 0x63], &selector[..], &[0x14]].concat();
        assert!(is_proxy_admin(&code([0x96, 0x23, 0x60, 0x9d])));
        assert!(!is_proxy_admin(&code([0x96, 0x23, 0x60, 0x9e])));
        assert!(!is_proxy_admin(&[0x96, 0x23, 0x60, 0x9d]));
        assert!(!is_proxy_admin(&[]));
    }
}
