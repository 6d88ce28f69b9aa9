//! A journal in memory: append-only streams, leases that end when they are dropped or taken over,
//! and appends that fail when a test says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tidegate_model::event::LaneEvent;
use tidegate_store::{Epoch, StoreError, StreamName};

use super::simulation::Faults;
use crate::ports::Journal;

#[derive(Default)]
struct Stream {
    bodies: Vec<Value>,
    epoch: u64,
    held: Arc<AtomicBool>,
}

/// A journal that lasts as long as a test.
#[derive(Default)]
pub(crate) struct MemoryJournal {
    streams: Mutex<BTreeMap<String, Stream>>,
    /// The kind of event that cannot be written.
    refused: Mutex<Option<&'static str>>,
    /// What goes wrong, in a story of [`super::simulation`].
    faults: Mutex<Option<Faults>>,
}

pub(crate) struct MemoryLease {
    stream: String,
    epoch: u64,
    held: Arc<AtomicBool>,
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        self.held.store(false, Ordering::Relaxed);
    }
}

impl MemoryJournal {
    /// Has appends of one kind fail from now on, or none.
    pub(crate) fn refuse(&self, kind: Option<&'static str>) {
        *self.refused.lock().unwrap() = kind;
    }

    /// From now on appends fail as these faults say.
    pub(crate) fn watch(&self, faults: Faults) {
        *self.faults.lock().unwrap() = Some(faults);
    }

    /// Everything in it is lost.
    pub(crate) fn forget(&self) {
        self.streams.lock().unwrap().values_mut().for_each(|stream| stream.bodies.clear());
    }

    /// Somebody else takes every lease.
    pub(crate) fn take_over(&self) {
        self.streams.lock().unwrap().values_mut().for_each(|stream| stream.epoch += 1);
    }

    /// Writes what no lane would, into the only stream.
    pub(crate) fn write(&self, body: Value) {
        let mut streams = self.streams.lock().unwrap();
        streams.values_mut().next().expect("a lane was opened").bodies.push(body);
    }

    /// Every event, oldest first.
    pub(crate) fn events(&self) -> Vec<LaneEvent> {
        let streams = self.streams.lock().unwrap();
        let bodies = streams.values().flat_map(|stream| &stream.bodies);
        bodies.map(|body| serde_json::from_value(body.clone()).unwrap()).collect()
    }

    /// The kinds of all events, oldest first.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.events().iter().map(LaneEvent::kind).collect()
    }

    /// Every event in a line of its own, for people.
    pub(crate) fn told(&self) -> String {
        let short = |hash: &alloy_primitives::B256| hash.to_string()[..8].to_owned();
        let line = |event: &LaneEvent| match event {
            LaneEvent::AttemptRecorded { op, nonce, hash, .. } => {
                let op = op.rsplit('/').next().unwrap_or_default();
                format!("nonce {nonce}: {op} {}", short(hash))
            }
            LaneEvent::Mined { hash, block, success, .. } => {
                format!("{} in {} {success}", short(hash), block.number)
            }
            LaneEvent::Answered { hash, answer } => format!("{} {answer}", short(hash)),
            event => format!("{event:?}"),
        };
        self.events().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What endpoints said to sends, oldest first.
    pub(crate) fn answers(&self) -> Vec<String> {
        let answer = |event| match event {
            LaneEvent::Answered { answer, .. } => Some(answer),
            _ => None,
        };
        self.events().into_iter().filter_map(answer).collect()
    }
}

impl Journal for MemoryJournal {
    type Lease = MemoryLease;

    fn acquire(&self, stream: &StreamName) -> Result<MemoryLease, StoreError> {
        let mut streams = self.streams.lock().unwrap();
        let found = streams.entry(stream.to_string()).or_default();
        // In a story the lock of a process that stands still may be taken for a dead one's.
        let is_story = self.faults.lock().unwrap().is_some();
        if found.held.swap(true, Ordering::Relaxed) && !is_story {
            let holder = "1@memory".to_owned();
            return Err(StoreError::Held { stream: stream.to_string(), holder });
        }
        found.epoch += 1;
        let (epoch, held) = (found.epoch, Arc::clone(&found.held));
        Ok(MemoryLease { stream: stream.to_string(), epoch, held })
    }

    fn append(&self, lease: &MemoryLease, events: &[(&str, &Value)]) -> Result<(), StoreError> {
        let mut streams = self.streams.lock().unwrap();
        let stream = streams.get_mut(&lease.stream).expect("a lease is of a stream");
        if stream.epoch != lease.epoch {
            let (epoch, current) = (Epoch(lease.epoch), Epoch(stream.epoch));
            return Err(StoreError::StaleLease { stream: lease.stream.clone(), epoch, current });
        }
        let refused = *self.refused.lock().unwrap();
        if events.iter().any(|(kind, _)| refused == Some(kind)) {
            return Err(unwritable());
        }
        let faults = self.faults.lock().unwrap();
        let (is_written, lives) = faults.as_ref().map_or((true, true), Faults::append);
        for (kind, body) in events.iter().filter(|_| is_written) {
            assert_eq!(body["kind"], *kind, "an event is stored under its own name");
            stream.bodies.push((*body).clone());
        }
        if let Some(faults) = &*faults {
            faults.is_durable(stream.bodies.len());
        }
        if lives { Ok(()) } else { Err(unwritable()) }
    }

    fn read(&self, stream: &StreamName) -> Result<Vec<Value>, StoreError> {
        let streams = self.streams.lock().unwrap();
        Ok(streams.get(stream.as_str()).map(|found| found.bodies.clone()).unwrap_or_default())
    }
}

fn unwritable() -> StoreError {
    StoreError::Busy { op: "append", path: PathBuf::from("memory") }
}
