//! A plan on one network: its operations, and what they come to.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, Bytes, U256};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::units::{counted, format_amount};
use tidegate_model::{Fqn, ReleaseRoot};
use tidegate_plan::{Expected, Guarded, Op, OpKind, op_label};
use tidegate_safe::{Argument, Description};

use crate::deployment::Prepared;
use crate::front::Front;
use crate::promotion::{abis, described};
use crate::release::Built;
use crate::text::{digits, plain};

/// A planned deployment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The release's name.
    pub release: String,
    /// The network's name.
    pub network: String,
    /// The account that acts: the deployer's key on a testnet, the Safe on mainnet.
    pub executor: Address,
    /// The deployment id.
    pub id: u64,
    pub release_root: ReleaseRoot,
    /// Its operations, in order.
    pub operations: Vec<OperationView>,
    /// View calls that must give these values after their step.
    pub checks: Vec<CheckView>,
    /// The values of its parameters.
    pub params: BTreeMap<String, Value>,
    /// The gas of the operations that are still to be done, by local execution.
    pub gas: u64,
    /// The ether that these send, in wei as decimal digits.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub value: U256,
    /// Why it would fail, one sentence each.
    pub faults: Vec<String>,
    /// Contracts that others created at its addresses already, one sentence each.
    pub standing: Vec<String>,
    /// The earlier release that `was` is of, if one is recorded on this network.
    pub earlier: Option<String>,
    /// What nobody who approves may overlook, one sentence each.
    pub attentions: Vec<String>,
}

/// One operation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OperationView {
    /// Its name.
    pub id: String,
    #[serde(flatten)]
    pub action: ActionView,
    /// What the constructor or the called function is given.
    pub arguments: Vec<ArgumentView>,
    /// The ether that it sends, in wei as decimal digits.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub value: U256,
    /// Its gas, by local execution; `null` where it fails.
    pub gas: Option<u64>,
    /// Whether it need not be done: what it creates stands already, or the call was made. Of a
    /// call, `null` where nobody looked.
    pub there: Option<bool>,
    /// Where the same contract of an earlier release stands, if it is elsewhere.
    pub was: Option<Address>,
}

/// The effect of an operation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ActionView {
    /// It creates a contract.
    Create {
        contract: Fqn,
        address: Address,
        /// The CREATE2 salt.
        salt: B256,
        /// The hash of the code that local execution leaves; `null` where it fails.
        code_hash: Option<B256>,
        /// Whether nobody but the executor can create it.
        guarded: bool,
        /// Whether its code holds SELFDESTRUCT.
        can_destroy_itself: bool,
    },
    /// It calls a contract.
    Call {
        to: Address,
        function: String,
        #[schemars(with = "String")]
        data: Bytes,
    },
}

/// One argument.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ArgumentView {
    /// Its name in the ABI; empty where the ABI has none.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its value as text: numbers in decimal, bytes in hexadecimal.
    pub value: String,
    /// The calls that its bytes hold.
    pub calls: Vec<CallView>,
}

/// A call inside an argument.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CallView {
    /// The function's signature, or what is known of it.
    pub function: String,
    pub arguments: Vec<ArgumentView>,
}

/// A view call and its value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckView {
    /// The step after which it is made.
    pub step: String,
    pub function: String,
    /// The contract.
    pub to: Address,
    /// The value that it must return.
    pub returns: Value,
}

impl PlanView {
    /// What a plan does, by local execution.
    pub(crate) fn of(
        (network, built): (&str, &Built),
        id: u64,
        (prepared, expected): (&Prepared, &Expected),
    ) -> Self {
        let resolved = &prepared.resolved;
        let abis = abis(built, prepared);
        let operations: Vec<_> = resolved
            .ops
            .iter()
            .map(|op| OperationView {
                id: op.id.clone(),
                action: action(op, expected),
                arguments: arguments(op, built, &abis),
                value: value(op),
                gas: expected.gas.iter().find(|(id, _)| *id == op.id).map(|(_, gas)| *gas),
                there: None,
                was: None,
            })
            .collect();
        let checks = resolved.checks.iter().map(|check| CheckView {
            step: check.step.clone(),
            function: check.signature.clone(),
            to: check.to,
            returns: check.value.clone(),
        });
        Self {
            release: built.release.name.to_string(),
            network: network.to_owned(),
            executor: resolved.executor.address(),
            id,
            release_root: built.roots.release_root,
            checks: checks.collect(),
            params: resolved.params.clone(),
            gas: expected.gas.iter().map(|(_, gas)| gas).sum(),
            value: operations.iter().map(|op| op.value).fold(U256::ZERO, U256::saturating_add),
            faults: expected.faults.clone(),
            standing: Vec::new(),
            earlier: None,
            attentions: Vec::new(),
            operations,
        }
    }

    /// The same with what need not be done, by operation; of calls only where `calls` says that
    /// somebody looked.
    pub(crate) fn with_there(mut self, there: &BTreeSet<String>, calls: bool) -> Self {
        for op in &mut self.operations {
            let is_looked_at = calls || matches!(op.action, ActionView::Create { .. });
            op.there = is_looked_at.then(|| there.contains(&op.id));
        }
        let due = || self.operations.iter().filter(|op| op.there != Some(true));
        self.gas = due().filter_map(|op| op.gas).sum();
        self.value = due().map(|op| op.value).fold(U256::ZERO, U256::saturating_add);
        self
    }

    /// The same with more that nobody may overlook.
    pub(crate) fn attending(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.attentions.extend(more);
        self
    }

    /// The same beside an earlier release.
    pub(crate) fn after(mut self, earlier: Option<&DeploymentRecord>) -> Self {
        let Some(record) = earlier else { return self };
        for op in &mut self.operations {
            let ActionView::Create { address, .. } = op.action else { continue };
            op.was = record.place_of(&op.id).filter(|was| *was != address);
            if let (Some(step), Some(was)) = (op.id.strip_suffix("/proxy"), op.was) {
                self.attentions.push(format!(
                    "{step} is a second proxy, beside the one of {} at {was}; to upgrade that one, \
                     write `follows` under [project], or an `upgrade` step",
                    record.name
                ));
            }
        }
        self.earlier = Some(record.name.clone());
        self
    }

    /// Tells all of it: each operation with its arguments and value, then the parameters.
    pub fn tell(&self, front: &dyn Front) {
        let Self { release, network, executor, id, .. } = self;
        front.line(format!("{release} on {network}, deployment id {id}"));
        front.line(format!("  by {executor}"));
        front.line("");
        let earlier = self.earlier.as_deref().unwrap_or_default();
        self.operations.iter().for_each(|op| op.tell(front, earlier));
        for check in &self.checks {
            let returns = plain(&check.returns);
            front.line(format!("  expect {}.{} = {returns}", check.step, check.function));
        }
        front.line("");
        for (name, value) in &self.params {
            front.line(format!("  ${name} = {}", plain(value)));
        }
        front.line("");
        let operations = counted(self.operations.len(), "operation");
        let sent = if self.value.is_zero() { String::new() } else { sent(self.value) };
        let there = self.operations.iter().filter(|op| op.there == Some(true)).count();
        let there = match there {
            0 => String::new(),
            there if there == self.operations.len() => " there already".to_owned(),
            there => format!(", {there} there already"),
        };
        front.line(format!("{operations}{there}, {} gas{sent}", self.gas));
        for text in &self.attentions {
            front.line(format!("Attention: {text}."));
            front.attend(text);
        }
    }
}

fn sent(value: U256) -> String {
    format!(", {} ETH sent along", format_amount(value, 18))
}

impl OperationView {
    fn tell(&self, front: &dyn Front, earlier: &str) {
        let gas = match (self.there, self.gas) {
            (Some(true), _) => "there already".to_owned(),
            (_, gas) => gas.map_or_else(String::new, |gas| format!("{gas} gas")),
        };
        match &self.action {
            ActionView::Create { contract, address, guarded, can_destroy_itself, .. } => {
                let label = op_label(&self.id);
                front.line(format!("  create {label:<24} {gas:>14}  {}", contract.name()));
                let open = if *guarded { "" } else { "  anybody can create it first" };
                let ends =
                    if *can_destroy_itself { "  can destroy itself (SELFDESTRUCT)" } else { "" };
                front.line(format!("         {address}{open}{ends}"));
                if let Some(was) = self.was {
                    front.line(format!("         {was} in {earlier}"));
                }
            }
            ActionView::Call { to, function, .. } => {
                front.line(format!("  call   {:<24} {gas:>14}  {function}", self.id));
                front.line(format!("         {to}"));
            }
        }
        if !self.value.is_zero() {
            front.line(format!("         sends {} ETH", format_amount(self.value, 18)));
        }
        self.arguments.iter().for_each(|argument| argument.tell(front, 9));
    }
}

impl ArgumentView {
    fn of(argument: &Argument) -> Self {
        Self {
            name: argument.name.clone(),
            kind: argument.kind.clone(),
            value: argument.value.clone(),
            calls: argument.calls.iter().map(CallView::of).collect(),
        }
    }

    /// A line, and one for each argument of a call that it holds, further in.
    fn tell(&self, front: &dyn Front, columns: usize) {
        let name = if self.name.is_empty() { &self.kind } else { &self.name };
        let margin = " ".repeat(columns);
        // One call says all of the bytes that it is.
        if let ([call], "bytes") = (&self.calls[..], self.kind.as_str()) {
            front.line(format!("{margin}{name} = call {}", call.function));
            return call.tell(front, columns + 2);
        }
        front.line(format!("{margin}{name} = {}", self.value));
        for call in &self.calls {
            front.line(format!("{margin}  holds call {}", call.function));
            call.tell(front, columns + 4);
        }
    }
}

impl CallView {
    fn of(call: &Description) -> Self {
        let arguments = call.arguments.iter().map(ArgumentView::of).collect();
        Self { function: call.function.clone(), arguments }
    }

    fn tell(&self, front: &dyn Front, columns: usize) {
        self.arguments.iter().for_each(|argument| argument.tell(front, columns));
    }
}

fn action(op: &Op, expected: &Expected) -> ActionView {
    match &op.kind {
        OpKind::Create { contract, address, salt, guarded, .. } => ActionView::Create {
            contract: contract.clone(),
            address: *address,
            salt: *salt,
            code_hash: expected.created.get(address).map(|created| created.code_hash),
            guarded: guarded.is_some(),
            can_destroy_itself: expected.can_end(&op.id),
        },
        OpKind::Call { to, data, signature, .. } => {
            ActionView::Call { to: *to, function: signature.clone(), data: data.clone() }
        }
    }
}

const fn value(op: &Op) -> U256 {
    match &op.kind {
        OpKind::Create { guarded: Some(Guarded { value }), .. } | OpKind::Call { value, .. } => {
            *value
        }
        OpKind::Create { guarded: None, .. } => U256::ZERO,
    }
}

/// The arguments as the bytes say that are sent.
fn arguments(op: &Op, built: &Built, abis: &[JsonAbi]) -> Vec<ArgumentView> {
    let description = described(op, built, abis);
    if description.is_read || !description.arguments.is_empty() {
        return description.arguments.iter().map(ArgumentView::of).collect();
    }
    let kind = "bytes".to_owned();
    vec![ArgumentView { name: String::new(), kind, value: description.function, calls: Vec::new() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(id: &str, gas: u64, value: u64) -> OperationView {
        let (to, data) = (Address::ZERO, Bytes::new());
        OperationView {
            id: id.to_owned(),
            action: ActionView::Call { to, function: "go()".to_owned(), data },
            arguments: Vec::new(),
            value: U256::from(value),
            gas: Some(gas),
            there: None,
            was: None,
        }
    }

    #[test]
    fn gas_and_ether_are_of_what_is_still_to_be_done() {
        let view = || PlanView {
            release: String::new(),
            network: String::new(),
            executor: Address::ZERO,
            id: 0,
            release_root: ReleaseRoot(B256::ZERO),
            operations: vec![operation("made", 5, 7), operation("due", 3, 2)],
            checks: Vec::new(),
            params: BTreeMap::new(),
            gas: 8,
            value: U256::from(9),
            faults: Vec::new(),
            standing: Vec::new(),
            earlier: None,
            attentions: Vec::new(),
        };
        let made = BTreeSet::from(["made".to_owned()]);
        let due = view().with_there(&made, true);
        assert_eq!((due.gas, due.value), (3, U256::from(2)));
        // Of calls that nobody looked for nothing is known.
        let all = view().with_there(&made, false);
        assert_eq!((all.gas, all.value), (8, U256::from(9)));
    }
}
