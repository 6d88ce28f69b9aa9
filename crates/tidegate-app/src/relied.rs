//! Which Safe this machine relied on first for the project, and what it does about another one.
//! A line in git names a Safe; it does not say that it is the one that people know.

use std::path::{Path, PathBuf};

use tidegate_model::ChainId;
use tidegate_safe::{ProjectSafe, Reliance, Relied, stops_under};
use tidegate_store::{Home, is_dry_run, read_limited, write_atomic};

use crate::error::{Again, AppError, AppResult, Kind, OrKind};
use crate::pins;
use crate::policy_doc::safe_state;
use crate::project::Project;

/// The largest file of Safes that were relied on, in bytes.
const RELIED_BYTES_MAX: u64 = 4 << 20;

/// The Safe of one target of `tidegate.toml`, and what it is to this machine.
struct Target {
    name: String,
    now: ProjectSafe,
    reliance: Reliance,
}

/// Every target that has a Safe. What is seen first is remembered.
fn targets(project: &Project) -> AppResult<Vec<Target>> {
    let (path, checkout) = (file(project)?, Home::checkout_name(&project.root));
    let relied = read(&path)?;
    let named = configured_safes(project);
    let first = relied.with_first(&checkout, &named);
    if first != relied {
        warn_of_pins(project, &relied, &checkout, &named)?;
        if !is_dry_run() {
            write(&path, &first)?;
        }
    }
    let with_safe = project.targets().filter(|(_, target)| target.safe.is_some());
    let targets = with_safe.zip(named).map(|((name, _), now)| {
        let reliance = relied.reliance(&checkout, &now);
        Target { name: name.clone(), now, reliance }
    });
    Ok(targets.collect())
}

/// Says of what is trusted on first use that the person has pinned other Safes on its chain.
fn warn_of_pins(
    project: &Project,
    relied: &Relied,
    checkout: &str,
    named: &[ProjectSafe],
) -> AppResult {
    for now in named.iter().filter(|now| relied.reliance(checkout, now) == Reliance::First) {
        let pinned = pins::on(project, now.chain)?;
        if !pinned.is_empty() && !pinned.contains(&now.safe) {
            let pinned: Vec<_> = pinned.iter().map(ToString::to_string).collect();
            project.front.warn(format!(
                "first sight of {now}, which is not one that you pinned on that chain ({}): \
                 compare it with what its owners told you",
                pinned.join(", ")
            ));
        }
    }
    Ok(())
}

/// The Safes that `tidegate.toml` names, in the order of its targets.
fn configured_safes(project: &Project) -> Vec<ProjectSafe> {
    let safes = project.targets().filter_map(|(_, target)| Some((target.chain, target.safe?)));
    let name = &project.config.name;
    safes.map(|(chain, safe)| ProjectSafe { project: name.clone(), chain, safe }).collect()
}

fn file(project: &Project) -> AppResult<PathBuf> {
    Ok(project.env.home()?.join("safes.toml"))
}

fn read(path: &Path) -> AppResult<Relied> {
    if !path.exists() {
        return Ok(Relied::default());
    }
    let bytes = read_limited(path, RELIED_BYTES_MAX).or_kind(Kind::Config)?;
    Relied::parse(&String::from_utf8_lossy(&bytes)).or_kind(Kind::Config)
}

fn write(path: &Path, relied: &Relied) -> AppResult {
    let text = relied.to_text().or_kind(Kind::Internal)?;
    write_atomic(path, text.as_bytes()).or_kind(Kind::Config)
}

/// For commands that decide, sign, post, propose or pay: each Safe of the file is the one that was
/// relied on before, or the person pins it now.
pub async fn require(project: &Project) -> AppResult {
    let mut refused = None;
    for Target { name, now, reliance } in targets(project)? {
        if let Reliance::Other(before) = reliance {
            // One `--pin` names one Safe; it is accepted whatever else is missing.
            refused = refused.or(accept(project, &name, &now, &before).await.err());
        }
    }
    refused.map_or(Ok(()), Err)
}

/// For commands that pay: the person has also pinned each Safe, having seen its owners.
pub(crate) async fn require_pinned(project: &Project) -> AppResult {
    require(project).await?;
    for Target { name, now, .. } in targets(project)? {
        let network = project.connect(&name).await?;
        let head = network.latest_head().await?;
        let state = safe_state(&network, now.safe, head).await?;
        pins::check(project, now.chain, &state, network.finalized_head().await?.timestamp)?;
    }
    Ok(())
}

/// Shows another Safe with its owners, and relies on it once it is pinned.
async fn accept(
    project: &Project,
    target: &str,
    now: &ProjectSafe,
    before: &[ProjectSafe],
) -> AppResult {
    let shown = async {
        let network = project.connect(target).await?;
        let state = safe_state(&network, now.safe, network.latest_head().await?).await?;
        Ok::<_, AppError>((state, network.finalized_head().await?.timestamp))
    };
    let (state, time) = match shown.await {
        Ok(shown) => shown,
        Err(error) => {
            let why = format!("it cannot be pinned now: {error}");
            return Err(refusal(now, before).hint(why));
        }
    };
    pins::show(project, now.chain, &state.trust);
    let pin = project.pin.as_deref();
    let is_meant =
        pin.map_or(project.front.can_ask(), |pin| pin.eq_ignore_ascii_case(&pin_of(now)));
    if !is_meant {
        return Err(refusal(now, before));
    }
    project.front.warn(sentence(now, before));
    if let Some(doubt) = state.doubts.first() {
        return Err(refusal(now, before).hint(doubt.clone()));
    }
    pins::confirm(project, now.chain, &state.trust)?;
    if is_dry_run() {
        return Ok(());
    }
    pins::keep(project, now.chain, &state.trust, time)?;
    let (path, checkout) = (file(project)?, Home::checkout_name(&project.root));
    write(&path, &read(&path)?.with_pinned(&checkout, now, &configured_safes(project)))
}

fn refusal(now: &ProjectSafe, before: &[ProjectSafe]) -> AppError {
    let pin = pin_of(now);
    AppError::new(Kind::Fail, sentence(now, before))
        .hint("if nobody told you of it, see who changed the file: `git log -p tidegate.toml`")
        .hint(
            "if the project moved, compare address, owners and threshold with what its owners \
               told you, then:",
        )
        .again(Again { options: vec![("--pin", pin)] })
}

/// A Safe as `--pin` names it.
fn pin_of(safe: &ProjectSafe) -> String {
    format!("{}:{}", safe.chain, safe.safe)
}

/// Both Safes in one sentence.
fn sentence(now: &ProjectSafe, before: &[ProjectSafe]) -> String {
    let before: Vec<_> = before.iter().map(ToString::to_string).collect();
    format!("tidegate.toml names {now}; this machine relies on {}", before.join(" and "))
}

/// Why a target's Safe is not to be relied on, for commands that only show.
pub(crate) fn other(project: &Project, target: &str) -> AppResult<Option<String>> {
    let found = targets(project)?.into_iter().find(|one| one.name == target);
    Ok(found.and_then(|Target { now, reliance, .. }| match reliance {
        Reliance::Other(before) => Some(format!(
            "{}; do not rely on anything here until you pin that one: --pin {}",
            sentence(&now, &before),
            pin_of(&now)
        )),
        Reliance::First | Reliance::Known => None,
    }))
}

/// The Safe under which a stop for a target is said where the file names another one than before.
///
/// # Errors
/// If none of those before is on the target's chain.
pub(crate) fn stops_instead(project: &Project, target: &str) -> AppResult<Option<ProjectSafe>> {
    let found = targets(project)?.into_iter().find(|one| one.name == target);
    let Some(Target { now, reliance: Reliance::Other(before), .. }) = found else {
        return Ok(None);
    };
    match stops_under(&now, &before, &configured_safes(project)) {
        Some(under) => {
            project.front.warn(format!(
                "{}. It is stopped for {under}; for the other one too once you have pinned it",
                sentence(&now, &before)
            ));
            Ok(Some(under.clone()))
        }
        None => Err(refusal(&now, &before)),
    }
}

/// The Safes relied on before on a chain which the file names no more.
pub(crate) fn before_on(project: &Project, chain: ChainId) -> AppResult<Vec<ProjectSafe>> {
    let mut found = Vec::new();
    for Target { reliance, .. } in targets(project)? {
        if let Reliance::Other(before) = reliance {
            found.extend(before.into_iter().filter(|one| one.chain == chain));
        }
    }
    Ok(found)
}
