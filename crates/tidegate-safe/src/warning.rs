//! Warnings that a signer must not overlook, each of its own kind.

use std::collections::BTreeSet;

use alloy_json_abi::JsonAbi;
use alloy_primitives::B256;
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::digest::Preimage;

use crate::describe::describe;
use crate::proposal::{Checked, ProposalKind};

/// A warning to signers. None is ever left out of what is shown and approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Warning {
    /// An owner is added to a Safe.
    AddsOwner,
    /// An owner is removed.
    RemovesOwner,
    /// An owner is replaced.
    ReplacesOwner,
    /// Another number of owners must sign.
    ChangesThreshold,
    /// A module may act without signatures.
    EnablesModule,
    /// A module may no longer.
    DisablesModule,
    /// Another transaction guard.
    ChangesGuard,
    /// Another module guard.
    ChangesModuleGuard,
    /// Another fallback handler.
    ChangesHandler,
    /// A Safe is moved as by a module.
    ActsAsModule,
    /// A transaction of a Safe is executed.
    ExecutesSafeTransaction,
    /// A hash is approved for a Safe.
    ApprovesHash,
    /// A message is signed as the Safe.
    SignsMessage,
    /// Calls are made that stand in the arguments.
    RunsCalls,
    /// Calls are made later that stand in the arguments.
    SchedulesCalls,
    /// A proxy gets other code.
    UpgradesProxy,
    /// Somebody else may change a proxy.
    ChangesProxyAdmin,
    /// Ownership goes to somebody else.
    GivesOwnershipAway,
    /// Ownership goes to nobody.
    GivesOwnershipUp,
    /// Somebody gets a role.
    GrantsRole,
    /// Somebody loses a role.
    TakesRoleAway,
    /// The caller loses a role.
    GivesRoleUp,
    /// Others decide who gets a role.
    ChangesRoleAdmin,
    /// Somebody may spend tokens.
    LetsSpend,
    MovesTokens,
    /// A promotion policy is adopted.
    AdoptsPolicy,
    /// The call goes to the Safe whose batch it is.
    CallsSafe,
    /// Ether goes along.
    SendsValue,
    /// What the call does cannot be read from its bytes.
    Unreadable,
    /// A contract signed what the gates rest on and stands where the batch cannot ask it.
    SignerElsewhere,
}

impl Warning {
    /// Its name, as it stands in JSON and in what is approved.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddsOwner => "adds-owner",
            Self::RemovesOwner => "removes-owner",
            Self::ReplacesOwner => "replaces-owner",
            Self::ChangesThreshold => "changes-threshold",
            Self::EnablesModule => "enables-module",
            Self::DisablesModule => "disables-module",
            Self::ChangesGuard => "changes-guard",
            Self::ChangesModuleGuard => "changes-module-guard",
            Self::ChangesHandler => "changes-handler",
            Self::ActsAsModule => "acts-as-module",
            Self::ExecutesSafeTransaction => "executes-safe-transaction",
            Self::ApprovesHash => "approves-hash",
            Self::SignsMessage => "signs-message",
            Self::RunsCalls => "runs-calls",
            Self::SchedulesCalls => "schedules-calls",
            Self::UpgradesProxy => "upgrades-proxy",
            Self::ChangesProxyAdmin => "changes-proxy-admin",
            Self::GivesOwnershipAway => "gives-ownership-away",
            Self::GivesOwnershipUp => "gives-ownership-up",
            Self::GrantsRole => "grants-role",
            Self::TakesRoleAway => "takes-role-away",
            Self::GivesRoleUp => "gives-role-up",
            Self::ChangesRoleAdmin => "changes-role-admin",
            Self::LetsSpend => "lets-spend",
            Self::MovesTokens => "moves-tokens",
            Self::AdoptsPolicy => "adopts-policy",
            Self::CallsSafe => "calls-safe",
            Self::SendsValue => "sends-value",
            Self::Unreadable => "unreadable",
            Self::SignerElsewhere => "signer-elsewhere",
        }
    }

    /// In words, as a sentence about "this call", or about the proposal.
    pub const fn says(self) -> &'static str {
        match self {
            Self::AddsOwner => "this call adds an owner to the Safe",
            Self::RemovesOwner => "this call removes an owner from the Safe",
            Self::ReplacesOwner => "this call replaces an owner of the Safe",
            Self::ChangesThreshold => "this call changes how many owners must sign",
            Self::EnablesModule => "this call lets a module act for the Safe without signatures",
            Self::DisablesModule => "this call disables a module of the Safe",
            Self::ChangesGuard => "this call changes the Safe's transaction guard",
            Self::ChangesModuleGuard => "this call changes the Safe's module guard",
            Self::ChangesHandler => "this call changes the Safe's fallback handler",
            Self::ActsAsModule => "this call acts for a Safe as a module",
            Self::ExecutesSafeTransaction => "this call executes a transaction of a Safe",
            Self::ApprovesHash => "this call approves another Safe's transaction for ever",
            Self::SignsMessage => "this call signs a message as the Safe",
            Self::RunsCalls => "this call makes the calls in its arguments",
            Self::SchedulesCalls => "this call schedules the calls in its arguments",
            Self::UpgradesProxy => "this call upgrades a proxy",
            Self::ChangesProxyAdmin => "this call changes a proxy's admin",
            Self::GivesOwnershipAway => "this call transfers ownership",
            Self::GivesOwnershipUp => "this call renounces ownership",
            Self::GrantsRole => "this call grants a role",
            Self::TakesRoleAway => "this call revokes a role",
            Self::GivesRoleUp => "this call renounces a role",
            Self::ChangesRoleAdmin => "this call changes who grants a role",
            Self::LetsSpend => "this call lets somebody spend the Safe's tokens",
            Self::MovesTokens => "this call moves tokens",
            Self::AdoptsPolicy => "this call adopts a promotion policy",
            Self::CallsSafe => "this call changes the Safe itself",
            Self::SendsValue => "this call sends ether",
            Self::Unreadable => "the bytes of this call do not show what it does",
            Self::SignerElsewhere => {
                "a contract that signed a statement that the gates need is on another chain, \
                 where this transaction cannot ask it again"
            }
        }
    }
}

/// A warning and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Warned {
    /// The number of the call, from 1; `None` for the whole proposal.
    pub call: Option<usize>,
    /// The kind of warning.
    pub warning: Warning,
}

/// Every warning about a proposal, sorted, each once. That an adoption adopts a policy is what it
/// is for.
pub fn warnings(checked: &Checked, abis: &[JsonAbi]) -> Vec<Warned> {
    let proposal = checked.proposal();
    let mut found = BTreeSet::new();
    for (index, call) in proposal.calls.iter().enumerate() {
        let mut of_call = |warning| found.insert(Warned { call: Some(index + 1), warning });
        let described = describe(call, checked.helper(), abis);
        for warning in described.warnings() {
            of_call(warning);
        }
        if described.unreadable().is_some() {
            of_call(Warning::Unreadable);
        }
        if call.to == proposal.safe {
            of_call(Warning::CallsSafe);
        }
        if !call.value.is_zero() {
            of_call(Warning::SendsValue);
        }
    }
    match &proposal.kind {
        ProposalKind::Adoption(_) => {
            found.remove(&Warned { call: Some(1), warning: Warning::AdoptsPolicy });
        }
        ProposalKind::Promotion(promotion) => {
            if promotion.judged.elsewhere(proposal.network.chain).next().is_some() {
                found.insert(Warned { call: None, warning: Warning::SignerElsewhere });
            }
        }
    }
    found.into_iter().collect()
}

/// The digest that `proposal sign --approve` takes: the Safe transaction's hash without warnings,
/// else a digest over it and each warning.
pub fn approved(checked: &Checked, warned: &[Warned]) -> B256 {
    let hash = checked.hash().0;
    if warned.is_empty() {
        return hash;
    }
    let count = u64::try_from(warned.len()).unwrap_or(u64::MAX);
    let start = Preimage::new().string("sign/1").digest(hash).number(count);
    let place = |call: Option<usize>| call.map_or(0, |call| u64::try_from(call).unwrap_or(0));
    let add = |words: Preimage, warned: &Warned| {
        words.number(place(warned.call)).string(warned.warning.name())
    };
    warned.iter().fold(start, add).keccak()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposal::tests::{checked_adoption, checked_promotion};

    #[test]
    fn what_is_approved_covers_each_warning() {
        let checked = checked_promotion();
        let warned = warnings(&checked, &[]);
        let of = |call, warning| Warned { call: Some(call), warning };
        assert_eq!(warned, [of(5, Warning::GrantsRole), of(5, Warning::SendsValue)]);
        let whole = approved(&checked, &warned);
        assert_ne!(whole, checked.hash().0);
        assert_ne!(whole, approved(&checked, &warned[..1]));
        assert_ne!(whole, approved(&checked, &[of(4, Warning::GrantsRole), warned[1]]));
        assert_ne!(whole, approved(&checked, &[of(5, Warning::TakesRoleAway), warned[1]]));
        assert_eq!(approved(&checked, &[]), checked.hash().0);
    }

    #[test]
    fn an_adoption_warns_of_nothing_but_what_it_is() {
        assert_eq!(warnings(&checked_adoption(), &[]), []);
    }

    /// JSON and the approved digest name a warning alike.
    #[test]
    fn names_are_those_of_json() {
        for entry in crate::sensitive::table() {
            let json = serde_json::to_value(entry.warning).unwrap();
            assert_eq!(json, entry.warning.name());
        }
    }
}
