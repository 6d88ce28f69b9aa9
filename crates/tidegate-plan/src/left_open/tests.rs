//! What a stranger can still call, behind a proxy that was initialised.

use tidegate_model::record::Place;

use super::*;
use crate::config::Config;
use crate::example::{plan, release};
use crate::trial::{ALL, World, at, creation, leaving, plan_of};

/// Answers `owner()` with slot 0, and puts the third argument of anything else there.
const TAKEN: [u8; 29] = hex!("5f3560e01c638da5cb5b146014576044355f55005b5f545f5260205ff3");
/// Notes that it was called.
const NOTED: [u8; 6] = hex!("600160015500");
const REFUSED: [u8; 3] = hex!("5f5ffd");
/// Refuses who names no contract as its first argument.
const ASKS: [u8; 17] = hex!("6004353b600a575f5ffd5b600160015500");

/// What a proxy leaves open that the plan leaves with this code, where this code stands already.
fn found(code: &[u8], there: Option<&[u8]>) -> Vec<(String, bool, bool)> {
    let step = "[[step]]\nname = \"more\"\ncreate = \"Vault\"\nargs = [\"@safe\"]\n\
                proxy = \"uups\"\ninit = [\"initialize\", \"@usdc\", 1, \"@safe\"]\n\n[funds]";
    let config = Config::parse(&ALL.replace("[funds]", step)).unwrap();
    let release = release(plan(&config).unwrap());
    let made = creation("more", leaving(code), false);
    let address = at(&made);
    let mut plan = plan_of(vec![made]);
    let place = Place { address, implementation: None };
    plan.places.insert("more".to_owned(), place);
    let code = there.map(|code| (address, code.to_vec())).into_iter().collect();
    let world = World { code, ..World::default() };
    let open = world.settled(|snapshot| left_open(&release, &plan, snapshot));
    open.into_iter()
        .map(|LeftOpen { step, function, owns, stands }| {
            assert_eq!(function, "initialize(address,uint256,address)");
            (step, owns, stands)
        })
        .collect()
}

#[test]
fn an_initialiser_that_anybody_may_still_call_is_found() {
    let more = |owns, stands| vec![("more".to_owned(), owns, stands)];
    assert_eq!(found(&TAKEN, None), more(true, false));
    assert_eq!(found(&NOTED, None), more(false, false));
    assert_eq!(found(&ASKS, None), more(false, false));
    assert_eq!(found(&REFUSED, None), []);
    // What stands may be closed by now, and what is closed by the plan is not open before it ran.
    assert_eq!(found(&TAKEN, Some(&REFUSED)), []);
    assert_eq!(found(&REFUSED, Some(&TAKEN)), []);
    assert_eq!(found(&TAKEN, Some(&TAKEN)), more(true, true));
}

#[test]
fn initialisers_of_later_versions_are_known_by_their_names() {
    let names = ["initialize", "initializeV2", "reinitialize", "reinit", "setup", "setUp"];
    assert!(names.into_iter().all(is_open_name));
    let others = ["renew", "setupFee", "initiate", "reinitiate", "repay", "set"];
    assert!(!others.into_iter().any(is_open_name));
}
