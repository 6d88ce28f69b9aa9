//! One transaction: its transfers, who claimed them, and its fee.

use alloy_primitives::U256;

use super::{Books, Draft, ParkedBy, fee_accounts, wallet_account};
use crate::account::Account;
use crate::claims::{Direction, TransferClaim};
use crate::entry::{EntryKind, Evidence};
use crate::error::LedgerError;
use crate::facts::{Move, NetworkFacts, TransactionFacts, WalletFacts, WalletRole};
use crate::uncovered::Income;
use crate::violation::Violation;

impl<'a> Books<'a> {
    pub(super) fn transaction(
        &mut self,
        network: &'a NetworkFacts,
        tx: &'a TransactionFacts,
    ) -> Result<(), LedgerError> {
        let transfers = tx.transfers();
        let mut claims = self.claims_of(network, tx);
        let mut draft = Draft::new(network, tx);
        let mut settled = Vec::new();
        for transfer in &transfers {
            let claim = self.take_claim(network, transfer, &mut claims);
            if let Some(claim) = claim {
                let request = claim.transfer.request;
                draft.request.get_or_insert(request);
                let asked = self.claims.requests.get(&request).map(|found| found.request);
                draft.release = draft.release.or(asked.and_then(|asked| asked.release));
                draft.evidence.push(Evidence::Statement(claim.statement.digest));
                if claim.direction == Direction::Return {
                    settled.push(claim.transfer.request);
                }
            }
            self.transfer(&mut draft, transfer, claim)?;
        }
        for claim in claims {
            self.violations.push(Violation::TransferMismatch {
                statement: claim.statement.digest,
                transaction: tx.hash,
            });
        }
        self.fee(&mut draft)?;
        for request in settled {
            self.settle(&mut draft, request)?;
        }
        self.entries.extend(draft.entry());
        Ok(())
    }

    fn claims_of(&self, network: &NetworkFacts, tx: &TransactionFacts) -> Vec<TransferClaim<'a>> {
        let key = (network.network.chain, tx.hash);
        self.claims.transfers.get(&key).cloned().unwrap_or_default()
    }

    /// The first claim that fits the transfer in direction, amount and destination. Each claim
    /// covers one transfer, so a second statement about it is left over and shows as a mismatch.
    fn take_claim(
        &self,
        network: &NetworkFacts,
        transfer: &Move,
        claims: &mut Vec<TransferClaim<'a>>,
    ) -> Option<TransferClaim<'a>> {
        let role = |address| network.wallet(address).map(|wallet| wallet.role);
        let fits = |claim: &TransferClaim<'_>| {
            let request = self.claims.requests.get(&claim.transfer.request);
            let (treasury, other) = match claim.direction {
                Direction::Draw => (transfer.from, transfer.to),
                Direction::Return => (transfer.to, transfer.from),
            };
            role(treasury) == Some(WalletRole::Treasury)
                && claim.transfer.amount == transfer.value
                && claim.transfer.network == network.network
                && match request {
                    Some(asked) => asked.request.destination == other,
                    // A draw under no request is named as such; a return under none fits nothing.
                    None => claim.direction == Direction::Draw,
                }
        };
        let found = claims.iter().position(fits)?;
        Some(claims.remove(found))
    }

    fn transfer(
        &mut self,
        draft: &mut Draft<'a>,
        transfer: &Move,
        claim: Option<TransferClaim<'a>>,
    ) -> Result<(), LedgerError> {
        let (network, block) = (draft.network, draft.tx.block.number);
        let from = network.open_wallet(transfer.from, block);
        let to = network.open_wallet(transfer.to, block);
        let is_unwatched = network.unwatched.contains_key(&transfer.from);
        if let (None, Some(to), Some(claim), true) = (from, to, claim, is_unwatched) {
            // What comes back of what went out when it was lent.
            self.claimed(draft, &claim, transfer.value)?;
            return draft.post(Account::TestTransfers, wallet_account(network, to), transfer.value);
        }
        if let (None, Some(claim)) = (from, claim) {
            let (statement, payer) = (claim.statement.digest, transfer.from);
            self.unread.push(format!(
                "statement {statement} is about a transfer by {payer} before its opening"
            ));
        }
        match (from, to) {
            (None, None) => Ok(()),
            (Some(from), to) => self.outflow(draft, transfer, from, to, claim),
            (None, Some(to)) => self.inflow(draft, transfer, to),
        }
    }

    fn outflow(
        &mut self,
        draft: &mut Draft<'a>,
        transfer: &Move,
        from: &WalletFacts,
        to: Option<&WalletFacts>,
        claim: Option<TransferClaim<'a>>,
    ) -> Result<(), LedgerError> {
        let network = draft.network;
        let source = wallet_account(network, from);
        let to_treasury = network.wallet(transfer.to).map(|w| w.role) == Some(WalletRole::Treasury);
        match (claim, from.role) {
            (Some(claim), _) => self.claimed(draft, &claim, transfer.value)?,
            (None, WalletRole::Treasury) if !to_treasury => {
                self.violations.push(Violation::OutflowWithoutDraw {
                    chain: network.network.chain,
                    transaction: draft.tx.hash,
                    treasury: transfer.from,
                    to: transfer.to,
                    amount: transfer.value,
                });
            }
            (None, _) if draft.kind == EntryKind::Receive => draft.kind = EntryKind::Transfer,
            (None, _) => {}
        }
        if let Some(to) = to {
            return draft.post(source, wallet_account(network, to), transfer.value);
        }
        if network.wallet(transfer.to).is_some() {
            // Its opening balance, read later, holds this value.
            let opening = Account::Opening(network.label.clone());
            return draft.post(source, opening, transfer.value);
        }
        let ours = network.contracts.contains(&transfer.to)
            || (draft.tx.creation && draft.tx.to == transfer.to);
        let sink = if ours {
            Account::InContract(network.label.clone(), transfer.to)
        } else {
            Account::TestTransfers
        };
        if claim.is_none() {
            draft.kind = EntryKind::Spend;
        }
        draft.post(source, sink, transfer.value)?;
        let contract = ours.then_some(transfer.to);
        if ours && from.role == WalletRole::Treasury {
            self.park(network.network.chain, transfer.to, ParkedBy::Treasury, transfer.value);
            return Ok(());
        }
        if claim.is_some() || from.role == WalletRole::Treasury {
            return Ok(());
        }
        self.spend(draft, transfer.from, transfer.value, contract)
    }

    fn inflow(
        &mut self,
        draft: &mut Draft<'a>,
        transfer: &Move,
        to: &WalletFacts,
    ) -> Result<(), LedgerError> {
        let network = draft.network;
        let sink = wallet_account(network, to);
        if network.wallet(transfer.from).is_some() {
            // The sender came into view only later, with what this left it.
            let opening = Account::Opening(network.label.clone());
            return draft.post(opening, sink, transfer.value);
        }
        let back = self.unpark(draft, transfer.from, transfer.value)?;
        if !back.is_zero() {
            let contract = Account::InContract(network.label.clone(), transfer.from);
            draft.post(contract, sink.clone(), back)?;
        }
        let rest = transfer.value.saturating_sub(back);
        if rest.is_zero() {
            return Ok(());
        }
        self.incomes.push(Income {
            chain: network.network.chain,
            wallet: to.address,
            amount: rest,
            by: Some((draft.tx.from, draft.tx.hash)),
            blocks: (draft.tx.block.number, draft.tx.block.number),
        });
        draft.post(Account::Unsolicited, sink, rest)
    }

    fn fee(&mut self, draft: &mut Draft<'a>) -> Result<(), LedgerError> {
        let (network, tx) = (draft.network, draft.tx);
        let Some(payer) = network.open_wallet(tx.from, tx.block.number) else { return Ok(()) };
        let overflow = LedgerError::Overflow(network.network.chain);
        let parts = tx.fee_parts().ok_or(overflow)?;
        let source = wallet_account(network, payer);
        for (index, (account, part)) in fee_accounts(tx).into_iter().zip(parts).enumerate() {
            // The execution fee is booked even where it is zero: the transaction has to show.
            if index == 0 || !part.is_zero() {
                draft.post(source.clone(), account, part)?;
            }
        }
        if draft.kind == EntryKind::Receive {
            draft.kind = EntryKind::Spend;
        }
        if draft.kind == EntryKind::Draw && payer.role == WalletRole::Treasury {
            // The fee of a draw is the treasury's own work, neither requested nor unrequested.
            return Ok(());
        }
        let fee = tx.fee().ok_or(LedgerError::Overflow(network.network.chain))?;
        self.spend(draft, tx.from, fee, None)
    }

    fn claimed(
        &mut self,
        draft: &mut Draft<'a>,
        claim: &TransferClaim<'a>,
        amount: U256,
    ) -> Result<(), LedgerError> {
        let request = claim.transfer.request;
        let moved = self.moved.entry(request).or_default();
        match claim.direction {
            Direction::Draw => {
                draft.kind = EntryKind::Draw;
                moved.draws.push(draft.tx.hash);
                self.draw(draft, claim, amount)
            }
            Direction::Return => {
                draft.kind = EntryKind::Return;
                moved.returns.push(draft.tx.hash);
                if let Some(tally) = self.tallies.get_mut(&request) {
                    tally.returned = tally.returned.saturating_add(amount);
                }
                Ok(())
            }
        }
    }
}
