//! A guardian's signature under an urgent proposal.

use tidegate_gates::refusals;
use tidegate_model::ReleaseRoot;
use tidegate_model::changes::ReleaseChanges;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{
    Date, EmergencyTerms, EmergencyWaiver, Statement, emergency_subject,
};

use super::guard::require_guardian;
use super::{Draft, speaker};
use crate::assess::emergency::compared;
use crate::error::{AppError, AppResult, Kind};
use crate::project::Project;
use crate::promotion::promotion_of;
use crate::release::select;
use crate::relied;
use crate::saying::{About, now};
use crate::{proposal_files, recalled};

/// The emergency as a guardian reviews it. Everything is computed on their own machine.
#[derive(Debug)]
pub struct Urgency {
    /// The terms of the proposal.
    pub terms: EmergencyTerms,
    /// The release that it promotes.
    pub release: ReleaseRoot,
    /// How it differs from what is promoted.
    pub changes: ReleaseChanges,
    /// The soak that the policy asks for, in seconds.
    pub soak_secs: u64,
}

/// Drafts a guardian's signature under the terms of one Safe transaction, after computing each of
/// them anew. With `post` it is also announced at the helper.
///
/// # Errors
/// If the signer is no guardian, the working tree builds another release, or it is no emergency.
pub async fn emergency(
    project: &Project,
    signer: &dyn DigestSigner,
    proposal: Option<&str>,
    post: bool,
) -> AppResult<Draft<Urgency>> {
    relied::require(project).await?;
    require_guardian(project, &speaker(project, signer.address())?)?;
    let found = proposal_files::find(project, proposal)?;
    let promotion = promotion_of(found.checked.proposal())?;
    let (hash, release) = (found.checked.hash().0, promotion.release_root);
    let Some(terms) = &promotion.emergency else {
        return Err(AppError::usage("that proposal is not an emergency"));
    };
    let built = select(project, None)?;
    if built.roots.release_root != release {
        let (called, here) = (recalled::called(project, release), &built.release.name);
        let what = format!("the proposal is for {called}, the working tree builds {here}");
        let way = recalled::way_to(project, release, &found);
        return Err(AppError::new(Kind::Fail, what).hint(way));
    }
    let network = project.connect(&found.network).await?;
    let head = network.finalized_head().await?;
    let (baseline, changes) = compared(project, &built, &found.network, &network, head).await?;
    if let Some(why) = refusals(terms, &Ok(baseline)).into_iter().next() {
        return Err(AppError::new(Kind::Fail, format!("the emergency does not count: {why}")));
    }
    let about = About::on(project, found.network.clone())?;
    let Date { at, time } = now(project, &about).await?;
    let statement = Statement::EmergencyWaiver(Box::new(EmergencyWaiver {
        guardian: signer.address(),
        release_root: release,
        safe_tx_hash: hash,
        terms: terms.clone(),
        at,
        issued_at: time,
    }));
    let posted = post.then_some((emergency_subject(release, hash), terms.expires_at));
    let soak_secs = project.rules.soak_secs;
    let shown = Urgency { terms: terms.clone(), release, changes, soak_secs };
    Ok(Draft { shown, target: about.target, statement, posted, must_pin: false, named: None })
}
