//! The store on one machine: an edited one is refused, and losing it loses nothing.

use std::path::PathBuf;

use libtest_mimic::Failed;
use rusqlite::Connection;

use crate::support::{Case, Outcome, Scene, cases, files, messages, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_store_edited_by_sql,
            a_store_with_a_flipped_byte_is_refused;
    }
}

/// Which of a machine's stores is edited, and by which command that is noticed.
#[derive(Clone, Copy, PartialEq)]
enum Which {
    /// What was signed and sent.
    Journal,
    /// What is remembered of the checkout.
    Checkout,
}
use Which::{Checkout, Journal};

/// Edits, each behind the triggers' back: the trigger is dropped and made again.
const EDITS: [(Which, &str, &str); 6] = [
    (Journal, "events_fixed", "UPDATE events SET body = replace(body, 'accepted', 'rejected')"),
    (Journal, "events_fixed", "UPDATE events SET kind = 'Finalized' WHERE seq = 1"),
    (Journal, "events_kept", "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)"),
    (Journal, "events_kept", "DELETE FROM events WHERE seq = 2"),
    (
        Checkout,
        "statements_fixed",
        "UPDATE statements SET json = replace(json, 'rehearse', 'approve')",
    ),
    (Checkout, "blobs_fixed", "UPDATE blobs SET bytes = CAST(bytes || x'20' AS BLOB)"),
];

fn cheat_a_store_edited_by_sql(scene: &Scene<'_>) -> Outcome {
    for (which, trigger, edit) in EDITS {
        let store = Store::of(scene, which)?;
        let database = Connection::open(&store.path)?;
        let made: String = database.query_row(
            "SELECT sql FROM sqlite_schema WHERE name = ?1",
            [trigger],
            |row| row.get(0),
        )?;
        database.execute_batch(&format!("DROP TRIGGER {trigger}"))?;
        assert!(database.execute(edit, [])? > 0, "{edit}");
        database.execute_batch(&made)?;
        drop(database);
        store.is_refused(scene, edit)?;
        store.restore()?;
    }
    for which in [Journal, Checkout] {
        let store = Store::of(scene, which)?;
        Connection::open(&store.path)?.execute_batch("DROP TRIGGER events_fixed")?;
        store.is_refused(scene, "a trigger was dropped")?;
        store.is_moved_away_without_loss(scene)?;
    }
    Ok(())
}

fn a_store_with_a_flipped_byte_is_refused(scene: &Scene<'_>) -> Outcome {
    // Parts of: the header, the schema, an event, a statement, and a release. Where a page was
    // split, the last copy is the one in use.
    let parts: [(Which, &[u8]); 5] = [
        (Journal, b"SQLite format"),
        (Journal, b"the journal is append-only"),
        (Journal, b"{\"body\":{\"balance\""),
        (Checkout, b"rehearse vault"),
        (Checkout, b"\"creation\":{"),
    ];
    for (which, part) in parts {
        let store = Store::of(scene, which)?;
        let mut bytes = store.kept.clone();
        let found = bytes.windows(part.len()).rposition(|window| window == part);
        let what = String::from_utf8_lossy(part);
        let at = found.ok_or_else(|| format!("{what:?} is not in the store"))? + part.len() - 1;
        bytes[at] ^= 1;
        files::write(&store.path, &bytes)?;
        store.is_refused(scene, &format!("a byte of {what:?}"))?;
        store.restore()?;
    }
    Store::of(scene, Checkout)?.is_moved_away_without_loss(scene)
}

/// One of eva's stores, as it was.
struct Store {
    which: Which,
    path: PathBuf,
    kept: Vec<u8>,
}

impl Store {
    fn of(scene: &Scene<'_>, which: Which) -> Result<Self, Failed> {
        scene.run("eva", &["status", "--check"], 0)?;
        let path = match which {
            Journal => scene.person("eva").home().join("journal/store.db"),
            Checkout => scene.store("eva")?,
        };
        let kept = std::fs::read(&path)?;
        Ok(Self { which, path, kept })
    }

    fn command(&self) -> &'static [&'static str] {
        match self.which {
            Journal => &["deploy"],
            Checkout => &["status", "--check"],
        }
    }

    fn restore(&self) -> Outcome {
        for other in ["store.db-wal", "store.db-shm"] {
            let path = self.path.with_file_name(other);
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        Ok(files::write(&self.path, &self.kept)?)
    }

    fn is_refused(&self, scene: &Scene<'_>, edit: &str) -> Outcome {
        let refused = scene.person("eva").run(self.command())?;
        let named = said(&refused).contains("store.db: it is damaged");
        let hinted = messages(&refused, "hint").iter().any(|hint| hint.contains("`mv "));
        if refused.code == 3 && named && hinted {
            return Ok(());
        }
        Err(format!("after {edit}: not refused as damaged with a hint: {refused:?}").into())
    }

    /// What the hint says is done, and everything is as it was before the edit.
    fn is_moved_away_without_loss(&self, scene: &Scene<'_>) -> Outcome {
        self.restore()?;
        let before = scene.status()?;
        let folder = self.path.parent().ok_or("a store lies in a folder")?;
        std::fs::rename(folder, folder.with_extension("broken"))?;
        let after = scene.status()?;
        assert_eq!(after.shared(), before.shared());
        scene.run("eva", &["promote"], 0)?;
        Ok(())
    }
}
