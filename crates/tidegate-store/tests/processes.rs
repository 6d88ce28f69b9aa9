//! What only separate processes can show: leases that end with their holder, appends of several
//! writers, and a writer killed at any moment. The program starts itself as the other process.

#![expect(clippy::unwrap_used, reason = "all of this program is a test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tidegate_store::{Epoch, Store, StoreError, StreamName, this_holder};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[1..] {
        ["other-process", db, stream, count] => other_process(db, stream, count.parse().unwrap()),
        _ => {
            a_lease_ends_with_its_process();
            writers_share_one_chain();
            nothing_acknowledged_is_lost_by_a_kill();
            many_processes_create_one_store();
        }
    }
}

/// Takes the lease, appends `count` events and says each one, then waits for the end of input.
fn other_process(db: &str, stream: &str, count: u64) {
    let store = Store::open(Path::new(db)).unwrap();
    let mut out = std::io::stdout();
    let lease = match store.acquire(&StreamName::new(stream).unwrap(), &this_holder()) {
        Ok(lease) => lease,
        Err(StoreError::Held { holder, .. }) => return writeln!(out, "held {holder}").unwrap(),
        Err(error) => panic!("{error:?}"),
    };
    writeln!(out, "epoch {}", lease.epoch()).unwrap();
    for number in 0..count {
        let seq = store.append(&lease, "kind", &json!({ "number": number })).unwrap();
        writeln!(out, "{seq}").unwrap();
    }
    writeln!(out, "done").unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

struct Other {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Other {
    fn start(db: &Path, stream: &str, count: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["other-process", db.to_str().unwrap(), stream, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("the other process ended").unwrap()
    }

    fn finish(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.map_while(Result::ok).collect()
    }
}

fn a_lease_ends_with_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("store.db");
    let store = Store::open(&db).unwrap();
    let lane = StreamName::new("lane").unwrap();
    let mut other = Other::start(&db, "lane", 1);
    assert_eq!(["epoch 1", "1", "done"].map(str::to_owned), [0; 3].map(|_| other.line()));
    match store.acquire(&lane, "me") {
        Err(StoreError::Held { holder, .. }) => {
            assert!(holder.starts_with(&format!("{}@", other.child.id())), "{holder}");
        }
        result => panic!("{result:?}"),
    }
    let mut loser = Other::start(&db, "lane", 1);
    assert!(loser.line().starts_with(&format!("held {}@", other.child.id())));
    loser.finish();

    other.kill();
    let lease = store.acquire(&lane, "me").unwrap();
    assert_eq!(lease.epoch(), Epoch(2));
    store.append(&lease, "kind", &json!({})).unwrap();
    let epochs: Vec<_> = store.read(&lane).unwrap().iter().map(|event| event.epoch.0).collect();
    assert_eq!(epochs, [1, 2]);
}

fn writers_share_one_chain() {
    const WRITERS: u64 = 4;
    const EVENTS: u64 = 25;
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("store.db");
    drop(Store::open(&db).unwrap());
    let start = |number| Other::start(&db, &format!("lane/{number}"), EVENTS);
    let others: Vec<_> = (0..WRITERS).map(start).collect();
    for mut other in others {
        while other.line() != "done" {}
        other.finish();
    }
    // Opening checks the chain; the streams hold what each writer wrote, in its order.
    let store = Store::open(&db).unwrap();
    assert_eq!(store.head().unwrap().0.0, WRITERS * EVENTS);
    let mut seqs = Vec::new();
    for number in 0..WRITERS {
        let lane = StreamName::new(&format!("lane/{number}")).unwrap();
        let events = store.read(&lane).unwrap();
        let bodies: Vec<_> = events.iter().map(|event| event.body["number"].as_u64()).collect();
        assert_eq!(bodies, (0..EVENTS).map(Some).collect::<Vec<_>>());
        seqs.extend(events.iter().map(|event| event.seq.0));
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=WRITERS * EVENTS).collect::<Vec<_>>());
}

fn nothing_acknowledged_is_lost_by_a_kill() {
    const ROUNDS: u64 = 12;
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("store.db");
    let lane = StreamName::new("lane").unwrap();
    let mut acknowledged = 0;
    for round in 1..=ROUNDS {
        let mut other = Other::start(&db, "lane", 1_000_000);
        assert_eq!(other.line(), format!("epoch {round}"));
        for _ in 0..round {
            acknowledged = other.line().parse().unwrap();
        }
        // What it said between the last line read and the kill counts too; the last line may be
        // cut off, so only whole ones that parse and grow do.
        for line in other.kill() {
            match line.parse::<u64>() {
                Ok(seq) if seq == acknowledged + 1 => acknowledged = seq,
                _ => break,
            }
        }
        let events = Store::open(&db).unwrap().read(&lane).unwrap();
        let present = events.len() as u64;
        // One append may have been durable before it could be said.
        assert!((acknowledged..=acknowledged + 1).contains(&present), "{acknowledged} {present}");
        acknowledged = present;
    }
}

fn many_processes_create_one_store() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join(".tidegate/store.db");
        let start = |number| Other::start(&db, &format!("lane/{number}"), 1);
        let others: Vec<_> = (0..6).map(start).collect();
        for mut other in others {
            assert_eq!(other.line(), "epoch 1");
            while other.line() != "done" {}
            other.finish();
        }
        assert_eq!(Store::open(&db).unwrap().head().unwrap().0.0, 6);
    }
}
