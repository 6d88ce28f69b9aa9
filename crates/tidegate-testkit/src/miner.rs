//! A background miner for chains that mine by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use alloy_primitives::U64;
use serde_json::{Value, json};

use crate::RpcClient;
use crate::anvil::Shared;

const POLL_INTERVAL_MS: u64 = 20;

/// While alive and not paused, mines one block whenever a transaction is pending, each
/// [`crate::BLOCK_INTERVAL_SECS`] after the one before. Stops when dropped.
#[derive(Debug)]
pub struct Miner {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Miner {
    pub(crate) fn start(client: RpcClient, shared: Arc<Shared>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        shared.miner.store(true, Ordering::Release);
        let thread = std::thread::spawn({
            let (stop, shared) = (Arc::clone(&stop), Arc::clone(&shared));
            move || run(&client, &shared, &stop)
        });
        Self { shared, stop, thread: Some(thread) }
    }

    /// Leaves transactions pending until [`Miner::resume`]. Once this returns, nothing is mined.
    pub fn pause(&self) {
        let _held = self.shared.lock();
        self.shared.miner.store(false, Ordering::Release);
    }

    /// Mines again.
    pub fn resume(&self) {
        self.shared.miner.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.shared.miner.store(false, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A miner that panicked has already said so.
            let _ = thread.join();
        }
    }
}

fn run(client: &RpcClient, shared: &Shared, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        {
            let _held = shared.lock();
            if shared.miner.load(Ordering::Acquire) && pending(client) {
                // A node that is gone ends the test elsewhere, with a better message.
                let _ = client.call("anvil_mine", json!(["0x1"]));
            }
        }
        std::thread::park_timeout(Duration::from_millis(POLL_INTERVAL_MS));
    }
}

fn pending(client: &RpcClient) -> bool {
    let status = client.call("txpool_status", json!([])).unwrap_or(Value::Null);
    serde_json::from_value::<U64>(status["pending"].clone()).is_ok_and(|count| count > U64::ZERO)
}
