//! What the ledger is made from: watched wallets, their transactions, and signed statements.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use alloy_primitives::{Address, B256, I256, U256};
use tidegate_chain::{Authorized, Network, ReadError, Receipt};
use tidegate_evidence::StatementSet;
use tidegate_ledger::{
    AuthorizationFacts, Facts, FundRules, FundStatement, NetworkFacts, NetworkLabel, NonceBounds,
    Opening, Outflows, RequestView, Rise, TransactionFacts, Unwatched, WalletFacts, WalletRole,
    build_ledger, counting,
};
use tidegate_model::record::DeploymentRecord;
use tidegate_model::statement::Body;
use tidegate_model::{BlockRef, Head, NetworkId, ReleaseRoot};

use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::Project;
use crate::records;
use crate::saying::About;

/// Wallets open each other earlier; after this many rounds that must have settled.
const OPENING_ROUNDS_MAX: usize = 8;

/// So many blocks in which one wallet was paid unasked are looked for; what came in others is
/// booked in one sum.
const RISES_MAX: usize = 16;

/// What fund statements are about: the first target, since those of any target are in the books
/// of a testnet that backs several.
pub(crate) fn about(project: &Project) -> AppResult<About> {
    let (name, _) = project.targets().next().ok_or_else(|| {
        AppError::config(
            "tidegate.toml has no mainnet network; fund statements belong to a project on its \
             target",
        )
    })?;
    About::on(project, name.clone())
}

/// What statements say of funds, on any of the project's targets, before any chain is asked: who
/// asked for what, and what was decided.
pub(crate) fn said(project: &Project, set: &StatementSet, rules: &FundRules) -> AppResult<Facts> {
    let mut statements = Vec::new();
    for (_, target) in project.targets().filter(|(_, target)| target.safe.is_some()) {
        let id = project.id(target)?;
        let of_project = set.general().filter_map(|(digest, general, signer)| {
            FundStatement::from_general(digest, general, signer, id)
        });
        statements.extend(of_project);
    }
    let FundRules { people, treasuries } = rules.clone();
    Ok(Facts { people, treasuries, networks: Vec::new(), statements })
}

/// Whether there is anything to book on a network.
pub(crate) fn has_books(
    project: &Project,
    set: &StatementSet,
    rules: &FundRules,
    name: &str,
) -> AppResult<bool> {
    let id = crate::network::identity(project, name)?.id;
    let requests = || requests(project, set, rules);
    let asked = || Ok::<_, AppError>(requests()?.iter().any(|view| view.network == id));
    let funded = rules.treasuries.contains_key(&id) || project.config.funds.contains_key(name);
    Ok(funded || !records::own(project, name)?.is_empty() || asked()?)
}

/// The requests that count, and what was decided on them.
pub(crate) fn requests(
    project: &Project,
    set: &StatementSet,
    rules: &FundRules,
) -> AppResult<Vec<RequestView>> {
    Ok(build_ledger(&said(project, set, rules)?).or_kind(Kind::Fail)?.requests)
}

/// The facts of one network, read from the chain up to a block.
pub(crate) async fn facts(
    project: &Project,
    set: &StatementSet,
    rules: &FundRules,
    (name, network): (&str, &Network),
    finalized: Head,
) -> AppResult<Facts> {
    let _busy = project.front.busy(format!("reading the books of {name}"));
    let said = said(project, set, rules)?;
    let statements = counting(&said);
    let records: Vec<_> = records::own(project, name)?.into_iter().map(|(_, r)| r).collect();
    let id = network.id();
    let treasury = rules.treasuries.get(&id).copied();
    let mut unread = Vec::new();
    let (seeds, pending) =
        seeds(network, id, &records, &statements, finalized, &mut unread).await?;
    let wallets = wallets(treasury, id, &records, &statements);
    let purposes = purposes(&records, &statements);
    let transactions = BTreeMap::new();
    let kept = treasury.into_iter().chain(records.iter().map(|record| record.deployment.executor));
    let kept = kept.collect();
    let (unwatched, authorizations) = (BTreeMap::new(), BTreeMap::new());
    let mut reader = Reader {
        network,
        wallets,
        kept,
        unwatched,
        finalized,
        transactions,
        authorizations,
        purposes,
    };
    for seed in seeds {
        reader.add(seed).await?;
    }
    let wallets = reader.open(treasury).await?;
    let rises = reader.rises(&wallets).await?;
    let contracts = records.iter().flat_map(|record| {
        record.deployment.addresses().into_iter().chain(record.mocks.values().copied())
    });
    let mut all = said.statements;
    all.retain(|statement| !is_pending(statement, &pending));
    Ok(Facts {
        networks: vec![NetworkFacts {
            network: id,
            label: NetworkLabel::new(name),
            finalized,
            wallets,
            transactions: reader.transactions.into_values().collect(),
            rises,
            contracts: contracts.collect(),
            authorizations: reader.authorizations.into_values().collect(),
            unwatched: reader.unwatched,
            unread,
        }],
        statements: all,
        ..said
    })
}

/// A draw or return whose transaction is not final yet is left for later, like the transaction.
fn is_pending(statement: &FundStatement, pending: &BTreeSet<B256>) -> bool {
    match &statement.body {
        Body::FundDraw(t) | Body::FundReturn(t) => pending.contains(&t.transaction),
        _ => false,
    }
}

/// Transactions that records and statements name, and which of them are not final yet; one of a
/// record that is not there at all is named. Of those that statements name the books say it.
async fn seeds(
    network: &Network,
    id: NetworkId,
    records: &[DeploymentRecord],
    statements: &[FundStatement],
    finalized: Head,
    unread: &mut Vec<String>,
) -> Result<(Vec<Receipt>, BTreeSet<B256>), ReadError> {
    let mut pending = BTreeSet::new();
    let recorded: BTreeSet<B256> =
        records.iter().flat_map(|r| r.transactions.iter().map(|tx| tx.hash)).collect();
    let mut hashes = recorded.clone();
    hashes.extend(statements.iter().filter_map(|statement| match &statement.body {
        Body::FundDraw(t) | Body::FundReturn(t) if t.network == id => Some(t.transaction),
        _ => None,
    }));
    let mut receipts = Vec::new();
    for hash in hashes {
        match network.receipt(hash).await? {
            Some(receipt) if receipt.block.number <= finalized.block.number => {
                receipts.push(receipt);
            }
            Some(_) => {
                pending.insert(hash);
            }
            None if recorded.contains(&hash) => {
                unread.push(format!("transaction {hash} is not on {}", network.name()));
            }
            None => {}
        }
    }
    Ok((receipts, pending))
}

/// Treasury, recorded deployers, and destinations of approved requests.
fn wallets(
    treasury: Option<Address>,
    id: NetworkId,
    records: &[DeploymentRecord],
    statements: &[FundStatement],
) -> BTreeSet<Address> {
    let approved: BTreeSet<_> = statements
        .iter()
        .filter_map(|statement| match &statement.body {
            Body::FundApprove(decision) => Some(decision.request),
            _ => None,
        })
        .collect();
    let destinations = statements.iter().filter_map(|statement| match &statement.body {
        Body::FundRequest(request) if request.network == id => {
            approved.contains(&statement.digest).then_some(request.destination)
        }
        _ => None,
    });
    let deployers = records.iter().map(|record| record.deployment.executor);
    treasury.into_iter().chain(destinations).chain(deployers).collect()
}

type Purposes = BTreeMap<B256, (String, Option<ReleaseRoot>)>;

fn purposes(records: &[DeploymentRecord], statements: &[FundStatement]) -> Purposes {
    let mut purposes = Purposes::new();
    for record in records {
        for tx in record.own_run() {
            purposes.insert(tx.hash, (tx.op.clone(), Some(record.release_root)));
        }
    }
    // What another deployment uses as well was paid for the first.
    for record in records {
        for tx in &record.transactions {
            let first = || (tx.op.clone(), Some(record.release_root));
            purposes.entry(tx.hash).or_insert_with(first);
        }
    }
    for statement in statements {
        let (transfer, word) = match &statement.body {
            Body::FundDraw(transfer) => (transfer, "draw"),
            Body::FundReturn(transfer) => (transfer, "return"),
            _ => continue,
        };
        let purpose = format!("{word} {}", transfer.request.short());
        purposes.insert(transfer.transaction, (purpose, None));
    }
    purposes
}

struct Reader<'a> {
    network: &'a Network,
    wallets: BTreeSet<Address>,
    /// Treasury and deployers, which are watched whatever they send.
    kept: BTreeSet<Address>,
    /// Others whose payments cannot all be read.
    unwatched: BTreeMap<Address, Unwatched>,
    finalized: Head,
    transactions: BTreeMap<B256, TransactionFacts>,
    /// By key and nonce.
    authorizations: BTreeMap<(Address, u64), AuthorizationFacts>,
    purposes: Purposes,
}

impl Reader<'_> {
    async fn add(&mut self, receipt: Receipt) -> Result<(), ReadError> {
        let hash = receipt.transaction;
        if self.transactions.contains_key(&hash) {
            return Ok(());
        }
        let Some(tx) = self.network.transaction(hash).await? else { return Ok(()) };
        let income = || format!("income from {}", tx.from);
        let head = self.network.head_at(receipt.block.number).await?;
        let known = self.purposes.get(&hash).cloned();
        let sent = self.wallets.contains(&tx.from);
        let (purpose, release) =
            known.unwrap_or_else(|| (if sent { "transaction".to_owned() } else { income() }, None));
        let facts = TransactionFacts {
            hash,
            block: receipt.block,
            index: u32::try_from(receipt.index).unwrap_or(u32::MAX),
            timestamp: head.timestamp,
            from: tx.from,
            nonce: tx.nonce,
            to: tx.to.unwrap_or_else(|| tx.from.create(tx.nonce)),
            creation: tx.to.is_none(),
            value: tx.value,
            success: receipt.status,
            gas_used: receipt.gas_used,
            effective_gas_price: receipt.effective_gas_price,
            l1_fee: None,
            operator_fee: None,
            moves: Vec::new(),
            purpose,
            release,
        };
        self.transactions.insert(hash, facts);
        Ok(())
    }

    /// Opens each wallet at the block before the first transaction it takes part in, and reads
    /// everything it sent since. What it sent may open another wallet earlier, so this repeats.
    async fn open(&mut self, treasury: Option<Address>) -> Result<Vec<WalletFacts>, ReadError> {
        let wallets = self.wallets.clone();
        let mut opened: BTreeMap<Address, u64> = BTreeMap::new();
        for _ in 0..OPENING_ROUNDS_MAX {
            let mut moved = false;
            for wallet in &wallets {
                if self.unwatched.contains_key(wallet) {
                    continue;
                }
                let Some(first) = self.first_block(*wallet, treasury) else { continue };
                if opened.get(wallet).is_none_or(|known| first < *known) {
                    opened.insert(*wallet, first);
                    match self.sent_since(*wallet, first.saturating_sub(1)).await {
                        // Whoever was lent funds ends nobody's books by sending without end.
                        Err(ReadError::TooMany { .. }) if !self.kept.contains(wallet) => {
                            self.unwatched.insert(*wallet, Unwatched::Endless);
                        }
                        sent => sent?,
                    }
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let mut facts = Vec::new();
        for wallet in wallets {
            if self.unwatched.contains_key(&wallet) {
                continue;
            }
            let first = opened.get(&wallet).copied().unwrap_or(self.finalized.block.number + 1);
            let is_treasury = treasury == Some(wallet);
            let role = if is_treasury { WalletRole::Treasury } else { WalletRole::Wallet };
            match self.wallet(wallet, role, first).await? {
                Ok(wallet) => facts.push(wallet),
                Err(why) => drop(self.unwatched.insert(wallet, why)),
            }
        }
        Ok(facts)
    }

    /// One wallet, or why it is not watched: what treasury and deployers do is everybody's, and
    /// what others make of what they were lent is their own.
    async fn wallet(
        &self,
        address: Address,
        role: WalletRole,
        first_block: u64,
    ) -> Result<Result<WalletFacts, Unwatched>, ReadError> {
        let head = self.network.head_at(first_block.saturating_sub(1)).await?;
        let end = self.finalized.block;
        let closing = self.network.balance(address, end).await?;
        let next = self.network.nonce(address, end).await?;
        let is_lent = !self.kept.contains(&address);
        let (balance, first, outflows) = match self.opening(address, head).await {
            Ok((balance, first)) => {
                (balance, first, self.outflows(address, [head.block, end]).await?)
            }
            Err(error) => match self.outflows(address, [end, end]).await? {
                Outflows::Hidden if is_lent => return Ok(Err(Unwatched::Code)),
                // What code moves leaves no gap in nonces.
                Outflows::Hidden => return Err(error),
                known @ Outflows::Known => {
                    let (balance, first) = self.counted_back(address, closing, next);
                    (balance, first, known)
                }
            },
        };
        if is_lent && outflows == Outflows::Hidden {
            return Ok(Err(Unwatched::Code));
        }
        if is_lent && self.has_gap(address, first..next) {
            return Ok(Err(Unwatched::Nonces));
        }
        let opening = Opening { head, balance };
        let nonces = Some(NonceBounds { first, next });
        Ok(Ok(WalletFacts { address, role, opening, closing, nonces, outflows }))
    }

    /// Whether nothing that is known took one of these nonces.
    fn has_gap(&self, wallet: Address, mut nonces: Range<u64>) -> bool {
        let own = self.transactions.values().filter(|tx| tx.from == wallet);
        let own: BTreeSet<_> = own.map(|tx| tx.nonce).collect();
        let is_known =
            |nonce| own.contains(&nonce) || self.authorizations.contains_key(&(wallet, nonce));
        nonces.any(|nonce| !is_known(nonce))
    }

    async fn opening(&self, wallet: Address, head: Head) -> Result<(U256, u64), ReadError> {
        let balance = self.network.balance(wallet, head.block).await?;
        Ok((balance, self.network.nonce(wallet, head.block).await?))
    }

    /// What a wallet opened with, counted back from what it holds by its known transactions, where
    /// endpoints have forgotten the state of then. A transaction that is not known leaves a gap in
    /// its nonces, which the ledger names.
    fn counted_back(&self, wallet: Address, closing: U256, next: u64) -> (U256, u64) {
        let own = self.transactions.values().filter(|tx| tx.from == wallet);
        let first = own.clone().map(|tx| tx.nonce).min().unwrap_or(next);
        let paid = own.map(|tx| {
            let fee = U256::from(tx.gas_used).saturating_mul(U256::from(tx.effective_gas_price));
            if tx.success { fee.saturating_add(tx.value) } else { fee }
        });
        let paid = paid.fold(U256::ZERO, U256::saturating_add);
        let came = self.transactions.values().filter(|tx| tx.to == wallet && tx.success);
        let came = came.fold(U256::ZERO, |sum, tx| sum.saturating_add(tx.value));
        (closing.saturating_add(paid).saturating_sub(came), first)
    }

    /// The treasury is in view as long as the books are, so that nothing leaves it before its
    /// first draw.
    fn first_block(&self, wallet: Address, treasury: Option<Address>) -> Option<u64> {
        let all = treasury == Some(wallet);
        let mine = |tx: &&TransactionFacts| all || tx.from == wallet || tx.to == wallet;
        self.transactions.values().filter(mine).map(|tx| tx.block.number).min()
    }

    /// A key without code pays by its own transactions alone. Code that it was given for a while
    /// (EIP-7702) took a nonce, which the authorization explains.
    async fn outflows(&self, wallet: Address, at: [BlockRef; 2]) -> Result<Outflows, ReadError> {
        let mut given = self.authorizations.range((wallet, 0)..=(wallet, u64::MAX));
        if given.any(|(_, given)| !given.code.is_zero()) {
            return Ok(Outflows::Hidden);
        }
        for block in at {
            if !self.network.code(wallet, block).await?.is_empty() {
                return Ok(Outflows::Hidden);
            }
        }
        Ok(Outflows::Known)
    }

    /// Who paid in without being asked: the transactions that did become known, and what came in
    /// another way is named with its block.
    async fn rises(&mut self, wallets: &[WalletFacts]) -> Result<Vec<Rise>, ReadError> {
        let mut rises = Vec::new();
        for wallet in wallets {
            let since = wallet.opening.head.block.number;
            let mut known: BTreeMap<u64, I256> = BTreeMap::new();
            for tx in self.transactions.values().filter(|tx| tx.block.number > since) {
                let effect = tx.effect_on(wallet.address).unwrap_or_default();
                let sum = known.entry(tx.block.number).or_default();
                *sum = sum.saturating_add(effect);
            }
            let opening = I256::from_raw(wallet.opening.balance);
            let expected = known.values().fold(opening, |sum, effect| sum.saturating_add(*effect));
            if I256::from_raw(wallet.closing) <= expected {
                continue;
            }
            let network = self.network;
            let address = wallet.address;
            for rise in network.rises(address, since, self.finalized, &known, RISES_MAX).await? {
                let mut amount = rise.amount;
                for payment in rise.payments {
                    if self.transactions.contains_key(&payment.hash) {
                        continue;
                    }
                    let Some(receipt) = network.receipt(payment.hash).await? else { continue };
                    if receipt.status {
                        amount = amount.saturating_sub(payment.value);
                    }
                    self.add(receipt).await?;
                }
                if !amount.is_zero() && wallet.outflows == Outflows::Known {
                    rises.push(Rise { wallet: address, head: rise.head, amount });
                }
            }
        }
        Ok(rises)
    }

    async fn sent_since(&mut self, wallet: Address, block: u64) -> Result<(), ReadError> {
        let start = self.network.head_at(block).await?;
        let next = self.network.nonce(wallet, self.finalized.block).await?;
        // Without the state of then nothing is searched: what is not known leaves a gap in nonces.
        let Ok(first) = self.network.nonce(wallet, start.block).await else { return Ok(()) };
        let sent = self.network.sent(wallet, first, next, block, self.finalized).await?;
        for Authorized { nonce, code, transaction, .. } in sent.authorized {
            let given = AuthorizationFacts { wallet, nonce, code, transaction };
            self.authorizations.insert((wallet, nonce), given);
        }
        for tx in sent.transactions {
            if let Some(receipt) = self.network.receipt(tx.hash).await? {
                self.add(receipt).await?;
            }
        }
        Ok(())
    }
}
