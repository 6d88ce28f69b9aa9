//! How far the pipeline has come.

/// A level of the pipeline, each on top of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Two chains with a Safe, a project folder, and everybody's keys.
    Fresh,
    /// The policy is adopted, and the deployer has test funds.
    Funded,
    /// Deployed, and used by three testers in 25 transactions.
    Deployed,
    /// Thirteen days and ten hours after genesis, with one of two audits.
    Day13,
    /// Fourteen days and ten hours after genesis, with both audits: it can be promoted.
    Ready,
    /// Proposed, and signed by two of three owners.
    Signed,
}

impl Level {
    /// All, lowest first.
    pub(crate) const ALL: [Self; 6] =
        [Self::Fresh, Self::Funded, Self::Deployed, Self::Day13, Self::Ready, Self::Signed];
}
