//! A release on every network that backs a target: each is read for itself, and one has to pass in
//! full.

use std::cmp::Reverse;

use tidegate_chain::Network;
use tidegate_evidence::StatementSet;
use tidegate_gates::{
    CodeFacts, Observed, OtherSoak, ParameterFacts, SoakFacts, evaluate_soak, overall, progress,
};
use tidegate_model::record::DeploymentRecord;

use super::{Gathered, code, observed, soak, text};
use crate::error::{CliError, CliResult};
use crate::project::Project;
use crate::records;
use crate::release::Built;

/// What reads the soak networks of a target.
pub(super) struct SoakReader<'a> {
    pub(super) project: &'a Project,
    pub(super) built: &'a Built,
    pub(super) target: &'a str,
    pub(super) statements: &'a StatementSet,
    pub(super) target_network: Result<&'a Network, String>,
}

/// A release on one soak network.
pub(super) struct Soaked {
    pub(super) name: String,
    pub(super) record: Option<DeploymentRecord>,
    pub(super) network: Result<Network, String>,
    pub(super) soak: Observed<SoakFacts>,
    pub(super) code: Observed<CodeFacts>,
    pub(super) parameters: Observed<ParameterFacts>,
}

/// The network that the gates rest on, and what the others say.
pub(super) struct Soaks {
    pub(super) best: Soaked,
    pub(super) others: Vec<OtherSoak>,
}

impl SoakReader<'_> {
    /// Reads every network that has a record of the release. The gates rest on the one that comes
    /// closest to passing; of equals, on the one with the greatest age, then on the first one.
    pub(super) async fn all(&self) -> CliResult<Soaks> {
        let mut read = Vec::new();
        for (name, record) in self.soaking()? {
            let soaked = self.one(name, record).await;
            let rules = &self.project.rules;
            let reports = evaluate_soak(rules, &soaked.code, &soaked.parameters, &soaked.soak);
            let age = soaked.soak.as_ref().map_or(0, |facts| progress(rules, facts).credited_secs);
            let rank = (overall(&reports).severity(), Reverse(age));
            read.push((rank, soaked, reports));
        }
        let ranks = read.iter().enumerate().map(|(index, (rank, ..))| (*rank, index));
        let (_, best) = ranks.min().ok_or_else(|| {
            CliError::config(format!("[networks.{}] has no `soaks_on`", self.target))
                .hint("name the testnets whose soak backs it")
        })?;
        let (_, best, _) = read.remove(best);
        let others = read
            .into_iter()
            .map(|(_, soaked, reports)| OtherSoak { network: soaked.name, reports })
            .collect();
        Ok(Soaks { best, others })
    }

    /// The networks with a record of this release; the first one where none has.
    fn soaking(&self) -> CliResult<Vec<(String, Option<DeploymentRecord>)>> {
        let soaks = &self.project.network(self.target)?.soaks_on;
        let mut found = Vec::new();
        for soak in soaks {
            let release = self.built.roots.release_root;
            if let Some(record) = records::of_release(self.project, soak, release)? {
                found.push((soak.clone(), Some(record)));
            }
        }
        if found.is_empty() {
            found.extend(soaks.first().map(|first| (first.clone(), None)));
        }
        Ok(found)
    }

    async fn one(&self, name: String, record: Option<DeploymentRecord>) -> Soaked {
        let network = self.project.connect(&name).await.map_err(|error| text(&error));
        let gathered = Gathered {
            project: self.project,
            built: self.built,
            target: self.target,
            soak: &name,
            record: record.as_ref(),
            statements: self.statements,
            target_network: self.target_network.clone(),
            soak_network: network.as_ref().map_err(Clone::clone),
        };
        let soak = observed(soak::observe(&gathered)).await;
        let (code, parameters) = code::facts(&gathered).await;
        Soaked { name, record, network, soak, code, parameters }
    }
}
