//! Proxies: what stands behind which, and the slots that say so.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use tidegate_model::plan::{Arg, Beacon, Create, Invocation, Proxy, ProxyKind, Step, Upgrade};
use tidegate_model::record::Place;

use super::{Guarded, Op, OpKind, ResolveError, Resolver, Start, Watch};
use crate::slots::{ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT, beacon_slot};

const IMPLEMENTATION: &str = "the implementation slot";

impl Resolver<'_> {
    /// A contract behind a proxy: the implementation, a beacon where there is one, the proxy.
    pub(super) fn proxied(
        &mut self,
        step: &Step,
        create: &Create,
        proxy: &Proxy,
        salt: B256,
        args: &[u8],
    ) -> Result<(), ResolveError> {
        let guarded = create.guarded.then_some(Guarded { value: U256::ZERO });
        let (behind, implementation) = match &proxy.beacon {
            Some(Beacon::Of(other)) => self.shared_beacon(other)?,
            own => {
                let id = format!("{}/implementation", step.name);
                let of = (&*id, &*step.name);
                let made = self.creation(of, &create.contract, salt, args, guarded)?;
                let beacon = match own {
                    Some(Beacon::Own(contract)) => Some((contract, proxy.admin.as_ref())),
                    _ => None,
                };
                match beacon {
                    Some((contract, admin)) => {
                        let args = self.owned_args(step, vec![word(made)], contract, admin)?;
                        let id = format!("{}/beacon", step.name);
                        let of = (&*id, &*step.name);
                        let beacon = self.creation(of, contract, salt, &args, guarded)?;
                        let missing = || ResolveError::Beacon { name: step.name.clone() };
                        let artifact = self.release.artifact(contract);
                        let slot = artifact.and_then(|artifact| beacon_slot(&artifact.layout));
                        self.watch(beacon, slot.ok_or_else(missing)?, IMPLEMENTATION, Some(made));
                        (beacon, made)
                    }
                    None => (made, made),
                }
            }
        };
        let mut words = vec![word(behind)];
        if let (ProxyKind::Transparent, Some(admin)) = (proxy.kind, &proxy.admin) {
            words.push(self.word(&step.name, admin)?);
        }
        words.push(DynSolValue::Bytes(self.init_data(step, proxy.init.as_ref())?.to_vec()));
        let args = DynSolValue::Tuple(words).abi_encode_params();
        let id = format!("{}/proxy", step.name);
        let of = (&*id, &*step.name);
        let address = self.creation(of, &proxy.contract, salt, &args, guarded)?;
        match proxy.kind {
            ProxyKind::Uups => {
                self.watch(address, IMPLEMENTATION_SLOT, IMPLEMENTATION, Some(behind));
            }
            ProxyKind::Transparent => {
                self.watch(address, IMPLEMENTATION_SLOT, IMPLEMENTATION, Some(behind));
                self.watch(address, ADMIN_SLOT, "the admin slot", None);
            }
            ProxyKind::Beacon => {
                self.watch(address, BEACON_SLOT, "the beacon slot", Some(behind));
            }
            ProxyKind::Minimal => {}
        }
        let place = Place { address, implementation: Some(implementation) };
        self.done.places.insert(step.name.clone(), place);
        Ok(())
    }

    /// The beacon that an earlier step created, and what it points at.
    fn shared_beacon(&self, other: &str) -> Result<(Address, Address), ResolveError> {
        let missing = || ResolveError::Ref { name: other.to_owned() };
        let place = self.done.places.get(other).ok_or_else(missing)?;
        let slot = |watch: &&Watch| watch.address == place.address && watch.slot == BEACON_SLOT;
        let beacon = self.done.slots.iter().find(slot).and_then(|watch| watch.value);
        let beacon = beacon.map(Address::from_word).ok_or_else(missing)?;
        Ok((beacon, place.implementation.ok_or_else(missing)?))
    }

    /// Constructor arguments, with the owner where the constructor takes one: older versions of
    /// OpenZeppelin make the sender the owner, which the plan's check of constructors refuses.
    fn owned_args(
        &self,
        step: &Step,
        mut words: Vec<DynSolValue>,
        contract: &tidegate_model::Fqn,
        admin: Option<&Arg>,
    ) -> Result<Vec<u8>, ResolveError> {
        let constructor =
            self.release.artifact(contract).and_then(|artifact| artifact.abi.constructor.as_ref());
        if constructor.is_some_and(|constructor| constructor.inputs.len() > words.len())
            && let Some(admin) = admin
        {
            words.push(self.word(&step.name, admin)?);
        }
        Ok(DynSolValue::Tuple(words).abi_encode_params())
    }

    fn init_data(&self, step: &Step, init: Option<&Invocation>) -> Result<Bytes, ResolveError> {
        match init {
            Some(Invocation { signature, args }) => self.calldata(&step.name, signature, args),
            None => Ok(Bytes::new()),
        }
    }

    /// A new implementation, and the call that puts it behind the proxy.
    pub(super) fn upgrade(&mut self, step: &Step, upgrade: &Upgrade) -> Result<(), ResolveError> {
        self.libraries(&upgrade.libraries, &step.salt_label, upgrade.guarded)?;
        let args = self.encode_args(&step.name, &upgrade.args)?;
        let salt = self.salt(&step.name, &step.salt_label);
        let id = format!("{}/implementation", step.name);
        let of = (&*id, &*step.name);
        let guarded = upgrade.guarded.then_some(Guarded { value: U256::ZERO });
        let made = self.creation(of, &upgrade.contract, salt, &args, guarded)?;
        let target = self.address(&upgrade.target)?;
        let holder = match upgrade.kind {
            ProxyKind::Beacon => self.beacon_of(&upgrade.target, target),
            _ => target,
        };
        let to = match upgrade.kind {
            ProxyKind::Transparent => self.admin_of(&upgrade.target, target)?,
            _ => holder,
        };
        let data = self.init_data(step, upgrade.init.as_ref())?;
        let mut words = Vec::new();
        if upgrade.kind == ProxyKind::Transparent {
            words.push(word(target));
        }
        words.push(word(made));
        if upgrade.function.ends_with("bytes)") {
            words.push(DynSolValue::Bytes(data.to_vec()));
        }
        let selector = &keccak256(upgrade.function.as_bytes())[..4];
        let call = [selector, &DynSolValue::Tuple(words).abi_encode_params()].concat();
        self.done.ops.push(Op {
            id: step.name.clone(),
            step: step.name.clone(),
            kind: OpKind::Call {
                to,
                value: U256::ZERO,
                data: call.into(),
                signature: upgrade.function.clone(),
            },
        });
        let earlier = self.done.starts.iter().any(|start| start.address == holder);
        let in_plan = earlier || self.done.places.contains_key(&upgrade.target);
        self.done.starts.push(Start {
            step: step.name.clone(),
            target: upgrade.target.clone(),
            address: holder,
            admin: (upgrade.kind == ProxyKind::Transparent).then_some(to),
            slot: upgrade.slot,
            reference: upgrade.reference.contract.clone(),
            in_plan,
        });
        let same = |watch: &Watch| watch.address == holder && watch.slot == upgrade.slot;
        self.done.slots.retain(|watch| !same(watch));
        self.watch(holder, upgrade.slot, IMPLEMENTATION, Some(made));
        let place = Place { address: target, implementation: Some(made) };
        if let Some(earlier) = self.done.places.get_mut(&upgrade.target) {
            earlier.implementation = Some(made);
        }
        self.done.places.insert(step.name.clone(), place);
        Ok(())
    }

    /// The beacon behind a proxy of this plan; an existing beacon is named itself.
    fn beacon_of(&self, name: &str, target: Address) -> Address {
        self.shared_beacon(name).map_or(target, |(beacon, _)| beacon)
    }

    /// The contract that upgrades a transparent proxy: the first that one of this plan creates.
    fn admin_of(&self, name: &str, proxy: Address) -> Result<Address, ResolveError> {
        match self.context.existing.get(name) {
            Some(place) => place.admin.ok_or_else(|| ResolveError::Admin { name: name.to_owned() }),
            None => Ok(proxy.create(1)),
        }
    }

    fn watch(&mut self, address: Address, slot: B256, name: &'static str, value: Option<Address>) {
        let value = value.map(|address| address.into_word());
        self.done.slots.push(Watch { address, slot, name, value });
    }
}

fn word(address: Address) -> DynSolValue {
    DynSolValue::Address(address)
}
