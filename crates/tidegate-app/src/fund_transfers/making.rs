//! Sending a transfer once, and stating it.

use alloy_primitives::B256;
use tidegate_engine::find_sent;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, FundTransfer, Statement};

use super::books::Books;
use super::{Direction, TransferView};
use crate::error::{AppError, AppResult, Kind};
use crate::ledger_facts::about;
use crate::project::Project;
use crate::saying::{general, now};
use crate::sending::{open_lane, send};
use crate::signing::show;

impl Books {
    /// Sends it unless it was sent before, then signs the statement that names its transaction.
    pub(super) async fn make(
        &self,
        project: &Project,
        signer: &dyn DigestSigner,
        intent: &Intent,
        direction: Direction,
    ) -> AppResult<TransferView> {
        let about = about(project)?;
        // Read before anything is sent.
        now(project, &about).await?;
        let transaction = self.transaction(project, signer, intent, direction).await?;
        if self.stated().contains(&transaction) {
            return Ok(TransferView { transaction: Some(transaction), ..TransferView::default() });
        }
        // The amount is what the chain says, as an earlier run may have sent another.
        let sent = self.network.transaction(transaction).await?.ok_or_else(|| {
            AppError::new(Kind::Chain, format!("{transaction} is not on {}", self.name))
        })?;
        let (request, network) = (self.request, self.network.id());
        let transfer = FundTransfer { request, network, transaction, amount: sent.value };
        let body = match direction {
            Direction::Draw => Body::FundDraw(transfer),
            Direction::Return => Body::FundReturn(transfer),
        };
        let statement = Statement::Statement(general(project, &about, signer, body).await?);
        let digest = show(project, statement)?.unasked()?.sign(project, signer)?;
        Ok(TransferView {
            transaction: Some(transaction),
            amount: Some(sent.value),
            digest: Some(digest),
            to: intent.to,
        })
    }

    /// The transfer's transaction. Where the journal is new, the chain is searched for one that no
    /// statement names, so that a lost journal never pays twice.
    async fn transaction(
        &self,
        project: &Project,
        signer: &dyn DigestSigner,
        intent: &Intent,
        direction: Direction,
    ) -> AppResult<B256> {
        let lane = open_lane(project, &self.network, signer).await?;
        let landed = lane.state().landed(&intent.op);
        if let Some((attempt, _)) = landed.filter(|(_, inclusion)| inclusion.success) {
            return Ok(attempt.hash);
        }
        let journal_is_new = lane.state().attempts.is_empty();
        drop(lane);
        if journal_is_new {
            let found = find_sent(&self.network, signer.address(), intent, &self.stated()).await?;
            if let Some(transaction) = found {
                project.front.note("it is on the chain already; its statement is missing");
                return Ok(transaction);
            }
        }
        let options = match direction {
            Direction::Draw => Vec::new(),
            Direction::Return => vec![("--amount", intent.value.to_string())],
        };
        let landed = send(project, &self.name, &self.network, signer, intent, options).await?;
        Ok(landed.hash)
    }
}
