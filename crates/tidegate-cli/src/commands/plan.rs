//! `tidegate plan`.

use clap::Args;
use tidegate_app::deployment::{Prepared, refuse_faults, safe_executor};
use tidegate_app::error::AppResult;
use tidegate_app::planned::plan;
use tidegate_app::release::select;
use tidegate_app::text::plain;
use tidegate_model::ports::DigestSigner;
use tidegate_plan::config::Stage;
use tidegate_plan::{Executor, Expected, OpKind, op_label};

use crate::context::Context;
use crate::signer::LazySigner;

/// Show what a deployment would do: addresses, code, arguments, gas
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The network; default: the only testnet
    network: Option<String>,
    /// The release; default: the release that the working tree builds
    #[arg(long)]
    release: Option<String>,
    /// The deployment id; each id gives different addresses
    #[arg(long, default_value_t = 0)]
    id: u64,
}

pub(crate) async fn run(project: &Context, args: &PlanArgs) -> AppResult<u8> {
    let built = select(project, args.release.as_deref())?;
    let name = match &args.network {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Testnet)?,
    };
    let executor = executor(project, &name)?;
    let planned = plan(project, &built, &name, executor, args.id).await?;
    let by = executor.address();
    project
        .ui
        .line(format!("{} on {name}, by {by}, deployment id {}", built.release.name, args.id));
    show(project, &planned.prepared, &planned.expected);
    planned.view.standing.iter().for_each(|line| project.ui.warn(line));
    project.ui.result(&planned.view);
    refuse_faults(&planned.expected)?;
    Ok(0)
}

/// Who acts on a network: the deployer's key on a testnet, the Safe on mainnet.
pub(crate) fn executor(project: &Context, name: &str) -> AppResult<Executor> {
    let settings = project.network(name)?;
    match settings.stage {
        Stage::Mainnet => safe_executor(project, name),
        Stage::Testnet => {
            let key = crate::signer::named(&project.global, settings.deployer.as_deref())?;
            let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
            Ok(Executor::Key(signer.address()))
        }
    }
}

/// One line an operation, then the parameters.
pub(crate) fn show(project: &Context, prepared: &Prepared, expected: &Expected) {
    let ui = &project.ui;
    let gas_of = |id: &str| expected.gas.iter().find(|(op, _)| op == id).map(|(_, gas)| *gas);
    ui.line("");
    for op in &prepared.resolved.ops {
        let gas = gas_of(&op.id).map_or_else(String::new, |gas| format!("{gas} gas"));
        match &op.kind {
            OpKind::Create { contract, address, guarded, .. } => {
                let label = op_label(&op.id);
                ui.line(format!("  create {label:<24} {gas:>14}  {}", contract.name()));
                let open = if guarded.is_none() { "  anybody can create it first" } else { "" };
                let ends = if expected.can_end(&op.id) {
                    "  can destroy itself (SELFDESTRUCT)"
                } else {
                    ""
                };
                ui.line(format!("         {address}{open}{ends}"));
            }
            OpKind::Call { to, signature, .. } => {
                ui.line(format!("  call   {:<24} {gas:>14}  {signature}", op.id));
                ui.line(format!("         {to}"));
            }
        }
    }
    for check in &prepared.resolved.checks {
        ui.line(format!("  expect {}.{} = {}", check.step, check.signature, plain(&check.value)));
    }
    ui.line("");
    for (name, value) in &prepared.resolved.params {
        ui.line(format!("  ${name} = {}", plain(value)));
    }
    let total: u64 = expected.gas.iter().map(|(_, gas)| gas).sum();
    ui.line(format!("\n{} operations, {total} gas", prepared.resolved.ops.len()));
}
