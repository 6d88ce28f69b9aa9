//! Checking and signing a proposal as an owner.

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::Verdict;
use tidegate_model::ports::DigestSigner;
use tidegate_safe::{
    ATTENTION, Checked, ProposalKind, SafeTxHash, Warned, approved, sheet, sheet_with,
    sign_proposal, warnings,
};
use tidegate_store::write_atomic;

use crate::approve::{Approval, Consent, Given, approve, fields};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::front::Front;
use crate::network::described;
use crate::project::Project;
use crate::proposal_files::{Found, signatures};
use crate::recheck::Rechecked;

/// What a proposal's file says it does.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SheetView {
    /// Labels and texts, in order.
    pub sheet: Vec<(String, String)>,
}

/// A proposal that was checked and that nobody has signed here.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposalView {
    /// The hash that owners sign.
    pub safe_tx_hash: SafeTxHash,
    /// The network's name.
    pub network: String,
    /// The gates' verdict: PASS or WAIVED.
    pub result: Verdict,
    /// Each call of its batch in words, by what this machine built.
    pub calls: Vec<String>,
    /// All that is warned of.
    pub warnings: Vec<Warned>,
    /// The hash that a signer approves: the proposal with its warnings.
    pub approve: B256,
}

/// A proposal that an owner has signed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignatureView {
    /// The hash that was signed.
    pub safe_tx_hash: SafeTxHash,
    /// The signer's address.
    pub owner: Address,
    /// The owners whose signatures are here.
    pub signed: Vec<Address>,
    /// Number of owners who must sign.
    pub threshold: u32,
    /// The signature's file, below the project.
    pub file: PathBuf,
    /// Whether it can be executed now.
    #[serde(skip)]
    pub is_ready: bool,
}

impl SheetView {
    /// What a proposal's file says; nothing of it is checked against a chain.
    pub fn of(found: &Found) -> Self {
        Self { sheet: sheet(&found.checked, &[]) }
    }
}

impl Rechecked<'_> {
    const fn checked(&self) -> &Checked {
        &self.opened.found.checked
    }

    /// Tells what its owners look at: this machine has built the same batch itself.
    pub fn tell(&self, front: &dyn Front) {
        let rows = sheet_with(self.checked(), &self.abis, Some(&self.calls));
        front.line("");
        front.line("It is identical to what this machine builds itself.");
        front.table(&rows);
        for (label, says) in rows.iter().filter(|(label, _)| label.ends_with(ATTENTION)) {
            front.attend(format!("{label}: {says}"));
        }
        if let ProposalKind::Promotion(promotion) = &self.checked().proposal().kind {
            front.row("Soaked on", &described(promotion.soak.network));
        }
    }

    /// What was checked, for programs.
    pub fn view(&self) -> ProposalView {
        let warnings = warnings(self.checked(), &self.abis);
        ProposalView {
            safe_tx_hash: self.checked().hash(),
            network: self.opened.found.network.clone(),
            result: self.verdict.clone(),
            calls: self.calls.iter().map(|call| call.note.clone()).collect(),
            approve: approved(self.checked(), &warnings),
            warnings,
        }
    }

    /// Refuses a key that is no owner's.
    ///
    /// # Errors
    /// If the Safe has no such owner.
    pub fn require_owner(&self, key: Address) -> AppResult {
        if self.state.trust.owners.contains(&key) {
            return Ok(());
        }
        Err(AppError::new(Kind::Keys, format!("{key} is not an owner of the Safe")))
    }

    /// Tells the sheet and has it approved, then signs and writes the signature's file.
    ///
    /// # Errors
    /// If the signer is no owner, or nobody approves exactly this.
    pub fn sign(&self, project: &Project, signer: &dyn DigestSigner) -> AppResult<SignatureView> {
        let (found, state) = (self.opened.found, &self.state);
        let (owner, hash) = (signer.address(), found.checked.hash());
        self.require_owner(owner)?;
        self.tell(&*project.front);
        let approval = Approval {
            network: &found.network,
            hash: self.view().approve,
            given: Given::Whole,
            options: Vec::new(),
            fields: fields(&self.view())?,
        };
        let _: Consent = approve(project, &approval)?;
        let signature = sign_proposal(&found.checked, signer).or_kind(Kind::Keys)?;
        let path = project.layout.proposal_signature(&found.network, hash.0, owner);
        let path = path.or_kind(Kind::Config)?;
        let text = signature.to_text().or_kind(Kind::Internal)?;
        write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
        let set = signatures(project, found, state)?;
        let threshold = state.trust.threshold;
        Ok(SignatureView {
            safe_tx_hash: hash,
            owner,
            signed: set.signed(),
            threshold,
            file: path.strip_prefix(&project.root).map(PathBuf::from).unwrap_or(path),
            is_ready: set.missing(threshold) == 0,
        })
    }
}
