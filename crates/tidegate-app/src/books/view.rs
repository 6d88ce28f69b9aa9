//! Views of the books of test funds.

use std::path::PathBuf;

use alloy_primitives::{Address, I256, U256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_ledger::{RequestState, RequestView, Row};
use tidegate_model::{ChainId, Head, NetworkId, ReleaseRoot, StatementDigest};

use crate::text::digits;

/// Every request for test funds of one network.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RequestsView {
    /// The network's name.
    pub network: String,
    pub requests: Vec<FundRequestView>,
}

/// A request and what came of it. Amounts are in wei, in JSON as decimal digits.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FundRequestView {
    /// The request's digest.
    pub request: StatementDigest,
    /// The requester's key.
    pub requester: Address,
    pub network: NetworkId,
    /// The address that was to receive the funds.
    pub destination: Address,
    pub release: Option<ReleaseRoot>,
    pub reason: String,
    pub state: RequestState,
    /// When, in seconds since 1970 by the target's chain time.
    pub submitted_at: u64,
    /// The requested amount, in wei.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub amount: U256,
    /// The amount that the treasury sent, in wei.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub drawn: U256,
    /// The amount that the destination spent, in wei.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub spent: U256,
    /// Value returned to the treasury, in base units.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub returned: U256,
    /// Drawn less spent and returned; negative if more came back than was left.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub rest: I256,
    /// The amount that an approval still reserves, in wei.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub encumbered: U256,
}

/// The books beside the chain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReconciledView {
    /// The network's name.
    pub network: String,
    /// Each watched wallet.
    pub rows: Vec<WalletView>,
    /// What breaks a rule of the ledger, one sentence each.
    pub violations: Vec<String>,
    /// What could not be read, one sentence each.
    pub unread: Vec<String>,
    /// Whether everything was read and agrees to the wei.
    pub agree: bool,
    /// The finalized head that was read.
    #[serde(skip)]
    pub heads: Vec<Head>,
    /// Income that nobody requested, one sentence each.
    #[serde(skip)]
    pub incomes: Vec<String>,
    /// Loans to wallets that are not watched, one sentence each.
    #[serde(skip)]
    pub unwatched: Vec<String>,
    /// Loans to contracts, one sentence each.
    #[serde(skip)]
    pub lent_code: Vec<String>,
    /// Whether what was read agrees to the wei.
    #[serde(skip)]
    pub is_clean: bool,
}

/// One wallet from its opening to the finalized head. Amounts are in wei, in JSON as decimal
/// digits; `opening + in - out - fees = closing`, and `residue = chainClosing - closing`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WalletView {
    pub chain: ChainId,
    pub wallet: Address,
    /// Its account in the books.
    pub account: String,
    /// The balance when watching began, in wei.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub opening: I256,
    /// Received value, in base units.
    #[serde(rename = "in", serialize_with = "digits")]
    #[schemars(with = "String")]
    pub inflow: I256,
    /// The amount that went out, without fees, in wei.
    #[serde(rename = "out", serialize_with = "digits")]
    #[schemars(with = "String")]
    pub outflow: I256,
    /// Fees paid, in wei.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub fees: I256,
    /// The balance by the books, in wei.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub closing: I256,
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub chain_closing: I256,
    /// The difference.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub residue: I256,
    /// Nonces that no known transaction explains, ascending.
    pub missing_nonces: Vec<u64>,
    /// The most likely cause of the residue.
    pub explanation: Option<String>,
}

/// Books that were written in a format that others read.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BooksExportView {
    /// The file, if one was named.
    pub file: Option<PathBuf>,
    pub text: String,
}

impl FundRequestView {
    /// Where it stands, in one word.
    pub const fn word(&self) -> &'static str {
        match self.state {
            RequestState::Submitted => "submitted",
            RequestState::Approved { .. } => "approved",
            RequestState::Denied { .. } => "denied",
            RequestState::Drawn => "drawn",
            RequestState::Settled => "settled",
        }
    }
}

impl From<&RequestView> for FundRequestView {
    fn from(view: &RequestView) -> Self {
        Self {
            request: view.request,
            requester: view.requester,
            network: view.network,
            destination: view.destination,
            release: view.release,
            reason: view.reason.clone(),
            state: view.state,
            submitted_at: view.submitted_at,
            amount: view.amount,
            drawn: view.drawn,
            spent: view.spent,
            returned: view.returned,
            rest: view.rest,
            encumbered: view.encumbered,
        }
    }
}

impl From<Row> for WalletView {
    fn from(row: Row) -> Self {
        Self {
            chain: row.chain,
            wallet: row.wallet,
            account: row.account.to_string(),
            opening: row.opening,
            inflow: row.inflow,
            outflow: row.outflow,
            fees: row.fees,
            closing: row.closing,
            chain_closing: row.chain_closing,
            residue: row.residue,
            missing_nonces: row.nonces,
            explanation: row.explanation,
        }
    }
}
