//! View calls that must hold after their step.

use super::*;

const VIEW: Address = Address::repeat_byte(0x44);

fn word(number: u64) -> Bytes {
    Bytes::from(U256::from(number).to_be_bytes_vec())
}

/// Asks a view after a step for a number.
fn check(step: &str, data: u8, number: u64) -> StepCheck {
    let check = Check {
        step: step.to_owned(),
        signature: "total()".to_owned(),
        to: VIEW,
        data: Bytes::copy_from_slice(&[data]),
        returns: word(number),
        value: json!(number.to_string()),
        kind: "uint256".to_owned(),
    };
    check.into()
}

fn returns(world: &World, data: u8, bytes: Bytes) {
    world.chain.world().views.insert((VIEW, Bytes::copy_from_slice(&[data])), bytes);
}

#[tokio::test]
async fn each_step_is_checked_once_in_the_block_where_it_ended() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = DeployRun { checks: vec![check("token", 1, 5), check("vault", 2, 6)], ..run() };
    returns(&world, 1, word(5));
    returns(&world, 2, word(6));
    deployed(&world, &mut lane, &run).await.0.unwrap();
    let at: Vec<_> = world.chain.world().called_at.iter().map(|block| block.number).collect();
    assert_eq!(at, [1, 3], "the vault's step ends with its call");
}

#[tokio::test]
async fn a_check_that_fails_stops_the_deployment_after_its_step() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = DeployRun { checks: vec![check("vault", 2, 6)], ..run() };
    returns(&world, 2, word(7));
    let (done, said) = deployed(&world, &mut lane, &run).await;
    assert!(
        matches!(&done, Err(EngineError::Check { what, found, expected })
            if what == "vault.total()" && found == "7" && expected == "6"),
        "{done:?}"
    );
    assert_eq!((said.len(), world.nonce()), (3, 3), "no anchor");
}

/// One byte, as the ABI encodes `bytes`.
fn bytes(byte: u8) -> Bytes {
    let mut padded = [0; 32];
    padded[0] = byte;
    [word(32), word(1), Bytes::from(padded)].concat().into()
}

#[tokio::test]
async fn what_a_check_returns_is_shown_as_it_can_be_read() {
    for (kind, expected, returned, shown) in [
        ("uint256", word(6), word(7), "7".to_owned()),
        ("bool", word(1), word(0), "false".to_owned()),
        ("bool", word(1), word(2), word(2).to_string()),
        ("int8", word(1), Bytes::from([0xff; 32]), "-1".to_owned()),
        ("uint256", word(6), Bytes::from_static(&[1, 2]), "0x0102".to_owned()),
        ("bytes", bytes(0xaa), bytes(0xab), "0xab".to_owned()),
        ("bytes", bytes(0xaa), word(7), word(7).to_string()),
    ] {
        let world = World::new();
        let mut lane = world.lane().await;
        let kind = kind.to_owned();
        let check = Check { returns: expected, kind, ..check("token", 1, 0).check };
        returns(&world, 1, returned);
        let run = DeployRun { checks: vec![check.into()], ..run() };
        let done = deployed(&world, &mut lane, &run).await.0;
        assert!(
            matches!(&done, Err(EngineError::Check { found, .. }) if *found == shown),
            "{shown}: {done:?}"
        );
    }
}

#[tokio::test]
async fn a_check_that_reverts_stops_the_deployment() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = DeployRun { checks: vec![check("token", 1, 5)], ..run() };
    let done = deployed(&world, &mut lane, &run).await.0;
    assert!(
        matches!(&done, Err(EngineError::CheckReverts { what, expected, .. })
            if what == "token.total()" && expected == "5"),
        "{done:?}"
    );
    assert_eq!(world.nonce(), 1);
}

#[tokio::test]
async fn a_step_that_was_there_already_is_checked_in_the_latest_block() {
    let world = World::new();
    let mut lane = world.lane().await;
    stranger_leaves(&world, TOKEN, TOKEN);
    world.chain.world().mine();
    let latest = world.chain.world().head().block;
    let run = DeployRun { checks: vec![check("token", 1, 5)], ..run() };
    returns(&world, 1, word(5));
    deployed(&world, &mut lane, &run).await.0.unwrap();
    assert_eq!(world.chain.world().called_at, [latest]);
}

/// A step that is there already, of which the view returns `found` by now, with what the plan's own
/// later operations left; and how far the deployment comes.
async fn there_already(later: Later, found: Option<u64>) -> (Result<Deployed, EngineError>, u64) {
    let world = World::new();
    let mut lane = world.lane().await;
    stranger_leaves(&world, TOKEN, TOKEN);
    world.chain.world().mine();
    let check = StepCheck { later, ..check("token", 1, 5) };
    let run = DeployRun { checks: vec![check], ..run() };
    if let Some(found) = found {
        returns(&world, 1, word(found));
    }
    (deployed(&world, &mut lane, &run).await.0, world.nonce())
}

#[tokio::test]
async fn what_the_plans_own_later_operations_left_is_right() {
    let seven = || Later::Answers(Some(word(7)));
    for (later, found) in [
        (seven(), Some(7)),
        (seven(), Some(5)),
        (Later::Answers(None), None),
        (Later::Answers(None), Some(5)),
        (Later::Varies, Some(9)),
    ] {
        let what = format!("{later:?} {found:?}");
        let (done, nonce) = there_already(later, found).await;
        assert!(done.is_ok() && nonce == 3, "{what}: {done:?}");
    }
}

#[tokio::test]
async fn what_somebody_else_changed_is_refused_before_anything_is_sent() {
    let (done, nonce) = there_already(Later::Answers(Some(word(7))), Some(9)).await;
    assert!(matches!(done, Err(EngineError::Check { .. })) && nonce == 0, "{done:?}");
    let (done, nonce) = there_already(Later::Answers(Some(word(7))), None).await;
    assert!(matches!(done, Err(EngineError::CheckReverts { .. })) && nonce == 0, "{done:?}");
}

/// What is explained where a step is there already is no excuse where it is made now.
#[tokio::test]
async fn a_step_that_is_made_now_returns_its_own_value() {
    let world = World::new();
    let mut lane = world.lane().await;
    let check = StepCheck { later: Later::Varies, ..check("token", 1, 5) };
    let run = DeployRun { checks: vec![check], ..run() };
    returns(&world, 1, word(7));
    let done = deployed(&world, &mut lane, &run).await.0;
    assert!(matches!(done, Err(EngineError::Check { .. })) && world.nonce() == 1, "{done:?}");
}

#[tokio::test]
async fn what_is_anchored_is_in_use_and_not_checked_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = DeployRun { checks: vec![check("token", 1, 5)], ..run() };
    returns(&world, 1, word(5));
    deployed(&world, &mut lane, &run).await.0.unwrap();
    returns(&world, 1, word(99));
    assert!(deployed(&world, &mut lane, &run).await.0.unwrap().was_complete);
    assert_eq!(world.chain.world().called_at.len(), 1);
}
