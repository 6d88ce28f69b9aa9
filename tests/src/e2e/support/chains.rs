//! Going back to an earlier state of both chains.

use alloy_primitives::{U64, U256};
use libtest_mimic::Failed;
use serde_json::json;
use tidegate_testkit::{Anvil, World};

/// Both chains as they were at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chains([Chain; 2]);

#[derive(Debug, Clone, Copy)]
struct Chain {
    snapshot: U256,
    base_fee: U64,
}

impl Chains {
    /// Remembers both chains as they are.
    pub(crate) fn save(world: &World) -> Result<Self, Failed> {
        let [testnet, mainnet] = world.chains();
        Ok(Self([Chain::save(testnet)?, Chain::save(mainnet)?]))
    }

    /// Goes back, as often as one likes. What was saved since is lost.
    pub(crate) fn restore(&mut self, world: &World) -> Result<(), Failed> {
        for (anvil, chain) in world.chains().into_iter().zip(&mut self.0) {
            chain.restore(anvil)?;
        }
        Ok(())
    }
}

impl Chain {
    fn save(anvil: &Anvil) -> Result<Self, Failed> {
        let next = anvil.rpc("eth_getBlockByNumber", json!(["pending", false]))?;
        let base_fee = serde_json::from_value(next["baseFeePerGas"].clone())?;
        Ok(Self { snapshot: anvil.snapshot()?, base_fee })
    }

    /// Going back uses the snapshot up and leaves the base fee as it is, without which what is
    /// mined next would be other blocks.
    fn restore(&mut self, anvil: &Anvil) -> Result<(), Failed> {
        anvil.revert(self.snapshot)?;
        anvil.rpc("anvil_setNextBlockBaseFeePerGas", json!([self.base_fee]))?;
        self.snapshot = anvil.snapshot()?;
        Ok(())
    }
}
