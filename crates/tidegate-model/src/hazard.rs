//! What in a contract's sources is unsafe behind a proxy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

/// What is unsafe behind a proxy, by the names that OpenZeppelin's `upgrades-core` has for it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HazardKind {
    /// A state variable has an initial value: creation stores it in the implementation.
    StateVariableAssignment,
    /// A state variable is immutable: its value is part of the implementation.
    StateVariableImmutable,
    /// A library is linked, whose code runs as if it were the contract's.
    ExternalLibraryLinking,
    /// A constructor does something: it runs for the implementation alone.
    Constructor,
    /// Code that may be another's runs as if it were the contract's.
    Delegatecall,
    /// The implementation can destroy itself.
    Selfdestruct,
    /// Behind a UUPS proxy, nothing can put another implementation there.
    MissingPublicUpgradeto,
    /// A stored internal function is a place in code that an upgrade replaces.
    InternalFunctionStorage,
    /// Bases have initialisers, and the contract has none that calls them.
    MissingInitializer,
    /// An initialiser leaves out that of a base.
    MissingInitializerCall,
    /// An initialiser calls that of a base twice.
    DuplicateInitializerCall,
    /// Initialisers of bases are called in another order than that of inheritance.
    IncorrectInitializerOrder,
    /// An annotation names nothing of these.
    UnknownAnnotation,
}

impl HazardKind {
    /// Its name, as annotations have it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Something in a contract's sources that is unsafe behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    pub kind: HazardKind,
    /// The variable, library, contract or function; empty where the place says all.
    pub name: String,
    /// Its source and line, as `path:line`.
    pub at: String,
    /// Whether the sources allow it, by `@custom:oz-upgrades-unsafe-allow` or
    /// `-allow-reachable`.
    pub allowed: bool,
}
