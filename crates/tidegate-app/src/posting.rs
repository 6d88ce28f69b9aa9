//! What is said in a file and posted at the helper too, so that deleting the file undoes nothing.

use alloy_primitives::{Address, B256, U256};
use serde_json::json;
use tidegate_chain::Network;
use tidegate_model::StatementDigest;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{NEVER, Statement};
use tidegate_model::units::format_utc;
use tidegate_safe::helper;

use crate::error::{AppResult, Kind, OrKind};
use crate::policy_doc::require_helper;
use crate::project::Project;
use crate::saying::{for_stop, show, sign_statement};
use crate::sending::{ready, send};
use crate::statements;

/// Signs a statement. Where it is posted at the helper on the target too, one approval covers both,
/// and the file is there before anything is sent.
pub async fn say_and_post(
    project: &Project,
    target: &str,
    signer: &dyn DigestSigner,
    statement: Statement,
    posted: Option<(StatementDigest, u64)>,
) -> AppResult<u8> {
    let Some((subject, until)) = posted else {
        sign_statement(project, signer, statement)?;
        return Ok(0);
    };
    let network = project.connect(target).await?;
    let network = if statement.stops() { for_stop(network).await.0 } else { network };
    if is_posted(&network, signer, subject, until).await? {
        project.front.line(format!("It was posted at the helper on {target} before."));
        sign_statement(project, signer, statement)?;
        return Ok(0);
    }
    let digest = show(project, signer, &statement)?;
    project.front.note(format!("What is approved below also signs statement {digest}."));
    // The operation's name enters what is approved, and with it the statement.
    let intent = intent(format!("stop/{digest}"), subject, until);
    let ready = ready(project, target, &network, signer, &intent, Vec::new()).await?;
    let digest = statements::sign_and_say(project, signer, statement)?;
    let landed = ready.send().await?;
    posted_line(project, target, until, landed.hash);
    project.front.result(&json!({ "digest": digest, "post": landed.hash }));
    Ok(0)
}

/// Posts at the helper on a target what stands in no statement, unless it is there already.
pub async fn post(
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
pub fn posted_line(project: &Project, target: &str, until: u64, transaction: B256) {
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
pub async fn posted_until(
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
