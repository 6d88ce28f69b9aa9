//! One file for hledger (`check -s ordereddates`) and Ledger (`--strict --pedantic`).

use std::collections::{BTreeMap, BTreeSet};

use super::text::journal_line;
use super::{ExportError, date, fixed};
use crate::account::{Account, Commodity};
use crate::build::Ledger;
use crate::entry::Entry;

pub(super) fn write(ledger: &Ledger) -> Result<String, ExportError> {
    let mut out = declarations(ledger);
    // An assertion holds for the whole account, so it goes to the account's last posting.
    let mut last = BTreeMap::new();
    for (number, entry) in ledger.entries.iter().enumerate() {
        for (index, posting) in entry.postings.iter().enumerate() {
            last.insert(&posting.account, (number, index));
        }
    }
    let closings: BTreeMap<&Account, _> =
        ledger.closings.iter().map(|closing| (&closing.account, closing)).collect();
    for (number, entry) in ledger.entries.iter().enumerate() {
        let (kind, text) = (entry.kind.word(), journal_line(&entry.description));
        out += &format!("\n{} * {kind} | {text}\n", date(entry.timestamp)?);
        for (tag, value) in tags(entry) {
            out += &format!("    ; {tag}: {value}\n");
        }
        for (index, posting) in entry.postings.iter().enumerate() {
            let unit = quoted(posting.commodity);
            out += &format!("    {}  {} {unit}", posting.account, fixed(posting.amount));
            let closing = closings.get(&posting.account);
            if let Some(closing) = closing.filter(|_| last[&posting.account] == (number, index)) {
                out += &format!(" = {} {unit}", fixed(closing.balance));
            }
            out.push('\n');
        }
    }
    Ok(out)
}

/// Strict modes accept only what is declared, so everything that occurs is.
fn declarations(ledger: &Ledger) -> String {
    let postings = || ledger.entries.iter().flat_map(|entry| &entry.postings);
    let commodities: BTreeSet<_> = postings().map(|posting| posting.commodity).collect();
    let accounts: BTreeSet<_> = postings().map(|posting| posting.account.to_string()).collect();
    let tags: BTreeSet<_> = ledger.entries.iter().flat_map(tags).map(|(tag, _)| tag).collect();
    let mut out = String::new();
    for commodity in commodities {
        // Older hledger checks balance to the declared places, newer to the written ones.
        let unit = quoted(commodity);
        out += &format!("commodity {unit}\n    format 1000.000000000000000000 {unit}\n\n");
    }
    for tag in tags {
        out += &format!("tag {tag}\n");
    }
    for account in accounts {
        out += &format!("account {account}\n");
    }
    out
}

fn quoted(commodity: Commodity) -> String {
    format!("\"{commodity}\"")
}

/// The tags of an entry's comment: its proof, request and release.
pub(super) fn tags(entry: &Entry) -> Vec<(&'static str, String)> {
    let mut words: Vec<_> = entry.evidence.iter().map(|evidence| evidence.word()).collect();
    words.dedup();
    let mut tags = vec![("evidence", words.join(" "))];
    let mut add = |tag, value: Option<String>| tags.extend(value.map(|value| (tag, value)));
    add("tx", entry.transaction().map(|hash| hash.to_string()));
    add("block", entry.block.map(|block| block.number.to_string()));
    add("request", entry.request.map(|request| request.to_string()));
    add("release", entry.release.map(|release| release.to_string()));
    tags
}
