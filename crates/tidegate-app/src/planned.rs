//! A planned deployment, executed locally.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tidegate_model::{Fqn, ReleaseRoot};
use tidegate_plan::{Executor, Expected, Op, OpKind, Resolved, When};

use crate::deployment::{Prepared, expect, prepare};
use crate::error::AppResult;
use crate::existing::require_starts;
use crate::project::Project;
use crate::release::Built;
use crate::standing::in_the_way;

/// A plan on one network.
#[derive(Debug)]
pub struct Planned {
    /// Its operations.
    pub prepared: Prepared,
    /// What local execution expects of them.
    pub expected: Expected,
    /// The same as data.
    pub view: PlanView,
}

/// A planned deployment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The network's name.
    pub network: String,
    /// The account that acts: the deployer's key on a testnet, the Safe on mainnet.
    pub executor: Address,
    /// The deployment id.
    pub id: u64,
    pub release_root: ReleaseRoot,
    /// Its operations, in order.
    pub operations: Vec<OperationView>,
    /// The values of its parameters.
    pub params: BTreeMap<String, Value>,
    /// Why it would fail, one sentence each.
    pub faults: Vec<String>,
    /// Contracts that others created at its addresses already, one sentence each.
    pub standing: Vec<String>,
}

/// One operation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OperationView {
    /// Its name.
    pub id: String,
    #[serde(flatten)]
    pub action: ActionView,
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
    },
    /// It calls a contract.
    Call {
        to: Address,
        function: String,
        #[schemars(with = "String")]
        data: Bytes,
        /// The ether that goes along, in wei.
        value: String,
    },
}

impl PlanView {
    /// What a plan does, by local execution.
    pub(crate) fn of(
        (network, built): (&str, &Built),
        id: u64,
        (prepared, expected): (&Prepared, &Expected),
    ) -> Self {
        let Resolved { executor, ops, params, .. } = &prepared.resolved;
        Self {
            network: network.to_owned(),
            executor: executor.address(),
            id,
            release_root: built.roots.release_root,
            operations: ops.iter().map(|op| operation(op, expected)).collect(),
            params: params.clone(),
            faults: expected.faults.clone(),
            standing: Vec::new(),
        }
    }
}

/// Resolves a release on a network and executes it locally.
///
/// # Errors
/// If something that it starts from is missing, or the network cannot be read.
pub async fn plan(
    project: &Project,
    built: &Built,
    name: &str,
    executor: Executor,
    id: u64,
) -> AppResult<Planned> {
    let prepared = prepare(project, built, name, executor, id)?;
    let network = project.connect_single(name).await?;
    let head = network.latest_head().await?;
    require_starts(&network, built, &prepared, head).await?;
    let expected = expect(&network, &prepared, head, When::Before).await?;
    let standing = match executor {
        Executor::Safe(_) => {
            let plan = (&prepared.resolved, &expected);
            in_the_way(project, built, name, (&network, head), plan).await?
        }
        Executor::Key(_) => Vec::new(),
    };
    let view = PlanView { standing, ..PlanView::of((name, built), id, (&prepared, &expected)) };
    Ok(Planned { prepared, expected, view })
}

fn operation(op: &Op, expected: &Expected) -> OperationView {
    let action = match &op.kind {
        OpKind::Create { contract, address, salt, .. } => ActionView::Create {
            contract: contract.clone(),
            address: *address,
            salt: *salt,
            code_hash: expected.created.get(address).map(|created| created.code_hash),
        },
        OpKind::Call { to, data, signature, value } => ActionView::Call {
            to: *to,
            function: signature.clone(),
            data: data.clone(),
            value: value.to_string(),
        },
    };
    OperationView { id: op.id.clone(), action }
}
