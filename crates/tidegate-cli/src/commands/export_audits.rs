//! `tidegate export --format`: audits in the forms of other programs.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tidegate_app::audit_exports::{Form, audits};
use tidegate_app::error::AppResult;
use tidegate_app::release::select;
use tidegate_app::view::AuditFilesView;
use tidegate_model::ChainId;
use tidegate_model::ports::DigestSigner;
use tidegate_plan::config::Stage;
use tidegate_store::{to_text, write_atomic};

use super::export::{ExportArgs, Format};
use crate::context::Context;
use crate::signer::LazySigner;

/// The folder that files are written to, where none is named.
const FOLDER: &str = "export";

pub(super) async fn run(project: &Context, args: &ExportArgs, format: Format) -> AppResult<u8> {
    let built = select(project, args.release.as_deref())?;
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    let form = match format {
        Format::Eas => {
            let chain = project.network(&target)?.chain;
            Form::Eas(args.eas_chain.map_or(chain, ChainId))
        }
        Format::InToto => Form::InToto,
        Format::Erc7512 => Form::Erc7512(args.network.as_deref().unwrap_or(&target)),
        Format::Sarif => Form::Sarif,
    };
    let signer = match (&project.global.signer, format) {
        (Some(key), Format::InToto) => {
            Some(LazySigner::new(&project.ui, &project.env, &project.global, key)?)
        }
        _ => None,
    };
    let signer = signer.as_ref().map(|signer| signer as &dyn DigestSigner);
    let files = audits(project, &built, &target, form, signer).await?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
    let mut names = Vec::new();
    for (name, content) in &files {
        write_atomic(&out.join(name), text(name, content)?.as_bytes())?;
        let shown = out.join(name).display().to_string();
        project.ui.line(&shown);
        names.push(shown);
    }
    if matches!(format, Format::Eas | Format::Erc7512) {
        project.ui.note("each auditor signs theirs with a wallet; then, for each file:");
        project.ui.note("  tidegate import FILE --signature 0x…");
    }
    project.ui.result(&AuditFilesView { files: names });
    Ok(0)
}

/// Bundles of in-toto have a line a document; all others are text for people too.
fn text(name: &str, content: &Value) -> AppResult<String> {
    let is_bundle = Path::new(name).extension().is_some_and(|extension| extension == "jsonl");
    Ok(if is_bundle { serde_json::to_string(content)? + "\n" } else { to_text(content) })
}
