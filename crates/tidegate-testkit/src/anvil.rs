//! An anvil of one's own: started for a test, killed with it.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_model::ids::{BlockRef, Head};

use crate::{Miner, RpcClient, TestkitError, Tools};

/// Seconds from a block to the next where a test does not say otherwise.
pub const BLOCK_INTERVAL_SECS: u64 = 12;
/// The genesis timestamp where a test does not say otherwise: 2026-01-06 00:00 UTC.
pub const GENESIS_TIMESTAMP: u64 = 1_767_657_600;
/// Blocks mined in one call, so that each call answers in seconds.
const MINE_BLOCKS_MAX: u64 = 250;
const STARTUP_LINES_MAX: usize = 1_000;

/// When blocks are mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mine {
    /// One block for each transaction as it arrives.
    Auto,
    /// Only when a test, or a [`Miner`], says so.
    Manual,
}

/// What an anvil is started with.
#[derive(Debug, Clone)]
pub struct AnvilOptions {
    /// The chain id.
    pub chain_id: u64,
    /// The genesis timestamp; it, with the chain id, makes the genesis hash.
    pub timestamp: u64,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// When blocks are mined.
    pub mine: Mine,
    /// Where states that do not fit memory go; `None` takes a folder that is removed at the end.
    pub cache_path: Option<PathBuf>,
    /// Further arguments, as on the command line.
    pub extra: Vec<String>,
}

impl AnvilOptions {
    /// A chain with automatic mining on a free port, its time starting at [`GENESIS_TIMESTAMP`].
    pub fn new(chain_id: u64) -> Self {
        Self {
            chain_id,
            timestamp: GENESIS_TIMESTAMP,
            port: 0,
            mine: Mine::Auto,
            cache_path: None,
            extra: Vec::new(),
        }
    }

    /// The same with [`Mine::Manual`].
    pub fn manual(chain_id: u64) -> Self {
        Self { mine: Mine::Manual, ..Self::new(chain_id) }
    }
}

/// A running anvil on loopback. Block `n + 1` is [`BLOCK_INTERVAL_SECS`] after block `n` unless a
/// test says otherwise; `safe` is one block and `finalized` two blocks behind the latest; the
/// EIP-7825 gas limit of a transaction holds.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    client: RpcClient,
    shared: Arc<Shared>,
    mine: Mine,
    chain_id: u64,
    _cache: Option<TempDir>,
}

/// What an anvil and its miner both hold.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Held while time and blocks are being changed.
    mining: Mutex<()>,
    /// Whether a miner includes what is pending.
    pub(crate) miner: AtomicBool,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.mining.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many blocks' states it keeps, of some 100 kB each. Its own limit, 3,600, also counts the
/// blocks that were gone back from, so that a world which many cases share would lose the states
/// of its first blocks.
const STATES_MAX: &str = "100000";

impl Anvil {
    /// Starts an anvil and waits until it answers.
    ///
    /// # Errors
    /// If it does not start; its last output is in the error.
    pub fn start(tools: &Tools, options: AnvilOptions) -> Result<Self, TestkitError> {
        let run = |source| TestkitError::Run { program: "anvil".to_owned(), source };
        let (cache, cache_path) = match options.cache_path {
            Some(path) => (None, path),
            None => {
                let dir = TempDir::new().map_err(run)?;
                let path = dir.path().to_owned();
                (Some(dir), path)
            }
        };
        let mut command = Command::new(&tools.anvil);
        command
            .args(["--host", "127.0.0.1", "--slots-in-an-epoch", "1", "--enable-tx-gas-limit"])
            .args(["--color", "never", "--threads", "1"])
            .args(["--max-persisted-states", STATES_MAX])
            .args(["--port", &options.port.to_string()])
            .args(["--chain-id", &options.chain_id.to_string()])
            .args(["--timestamp", &options.timestamp.to_string()])
            .arg("--cache-path")
            .arg(cache_path)
            .args(&options.extra);
        if options.mine == Mine::Manual {
            command.arg("--no-mining");
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(run)?;
        let url = match listening_url(&mut child) {
            Ok(url) => url,
            Err(error) => {
                stop(&mut child);
                return Err(error);
            }
        };
        let anvil = Self {
            child,
            client: RpcClient::new(url),
            shared: Arc::default(),
            mine: options.mine,
            chain_id: options.chain_id,
            _cache: cache,
        };
        anvil.set_interval(BLOCK_INTERVAL_SECS)?;
        Ok(anvil)
    }

    /// The endpoint, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        self.client.url()
    }

    /// The chain id it was started with.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Calls a JSON-RPC method with an array of parameters.
    ///
    /// # Errors
    /// If there is no answer, or it is an error.
    pub fn rpc(&self, method: &str, params: Value) -> Result<Value, TestkitError> {
        self.client.call(method, params)
    }

    /// Mines `blocks` blocks, each [`BLOCK_INTERVAL_SECS`] after the one before; the first takes
    /// what is pending.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn mine(&self, blocks: u64) -> Result<(), TestkitError> {
        let _held = self.shared.lock();
        self.mine_unlocked(blocks)
    }

    /// Mines one block with this timestamp, which must lie after the latest block's.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn mine_at(&self, timestamp: u64) -> Result<(), TestkitError> {
        let _held = self.shared.lock();
        self.rpc("evm_setNextBlockTimestamp", json!([timestamp]))?;
        self.mine_unlocked(1)
    }

    /// Mines `blocks` blocks, each `interval_secs` after the one before. A thousand blocks take
    /// some seconds.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn mine_span(&self, blocks: u64, interval_secs: u64) -> Result<(), TestkitError> {
        let _held = self.shared.lock();
        self.set_interval(interval_secs)?;
        let mined = self.mine_unlocked(blocks);
        self.set_interval(BLOCK_INTERVAL_SECS)?;
        mined
    }

    /// Starts a [`Miner`], for [`Mine::Manual`].
    pub fn miner(&self) -> Miner {
        Miner::start(self.client.clone(), Arc::clone(&self.shared))
    }

    /// Whether something mines what arrives: the node itself or a running miner.
    pub(crate) fn mines_by_itself(&self) -> bool {
        self.mine == Mine::Auto || self.shared.miner.load(Ordering::Acquire)
    }

    fn mine_unlocked(&self, blocks: u64) -> Result<(), TestkitError> {
        let mut left = blocks;
        while left > 0 {
            let now = left.min(MINE_BLOCKS_MAX);
            self.rpc("anvil_mine", json!([U64::from(now)]))?;
            left -= now;
        }
        Ok(())
    }

    fn set_interval(&self, secs: u64) -> Result<(), TestkitError> {
        self.rpc("anvil_setBlockTimestampInterval", json!([secs])).map(|_| ())
    }
}

/// Reading and writing state directly.
impl Anvil {
    /// Takes a snapshot of state, blocks and time.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn snapshot(&self) -> Result<U256, TestkitError> {
        self.parsed("evm_snapshot", json!([]), "a number")
    }

    /// Goes back to a snapshot, which is used up by it.
    ///
    /// # Errors
    /// If the node refuses or knows no such snapshot.
    pub fn revert(&self, snapshot: U256) -> Result<(), TestkitError> {
        let _held = self.shared.lock();
        let method = "evm_revert";
        match self.rpc(method, json!([snapshot]))? {
            Value::Bool(true) => Ok(()),
            _ => Err(TestkitError::Shape {
                method: method.to_owned(),
                expected: "a snapshot to go back to",
            }),
        }
    }

    /// Sets an account's balance, in wei.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn set_balance(&self, address: Address, wei: U256) -> Result<(), TestkitError> {
        self.rpc("anvil_setBalance", json!([address, wei])).map(|_| ())
    }

    /// Sets an account's code.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn set_code(&self, address: Address, code: &Bytes) -> Result<(), TestkitError> {
        self.rpc("anvil_setCode", json!([address, code])).map(|_| ())
    }

    /// Sets one storage slot.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn set_storage(
        &self,
        address: Address,
        slot: U256,
        value: B256,
    ) -> Result<(), TestkitError> {
        self.rpc("anvil_setStorageAt", json!([address, slot, value])).map(|_| ())
    }

    /// Sets an account's nonce.
    ///
    /// # Errors
    /// If the node refuses.
    pub fn set_nonce(&self, address: Address, nonce: u64) -> Result<(), TestkitError> {
        self.rpc("anvil_setNonce", json!([address, U64::from(nonce)])).map(|_| ())
    }

    /// The latest block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn latest(&self) -> Result<Head, TestkitError> {
        self.head("latest")
    }

    /// The finalized block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn finalized(&self) -> Result<Head, TestkitError> {
        self.head("finalized")
    }

    /// The hash of block 0.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn genesis_hash(&self) -> Result<B256, TestkitError> {
        Ok(self.head("0x0")?.block.hash)
    }

    /// An account's latest balance, in wei.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn balance(&self, address: Address) -> Result<U256, TestkitError> {
        self.parsed("eth_getBalance", json!([address, "latest"]), "a number")
    }

    /// An account's latest code.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn code(&self, address: Address) -> Result<Bytes, TestkitError> {
        self.parsed("eth_getCode", json!([address, "latest"]), "bytes")
    }

    /// Calls a contract on the latest state.
    ///
    /// # Errors
    /// If it reverts or the node does not answer.
    pub fn call(&self, to: Address, data: &Bytes) -> Result<Bytes, TestkitError> {
        self.parsed("eth_call", json!([{"to": to, "data": data}, "latest"]), "bytes")
    }

    fn head(&self, tag: &str) -> Result<Head, TestkitError> {
        let method = "eth_getBlockByNumber";
        let block = self.rpc(method, json!([tag, false]))?;
        let number: Option<U64> = serde_json::from_value(block["number"].clone()).ok();
        let timestamp: Option<U64> = serde_json::from_value(block["timestamp"].clone()).ok();
        let hash: Option<B256> = serde_json::from_value(block["hash"].clone()).ok();
        match (number, hash, timestamp) {
            (Some(number), Some(hash), Some(timestamp)) => Ok(Head {
                block: BlockRef { number: number.to(), hash },
                timestamp: timestamp.to(),
            }),
            _ => Err(TestkitError::Shape { method: method.to_owned(), expected: "a block" }),
        }
    }

    pub(crate) fn parsed<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
        expected: &'static str,
    ) -> Result<T, TestkitError> {
        serde_json::from_value(self.rpc(method, params)?)
            .map_err(|_| TestkitError::Shape { method: method.to_owned(), expected })
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn stop(child: &mut Child) {
    // A child that is already gone is what we want.
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads the address from anvil's own words, which is the only way to take a free port without a
/// race, and keeps reading what follows so that anvil never waits for us.
fn listening_url(child: &mut Child) -> Result<String, TestkitError> {
    let mut output = BufReader::new(child.stdout.take().expect("stdout was asked to be piped"));
    let mut last = String::new();
    for _ in 0..STARTUP_LINES_MAX {
        let mut line = String::new();
        match output.read_line(&mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if let Some(address) = line.trim().strip_prefix("Listening on ") {
            let url = format!("http://{address}");
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            return Ok(url);
        }
        if !line.trim().is_empty() {
            last = line;
        }
    }
    let mut rest = String::new();
    let _ = output.take(4_096).read_to_string(&mut rest);
    Err(TestkitError::Ended {
        program: "anvil".to_owned(),
        status: "no address".to_owned(),
        output: last + &rest,
    })
}
