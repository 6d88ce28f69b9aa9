//! What an endpoint must show before anything is read from it.

use alloy_primitives::B256;
use serde_json::json;
use tidegate_chain::{ConnectError, ReadError, Reading, known_chain};
use tidegate_model::ids::ChainId;
use tidegate_testkit::{Reply, ScriptedNode};

use crate::support::{
    Outcome, PUBLIC, SIMULATED, anvil, config, connect, public_node, run, second_host,
};

#[test]
fn a_development_node_is_fine_on_simulated_ids_only() -> Outcome {
    for chain in [31337, 31338, 1337] {
        let anvil = anvil(chain)?;
        let network = connect(config(chain, &[anvil.url()]))?;
        assert_eq!(network.id().chain, ChainId(chain));
        assert_eq!(network.id().genesis, anvil.genesis_hash()?);
    }
    let anvil = anvil(PUBLIC)?;
    let refused = connect(config(PUBLIC, &[anvil.url()]));
    assert!(
        matches!(&refused, Err(ConnectError::DevelopmentNode { chain: ChainId(PUBLIC), .. })),
        "{refused:?}"
    );
    Ok(())
}

#[test]
fn each_sign_of_a_development_node_is_enough() -> Outcome {
    let anvil = anvil(PUBLIC)?;
    let signs = [
        ("anvil_nodeInfo", json!({})),
        ("hardhat_metadata", json!({"clientVersion": "x"})),
        ("web3_clientVersion", json!("anvil/v1.7.1")),
        ("web3_clientVersion", json!("HardhatNetwork/2.0")),
    ];
    for (sign, answer) in signs {
        let node = public_node(&anvil, move |method, _| match method == sign {
            true => Reply::Result(answer.clone()),
            false => Reply::Forward,
        })?;
        let refused = connect(config(PUBLIC, &[&node.url()]));
        let given_away = matches!(
            &refused,
            Err(ConnectError::DevelopmentNode { method, .. }) if *method == sign
        );
        assert!(given_away, "{sign}: {refused:?}");
    }
    let node = public_node(&anvil, |_, _| Reply::Forward)?;
    assert!(connect(config(PUBLIC, &[&node.url()])).is_ok());
    Ok(())
}

#[test]
fn a_public_chain_has_its_own_genesis() -> Outcome {
    let anvil = anvil(1)?;
    let node = public_node(&anvil, |_, _| Reply::Forward)?;
    let found = anvil.genesis_hash()?;
    let mainnet = known_chain(ChainId(1)).expect("built in").genesis;
    let refused = connect(config(1, &[&node.url()]));
    let wrong = matches!(
        &refused,
        Err(ConnectError::WrongGenesis { found: f, expected, .. })
            if *f == found && *expected == mainnet
    );
    assert!(wrong, "{refused:?}");
    // Configuration cannot make another chain of it.
    let mut renamed = config(1, &[&node.url()]);
    renamed.genesis = Some(found);
    let refused = connect(renamed);
    assert!(matches!(refused, Err(ConnectError::GenesisConflict { .. })), "{refused:?}");
    Ok(())
}

#[test]
fn chain_id_and_genesis_must_hold() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let liar = ScriptedNode::start(Some(anvil.url()), |method, _| match method {
        "eth_chainId" => Reply::Result(json!("0x1")),
        _ => Reply::Forward,
    })?;
    for urls in [vec![liar.url()], vec![anvil.url().to_owned(), second_host(&liar.url())]] {
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let refused = connect(config(SIMULATED, &urls));
        let wrong = matches!(&refused, Err(ConnectError::WrongChain { found: ChainId(1), .. }));
        assert!(wrong, "{refused:?}");
    }
    let mut pinned = config(SIMULATED, &[anvil.url()]);
    pinned.genesis = Some(B256::repeat_byte(1));
    let refused = connect(pinned);
    assert!(matches!(refused, Err(ConnectError::WrongGenesis { .. })), "{refused:?}");
    Ok(())
}

#[test]
fn two_beginnings_are_not_one_network() -> Outcome {
    let (one, other) = (anvil(SIMULATED)?, anvil(SIMULATED)?);
    // The same options make the same genesis; these two differ.
    let lie = json!({"number": "0x0", "timestamp": "0x1", "hash": B256::repeat_byte(2)});
    let liar = ScriptedNode::start(Some(other.url()), move |method, _| match method {
        "eth_getBlockByNumber" => Reply::Result(lie.clone()),
        _ => Reply::Forward,
    })?;
    let refused = connect(config(SIMULATED, &[one.url(), &second_host(&liar.url())]));
    assert!(matches!(refused, Err(ConnectError::WrongGenesis { .. })), "{refused:?}");
    Ok(())
}

#[test]
fn an_endpoint_that_is_gone_is_left_out_and_missed() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let gone = ScriptedNode::start(None, |_, _| Reply::HangUp)?.url();
    let network = connect(config(SIMULATED, &[anvil.url(), &second_host(&gone)]))?;
    assert_eq!((network.endpoints().count(), network.absent().len()), (1, 1));
    let read = run(network.finalized_head());
    let missed = matches!(read, Err(ReadError::TooFewEndpoints { have: 1, want: 2, .. }));
    assert!(missed, "{read:?}");
    assert_eq!(run(network.reading(Reading::Single).finalized_head())?, anvil.finalized()?);

    let none = connect(config(SIMULATED, &[&gone]));
    assert!(matches!(none, Err(ConnectError::Unreachable { .. })), "{none:?}");
    let none = connect(config(SIMULATED, &[]));
    assert!(matches!(none, Err(ConnectError::NoEndpoint { .. })), "{none:?}");
    Ok(())
}

#[test]
fn one_host_twice_is_no_quorum() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url(), anvil.url()]))?;
    let read = run(network.latest_head());
    let missed = matches!(read, Err(ReadError::TooFewEndpoints { have: 1, want: 2, .. }));
    assert!(missed, "{read:?}");
    Ok(())
}
