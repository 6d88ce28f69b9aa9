//! Creations: plain, guarded, or behind one of the proxies.

use alloy_json_abi::{JsonAbi, StateMutability};
use tidegate_model::Fqn;
use tidegate_model::plan::{Beacon, Create, Invocation, Proxy, ProxyKind};

use super::args::Type;
use super::{BEACON, BEACON_PROXY, Builder, ElaborateError, TRANSPARENT_PROXY, UUPS_PROXY, value};
use crate::config::StepConfig;
use crate::minimal::MINIMAL_PROXY;
use crate::uninitialized::{initializer, initializes};

impl<'a> Builder<'a> {
    pub(super) fn create(
        &mut self,
        step: &str,
        contract: &str,
        written: &StepConfig,
    ) -> Result<(Create, &'a JsonAbi), ElaborateError> {
        let error = |reason: &str| ElaborateError::Step {
            step: step.to_owned(),
            reason: reason.to_owned(),
        };
        let compiled = self.compiled(step, contract)?;
        let abi = &compiled.artifact.abi;
        let inputs = abi.constructor.as_ref().map_or(&[][..], |c| &c.inputs);
        let shares = written.beacon.is_some();
        let args = match shares {
            false => self.args(step, "constructor", inputs, &written.args)?,
            true if written.args.is_empty() => Vec::new(),
            true => return Err(error("`args` belong to the step that creates the beacon")),
        };
        let value = value(step, written)?;
        let payable = abi.constructor.as_ref().map(|c| c.state_mutability);
        if !value.is_zero() && payable != Some(StateMutability::Payable) {
            return Err(error("the constructor takes no `value`: it is not payable"));
        }
        if !value.is_zero() && !written.is_guarded() {
            return Err(error("a constructor gets `value` only without `guarded = false`"));
        }
        let proxy = self.proxy(step, abi, written)?;
        if !value.is_zero() && proxy.is_some() {
            return Err(error("a constructor behind a `proxy` gets no `value`"));
        }
        let libraries = if shares { Vec::new() } else { compiled.libraries.to_vec() };
        let contract = compiled.artifact.fqn.clone();
        if let Some(Beacon::Of(other)) = proxy.as_ref().and_then(|proxy| proxy.beacon.as_ref()) {
            self.require_beacon(step, other, &contract)?;
        }
        let guarded = written.is_guarded();
        Ok((Create { contract, libraries, args, value, guarded, proxy }, abi))
    }

    fn proxy(
        &mut self,
        step: &str,
        abi: &JsonAbi,
        written: &StepConfig,
    ) -> Result<Option<Proxy>, ElaborateError> {
        let error = |reason: &str| ElaborateError::Step {
            step: step.to_owned(),
            reason: reason.to_owned(),
        };
        let kind = match written.proxy.as_deref() {
            None if !written.init.is_empty() => return Err(error("`init` needs a `proxy`")),
            None if written.admin.is_some() => return Err(error("`admin` needs a `proxy`")),
            None if written.uninitialized.is_some() => {
                return Err(error("`uninitialized` needs a `proxy`"));
            }
            None if written.beacon.is_some() => return Err(error("`beacon` needs a `proxy`")),
            None if written.proxy_contract.is_some() => {
                return Err(error("`proxy_contract` needs a `proxy`"));
            }
            None => return Ok(None),
            Some("uups") => ProxyKind::Uups,
            Some("transparent") => ProxyKind::Transparent,
            Some("beacon") => ProxyKind::Beacon,
            Some("minimal") => ProxyKind::Minimal,
            Some(_) => {
                let known = "a proxy is \"uups\", \"transparent\", \"beacon\" or \"minimal\"";
                return Err(error(known));
            }
        };
        let contract = match (kind, &written.proxy_contract) {
            (ProxyKind::Minimal, None) => Fqn(MINIMAL_PROXY.to_owned()),
            (ProxyKind::Minimal, Some(_)) => {
                return Err(error("a minimal proxy has no `proxy_contract`"));
            }
            (_, Some(own)) => self.compiled(step, own)?.artifact.fqn.clone(),
            (ProxyKind::Uups, None) => self.published(step, UUPS_PROXY)?,
            (ProxyKind::Transparent, None) => self.published(step, TRANSPARENT_PROXY)?,
            (ProxyKind::Beacon, None) => self.published(step, BEACON_PROXY)?,
        };
        let beacon = match (kind, &written.beacon) {
            (ProxyKind::Beacon, None) => Some(Beacon::Own(self.published(step, BEACON)?)),
            (ProxyKind::Beacon, Some(other)) => {
                let name = other
                    .strip_prefix('@')
                    .ok_or_else(|| error("`beacon` is the `@name` of a step that creates one"))?;
                Some(Beacon::Of(name.to_owned()))
            }
            (_, Some(_)) => return Err(error("`beacon` needs `proxy = \"beacon\"`")),
            (_, None) => None,
        };
        let owned = matches!(beacon, Some(Beacon::Own(_))) || kind == ProxyKind::Transparent;
        let admin = match &written.admin {
            Some(admin) if owned => Some(self.arg(step, &Type::address(), admin)?),
            Some(_) => return Err(error("nothing here has an `admin`")),
            None if owned => {
                return Err(error("say who may upgrade it, such as `admin = \"$owner\"`"));
            }
            None => None,
        };
        let init = self.init(step, abi, written)?;
        require_initialized(step, abi, written, initializes(init.as_ref()))?;
        Ok(Some(Proxy { kind, contract, admin, beacon, init }))
    }

    /// The initialiser or migration, where one is written.
    pub(super) fn init(
        &mut self,
        step: &str,
        abi: &JsonAbi,
        written: &StepConfig,
    ) -> Result<Option<Invocation>, ElaborateError> {
        let Some((function, args)) = written.init.split_first() else { return Ok(None) };
        self.invocation(step, abi, function, args).map(Some)
    }

    fn require_beacon(
        &self,
        step: &str,
        other: &str,
        contract: &Fqn,
    ) -> Result<(), ElaborateError> {
        let found = self.steps.iter().find(|earlier| earlier.name == other);
        let made = found.and_then(|earlier| earlier.as_create());
        let create = made.or_else(|| self.standing(other)).filter(|create| {
            let beacon = create.proxy.as_ref().and_then(|proxy| proxy.beacon.as_ref());
            matches!(beacon, Some(Beacon::Own(_)))
        });
        let reason = match create {
            None => format!("`@{other}` is not an earlier step that creates a beacon"),
            Some(create) if made.is_some() && create.contract != *contract => {
                format!("the beacon of `@{other}` is for {}", create.contract)
            }
            Some(_) => return Ok(()),
        };
        Err(ElaborateError::Step { step: step.to_owned(), reason })
    }

    /// A contract that is made of nothing but what OpenZeppelin published under its name.
    fn published(&self, step: &str, name: &str) -> Result<Fqn, ElaborateError> {
        let artifact = self.compiled(step, name)?.artifact;
        let path = artifact.fqn.path();
        let other = artifact.sources.keys().map(String::as_str).chain([path]);
        let other = other.into_iter().find(|source| !source.starts_with("dep:@openzeppelin/"));
        match other {
            None if artifact.fqn.0 == format!("dep:{name}") => Ok(artifact.fqn.clone()),
            other => Err(ElaborateError::Step {
                step: step.to_owned(),
                reason: format!(
                    "{} is not what OpenZeppelin published as `{name}`: install a version that \
                     Tidegate knows, or name the file with `proxy_contract` and have it audited",
                    other.unwrap_or(path)
                ),
            }),
        }
    }
}

/// Refuses a proxy whose initialiser anybody may call first, unless the step says why not.
fn require_initialized(
    step: &str,
    abi: &JsonAbi,
    written: &StepConfig,
    is_initialized: bool,
) -> Result<(), ElaborateError> {
    let error = |reason: String| Err(ElaborateError::Step { step: step.to_owned(), reason });
    match (initializer(abi).filter(|_| !is_initialized), written.uninitialized.as_deref()) {
        (Some(function), None) => error(format!(
            "its proxy is created without `init`, and whoever calls {function} first owns it, also \
             before a later step of this plan: write `init`, or `uninitialized` with the reason \
             why nobody has to"
        )),
        (None, Some(_)) if is_initialized => {
            error("`uninitialized` says why no initialiser runs, and `init` is one".to_owned())
        }
        (None, Some(_)) => error("`uninitialized`: the contract has no initialiser".to_owned()),
        (_, Some(reason)) if reason.trim().is_empty() => {
            error("`uninitialized` is the reason, in words".to_owned())
        }
        _ => Ok(()),
    }
}
