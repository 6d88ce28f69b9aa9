//! Tidegate's use cases under every front end: a project's workspace, what was said and recorded in
//! it, what the chains show of it, and what can be done with it.
//!
//! Nothing here knows a terminal, a command line, the environment or an exit code. What is told and
//! asked on the way goes through [`front::Front`].

pub mod adopt;
mod approve;
pub mod assess;
pub mod attest;
pub mod audit_exports;
pub mod books;
pub mod bundle;
mod chain;
mod clock;
pub mod compare;
pub mod compiler;
mod contracts;
pub mod controls;
pub mod deploy;
pub mod deployment;
pub mod doctor;
mod dotenv;
pub mod drafts;
pub mod error;
pub mod existing;
mod follow;
mod follow_checks;
pub mod front;
mod fund_rules;
pub mod fund_transfers;
pub mod import;
pub mod init;
mod layouts;
mod ledger_facts;
pub mod network;
mod next;
mod packages;
mod path;
mod pins;
pub mod planned;
pub mod policy_adoption;
mod policy_doc;
pub mod posting;
pub mod project;
pub mod promote;
mod promotion;
mod proposal_files;
pub mod proposals;
mod proxies;
mod published;
pub mod read_back;
mod recalled;
pub mod recheck;
mod records;
pub mod release;
pub mod relied;
#[cfg(test)]
mod replay;
pub mod report;
pub mod safety;
pub mod sampling;
mod saying;
#[cfg(test)]
mod schemas;
mod scopes;
#[cfg(test)]
mod sendable;
mod sending;
pub mod settings;
mod shared;
mod signing;
mod standing;
mod statements;
pub mod status;
#[cfg(test)]
mod testing;
pub mod text;
mod typed_data;
pub mod view;
pub mod watch;
mod wiped;

/// The signer's port; a front end implements it.
pub use tidegate_model::ports::{DigestSigner, SignError};
