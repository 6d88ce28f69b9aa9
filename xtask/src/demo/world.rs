//! The two chains of the demo.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use tidegate_testkit::{Mine, Tools, World, WorldOptions};

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

const TESTNET_PORT: u16 = 31338;
const MAINNET_PORT: u16 = 31337;

/// Refuses to go on where a port is taken, most likely by another demo: nothing was touched yet.
pub(super) fn require_ports() -> XtaskResult {
    for port in [TESTNET_PORT, MAINNET_PORT] {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(|source| XtaskError::Port { port, source })?;
    }
    Ok(())
}

/// Starts both chains on their ports; blocks come only from the demo.
pub(super) fn start(tools: &Tools, folder: &Path) -> XtaskResult<World> {
    let options = WorldOptions {
        testnet_port: TESTNET_PORT,
        mainnet_port: MAINNET_PORT,
        mine: Mine::Manual,
        cache: Some(folder.join("chains")),
    };
    let world = World::start(tools, &options)?;
    say("Two local chains stand for a testnet (31338) and for mainnet (31337). On mainnet");
    say("there are a Safe of three owners, two of whom must sign, and a token:");
    say(format!("    Safe   {}", world.safe));
    say(format!("    USDC   {}", world.usdc));
    Ok(world)
}
