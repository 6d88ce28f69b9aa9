//! Taking a sample of the soak back.

use tidegate_app::assess::assess;
use tidegate_app::error::{AppError, AppResult, Kind};
use tidegate_app::policy_doc::people;
use tidegate_app::release::built;
use tidegate_app::saying::{About, sign};
use tidegate_app::statements;
use tidegate_evidence::StatementSet;
use tidegate_gates::StateThere;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, General, SampleWithdrawal, SoakSample};
use tidegate_model::units::format_utc;
use tidegate_model::{Head, StatementDigest, lookup};

use super::{WithdrawArgs, speaker};
use crate::context::Context;
use crate::signer::LazySigner;

/// Shows what was signed beside what the person's own endpoints show at that height now.
pub(super) async fn withdraw(
    project: &Context,
    signer: &LazySigner,
    args: &WithdrawArgs,
) -> AppResult<u8> {
    let speaker = speaker(project, signer.address())?;
    let about = About::named(project, args.target.target.as_deref())?;
    let set = statements::load_confirmed(project).await?;
    let (digest, general, sample) = named(&set, &args.sample)?;
    let own = general.signer == signer.address();
    if general.project_id() != about.id {
        return Err(AppError::usage(format!("that sample was not said for {}", about.target))
            .hint("say with --target NAME for which target it was"));
    }
    if !own {
        require_seen_otherwise(project, &about, &speaker, digest).await?;
    }
    let here = seen_now(project, sample).await?;
    let ui = &project.ui;
    ui.row("withdraws", &general.text());
    ui.row("it saw", &shown(Head { block: sample.block, timestamp: sample.timestamp }));
    ui.row("now there is", &shown(here));
    if own && here.block == sample.block && here.timestamp == sample.timestamp {
        if !contradicted(&set, digest, sample) {
            let what = "your endpoints show what it saw, and nobody saw something else there";
            return Err(AppError::new(Kind::Fail, what)
                .hint("if others see another chain, compare endpoints with them first"));
        }
        ui.note("its block is on the chain: you take back what it says of code and slots");
    }
    let body = Body::SoakWithdraw(SampleWithdrawal {
        sample: digest,
        network: sample.network,
        block: here.block,
        timestamp: here.timestamp,
        reason: args.reason.clone(),
    });
    sign(project, &about, signer, body).await?;
    ui.note(if own {
        format!("commit the file; what {speaker} saw then counts for nothing")
    } else {
        "commit the file; it counts beside that of one more person, where no endpoint keeps the \
         state of the block"
            .to_owned()
    });
    Ok(0)
}

/// Somebody else's sample is wrong only where one's own endpoints show another state at its block.
async fn require_seen_otherwise(
    project: &Context,
    about: &About,
    speaker: &str,
    digest: StatementDigest,
) -> AppResult {
    let refused = |why: String, hint: &str| Err(AppError::new(Kind::Fail, why).hint(hint));
    let assessment = assess(project, &built(project, None)?, &about.target).await?;
    let deployers = assessment.facts.separation.clone()?.deployers;
    let people = people(project);
    if people.get(speaker).is_some_and(|own| own.addresses().any(|key| deployers.contains(&key))) {
        return refused(
            format!("{speaker} deployed this release and speaks of nobody else's samples"),
            "let somebody else look at that block",
        );
    }
    let soak = assessment.facts.soak.clone()?;
    let fact = soak.samples.iter().find(|fact| fact.digest == digest);
    match fact.map(|fact| (fact, fact.there)) {
        Some((fact, _)) if fact.is_disproved() => {
            project.ui.row("by", &fact.by);
            Ok(())
        }
        Some((fact, StateThere::Forgotten)) => refused(
            format!("no endpoint here keeps the state of block {}", fact.block.number),
            "ask an endpoint that keeps old state, an archive, and run this again",
        ),
        _ => refused(
            "your endpoints do not show something else than that sample says".to_owned(),
            "only the key that signed a sample takes it back then",
        ),
    }
}

/// What the person's endpoints show as final at the height of a sample.
async fn seen_now(project: &Context, sample: &SoakSample) -> AppResult<Head> {
    let (chain, number) = (sample.network.chain, sample.block.number);
    let name = project.name_of(sample.network).ok_or_else(|| {
        AppError::config(format!("it is of chain {chain}, which is no network here"))
            .hint("check out the commit with the network that it is of")
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

fn shown(head: Head) -> String {
    let Head { block, timestamp } = head;
    format!("block {} {} of {}", block.number, block.hash, format_utc(timestamp))
}

/// Whether a sample of the same block says something else.
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

/// The sample whose digest begins so.
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
