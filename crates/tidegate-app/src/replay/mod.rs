//! The example's release as a machine elsewhere saw it on its two chains, played again: real facts
//! for gates, proposals and re-checks, without a chain or a process. What an endpoint answered, or
//! a file says, is changed in one place at a time.
//!
//! `signed.json` is from before the Safe executed the promotion, `executed.json` from after it.
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-app-tests` plays the story anew and writes both.

mod executed;
mod gates;
mod next;
mod rechecks;

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_evidence::Bundle;
use tidegate_safe::{Promotion, ProposalKind};
use tidegate_testkit::{DAY_SECS, GENESIS_TIMESTAMP, ScriptedNode, Tape};

use crate::bundle;
use crate::error::{AppError, AppResult};
use crate::front::{Event, Front, Question};
use crate::project::{Caller, Project};
use crate::proposal_files::{Found, find};
use crate::proposals::{Opened, Proposed};
use crate::release::{Built, select};
use crate::settings::Environment;

/// What was kept of the story.
#[derive(Debug, Clone, Deserialize)]
struct Kept {
    bundle: String,
    pin: String,
    tapes: Tapes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) struct Tapes {
    pub(crate) testnet_rpc: Tape,
    pub(crate) mainnet_rpc: Tape,
}

impl Kept {
    fn signed() -> Self {
        serde_json::from_str(include_str!("signed.json")).expect("the story wrote it")
    }

    fn executed() -> Self {
        serde_json::from_str(include_str!("executed.json")).expect("the story wrote it")
    }
}

/// A folder with the bundle, both chains, and the project in it.
struct Replay {
    project: Project,
    built: Built,
    front: Arc<Quiet>,
    _chains: [ScriptedNode; 2],
    _folder: TempDir,
}

impl Replay {
    /// What was signed, with changed files and answers.
    fn signed(edit: impl FnOnce(&Path, &mut Tapes)) -> Self {
        Self::of(Kept::signed(), edit)
    }

    /// What was executed, with changed files and answers.
    fn executed(edit: impl FnOnce(&Path, &mut Tapes)) -> Self {
        Self::of(Kept::executed(), edit)
    }

    fn of(kept: Kept, edit: impl FnOnce(&Path, &mut Tapes)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        let taken = bundle::place(&root, kept.bundle.into_bytes()).unwrap();
        let mut tapes = kept.tapes;
        edit(&root, &mut tapes);
        let chains = [tapes.testnet_rpc, tapes.mainnet_rpc].map(|tape| tape.play().unwrap());
        let variables = [
            ("TESTNET_RPC", chains[0].url()),
            ("MAINNET_RPC", chains[1].url()),
            ("TIDEGATE_HOME", folder.path().join("home").to_string_lossy().into_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let front = Arc::new(Quiet::default());
        let caller = Caller {
            env: Environment::new(variables.into()),
            front: front.clone(),
            approved: None,
            pin: Some(kept.pin),
            typed_data: None,
            dry_run: false,
            clock: || GENESIS_TIMESTAMP + 16 * DAY_SECS,
        };
        let project = Project::open(&root, caller).unwrap();
        bundle::keep(&project, &taken).unwrap();
        let built = select(&project, Some(&name_of(&taken))).unwrap();
        Self { project, built, front, _chains: chains, _folder: folder }
    }

    /// The proposal of the promotion, as its file has it.
    fn found(&self) -> Found {
        find(&self.project, None).unwrap()
    }

    /// A proposal, opened as a working tree that builds the same release opens it.
    async fn opened<'a>(&self, found: &'a Found) -> AppResult<Opened<'a>> {
        let network = self.project.connect(&found.network).await?;
        let proposed = match &found.checked.proposal().kind {
            ProposalKind::Adoption(adoption) => Proposed::Adoption(adoption),
            ProposalKind::Promotion(promotion) => {
                Proposed::Promotion(promotion, Box::new(self.built.clone()))
            }
        };
        Ok(Opened { found, network, proposed })
    }
}

fn name_of(bundle: &Bundle) -> String {
    bundle.release.name.clone()
}

/// A proposal's promotion.
fn promotion_in(found: &Found) -> Promotion {
    match &found.checked.proposal().kind {
        ProposalKind::Promotion(promotion) => promotion.as_ref().clone(),
        ProposalKind::Adoption(_) => panic!("the newest proposal promotes"),
    }
}

/// A front end that keeps warnings, and where nobody answers.
#[derive(Debug, Default)]
struct Quiet {
    warnings: Mutex<Vec<String>>,
}

impl Front for Quiet {
    fn tell(&self, event: Event<'_>) {
        if let Event::Warning(text) = event {
            self.warnings.lock().unwrap().push(text.to_owned());
        }
    }

    fn can_ask(&self) -> bool {
        false
    }

    fn ask(&self, question: &Question<'_>) -> AppResult<bool> {
        Err(AppError::usage(format!("nobody answers {question:?}")))
    }
}

/// Runs a test with as much stack as a program's main thread has: unoptimized futures of use cases
/// are larger than what a test's thread holds.
fn play<T: Send + 'static>(test: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    const STACK_BYTES: usize = 8 << 20;
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(test())
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap();
    match thread.join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Other code than what is there, for [`Tape::edit`].
fn other_code(result: &mut Value) {
    *result = Value::String("0x6001".to_owned());
}
