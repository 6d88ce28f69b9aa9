//! Signed samples of a soak: what somebody saw as final, for others to compare with.

use tidegate_gates::{SoakFacts, WINDOW_SECS};
use tidegate_model::StatementDigest;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{At, Body, General, NEVER, SoakSample, Statement};

use crate::assess::{Assessment, assess};
use crate::error::{AppError, AppResult};
use crate::project::Project;
use crate::release::Built;
use crate::relied;
use crate::signing::show;

/// Signs what an evaluation saw of the soak. `None` where this key has already said the same of
/// this day: one sample a day and state is enough for every check.
pub(crate) fn store(
    project: &Project,
    assessment: &Assessment,
    signer: &dyn DigestSigner,
) -> AppResult<Option<StatementDigest>> {
    let facts = assessment.facts.soak.as_ref().map_err(|why| no_sample(&why.text))?;
    let record = assessment.record.as_ref().ok_or_else(|| no_sample("there is no record"))?;
    let time = assessment.gate_head.ok_or_else(|| no_sample("the target cannot be read"))?;
    let sample = SoakSample {
        network: record.deployment.network(),
        release: record.release_root,
        deployment: record.deployment.digest()?,
        block: facts.head.block,
        timestamp: facts.head.timestamp,
        state: facts.state,
        activity: facts.activity.digest,
        transactions: facts.activity.transactions,
        senders: u32::try_from(facts.activity.users.len()).unwrap_or(u32::MAX),
    };
    if is_known(assessment, facts, signer, &sample) {
        return Ok(None);
    }
    if let Some(why) = relied::other(project, &assessment.target)? {
        return Err(no_sample(&why));
    }
    let target = project.network(&assessment.target)?;
    let statement = Statement::Statement(General {
        signer: signer.address(),
        project: Some(project.named_at(target)?),
        body: Body::SoakSample(sample),
        at: At::new(target.chain, time.block),
        issued_at: time.timestamp,
        expires_at: NEVER,
    });
    show(project, statement)?.unasked()?.sign(project, signer).map(Some)
}

/// As [`store`], for a command that has evaluated nothing: on the first target that this network
/// backs.
pub async fn store_on(
    project: &Project,
    built: &Built,
    network: &str,
    signer: &dyn DigestSigner,
) -> AppResult<Option<StatementDigest>> {
    let backed = project.targets().find(|(_, target)| target.soaks_on.iter().any(|s| s == network));
    let (target, _) = backed
        .ok_or_else(|| no_sample(&format!("{network} is not a soak network of any target")))?;
    let assessment = assess(project, built, target).await?;
    if assessment.soak != network {
        return Err(no_sample(&format!("the gates rest on {}", assessment.soak)));
    }
    store(project, &assessment, signer)
}

fn is_known(
    assessment: &Assessment,
    facts: &SoakFacts,
    signer: &dyn DigestSigner,
    sample: &SoakSample,
) -> bool {
    let day = |timestamp: u64| timestamp.checked_sub(facts.start).map(|age| age / WINDOW_SECS);
    // One that the chain has left behind, or that was taken back, says nothing of this day.
    let gone = |digest| facts.samples.iter().any(|known| known.digest == digest && !known.counts());
    assessment.statements.general().any(|(digest, general, by)| {
        let Body::SoakSample(known) = &general.body else { return false };
        by == signer.address()
            && known.network == sample.network
            && known.deployment == sample.deployment
            && known.state == sample.state
            && day(known.timestamp) == day(sample.timestamp)
            && !gone(digest)
    })
}

fn no_sample(why: &str) -> AppError {
    AppError::config(format!("there is nothing to sign a sample of: {why}"))
}
