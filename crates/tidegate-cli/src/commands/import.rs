//! `tidegate import`.

use std::path::PathBuf;

use clap::Args;
use tidegate_app::bundle;
use tidegate_app::error::AppResult;
use tidegate_app::import::{Import, ImportRequest, import};
use tidegate_app::settings::Environment;
use tidegate_model::units::counted;

use crate::context::{Context, here};
use crate::options::{Global, path};
use crate::ui::Ui;

/// Import signed statements or a bundle; check signatures and digests
///
/// In an empty folder, a bundle becomes a project without sources. For typed data that
/// `--typed-data` or `export` wrote, pass the wallet's signature with --signature, or put both in
/// one file: {"typedData": …, "signature": "0x…"}.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files with signed statements or typed data, or one bundle
    #[arg(required = true, value_parser = path)]
    files: Vec<PathBuf>,
    /// The wallet's signature of the typed data
    #[arg(long, value_name = "BYTES")]
    signature: Option<String>,
    /// The wallet is a contract on this network; ask it whether it accepts the signature
    #[arg(long, value_name = "NETWORK")]
    contract: Option<String>,
}

pub(crate) async fn run(
    ui: &Ui,
    env: &Environment,
    global: &Global,
    args: &ImportArgs,
) -> AppResult<u8> {
    if let [file] = args.files.as_slice()
        && let Some(bytes) = bundle::read(file)?
    {
        return take(ui, env, global, bytes);
    }
    statements_of(&Context::open(ui, env, global)?, args).await
}

/// Takes a bundle in this very folder, which becomes a project if it is none.
fn take(ui: &Ui, env: &Environment, global: &Global, bytes: Vec<u8>) -> AppResult<u8> {
    // Never a project above: an empty folder inside another project is meant to become its own.
    let root = match &global.project {
        Some(dir) => dir.clone(),
        None => here()?,
    };
    let bundle = bundle::place(&root, bytes)?;
    let project = Context::open(ui, env, &Global { project: Some(root), ..global.clone() })?;
    let view = bundle::keep(&project, &bundle)?;
    ui.row("release", &view.release);
    ui.row("releaseRoot", &view.roots.release_root.to_string());
    ui.row("scopeRoot", &view.roots.scope_root.to_string());
    ui.row("signed", &format!("{}, each signature holds", counted(view.signed, "statement")));
    ui.line("");
    ui.line("The bundle cannot prove these; only their chains can confirm them:");
    for claim in &view.claims {
        ui.line(format!("  {claim}"));
    }
    ui.note(
        "name your own endpoints in tidegate.toml or its variables, then run `tidegate status`",
    );
    ui.result(&view);
    Ok(0)
}

async fn statements_of(project: &Context, args: &ImportArgs) -> AppResult<u8> {
    let request = ImportRequest {
        files: args.files.clone(),
        signature: args.signature.clone(),
        contract: args.contract.clone(),
    };
    let Import { view, outcome } = import(project, &request).await;
    for (digest, (signer, text)) in view.imported.iter().zip(&view.said) {
        project.ui.line(format!("{digest} by {signer}"));
        project.ui.line(format!("  {text}"));
    }
    view.files.iter().for_each(|file| project.ui.line(file));
    if outcome.is_ok() || !(view.imported.is_empty() && view.files.is_empty()) {
        project.ui.result(&view);
    }
    outcome.map(|()| 0)
}
