//! What instructions make of values, by what they mean on the machine.

use super::*;

const P: Place = Place::Slot(U256::from_limbs([1, 0, 0, 0]));
const Q: Place = Place::Slot(U256::from_limbs([2, 0, 0, 0]));
/// A slot as standards choose them.
const FAR: U256 = U256::from_limbs([0, 0, 0, 7]);
const ANY: Value = Lower(P, UNKNOWN);

const ADD: u8 = 0x01;
const MUL: u8 = 0x02;
const SUB: u8 = 0x03;
const DIV: u8 = 0x04;
const LT: u8 = 0x10;
const GT: u8 = 0x11;
const EQ: u8 = 0x14;
const ISZERO: u8 = 0x15;
const AND: u8 = 0x16;
const NOT: u8 = 0x19;
const SHL: u8 = 0x1b;
const SHR: u8 = 0x1c;
const SLOAD: u8 = 0x54;

fn c(number: u64) -> Value {
    Constant(U256::from(number))
}

/// The place of a mapping's entry, or of an array's elements, in this slot.
fn behind_slot(bytes: u64, slot: Value) -> Value {
    let mut memory = Memory::default();
    memory.write(c(0), if bytes == 32 { slot } else { Other });
    memory.write(c(32), slot);
    hash(c(bytes), &memory, c(0))
}

#[track_caller]
fn makes(op: u8, cases: &[(Value, Value, Value)]) {
    for (a, b, expected) in cases {
        assert_eq!(operate(op, *a, *b), *expected, "{op:#x} {a:?} {b:?}");
    }
}

/// The same in either order.
#[track_caller]
fn makes_either_way(op: u8, cases: &[(Value, Value, Value)]) {
    makes(op, cases);
    let turned: Vec<_> = cases.iter().map(|(a, b, made)| (*b, *a, *made)).collect();
    makes(op, &turned);
}

#[test]
fn constants_are_computed() {
    makes_either_way(ADD, &[(c(2), c(3), c(5)), (Constant(U256::MAX), c(1), c(0))]);
    makes_either_way(MUL, &[(c(2), c(3), c(6))]);
    makes(SUB, &[(c(5), c(3), c(2)), (c(0), c(1), Constant(U256::MAX))]);
    makes_either_way(AND, &[(c(6), c(3), c(2))]);
    makes_either_way(0x17, &[(c(6), c(3), c(7))]);
    makes_either_way(0x18, &[(c(6), c(3), c(5))]);
    makes(SHL, &[(c(4), c(1), c(16)), (c(256), c(1), c(0)), (c(255), c(2), c(0))]);
    makes(SHR, &[(c(4), c(32), c(2)), (c(256), c(1), c(0)), (Constant(FAR), c(1), c(0))]);
    assert_eq!(result(NOT, Some(c(0))), Constant(U256::MAX));
}

#[test]
fn what_a_slot_holds_less_something_may_be_below_zero() {
    let less_one = Constant(U256::MAX);
    makes(
        SUB,
        &[(Held(P), c(3), Lower(P, 3)), (Held(P), c(0), Held(P)), (Held(P), less_one, Given)],
    );
    makes_either_way(ADD, &[(Held(P), less_one, Lower(P, 1)), (Positive(P), less_one, Stored(P))]);
    makes(SUB, &[(Positive(P), c(1), Stored(P)), (Positive(P), c(2), ANY)]);
    makes(SUB, &[(Stored(P), c(1), ANY), (Lower(P, 1), c(1), ANY), (Stored(P), Given, Given)]);
    makes_either_way(ADD, &[(Stored(P), c(1), Stored(P)), (Stored(P), less_one, ANY)]);
    makes_either_way(ADD, &[(Lower(P, 1), c(1), ANY), (Lower(P, 1), Given, Given)]);
    // How compilers find that it is.
    makes(GT, &[(Lower(P, 1), Held(P), Wrapped(P, 1)), (Lower(P, 1), Held(Q), Size)]);
    makes(LT, &[(Held(P), Lower(P, 1), Wrapped(P, 1)), (Held(P), ANY, Size)]);
    assert_eq!(Lower(P, 1).given(NotWrapped(P, 1)), Stored(P));
    for other in [NotWrapped(P, 2), NotWrapped(Q, 1), Wrapped(P, 1)] {
        assert_eq!(Lower(P, 1).given(other), Lower(P, 1), "{other:?}");
    }
}

#[test]
fn whether_a_slot_holds_something_is_known_once_it_was_asked() {
    makes_either_way(EQ, &[(Held(P), c(0), IsZero(P)), (Held(P), c(1), Size)]);
    makes(LT, &[(Held(P), c(1), IsZero(P)), (c(0), Held(P), NotZero(P))]);
    makes(GT, &[(c(1), Held(P), IsZero(P)), (Held(P), c(0), NotZero(P))]);
    for (asked, opposite) in [
        (IsZero(P), NotZero(P)),
        (NotZero(P), IsZero(P)),
        (Held(P), IsZero(P)),
        (Wrapped(P, 1), NotWrapped(P, 1)),
        (NotWrapped(P, 1), Wrapped(P, 1)),
        (Within(7, Some(P)), Beyond(7, Some(P))),
        (Beyond(7, None), Within(7, None)),
        (Given, Size),
        (Other, Other),
        (Unknown(7), Other),
    ] {
        assert_eq!(result(ISZERO, Some(asked)), opposite, "{asked:?}");
    }
    assert_eq!((Held(P).given(NotZero(P)), Held(P).given(Held(P))), (Positive(P), Positive(P)));
    assert_eq!((Held(P).given(NotZero(Q)), Held(P).given(IsZero(P))), (Held(P), Held(P)));
}

#[test]
fn a_part_of_a_word_is_told_from_its_address() {
    let address = Constant(ADDRESS);
    makes_either_way(AND, &[(Held(P), address, Held(P)), (Positive(P), address, Positive(P))]);
    makes_either_way(AND, &[(Told, address, Told), (Held(P), c(0xff), Stored(P))]);
    makes_either_way(AND, &[(Lower(P, 1), c(0xff), ANY), (Size, Given, Size)]);
}

#[test]
fn numbers_below_a_length_are_an_index() {
    let [of_slot, of_any] = [Index(Some(P)), Index(None)];
    makes(LT, &[(Unknown(7), Held(P), Within(7, Some(P))), (Unknown(7), c(5), Within(7, None))]);
    makes(GT, &[(Held(P), Unknown(7), Within(7, Some(P))), (Unknown(7), c(5), Beyond(7, None))]);
    makes(LT, &[(c(5), Unknown(7), Beyond(7, None)), (Unknown(7), Constant(FAR), Other)]);
    makes(LT, &[(Unknown(7), Unknown(8), Other), (Unknown(7), Given, Other)]);
    makes_either_way(ADD, &[(of_slot, c(1), of_slot), (of_slot, Given, Other)]);
    makes_either_way(MUL, &[(of_slot, c(2), of_slot), (of_any, c(2), of_any)]);
    makes_either_way(MUL, &[(Stored(P), c(2), of_slot), (Lower(P, 1), c(2), of_slot)]);
    makes(DIV, &[(Stored(P), c(2), Stored(P)), (Lower(P, 1), c(2), Given)]);
    makes(SHR, &[(c(1), Stored(P), Stored(P)), (c(1), of_slot, of_slot)]);
    makes(SHL, &[(c(1), Stored(P), of_slot), (c(1), Lower(P, 1), of_slot)]);
}

#[test]
fn what_lies_behind_a_hash_or_a_far_slot() {
    let entry = behind_slot(64, c(5));
    let next = operate(ADD, entry, c(1));
    assert!(matches!(next, Hash(shape) if Hash(shape) != entry && shape != Shape::LOST));
    assert_eq!((operate(ADD, c(1), entry), operate(ADD, entry, c(0))), (next, entry));
    let some = operate(ADD, entry, Held(P));
    assert!(matches!(some, Hash(shape) if some != entry && some != next && shape != Shape::LOST));
    makes_either_way(ADD, &[(entry, Unknown(7), Near), (entry, c(1 << 40), Other)]);
    makes_either_way(ADD, &[(Near, c(1), Near), (Near, Unknown(7), Near)]);
    let lost = Hash(Shape::LOST);
    makes_either_way(ADD, &[(lost, c(1), lost), (lost, Held(P), lost)]);
    let far = Constant(FAR);
    makes_either_way(ADD, &[(far, Held(P), Behind(FAR)), (Behind(FAR), c(1), Behind(FAR))]);
    makes_either_way(ADD, &[(far, Unknown(7), Other), (c(1), Held(P), Stored(P))]);
    makes_either_way(ADD, &[(Small, c(1), Small), (Small, Small, Small)]);
}

#[test]
fn equal_places_have_equal_shapes() {
    let entries = [
        behind_slot(64, c(5)),
        behind_slot(64, c(6)),
        behind_slot(32, c(5)),
        behind_slot(64, behind_slot(64, c(5))),
        behind_slot(64, behind_slot(64, c(6))),
    ];
    for (index, one) in entries.iter().enumerate() {
        assert!(one.place().is_some_and(Place::is_known), "{index}");
        assert!(entries[..index].iter().all(|other| other != one), "{index}");
    }
    assert_eq!(entries[0], behind_slot(64, c(5)));
    for lost in [behind_slot(64, Other), behind_slot(64, Hash(Shape::LOST))] {
        assert_eq!(lost, Hash(Shape::LOST));
        assert!(!lost.place().unwrap().is_known());
    }
    assert_eq!((behind_slot(96, c(5)), hash(Other, &Memory::default(), c(0))), (Other, Other));
    assert_eq!(hash(c(64), &Memory::default(), Other), Hash(Shape::LOST));
}

#[test]
fn places_and_lengths() {
    assert_eq!((c(1).place(), Other.place(), Held(P).place()), (Some(P), None, None));
    assert!(matches!(Behind(FAR).place(), Some(Place::Behind(shape)) if shape != Shape::LOST));
    assert_eq!(result(SLOAD, Some(c(1))), Held(P));
    assert_eq!(result(SLOAD, Some(Other)), Other);
    for held in [Held(P), Positive(P), Stored(P)] {
        assert_eq!(held.length(), Some(Some(P)));
    }
    assert_eq!((c(3).length(), Constant(FAR).length(), Given.length()), (Some(None), None, None));
}

#[test]
fn two_ways_to_one_instruction_are_merged() {
    let (entry, other) = (behind_slot(64, c(5)), behind_slot(64, c(6)));
    let next = Constant(FAR + U256::from(1));
    for (a, b, both) in [
        (c(1), c(1), c(1)),
        (c(1), c(2), Small),
        (c(1), Small, Small),
        (Size, c(1), Size),
        (Size, IsZero(P), Size),
        (Held(P), Stored(P), Stored(P)),
        (Held(P), Positive(P), Stored(P)),
        (Held(P), Held(Q), Given),
        (entry, other, Hash(Shape::LOST)),
        (entry, c(1), Hash(Shape::LOST)),
        (entry, Near, Near),
        (entry, Given, Given),
        (Constant(FAR), next, Behind(FAR)),
        (Behind(FAR), next, Behind(FAR)),
        (Constant(FAR), Constant(FAR + U256::from(1_u64 << 40)), Given),
        (Lower(P, 1), Stored(P), ANY),
        (Lower(P, 1), Lower(P, 2), ANY),
        (Lower(P, 1), Stored(Q), Given),
        (Index(Some(P)), c(1), Index(None)),
        (Index(Some(P)), Index(Some(Q)), Other),
        (Given, Other, Other),
        (Unknown(1), Unknown(2), Other),
    ] {
        assert_eq!((merge(a, b), merge(b, a)), (both, both), "{a:?} {b:?}");
    }
}

/// What was read before something may have been stored is no longer what is there.
#[test]
fn what_was_read_ages() {
    for (fresh, old) in [
        (Held(P), Stored(P)),
        (Lower(P, 1), ANY),
        (IsZero(P), Size),
        (NotZero(P), Size),
        (Wrapped(P, 1), Size),
        (NotWrapped(P, 1), Size),
        (Stored(P), Stored(P)),
        (Given, Given),
    ] {
        assert_eq!(fresh.aged(), old, "{fresh:?}");
    }
}

#[test]
fn who_chooses_a_value() {
    for (op, made) in [
        (0x30, Itself),
        (0x3d, Size),
        (0x5a, Size),
        (0xf1, Size),
        (0xfa, Size),
        (0x42, Given),
        (0x31, Given),
        (0xf0, Given),
        (0xf5, Given),
        (0x33, Other),
        (0x35, Other),
    ] {
        assert_eq!(result(op, Some(Other)), made, "{op:#x}");
    }
    assert_eq!((result(NOT, Some(Given)), result(NOT, Some(Other))), (Given, Other));
    makes_either_way(ADD, &[(Size, Size, Size), (Size, Given, Given), (Given, Other, Other)]);
    makes_either_way(MUL, &[(Size, Size, Given), (Near, c(2), Other)]);
    for chosen in [Unknown(1), Other, Near, Index(None)] {
        assert!(chosen.is_chosen(), "{chosen:?}");
    }
    assert!(![Held(P), Size, Given, c(1), Told].into_iter().any(Value::is_chosen));
}

#[test]
fn memory_holds_words_until_something_else_may_be_there() {
    let mut memory = Memory::default();
    memory.write(c(0), Held(P));
    memory.write(c(32), Unknown(7));
    assert_eq!((memory.read(c(0)), memory.read(c(32))), (Some(Held(P)), Some(Unknown(7))));
    assert_eq!((memory.read(c(1)), memory.read(Other)), (None, None));
    memory.outdate(Unknown(8));
    assert_eq!(memory.read(c(32)), Some(Unknown(7)));
    memory.outdate(Unknown(7));
    assert_eq!((memory.read(c(0)), memory.read(c(32))), (Some(Held(P)), None));
    memory.age();
    assert_eq!(memory.read(c(0)), Some(Stored(P)));
    // A word that begins inside of another one, from either side.
    for at in [1, 31] {
        let mut memory = Memory::default();
        memory.write(c(32), c(1));
        memory.write(c(32 + at), c(2));
        assert_eq!((memory.read(c(32)), memory.read(c(32 + at))), (None, Some(c(2))), "{at}");
        memory.write(c(32), c(3));
        assert_eq!((memory.read(c(32)), memory.read(c(32 + at))), (Some(c(3)), None), "{at}");
    }
    memory.write(Other, c(1));
    assert_eq!(memory.read(c(0)), None, "it may be anywhere");
    memory.copy(c(0), c(1), c(32), &[9, 7]);
    assert_eq!(memory.read(c(0)), Some(Constant(U256::from(7) << 248)));
    memory.copy(c(64), c(1), c(31), &[9, 7]);
    assert_eq!(memory.read(c(0)), None, "of how much was copied nothing is known");
}
