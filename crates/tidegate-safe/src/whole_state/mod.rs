//! The whole of a Safe: what it holds beside what it shows.
//!
//! A Safe answers for its lists by walking them, and checks owners and modules by looking them up:
//! an entry beside the lists moves the Safe and is listed nowhere. So the storage is proven whole,
//! in one of two ways. [`SafeStorage`] rebuilds its root from everything that is shown and logged;
//! [`SafePast`] follows everything that ever ran as the Safe, where no root can be had.

mod past;
mod storage;

pub use past::{Explained, SafePast, creations_of, past_topics};
pub use storage::{SafeLog, SafeStorage, pending_approvals};

#[cfg(test)]
mod tests;
