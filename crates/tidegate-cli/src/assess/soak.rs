//! Facts of the gate `soak`.

use std::collections::BTreeSet;

use tidegate_evidence::{CountedContract, SoakRequest, counted_functions, observe_soak};
use tidegate_gates::{Observed, SoakFacts};
use tidegate_model::record::DeploymentRecord;
use tidegate_plan::{Executor, OpKind};

use super::Gathered;
use super::code::deployed_build;
use crate::deployment::prepare;
use crate::error::{CliError, CliResult};
use crate::project::Project;
use crate::release::Built;

pub(super) async fn observe(gathered: &Gathered<'_>) -> CliResult<Observed<SoakFacts>> {
    let Some(record) = gathered.record else {
        let soak = gathered.soak;
        return Ok(Err(format!("it is not deployed on {soak}; run `tidegate deploy {soak}`")));
    };
    let network = gathered.soak_network.clone().map_err(CliError::config)?;
    let deployed = deployed_build(gathered.project, gathered.built, record, network).await?;
    let built = deployed.as_ref().unwrap_or(gathered.built);
    let contracts = counted(gathered.project, built, record);
    let identity = crate::network::identity(gathered.project, gathered.soak)?;
    let executor = Executor::Key(record.deployment.executor);
    let prepared = prepare(gathered.project, built, gathered.soak, executor, record.id)?;
    let calls: Vec<_> = prepared
        .resolved
        .ops
        .iter()
        .filter_map(|op| match &op.kind {
            OpKind::Call { to, data, .. } => Some((op.id.clone(), *to, data.clone())),
            OpKind::Create { .. } => None,
        })
        .collect();
    let request = SoakRequest {
        name: gathered.soak,
        record,
        block_time_secs: identity.block_time_secs,
        contracts: &contracts,
        calls: &calls,
    };
    Ok(observe_soak(network, &request).await?)
}

/// The plan's contracts with the functions whose calls count.
fn counted(project: &Project, built: &Built, record: &DeploymentRecord) -> Vec<CountedContract> {
    let plan = &built.release.plan;
    let calls: Vec<_> = plan.steps.iter().filter_map(|step| step.as_call()).collect();
    let contracts = plan.steps.iter().filter_map(|step| {
        let (contract, init) = step.contract()?;
        let place = record.deployment.steps.get(&step.name)?;
        let artifact = built.release.artifact(contract)?;
        let ignored = &project.rules.activity_ignore;
        let name = contract.name();
        let of_plan = calls.iter().filter(|call| call.target == step.name);
        let mut called: BTreeSet<_> =
            of_plan.map(|call| call.invocation.signature.clone()).collect();
        called.extend(init.map(|init| init.signature.clone()));
        let functions = counted_functions(name, &artifact.abi, &called, ignored);
        Some(CountedContract { address: place.address, functions })
    });
    contracts.collect()
}
