use super::*;

fn sample(by: &str, number: u64, hash: u8, here: Option<u8>, state: u8) -> SampleFact {
    let block = |hash| BlockRef { number, hash: B256::repeat_byte(hash) };
    let timestamp = number * 3_600;
    SampleFact {
        digest: StatementDigest(B256::repeat_byte(hash ^ state)),
        by: by.to_owned(),
        signer: Address::left_padding_from(by.as_bytes()),
        block: block(hash),
        timestamp,
        state: B256::repeat_byte(state),
        here: here.map(|hash| Head { block: block(hash), timestamp }),
        there: StateThere::Unasked,
        withdrawn: None,
    }
}

#[test]
fn samples_that_contradict_are_named() {
    let found = |samples: &[SampleFact]| contradictions("sepolia", samples);
    let same = [sample("kim", 5, 1, Some(1), 7), sample("eva", 5, 1, Some(1), 7)];
    assert_eq!(found(&same), []);
    assert_eq!(found(&[sample("kim", 5, 1, None, 7)]), [], "it is not final here yet");
    let one = |samples: &[SampleFact], code, names: &[&str]| {
        let found = found(samples);
        assert_eq!(found.iter().map(|reason| reason.code).collect::<Vec<_>>(), [code]);
        assert!(names.iter().all(|name| found[0].text.contains(name)), "{found:?}");
    };
    let gone = [sample("kim", 5, 1, Some(2), 7)];
    let names = ["kim", "block 5 of sepolia", "hash 0x0101", "chain has 0x0202"];
    one(&gone, ReasonCode::SampleOffChain, &names);
    let ahead = [sample("kim", 5, 1, None, 7), sample("eva", 5, 2, None, 7)];
    let names = ["kim and eva", "blocks 5 of sepolia", ": if kim"];
    one(&ahead, ReasonCode::SamplesOfOtherBlocks, &names);
    // Of what is not final here yet one person contradicts nobody alone.
    let alone = [sample("ada", 900, 1, None, 7), sample("ada", 900, 2, None, 7)];
    assert_eq!(found(&alone), []);
    let mut late = sample("kim", 5, 1, Some(1), 7);
    late.timestamp += 1;
    one(&[late.clone()], ReasonCode::SampleMisdated, &["kim", "block 5"]);
    assert!(!late.is_canonical());
}

#[test]
fn a_sample_of_another_state_restarts_and_covers_nothing() {
    let state = B256::repeat_byte(7);
    let day = |day: u64, state| sample("kim", day * 24 + 1, 1, Some(1), state);
    let mut samples = [day(0, 7), day(1, 8), day(2, 7)];
    assert_eq!(changed(&samples, state), [], "nobody has looked");
    samples[1].there = StateThere::Read(B256::repeat_byte(8));
    let resets = changed(&samples, state);
    assert_eq!(resets.iter().map(|reset| reset.block).collect::<Vec<_>>(), [Some(25)]);
    let windows = [Window { blocks: 24, elapsed_secs: WINDOW_SECS }; 3];
    assert_eq!(uncovered(0, &windows, &samples, state), [WINDOW_SECS]);
    let running = [windows[0], Window { blocks: 1, elapsed_secs: 60 }];
    assert_eq!(uncovered(0, &running, &samples, state), [0; 0], "now is read from the chain");
    let gone = [sample("kim", 1, 1, Some(2), 7)];
    assert_eq!(uncovered(0, &windows[..1], &gone, state), [0]);
}

/// What somebody says of a sample: the block at this height has this hash.
fn word(by: &str, of: &SampleFact, number: u64, hash: u8) -> WithdrawalFact {
    WithdrawalFact {
        digest: StatementDigest(B256::repeat_byte(0x77)),
        signer: Address::left_padding_from(by.as_bytes()),
        by: Some(by.to_owned()),
        sample: of.digest,
        block: BlockRef { number, hash: B256::repeat_byte(hash) },
        timestamp: number * 3_600,
    }
}

#[test]
fn its_author_takes_a_wrong_sample_back_and_nobody_else() {
    let wrong = sample("kim", 5, 1, Some(2), 7);
    let stands = |said: &[WithdrawalFact]| {
        let sample = wrong.clone().withdrawn_by(said);
        assert!(!sample.counts(), "what is no block of the chain never counts");
        !contradictions("sepolia", &[sample]).is_empty()
    };
    let right = word("kim", &wrong, 5, 2);
    assert!(stands(&[]));
    assert!(!stands(std::slice::from_ref(&right)));
    let other = sample("kim", 5, 3, Some(2), 7);
    let cases: [(&str, WithdrawalFact); 6] = [
        ("another person", word("eva", &wrong, 5, 2)),
        ("another wrong block", word("kim", &wrong, 5, 3)),
        ("the wrong block again", word("kim", &wrong, 5, 1)),
        ("another height", word("kim", &wrong, 6, 2)),
        ("another sample", word("kim", &other, 5, 2)),
        ("another time", WithdrawalFact { timestamp: 1, ..right.clone() }),
    ];
    for (what, said) in &cases {
        assert!(stands(std::slice::from_ref(said)), "{what}");
    }
    // What does not hold hides nothing that does.
    let all: Vec<_> = cases.into_iter().map(|(_, said)| said).chain([right.clone()]).collect();
    assert!(!stands(&all));
    // Above the final head nobody knows yet.
    let ahead = [sample("kim", 5, 1, None, 7), sample("eva", 5, 2, None, 7)];
    let ahead = ahead.map(|sample| sample.withdrawn_by(&[word("kim", &wrong, 5, 2)]));
    assert_eq!(contradictions("sepolia", &ahead).len(), 1);
    // The chain may come back to what was seen first: then that stands, and is right.
    let back = sample("kim", 5, 1, Some(1), 7).withdrawn_by(&[right]);
    assert!(back.counts() && contradictions("sepolia", &[back]).is_empty());
}

#[test]
fn a_right_sample_of_another_height_or_person_silences_nothing() {
    let wrong = sample("kim", 5, 1, Some(2), 7);
    for right in [sample("kim", 6, 1, Some(1), 7), sample("eva", 4, 1, Some(1), 7)] {
        let found = contradictions("sepolia", &[wrong.clone(), right]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].text.ends_with(&format!("`tidegate record withdraw {}`", wrong.digest)));
    }
    // A right one of the same height says who of both is wrong, and silences nothing either.
    let found = contradictions("sepolia", &[wrong, sample("kim", 5, 2, Some(2), 7)]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn one_that_is_taken_back_restarts_and_covers_nothing() {
    let state = B256::repeat_byte(7);
    let mut pair = [sample("kim", 5, 1, Some(1), 7), sample("eva", 5, 1, Some(1), 8)];
    assert_eq!(to_look_at(&pair, state, 0), [pair[1].block].into());
    let said = [word("eva", &pair[1], 5, 1)];
    pair = pair.map(|sample| sample.withdrawn_by(&said));
    assert!(to_look_at(&pair, state, 0).is_empty() && changed(&pair, state).is_empty());
    let windows = [Window { blocks: 24, elapsed_secs: WINDOW_SECS }];
    assert_eq!(uncovered(0, &windows, &pair[..1], state), [0; 0]);
    assert_eq!(uncovered(0, &windows, &pair[1..], B256::repeat_byte(8)), [0]);
}

/// What the chain has at a block decides, whoever says what of it.
#[test]
fn the_state_of_a_block_is_the_chain_s_to_say() {
    let state = B256::repeat_byte(7);
    let read = |byte| StateThere::Read(B256::repeat_byte(byte));
    let seen = |by, says, there| SampleFact { there, ..sample(by, 5, 1, Some(1), says) };
    // Invented: it restarts nothing and is named.
    let invented = [seen("ada", 9, read(7)), seen("kim", 7, read(7))];
    assert_eq!(changed(&invented, state), []);
    assert!(!invented[0].counts() && invented[1].counts());
    assert!(contradictions("sepolia", &invented).is_empty());
    let named = set_aside(&invented);
    assert!(named.len() == 1 && named[0].contains("by ada does not count: block 5"), "{named:?}");
    // True: it restarts, whoever says otherwise of the same block.
    let denied = [seen("ada", 9, read(9)), seen("kim", 7, read(9))];
    let resets: Vec<_> = changed(&denied, state).into_iter().map(|reset| reset.reason).collect();
    assert!(resets.len() == 1 && resets[0].starts_with("ada saw other code"), "{resets:?}");
    assert!(!denied[1].counts(), "who says that nothing was changed is wrong");
    // Wrong, and the block was another one all the same.
    let resets = changed(&[seen("ada", 9, read(8))], state);
    assert!(resets[0].reason.starts_with("block 5 has other code"), "{resets:?}");
}

#[test]
fn of_each_author_the_newest_are_looked_at() {
    let state = B256::repeat_byte(7);
    let mut samples: Vec<_> = (1..90).map(|at| sample("ada", at, 1, Some(1), 8)).collect();
    samples.push(sample("kim", 3, 1, Some(1), 8));
    samples.push(sample("kim", 91, 1, Some(1), 7));
    samples.push(sample("eva", 92, 1, None, 8));
    let numbers = |since| -> Vec<u64> {
        to_look_at(&samples, state, since).into_iter().map(|block| block.number).collect()
    };
    let newest: Vec<u64> = (90 - LOOKS_MAX as u64..90).collect();
    assert_eq!(numbers(0), [&[3], &newest[..]].concat());
    assert_eq!(numbers(88 * 3_600), [88, 89]);
}

/// Where nobody keeps the state of its block, two others who did not deploy say that it was wrong.
#[test]
fn what_no_endpoint_keeps_is_for_two_others_to_say() {
    let lost = SampleFact { there: StateThere::Forgotten, ..sample("ada", 5, 1, Some(1), 9) };
    let by = |who: &str| word(who, &lost, 5, 1);
    let none = |who: &str| WithdrawalFact { by: None, ..word(who, &lost, 5, 1) };
    let stands = |said: &[WithdrawalFact]| lost.clone().withdrawn_by(said).withdrawn.is_none();
    assert!(stands(&[]) && stands(&[by("kim")]));
    assert!(stands(&[by("kim"), by("kim")]), "one person is one");
    assert!(stands(&[by("kim"), none("eva")]), "who deployed speaks for nobody");
    assert!(stands(&[by("kim"), word("bo", &lost, 5, 2)]), "another block");
    assert!(!stands(&[by("kim"), by("bo")]));
    assert!(!stands(&[by("ada")]), "its author alone");
    // What the chain can say is for nobody else to say.
    for there in [StateThere::Unasked, StateThere::Read(lost.state)] {
        let known = SampleFact { there, ..lost.clone() };
        assert!(known.withdrawn_by(&[by("kim"), by("bo")]).withdrawn.is_none());
    }
}
