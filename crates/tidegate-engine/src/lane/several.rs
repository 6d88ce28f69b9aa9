//! Several intents on their way at once, in their order.
//!
//! Local execution has measured what each of them needs, so none waits for the one before: a window
//! of them is signed, made durable with one sync, and sent, and then the next one. They land in the
//! order of their nonces. Where one reverts, nothing more is sent, and what was sent after it is
//! followed to its end.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use tidegate_model::event::{Attempt, Intent, LaneEvent};

use super::cost::TX_GAS_MAX;
use super::{Landed, Lane};
use crate::error::EngineError;
use crate::fees::with_margin;
use crate::ports::{Chain, Journal};
use crate::sign::{gas_of, is_same, most_of, sign_attempt};

/// The most attempts that are signed and made durable at once.
const WINDOW_MAX: usize = 16;
/// The most bytes of them.
const WINDOW_BYTES_MAX: usize = 1 << 20;
/// The most attempts that are open at once; nodes keep about so many of one sender.
const OPEN_MAX: usize = 64;

/// An intent, with the gas that local execution measured.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) intent: Intent,
    /// `None` where nothing measured it: then all before it have to land first.
    pub(crate) gas: Option<u64>,
}

/// Intents that are brought to an end together.
#[derive(Debug)]
pub(crate) struct Several {
    planned: Vec<Planned>,
    /// Of those that were sent, the nonce; none where it had landed before.
    sent: Vec<Option<u64>>,
    /// How many have come to their end.
    ended: usize,
    way: Way,
}

/// How the next of them is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nobody has looked yet.
    Unknown,
    /// Each once all before have landed: the endpoint has to estimate it.
    Estimated,
    /// With those before: the chain counts gas as local execution does.
    Measured,
    /// Each as if there were no others.
    Alone,
}

/// What is signed together.
#[derive(Default)]
struct Window {
    sent: Vec<Option<u64>>,
    events: Vec<LaneEvent>,
    bytes: usize,
}

impl Several {
    pub(crate) fn new(planned: Vec<Planned>) -> Self {
        Self { planned, sent: Vec::new(), ended: 0, way: Way::Unknown }
    }

    /// How many are on their way.
    fn open(&self) -> usize {
        self.sent.iter().skip(self.ended).flatten().count()
    }

    /// How many are neither sent nor known to have landed.
    fn left(&self) -> usize {
        self.planned.len() - self.sent.len()
    }
}

impl<C: Chain, J: Journal> Lane<'_, C, J> {
    /// Brings the next of several intents to its end, as [`Lane::run`] does. Those after it may be
    /// on their way by then.
    ///
    /// # Effects
    /// Signs, journals and sends.
    ///
    /// # Errors
    /// As there. Where it reverted, what was sent after it has been followed to its end.
    pub(crate) async fn next(&mut self, several: &mut Several) -> Result<Landed, EngineError> {
        let intent = several.planned[several.ended].intent.clone();
        if several.way == Way::Unknown {
            several.way = self.way(several).await?;
        }
        if several.way == Way::Alone {
            several.ended += 1;
            return self.run(&intent).await;
        }
        self.fill(several).await?;
        let nonce = several.sent.get(several.ended).copied().flatten();
        several.ended += 1;
        let landed = match nonce {
            Some(nonce) => self.wait(&intent, nonce).await,
            None => self.run(&intent).await,
        };
        if matches!(landed, Err(EngineError::Reverted { .. })) {
            self.follow(several).await;
        }
        landed
    }

    /// Waits for what was sent after an intent that reverted. What cannot be read now, the lane
    /// finds when it is opened again.
    async fn follow(&mut self, several: &Several) {
        for nonce in several.sent.iter().skip(several.ended).flatten() {
            let Some(attempt) = self.newest(*nonce).cloned() else { return };
            if let Err(error) = self.finish(&attempt).await {
                tracing::debug!(%nonce, %error, "it is not settled");
                return;
            }
        }
    }

    /// Takes up what an earlier run left open. Where that is something else than the first of these
    /// intents in their order, each is sent alone, which settles it.
    async fn way(&mut self, several: &mut Several) -> Result<Way, EngineError> {
        let open = self.state.open().into_values().cloned();
        let open: BTreeMap<_, Attempt> =
            open.map(|attempt| (attempt.op.clone(), attempt)).collect();
        for planned in &several.planned {
            match open.get(&planned.intent.op) {
                Some(attempt) if is_same(attempt, &planned.intent)? => {
                    several.sent.push(Some(attempt.nonce));
                }
                None if self.has_landed(&planned.intent) => several.sent.push(None),
                _ => break,
            }
        }
        let known = several.sent.iter().flatten().count();
        let in_order = several.sent.iter().flatten().is_sorted();
        if known < self.state.open().len() || !in_order {
            several.sent.clear();
            return Ok(Way::Alone);
        }
        let mut open: Vec<_> = open.into_values().collect();
        open.sort_unstable_by_key(|attempt| attempt.nonce);
        let open: Vec<_> = open.into_iter().map(|own| (own.hash, own.raw)).collect();
        self.send_all(&open).await?;
        Ok(Way::Estimated)
    }

    /// Whether an intent has succeeded, so that [`Lane::run`] only says where.
    fn has_landed(&self, intent: &Intent) -> bool {
        self.state.landed(&intent.op).is_some_and(|(_, inclusion)| inclusion.success)
    }

    /// Sends as many as may be on their way.
    async fn fill(&mut self, several: &mut Several) -> Result<(), EngineError> {
        while let Some(planned) = several.planned.get(several.sent.len()).cloned() {
            if self.has_landed(&planned.intent) {
                several.sent.push(None);
            } else if several.open() == 0 {
                self.require_adopted().await?;
                let nonce = self.attempt(&planned.intent, planned.gas, None).await?;
                several.sent.push(Some(nonce));
                let limit = self.newest(nonce).map(gas_of).transpose()?;
                let is_measured = limit.is_some() && limit == planned.gas.map(with_margin);
                several.way = if is_measured { Way::Measured } else { Way::Estimated };
            } else if several.way != Way::Measured
                || several.open() + several.left().min(WINDOW_MAX) > OPEN_MAX
                || !self.send_window(several).await?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Signs, journals and sends the next window; false where nothing fits beside what is open.
    async fn send_window(&mut self, several: &mut Several) -> Result<bool, EngineError> {
        let window = self.window(several).await?;
        several.sent.extend(&window.sent);
        self.append_all(&window.events)?;
        let signed = window.events.iter().filter_map(|event| match event {
            LaneEvent::AttemptRecorded { hash, raw, .. } => Some((*hash, raw.clone())),
            _ => None,
        });
        self.send_all(&signed.collect::<Vec<_>>()).await?;
        Ok(!window.sent.is_empty())
    }

    /// The next of them that fit into a window, into what was approved, and into the balance.
    async fn window(&self, several: &Several) -> Result<Window, EngineError> {
        let from = several.sent.len();
        let mut nonce = self.state.next_nonce.ok_or_else(|| self.not_adopted())?;
        let fresh = match self.fees(&several.planned[from].intent.op).await {
            // What is on its way lands first; then it is said, if fees have not fallen by then.
            Err(EngineError::FeeCap { .. }) => return Ok(Window::default()),
            fees => fees?,
        };
        let head = self.network.latest_head().await?;
        let balance = self.network.balance(self.id.sender, head.block).await?;
        let open = self.state.open().into_values();
        let mut spent = open.map(most_of).sum::<Result<U256, _>>()?;
        let mut fee = U256::ZERO;
        let mut window = Window::default();
        for Planned { intent, gas } in &several.planned[from..] {
            if self.has_landed(intent) {
                window.sent.push(None);
                continue;
            }
            let Some(gas) = gas.map(with_margin).filter(|gas| *gas <= TX_GAS_MAX) else { break };
            let Ok(fees) = self.fees_on(nonce, &intent.op, fresh) else { break };
            fee = fee.saturating_add(fees.most(gas));
            spent = spent.saturating_add(fees.most(gas)).saturating_add(intent.value);
            window.bytes += intent.data.len();
            if window.events.len() == WINDOW_MAX
                || window.bytes > WINDOW_BYTES_MAX
                || spent > balance
                || self.require_below(&intent.op, nonce, fee).is_err()
            {
                break;
            }
            let chain = self.id.network.chain;
            let signed = sign_attempt(self.signer, chain, intent, nonce, gas, fees)?;
            window.sent.push(Some(nonce));
            window.events.push(LaneEvent::AttemptRecorded {
                op: intent.op.clone(),
                intent: intent.bound(),
                nonce,
                hash: signed.hash,
                raw: signed.raw,
                max_fee_per_gas: U256::from(fees.max_fee_per_gas),
            });
            nonce += 1;
        }
        Ok(window)
    }
}
