//! Steps whose contracts stand since the release that is followed.

use std::collections::BTreeSet;

use alloy_json_abi::JsonAbi;
use serde_json::Value;
use tidegate_model::plan::{Action, Arg, Beacon, Call, Create, Proxy, ProxyKind, Source, Upgrade};

use super::upgrade::{Start, function, reference};
use super::{Builder, ConfigError, ElaborateError};
use crate::config::{OpenZeppelin, StepConfig};
use crate::follow::{Followed, Standing};
use crate::slots::IMPLEMENTATION_SLOT;

impl<'a> Builder<'a> {
    /// What a creation comes to: itself, an upgrade of what stands, or nothing where that is what
    /// it would make.
    pub(super) fn followed(
        &mut self,
        name: &str,
        create: Create,
        abi: &'a JsonAbi,
        written: &StepConfig,
    ) -> Result<Option<Action>, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: name.to_owned(), reason };
        let standing = self.follows.and_then(|followed| followed.standing.get(name));
        let Some(standing) = standing else {
            if written.anew {
                let reason = "`anew` is for what stands of a release that is followed";
                return Err(error(reason.into()));
            }
            if !written.migrate.is_empty() && self.follows.is_none() {
                return Err(error("`migrate` needs `follows` under [project]".into()));
            }
            if let Some(other) = create.proxy.as_ref().and_then(shared)
                && self.found.contains(other)
            {
                return Err(error(format!(
                    "the beacon of `@{other}` stands already, and a new proxy of it is written \
                     out: name the beacon under [externals], and create the proxy as a contract"
                )));
            }
            return Ok(Some(Action::Create(create)));
        };
        if self.found.contains(name) || self.anew.contains(name) {
            return Err(error(format!("the name `{name}` is taken; give it another `name`")));
        }
        let contract = self.artifacts.get(&create.contract);
        let contract = contract.ok_or_else(|| error("it was not compiled".into()))?;
        let since = &standing.release;
        let moves = create.args.iter().any(|arg| self.names_anew(arg));
        let is_same = !moves && standing.is_made_by(&create, contract, self.artifacts);
        if written.anew {
            if is_same {
                return Err(error(format!("nothing of it changed since {since}: remove `anew`")));
            }
            self.anew.insert(name.to_owned());
            return Ok(Some(Action::Create(create)));
        }
        same_proxy(standing, &create).map_err(|what| error(format!("{what} (since {since})")))?;
        self.refuse_untold(name, &create, written)?;
        self.targets.insert(name.to_owned(), Some(abi));
        self.found.insert(name.to_owned());
        if is_same && !written.migrate.is_empty() {
            let reason = "nothing of it changed, so that nothing runs `migrate`: remove it, or \
                          call the function by a step";
            return Err(error(reason.into()));
        }
        if is_same {
            return Ok(None);
        }
        may_upgrade(&create, moves, since).map_err(error)?;
        let upgrade = self.upgrade_of(name, standing, create, abi, written)?;
        Ok(Some(Action::Upgrade(upgrade)))
    }

    /// What stands was told at its creation of something that is created anew: a call or a
    /// migration has to tell it.
    fn refuse_untold(
        &self,
        name: &str,
        create: &Create,
        written: &StepConfig,
    ) -> Result<(), ElaborateError> {
        let proxy = create.proxy.as_ref();
        let init = proxy.and_then(|proxy| proxy.init.as_ref());
        let admin = proxy.and_then(|proxy| proxy.admin.as_ref());
        let told = init.into_iter().flat_map(|init| &init.args).chain(admin);
        let at = format!("@{name}");
        for other in names_of(told).into_iter().filter(|other| self.anew.contains(other)) {
            let other = Value::String(format!("@{other}"));
            let calls = self
                .config
                .steps
                .iter()
                .filter(|step| step.call.first().and_then(Value::as_str) == Some(at.as_str()));
            let said = calls.flat_map(|step| &step.call).chain(&written.migrate);
            if !said.into_iter().any(|value| *value == other) {
                return Err(ElaborateError::Step {
                    step: name.to_owned(),
                    reason: format!(
                        "its `init` was told of {other}, which is created anew, and it keeps the \
                         old one: tell it by a `call` or `migrate` that is given {other}"
                    ),
                });
            }
        }
        Ok(())
    }

    fn upgrade_of(
        &mut self,
        name: &str,
        standing: &Standing,
        create: Create,
        abi: &JsonAbi,
        written: &StepConfig,
    ) -> Result<Upgrade, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: name.to_owned(), reason };
        let proxy = create.proxy.ok_or_else(|| error("it has no proxy".to_owned()))?;
        let init = match written.migrate.split_first() {
            Some((function, args)) => Some(self.invocation(name, abi, function, args)?),
            None => None,
        };
        let start =
            Start { kind: proxy.kind, made_with: OpenZeppelin::V5, reference: &standing.artifact };
        let function = function(&start, init.is_some()).map_err(error)?;
        let reference = reference(&standing.artifact)
            .map_err(|source| error(format!("its layout has no digest: {source}")))?;
        Ok(Upgrade {
            target: name.to_owned(),
            kind: proxy.kind,
            reference,
            contract: create.contract,
            libraries: create.libraries,
            args: create.args,
            guarded: create.guarded,
            function: function.to_owned(),
            slot: IMPLEMENTATION_SLOT,
            init,
            initialised: proxy.init,
        })
    }

    /// The creation that a contract which was found goes back to.
    pub(super) fn standing(&self, name: &str) -> Option<&'a Create> {
        let standing = self.follows?.standing.get(name)?;
        self.found.contains(name).then_some(&standing.create)
    }

    /// Whether a call was made by a release that is followed, to what still stands.
    pub(super) fn was_made(&self, name: &str, call: &Call) -> bool {
        let Some(followed) = self.follows else { return false };
        let args = call.invocation.args.iter();
        !self.anew.contains(&call.target)
            && !args.into_iter().any(|arg| self.names_anew(arg))
            && followed.has_called(name, call)
    }

    fn names_anew(&self, arg: &Arg) -> bool {
        names_of([arg]).iter().any(|name| self.anew.contains(name))
    }

    /// Refuses a written upgrade of what the release that is followed left: its step is enough.
    pub(super) fn refuse_written(&self, name: &str, target: &str) -> Result<(), ElaborateError> {
        let target = target.trim_start_matches('@');
        let Some(followed) = self.follows.filter(|f| f.standing.contains_key(target)) else {
            return Ok(());
        };
        Err(ElaborateError::Step {
            step: name.to_owned(),
            reason: format!(
                "`@{target}` stands since {}, and what follows that upgrades it: write the new \
                 contract in the step `{target}`, and remove this one",
                followed.name
            ),
        })
    }

    /// What stands and has no step any more is left behind where that is written, and nothing else
    /// is.
    pub(super) fn refuse_left(&self) -> Result<(), ElaborateError> {
        let leaves = &self.config.leaves;
        let key = "project.leaves";
        let Some(followed) = self.follows else {
            return match leaves.first() {
                None => Ok(()),
                Some(_) => Err(ConfigError::value(key, "nothing is followed").into()),
            };
        };
        let has_step = |name: &String| self.found.contains(name) || self.anew.contains(name);
        let left = followed.standing.keys().filter(|name| !has_step(name));
        if let Some(name) = left.into_iter().find(|name| !leaves.contains(name)) {
            let reason = format!(
                "`{name}` stands since {}, and no step has its name: restore the step, or write \
                 `leaves = [\"{name}\"]` under [project]",
                followed.standing[name].release
            );
            return Err(ElaborateError::Step { step: name.clone(), reason });
        }
        let unknown = |name: &&String| !followed.standing.contains_key(*name) || has_step(name);
        match leaves.iter().find(unknown) {
            None => Ok(()),
            Some(name) => {
                let reason = format!("`{name}` is no contract that is left behind");
                Err(ConfigError::value(key, reason).into())
            }
        }
    }
}

/// Refuses a change of what nothing can be put behind.
fn may_upgrade(create: &Create, moves: bool, since: &str) -> Result<(), String> {
    match create.proxy.as_ref().map(|proxy| proxy.kind) {
        Some(ProxyKind::Uups | ProxyKind::Transparent) => Ok(()),
        Some(ProxyKind::Beacon) => Err(format!(
            "it changed since {since}, and a beacon of a release that is followed cannot be \
             upgraded yet: restore it"
        )),
        Some(ProxyKind::Minimal) | None => {
            let what = if moves { "what it is made with is created anew" } else { "it changed" };
            Err(format!(
                "{what} since {since}, and nothing can be put behind it: write `anew = true` to \
                 create it at another address, or restore what it was"
            ))
        }
    }
}

/// The step whose beacon a proxy shares.
fn shared(proxy: &Proxy) -> Option<&String> {
    match &proxy.beacon {
        Some(Beacon::Of(other)) => Some(other),
        Some(Beacon::Own(_)) | None => None,
    }
}

/// Refuses another proxy or another initialisation than what stands has: neither comes again.
fn same_proxy(standing: &Standing, create: &Create) -> Result<(), String> {
    let (was, is) = match (&standing.create.proxy, &create.proxy) {
        (None, None) => return Ok(()),
        (Some(_), None) => return Err("it stands behind a proxy: write `proxy` again".into()),
        (None, Some(_)) => return Err("it stands without a proxy, which none can get".into()),
        (Some(was), Some(is)) => (was, is),
    };
    if was.kind != is.kind {
        return Err(format!("it stands behind a {} proxy", was.kind.name()));
    }
    if shared(was) != shared(is) {
        return Err("it stands with another beacon".into());
    }
    if was.init != is.init {
        let what = "its `init` ran with other arguments, and does not run again: restore it, and \
                    change what it set by a `call` or `migrate`";
        return Err(what.into());
    }
    if was.admin != is.admin {
        return Err("it stands with another `admin`: restore it, and change it by a `call`".into());
    }
    Ok(())
}

/// The names that values are the addresses of.
fn names_of<'a>(args: impl IntoIterator<Item = &'a Arg>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for arg in args {
        match &arg.from {
            Source::Ref(name) => names.extend([name.clone()]),
            Source::List(items) => names.extend(names_of(items)),
            Source::Literal(_) | Source::Param(_) => {}
        }
    }
    names
}

impl Followed {
    /// The names that a release which follows finds, beside those under `[existing]`.
    pub(crate) fn is_in(follows: Option<&Self>, name: &str) -> bool {
        follows.is_some_and(|followed| followed.standing.contains_key(name))
    }
}
