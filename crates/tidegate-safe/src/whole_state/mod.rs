//! The whole of a Safe: what it holds beside what it shows.
//!
//! A Safe answers for its lists by walking them, and checks owners and modules by looking them up:
//! an entry beside the lists moves the Safe and is listed nowhere. So the storage is proven whole,
//! in one of two ways. [`SafeStorage`] rebuilds its root from everything that is shown and logged;
//! [`SafePast`] follows everything that ever ran as the Safe, where no root can be had; what ran
//! is known by its hash, from the calldata or from wherever else a [`Preimage`] comes.

mod past;
mod preimage;
mod storage;

pub use past::{Executed, Explained, SafePast, creations_of, past_topics};
pub use preimage::{Preimage, Preimages};
pub use storage::{SafeLog, SafeStorage, pending_approvals};

#[cfg(test)]
mod tests;
