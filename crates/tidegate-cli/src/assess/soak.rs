//! Facts of the gate `soak`.

use std::collections::BTreeSet;

use tidegate_evidence::{CountedContract, SoakRequest, counted_functions, observe_soak};
use tidegate_gates::{Observed, SoakFacts};
use tidegate_model::record::DeploymentRecord;

use super::Gathered;
use crate::error::{CliError, CliResult};
use crate::project::Project;
use crate::release::Built;

pub(super) async fn observe(gathered: &Gathered<'_>) -> CliResult<Observed<SoakFacts>> {
    let Some(record) = gathered.record else {
        let soak = gathered.soak;
        return Ok(Err(format!("it is not deployed on {soak}; run `tidegate deploy {soak}`")));
    };
    let network = gathered.soak_network.clone().map_err(CliError::config)?;
    let contracts = counted(gathered.project, gathered.built, record);
    let identity = crate::network::identity(gathered.project, gathered.soak)?;
    let request = SoakRequest {
        name: gathered.soak,
        record,
        block_time_secs: identity.block_time_secs,
        contracts: &contracts,
    };
    Ok(observe_soak(network, &request).await?)
}

/// The plan's contracts with the functions whose calls count.
fn counted(project: &Project, built: &Built, record: &DeploymentRecord) -> Vec<CountedContract> {
    let plan = &built.release.plan;
    let calls = plan.steps.iter().filter_map(|step| step.as_call());
    let called: BTreeSet<_> = calls.map(|call| call.invocation.signature.clone()).collect();
    let contracts = plan.steps.iter().filter_map(|step| {
        let create = step.as_create()?;
        let place = record.deployment.steps.get(&step.name)?;
        let artifact = built.release.artifact(&create.contract)?;
        let ignored = &project.rules.activity_ignore;
        let name = create.contract.name();
        let functions = counted_functions(name, &artifact.abi, &called, ignored);
        Some(CountedContract { address: place.address, functions })
    });
    contracts.collect()
}
