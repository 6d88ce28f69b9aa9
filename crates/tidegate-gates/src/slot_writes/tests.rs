use alloy_primitives::{b256, hex};
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
    slot_writes(code, IMPLEMENTATION_SLOT, &[UPGRADED], part)
}

#[test]
fn code_of_compilers_is_followed() {
    use Part::{Implementation, Library, Own};
    for (name, code, part, expected) in [
        ("ERC1967Proxy", code!("ERC1967Proxy"), Own, Writes::Never),
        ("transparent proxy", code!("TransparentUpgradeableProxy"), Own, Writes::Announced),
        ("UUPS implementation", code!("UUPS"), Implementation, Writes::Announced),
        ("constant", code!("PokeConstant"), Implementation, Writes::Silently),
        ("constant in a library", code!("PokeConstant"), Library, Writes::Silently),
        ("announced", code!("PokeAnnounced"), Implementation, Writes::Announced),
        ("anywhere, with the topic", code!("PokeAnywhere"), Implementation, Writes::Anywhere),
        ("a library's argument", code!("PokeAnywhere"), Library, Writes::Never),
        ("elsewhere", code!("PokeElsewhere"), Implementation, Writes::Elsewhere),
        ("a proxy's purpose", code!("PokeElsewhere"), Own, Writes::Never),
        ("ordinary", code!("PokeNever"), Implementation, Writes::Never),
        ("nothing", Vec::new(), Own, Writes::Never),
    ] {
        assert_eq!(of(&code, part), expected, "{name}");
    }
}

#[test]
fn each_slot_has_its_event() {
    let proxy = code!("TransparentUpgradeableProxy");
    assert_eq!(slot_writes(&proxy, ADMIN_SLOT, &[ADMIN_CHANGED], Part::Own), Writes::Never);
    assert_eq!(of(&proxy, Part::Own), Writes::Announced);
    let without = slot_writes(&proxy, IMPLEMENTATION_SLOT, &[ADMIN_CHANGED], Part::Own);
    assert_eq!(without, Writes::Silently);
    let beacon = code!("UpgradeableBeacon");
    let slot = B256::with_last_byte(1);
    assert_eq!(slot_writes(&beacon, slot, &[UPGRADED], Part::Own), Writes::Announced);
    assert_eq!(slot_writes(&beacon, slot, &[ADMIN_CHANGED], Part::Own), Writes::Silently);
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
