//! Who acts: machines of their own, keys in memory, and a front end that approves what it is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, Signature};
use tidegate_app::error::{AppError, AppResult};
use tidegate_app::front::{Event, Front, Question};
use tidegate_app::project::{Caller, Project as Opened};
use tidegate_app::settings::Environment;
use tidegate_app::{DigestSigner, SignError};
use tidegate_testkit::{PrivateKeySigner, Project, SignerSync as _, Tools, World, actor};

/// The machine of each person: a home of their own, the same checkout.
pub(crate) struct Machines {
    variables: BTreeMap<String, String>,
    homes: PathBuf,
    root: PathBuf,
    /// The Safe that everybody was told of, as a pin.
    pin: String,
}

impl Machines {
    pub(crate) fn new(tools: &Tools, world: &World, project: &Project, folder: &Path) -> Self {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let variables = [
            ("PATH", text(tools.node.parent().unwrap_or(Path::new("/")))),
            ("TESTNET_RPC", world.testnet.url().to_owned()),
            ("MAINNET_RPC", world.mainnet.url().to_owned()),
            ("XDG_CACHE_HOME", text(&folder.join("cache"))),
        ];
        Self {
            variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
            homes: folder.join("homes"),
            root: project.root().to_owned(),
            pin: format!("{}:{}", world.mainnet.chain_id(), world.safe),
        }
    }

    /// The same with these endpoints.
    pub(crate) fn with(&self, endpoints: [(&str, String); 2]) -> Self {
        let mut variables = self.variables.clone();
        variables.extend(endpoints.map(|(name, url)| (name.to_owned(), url)));
        let (homes, root, pin) = (self.homes.clone(), self.root.clone(), self.pin.clone());
        Self { variables, homes, root, pin }
    }

    /// The Safe that everybody was told of, as `CHAIN:SAFE`.
    pub(crate) fn pin(&self) -> &str {
        &self.pin
    }

    /// Opens the project as this person, anew for each request as a server does.
    pub(crate) fn open(&self, person: &str) -> AppResult<Opened> {
        self.open_by(person, Arc::default(), None)
    }

    /// The same with a front end that is looked at afterwards, and a hash that is approved already.
    pub(crate) fn open_by(
        &self,
        person: &str,
        front: Arc<Approver>,
        approved: Option<B256>,
    ) -> AppResult<Opened> {
        let home = self.homes.join(person).to_string_lossy().into_owned();
        let mut variables = self.variables.clone();
        variables.insert("TIDEGATE_HOME".to_owned(), home);
        let caller = Caller {
            env: Environment::new(variables),
            front,
            approved: approved.map(|hash| hash.to_string()),
            pin: Some(self.pin.clone()),
            typed_data: None,
            dry_run: false,
            clock: || 0,
        };
        Opened::open(&self.root, caller)
    }
}

/// A front end that approves what it was shown.
#[derive(Debug, Default)]
pub(crate) struct Approver {
    /// Hashes that were shown before they were to be approved.
    shown: Mutex<Vec<B256>>,
    /// Every line that was told.
    lines: Mutex<Vec<String>>,
}

impl Approver {
    /// Whether a line was told that holds this.
    pub(crate) fn has_told(&self, text: &str) -> bool {
        self.lines.lock().is_ok_and(|lines| lines.iter().any(|line| line.contains(text)))
    }
}

impl Front for Approver {
    fn tell(&self, event: Event<'_>) {
        match event {
            Event::Approval(approving) => {
                assert!(!approving.fields.is_empty(), "nobody approves what they cannot see");
                self.shown.lock().into_iter().for_each(|mut shown| shown.push(approving.hash));
            }
            Event::Line(text) | Event::Note(text) => {
                self.lines.lock().into_iter().for_each(|mut lines| lines.push(text.to_owned()));
            }
            Event::Table(rows) => {
                let labels = rows.iter().map(|(label, _)| label.clone());
                self.lines.lock().into_iter().for_each(|mut lines| lines.extend(labels.clone()));
            }
            _ => {}
        }
    }

    fn can_ask(&self) -> bool {
        true
    }

    fn ask(&self, question: &Question<'_>) -> AppResult<bool> {
        let Question::Approve { hash, .. } = question else {
            return Err(AppError::usage(format!("asked for what was given: {question:?}")));
        };
        Ok(self.shown.lock().is_ok_and(|shown| shown.contains(hash)))
    }
}

/// A key in memory; it holds nothing anywhere.
pub(crate) struct Key(PrivateKeySigner);

impl Key {
    pub(crate) fn of(name: &str) -> Self {
        Self(actor(name))
    }

    pub(crate) fn address(&self) -> Address {
        self.0.address()
    }
}

impl DigestSigner for Key {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign_digest(&self, digest: &B256) -> Result<Signature, SignError> {
        let signed = self.0.sign_hash_sync(digest);
        signed.map_err(|error| SignError { address: self.0.address(), source: Box::new(error) })
    }
}
