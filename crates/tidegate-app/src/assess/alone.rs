//! A release on testnets that back no target yet: its code and its soak, as networks show them.

use tidegate_chain::Network;
use tidegate_gates::{CodeFacts, Observed, SoakFacts, evaluate_soak};
use tidegate_model::record::DeploymentRecord;
use tidegate_model::{GateId, GateReport, Reason, ReasonCode};

use super::candidate::{budget, observed};
use super::{code, soak};
use crate::error::{AppError, AppResult};
use crate::network::unreachable;
use crate::project::Project;
use crate::records;
use crate::release::Built;

/// A release on one testnet.
pub(crate) struct Alone {
    pub(crate) network: String,
    /// Whether a record of it is here.
    pub(crate) is_deployed: bool,
    pub(crate) soak: Observed<SoakFacts>,
    /// The gates `code` and `soak`.
    pub(crate) reports: Vec<GateReport>,
}

/// Judges a release on one testnet by itself.
pub(crate) async fn alone(project: &Project, built: &Built, name: &str) -> AppResult<Alone> {
    let _busy = project.front.busy(format!("reading the soak on {name}"));
    let record = records::of_anybody(project, name, built.roots.release_root)?;
    let network = project.connect(name).await.map(|network| network.within(budget()));
    let unread = |error: &AppError| unreachable(project, name, error.reason());
    let (code, mut soak) = match &network {
        Ok(network) => (
            observed(read_code(project, built, (name, network), record.as_ref())).await,
            observed(soak::alone(project, built, (name, network), record.as_ref())).await,
        ),
        Err(error) => (Err(unread(error)), Err(unread(error))),
    };
    if let Ok(soak) = &mut soak {
        soak.activity.is_alone = true;
    }
    let none = Err(Reason::new(ReasonCode::NotDeployed, "it backs no target"));
    let mut reports = evaluate_soak(&project.rules, &code, &none, &soak);
    reports.retain(|report| report.gate != GateId::Parameters);
    Ok(Alone { network: name.to_owned(), is_deployed: record.is_some(), soak, reports })
}

async fn read_code(
    project: &Project,
    built: &Built,
    (name, network): (&str, &Network),
    record: Option<&DeploymentRecord>,
) -> AppResult<Observed<CodeFacts>> {
    let head = network.latest_head().await?;
    Ok(Ok(code::alone(project, built, (name, network), record, head).await?))
}
