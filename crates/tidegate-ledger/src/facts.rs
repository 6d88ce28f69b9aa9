//! What the ledger is made from. The caller reads all of it from chains and verified statements.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, I256, U256};
use tidegate_model::policy::Person;
use tidegate_model::statement::{Body, General};
use tidegate_model::{BlockRef, ChainId, Head, NetworkId, ProjectId, ReleaseRoot, StatementDigest};

use crate::account::NetworkLabel;
use crate::error::LedgerError;
use crate::request::RequestView;

/// The role whose approvals and denials count.
const TREASURER_ROLE: &str = "treasurer";

/// Everything that is known.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The people of the adopted policy, by name.
    pub people: BTreeMap<String, Person>,
    /// Each network's treasury.
    pub treasuries: BTreeMap<NetworkId, Address>,
    pub networks: Vec<NetworkFacts>,
    /// Statements about funds, of this project only, whoever signed them; see [`counting`].
    ///
    /// [`counting`]: crate::counting
    pub statements: Vec<FundStatement>,
}

/// The facts about one network, up to its finalized block.
#[derive(Debug, Clone)]
pub struct NetworkFacts {
    pub network: NetworkId,
    /// Its name in accounts; distinct among networks.
    pub label: NetworkLabel,
    /// The block at which closing balances and nonces were read.
    pub finalized: Head,
    /// The watched wallets: treasury, deployers, destinations of approved requests.
    pub wallets: Vec<WalletFacts>,
    /// Every known finalized transaction that a watched wallet sent or that moved value to or
    /// from one, in any order.
    pub transactions: Vec<TransactionFacts>,
    /// By how much watched wallets rose in a block beyond what the transactions explain, where
    /// that was looked for and [`WalletFacts::outflows`] are known.
    pub rises: Vec<Rise>,
    /// Contracts of ours: value sent there can come back.
    pub contracts: BTreeSet<Address>,
    /// Nonces that watched wallets gave away by authorizations.
    pub authorizations: Vec<AuthorizationFacts>,
    /// Destinations of approved requests whose payments cannot all be read, and that are no
    /// treasury and no deployer: they are not watched, and what they hold is their holders'.
    pub unwatched: BTreeMap<Address, Unwatched>,
    /// What could not be read, one sentence each.
    pub unread: Vec<String>,
}

/// The facts about a watched wallet: role, balances in wei, nonces, and whether all that it paid is
/// known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletFacts {
    pub address: Address,
    /// The treasury, or another wallet.
    pub role: WalletRole,
    /// The balance when watching began, in wei.
    pub opening: Opening,
    /// Its balance at the network's finalized block, in wei.
    pub closing: U256,
    /// Its nonces; none for a contract such as a Safe.
    pub nonces: Option<NonceBounds>,
    /// Whether everything that it paid is among the transactions.
    pub outflows: Outflows,
}

/// Value that came to a wallet in a block by no known transaction: inside those of others, by the
/// end of a contract, or as the block's reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rise {
    pub wallet: Address,
    /// The block.
    pub head: Head,
    /// The amount, in wei.
    pub amount: U256,
}

/// A key's word that its account runs the code of another one (EIP-7702). It takes one of the key's
/// nonces, in a transaction of whoever sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorizationFacts {
    /// The key.
    pub wallet: Address,
    /// The nonce that it takes.
    pub nonce: u64,
    /// Whose code runs since; zero for none.
    pub code: Address,
    /// The transaction that carries it.
    pub transaction: B256,
}

/// A reason for which a wallet is no longer watched: its payments cannot all be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwatched {
    /// It sent too many transactions.
    Endless,
    /// It has or had code, and so pays inside what others send.
    Code,
    /// Some of its nonces were taken by nothing that is known.
    Nonces,
}

/// Whether the transactions show everything that a wallet paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outflows {
    /// They do: a key without code pays by what it sends alone, and its nonces are complete; or
    /// the moves inside other transactions were read.
    Known,
    /// It has or had code, so it may pay inside what others send, where nobody looked.
    Hidden,
}

/// The role of a watched wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletRole {
    /// The fund's own wallet; value leaves it only by draws.
    Treasury,
    /// A deployer's or tester's key.
    Wallet,
}

/// A balance at the block before a wallet's first entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The block. Transactions of this block and before are part of the balance.
    pub head: Head,
    /// The balance after it, in wei.
    pub balance: U256,
}

/// The transaction counts of a key between which every nonce must be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonceBounds {
    /// The count at the opening block.
    pub first: u64,
    /// The count at the finalized block.
    pub next: u64,
}

/// The facts about a mined transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionFacts {
    pub hash: B256,
    pub block: BlockRef,
    /// Its place in the block.
    pub index: u32,
    /// The block's timestamp, in seconds.
    pub timestamp: u64,
    /// Its sender, who pays its fees.
    pub from: Address,
    /// The sender's nonce.
    pub nonce: u64,
    /// Its target, or the contract that it creates.
    pub to: Address,
    /// Whether it creates a contract.
    pub creation: bool,
    /// The value it carries, in wei.
    pub value: U256,
    /// Whether it succeeded; one that failed moves no value and still pays.
    pub success: bool,
    pub gas_used: u64,
    /// Price per gas, in wei.
    pub effective_gas_price: u128,
    /// A rollup's charge for data that is not in `gas_used`, in wei.
    pub l1_fee: Option<U256>,
    /// The charge of a rollup's operator, in wei.
    pub operator_fee: Option<U256>,
    /// Value moved inside, as traces show it, without the transaction's own value.
    pub moves: Vec<Move>,
    /// Its purpose, in words.
    pub purpose: String,
    /// The release it belongs to.
    pub release: Option<ReleaseRoot>,
}

/// A transfer of value inside a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Who paid.
    pub from: Address,
    /// Who received.
    pub to: Address,
    /// The amount, in wei.
    pub value: U256,
}

/// A verified statement about funds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundStatement {
    pub digest: StatementDigest,
    /// The signer, recovered from the signature.
    pub signer: Address,
    /// The target's chain time at signing, in seconds.
    pub issued_at: u64,
    /// The end, in seconds since 1970; `u64::MAX` if it does not end.
    pub expires_at: u64,
    pub body: Body,
}

impl FundStatement {
    /// A statement whose signature is known to hold; `None` if it is not about this project's
    /// funds.
    pub fn from_general(
        digest: StatementDigest,
        general: &General,
        signer: Address,
        project: ProjectId,
    ) -> Option<Self> {
        if general.project_id() != project || !general.body.kind().starts_with("fund/") {
            return None;
        }
        let (issued_at, expires_at) = (general.issued_at, general.expires_at);
        Some(Self { digest, signer, issued_at, expires_at, body: general.body.clone() })
    }
}

impl TransactionFacts {
    /// The parts of the fee that are not zero-by-absence: execution, data, operator.
    pub(crate) fn fee_parts(&self) -> Option<[U256; 3]> {
        let gas = U256::from(self.gas_used);
        let execution = gas.checked_mul(U256::from(self.effective_gas_price))?;
        let zero = U256::ZERO;
        Some([execution, self.l1_fee.unwrap_or(zero), self.operator_fee.unwrap_or(zero)])
    }

    /// By how much it changes what an address holds; none if that does not fit.
    pub fn effect_on(&self, address: Address) -> Option<I256> {
        let mut sum = I256::ZERO;
        for transfer in self.transfers() {
            let value = I256::try_from(transfer.value).ok()?;
            if transfer.to == address {
                sum = sum.checked_add(value)?;
            }
            if transfer.from == address {
                sum = sum.checked_sub(value)?;
            }
        }
        if self.from == address {
            sum = sum.checked_sub(I256::try_from(self.fee()?).ok()?)?;
        }
        Some(sum)
    }

    /// What it cost its sender in fees.
    pub(crate) fn fee(&self) -> Option<U256> {
        let [execution, data, operator] = self.fee_parts()?;
        execution.checked_add(data)?.checked_add(operator)
    }

    /// Every transfer of value; none if it failed.
    pub(crate) fn transfers(&self) -> Vec<Move> {
        if !self.success {
            return Vec::new();
        }
        let own = Move { from: self.from, to: self.to, value: self.value };
        let moves = std::iter::once(own).chain(self.moves.iter().copied());
        moves.filter(|transfer| !transfer.value.is_zero()).collect()
    }
}

impl NetworkFacts {
    /// The watched wallet of an address.
    pub(crate) fn wallet(&self, address: Address) -> Option<&WalletFacts> {
        self.wallets.iter().find(|wallet| wallet.address == address)
    }

    /// The watched wallet of an address, if it was in view before `block`.
    pub(crate) fn open_wallet(&self, address: Address, block: u64) -> Option<&WalletFacts> {
        self.wallet(address).filter(|wallet| wallet.opening.head.block.number < block)
    }

    const fn chain(&self) -> ChainId {
        self.network.chain
    }

    fn validate(&self) -> Result<(), LedgerError> {
        let chain = self.chain();
        let mut wallets = BTreeSet::new();
        for wallet in &self.wallets {
            if !wallets.insert(wallet.address) {
                return Err(LedgerError::RepeatedWallet(chain, wallet.address));
            }
            if wallet.opening.head.block.number > self.finalized.block.number {
                let what = format!("the opening of {}", wallet.address);
                return Err(LedgerError::NotFinal { chain, what });
            }
        }
        let (mut hashes, mut nonces) = (BTreeSet::new(), BTreeSet::new());
        for tx in &self.transactions {
            if !hashes.insert(tx.hash) {
                return Err(LedgerError::RepeatedTransaction(chain, tx.hash));
            }
            if !nonces.insert((tx.from, tx.nonce)) {
                let (from, nonce) = (tx.from, tx.nonce);
                return Err(LedgerError::RepeatedNonce { chain, from, nonce });
            }
            if tx.block.number > self.finalized.block.number {
                let what = format!("transaction {}", tx.hash);
                return Err(LedgerError::NotFinal { chain, what });
            }
        }
        Ok(())
    }
}

impl Facts {
    pub(crate) fn validate(&self) -> Result<(), LedgerError> {
        let (mut chains, mut labels) = (BTreeSet::new(), BTreeSet::new());
        for network in &self.networks {
            if !chains.insert(network.chain()) {
                return Err(LedgerError::RepeatedChain(network.chain()));
            }
            if !labels.insert(&network.label) {
                return Err(LedgerError::RepeatedLabel(network.label.clone()));
            }
            network.validate()?;
        }
        Ok(())
    }

    /// The name of the person a key belongs to.
    pub(crate) fn person(&self, key: Address) -> Option<(&str, &Person)> {
        let mut people = self.people.iter();
        people.find(|(_, person)| person.holds(key)).map(|(name, p)| (name.as_str(), p))
    }

    /// Whether two keys belong to one person.
    pub(crate) fn same_person(&self, a: Address, b: Address) -> bool {
        let names = [a, b].map(|key| self.person(key).map(|(name, _)| name));
        a == b || (names[0].is_some() && names[0] == names[1])
    }

    /// The name of an address's holder for people: a person's name, the treasury, or a stranger.
    pub fn name_of(&self, network: NetworkId, address: Address) -> String {
        match self.person(address) {
            Some((name, _)) => name.to_owned(),
            None if self.treasuries.get(&network) == Some(&address) => "the treasury".to_owned(),
            None => "a stranger".to_owned(),
        }
    }

    /// Checks that a decision by this key on a request would count.
    ///
    /// # Errors
    /// If it would not, with the reason.
    pub fn may_decide(&self, key: Address, of: &RequestView, approve: bool) -> Result<(), String> {
        match (self.same_person(key, of.requester), self.is_treasurer(key)) {
            (true, _) if approve => Err("nobody decides on their own request".to_owned()),
            (true, _) | (false, true) => Ok(()),
            (false, false) => Err(format!("{key} is not a treasurer under [people]")),
        }
    }

    /// Whether a key may approve and deny.
    pub(crate) fn is_treasurer(&self, key: Address) -> bool {
        self.person(key).is_some_and(|(_, p)| p.roles.iter().any(|role| role == TREASURER_ROLE))
    }
}
