//! Beancount. Its decimals keep 28 digits and round beyond without a word, so larger sums are
//! refused here.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::I256;

use super::journal::tags;
use super::text::beancount_line;
use super::{ExportError, date, fixed};
use crate::account::{Account, NATIVE_DECIMALS};
use crate::build::Ledger;
use crate::entry::DAY_SECS;

/// Up to this many significant digits Beancount adds exactly.
pub(super) const BEANCOUNT_DIGITS_MAX: usize = 28;

pub(super) fn write(ledger: &Ledger) -> Result<String, ExportError> {
    check_digits(ledger)?;
    let mut out = declarations(ledger)?;
    for entry in &ledger.entries {
        let (kind, text) = (entry.kind.word(), beancount_line(&entry.description));
        out += &format!("\n{} * \"{kind}\" \"{text}\"\n", date(entry.timestamp)?);
        for (tag, value) in tags(entry) {
            out += &format!("  {tag}: \"{value}\"\n");
        }
        for posting in &entry.postings {
            let amount = fixed(posting.amount);
            out += &format!("  {}  {amount} {}\n", posting.account, posting.commodity);
        }
    }
    out += &balances(ledger)?;
    Ok(out)
}

fn declarations(ledger: &Ledger) -> Result<String, ExportError> {
    let mut out = String::from(
        "option \"title\" \"Test fund ledger\"\noption \"inferred_tolerance_default\" \"*:0\"\n",
    );
    let Some(first) = ledger.entries.iter().map(|entry| entry.timestamp).min() else {
        return Ok(out);
    };
    let first = date(first)?;
    let postings = ledger.entries.iter().flat_map(|entry| &entry.postings);
    let mut accounts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut commodities = BTreeSet::new();
    for posting in postings {
        let units = accounts.entry(posting.account.to_string()).or_default();
        units.insert(posting.commodity.to_string());
        commodities.insert(posting.commodity);
    }
    for commodity in commodities {
        let chain = commodity.0;
        out += &format!(
            "{first} commodity {commodity}\n  chain: {chain}\n  decimals: {NATIVE_DECIMALS}\n"
        );
    }
    for (account, units) in accounts {
        let units: Vec<_> = units.into_iter().collect();
        out += &format!("{first} open {account} {}\n", units.join(","));
    }
    Ok(out)
}

/// A balance holds at the start of its day, so the closing of one day is written on the next.
/// Without `~ 0` a difference of one base unit would pass.
fn balances(ledger: &Ledger) -> Result<String, ExportError> {
    let mut out = String::new();
    if !ledger.closings.is_empty() {
        out.push('\n');
    }
    let latest = ledger.entries.iter().map(|entry| entry.timestamp).max().unwrap_or(0);
    for closing in &ledger.closings {
        let day = date(closing.timestamp.max(latest).saturating_add(DAY_SECS))?;
        let (account, unit) = (&closing.account, closing.commodity);
        out += &format!("{day} balance {account}  {} ~ 0 {unit}\n", fixed(closing.balance));
    }
    Ok(out)
}

/// Amounts, running balances and the sums inside an entry must all be exact.
fn check_digits(ledger: &Ledger) -> Result<(), ExportError> {
    let mut balances: BTreeMap<(&Account, _), I256> = BTreeMap::new();
    for entry in &ledger.entries {
        let mut sum = I256::ZERO;
        for posting in &entry.postings {
            let (account, amount) = (&posting.account, posting.amount);
            let balance = balances.entry((account, posting.commodity)).or_insert(I256::ZERO);
            // What overflows has more digits than are allowed; the wrapped value is not used.
            let running = balance.checked_add(amount);
            let partial = sum.checked_add(amount);
            for value in [Some(amount), running, partial] {
                let digits = value.map_or(usize::MAX, |v| v.unsigned_abs().to_string().len());
                if digits > BEANCOUNT_DIGITS_MAX {
                    return Err(ExportError::TooManyDigits { account: account.clone(), digits });
                }
            }
            *balance = running.unwrap_or(I256::ZERO);
            sum = partial.unwrap_or(I256::ZERO);
        }
    }
    Ok(())
}
