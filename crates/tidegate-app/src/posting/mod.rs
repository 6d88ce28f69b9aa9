//! What is said in a file and posted at the helper too, so that deleting the file undoes nothing.

mod of_others;

use alloy_primitives::{Address, B256, U256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_chain::Network;
use tidegate_model::StatementDigest;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{NEVER, Statement};
use tidegate_model::units::format_utc;
use tidegate_safe::helper;

pub use self::of_others::{OthersStop, PostView, of_others};
use crate::error::{AppResult, Kind, OrKind};
use crate::policy_doc::require_helper;
use crate::project::Project;
use crate::saying::for_stop;
use crate::sending::{ready_to_post, send};
use crate::signing::{conclude, show};

/// A statement that was signed and posted.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct SaidView {
    /// The statement's digest.
    pub digest: StatementDigest,
    /// The transaction that posted it.
    pub post: B256,
}

/// Signs a statement. Where it is posted at the helper on the target too, one approval covers both,
/// and the file is there before anything is sent. What it is over is written before it.
pub(crate) async fn say_and_post(
    project: &Project,
    target: &str,
    signer: &dyn DigestSigner,
    statement: Statement,
    posted: Option<(StatementDigest, u64)>,
    preimages: impl FnOnce() -> AppResult,
) -> AppResult {
    let Some((subject, until)) = posted else {
        return conclude(project, signer, statement, "sign", preimages).map(drop);
    };
    if project.typed_data.is_some() {
        // Whoever holds the key elsewhere also posts from there.
        let intent = intent(String::new(), subject, until);
        let front = &project.front;
        front.note("also post it from that wallet, so that deleting the file undoes nothing:");
        front.note(format!("  to {}, data {}", intent.to, intent.data));
        return conclude(project, signer, statement, "sign", preimages).map(drop);
    }
    let network = project.connect(target).await?;
    let network = if statement.stops() { for_stop(network).await.0 } else { network };
    if is_posted(&network, signer, subject, until).await? {
        project.front.line(format!("It was posted at the helper on {target} before."));
        return conclude(project, signer, statement, "sign", preimages).map(drop);
    }
    let shown = show(project, statement)?;
    let digest = shown.digest();
    project.front.note(format!("What is approved below also signs statement {digest}."));
    // The operation's name enters what is approved, and with it the statement.
    let intent = intent(shown.operation(), subject, until);
    let ready = ready_to_post(project, target, &network, signer, &intent).await?;
    preimages()?;
    shown.approved_with(ready.operation())?.sign_and_say(project, signer)?;
    let landed = ready.send().await?;
    posted_line(project, target, until, landed.hash);
    let view = SaidView { digest, post: landed.hash };
    project.front.result(&serde_json::to_value(view)?);
    Ok(())
}

/// Posts at the helper on a target what stands in no statement, unless it is there already.
pub(crate) async fn post(
    project: &Project,
    target: &str,
    signer: &dyn DigestSigner,
    op: String,
    (subject, until): (StatementDigest, u64),
) -> AppResult {
    let network = project.connect(target).await?;
    if is_posted(&network, signer, subject, until).await? {
        project.front.line(format!("It was posted at the helper on {target} before."));
        return Ok(());
    }
    let intent = intent(op, subject, until);
    let landed = send(project, target, &network, signer, &intent, Vec::new()).await?;
    posted_line(project, target, until, landed.hash);
    Ok(())
}

fn intent(op: String, subject: StatementDigest, until: u64) -> Intent {
    let data = helper::post(subject, until);
    Intent { op, to: helper::address(), value: U256::ZERO, data, alike: None }
}

/// Says that it is posted, until when and by which transaction.
fn posted_line(project: &Project, target: &str, until: u64, transaction: B256) {
    let until =
        if until == NEVER { String::new() } else { " until ".to_owned() + &format_utc(until) };
    project.front.line(format!("Posted at the helper on {target}{until}: {transaction}"));
}

/// Whether that is posted already. It can be raised and never be taken back.
async fn is_posted(
    network: &Network,
    signer: &dyn DigestSigner,
    subject: StatementDigest,
    until: u64,
) -> AppResult<bool> {
    let (posted, _) = posted_until(network, signer.address(), subject).await?;
    Ok(posted >= until)
}

/// Until when somebody has posted about a subject, 0 for never, and the latest block's time.
async fn posted_until(
    network: &Network,
    by: Address,
    subject: StatementDigest,
) -> AppResult<(u64, u64)> {
    let head = network.latest_head().await?;
    require_helper(network, head).await?;
    let call = helper::posted(by, subject);
    let answer = network.call(helper::address(), &call, head.block).await?;
    Ok((helper::read_posted(&answer).or_kind(Kind::Chain)?, head.timestamp))
}
