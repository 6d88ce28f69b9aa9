//! One module a command: its help, its arguments, and what it does.

pub(crate) mod adopt;
pub(crate) mod attest;
mod attest_revoke;
pub(crate) mod build;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod export;
mod export_audits;
pub(crate) mod fund;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod policy_check;
pub(crate) mod promote;
pub(crate) mod proposal;
pub(crate) mod record;
pub(crate) mod status;
mod testnets;
pub(crate) mod verify;
pub(crate) mod watch;
