//! `tidegate import`.

use std::path::PathBuf;

use alloy_primitives::{Bytes, Signature, hex};
use clap::Args;
use serde_json::{Value, json};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::settings::Environment;
use tidegate_app::{bundle, statements};
use tidegate_evidence::exports::{is_export, with_signature};
use tidegate_evidence::{BUNDLE_BYTES_MAX, Bundle};
use tidegate_model::statement::{ContractSigner, SignedStatement, from_typed_data};
use tidegate_store::{read_limited, to_text, write_atomic};

use crate::args::Global;
use crate::context::Context;
use crate::ui::Ui;

/// The largest statement, in bytes.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

/// Take signed statements, or a bundle, from files, checking every signature and digest
///
/// A bundle may be taken in an empty folder, which becomes a project without sources. Typed data
/// that `--typed-data` or `export` wrote, and a wallet has signed, comes with its signature by
/// --signature, or beside it in the file, as {"typedData": …, "signature": "0x…"}.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files with signed statements or typed data, or one bundle
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The wallet's signature of the typed data
    #[arg(long, value_name = "BYTES")]
    signature: Option<String>,
    /// The wallet is a contract on this network, which is asked whether it accepts the signature
    #[arg(long, value_name = "NETWORK")]
    contract: Option<String>,
}

pub(crate) async fn run(
    ui: &Ui,
    env: &Environment,
    global: &Global,
    args: &ImportArgs,
) -> AppResult<u8> {
    if let [file] = args.files.as_slice() {
        let bytes = read_limited(file, BUNDLE_BYTES_MAX).or_kind(Kind::Config)?;
        if Bundle::is_one(&bytes) {
            return take(ui, env, global, bytes);
        }
    }
    statements_of(&Context::open(ui, env, global)?, args).await
}

/// Takes a bundle in this very folder, which becomes a project if it is none.
fn take(ui: &Ui, env: &Environment, global: &Global, bytes: Vec<u8>) -> AppResult<u8> {
    // Never a project above: an empty folder inside another project is meant to become its own.
    let root = match &global.project {
        Some(dir) => dir.clone(),
        None => std::env::current_dir().or_kind(Kind::Config)?,
    };
    let bundle = bundle::place(&root, bytes)?;
    let project = Context::open(ui, env, &Global { project: Some(root), ..global.clone() })?;
    bundle::keep(&project, &bundle)?;
    let set = statements::load(&project)?;
    let Bundle { release, roots, statements, files, .. } = &bundle;
    ui.row("release", &release.name);
    ui.row("releaseRoot", &roots.release_root.to_string());
    ui.row("scopeRoot", &roots.scope_root.to_string());
    ui.row("signed", &format!("{} statements, each signature holds", statements.len()));
    ui.line("");
    ui.line("Nothing in the bundle vouches for these; chains have to confirm them:");
    for claim in bundle.claims() {
        ui.line(format!("  {claim}"));
    }
    ui.note("name your own endpoints in tidegate.toml or its variables, then `tidegate status`");
    ui.result(&json!({
        "roots": roots, "statements": set.statements.len(), "files": files.len(),
        "claims": bundle.claims(),
    }));
    Ok(0)
}

async fn statements_of(project: &Context, args: &ImportArgs) -> AppResult<u8> {
    if args.signature.is_some() && args.files.len() != 1 {
        return Err(AppError::usage("one signature is of one file"));
    }
    // All are read and checked before the first is written.
    let (mut taken, mut exports) = (Vec::new(), Vec::new());
    for file in &args.files {
        let bytes = read_limited(file, STATEMENT_BYTES_MAX).or_kind(Kind::Config)?;
        let name = file.display();
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| AppError::config(format!("read {name} as JSON: {error}")))?;
        let signed = match typed_data(&value, args)? {
            Some((typed, signature)) if is_export(typed) => {
                exports.push((file.with_extension("signed.json"), export(typed, &signature)?));
                continue;
            }
            Some((typed, signature)) => from_wallet(project, args, typed, &signature).await?,
            None => serde_json::from_value(value).map_err(|error| {
                AppError::config(format!("read {name} as a signed statement: {error}"))
            })?,
        };
        statements::check(project, &signed).await?;
        taken.push(signed);
    }
    let mut digests = Vec::new();
    for signed in &taken {
        let digest = statements::write_confirmed(project, signed).await?;
        project.ui.line(format!("{digest} by {}", signed.signer()));
        project.ui.line(format!("  {}", signed.statement.text()));
        digests.push(digest);
    }
    let mut files = Vec::new();
    for (file, document) in &exports {
        write_atomic(
            &std::path::absolute(file).or_kind(Kind::Config)?,
            to_text(document).as_bytes(),
        )?;
        project.ui.line(file.display().to_string());
        files.push(file.display().to_string());
    }
    project.ui.result(&json!({ "imported": digests, "files": files }));
    Ok(0)
}

/// The typed data of a document and its signature, if it is such a document.
fn typed_data<'a>(
    value: &'a Value,
    args: &'a ImportArgs,
) -> AppResult<Option<(&'a Value, String)>> {
    let (typed, beside) = match value.get("typedData") {
        Some(typed) => (typed, value["signature"].as_str()),
        None if value.get("primaryType").is_some() => (value, None),
        None => return Ok(None),
    };
    let signature = args.signature.as_deref().or(beside).ok_or_else(|| {
        AppError::usage("that is typed data, which says nothing without a signature")
            .hint("give what the wallet answered with --signature 0x…")
    })?;
    Ok(Some((typed, signature.to_owned())))
}

/// What `export` wrote, with the signature that its auditor has given it.
fn export(typed: &Value, signature: &str) -> AppResult<Value> {
    let bytes = hex::decode(signature).or_kind(Kind::Usage)?;
    let signature = Signature::from_raw(&bytes).or_kind(Kind::Usage)?;
    with_signature(typed, &signature).or_kind(Kind::Fail)
}

/// A statement that a wallet has signed as typed data.
async fn from_wallet(
    project: &Context,
    args: &ImportArgs,
    typed: &Value,
    signature: &str,
) -> AppResult<SignedStatement> {
    let statement = from_typed_data(typed).or_kind(Kind::Config)?;
    statements::require_recent(project, &statement).await?;
    let signature = hex::decode(signature)
        .map_err(|error| AppError::usage(format!("read the signature: {error}")))?;
    let digest = statement.digest()?;
    let (signature, contract) = match &args.contract {
        None => (statements::from_wallet(&signature, digest)?, None),
        Some(name) => {
            let network = project.connect(name).await?;
            let block = network.finalized_head().await?.block;
            (signature, Some(ContractSigner { chain: network.id().chain, block }))
        }
    };
    let v = SignedStatement::VERSION;
    Ok(SignedStatement { v, statement, signature: Bytes::from(signature), contract })
}
