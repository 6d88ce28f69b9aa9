//! The two chains of the demo.

use std::path::Path;

use tidegate_testkit::{Mine, Tools, World, WorldOptions};

use crate::error::XtaskResult;
use crate::say;

const TESTNET_PORT: u16 = 31338;
const MAINNET_PORT: u16 = 31337;

/// Starts both chains on their ports; blocks come only from the demo.
pub(super) fn start(tools: &Tools, folder: &Path) -> XtaskResult<World> {
    let options = WorldOptions {
        testnet_port: TESTNET_PORT,
        mainnet_port: MAINNET_PORT,
        mine: Mine::Manual,
        cache: Some(folder.join("chains")),
    };
    let world = World::start(tools, &options)?;
    say("Two local chains stand for a testnet (31338) and mainnet (31337). On mainnet there are");
    say(format!("a Safe of three owners, two of whom must sign ({}),", world.safe));
    say(format!("and a token ({}). It is Tuesday, 2026-01-06.", world.usdc));
    Ok(world)
}
