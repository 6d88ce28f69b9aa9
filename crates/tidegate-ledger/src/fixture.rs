//! A chain in miniature for tests: it moves balances by itself, so that what the books say can be
//! compared with what happened.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use tidegate_model::policy::Person;
use tidegate_model::statement::{Body, FundApproval, FundDenial, FundRequest, FundTransfer};
use tidegate_model::{BlockRef, ChainId, Head, NetworkId, ReleaseRoot, StatementDigest};

use crate::account::NetworkLabel;
use crate::facts::{
    Facts, FundStatement, Move, NetworkFacts, NonceBounds, Opening, Outflows, Rise,
    TransactionFacts, WalletFacts, WalletRole,
};

pub(crate) const TREASURY: Address = Address::repeat_byte(0x1a);
pub(crate) const WALLET: Address = Address::repeat_byte(0x2b);
pub(crate) const OTHER: Address = Address::repeat_byte(0x3c);
pub(crate) const CONTRACT: Address = Address::repeat_byte(0x4d);
pub(crate) const STRANGER: Address = Address::repeat_byte(0x5e);
/// The treasurer's key.
pub(crate) const KIM: Address = Address::repeat_byte(0x6f);
/// The engineer's keys: one person.
pub(crate) const ANA: Address = Address::repeat_byte(0x7a);
pub(crate) const ANA_TOO: Address = Address::repeat_byte(0x7b);
/// An engineer, who is no treasurer.
pub(crate) const BO: Address = Address::repeat_byte(0x7c);

/// An engineer's key.
pub(crate) const LEE: Address = Address::repeat_byte(0x7c);

pub(crate) const CHAIN: ChainId = ChainId(11_155_111);
pub(crate) const NETWORK: NetworkId = NetworkId { chain: CHAIN, genesis: B256::repeat_byte(0x99) };
/// 2026-03-03 00:00 UTC.
const START_SECS: u64 = 1_772_496_000;
const BLOCK_SECS: u64 = 12;

pub(crate) const fn request_id(byte: u8) -> StatementDigest {
    StatementDigest(B256::repeat_byte(byte))
}

pub(crate) fn eth(milli: u64) -> U256 {
    U256::from(milli) * U256::from(1_000_000_000_000_000_u64)
}

/// One chain.
pub(crate) struct Sim {
    pub(crate) block: u64,
    balances: BTreeMap<Address, U256>,
    nonces: BTreeMap<Address, u64>,
    wallets: Vec<(Address, WalletRole, Opening, u64)>,
    pub(crate) transactions: Vec<TransactionFacts>,
    pub(crate) statements: Vec<FundStatement>,
    pub(crate) gas_price: u128,
    pub(crate) rises: Vec<Rise>,
}

/// What a transaction does besides its fee.
pub(crate) struct Send {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) success: bool,
    pub(crate) moves: Vec<Move>,
    pub(crate) purpose: &'static str,
}

impl Send {
    pub(crate) fn new(from: Address, to: Address, value: U256, purpose: &'static str) -> Self {
        Self { from, to, value, success: true, moves: vec![], purpose }
    }
}

impl Sim {
    /// A treasury with 10 and a wallet with 1 ETH.
    pub(crate) fn new() -> Self {
        let mut sim = Self {
            block: 100,
            balances: BTreeMap::new(),
            nonces: BTreeMap::new(),
            wallets: vec![],
            transactions: vec![],
            statements: vec![],
            gas_price: 1_000_000_007,
            rises: vec![],
        };
        sim.watch(TREASURY, WalletRole::Treasury, eth(10_000));
        sim.watch(WALLET, WalletRole::Wallet, eth(1_000));
        sim.balances.insert(STRANGER, eth(1_000_000));
        sim
    }

    pub(crate) fn watch(&mut self, address: Address, role: WalletRole, balance: U256) {
        let head = self.head();
        let held = self.balances.entry(address).or_default();
        *held = held.checked_add(balance).unwrap();
        let opening = Opening { head, balance: *held };
        let nonce = self.nonce(address);
        self.wallets.push((address, role, opening, nonce));
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        self.balances.get(&address).copied().unwrap_or_default()
    }

    fn nonce(&self, address: Address) -> u64 {
        self.nonces.get(&address).copied().unwrap_or_default()
    }

    pub(crate) fn head(&self) -> Head {
        let number = self.block;
        let hash = B256::left_padding_from(&number.to_be_bytes());
        let timestamp = START_SECS + (number - 100) * BLOCK_SECS;
        Head { block: BlockRef { number, hash }, timestamp }
    }

    /// Lets days go by.
    pub(crate) fn days(&mut self, days: u64) {
        self.block += days * 86_400 / BLOCK_SECS;
    }

    /// Mines one transaction in a block of its own and returns its hash.
    pub(crate) fn send(&mut self, send: Send) -> B256 {
        self.block += 1;
        let Head { block, timestamp } = self.head();
        let (from, nonce) = (send.from, self.nonce(send.from));
        let number = self.transactions.len() as u64 + 1;
        let hash = B256::left_padding_from(&[&[0xee][..], &number.to_be_bytes()].concat());
        let tx = TransactionFacts {
            hash,
            block,
            index: 3,
            timestamp,
            from,
            nonce,
            to: send.to,
            creation: false,
            value: send.value,
            success: send.success,
            gas_used: 21_000,
            effective_gas_price: self.gas_price,
            l1_fee: None,
            operator_fee: None,
            moves: send.moves,
            purpose: send.purpose.to_owned(),
            release: None,
        };
        let fee = U256::from(tx.gas_used) * U256::from(tx.effective_gas_price);
        self.take(from, fee);
        if send.success {
            self.pay(Move { from, to: send.to, value: send.value });
            for inner in tx.moves.clone() {
                self.pay(inner);
            }
        }
        self.nonces.insert(from, nonce + 1);
        self.transactions.push(tx);
        hash
    }

    /// Value that comes in without a transaction that anybody reads: by the end of a contract,
    /// inside a call, or as a block's reward.
    pub(crate) fn gift(&mut self, address: Address, amount: U256) {
        *self.balances.entry(address).or_default() += amount;
    }

    /// Value that is gone, and nobody knows how.
    pub(crate) fn lose(&mut self, address: Address, amount: U256) {
        self.take(address, amount);
    }

    fn take(&mut self, from: Address, amount: U256) {
        let held = self.balances.entry(from).or_default();
        *held = held.checked_sub(amount).expect("the test's accounts have enough");
    }

    fn pay(&mut self, transfer: Move) {
        self.take(transfer.from, transfer.value);
        *self.balances.entry(transfer.to).or_default() += transfer.value;
    }

    pub(crate) fn say(&mut self, byte: u8, signer: Address, body: Body) {
        let (digest, issued_at) = (request_id(byte), self.head().timestamp);
        let expires_at = u64::MAX;
        self.statements.push(FundStatement { digest, signer, issued_at, expires_at, body });
    }

    pub(crate) fn request(&mut self, byte: u8, amount: U256) {
        self.request_by(byte, ANA, amount);
    }

    pub(crate) fn request_by(&mut self, byte: u8, by: Address, amount: U256) {
        let request = FundRequest {
            network: NETWORK,
            destination: WALLET,
            amount,
            release: Some(ReleaseRoot(B256::repeat_byte(0x77))),
            reason: "rehearse: deposits".to_owned(),
        };
        self.say(byte, by, Body::FundRequest(request));
    }

    pub(crate) fn decide(&mut self, byte: u8, by: Address, request: u8, approve: bool) {
        let (request, reason) = (request_id(request), String::new());
        let asked = self.statements.iter().find_map(|said| match &said.body {
            Body::FundRequest(asked) if said.digest == request => Some(asked.clone()),
            _ => None,
        });
        let body = match asked.filter(|_| approve) {
            Some(FundRequest { network, destination, amount, .. }) => {
                let terms = FundApproval { request, network, destination, amount, reason };
                Body::FundApprove(terms)
            }
            None => Body::FundDeny(FundDenial { request, reason }),
        };
        self.say(byte, by, body);
    }

    /// Sends from the treasury to the wallet and signs the draw.
    pub(crate) fn draw(&mut self, byte: u8, request: u8, amount: U256) -> B256 {
        let transaction = self.send(Send::new(TREASURY, WALLET, amount, "draw"));
        self.say(byte, KIM, Body::FundDraw(transfer(request, transaction, amount)));
        transaction
    }

    /// Sends from the wallet to the treasury and signs the return.
    pub(crate) fn give_back(&mut self, byte: u8, request: u8, amount: U256) -> B256 {
        let transaction = self.send(Send::new(WALLET, TREASURY, amount, "return"));
        self.say(byte, ANA, Body::FundReturn(transfer(request, transaction, amount)));
        transaction
    }

    pub(crate) fn facts(&self) -> Facts {
        let wallets = self.wallets.iter().map(|(address, role, opening, first)| WalletFacts {
            address: *address,
            role: *role,
            opening: *opening,
            closing: self.balance(*address),
            nonces: Some(NonceBounds { first: *first, next: self.nonce(*address) }),
            outflows: Outflows::Known,
        });
        let network = NetworkFacts {
            network: NETWORK,
            label: NetworkLabel::new("sepolia"),
            finalized: self.head(),
            wallets: wallets.collect(),
            transactions: self.transactions.clone(),
            rises: self.rises.clone(),
            contracts: BTreeSet::from([CONTRACT]),
            authorizations: Vec::new(),
            unwatched: BTreeMap::new(),
            unread: vec![],
        };
        let person = |roles: &[&str], keys: &[Address]| Person {
            roles: roles.iter().map(ToString::to_string).collect(),
            firm: None,
            keys: keys.iter().map(|key| (*key).into()).collect(),
        };
        let people = BTreeMap::from([
            ("ana".to_owned(), person(&["engineer", "treasurer"], &[ANA, ANA_TOO])),
            ("bo".to_owned(), person(&["engineer"], &[BO])),
            ("kim".to_owned(), person(&["treasurer"], &[KIM])),
            ("lee".to_owned(), person(&["engineer"], &[LEE])),
        ]);
        let treasuries = BTreeMap::from([(NETWORK, TREASURY)]);
        Facts { people, treasuries, networks: vec![network], statements: self.statements.clone() }
    }
}

pub(crate) fn transfer(request: u8, transaction: B256, amount: U256) -> FundTransfer {
    FundTransfer { request: request_id(request), network: NETWORK, transaction, amount }
}

/// Request 1 of 0.5 ETH, approved, drawn, partly spent, partly parked, returned; and a spend
/// before it that nobody asked for.
pub(crate) fn whole_story() -> Sim {
    let mut sim = Sim::new();
    sim.send(Send::new(WALLET, CONTRACT, U256::ZERO, "deploy vault; anchor: \"SOAK\""));
    sim.request(1, eth(500));
    sim.days(1);
    sim.decide(2, KIM, 1, true);
    sim.draw(3, 1, eth(400));
    sim.send(Send::new(WALLET, CONTRACT, eth(250), "deposit"));
    let back = Move { from: CONTRACT, to: WALLET, value: eth(200) };
    let withdraw = Send::new(WALLET, CONTRACT, U256::ZERO, "withdraw");
    sim.send(Send { moves: vec![back], ..withdraw });
    let failing = Send::new(WALLET, CONTRACT, eth(1), "=deposit above the cap");
    sim.send(Send { success: false, ..failing });
    sim.send(Send::new(STRANGER, WALLET, U256::from(5), "dust"));
    sim.days(2);
    sim.give_back(4, 1, eth(300));
    sim
}
