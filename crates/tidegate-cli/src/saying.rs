//! How a person says something: shown, approved, signed, written.

use alloy_primitives::B256;
use clap::Args;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, General, NEVER, Statement};
use tidegate_model::units::format_amount;
use tidegate_model::{ProjectId, StatementDigest};
use tidegate_plan::config::Stage;

use crate::error::CliResult;
use crate::project::Project;
use crate::signer::LazySigner;
use crate::statements;

/// When a statement is dated.
#[derive(Debug, Args)]
pub(crate) struct Dated {
    /// The target's chain time of the statement, in seconds; default: read from the target
    #[arg(long, value_name = "SECONDS")]
    pub(crate) issued_at: Option<u64>,
}

/// For which target something is said.
#[derive(Debug, Args)]
pub(crate) struct ForTarget {
    /// The target that it is said about; default: the only mainnet network
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
}

/// The target of a statement: the project's id there is in it, and it is dated by its time.
#[derive(Debug)]
pub(crate) struct About {
    /// The target's name.
    pub(crate) target: String,
    /// The project on it.
    pub(crate) id: ProjectId,
}

impl About {
    /// The named target, or the only one.
    pub(crate) fn named(project: &Project, named: &ForTarget) -> CliResult<Self> {
        let target = project.network_of(named.target.as_deref(), Stage::Mainnet);
        let target = target.map_err(|error| match &named.target {
            None if project.targets().count() > 1 => {
                error.hint("say with --target NAME which target it is about")
            }
            _ => error,
        })?;
        let id = project.id(project.network(&target)?)?;
        Ok(Self { target, id })
    }
}

/// The target's finalized time, read before anything is sent.
pub(crate) async fn issued_at(project: &Project, about: &About, dated: &Dated) -> CliResult<u64> {
    match dated.issued_at {
        Some(given) => Ok(given),
        None => Ok(project.connect(&about.target).await?.finalized_head().await?.timestamp),
    }
}

/// A statement of the project, dated by its target.
pub(crate) async fn general(
    project: &Project,
    about: &About,
    signer: &LazySigner,
    body: Body,
    subject: B256,
    dated: &Dated,
) -> CliResult<General> {
    let issued_at = issued_at(project, about, dated).await?;
    let expires_at = body.ends_at().unwrap_or(NEVER);
    let project = about.id;
    let mut general = General { project, subject, body, issued_at, expires_at, salt: B256::ZERO };
    general.salt = general.salt_by(signer.address())?;
    Ok(general)
}

/// Shows a statement, has it approved, signs and writes it.
pub(crate) async fn sign(
    project: &Project,
    about: &About,
    signer: &LazySigner,
    body: Body,
    subject: B256,
    dated: &Dated,
) -> CliResult<StatementDigest> {
    let general = general(project, about, signer, body, subject, dated).await?;
    let options = dated.options(general.issued_at);
    sign_statement(project, signer, Statement::Statement(general), options)
}

impl Dated {
    /// What the printed command must repeat so that it says the same.
    pub(crate) fn options(&self, issued_at: u64) -> Vec<String> {
        match self.issued_at {
            Some(_) => Vec::new(),
            None => vec!["--issued-at".to_owned(), issued_at.to_string()],
        }
    }
}

/// The same for any statement. `options` are what the printed command must repeat.
pub(crate) fn sign_statement(
    project: &Project,
    signer: &LazySigner,
    statement: Statement,
    options: Vec<String>,
) -> CliResult<StatementDigest> {
    show(project, signer, &statement)?;
    statements::conclude(project, signer, statement, "sign", options)
}

/// Shows what is about to be signed, and answers with its digest.
pub(crate) fn show(
    project: &Project,
    signer: &LazySigner,
    statement: &Statement,
) -> CliResult<StatementDigest> {
    let digest = statement.digest()?;
    let ui = &project.ui;
    if let Statement::Statement(General { body: Body::FundRequest(request), .. }) = statement {
        ui.row("amount", &format!("{} ETH", format_amount(request.amount, 18)));
    }
    ui.row("says", &statement.text());
    ui.row("signer", &signer.address().to_string());
    ui.row("digest", &digest.to_string());
    Ok(digest)
}
