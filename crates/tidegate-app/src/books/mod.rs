//! The books of test funds: requests, entries, reconciliation, exports.

mod view;

use std::path::Path;

pub use tidegate_ledger::Format;
use tidegate_ledger::{Entry, Facts, Ledger, build_ledger, export, funds_report, reconcile};
use tidegate_plan::config::Stage;
use tidegate_store::write_atomic;

pub use self::view::{BooksExportView, FundRequestView, ReconciledView, RequestsView, WalletView};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::fund_rules::to_show;
use crate::ledger_facts::facts;
use crate::path::absolute;
use crate::project::Project;
use crate::statements;

/// The books of one network at its finalized head.
#[derive(Debug)]
pub struct Books {
    /// The network's name.
    pub network: String,
    facts: Facts,
    ledger: Ledger,
}

/// Reads the books of a network; by default of the only one under `[funds]`, or the only testnet.
///
/// # Errors
/// If there is no such network, or it cannot be read.
pub async fn read(project: &Project, named: Option<&str>) -> AppResult<Books> {
    let name = network(project, named)?;
    let network = project.connect(&name).await?;
    let set = statements::load_confirmed(project).await?;
    let head = network.finalized_head().await?;
    let (rules, unknown) = to_show(project).await;
    let mut facts = facts(project, &set, &rules, (&name, &network), head).await?;
    if let Some(why) = unknown {
        project.front.warn(&why);
        facts.networks.iter_mut().for_each(|network| network.unread.push(why.clone()));
    }
    let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
    Ok(Books { network: name, facts, ledger })
}

fn network(project: &Project, named: Option<&str>) -> AppResult<String> {
    let mut funded = project.config.funds.keys();
    match (named, funded.next(), funded.next()) {
        (Some(name), ..) => project.network(name).map(|_| name.to_owned()),
        (None, Some(only), None) => Ok(only.clone()),
        _ => project.network_of(None, Stage::Testnet),
    }
}

impl Books {
    /// The requests.
    pub fn requests(&self) -> RequestsView {
        let requests = self.ledger.requests.iter().map(FundRequestView::from).collect();
        RequestsView { network: self.network.clone(), requests }
    }

    /// The entries, in the order of the chain.
    pub fn entries(&self) -> &[Entry] {
        &self.ledger.entries
    }

    /// Compares the books with the chain, to the wei.
    ///
    /// # Errors
    /// If an amount does not fit.
    pub fn reconcile(&self) -> AppResult<ReconciledView> {
        let rows = reconcile(&self.ledger, &self.facts).or_kind(Kind::Fail)?;
        let report = funds_report(&self.ledger, &self.facts).or_kind(Kind::Fail)?;
        let violations: Vec<_> = report.violations.iter().map(ToString::to_string).collect();
        let is_clean = report.residues.is_empty() && violations.is_empty();
        Ok(ReconciledView {
            network: self.network.clone(),
            rows: rows.into_iter().map(WalletView::from).collect(),
            violations,
            agree: is_clean && report.unread.is_empty(),
            unread: report.unread,
            heads: self.facts.networks.iter().map(|network| network.finalized).collect(),
            incomes: report.incomes.iter().map(ToString::to_string).collect(),
            unwatched: report.unwatched,
            lent_code: report.lent_code,
            is_clean,
        })
    }

    /// Writes the books in a format, to a file if one is named.
    ///
    /// # Errors
    /// If the format cannot have them, or the file cannot be written.
    pub fn export(&self, format: Format, file: Option<&Path>) -> AppResult<BooksExportView> {
        let text =
            export(&self.ledger, format).map_err(|error| AppError::new(Kind::Fail, error))?;
        if let Some(path) = file {
            write_atomic(absolute(path)?, text.as_bytes())?;
        }
        Ok(BooksExportView { file: file.map(Path::to_path_buf), text })
    }
}
