//! The books of the network of a request, on which a transfer of test funds rests.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256};
use tidegate_chain::Network;
use tidegate_ledger::{FundRules, Ledger, RequestView, build_ledger};
use tidegate_model::StatementDigest;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::units::format_amount;

use super::{Direction, TRANSFER_GAS};
use crate::drafts::{network_name, pick};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::fund_rules::{InForce, in_force};
use crate::ledger_facts::{facts, said};
use crate::project::Project;
use crate::sending::open_lane;
use crate::statements;

/// The books of a request's network up to its latest block, so that what was sent a moment ago is
/// in them.
#[derive(Debug)]
pub(super) struct Books {
    /// The network's name.
    pub(super) name: String,
    pub(super) network: Network,
    /// The adopted policies that the rules are from.
    pub(super) adopted: Vec<String>,
    pub(super) request: StatementDigest,
    rules: FundRules,
    ledger: Ledger,
}

impl Books {
    /// The books of the request that is named, or of the only one that is ready by what was said;
    /// of several on one network, the only one of which something is left on the chain.
    pub(super) async fn read(
        project: &Project,
        named: Option<&str>,
        direction: Direction,
    ) -> AppResult<Self> {
        let set = statements::load_confirmed(project).await?;
        let InForce { rules, adopted } = in_force(project).await?;
        let said = build_ledger(&said(project, &set, &rules)?).or_kind(Kind::Fail)?;
        let ready = |view: &RequestView| direction.is_ready(view);
        let found = pick(&said, named, ready);
        let found = found.map(|found| (found.request, found.network));
        let several = if named.is_none() { said.only_network(ready) } else { None };
        let (found, id) = match (found, several) {
            (Ok((request, id)), _) => (Ok(request), id),
            (Err(error), Some(id)) => (Err(error), id),
            (Err(error), None) => return Err(error),
        };
        let name = network_name(project, id)?;
        let network = project.connect(&name).await?;
        if network.id() != id {
            let what = format!("the request is for another chain than {name}: genesis differs");
            return Err(AppError::new(Kind::Fail, what));
        }
        let head = network.latest_head().await?;
        let facts = facts(project, &set, &rules, (&name, &network), head).await?;
        let ledger = build_ledger(&facts).or_kind(Kind::Fail)?;
        let request = match found {
            Ok(request) => request,
            Err(error) => {
                ledger.pick(None, |view| direction.is_left(view)).map_err(|_| error)?.request
            }
        };
        Ok(Self { name, network, adopted, request, rules, ledger })
    }

    pub(super) fn request(&self) -> AppResult<&RequestView> {
        let missing = || AppError::new(Kind::Fail, "the request is not in the books");
        self.ledger.request(self.request).ok_or_else(missing)
    }

    /// The treasury of the network, by the rules in force.
    pub(super) fn treasury(&self) -> AppResult<Address> {
        self.rules.treasuries.get(&self.network.id()).copied().ok_or_else(|| {
            AppError::config(format!("{} has no treasury in the policy in force", self.name))
                .hint("name it under [funds] and have the Safe adopt it: `tidegate policy adopt`")
        })
    }

    /// Where no Safe has adopted a policy, the treasury pays only what its own key has approved.
    pub(super) fn require_adopted(&self, found: &RequestView, treasury: Address) -> AppResult {
        if !self.adopted.is_empty() {
            return Ok(());
        }
        let approvers: Vec<_> = found.approvals.iter().map(|(_, by)| *by).collect();
        FundRules::may_draw_unadopted(&approvers, treasury).map_err(|why| {
            AppError::new(Kind::Fail, why)
                .hint("have the Safe adopt the policy first: `tidegate policy adopt`")
                .hint("or approve it with that key: `tidegate fund approve REQUEST --as KEY`")
        })
    }

    /// The amount that can be returned, in wei: what was drawn, as far as the wallet holds it
    /// beside the transfer's fee.
    pub(super) async fn returnable(&self, found: &RequestView) -> AppResult<U256> {
        let network = &self.network;
        let head = network.latest_head().await?;
        let balance = network.balance(found.destination, head.block).await?;
        let fees = network.fee_data().await?;
        // Held back: the highest fee that the transfer may pay, with the engine's margins.
        let per_gas = fees.base_fee.saturating_mul(2).saturating_add(fees.priority_fee);
        let held = U256::from(TRANSFER_GAS * 2).saturating_mul(U256::from(per_gas));
        Ok(balance.saturating_sub(held).min(found.out()))
    }

    /// On what a transfer rests, as labels and texts.
    pub(super) fn rows(&self, found: &RequestView) -> AppResult<Vec<(&'static str, String)>> {
        let called = |key: Address| {
            let person = self.rules.people.iter().find(|(_, person)| person.holds(key));
            format!("{}, {key}", person.map_or("a stranger", |(name, _)| name.as_str()))
        };
        let approvers: BTreeSet<_> = found.approvals.iter().map(|(_, by)| called(*by)).collect();
        let approvers: Vec<_> = approvers.into_iter().collect();
        let mut rows = vec![
            ("request", found.request.to_string()),
            ("asked by", called(found.requester)),
            ("reason", found.reason.clone()),
            ("amount", format!("{} ETH", format_amount(found.amount, 18))),
            ("to", called(found.destination)),
            ("approved by", approvers.join("; ")),
            ("treasury", self.treasury()?.to_string()),
        ];
        rows.extend(self.adopted.iter().map(|policy| ("policy", policy.clone())));
        if self.adopted.is_empty() {
            rows.push(("policy", "none: no Safe has adopted one".to_owned()));
        }
        Ok(rows)
    }

    /// Who sent the draws of a request.
    pub(super) async fn senders(&self, found: &RequestView) -> AppResult<Vec<Address>> {
        let mut senders = Vec::new();
        for draw in &found.draws {
            senders.extend(self.network.transaction(*draw).await?.map(|sent| sent.from));
        }
        Ok(senders)
    }

    /// The next transfer's step in the journal; `done` are those of its kind that are stated.
    fn op(&self, word: &str, done: &[B256]) -> String {
        format!("{word}/{}/{}", self.request, done.len())
    }

    pub(super) fn intent(&self, word: &str, done: &[B256], to: Address, value: U256) -> Intent {
        Intent { op: self.op(word, done), to, value, data: Bytes::new(), alike: None }
    }

    /// Whether the next transfer was sent and its statement is still missing.
    pub(super) async fn unstated(
        &self,
        project: &Project,
        signer: &dyn DigestSigner,
        word: &str,
        done: &[B256],
    ) -> AppResult<bool> {
        let lane = open_lane(project, &self.network, signer).await?;
        Ok(lane.state().landed(&self.op(word, done)).is_some())
    }

    /// Every transaction that a draw or return in the books names.
    pub(super) fn stated(&self) -> BTreeSet<B256> {
        let transfers = self.ledger.requests.iter().flat_map(|view| [&view.draws, &view.returns]);
        transfers.flatten().copied().collect()
    }
}
