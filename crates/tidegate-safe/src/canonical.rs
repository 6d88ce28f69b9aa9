//! Safe's own contracts: where they stand on every chain, and what their code hashes to.

use std::fmt;

use alloy_primitives::{Address, B256, address, b256};

/// A version of the Safe contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SafeVersion {
    /// 1.3.0; only its proxy is known here.
    V1_3_0,
    /// 1.4.1.
    V1_4_1,
    /// 1.5.0.
    V1_5_0,
}

/// The contract of Safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanonicalKind {
    /// The singleton.
    Safe,
    /// The singleton that logs every transaction.
    SafeL2,
    ProxyFactory,
    /// The batch contract that takes calls only.
    MultiSendCallOnly,
    FallbackHandler,
    /// The batch contract that also takes delegate calls.
    MultiSend,
    /// The library that creates contracts.
    CreateCall,
    /// The library that notes a signed message.
    SignMessageLib,
    /// The library that moves to the singleton of its version.
    SafeMigration,
    /// The library that moves to the singleton that logs every transaction.
    SafeToL2Migration,
    /// The same, while a Safe is set up.
    SafeToL2Setup,
}

/// A contract of Safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canonical {
    pub version: SafeVersion,
    /// The kind of contract.
    pub kind: CanonicalKind,
    pub address: Address,
    /// keccak256 of its runtime code. An address without exactly this code is not it.
    pub code_hash: B256,
}

/// MultiSendCallOnly 1.4.1, through which every batch goes. It refuses inner delegate calls.
pub const MULTI_SEND_CALL_ONLY: Address = address!("9641d764fc13c8B624c04430C7356C1C7C8102e2");

/// Safe's contracts by address, from Safe's registry of deployments.
const CANONICAL: [Canonical; 21] = [
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::Safe,
        address: address!("41675C099F32341bf84BFc5382aF534df5C7461a"),
        code_hash: b256!("1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::SafeL2,
        address: address!("29fcB43b46531BcA003ddC8FCB67FFE91900C762"),
        code_hash: b256!("b1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::ProxyFactory,
        address: address!("4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67"),
        code_hash: b256!("50c3cdc4074750a7a974204a716c999edd37482f907608d960b2b025ee0b3317"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::MultiSendCallOnly,
        address: address!("9641d764fc13c8B624c04430C7356C1C7C8102e2"),
        code_hash: b256!("ecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::FallbackHandler,
        address: address!("fd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99"),
        code_hash: b256!("7c6007a5d711cea8dfd5d91f5940ec29c7f200fe511eb1fc1397b367af3c42f9"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::Safe,
        address: address!("Ff51A5898e281Db6DfC7855790607438dF2ca44b"),
        code_hash: b256!("dda019cbd7c867a533a2a86e5c53434fdc50b13122b5a5ddb4a8df61b31c20f2"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::SafeL2,
        address: address!("Edd160fEBBD92E350D4D398fb636302fccd67C7e"),
        code_hash: b256!("180193227186ccb85316c94db1f0d156ed932b14712cfaac78901899178572dc"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::ProxyFactory,
        address: address!("14F2982D601c9458F93bd70B218933A6f8165e7b"),
        code_hash: b256!("967dae4cda22b0c9ef7f31b010bdc1ceb0af9904b0c3dc060b5302e4c18a4529"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::MultiSendCallOnly,
        address: address!("A83c336B20401Af773B6219BA5027174338D1836"),
        code_hash: b256!("cdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::FallbackHandler,
        address: address!("3EfCBb83A4A7AfcB4F68D501E2c2203a38be77f4"),
        code_hash: b256!("3c6a85bcf7b563daa624b884b4e9a1b9fa5371edde7be945d998071a48f28bbc"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::MultiSend,
        address: address!("38869bf66a61cF6bDB996A6aE40D5853Fd43B526"),
        code_hash: b256!("0e4f7fc66550a322d1e7688e181b75e217e662a4f3f4d6a29b22bc61217c4b77"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::CreateCall,
        address: address!("9b35Af71d77eaf8d7e40252370304687390A1A52"),
        code_hash: b256!("2b3060c55fcb8275653e99ad511a71f67ba76934ed66a7d74d6e68b52afff889"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::SignMessageLib,
        address: address!("d53cd0aB83D845Ac265BE939c57F53AD838012c9"),
        code_hash: b256!("525c754a46b79e05543a59bb61e8de3c9eee0d955a59352409cbe67ea1077528"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::SafeMigration,
        address: address!("526643F69b81B008F46d95CD5ced5eC0edFFDaC6"),
        code_hash: b256!("c00d7921460cd5a05393e7772e634bd7d212f356356aa3a77f0120a9b8e25e99"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::SafeToL2Migration,
        address: address!("fF83F6335d8930cBad1c0D439A841f01888D9f69"),
        code_hash: b256!("a83e7be2fa20c96dc9575e3937239d552f3831ea437d7c96397eec8736f0cba0"),
    },
    Canonical {
        version: SafeVersion::V1_4_1,
        kind: CanonicalKind::SafeToL2Setup,
        address: address!("BD89A1CE4DDe368FFAB0eC35506eEcE0b1fFdc54"),
        code_hash: b256!("2f25df28caf984366ee584e13241707e85dcd5a6ea0c14267928dafc1fd6274b"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::MultiSend,
        address: address!("218543288004CD07832472D464648173c77D7eB7"),
        code_hash: b256!("ca1147a12963172a93910c5cb2bfa5ad0e941c7f03fc7eb017dd06a8ea4e5604"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::CreateCall,
        address: address!("2Ef5ECfbea521449E4De05EDB1ce63B75eDA90B4"),
        code_hash: b256!("6b7d8d29bdf7004c4617d95041923774f3f7e74b056bff55c1861c9ec92ce54f"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::SignMessageLib,
        address: address!("4FfeF8222648872B3dE295Ba1e49110E61f5b5aa"),
        code_hash: b256!("d61840855da008da59a00fc03fb71455b4f70bdca1f56f9504f072ed8d90c50e"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::SafeMigration,
        address: address!("6439e7ABD8Bb915A5263094784C5CF561c4172AC"),
        code_hash: b256!("52d7472fa02c3a574544f9b5a4ed4c7777e4e3315217e368926b51e1cc6014ea"),
    },
    Canonical {
        version: SafeVersion::V1_5_0,
        kind: CanonicalKind::SafeToL2Setup,
        address: address!("900C7589200010D6C6eCaaE5B06EBe653bc2D82a"),
        code_hash: b256!("f6034d841bcbff8912aa55526b0f1609212536aaf60bb16f5e8a269a4ab38f18"),
    },
];

/// keccak256 of the proxies' runtime code, which has no immutables.
const PROXIES: [(SafeVersion, B256); 3] = [
    (
        SafeVersion::V1_3_0,
        b256!("b89c1b3bdf2cf8827818646bce9a8f6e372885f8c55e5c07acbd307cb133b000"),
    ),
    (
        SafeVersion::V1_4_1,
        b256!("d7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c"),
    ),
    (
        SafeVersion::V1_5_0,
        b256!("4e381985ca68b3e5d27b4425fa581c19cf33146d3f887a3cfca96f55528ea46f"),
    ),
];

impl Canonical {
    /// Whether a Safe's proxy may run it.
    pub(crate) fn is_singleton(&self) -> bool {
        matches!(self.kind, CanonicalKind::Safe | CanonicalKind::SafeL2)
    }

    /// A contract by version and kind; none for 1.3.0.
    pub(crate) fn get(version: SafeVersion, kind: CanonicalKind) -> Option<&'static Self> {
        CANONICAL.iter().find(|known| known.version == version && known.kind == kind)
    }
}

/// The contract that should stand at an address. Its code still has to be compared.
pub fn canonical_by_address(address: Address) -> Option<&'static Canonical> {
    CANONICAL.iter().find(|known| known.address == address)
}

/// The contract that has this runtime code, wherever it stands.
pub fn canonical_by_code_hash(code_hash: B256) -> Option<&'static Canonical> {
    CANONICAL.iter().find(|known| known.code_hash == code_hash)
}

/// The version of the proxy that has this runtime code. Only such a proxy is known to run the
/// singleton that its slot 0 names.
pub(crate) fn proxy_version(code_hash: B256) -> Option<SafeVersion> {
    PROXIES.iter().find(|(_, known)| *known == code_hash).map(|(version, _)| *version)
}

impl fmt::Display for SafeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_3_0 => "1.3.0",
            Self::V1_4_1 => "1.4.1",
            Self::V1_5_0 => "1.5.0",
        })
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            CanonicalKind::Safe => "Safe",
            CanonicalKind::SafeL2 => "SafeL2",
            CanonicalKind::ProxyFactory => "SafeProxyFactory",
            CanonicalKind::MultiSendCallOnly => "MultiSendCallOnly",
            CanonicalKind::FallbackHandler => "CompatibilityFallbackHandler",
            CanonicalKind::MultiSend => "MultiSend",
            CanonicalKind::CreateCall => "CreateCall",
            CanonicalKind::SignMessageLib => "SignMessageLib",
            CanonicalKind::SafeMigration => "SafeMigration",
            CanonicalKind::SafeToL2Migration => "SafeToL2Migration",
            CanonicalKind::SafeToL2Setup => "SafeToL2Setup",
        };
        write!(f, "{name} {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// As Safe's packages give them, deployed by Safe's factory: see `tests/safes/make.mjs`.
    #[test]
    fn addresses_and_code_are_those_of_the_packages() {
        let made = include_str!("../../../tests/safes/safes.json");
        let made: serde_json::Value = serde_json::from_str(made).unwrap();
        let made = made["contracts"].as_object().unwrap();
        assert_eq!(made.len(), CANONICAL.len());
        for known in &CANONICAL {
            let found = &made[&known.to_string()];
            assert_eq!(found["address"], known.address.to_string(), "{known}");
            assert_eq!(found["codeHash"], known.code_hash.to_string(), "{known}");
        }
    }

    #[test]
    fn every_contract_is_found_by_address_and_by_code() {
        for known in &CANONICAL {
            assert_eq!(canonical_by_address(known.address), Some(known));
            assert_eq!(canonical_by_code_hash(known.code_hash), Some(known));
            assert_eq!(Canonical::get(known.version, known.kind), Some(known));
        }
        let distinct: BTreeSet<_> = CANONICAL.iter().map(|known| known.code_hash).collect();
        assert_eq!(distinct.len(), CANONICAL.len());
        let batch = Canonical::get(SafeVersion::V1_4_1, CanonicalKind::MultiSendCallOnly).unwrap();
        assert_eq!(batch.address, MULTI_SEND_CALL_ONLY);
        assert_eq!(batch.to_string(), "MultiSendCallOnly 1.4.1");
        assert_eq!(proxy_version(B256::ZERO), None);
    }
}
