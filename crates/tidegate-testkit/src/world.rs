//! Two chains with a Safe, a token and funded accounts: what a promotion happens in.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256, keccak256};

use crate::safe::{self, Singleton};
use crate::solc::compile_mock_usdc;
use crate::{
    Anvil, AnvilOptions, GENESIS_TIMESTAMP, Mine, Miner, PrivateKeySigner, TestkitError, Tools,
};

/// Seconds of an hour, which is the time from block to block while days pass.
pub const HOUR_SECS: u64 = 3_600;
/// Seconds of a day.
pub const DAY_SECS: u64 = 86_400;

const TESTNET_CHAIN: u64 = 31338;
const MAINNET_CHAIN: u64 = 31337;
/// Anvil finalizes what is two blocks old.
const FINALITY_BLOCKS: u64 = 2;
const THRESHOLD: u64 = 2;
const SAFE_SALT_NONCE: u64 = 1;
const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;
/// Who has ether from the start, in ether: the treasury and the testers on the testnet, who pays
/// gas on mainnet. The deployer has none: the treasury funds it.
const TESTNET_ETHER: [(&str, u64); 4] = [("treasury", 50), ("t1", 5), ("t2", 5), ("t3", 5)];
const MAINNET_ETHER: [(&str, u64); 1] = [("relayer", 20)];
/// Creates the Safe and the token, so that no person's nonce moves.
const INSTALLER: &str = "installer";

/// The key that a name stands for in every world. Names with a part: `deployer`, `treasury`,
/// `relayer`, the auditors `ada` and `bo`, the Safe's owners `o1` to `o3`, the testers `t1` to
/// `t3`. It is made from the name alone: **it holds nothing anywhere**.
///
/// # Panics
/// Never for those names: none gives a number that is no key.
pub fn actor(name: &str) -> PrivateKeySigner {
    let secret: B256 = keccak256(format!("tidegate test key of {name}"));
    PrivateKeySigner::from_bytes(&secret).expect("a hash is a key but for one case in 2^128")
}

/// The address of [`actor`].
pub fn actor_address(name: &str) -> Address {
    actor(name).address()
}

/// How a world is started.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// The testnet's port; 0 takes a free one.
    pub testnet_port: u16,
    /// Mainnet's port; 0 takes a free one.
    pub mainnet_port: u16,
    /// [`Mine::Auto`], or [`Mine::Manual`] with a [`Miner`] on each chain.
    pub mine: Mine,
    /// Where both keep states that do not fit memory; `None` takes folders that are removed.
    pub cache: Option<PathBuf>,
}

impl Default for WorldOptions {
    /// For tests: free ports, automatic mining.
    fn default() -> Self {
        Self { testnet_port: 0, mainnet_port: 0, mine: Mine::Auto, cache: None }
    }
}

/// A testnet (chain 31338) and a mainnet (31337), both simulated, their time moved only by what is
/// mined. On mainnet: a 2-of-3 Safe 1.4.1 of `o1`, `o2`, `o3`, and the token. The canonical Safe
/// contracts are on both.
#[derive(Debug)]
pub struct World {
    miners: Vec<Miner>,
    /// Where releases soak.
    pub testnet: Anvil,
    /// Where they are promoted to.
    pub mainnet: Anvil,
    /// The Safe on mainnet.
    pub safe: Address,
    /// The token on mainnet.
    pub usdc: Address,
    /// The hash of the token's code.
    pub usdc_code_hash: B256,
    snapshots: Option<[U256; 2]>,
}

impl World {
    /// Starts both chains and puts everything in place.
    ///
    /// # Errors
    /// If a chain does not start, or something cannot be created.
    pub fn start(tools: &Tools, options: &WorldOptions) -> Result<Self, TestkitError> {
        let start = |chain_id, port, timestamp, folder: &str| {
            let cache_path = options.cache.as_ref().map(|cache| cache.join(folder));
            Anvil::start(
                tools,
                AnvilOptions {
                    timestamp,
                    port,
                    mine: options.mine,
                    cache_path,
                    ..AnvilOptions::new(chain_id)
                },
            )
        };
        let testnet = start(TESTNET_CHAIN, options.testnet_port, GENESIS_TIMESTAMP, "testnet")?;
        // One second later, or both chains would have one genesis hash.
        let later = GENESIS_TIMESTAMP + 1;
        let mainnet = start(MAINNET_CHAIN, options.mainnet_port, later, "mainnet")?;
        let manual = options.mine == Mine::Manual;
        let miners = if manual { vec![testnet.miner(), mainnet.miner()] } else { Vec::new() };
        fund(&testnet, &TESTNET_ETHER)?;
        fund(&mainnet, &MAINNET_ETHER)?;
        fund(&mainnet, &[(INSTALLER, 10)])?;
        safe::install(&testnet, tools)?;
        safe::install(&mainnet, tools)?;
        let owners = ["o1", "o2", "o3"].map(actor_address);
        let installer = actor(INSTALLER);
        let safe = safe::deploy_safe(
            &mainnet,
            &installer,
            Singleton::Safe,
            &owners,
            THRESHOLD,
            SAFE_SALT_NONCE,
        )?;
        let code = compile_mock_usdc(tools)?;
        let created = mainnet.send(&installer, None, code, U256::ZERO)?;
        let shape = TestkitError::Shape {
            method: "eth_getTransactionReceipt".to_owned(),
            expected: "the address of a created contract",
        };
        let usdc = created.contract_address.ok_or(shape)?;
        let usdc_code_hash = keccak256(mainnet.code(usdc)?);
        let world = Self { miners, testnet, mainnet, safe, usdc, usdc_code_hash, snapshots: None };
        world.settle()?;
        Ok(world)
    }

    /// Both chains, the testnet first.
    pub fn chains(&self) -> [&Anvil; 2] {
        [&self.testnet, &self.mainnet]
    }

    /// The miners, testnet first; none with [`Mine::Auto`].
    pub fn miners(&self) -> &[Miner] {
        &self.miners
    }

    /// Mines until everything that is in a block is finalized, on both chains: some seconds of
    /// chain time.
    ///
    /// # Errors
    /// If a node refuses.
    pub fn settle(&self) -> Result<(), TestkitError> {
        self.chains().into_iter().try_for_each(|anvil| anvil.mine(FINALITY_BLOCKS))
    }

    /// Lets time pass on both chains, a block each full hour, until the **finalized** header of
    /// each is of this time or later.
    ///
    /// # Errors
    /// If a node refuses.
    pub fn advance_to(&self, timestamp: u64) -> Result<(), TestkitError> {
        let mut until = self.latest_time()?;
        while until < timestamp {
            until = timestamp.min(until + DAY_SECS);
            for anvil in self.chains() {
                pass_hours(anvil, until)?;
            }
        }
        self.settle()
    }

    /// Lets whole days pass, counted from the chains' present day, and stops at this hour.
    ///
    /// # Errors
    /// If a node refuses.
    pub fn advance_days(&self, days: u64, hour: u64) -> Result<(), TestkitError> {
        let today = (self.latest_time()? - GENESIS_TIMESTAMP) / DAY_SECS;
        self.advance_to(GENESIS_TIMESTAMP + (today + days) * DAY_SECS + hour * HOUR_SECS)
    }

    /// The later of both chains' latest header times.
    ///
    /// # Errors
    /// If a node does not answer.
    pub fn latest_time(&self) -> Result<u64, TestkitError> {
        Ok(self.testnet.latest()?.timestamp.max(self.mainnet.latest()?.timestamp))
    }

    /// Remembers both chains as they are.
    ///
    /// # Errors
    /// If a node refuses.
    pub fn save(&mut self) -> Result<(), TestkitError> {
        self.snapshots = Some([self.testnet.snapshot()?, self.mainnet.snapshot()?]);
        Ok(())
    }

    /// Goes back to what was saved, as often as one likes.
    ///
    /// # Errors
    /// If nothing was saved or a node refuses.
    pub fn restore(&mut self) -> Result<(), TestkitError> {
        let Some([testnet, mainnet]) = self.snapshots.take() else {
            let (method, expected) = ("evm_revert".to_owned(), "a saved world");
            return Err(TestkitError::Shape { method, expected });
        };
        self.testnet.revert(testnet)?;
        self.mainnet.revert(mainnet)?;
        self.save()
    }
}

/// Sets balances. A block makes them part of a state that can be asked for later.
fn fund(anvil: &Anvil, ether: &[(&str, u64)]) -> Result<(), TestkitError> {
    for (name, amount) in ether {
        let wei = U256::from(*amount) * U256::from(WEI_PER_ETHER);
        anvil.set_balance(actor_address(name), wei)?;
    }
    anvil.mine(1)
}

/// Mines a block at each full hour after the latest block, up to and including `until`.
fn pass_hours(anvil: &Anvil, until: u64) -> Result<(), TestkitError> {
    let latest = anvil.latest()?.timestamp;
    let first = latest - latest % HOUR_SECS + HOUR_SECS;
    if first > until {
        return Ok(());
    }
    anvil.mine_at(first)?;
    anvil.mine_span((until - first) / HOUR_SECS, HOUR_SECS)
}
