//! The books as files that other programs read.

use alloy_primitives::I256;
use tidegate_model::digest::JcsError;
use tidegate_model::units::format_date;

use crate::account::{Account, NATIVE_DECIMALS};
use crate::build::Ledger;

mod beancount;
mod csv;
mod journal;
#[cfg(test)]
mod tests;
mod text;

use beancount::BEANCOUNT_DIGITS_MAX;

/// A file format that the books are exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One file for hledger and for Ledger, with the chain's closing balances asserted.
    Journal,
    /// Beancount, with the closing balances asserted; refused where Beancount would be inexact.
    Beancount,
    /// RFC 4180, one row a posting.
    Csv,
}

/// Books that a format cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Beancount rounds beyond its digits without a word.
    #[error(
        "cannot export to Beancount: {account} needs {digits} digits and Beancount is exact only \
         up to {BEANCOUNT_DIGITS_MAX}; export the journal or CSV instead"
    )]
    TooManyDigits {
        account: Account,
        /// How many it needs.
        digits: usize,
    },
    /// A time beyond the calendar.
    #[error("cannot write timestamp {0} as a date")]
    Date(u64),
    /// An entry that cannot be hashed.
    #[error(transparent)]
    Encode(#[from] JcsError),
}

/// Writes the books. Equal books give equal bytes; the text is UTF-8.
///
/// # Errors
/// If the format cannot hold them exactly.
pub fn export(ledger: &Ledger, format: Format) -> Result<String, ExportError> {
    match format {
        Format::Journal => journal::write(ledger),
        Format::Beancount => beancount::write(ledger),
        Format::Csv => csv::write(ledger),
    }
}

/// Base units as a decimal number with every place written.
fn fixed(amount: I256) -> String {
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = NATIVE_DECIMALS + 1);
    let (whole, fraction) = digits.split_at(digits.len() - NATIVE_DECIMALS);
    let sign = if amount.is_negative() { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

/// The UTC date of a timestamp.
fn date(timestamp: u64) -> Result<String, ExportError> {
    let text = format_date(timestamp);
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if plain { Ok(text) } else { Err(ExportError::Date(timestamp)) }
}
