//! Upgrades of proxies that are there already.

use alloy_json_abi::JsonAbi;
use alloy_primitives::B256;
use tidegate_model::plan::{Create, ProxyKind, Reference, Step, Upgrade};
use tidegate_model::release::Artifact;

use super::{BEACON, Builder, ElaborateError};
use crate::config::{OpenZeppelin, StepConfig};
use crate::slots::{IMPLEMENTATION_SLOT, beacon_slot};

/// The contract that an upgrade starts from.
pub(super) struct Start<'a> {
    pub(super) kind: ProxyKind,
    pub(super) made_with: OpenZeppelin,
    pub(super) reference: &'a Artifact,
}

impl<'a> Builder<'a> {
    pub(super) fn upgrade(
        &mut self,
        step: &str,
        target: &str,
        contract: &str,
        written: &StepConfig,
    ) -> Result<(Upgrade, &'a JsonAbi), ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        let name = target.strip_prefix('@');
        let name = name.ok_or_else(|| error(format!("`{target}` is not an `@name`")))?;
        let start = self.start(step, name)?;
        let new = self.compiled(step, contract)?;
        let abi = &new.artifact.abi;
        let inputs = abi.constructor.as_ref().map_or(&[][..], |c| &c.inputs);
        let args = self.args(step, "constructor", inputs, &written.args)?;
        let init = self.init(step, abi, written)?;
        let function = function(&start, init.is_some()).map_err(error)?;
        let slot = match start.kind {
            ProxyKind::Beacon => self.beacon_slot(step)?,
            _ => IMPLEMENTATION_SLOT,
        };
        let reference = reference(start.reference)
            .map_err(|source| error(format!("its layout has no digest: {source}")))?;
        let upgrade = Upgrade {
            target: name.to_owned(),
            kind: start.kind,
            reference,
            contract: new.artifact.fqn.clone(),
            libraries: new.libraries.to_vec(),
            args,
            guarded: written.is_guarded(),
            function: function.to_owned(),
            slot,
            init,
            initialised: None,
        };
        Ok((upgrade, abi))
    }

    fn start(&self, step: &str, name: &str) -> Result<Start<'a>, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        // A second upgrade in one plan starts from the first one's implementation.
        let earlier = self.steps.iter().rev().find(|earlier| {
            earlier.name == name || earlier.as_upgrade().is_some_and(|u| u.target == name)
        });
        if let Some(earlier) = earlier {
            let kind = self.kind_of(earlier).filter(|kind| *kind != ProxyKind::Minimal);
            let kind = kind
                .ok_or_else(|| error(format!("`@{name}` is not a proxy that can be upgraded")))?;
            let contract = earlier.contract().map(|(contract, _)| contract);
            let found = self.compiled.values().find(|c| Some(&c.artifact.fqn) == contract);
            let reference = found.ok_or_else(|| error(self.unknown_target(name)))?.artifact;
            let made_with = match self.config.existing.get(name) {
                Some(existing) => existing.openzeppelin,
                None => OpenZeppelin::V5,
            };
            return Ok(Start { kind, made_with, reference });
        }
        let Some(existing) = self.config.existing.get(name) else {
            return Err(error(format!(
                "`@{name}` is neither an earlier step nor under [existing]"
            )));
        };
        if existing.proxy == ProxyKind::Minimal {
            return Err(error("a minimal proxy can never be upgraded".to_owned()));
        }
        let reference = self.compiled(step, &existing.contract)?.artifact;
        Ok(Start { kind: existing.proxy, made_with: existing.openzeppelin, reference })
    }

    fn kind_of(&self, step: &Step) -> Option<ProxyKind> {
        let proxy = |create: &Create| Some(create.proxy.as_ref()?.kind);
        let upgraded = step.as_upgrade().map(|upgrade| upgrade.kind);
        upgraded.or_else(|| step.as_create().and_then(proxy))
    }

    fn beacon_slot(&self, step: &str) -> Result<B256, ElaborateError> {
        let beacon = self.compiled(step, BEACON)?.artifact;
        beacon_slot(&beacon.layout).ok_or_else(|| ElaborateError::Step {
            step: step.to_owned(),
            reason: "the beacon's layout has no `_implementation`".to_owned(),
        })
    }
}

/// The function that changes the implementation.
pub(super) fn function(start: &Start<'_>, migrates: bool) -> Result<&'static str, String> {
    let has = |name: &str| start.reference.abi.functions.contains_key(name);
    match (start.kind, start.made_with) {
        (ProxyKind::Uups, _) if !migrates && has("upgradeTo") => Ok("upgradeTo(address)"),
        (ProxyKind::Uups, _) if has("upgradeToAndCall") => Ok("upgradeToAndCall(address,bytes)"),
        (ProxyKind::Uups, _) => Err(format!("{} has no `upgradeToAndCall`", start.reference.fqn)),
        (ProxyKind::Transparent, OpenZeppelin::V4) if !migrates => Ok("upgrade(address,address)"),
        (ProxyKind::Transparent, _) => Ok("upgradeAndCall(address,address,bytes)"),
        (ProxyKind::Beacon, _) if migrates => {
            Err("a beacon's upgrade runs no `init`: it has many proxies".to_owned())
        }
        (ProxyKind::Beacon, _) => Ok("upgradeTo(address)"),
        (ProxyKind::Minimal, _) => Err("a minimal proxy can never be upgraded".to_owned()),
    }
}

pub(super) fn reference(
    artifact: &Artifact,
) -> Result<Reference, tidegate_model::digest::JcsError> {
    Ok(Reference {
        contract: artifact.fqn.clone(),
        runtime_template: artifact.runtime_template(),
        storage_layout: artifact.storage_layout()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::artifact;

    #[test]
    fn the_function_is_the_one_that_the_proxy_has() {
        let of = |kind, made_with, functions: &[&str], migrates| {
            let mut reference = artifact("Old");
            reference.abi = JsonAbi::parse(functions.iter().copied()).unwrap();
            function(&Start { kind, made_with, reference: &reference }, migrates)
        };
        let (v4, v5) = (OpenZeppelin::V4, OpenZeppelin::V5);
        let plain = "function upgradeTo(address)";
        let with_data = "function upgradeToAndCall(address,bytes)";
        let call = Ok("upgradeToAndCall(address,bytes)");
        for version in [v4, v5] {
            assert_eq!(
                of(ProxyKind::Uups, version, &[plain, with_data], false),
                Ok("upgradeTo(address)")
            );
            assert_eq!(of(ProxyKind::Uups, version, &[plain, with_data], true), call);
            assert_eq!(of(ProxyKind::Uups, version, &[with_data], false), call);
            assert!(of(ProxyKind::Uups, version, &[plain], true).is_err());
            assert!(of(ProxyKind::Uups, version, &[], false).is_err());
            assert_eq!(of(ProxyKind::Beacon, version, &[], false), Ok("upgradeTo(address)"));
            assert!(of(ProxyKind::Beacon, version, &[], true).is_err());
            assert!(of(ProxyKind::Minimal, version, &[plain], false).is_err());
            let all = Ok("upgradeAndCall(address,address,bytes)");
            assert_eq!(of(ProxyKind::Transparent, version, &[], true), all);
        }
        let found =
            [v4, v5].map(|version| of(ProxyKind::Transparent, version, &[], false).unwrap());
        assert_eq!(found, ["upgrade(address,address)", "upgradeAndCall(address,address,bytes)"]);
    }
}
