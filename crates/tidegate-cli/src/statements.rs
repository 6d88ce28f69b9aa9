//! The statements this command sees, and how a new one is written.

use tidegate_evidence::{StatementSet, collect};
use tidegate_model::StatementDigest;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{SignedStatement, Statement};

use crate::error::{CliResult, Kind, OrKind};
use crate::project::Project;

/// Reads every statement file and everything this machine has ever seen, and remembers the union.
pub(crate) fn load(project: &Project) -> CliResult<StatementSet> {
    let store = project.store()?;
    let files = tidegate_store::read_statements(&project.layout)?;
    let files = files.into_iter().map(|(path, content)| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        (name, content.map(|file| file.json).map_err(|error| error.to_string()))
    });
    let set = collect(files, store.seen_statements()?);
    for (digest, collected) in &set.statements {
        store.remember_statement(*digest, &serde_json::to_value(&collected.signed)?)?;
    }
    for fault in &set.faults {
        project.ui.warn(format!("{fault}; it counts for nothing"));
    }
    for remark in set.remarks() {
        project.ui.warn(remark);
    }
    Ok(set)
}

/// Signs a statement, writes its file and remembers it.
pub(crate) fn sign_and_write(
    project: &Project,
    signer: &dyn DigestSigner,
    statement: Statement,
) -> CliResult<StatementDigest> {
    let digest = statement.digest()?;
    let signature = signer.sign_digest(&digest.0).or_kind(Kind::Keys)?;
    let signed = SignedStatement {
        v: SignedStatement::VERSION,
        statement,
        signer: signer.address(),
        signature,
    };
    write(project, &signed)
}

/// Checks a signed statement, writes its file and remembers it.
pub(crate) fn write(project: &Project, signed: &SignedStatement) -> CliResult<StatementDigest> {
    let digest = signed.verify()?;
    let value = serde_json::to_value(signed)?;
    let text = tidegate_store::to_text(&value);
    tidegate_store::write_atomic(&project.layout.statement(digest), text.as_bytes())?;
    project.store()?.remember_statement(digest, &value)?;
    Ok(digest)
}
