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
    /// Fourteen days and ten hours after genesis: all it lacks is the second audit.
    Due,
    /// With both audits and a go: it can be promoted.
    Ready,
    /// Proposed, and signed by two of three owners.
    Signed,
    /// As [`Level::Ready`], of a release whose steps let anybody create its contracts.
    Open,
    /// Ten days after genesis, with both audits, under a policy with five guardians that asks for
    /// two people's go: only time is missing.
    Guarded,
    /// That release is promoted, and the next one has soaked for a day and has one audit.
    Urgent,
    /// Beside the fresh project, one with every kind of step: all but its last step is deployed.
    Halfway,
    /// That project is deployed.
    Mixed,
}

impl Level {
    /// The levels from the first one to this one.
    pub(crate) fn path(self) -> Vec<Self> {
        use Level::*;
        match self {
            Open => vec![Fresh, Open],
            Halfway => vec![Fresh, Halfway],
            Mixed => vec![Fresh, Halfway, Mixed],
            Guarded => vec![Fresh, Funded, Deployed, Guarded],
            Urgent => vec![Fresh, Funded, Deployed, Guarded, Urgent],
            _ => {
                let all = [Fresh, Funded, Deployed, Day13, Due, Ready, Signed];
                all.into_iter().filter(|level| *level <= self).collect()
            }
        }
    }
}
