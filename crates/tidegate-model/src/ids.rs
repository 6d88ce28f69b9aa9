//! A newtype for every id that crosses a function.

use std::fmt;

use alloy_primitives::B256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes newtypes over a 32-byte digest: full `0x` text when shown, and `short()` for people.
#[macro_export]
macro_rules! digest_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub ::alloy_primitives::B256);

        impl $name {
            /// The first sixteen hexadecimal digits, for people and file names: enough to name it
            /// in a command, see [`lookup`](crate::lookup).
            pub fn short(&self) -> String {
                ::alloy_primitives::hex::encode(&self.0[..8])
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

digest_id! {
    /// What an auditor read: templates, sources, compiler, layout and parameter rules.
    ScopeRoot;
    /// What runs, free of metadata noise.
    CodeRoot;
    /// How it is put together, free of any network's values.
    PlanDigest;
    /// The identity of a release: `codeRoot` and `planDigest`.
    ReleaseRoot;
    /// The exact bytes of one build, metadata included.
    BuildDigest;
    /// Where a release stands on one network, and with which parameters.
    DeploymentDigest;
    /// A deployment record as a whole: all that its file says.
    RecordDigest;
    /// The policy that a Safe adopts.
    PolicyDigest;
    /// The set of statements and chain observations a promotion rests on.
    EvidenceDigest;
    /// One project on one target: `keccak256(target chain id ‖ Safe ‖ name)`.
    ProjectId;
    /// The EIP-712 signing digest of a statement.
    StatementDigest;
}

/// An EIP-155 chain id.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ChainId(pub u64);

impl ChainId {
    /// The ids on which development nodes are accepted as networks.
    pub const SIMULATED: [u64; 3] = [31337, 31338, 1337];

    /// The ids of public chains whose coin is worth something, of those that are built in.
    const VALUED: [u64; 4] = [1, 10, 8453, 42_161];

    /// Whether this id belongs to a public chain whose coin is worth something: no test network
    /// has it.
    pub fn is_valued(self) -> bool {
        Self::VALUED.contains(&self.0)
    }

    /// Whether this id belongs to a simulated chain.
    pub fn is_simulated(self) -> bool {
        Self::SIMULATED.contains(&self.0)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A network is its chain id and genesis hash together; names and URLs identify nothing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct NetworkId {
    pub chain: ChainId,
    /// The hash of block 0.
    pub genesis: B256,
}

/// A block is never a number alone.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct BlockRef {
    /// Its height.
    pub number: u64,
    pub hash: B256,
}

/// A block together with its timestamp, in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub block: BlockRef,
    /// Its timestamp, in seconds.
    pub timestamp: u64,
}

/// A contract's fully qualified name, `path:Name`, with the path normalised: project-relative,
/// `dep:<package>/<path>` for what a known package published, or `vendored:<path>`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Fqn(pub String);

impl Fqn {
    /// The contract's name, without its path.
    pub fn name(&self) -> &str {
        self.0.rsplit_once(':').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The normalised source path.
    pub fn path(&self) -> &str {
        self.0.rsplit_once(':').map_or("", |(path, _)| path)
    }
}

impl fmt::Display for Fqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
