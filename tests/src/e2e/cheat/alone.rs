//! What one person says alone, and what no chain and nobody else bears out.

use alloy_primitives::{B256, U256};
use tidegate_model::statement::{
    Body, Freeze, FundTransfer, General, Go, NEVER, NoGo, SeenRecord, Statement,
};
use tidegate_model::{ChainId, DeploymentDigest, NetworkId, RecordDigest, StatementDigest};
use tidegate_testkit::actor_address;

use crate::support::{Case, Forge, Outcome, Scene, Status, by_key, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_go_that_lists_what_never_was,
            cheat_a_return_that_never_was;
    }
}

/// Ada says go with tools of her own, over records that never were: of an invented anchor, of the
/// true anchor for another deployment, of a network that backs nothing. She freezes promotions and
/// says no-go at a block that is years ahead. None of it holds anything. What nobody has
/// is missed until two people say go without it.
fn cheat_a_go_that_lists_what_never_was(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let now = scene.world.mainnet.finalized()?.timestamp;
    let (_, record) = scene.record()?;
    let release = serde_json::from_value(record["releaseRoot"].clone())?;
    let of = &record["deployment"];
    let network: NetworkId = NetworkId {
        chain: serde_json::from_value(of["chain"].clone())?,
        genesis: serde_json::from_value(of["genesis"].clone())?,
    };
    let sent = record["transactions"].as_array().and_then(|sent| sent.last()).ok_or("an anchor")?;
    let anchor: B256 = serde_json::from_value(sent["hash"].clone())?;
    let elsewhere = NetworkId { chain: ChainId(999), ..network };
    let invented =
        [(1, B256::repeat_byte(0xde), network), (2, anchor, network), (3, anchor, elsewhere)];
    let records = invented.map(|(byte, anchor, network)| SeenRecord {
        digest: RecordDigest(B256::repeat_byte(byte)),
        deployment: DeploymentDigest(B256::repeat_byte(byte)),
        anchor,
        network,
        file: format!("vault-1.4.0-9999999999999999-{byte}.json"),
    });
    let go = |statements: Vec<StatementDigest>, records: Vec<SeenRecord>| {
        Body::Go(Go::over(release, statements, records, None, String::new()))
    };
    forge.say("ada", go(Vec::new(), records.to_vec()), [now, NEVER])?;
    let far = now + 30 * 365 * 86_400;
    let stops = [
        (Body::Freeze(Freeze { until: far + 60, reason: "any".to_owned() }), far + 60),
        (Body::NoGo(NoGo { release, discipline: None, reason: "any".to_owned() }), NEVER),
    ];
    for (body, expires_at) in stops {
        let mut general = forge.general("ada", body, now)?;
        general.at.number = 1_000_000_000;
        let general = General { issued_at: far, expires_at, ..general };
        forge.write(&by_key("ada", Statement::Statement(general))?)?;
    }
    let status = scene.run("eva", &["status", "--json"], 0)?;
    Status::of(&status)?.expect_others_pass(&[])?;
    for named in ["9999999999999999-1.json", "9999999999999999-3.json", "nobody has seen on that"] {
        assert!(said(&status).contains(named), "{named}: {status:?}");
    }

    let lost = StatementDigest(B256::repeat_byte(0xcc));
    forge.say("ada", go(vec![lost], Vec::new()), [now, NEVER])?;
    let missing = format!("statement {lost} that it saw is missing");
    let says = (&["seen-gone"], &[missing.as_str(), "`--without`"]);
    scene.status()?.expect("go", "UNKNOWN", says)?;
    let refused = scene.approve("kim", &["record", "go", "--as", "treasury"])?.expect_code(1)?;
    assert!(said(&refused).contains(&format!("--without {lost}")), "{refused:?}");
    let lost = lost.to_string();
    scene.world.settle()?;
    scene.done("kim", &["record", "go", "--as", "treasury", "--without", &lost])?;
    scene.status()?.expect("go", "UNKNOWN", says)?;
    scene.done("ops", &["record", "go", "--as", "relayer", "--without", &lost])?;
    scene.status()?.expect_others_pass(&[])
}

/// Ada asked for funds, which were lent; she tells of returns in transactions that never were, on
/// this network and on one that nobody has. A treasurer tells of such a draw: two days later it
/// moved nothing.
fn cheat_a_return_that_never_was(scene: &Scene<'_>) -> Outcome {
    let ada = actor_address("ada").to_string();
    let ask = ["fund", "request", "0.01 ether", "--reason", "tests", "--no-release", "--json"];
    let request = scene.done("ada", &[&ask[..], &["--to", &ada, "--as", "ada"]].concat())?;
    let request = json_text(&request, "digest")?;
    scene.done("kim", &["fund", "approve", &request, "--as", "treasury"])?;
    scene.done("kim", &["fund", "draw", &request])?;
    scene.world.settle()?;
    scene.go()?;
    let (_, record) = scene.record()?;
    let network: NetworkId = NetworkId {
        chain: serde_json::from_value(record["deployment"]["chain"].clone())?,
        genesis: serde_json::from_value(record["deployment"]["genesis"].clone())?,
    };
    let moved = |network, byte| FundTransfer {
        request: StatementDigest(request.parse().unwrap_or_default()),
        network,
        transaction: B256::repeat_byte(byte),
        amount: U256::from(1),
    };
    let forge = Forge(scene);
    let now = scene.world.mainnet.finalized()?.timestamp;
    let elsewhere = NetworkId { chain: ChainId(999), ..network };
    for (network, byte) in [(network, 0xde), (elsewhere, 0xdf)] {
        forge.say("ada", Body::FundReturn(moved(network, byte)), [now, NEVER])?;
    }
    let status = scene.status()?;
    status.expect_others_pass(&[])?;
    let gates = status.0["gates"].to_string();
    assert_eq!(gates.matches("it moved nothing").count(), 2, "{gates}");
    forge.say("treasury", Body::FundDraw(moved(network, 0xdd)), [now, NEVER])?;
    scene.status()?.expect("funds", "UNKNOWN", &["history-unread"])?;
    scene.world.advance_days(2, 12)?;
    scene.status()?.expect("funds", "PASS", &[])
}
