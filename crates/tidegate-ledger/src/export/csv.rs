//! RFC 4180, one row a posting. Amounts stand twice: in base units and as exact decimals.

use alloy_primitives::B256;
use tidegate_model::digest::jcs_keccak;

use super::text::line;
use super::{ExportError, date, fixed};
use crate::build::Ledger;
use crate::entry::{Entry, Posting};

const HEADER: &str = "date,timestamp,chain_id,block,tx_hash,tx_index,log_index,posting_index,kind,\
                      description,account,counterparty,commodity,amount_base,amount,request_id,\
                      release_id,evidence_kind,entry_hash,finality\r\n";

pub(super) fn write(ledger: &Ledger) -> Result<String, ExportError> {
    let mut out = String::from(HEADER);
    for entry in &ledger.entries {
        let hash = jcs_keccak("ledger entry", entry)?;
        for (index, posting) in entry.postings.iter().enumerate() {
            out += &row(entry, posting, index, hash)?;
        }
    }
    Ok(out)
}

fn row(entry: &Entry, posting: &Posting, index: usize, hash: B256) -> Result<String, ExportError> {
    let or_empty = |value: Option<String>| value.unwrap_or_default();
    let mut words: Vec<_> = entry.evidence.iter().map(|evidence| evidence.word()).collect();
    words.dedup();
    let finality = if entry.block.is_some() { "finalized" } else { "" };
    let cells = [
        date(entry.timestamp)?,
        entry.timestamp.to_string(),
        entry.chain.to_string(),
        or_empty(entry.block.map(|block| block.number.to_string())),
        or_empty(entry.transaction().map(|hash| hash.to_string())),
        or_empty(entry.tx_index.map(|index| index.to_string())),
        // Native coin moves without logs.
        String::new(),
        index.to_string(),
        entry.kind.word().to_owned(),
        text_cell(&line(&entry.description)),
        text_cell(&posting.account.to_string()),
        text_cell(&counterparty(entry, index)),
        text_cell(&posting.commodity.to_string()),
        posting.amount.to_string(),
        fixed(posting.amount),
        or_empty(entry.request.map(|request| request.to_string())),
        or_empty(entry.release.map(|release| release.to_string())),
        words.join(" "),
        hash.to_string(),
        finality.to_owned(),
    ];
    Ok(format!("{}\r\n", cells.map(|cell| quote(&cell)).join(",")))
}

/// The account on the other side: postings come in pairs. Empty where this one does not.
pub(super) fn counterparty(entry: &Entry, index: usize) -> String {
    let pair = [entry.postings.get(index), entry.postings.get(index ^ 1)];
    match pair {
        [Some(own), Some(other)] if own.amount.checked_neg() == Some(other.amount) => {
            other.account.to_string()
        }
        _ => String::new(),
    }
}

/// A spreadsheet must not take text for a formula.
pub(super) fn text_cell(text: &str) -> String {
    // Some programs read the wide forms as they read the others.
    let signs = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    if text.starts_with(signs) { format!("'{text}") } else { text.to_owned() }
}

fn quote(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
