use alloy_primitives::{U256, b256, hex};
use tidegate_model::slots::{ADMIN_SLOT, IMPLEMENTATION_SLOT};

use super::*;

const UPGRADED: B256 = b256!("bc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b");
const ADMIN_CHANGED: B256 =
    b256!("7e644d79422f17c01e4894b5f4f588d331ebfa28653d42ae832dc59e38c9798f");

/// Code that a compiler made: OpenZeppelin's, and that of `code/Pokes.sol`.
macro_rules! code {
    ($name:literal) => {
        hex::decode(include_str!(concat!("code/", $name, ".hex")).trim()).unwrap()
    };
}

fn of(code: &[u8], part: Part) -> Writes {
    slot_writes(code, &watch(IMPLEMENTATION_SLOT, &[UPGRADED], part))
}

fn watch(slot: B256, topics: &[B256], part: Part) -> Watch<'_> {
    Watch { slot, topics, part, known: &[] }
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
    let known = [Address::ZERO, Address::with_last_byte(0xef)];
    let topics = [UPGRADED];
    let of = |code: &[u8], known: &[Address]| {
        let part = Part::Implementation;
        slot_writes(code, &Watch { slot: IMPLEMENTATION_SLOT, topics: &topics, part, known })
    };
    // The place of the library in the code is empty.
    assert_eq!(of(&library, &known), Writes::Never);
    assert_eq!(of(&constant, &known), Writes::Elsewhere);
    let beef = [Address::from_word(U256::from(0xbeef).into())];
    assert_eq!(of(&constant, &beef), Writes::Never);
}

#[test]
fn each_slot_has_its_event() {
    let proxy = code!("TransparentUpgradeableProxy");
    let own = |code: &[u8], slot, topic| slot_writes(code, &watch(slot, &[topic], Part::Own));
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
