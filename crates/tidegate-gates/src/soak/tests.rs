use tidegate_model::{BlockRef, ChainId};

use super::lifecycle::END_MARGIN_SECS;
use super::*;
use crate::told;

fn head(number: u64, timestamp: u64) -> Head {
    Head { block: BlockRef { number, hash: B256::ZERO }, timestamp }
}

fn user(last: u8, who: Who) -> User {
    User { address: Address::with_last_byte(last), who, transactions: 9 }
}

fn facts(windows: &[(u64, u64)]) -> SoakFacts {
    SoakFacts {
        network: "sepolia".to_owned(),
        head: head(9, 14 * WINDOW_SECS),
        latest: Some(head(11, 14 * WINDOW_SECS + 24)),
        start: 0,
        started_by: "anchor".to_owned(),
        posted: Ok(None),
        resets: Vec::new(),
        block_time_secs: 3_600,
        end_of_life: None,
        windows: windows
            .iter()
            .map(|&(blocks, elapsed_secs)| Window { blocks, elapsed_secs })
            .collect(),
        activity: Activity {
            transactions: 25,
            users: (0..3).map(|last| user(last, Who::Stranger)).collect(),
            indirect: 0,
            called: vec!["Vault.deposit".to_owned()],
            uncalled: vec!["Vault.pause".to_owned()],
            digest: B256::ZERO,
            ..Activity::default()
        },
        state: B256::ZERO,
        silent_slots: Vec::new(),
        samples: Vec::new(),
        faults: Vec::new(),
        missing: Vec::new(),
        inputs: Vec::new(),
    }
}

fn full(days: usize) -> SoakFacts {
    facts(&vec![(24, WINDOW_SECS); days])
}

fn report(facts: SoakFacts) -> GateReport {
    gate(&PolicyRules::default(), &Ok(facts))
}

#[test]
fn windows_count_only_where_the_chain_produced_blocks() {
    let rules = PolicyRules::default();
    let credited = |windows: &[(u64, u64)]| {
        let progress = progress(&rules, &facts(windows));
        (progress.credited_secs, progress.lost_windows)
    };
    assert_eq!(credited(&[(24, WINDOW_SECS), (12, WINDOW_SECS)]), (2 * WINDOW_SECS, 0));
    assert_eq!(credited(&[(24, WINDOW_SECS), (11, WINDOW_SECS)]), (WINDOW_SECS, 1));
    assert_eq!(credited(&[(24, WINDOW_SECS), (5, 36_000)]), (WINDOW_SECS + 36_000, 0));
    assert_eq!(credited(&[(24, WINDOW_SECS), (4, 36_000)]), (WINDOW_SECS, 0));
}

#[test]
fn what_does_not_count_is_listed_with_its_reason() {
    let mut soak = facts(&[(11, WINDOW_SECS), (24, WINDOW_SECS), (24, WINDOW_SECS), (4, 36_000)]);
    let pause = |from, until, reason: &str| Pause { from, until, reason: reason.to_owned() };
    let day = WINDOW_SECS;
    let slow = pause(0, day, "the chain produced 11 blocks of the 24 expected");
    let running =
        pause(3 * day, 3 * day + 36_000, "the chain produced 4 blocks of the 10 expected");
    assert_eq!(pauses(&soak), [slow.clone(), running]);
    soak.end_of_life = Some(EndOfLife { at: 2 * day, source: "its operators".to_owned() });
    let over =
        pause(2 * day, 3 * day + 36_000, "the network's end was 1970-01-03, says its operators");
    assert_eq!(pauses(&soak), [slow.clone(), over.clone()]);
    soak.latest = Some(head(71, soak.head.timestamp + 36_001));
    let from = soak.head.timestamp;
    let stalled =
        pause(from, from + 36_001, "finality has stalled 62 blocks behind the newest one");
    assert_eq!(pauses(&soak), [slow, over, stalled]);
    assert_eq!(progress(&PolicyRules::default(), &soak).credited_secs, day);
}

#[test]
fn verdicts() {
    let word = |facts: SoakFacts| told(&report(facts).verdict);
    assert_eq!(word(full(14)), "PASS");
    assert_eq!(word(full(13)), "WAITING too-young");
    let unread = gate(&PolicyRules::default(), &Err(Reason::unreadable("x")));
    assert_eq!(told(&unread.verdict), "UNKNOWN unreadable");
    let mut quiet = full(14);
    quiet.activity.transactions = 24;
    assert_eq!(word(quiet), "UNKNOWN too-few-transactions");
    let mut lonely = full(14);
    lonely.activity.users.pop();
    assert_eq!(word(lonely), "UNKNOWN too-few-senders");
    let mut narrow = full(14);
    narrow.activity.uncalled.push("Vault.setCap".to_owned());
    assert_eq!(word(narrow), "UNKNOWN too-few-functions");
    let mut swapped = full(13);
    swapped.faults.push(Reason::new(ReasonCode::ProbeDiffers, "implementation changed"));
    assert_eq!(word(swapped), "FAIL probe-differs");
    let mut reset = full(13);
    reset.resets = vec![Reset { time: 86_400, block: Some(7), reason: "Upgraded".to_owned() }];
    let reset = report(reset).verdict;
    assert_eq!(told(&reset), "WAITING too-young begun-anew");
    assert_eq!(reset.sentences()[1], "it started over on 1970-01-02: Upgraded");
}

#[test]
fn a_soak_must_be_complete_before_its_network_ends() {
    let ending = |days, at| {
        let mut soak = full(days);
        soak.end_of_life = Some(EndOfLife { at, source: "its operators".to_owned() });
        report(soak).verdict
    };
    let last = 15 * WINDOW_SECS + END_MARGIN_SECS;
    assert_eq!(ending(13, last).word(), "WAITING");
    let late = ending(13, last - 1);
    assert_eq!(told(&late), "UNKNOWN network-ends");
    assert!(late.sentences()[0].contains("sepolia ends on 1970-01-18, says its operators"));
    let over = ending(13, 13 * WINDOW_SECS);
    assert!(over.sentences()[0].contains("sepolia ended on 1970-01-14, says its operators"));
    assert_eq!(ending(14, 14 * WINDOW_SECS).word(), "PASS", "complete before the end");
    assert_eq!(ending(14, 0).word(), "UNKNOWN", "nothing counts after the end");
}

#[test]
fn a_slot_that_may_change_in_silence_needs_a_sample_each_day() {
    let sample = |day: u64, state: u8| {
        let timestamp = day * WINDOW_SECS + 60;
        let block = BlockRef { number: day, hash: B256::ZERO };
        SampleFact {
            digest: tidegate_model::StatementDigest(B256::ZERO),
            by: "kim".to_owned(),
            signer: Address::ZERO,
            block,
            timestamp,
            state: B256::repeat_byte(state),
            here: Some(Head { block, timestamp }),
            there: StateThere::Unasked,
            withdrawn: None,
        }
    };
    let mut soak = full(14);
    soak.silent_slots = vec!["Vault may write the implementation slot".to_owned()];
    let verdict = report(soak.clone()).verdict;
    assert_eq!(told(&verdict), "UNKNOWN silent-slot");
    let first = &verdict.sentences()[0];
    assert!(first.starts_with("Vault may write the implementation slot; nothing shows"), "{first}");
    soak.samples = (0..14).map(|day| sample(day, 0)).collect();
    assert_eq!(report(soak.clone()).verdict.word(), "PASS");
    soak.samples.remove(3);
    let verdict = report(soak.clone()).verdict;
    assert!(verdict.sentences()[0].contains("on 1 day of 14 (from 1970-01-04)"), "{verdict:?}");
    soak.samples.push(sample(3, 1));
    assert_eq!(told(&report(soak).verdict), "UNKNOWN silent-slot", "another state");
}

#[test]
fn contradicting_samples_are_unknown_until_they_are_taken_back() {
    let mut soak = full(14);
    let block = BlockRef { number: 5, hash: B256::repeat_byte(1) };
    soak.samples = vec![SampleFact {
        digest: tidegate_model::StatementDigest(B256::ZERO),
        by: "kim".to_owned(),
        signer: Address::ZERO,
        block,
        timestamp: 60,
        state: B256::ZERO,
        here: Some(head(5, 60)),
        there: StateThere::Unasked,
        withdrawn: None,
    }];
    let stands = report(soak.clone()).verdict;
    assert_eq!(told(&stands), "UNKNOWN sample-off-chain");
    assert_eq!(stands.reasons(), disputed(&PolicyRules::default(), &soak));
    soak.samples[0].withdrawn = Some(soak.samples[0].digest);
    assert_eq!(report(soak).verdict.word(), "PASS");
}

/// Where nobody can tell what was at a block it is an alarm, until a whole soak has passed since.
#[test]
fn a_state_that_nobody_can_read_holds_for_one_soak() {
    let mut soak = full(14);
    let block = BlockRef { number: 5, hash: B256::ZERO };
    soak.samples = vec![SampleFact {
        digest: tidegate_model::StatementDigest(B256::ZERO),
        by: "ada".to_owned(),
        signer: Address::ZERO,
        block,
        timestamp: 60,
        state: B256::repeat_byte(9),
        here: Some(head(5, 60)),
        there: StateThere::Forgotten,
        withdrawn: None,
    }];
    let verdict = report(soak.clone()).verdict;
    assert_eq!(told(&verdict), "UNKNOWN sample-state-unkept");
    assert!(verdict.sentences()[0].starts_with("ada saw"), "{verdict:?}");
    let other = SampleFact { there: StateThere::Read(soak.state), ..soak.samples[0].clone() };
    let named = report(SoakFacts { samples: vec![other], ..soak.clone() });
    assert_eq!(named.verdict.word(), "PASS");
    assert!(named.summary.contains("by ada does not count"), "{}", named.summary);
    let mut longer = full(16);
    longer.samples.clone_from(&soak.samples);
    assert_eq!(report(longer).verdict.word(), "PASS");
    let since = SoakFacts { samples: soak.samples, ..full(15) };
    assert_eq!(report(since).verdict.word(), "PASS", "whole days since");
}

#[test]
fn outsiders_are_named_where_somebody_knows_them() {
    let said = |users: Vec<User>| Activity { users, ..Activity::default() }.outsiders();
    let kim = || Who::Person("kim".to_owned());
    assert_eq!(said(vec![]), "0 strangers");
    assert_eq!(said(vec![user(1, Who::Stranger)]), "1 stranger");
    assert_eq!(said(vec![user(2, kim())]), "1 outsider (kim)");
    let all = vec![
        user(1, Who::Stranger),
        user(2, kim()),
        user(3, kim()),
        user(4, Who::Request("1a2b3c4d".to_owned())),
    ];
    assert_eq!(said(all), "4 outsiders (kim ×2, request 1a2b3c4d, 1 stranger)");
}

#[test]
fn networks_are_not_added_up_and_one_contradiction_counts() {
    let other = |verdict| OtherSoak {
        network: "hoodi".to_owned(),
        has_record: true,
        reports: vec![GateReport {
            gate: GateId::Soak,
            verdict,
            summary: "3d of 14d on hoodi".to_owned(),
            inputs: Vec::new(),
        }],
        gone: Vec::new(),
        disputed: Vec::new(),
    };
    let merged = |verdict| with_others(report(full(14)), &[other(verdict)]);
    let waiting = merged(Verdict::Waiting { reasons: Vec::new(), eta: None });
    assert_eq!(waiting.verdict.word(), "PASS");
    assert!(waiting.summary.ends_with("; WAITING with 3d of 14d on hoodi"), "{}", waiting.summary);
    let without = |gone: &[&str]| {
        let gone = gone.iter().map(ToString::to_string).collect();
        let (network, reports) = ("hoodi".to_owned(), Vec::new());
        let disputed = Vec::new();
        let other = OtherSoak { network, has_record: false, reports, gone, disputed };
        with_others(report(full(14)), &[other])
    };
    let never = without(&[]);
    assert_eq!(never.verdict.word(), "PASS");
    assert!(never.summary.ends_with("; no record of it on hoodi"), "{}", never.summary);
    let code = GateReport { gate: GateId::Code, ..report(full(14)) };
    let (network, reports) = ("hoodi".to_owned(), Vec::new());
    let (gone, disputed) = (vec!["record vault-1.json is gone".to_owned()], Vec::new());
    let other_network = OtherSoak { network, has_record: false, reports, gone, disputed };
    let merged_code = with_others(code.clone(), &[other_network]);
    assert_eq!((merged_code.verdict, merged_code.summary), (code.verdict, code.summary));
    let gone = without(&["record vault-1.json is gone", "record vault-2.json is gone"]);
    assert_eq!(told(&gone.verdict), "UNKNOWN record-gone record-gone");
    let reasons = ["hoodi: record vault-1.json is gone", "hoodi: record vault-2.json is gone"];
    assert_eq!(gone.verdict.sentences(), reasons);
    let mut seen = other(Verdict::Pass);
    seen.disputed.push(Reason::new(ReasonCode::SampleOffChain, "kim saw another block"));
    let disputed = with_others(report(full(14)), &[seen]).verdict;
    assert_eq!(told(&disputed), "UNKNOWN sample-off-chain");
    assert_eq!(disputed.sentences(), ["hoodi: kim saw another block"]);
    let failed = merged(Verdict::fail(ReasonCode::ProbeDiffers, "swapped")).verdict;
    assert_eq!(failed.sentences(), ["hoodi: swapped"]);
    assert_eq!(told(&failed), "FAIL probe-differs");
}

#[test]
fn no_more_is_credited_than_passed_on_the_target() {
    let rules = PolicyRules::default();
    let day = WINDOW_SECS;
    let with = |posted_at| {
        let target = "mainnet".to_owned();
        let (chain, head) = (ChainId(1), head(9, 100 * day));
        let post = StartPost { target, chain, head, posted_at, subject: B256::ZERO };
        SoakFacts { posted: Ok(Some(post)), ..full(14) }
    };
    let credited = |posted_at| progress(&rules, &with(posted_at)).credited_secs;
    assert_eq!(credited(Some(86 * day)), 14 * day);
    assert_eq!(credited(Some(100 * day - 7_200)), 7_200);
    assert_eq!((credited(Some(101 * day)), credited(None)), (0, 0));
    assert_eq!(report(with(Some(86 * day))).verdict, Verdict::Pass);
    let waiting = report(with(Some(100 * day - 7_200))).verdict;
    assert_eq!(told(&waiting), "WAITING too-young start-posted-late");
    let text = waiting.sentences().join("; ");
    assert!(text.contains("posted on mainnet on 1970-04-10 22:00 UTC, 2h ago"), "{text}");
    let nobody = report(with(None)).verdict;
    assert_eq!(told(&nobody), "UNKNOWN start-not-posted");
    assert!(nobody.sentences()[0].contains("`tidegate record start --target mainnet"));
    let unread = SoakFacts { posted: Err(Reason::unreadable("mainnet is silent")), ..full(14) };
    assert_eq!(told(&report(unread).verdict), "UNKNOWN unreadable");
}

#[test]
fn what_is_left_is_said_with_the_days_that_did_not_count() {
    let left = |windows: &[(u64, u64)]| report(facts(windows)).verdict.sentences()[0].clone();
    let day = WINDOW_SECS;
    assert_eq!(left(&[(24, day); 12]), "2d of chain time left");
    let mut slow = [(24, day); 12];
    slow[3] = (0, day);
    slow[4] = (0, day);
    assert_eq!(left(&slow), "4d of chain time left; 2 days did not count");
}

#[test]
fn five_days_without_a_sample_are_named() {
    let named = |days: usize| {
        let mut soak = full(days);
        soak.silent_slots = vec!["a slot".to_owned()];
        let reasons = report(soak).verdict.reasons();
        let silent = reasons.into_iter().find(|reason| reason.code == ReasonCode::SilentSlot);
        silent.unwrap().text
    };
    assert!(named(5).contains("on 5 days of 5 (from 1970-01-01, 1970-01-02"), "{}", named(5));
    assert!(named(5).contains("1970-01-05)"), "{}", named(5));
    assert!(named(6).contains("1970-01-05, …)"), "{}", named(6));
}

#[test]
fn days_apart_are_apart_and_finality_may_lag_a_little() {
    let day = WINDOW_SECS;
    let mut soak = facts(&[(0, day), (24, day), (0, day), (0, day)]);
    let spans = |soak: &SoakFacts| -> Vec<(u64, u64)> {
        pauses(soak).iter().map(|pause| (pause.from, pause.until)).collect()
    };
    assert_eq!(spans(&soak), [(0, day), (2 * day, 4 * day)]);
    // Ten blocks of an hour.
    let finalized = soak.head.timestamp;
    soak.latest = Some(head(19, finalized + 36_000));
    assert_eq!(spans(&soak).len(), 2);
    soak.latest = Some(head(19, finalized + 36_001));
    assert_eq!(spans(&soak)[2], (finalized, finalized + 36_001));
    // An hour, however fast blocks come.
    soak.block_time_secs = 12;
    soak.latest = Some(head(19, finalized + 3_600));
    soak.windows.clear();
    assert_eq!(spans(&soak), []);
    soak.latest = Some(head(19, finalized + 3_601));
    assert_eq!(spans(&soak), [(finalized, finalized + 3_601)]);
}
