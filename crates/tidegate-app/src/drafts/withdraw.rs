//! Taking a sample of the soak back.

use tidegate_evidence::StatementSet;
use tidegate_gates::StateThere;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, General, SampleWithdrawal, SoakSample};
use tidegate_model::{Head, StatementDigest, lookup};

use super::{Draft, spoken};
use crate::assess::assess;
use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::select;
use crate::saying::About;
use crate::statements;

/// A withdrawal of a soak sample.
#[derive(Debug, Clone)]
pub struct WithdrawRequest {
    /// The sample's digest or its beginning.
    pub sample: String,
    /// Why it was wrong.
    pub reason: String,
    /// The target; by default the only one.
    pub target: Option<String>,
}

/// A sample beside what the person's own endpoints show at its height now.
#[derive(Debug)]
pub struct Withdrawing {
    /// The sample in words.
    pub says: String,
    /// The block that it saw.
    pub saw: Head,
    /// The block that is there now.
    pub here: Head,
    /// The name of the sample's author, if it is somebody else's.
    pub by: Option<String>,
    /// The name of the person who withdraws it.
    pub speaker: String,
    /// The draft of the withdrawal, or the reason why it is refused.
    pub outcome: AppResult<Draft>,
}

impl Withdrawing {
    /// Whether the block that it saw is on the chain.
    pub fn is_there(&self) -> bool {
        self.here == self.saw
    }
}

/// Drafts the withdrawal of a sample.
///
/// # Errors
/// If there is no such sample, or it is somebody else's and endpoints here show what it says.
pub async fn withdraw(
    project: &Project,
    signer: &dyn DigestSigner,
    request: WithdrawRequest,
) -> AppResult<Withdrawing> {
    let WithdrawRequest { sample, reason, target } = request;
    let (speaker, about) = spoken(project, signer, target.as_deref()).await?;
    let set = statements::load_confirmed(project).await?;
    let (digest, general, sample) = named(&set, &sample)?;
    let is_own = general.signer == signer.address();
    if general.project_id() != about.id {
        return Err(AppError::usage(format!("that sample is not about target {}", about.target))
            .hint("name its target with --target NAME"));
    }
    let by = match is_own {
        true => None,
        false => Some(require_seen_otherwise(project, &about, &speaker, digest).await?),
    };
    let here = seen_now(project, sample).await?;
    let saw = Head { block: sample.block, timestamp: sample.timestamp };
    let outcome = if is_own && here == saw && !contradicted(&set, digest, sample) {
        let what = "your endpoints confirm that sample, and no other sample contradicts it";
        Err(AppError::new(Kind::Fail, what)
            .hint("if others see another chain, first compare endpoints with them"))
    } else {
        let Head { block, timestamp } = here;
        let (sample, network) = (digest, sample.network);
        let withdrawal = SampleWithdrawal { sample, network, block, timestamp, reason };
        Draft::of(project, about, signer, Body::SoakWithdraw(withdrawal), ()).await
    };
    Ok(Withdrawing { says: general.text(), saw, here, by, speaker, outcome })
}

/// Refuses to withdraw somebody else's sample unless one's own endpoints show another state at its
/// block. Returns its author's name.
async fn require_seen_otherwise(
    project: &Project,
    about: &About,
    speaker: &str,
    digest: StatementDigest,
) -> AppResult<String> {
    let refused = |why: String, hint: &str| Err(AppError::new(Kind::Fail, why).hint(hint));
    let assessment = assess(project, &select(project, None)?, &about.target).await?;
    let deployers = assessment.facts.separation.clone()?.deployers;
    let people = people(project);
    if people.get(speaker).is_some_and(|own| own.addresses().any(|key| deployers.contains(&key))) {
        return refused(
            format!("{speaker} deployed this release and cannot withdraw samples of others"),
            "ask somebody else to check that block",
        );
    }
    let soak = assessment.facts.soak.clone()?;
    let fact = soak.samples.iter().find(|fact| fact.digest == digest);
    match fact.map(|fact| (fact, fact.there)) {
        Some((fact, _)) if fact.is_disproved() => Ok(fact.by.clone()),
        Some((fact, StateThere::Forgotten)) => refused(
            format!("no endpoint here keeps the state of block {}", fact.block.number),
            "use an archive endpoint, which keeps old state, and run this again",
        ),
        _ => refused(
            "your endpoints do not contradict that sample".to_owned(),
            "in that case only the key that signed the sample can withdraw it",
        ),
    }
}

/// The person's endpoints' finalized block at the height of a sample.
async fn seen_now(project: &Project, sample: &SoakSample) -> AppResult<Head> {
    let (chain, number) = (sample.network.chain, sample.block.number);
    let name = project.name_of(sample.network).ok_or_else(|| {
        AppError::config(format!(
            "it is about chain {chain}, which is not a network of \
                                  tidegate.toml"
        ))
        .hint("check out a commit whose tidegate.toml has that network")
    })?;
    let network = project.connect(name).await?;
    if network.finalized_head().await?.block.number < number {
        return Err(AppError::new(
            Kind::Chain,
            format!("block {number} of {name} is not final yet"),
        )
        .hint("run this again once it is"));
    }
    Ok(network.head_at(number).await?)
}

/// Whether a sample of the same block has another content.
fn contradicted(set: &StatementSet, digest: StatementDigest, sample: &SoakSample) -> bool {
    set.general().any(|(other, general, _)| match &general.body {
        Body::SoakSample(says) => {
            other != digest
                && says.deployment == sample.deployment
                && says.block == sample.block
                && (says.state, says.timestamp) != (sample.state, sample.timestamp)
        }
        _ => false,
    })
}

/// The sample with this digest or beginning.
fn named<'a>(
    set: &'a StatementSet,
    begins: &str,
) -> AppResult<(StatementDigest, &'a General, &'a SoakSample)> {
    let samples = set.general().filter_map(|(digest, general, _)| match &general.body {
        Body::SoakSample(sample) => Some((digest.0, (digest, general, sample))),
        _ => None,
    });
    lookup::find(begins, samples).map_err(|error| {
        AppError::from(error)
            .hint("a sample's digest is the name of its file under deployments/statements/")
    })
}
