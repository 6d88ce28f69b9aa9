//! `tidegate export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidegate_app::bundle;
use tidegate_app::error::{AppResult, Kind, OrKind};
use tidegate_app::release::select;
use tidegate_app::view::BundleView;
use tidegate_model::units::counted;
use tidegate_store::write_atomic;

use super::export_audits;
use crate::context::Context;

/// Export a release and its evidence as one file for `tidegate import`
///
/// The bundle holds the release, every statement, record, policy and proposal, and the
/// configuration without its URLs.
///
/// With --format, write only the release's audits, in a format of other programs. EAS and ERC-7512
/// need a new signature of each auditor: they are written as typed data for the auditors' wallets,
/// and `import` takes the signature and writes the signed document beside it. in-toto envelopes are
/// signed with the key of --as, if one is named.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The release; default: the release that the working tree builds
    pub(super) release: Option<String>,
    /// The file; default: the release's name with `.tidegate`. With --format, the folder; default:
    /// `export`
    #[arg(long, value_name = "PATH")]
    pub(super) out: Option<PathBuf>,
    /// Write only audits, in this format
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// The network whose contracts ERC-7512 names; default: the target
    #[arg(long, value_name = "NETWORK", requires = "format")]
    pub(super) network: Option<String>,
    /// The chain whose EAS contract is named; default: the target
    #[arg(long, value_name = "CHAIN", requires = "format")]
    pub(super) eas_chain: Option<u64>,
    /// The target network; default: the only mainnet network
    #[arg(long, requires = "format")]
    pub(super) target: Option<String>,
}

/// A form of audits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Off-chain attestations of the Ethereum Attestation Service, version 2
    Eas,
    /// in-toto statements in DSSE envelopes: each audit, and the verdict
    InToto,
    /// Audit summaries, one for each deployed contract and auditor
    Erc7512,
    /// Findings as SARIF, with accepted risks as suppressions
    Sarif,
}

pub(crate) async fn run(project: &Context, args: &ExportArgs) -> AppResult<u8> {
    match args.format {
        Some(format) => export_audits::run(project, args, format).await,
        None => write_bundle(project, args),
    }
}

fn write_bundle(project: &Context, args: &ExportArgs) -> AppResult<u8> {
    let built = select(project, args.release.as_deref())?;
    let bundle = bundle::gather(project, &built)?;
    let text = bundle.to_text().or_kind(Kind::Config)?;
    let name = format!("{}.tidegate", built.release.name);
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(name));
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
    let digest = text.lines().next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let ui = &project.ui;
    ui.row("bundle", &path.display().to_string());
    ui.row("digest", digest);
    ui.row("releaseRoot", &built.roots.release_root.to_string());
    ui.row(
        "holds",
        &format!(
            "{} and {}",
            counted(bundle.statements.len(), "statement"),
            counted(bundle.files.len(), "file")
        ),
    );
    ui.result(&BundleView {
        file: path,
        digest: digest.to_owned(),
        roots: built.roots,
        statements: bundle.statements.len(),
        files: bundle.files.into_keys().collect(),
    });
    Ok(0)
}
