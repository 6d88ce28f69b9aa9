use alloy_primitives::{U256, b256, hex};
use tidegate_model::slots::{ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT};

use super::*;

const UPGRADED: B256 = b256!("bc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b");
const ADMIN_CHANGED: B256 =
    b256!("7e644d79422f17c01e4894b5f4f588d331ebfa28653d42ae832dc59e38c9798f");

const BEACON_UPGRADED: B256 =
    b256!("1cf3b03a6cf19fa2baba4df148e9dcabedea7f8a5c07840e207e5c089be95d3e");

/// Code that a compiler made: OpenZeppelin's, and that of the sources in `code/`.
macro_rules! code {
    ($name:literal) => {
        hex::decode(include_str!(concat!("code/", $name, ".hex")).trim()).unwrap()
    };
}

/// How the code of one case runs.
#[derive(Clone, Copy)]
enum Part {
    Own,
    Implementation,
}

const SLOTS: &[B256] = &[IMPLEMENTATION_SLOT];
/// Immutables are empty in the code here, so this is the beacon's address.
const OWN: Runs<'_> = Runs::Own { slots: SLOTS, beacon: Some(Address::ZERO) };
const ACCOUNT: Address = Address::repeat_byte(0xac);

fn of(code: &[u8], part: Part) -> Writes {
    let runs = match part {
        Part::Own => OWN,
        Part::Implementation => Runs::Behind,
    };
    one(code, runs, IMPLEMENTATION_SLOT, UPGRADED)
}

fn one(bytes: &[u8], runs: Runs<'_>, slot: B256, topic: B256) -> Writes {
    together(&[Code { address: ACCOUNT, bytes, runs }], slot, topic)[0]
}

fn together(codes: &[Code<'_>], slot: B256, topic: B256) -> Vec<Writes> {
    slot_writes(codes, &Watch { slot, topics: &[topic] }).writes
}

#[test]
fn code_of_compilers_is_followed() {
    use Part::{Implementation, Own};
    for (name, code, part, expected) in [
        ("ERC1967Proxy", code!("ERC1967Proxy"), Own, Writes::Never),
        ("transparent proxy", code!("TransparentUpgradeableProxy"), Own, Writes::Announced),
        ("beacon proxy", code!("UpBeaconProxy"), Own, Writes::Never),
        ("UUPS implementation", code!("UUPS"), Implementation, Writes::Announced),
        ("announced", code!("PokeAnnounced"), Implementation, Writes::Announced),
        ("announced before", code!("PokeAnnouncedBefore"), Implementation, Writes::Announced),
        ("ordinary", code!("PokeNever"), Implementation, Writes::Never),
        ("ordinary, by the other generator", code!("PokeNeverIr"), Implementation, Writes::Never),
        ("nothing", Vec::new(), Own, Writes::Never),
    ] {
        assert_eq!(of(&code, part), expected, "{name}");
    }
}

#[test]
fn what_openzeppelin_makes_upgradeable_is_known() {
    for (name, code) in [
        ("vault", code!("UpVault")),
        ("votes", code!("UpVotes")),
        ("roles", code!("UpRoles")),
        ("admin", code!("UpAdmin")),
        ("manager", code!("UpManager")),
        ("items", code!("UpItems")),
        ("many", code!("UpMany")),
        ("items, by the other generator", code!("UpItemsIr")),
        ("many, by the other generator", code!("UpManyIr")),
        ("timelock", code!("UpTimelock")),
        ("governor", code!("UpGovernor")),
    ] {
        assert_eq!(of(&code, Part::Implementation), Writes::Announced, "{name}");
    }
}

#[test]
fn one_silent_path_is_enough() {
    use Part::{Implementation, Own};
    for (name, code, part, expected) in [
        ("constant", code!("PokeConstant"), Implementation, Writes::Silently),
        ("two doors", code!("PokeTwoDoors"), Implementation, Writes::Silently),
        ("on request", code!("PokeOnRequest"), Implementation, Writes::Silently),
        ("anywhere, with the topic", code!("PokeAnywhere"), Implementation, Writes::Anywhere),
        ("a text's hash - 1", code!("PokeMinusOne"), Implementation, Writes::Anywhere),
        ("an entry - 1", code!("PokeMappedMinusOne"), Implementation, Writes::Anywhere),
        ("an entry + 2^256 - 1", code!("PokeMappedPlusLarge"), Implementation, Writes::Anywhere),
        ("a text's hash", code!("PokeText"), Implementation, Writes::Anywhere),
        ("a variable added", code!("PokePlusVariable"), Implementation, Writes::Anywhere),
        ("a stored one added", code!("PokeStoredDistance"), Implementation, Writes::Anywhere),
        ("a length that is chosen", code!("PokeLength"), Implementation, Writes::Anywhere),
        ("a library's argument", code!("Pointers"), Implementation, Writes::Anywhere),
        ("that library's caller", code!("PokeLibrary"), Implementation, Writes::Elsewhere),
        ("elsewhere", code!("PokeElsewhere"), Implementation, Writes::Elsewhere),
        ("elsewhere, beside an upgrade", code!("PokeRuns"), Implementation, Writes::Elsewhere),
        ("a constant", code!("PokeConstantTarget"), Implementation, Writes::Elsewhere),
        ("a proxy's other door", code!("PokeProxyDoor"), Own, Writes::Elsewhere),
        ("a proxy's other slot", code!("PokeProxyElsewhere"), Own, Writes::Elsewhere),
        ("whom the caller names", code!("PokeProxyAsks"), Own, Writes::Elsewhere),
    ] {
        assert_eq!(of(&code, part), expected, "{name}");
    }
}

#[test]
fn what_is_looked_at_for_itself_is_known() {
    let (library, constant) = (code!("PokeLibrary"), code!("PokeConstantTarget"));
    let of = |bytes: &[u8], other: Address| {
        let code = Code { address: ACCOUNT, bytes, runs: Runs::Behind };
        let other = Code { address: other, bytes: &[], runs: Runs::Named };
        together(&[code, other], IMPLEMENTATION_SLOT, UPGRADED)[0]
    };
    // The place of the library in the code is empty.
    assert_eq!(of(&library, Address::ZERO), Writes::Never);
    assert_eq!(of(&constant, Address::ZERO), Writes::Elsewhere);
    let beef = Address::from_word(U256::from(0xbeef).into());
    assert_eq!(of(&constant, beef), Writes::Never);
}

#[test]
fn codes_of_one_storage_are_judged_together() {
    let writer = code!("SharedValues");
    let proxy = code!("ERC1967Proxy");
    let of = |others: &[(&[u8], Runs<'_>)]| {
        let own = Code { address: ACCOUNT, bytes: &proxy, runs: OWN };
        let behind = Code { address: Address::ZERO, bytes: &writer, runs: Runs::Behind };
        let others = others.iter().zip(1..).map(|((bytes, runs), at)| Code {
            address: Address::with_last_byte(at),
            bytes,
            runs: *runs,
        });
        let all: Vec<_> = [own, behind].into_iter().chain(others).collect();
        together(&all, IMPLEMENTATION_SLOT, UPGRADED)
    };
    use Writes::{Anywhere, Never};
    assert_eq!(of(&[]), [Never, Never]);
    for honest in [code!("SharedGrows"), code!("SharedShrinks"), code!("SharedShrinksIr")] {
        assert_eq!(of(&[(&honest, Runs::Behind)]), [Never, Never, Never]);
    }
    for wraps in [
        code!("SharedWraps"),
        code!("SharedWrapsAdded"),
        code!("SharedWrapsMore"),
        code!("SharedWrapsLate"),
        code!("SharedWrapsStale"),
    ] {
        assert_eq!(of(&[(&wraps, Runs::Behind)]), [Never, Anywhere, Never]);
    }
    // A length that another code stores, a copy of one, and one in a slot that varies.
    for other in [code!("SharedLength"), code!("SharedCopy"), code!("SharedLoop")] {
        assert_eq!(of(&[(&other, Runs::Behind)]), [Never, Anywhere, Never]);
        // A library that no code names never runs.
        assert_eq!(of(&[(&other, Runs::Named)]), [Never, Never, Never]);
    }
    // Named by the library that the implementation names.
    let (caller, length) = (code!("SharedCalls"), code!("SharedLength"));
    let named = of(&[(&caller, Runs::Behind), (&length, Runs::Named)]);
    assert_eq!(named, [Never, Writes::Anywhere, Never, Never]);
    // And by the proxy's own code.
    let own = Code { address: ACCOUNT, bytes: &length, runs: OWN };
    let behind = Code { address: Address::ZERO, bytes: &writer, runs: Runs::Behind };
    assert_eq!(together(&[own, behind], IMPLEMENTATION_SLOT, UPGRADED), [Never, Anywhere]);
}

#[test]
fn slots_with_lengths_are_named() {
    let watch = Watch { slot: IMPLEMENTATION_SLOT, topics: &[UPGRADED] };
    let writer = code!("SharedValues");
    let code = Code { address: ACCOUNT, bytes: &writer, runs: Runs::Behind };
    assert_eq!(slot_writes(&[code], &watch).lengths, [B256::ZERO].into());
}

#[test]
fn only_the_watched_beacon_is_believed() {
    let of = |bytes: &[u8], beacon| {
        let runs = Runs::Own { slots: &[], beacon };
        one(bytes, runs, BEACON_SLOT, BEACON_UPGRADED)
    };
    let beacon = Some(Address::ZERO);
    let other = Some(Address::repeat_byte(1));
    // OpenZeppelin's of version 5, which has it in its code, and one that reads it from its slot.
    let (proxy, slot) = (code!("UpBeaconProxy"), code!("AskSlot"));
    assert_eq!(of(&proxy, beacon), Writes::Never);
    assert_eq!(of(&proxy, other), Writes::Elsewhere);
    assert_eq!(of(&proxy, None), Writes::Elsewhere);
    assert_eq!(of(&slot, other), Writes::Never);
    assert_eq!(of(&slot, None), Writes::Elsewhere);
    for (name, code) in [
        ("whoever stands in the code", code!("AskConstant")),
        ("whoever another slot names", code!("AskOtherSlot")),
        ("another after it", code!("AskTwice")),
        ("it, and an address beside its answer", code!("AskAndKeep")),
        ("another function of it", code!("AskOwner")),
        ("what it creates", code!("AskCreated")),
        ("the next address", code!("AskNext")),
    ] {
        assert_eq!(of(&code, other), Writes::Elsewhere, "{name}");
    }
}

#[test]
fn only_watched_slots_lead_to_known_code() {
    let proxy = code!("ERC1967Proxy");
    let of = |slots| {
        let runs = Runs::Own { slots, beacon: None };
        one(&proxy, runs, IMPLEMENTATION_SLOT, UPGRADED)
    };
    assert_eq!(of(&[IMPLEMENTATION_SLOT]), Writes::Never);
    assert_eq!(of(&[ADMIN_SLOT]), Writes::Elsewhere);
    assert_eq!(of(&[]), Writes::Elsewhere);
    let next = code!("PokeProxyNext");
    assert_eq!(self::of(&next, Part::Own), Writes::Elsewhere);
}

#[test]
fn each_slot_has_its_event() {
    let proxy = code!("TransparentUpgradeableProxy");
    let own = |code: &[u8], slot, topic| one(code, OWN, slot, topic);
    assert_eq!(own(&proxy, ADMIN_SLOT, ADMIN_CHANGED), Writes::Never);
    assert_eq!(of(&proxy, Part::Own), Writes::Announced);
    assert_eq!(own(&proxy, IMPLEMENTATION_SLOT, ADMIN_CHANGED), Writes::Silently);
    let beacon = code!("UpgradeableBeacon");
    let slot = B256::with_last_byte(1);
    assert_eq!(own(&beacon, slot, UPGRADED), Writes::Announced);
    assert_eq!(own(&beacon, slot, ADMIN_CHANGED), Writes::Silently);
}

#[test]
fn the_topic_in_data_that_is_never_logged_announces_nothing() {
    let mut code = code!("PokeConstant");
    code.push(0xfe);
    code.extend(UPGRADED);
    assert_eq!(of(&code, Part::Implementation), Writes::Silently);
}

#[test]
fn what_cannot_be_followed_is_unclear_and_ends() {
    // CALLDATASIZE JUMP: anywhere.
    assert_eq!(of(&hex!("365600"), Part::Own), Writes::Unclear);
    // JUMPDEST PUSH1 2 PUSH1 0 JUMP: a stack that grows until it is full, which ends the run.
    assert_eq!(of(&hex!("5b600260005600"), Part::Own), Writes::Never);
    // JUMPDEST PUSH1 0 JUMP: a loop that changes nothing.
    assert_eq!(of(&hex!("5b600056"), Part::Own), Writes::Never);
    // A counter from 0 up: JUMPDEST PUSH1 1 ADD PUSH1 2 JUMP.
    assert_eq!(of(&hex!("60005b600101600256"), Part::Own), Writes::Never);
}
