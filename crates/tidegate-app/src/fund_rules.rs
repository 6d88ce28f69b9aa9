//! By which policy test funds are handled: the one that the Safe adopted, where there is one.

use tidegate_chain::Network;
use tidegate_ledger::FundRules;
use tidegate_model::Head;
use tidegate_model::policy::PolicyDoc;
use tidegate_safe::helper;

use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::{adopted_version, current, people, preimage, safe_state, treasuries};
use crate::project::Project;
use crate::relied;

/// What `tidegate.toml` says, which anybody can change who can write to git. It counts where no
/// Safe has adopted a policy.
pub(crate) fn from_config(project: &Project) -> FundRules {
    // A network that cannot be told apart has no treasury: what left it stays unexplained.
    let treasuries = treasuries(project).filter_map(Result::ok);
    let treasuries = treasuries.map(|entry| (entry.network(), entry.treasury));
    FundRules { people: people(project), treasuries: treasuries.collect() }
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct InForce {
    pub rules: FundRules,
    /// The policies that they are from, for people; none while no Safe has adopted one.
    pub adopted: Vec<String>,
}

/// The rules in force, for commands that decide or send: what the adopted policies of all targets
/// say. What differs from `tidegate.toml` is said, and so is that nothing was adopted.
///
/// # Errors
/// If a policy cannot be read, or the file names another Safe than this machine relies on.
pub(crate) async fn in_force(project: &Project) -> AppResult<InForce> {
    let (mut policies, mut adopted) = (Vec::new(), Vec::new());
    for (name, _) in project.targets().filter(|(_, target)| target.safe.is_some()) {
        if let Some(why) = relied::other(project, name)? {
            return Err(AppError::new(Kind::Fail, why));
        }
        let network = project.connect(name).await?;
        let head = network.finalized_head().await?;
        if let Some((version, policy)) = version_of(project, name, &network, head).await? {
            let (safe, chain) = (policy.safe.address, policy.target.chain);
            adopted.push(format!("version {version}, adopted by Safe {safe} on chain {chain}"));
            policies.push(policy);
        }
    }
    let written = from_config(project);
    let Some(rules) = FundRules::common(&policies) else {
        project.front.warn(
            "no Safe has adopted a policy: tidegate.toml alone says who decides on test funds and \
             where they return, and whoever can write to git can change it",
        );
        return Ok(InForce { rules: written, adopted });
    };
    for line in rules.differences(&written) {
        project.front.warn(format!("{line}; what the Safe adopted counts"));
    }
    Ok(InForce { rules, adopted })
}

/// The rules in force, for commands that only show books; also why they are not known.
pub(crate) async fn to_show(project: &Project) -> (FundRules, Option<String>) {
    match in_force(project).await {
        Ok(InForce { rules, .. }) => (rules, None),
        Err(error) => {
            let why = format!("which treasury the Safe adopted is not known: {error}");
            (from_config(project), Some(why))
        }
    }
}

/// The policy that a target's Safe adopted; `None` if it has adopted none.
///
/// # Errors
/// If the chain cannot be read, or no file here has the adopted digest.
pub(crate) async fn of_target(
    project: &Project,
    target: &str,
    network: &Network,
    head: Head,
) -> AppResult<Option<PolicyDoc>> {
    Ok(version_of(project, target, network, head).await?.map(|(_, policy)| policy))
}

/// The same with its version.
async fn version_of(
    project: &Project,
    target: &str,
    network: &Network,
    head: Head,
) -> AppResult<Option<(u64, PolicyDoc)>> {
    let settings = project.network(target)?;
    let (Some(safe), id) = (settings.safe, project.id(settings)?) else { return Ok(None) };
    // Without the helper nothing was adopted; the first proposals ask for it.
    if network.code(helper::address(), head.block).await?.is_empty() {
        return Ok(None);
    }
    let Some((version, digest)) = adopted_version(network, head, safe, id).await? else {
        return Ok(None);
    };
    let missing = match preimage(project, target, version, digest) {
        Ok(found) => return Ok(Some((version, found))),
        Err(missing) => missing,
    };
    let state = safe_state(network, safe, head).await?;
    let now = current(project, target, network.id(), &state)?;
    if now.digest()? == digest {
        return Ok(Some((version, now)));
    }
    Err(AppError::new(Kind::Unknown, missing).hint(format!(
        "restore deployments/{target}/policy-{version}.json from git: it is what the Safe adopted"
    )))
}
