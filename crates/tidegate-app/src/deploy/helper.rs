//! The helper contract: by itself, or as the first operation of a deployment that needs it.

use alloy_primitives::{KECCAK256_EMPTY, U256};
use tidegate_chain::{Network, Transaction};
use tidegate_engine::{DeployRun, Lane};
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::{Fqn, Head};
use tidegate_plan::config::Stage;
use tidegate_plan::{CREATE2_PROXY, Expected, FrozenOp, HELPER, Op, OpKind};
use tidegate_safe::helper;

use super::allowed::require_testnet;
use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::require_helper;
use crate::project::Project;
use crate::sending::send;

/// The operation that creates the helper; no step can have its name.
pub(super) const HELPER_OP: &str = "tidegate/helper";

/// A network where the helper contract is to be.
#[derive(Debug)]
pub struct HelperPlace {
    name: String,
    network: Network,
}

impl HelperPlace {
    /// The named network, or the only target. `said` is the chain id of a testnet that is not built
    /// in, by which somebody says that its coin is worth nothing.
    ///
    /// # Errors
    /// If there is no such network, it is no testnet where it says so, or endpoints are missing.
    pub async fn of(project: &Project, named: Option<&str>, said: Option<u64>) -> AppResult<Self> {
        let name = match named {
            Some(name) => name.to_owned(),
            None => project.network_of(None, Stage::Mainnet)?,
        };
        require_testnet(&name, project.network(&name)?, said)?;
        let network = project.connect(&name).await?;
        Ok(Self { name, network })
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the helper is not there, or other code is.
    ///
    /// # Errors
    /// If the network does not answer.
    pub async fn is_empty(&self) -> AppResult<bool> {
        let head = self.network.latest_head().await?;
        Ok(self.network.code_hash(HELPER, head.block).await? != helper::CODE_HASH)
    }

    /// Creates the helper contract.
    ///
    /// # Errors
    /// If it is not approved, cannot be sent, or leaves other code.
    pub async fn create(&self, project: &Project, signer: &dyn DigestSigner) -> AppResult {
        let intent = Intent {
            op: helper_key(),
            to: CREATE2_PROXY,
            value: U256::ZERO,
            data: helper::creation_calldata(),
            alike: None,
        };
        project.front.note(format!("Creates Tidegate's helper contract at {HELPER}."));
        let network = &self.network;
        send(project, &self.name, network, signer, &intent, Vec::new()).await?;
        let head = network.latest_head().await?;
        let found = network.code_hash(HELPER, head.block).await?;
        if found != helper::CODE_HASH {
            return Err(AppError::new(
                Kind::Fail,
                format!("the code at {HELPER} is {found}, expected {}", helper::CODE_HASH),
            ));
        }
        Ok(())
    }
}

/// Puts the helper's creation before everything else where the plan needs it and it is missing,
/// or this deployment made it; and its gas, where it is still to be made.
pub(super) async fn helper_first(
    network: &Network,
    prepared: &Prepared,
    lane: &Lane<'_>,
    head: Head,
    run: &mut DeployRun,
    expected: &mut Expected,
) -> AppResult {
    if !prepared.resolved.is_guarded() {
        return Ok(());
    }
    let found = network.code_hash(HELPER, head.block).await?;
    let is_missing = found == KECCAK256_EMPTY;
    if !is_missing {
        require_helper(network, head).await?;
    }
    let is_ours = lane.state().attempts_for(&run.op_key(HELPER_OP)).next().is_some();
    if is_missing || is_ours {
        let creation = FrozenOp::new(helper_creation(), |_| Some(helper::CODE_HASH));
        run.ops.insert(0, creation.or_kind(Kind::Internal)?);
    }
    if is_missing {
        expected.gas.insert(0, (HELPER_OP.to_owned(), helper::CREATION_GAS));
    }
    Ok(())
}

fn helper_creation() -> Op {
    let kind = OpKind::Create {
        contract: Fqn(HELPER_OP.to_owned()),
        address: HELPER,
        salt: helper::SALT,
        initcode: helper::initcode(),
        guarded: None,
    };
    Op { id: HELPER_OP.to_owned(), step: HELPER_OP.to_owned(), kind }
}

pub(super) fn makes_helper(tx: &Transaction) -> bool {
    tx.to == Some(CREATE2_PROXY) && tx.input == helper::creation_calldata()
}

/// The name of its journal entries where it is created by itself.
pub(super) fn helper_key() -> String {
    format!("helper/{HELPER}")
}
