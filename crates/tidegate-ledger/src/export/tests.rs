use std::io::Write as _;
use std::process::{Command, Stdio};

use alloy_primitives::{I256, U256};

use super::*;
use crate::build::build_ledger;
use crate::fixture::{Sim, whole_story};

const GOLDEN: [(Format, &str); 3] = [
    (Format::Journal, include_str!("golden/story.journal")),
    (Format::Beancount, include_str!("golden/story.beancount")),
    (Format::Csv, include_str!("golden/story.csv")),
];

/// The checkers, each reading from standard input in its strictest mode.
const CHECKERS: [(Format, &[&str]); 3] = [
    (Format::Journal, &["hledger", "-f", "-", "check", "-s", "ordereddates"]),
    (Format::Journal, &["ledger", "-f", "-", "--strict", "--pedantic", "bal"]),
    (Format::Beancount, &["bean-check", "/dev/stdin"]),
];

fn story() -> Ledger {
    build_ledger(&whole_story().facts()).unwrap()
}

#[test]
fn golden_files() {
    for (format, golden) in GOLDEN {
        let text = export(&story(), format).unwrap();
        assert!(text.is_ascii() && text.ends_with('\n'));
        // In the repository every line ends alike.
        assert_eq!(text.replace("\r\n", "\n"), golden, "{format:?}");
        assert_eq!(text.contains("\r\n"), format == Format::Csv);
    }
}

/// Whether a checker accepts the text; `None` where it is not installed.
fn accepted(command: &[&str], text: &str) -> Option<bool> {
    let child = Command::new(command[0])
        .args(&command[1..])
        // Without an encoding hledger reads ASCII alone.
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: `{}` is not installed, its check did not run", command[0]);
        return None;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(child.wait().unwrap().success())
}

#[test]
fn the_real_programs_accept_the_books_and_refuse_one_wei_more() {
    for (format, command) in CHECKERS {
        let text = export(&story(), format).unwrap();
        let Some(passed) = accepted(command, &text) else { continue };
        assert!(passed, "{command:?}");
        // One base unit off: once in a posting, once in what the chain should hold.
        let amount = "-0.000021000000147000";
        let posting = text.replacen(amount, "-0.000021000000147001", 1);
        let asserted = text.replacen("9.899978999999853000", "9.899978999999853001", 1);
        for wrong in [posting, asserted] {
            assert_ne!(wrong, text, "{command:?}");
            assert_eq!(accepted(command, &wrong), Some(false), "{command:?}");
        }
    }
}

/// A treasury that opens with this much and does nothing.
fn rich(balance: U256) -> Ledger {
    let mut facts = Sim::new().facts();
    facts.networks[0].wallets.truncate(1);
    facts.networks[0].wallets[0].opening.balance = balance;
    facts.networks[0].wallets[0].closing = balance;
    build_ledger(&facts).unwrap()
}

#[test]
fn amounts_that_beancount_would_round_are_refused() {
    let digits = |count: u32| U256::from(10).pow(U256::from(count)) - U256::from(1);
    let largest = U256::try_from(I256::MAX).unwrap();
    for (balance, count) in [(digits(28), 28), (digits(29), 29), (digits(31), 31), (largest, 77)] {
        let ledger = rich(balance);
        match export(&ledger, Format::Beancount) {
            Ok(_) => assert!(count <= BEANCOUNT_DIGITS_MAX, "{count}"),
            Err(error) => {
                assert!(count > BEANCOUNT_DIGITS_MAX, "{error}");
                assert!(error.to_string().contains("Treasury:0x1a1A"), "{error}");
            }
        }
        // The other programs are exact at any size.
        let text = export(&ledger, Format::Journal).unwrap();
        for (_, command) in CHECKERS.iter().filter(|(format, _)| *format == Format::Journal) {
            assert_ne!(accepted(command, &text), Some(false), "{command:?} {count}");
            let exact = fixed(I256::try_from(balance).unwrap());
            let other = fixed(I256::try_from(balance - U256::from(1)).unwrap());
            let wrong = text.replacen(&exact, &other, 1);
            assert_ne!(accepted(command, &wrong), Some(true), "{command:?} {count}");
        }
    }
    // Two amounts that fit, and a running balance that does not.
    let mut ledger = rich(digits(28));
    let mut second = ledger.entries[0].clone();
    second.key = crate::entry::NaturalKey::Residue(second.chain, crate::fixture::TREASURY);
    ledger.entries.push(second);
    let error = export(&ledger, Format::Beancount).unwrap_err();
    assert!(matches!(error, ExportError::TooManyDigits { digits: 29, .. }));
}

#[test]
fn hostile_text_stays_in_its_place() {
    let mut ledger = story();
    let entry = ledger.entries.iter_mut().find(|entry| entry.transaction().is_some()).unwrap();
    entry.description =
        "=HYPERLINK(\"http://x\")\n2026-01-01 * \"x\"\n  Assets:Evil  1 ETH ; tag: y".to_owned();
    for (format, command) in CHECKERS {
        let text = export(&ledger, format).unwrap();
        assert_ne!(accepted(command, &text), Some(false), "{command:?}\n{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("Assets:Evil")));
        assert!(format != Format::Journal || !text.contains("; tag: y"));
    }
    let csv = export(&ledger, Format::Csv).unwrap();
    assert!(csv.contains(",\"'=HYPERLINK(\"\"http://x\"\")"), "{csv}");
    for text in ["=a", "+a", "-a", "@a", "\ta", "\ra", "＝a", "＠a"] {
        assert_eq!(csv::text_cell(text), format!("'{text}"));
    }
    assert_eq!(csv::text_cell("a=b"), "a=b");
}

/// What a program reads from standard input; `None` where it is not installed.
fn read_by(command: &[&str], text: &str) -> Option<String> {
    let child = Command::new(command[0])
        .args(&command[1..])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: `{}` is not installed, its check did not run", command[0]);
        return None;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
}

#[test]
fn text_is_read_back_as_it_was_written() {
    let written = "Zürich \"gas\"; for: a|b \\ 東京 \u{1f980} #x ^y, 'z'";
    let mut ledger = story();
    let entry = ledger.entries.iter_mut().find(|entry| entry.transaction().is_some()).unwrap();
    entry.description = written.to_owned();
    let narration = "SELECT DISTINCT narration";
    let csv = written.replace('"', "\"\"");
    // To hledger a semicolon begins a comment, and both read one file.
    let journal = written.replace(';', ",");
    let readers: [(Format, &[&str], &str); 3] = [
        (Format::Journal, &["hledger", "-f", "-", "descriptions"], &journal),
        (Format::Journal, &["ledger", "-f", "-", "payees"], &journal),
        (Format::Beancount, &["bean-query", "-f", "csv", "/dev/stdin", narration], &csv),
    ];
    for (format, command, expected) in readers {
        let text = export(&ledger, format).unwrap();
        let Some(read) = read_by(command, &text) else { continue };
        assert!(read.contains(expected), "{command:?}: {read}");
    }
    let text = export(&ledger, Format::Csv).unwrap();
    assert!(text.contains(&format!(",\"{csv}\",")), "{text}");
}

#[test]
fn every_place_is_written() {
    let cases = [
        ("0", "0.000000000000000000"),
        ("1", "0.000000000000000001"),
        ("-1", "-0.000000000000000001"),
        ("-1000000000000000000", "-1.000000000000000000"),
        ("123456789012345678901", "123.456789012345678901"),
    ];
    for (units, expected) in cases {
        assert_eq!(fixed(I256::from_dec_str(units).unwrap()), expected);
    }
    assert!(fixed(I256::MIN).starts_with("-578960446186580977117854925043439539266349923328202"));
}

#[test]
fn a_time_beyond_the_calendar_is_refused() {
    let mut ledger = story();
    let beyond = 1 << 50;
    ledger.entries[0].timestamp = beyond;
    for format in [Format::Journal, Format::Csv] {
        let refused = export(&ledger, format);
        assert!(matches!(refused, Err(ExportError::Date(time)) if time == beyond), "{refused:?}");
    }
}

/// Formats hold dates of four digits; a later one is refused.
#[test]
fn dates_end_with_the_year_9999() {
    assert_eq!(date(253_402_128_000).unwrap(), "9999-12-30");
    assert!(matches!(date(253_402_300_800), Err(ExportError::Date(253_402_300_800))));
}

#[test]
fn the_other_side_is_named_where_it_is_one() {
    let mut entry = story().entries[0].clone();
    let [one, other] = [0, 1].map(|index: usize| entry.postings[index].account.to_string());
    let told = |entry: &crate::Entry| [0, 1].map(|index| csv::counterparty(entry, index));
    assert_eq!(told(&entry), [other, one]);
    entry.postings[1].amount = I256::ONE;
    assert_eq!(told(&entry), ["", ""]);
    entry.postings.pop();
    assert_eq!(told(&entry), ["", ""]);
}
