//! One approved transaction from a key: for what is not a deployment.

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use serde::Serialize;
use tidegate_chain::{Network, ReadError};
use tidegate_engine::{
    Ceiling, Cleared, EngineError, FeeCap, Landed, Lane, adopted_nonce, intent_digest,
};
use tidegate_evm::Errors;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::units::format_amount;
use tidegate_plan::config::Stage;
use tidegate_store::{StoreError, in_words};

use crate::approve::{Approval, Given, approve, fields, names};
use crate::error::{AppError, AppResult, Kind, Options};
use crate::front::Front;
use crate::project::Project;
use crate::text::digits;

/// Takes a sender's lane, which sends nothing before it is cleared.
pub(crate) async fn open_lane<'a>(
    project: &'a Project,
    network: &'a Network,
    signer: &'a dyn DigestSigner,
) -> AppResult<Lane<'a>> {
    let lane = Lane::open(network, project.journal()?, signer, FeeCap::DEFAULT).await;
    let lane = lane.map_err(|error| match error {
        EngineError::Store(StoreError::Held { holder, .. }) => {
            let people = &project.config.people;
            let found = people.iter().find(|(_, person)| person.holds(signer.address()));
            let of = found.map(|(name, _)| name.as_str());
            in_use(signer.address(), of, network.name(), &in_words(&holder))
        }
        error => error.into(),
    })?;
    // Only test chains begin anew: of a target it can only be that its endpoints are behind.
    if let Some(known) = lane.void()
        && project.network(network.name())?.stage == Stage::Mainnet
    {
        let head = network.latest_head().await?;
        let sender = lane.id().sender;
        let latest = network.nonce(sender, head.block).await?;
        return Err(EngineError::Behind { sender, latest, known }.into());
    }
    Ok(lane)
}

/// A key sends for one process at a time.
fn in_use(key: Address, of: Option<&str>, network: &str, holder: &str) -> AppError {
    let of = of.map_or_else(String::new, |name| format!(" of {name}"));
    let what = format!("the key {key}{of} is in use on {network}: {holder} sends with it");
    AppError::new(Kind::Conflict, what).hint("wait for the other process, or end it")
}

/// Shows what a sender's adoption means.
pub(crate) fn show_adoption(project: &Project, adoption: &tidegate_engine::Adoption) {
    project.front.note(format!(
        "This puts {} under Tidegate's management on chain {}: nonce {}, {} ETH.",
        adoption.lane.sender,
        adoption.lane.network.chain,
        adoption.nonce,
        format_amount(adoption.balance, 18)
    ));
    if let Some(known) = adoption.void {
        project.front.attend(format!(
            "the chain lacks transactions of {} that were final: {known} of them, and it shows {}. \
             If it was begun anew, approve: what this machine did there before is void. If an \
             endpoint is far behind, do not",
            adoption.lane.sender, adoption.nonce
        ));
    }
}

/// Refuses a sender with transactions that are not final, before anybody is asked to approve. A try
/// shows all else.
pub(crate) fn refuse_unsettled(
    project: &Project,
    adoption: Option<&tidegate_engine::Adoption>,
) -> AppResult {
    let Some((adoption, finalized)) = adoption.and_then(|of| Some((of, of.unsettled?))) else {
        return Ok(());
    };
    let (sender, latest) = (adoption.lane.sender, adoption.nonce);
    let error = AppError::from(EngineError::Unsettled { sender, latest, finalized });
    if project.dry_run {
        project.front.note(error.to_string());
        return Ok(());
    }
    let way = crate::network::brings_finality(adoption.lane.network.chain);
    Err(way.into_iter().fold(error, AppError::hint))
}

/// One transaction that is approved by itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TransactionView {
    from: Address,
    to: Address,
    /// In wei, as decimal digits.
    #[serde(serialize_with = "digits")]
    value: U256,
    data: Bytes,
    /// In wei, as decimal digits.
    #[serde(serialize_with = "digits")]
    fees_at_most: U256,
}

/// One intent that was approved, and is not sent yet.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    front: &'a dyn Front,
    cleared: Cleared<'a>,
    intent: &'a Intent,
}

impl Ready<'_> {
    /// The operation that was approved.
    pub(crate) fn operation(&self) -> &str {
        &self.intent.op
    }

    /// Sends it, and waits until it is in a block.
    pub(crate) async fn send(mut self) -> AppResult<Landed> {
        let _busy = self.front.busy("waiting until it is in a block");
        Ok(self.cleared.run(self.intent).await?)
    }
}

/// Sends one intent after its approval, and waits until it is in a block.
pub(crate) async fn send(
    project: &Project,
    name: &str,
    network: &Network,
    signer: &dyn DigestSigner,
    intent: &Intent,
    options: Options,
) -> AppResult<Landed> {
    let ready = ready(project, name, (network, signer), intent, options, Unpaid::Refused).await?;
    ready.send().await
}

/// Has one intent approved, of something that is signed and written even where it cannot be sent.
pub(crate) async fn ready_to_post<'a>(
    project: &'a Project,
    name: &str,
    network: &'a Network,
    signer: &'a dyn DigestSigner,
    intent: &'a Intent,
) -> AppResult<Ready<'a>> {
    ready(project, name, (network, signer), intent, Vec::new(), Unpaid::Told).await
}

/// Whether an intent that its sender cannot pay for now is approved all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unpaid {
    Refused,
    /// What it posts is signed and written in any case.
    Told,
}

/// Has one intent approved.
async fn ready<'a>(
    project: &'a Project,
    name: &str,
    (network, signer): (&'a Network, &'a dyn DigestSigner),
    intent: &'a Intent,
    options: Options,
    unpaid: Unpaid,
) -> AppResult<Ready<'a>> {
    let lane = open_lane(project, network, signer).await?;
    let adoption = lane.adoption().await?;
    let (needed, ceiling, hash) =
        weighed(project, &lane, adoption.as_ref(), (intent, Given::Whole)).await?;
    if let Err(error) = require_balance(network, lane.id().sender, intent, needed).await {
        if unpaid == Unpaid::Refused {
            return Err(error);
        }
        let text = format!("{error}; until then it is signed and written, not posted");
        project.front.attend(text);
    }
    if let Some(adoption) = &adoption {
        show_adoption(project, adoption);
    }
    let ui = &project.front;
    let chain = lane.id().network.chain;
    ui.note(format!("To send on {name} (chain {chain}) from {}:", lane.id().sender));
    ui.note(format!("  to     {}", intent.to));
    if intent.value > U256::ZERO {
        ui.note(format!("  value  {} ETH", format_amount(intent.value, 18)));
    }
    ui.note(format!("  fees   at most {} ETH", format_amount(ceiling.most, 18)));
    ui.note(format!("  data   {}", shortened(&intent.data)));
    if intent.data.len() > SHOWN_BYTES {
        ui.note(format!("         keccak256 {}", keccak256(&intent.data)));
    }
    refuse_unsettled(project, adoption.as_ref())?;
    let fields = fields(&TransactionView {
        from: lane.id().sender,
        to: intent.to,
        value: intent.value,
        data: intent.data.clone(),
        fees_at_most: ceiling.most,
    })?;
    let approval = Approval { network: name, hash, given: Given::Whole, options, fields };
    let consent = approve(project, &approval)?;
    let cleared = lane.clear(consent.hash(), adoption.as_ref(), ceiling)?;
    Ok(Ready { front: &*project.front, cleared, intent })
}

/// What one intent may cost at most in fees, the ceiling to approve, and the hash of it all.
pub(crate) async fn weighed(
    project: &Project,
    lane: &Lane<'_>,
    adoption: Option<&tidegate_engine::Adoption>,
    (intent, given): (&Intent, Given),
) -> AppResult<(U256, Ceiling, B256)> {
    let nonce = adopted_nonce(lane, adoption);
    let hash = |most| intent_digest(lane.id(), intent, nonce, most);
    let (needed, cap) = (lane.most_of(intent, nonce).await?, FeeCap::DEFAULT.total);
    let (approved, named) = (&lane.state().approved, |hash| names(project, given, hash));
    let ceiling = Ceiling::choose(&intent.op, needed, cap, |most| Ok(hash(most)), approved, named)?;
    Ok((needed, ceiling, hash(ceiling.most)))
}

/// Refuses what a sender cannot pay for now. `fees` are the most that it would cost; nothing where
/// it has landed.
pub(crate) async fn require_balance(
    network: &Network,
    sender: Address,
    intent: &Intent,
    fees: U256,
) -> AppResult {
    if fees.is_zero() {
        return Ok(());
    }
    let needed = intent.value.saturating_add(fees);
    let head = network.latest_head().await?;
    let balance = network.balance(sender, head.block).await?;
    if balance >= needed {
        return Ok(());
    }
    Err(EngineError::Funds { op: intent.op.clone(), sender, balance, needed }.into())
}

/// How much of calldata is shown.
const SHOWN_BYTES: usize = 20;

fn shortened(data: &[u8]) -> String {
    let shown = hex::encode_prefixed(&data[..data.len().min(SHOWN_BYTES)]);
    if data.len() > SHOWN_BYTES { format!("{shown}… ({} bytes)", data.len()) } else { shown }
}

impl From<EngineError> for AppError {
    fn from(error: EngineError) -> Self {
        explained(error, &Errors::default())
    }
}

/// An error of the engine, in which what contracts say is named by the errors that are known.
pub(crate) fn explained(error: EngineError, errors: &Errors) -> AppError {
    match error {
        EngineError::WouldRevert { op, data } => {
            let why = errors.reverted(&data);
            // A FAIL, as where local execution finds it.
            AppError::new(Kind::Fail, format!("cannot send {op}: on the chain it {why}"))
                .hint("somebody may have changed what it rests on since the plan was tried")
        }
        EngineError::Reverted { op, hash, block, now: Some(data) } => {
            let why = errors.reverted(&data);
            let text = format!(
                "cannot complete {op}: transaction {hash} reverted in block {block}; asked again, \
                 it {why}"
            );
            AppError::new(Kind::Fail, text)
        }
        EngineError::CheckReverts { what, data, expected } => {
            let why = errors.reverted(&data);
            AppError::new(Kind::Fail, format!("cannot check {what}: it {why}, expected {expected}"))
        }
        error => of_engine(error),
    }
}

/// What mends a balance that is short.
pub(crate) const FUND_OR_WAIT: &str = "send it ether; where the project has a treasury, `tidegate \
                                       fund request` asks it; where the base fee is high, wait \
                                       until it has fallen";

fn of_engine(error: EngineError) -> AppError {
    let (kind, hint) = match &error {
        EngineError::Store(StoreError::Held { .. }) => {
            (Kind::Conflict, "wait for the other process, or end it")
        }
        EngineError::NotApproved { .. } | EngineError::Digest(_) => (Kind::Internal, ""),
        EngineError::Store(_) | EngineError::Fold(_) | EngineError::Event(_) => (Kind::Config, ""),
        EngineError::Sign(_) => (Kind::Keys, ""),
        EngineError::Foreign { .. } | EngineError::NotAdopted { .. } => (
            Kind::Conflict,
            "look at the sender on the chain, then run the same command again to adopt it",
        ),
        EngineError::Displaced { .. } => (
            Kind::Conflict,
            "end the other program, wait until its transaction is in a block and final, then run \
             the same command again to adopt the sender as it is then",
        ),
        // What stands is not what local execution gives, as `plan` and `verify` find it too.
        EngineError::OtherCode { .. } => {
            (Kind::Fail, "look at what stands there: nothing of this plan can use it")
        }
        EngineError::OtherIntent { .. } => (
            Kind::Conflict,
            "this machine deployed another build under this id, or other values: bring its record \
             here (`git pull`), or deploy under another id, --id N; where it follows a release, on \
             a copy of that",
        ),
        EngineError::OutOfOrder { .. } => (
            Kind::Conflict,
            "look at what it did there. To start over, deploy under another id, --id N; where the \
             plan follows a release, on a copy of that, since what stands would be called again",
        ),
        EngineError::UnknownCall { .. } => {
            (Kind::Conflict, "look at the sender's transactions on the chain")
        }
        EngineError::Check { .. }
        | EngineError::Reverted { .. }
        | EngineError::Chain(ReadError::Reverted { .. }) => (Kind::Fail, ""),
        EngineError::Behind { .. } => {
            (Kind::Chain, "its endpoints are behind; wait, or use others")
        }
        EngineError::Unsettled { .. } | EngineError::NotIncluded { .. } => {
            (Kind::Chain, "wait for the chain, then run the same command again")
        }
        EngineError::FeeCap { .. } | EngineError::Outgrown { .. } => (
            Kind::Chain,
            "the base fee is too high now: wait until it has fallen, then run the same command \
             again",
        ),
        EngineError::Ceiling { .. } => {
            (Kind::Chain, "fees are high; run the same command again when they have fallen")
        }
        EngineError::Refused { .. } => (
            Kind::Chain,
            "look at what the endpoint says; where it is right, run the same command again once \
             that is mended, else with another endpoint",
        ),
        EngineError::Funds { .. } => (Kind::Chain, FUND_OR_WAIT),
        _ => (Kind::Chain, ""),
    };
    let error = AppError::new(kind, error);
    if hint.is_empty() { error } else { error.hint(hint) }
}

#[cfg(test)]
mod tests {
    use alloy_json_abi::JsonAbi;
    use alloy_primitives::{B256, Bytes, U256};

    use super::*;

    /// One cause ends alike wherever it is found, and only what ether mends is to be funded.
    #[test]
    fn each_error_of_the_engine_says_what_mends_it() {
        let (op, hash, sender) = (|| "a".to_owned(), B256::ZERO, Address::ZERO);
        let (message, needed, balance) = ("busy".to_owned(), U256::ONE, U256::ZERO);
        let cases = [
            (EngineError::Reverted { op: op(), hash, block: 7, now: None }, Kind::Fail, ""),
            (EngineError::Funds { op: op(), sender, balance, needed }, Kind::Chain, "send it"),
            (
                EngineError::FeeCap { op: op(), base_fee: 3, needed: 7, cap: 5 },
                Kind::Chain,
                "wait until it has fallen",
            ),
            (
                EngineError::Outgrown { op: op(), hash, sender, base_fee: 3, pays: 2 },
                Kind::Chain,
                "wait until it has fallen",
            ),
            (
                EngineError::Refused { op: op(), hash, code: -32_005, message },
                Kind::Chain,
                "what the endpoint says",
            ),
        ];
        for (error, kind, says) in cases {
            let error = AppError::from(error);
            let hints = format!("{:?}", error.hints);
            assert!(error.kind == kind && hints.contains(says), "{error}: {hints}");
            assert_eq!(hints.contains("send it"), says == "send it", "{hints}");
        }
    }

    #[test]
    fn a_key_in_use_is_named_by_its_person() {
        let (key, holder) = (Address::repeat_byte(0xaa), in_words("4700@vm"));
        let error = in_use(key, Some("kim"), "hoodi", &holder);
        let text = format!(
            "the key {key} of kim is in use on hoodi: process 4700 on machine vm sends with it"
        );
        assert_eq!((error.kind, error.to_string()), (Kind::Conflict, text));
        let text = format!("the key {key} is in use on hoodi: x sends with it");
        assert_eq!(in_use(key, None, "hoodi", "x").to_string(), text);
    }

    /// What the chain itself answers, to an estimate and to a view call of a step.
    #[test]
    fn what_a_contract_says_on_the_chain_is_named() {
        let abi = JsonAbi::parse(["error OverCap(uint256 asked, uint256 cap)"]).unwrap();
        let error = abi.errors().next().unwrap();
        let values = [7, 5].map(|number| U256::from(number).to_be_bytes::<32>()).concat();
        let data: Bytes = [error.selector().as_slice(), &values].concat().into();
        let errors = Errors::default().with([&abi]);
        let (op, what) = ("deploy/1/vault".to_owned(), "vault.total()".to_owned());
        let sent = EngineError::WouldRevert { op: op.clone(), data: data.clone() };
        let (hash, now) = (B256::repeat_byte(1), Some(data.clone()));
        let included = EngineError::Reverted { op: op.clone(), hash, block: 7, now };
        let expected = "5".to_owned();
        let asked = EngineError::CheckReverts { what, data: data.clone(), expected };
        for (error, text) in [
            (
                included,
                "cannot complete deploy/1/vault: transaction \
                 0x0101010101010101010101010101010101010101010101010101010101010101 reverted in \
                 block 7; asked again, it reverted with OverCap(asked = 7, cap = 5)",
            ),
            (
                sent,
                "cannot send deploy/1/vault: on the chain it reverted with OverCap(asked = 7, \
                 cap = 5)",
            ),
            (
                asked,
                "cannot check vault.total(): it reverted with OverCap(asked = 7, cap = 5), \
                 expected 5",
            ),
        ] {
            assert_eq!(explained(error, &errors).chain()[0], text);
        }
        let read = ReadError::Reverted { what: tidegate_chain::Subject::Gas, data: Bytes::new() };
        let text = AppError::from(read).chain()[0].clone();
        assert_eq!(text, "cannot read a gas estimate: it reverted without a reason");
    }
}
