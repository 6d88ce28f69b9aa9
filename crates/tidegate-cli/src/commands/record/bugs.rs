//! Bugs, and what others say of them.

use alloy_primitives::hex;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, Bug, Resolution, Severity, Triage};

use super::{BugArgs, ResolutionArg, SeverityArg, TriageArgs, speaker};
use crate::error::{CliError, CliResult, Kind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::built;
use crate::saying::sign;
use crate::signer::LazySigner;
use crate::statements;

pub(super) async fn bug(project: &Project, signer: &LazySigner, args: &BugArgs) -> CliResult<u8> {
    speaker(project, signer.address())?;
    let release = built(project, args.release.as_deref())?.roots.release_root;
    let severity = match args.severity {
        SeverityArg::Low => Severity::Low,
        SeverityArg::Medium => Severity::Medium,
        SeverityArg::High => Severity::High,
        SeverityArg::Critical => Severity::Critical,
    };
    let (title, link) = (args.title.clone(), args.link.clone());
    let body = Body::Bug(Bug { release, severity, title, link, blocking: args.blocking });
    sign(project, signer, body, release.0, &args.dated).await?;
    Ok(0)
}

pub(super) async fn triage(
    project: &Project,
    signer: &LazySigner,
    args: &TriageArgs,
) -> CliResult<u8> {
    let speaker = speaker(project, signer.address())?;
    let set = statements::load(project)?;
    let wanted = args.bug.trim_start_matches("0x").to_lowercase();
    let id = crate::funds::project_id(project)?;
    let bugs = set.bugs(id).filter(|(digest, ..)| hex::encode(digest.0).starts_with(&wanted));
    let bugs: Vec<_> = bugs.collect();
    let [(digest, bug, finder)] = bugs.as_slice() else {
        return Err(CliError::usage("that names no bug, or several")
            .hint("its digest is the name of its file under deployments/statements/"));
    };
    project.ui.row("bug", &bug.title);
    let own = people(project).get(&speaker).is_some_and(|person| person.keys.contains(finder));
    if own {
        return Err(CliError::new(Kind::Fail, "a bug is resolved by somebody else"));
    }
    let resolution = match args.resolution {
        ResolutionArg::Invalid => Resolution::Invalid,
        ResolutionArg::Duplicate => Resolution::Duplicate,
        ResolutionArg::Accepted if bug.severity == Severity::Critical => {
            return Err(CliError::new(Kind::Fail, "nobody can accept a critical bug"));
        }
        ResolutionArg::Accepted => Resolution::Accepted,
    };
    let body = Body::Triage(Triage { bug: *digest, resolution, reason: args.reason.clone() });
    sign(project, signer, body, digest.0, &args.dated).await?;
    Ok(0)
}
