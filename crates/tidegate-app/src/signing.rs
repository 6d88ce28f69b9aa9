//! How a statement comes to be signed: all of it is shown, exactly that is approved, and then it is
//! signed and written. Each step is a type that only the step before makes.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_model::StatementDigest;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, General, SignedStatement, Statement, typed_data};
use tidegate_model::units::format_amount;

use crate::approve::{self, Approval, Consent, Given, approve};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::Project;
use crate::{statements, typed_data};

/// A statement that is signed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatementView<'a> {
    /// Its digest, which its file is named after.
    pub digest: StatementDigest,
    /// What it says.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub statement: &'a Statement,
}

/// A statement of which whoever signs was shown all.
#[derive(Debug)]
pub(crate) struct ShownStatement {
    statement: Statement,
    digest: StatementDigest,
}

/// A statement that may be signed: it was shown, and approved or needs no question.
#[derive(Debug)]
pub(crate) struct Signable(ShownStatement);

/// Shows everything that would be signed.
///
/// # Errors
/// If the typed data that is shown is not what would be signed.
pub(crate) fn show(project: &Project, statement: Statement) -> AppResult<ShownStatement> {
    let digest = statement.digest()?;
    let ui = &project.front;
    if let Statement::Statement(General { body: Body::FundRequest(request), .. }) = &statement {
        ui.row("amount", &format!("{} ETH", format_amount(request.amount, 18)));
    }
    ui.row("says", &statement.text());
    ui.row("signer", &statement.signer().to_string());
    let typed = typed_data(&statement)?;
    let shown = tidegate_evidence::Shown::of(&typed).or_kind(Kind::Internal)?;
    if shown.digest != digest.0 {
        return Err(AppError::new(Kind::Internal, "what is shown is not what would be signed"));
    }
    ui.fields("You sign:", &shown.rows());
    ui.row("digest", &digest.to_string());
    Ok(ShownStatement { statement, digest })
}

impl ShownStatement {
    /// Its digest, which its file is named after.
    pub(crate) const fn digest(&self) -> StatementDigest {
        self.digest
    }

    /// For programs: what is signed.
    fn fields(&self) -> AppResult<Map<String, Value>> {
        approve::fields(&StatementView { digest: self.digest, statement: &self.statement })
    }

    /// Has it approved. `what` is the word that is typed before the digest.
    ///
    /// # Errors
    /// If nobody approves exactly this.
    fn approve(self, project: &Project, what: &str) -> AppResult<Signable> {
        let of_money = |general: &General| general.body.kind().starts_with("fund/");
        let moves_money = matches!(&self.statement, Statement::Statement(g) if of_money(g));
        let given = if moves_money { Given::Whole } else { Given::Beginning };
        let (hash, fields) = (self.digest.0, self.fields()?);
        let _: Consent = approve(
            project,
            &Approval { network: what, hash, given, options: Vec::new(), fields },
        )?;
        Ok(Signable(self))
    }

    /// The operation of a transaction whose approval covers this statement too.
    pub(crate) fn operation(&self) -> String {
        format!("stop/{}", self.digest)
    }

    /// Where a transaction was approved whose operation names it.
    ///
    /// # Errors
    /// If another operation was approved.
    pub(crate) fn approved_with(self, operation: &str) -> AppResult<Signable> {
        if operation != self.operation() {
            let why = "the transaction that was approved does not name this statement";
            return Err(AppError::new(Kind::Internal, why));
        }
        Ok(Signable(self))
    }

    /// What is signed without a question: a sample of a soak, which machines take each day, and
    /// what a transfer of test funds came to, whose transaction was approved.
    ///
    /// # Errors
    /// If it says anything else.
    pub(crate) fn unasked(self) -> AppResult<Signable> {
        match &self.statement {
            Statement::Statement(General {
                body: Body::SoakSample(_) | Body::FundDraw(_) | Body::FundReturn(_),
                ..
            }) => Ok(Signable(self)),
            _ => Err(AppError::new(Kind::Internal, "this statement is signed once it is approved")),
        }
    }
}

impl Signable {
    /// Signs it, writes its file and remembers it; under `--typed-data` writes what a wallet is to
    /// sign instead.
    ///
    /// # Errors
    /// If it cannot be signed or written, or nothing is to be signed (`--dry-run`).
    pub(crate) fn sign(
        self,
        project: &Project,
        signer: &dyn DigestSigner,
    ) -> AppResult<StatementDigest> {
        let ShownStatement { statement, digest } = self.0;
        if project.typed_data.is_some() {
            typed_data::write(project, &statement)?;
            return Ok(digest);
        }
        if project.dry_run {
            return Err(AppError::dry_run(format!("sign {digest}")));
        }
        let signature = signer.sign_digest(&digest.0).or_kind(Kind::Keys)?;
        statements::write(project, &SignedStatement::by_key(statement, signature))
    }

    /// As [`Self::sign`], and says where the signed file is.
    pub(crate) fn sign_and_say(
        self,
        project: &Project,
        signer: &dyn DigestSigner,
    ) -> AppResult<StatementDigest> {
        let digest = self.sign(project, signer)?;
        if project.typed_data.is_none() {
            project.front.line(format!("Signed: deployments/statements/{digest}.json"));
        }
        Ok(digest)
    }
}

/// Shows a statement, has it approved, writes what it is over, signs it, and writes its file; or,
/// under `--typed-data`, writes what a wallet is to sign. What it is over is always there first, so
/// that no statement ever speaks of what is missing. Says which, and prints the result.
///
/// # Errors
/// If nobody approves exactly this, or something cannot be signed or written.
pub(crate) fn conclude(
    project: &Project,
    signer: &dyn DigestSigner,
    statement: Statement,
    what: &str,
    preimages: impl FnOnce() -> AppResult,
) -> AppResult<StatementDigest> {
    let shown = show(project, statement)?;
    if project.typed_data.is_some() {
        preimages()?;
        typed_data::write(project, &shown.statement)?;
        return Ok(shown.digest);
    }
    let fields = shown.fields()?;
    let signable = shown.approve(project, what)?;
    preimages()?;
    let digest = signable.sign_and_say(project, signer)?;
    project.front.result(&fields.into());
    Ok(digest)
}
