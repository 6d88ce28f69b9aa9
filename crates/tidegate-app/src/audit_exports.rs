//! A release's audits in the forms of other programs.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, keccak256};
use serde_json::{Value, json};
use tidegate_evidence::exports::{
    AUDIT_PREDICATE, AuditedContract, Auditor, PAYLOAD_TYPE, SVR_PREDICATE, Subject, audit_summary,
    eas_attestation, eas_on, envelope, envelope_digest, every_field, statement,
};
use tidegate_gates::{AcceptanceFact, AuditFacts};
use tidegate_model::digest::jcs_keccak;
use tidegate_model::plan::Action;
use tidegate_model::ports::DigestSigner;
use tidegate_model::release::Artifact;
use tidegate_model::statement::AuditAttestation;
use tidegate_model::units::format_rfc3339;
use tidegate_model::{ChainId, Fqn, StatementDigest, Verdict};

use crate::approve::{Approval, Consent, Given, approve};
use crate::assess::{Assessment, assess};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::Project;
use crate::release::Built;
use crate::{records, scopes};

/// A file: its name, and what it holds.
pub type Written = (String, Value);

/// A form of audits.
#[derive(Debug, Clone, Copy)]
pub enum Form<'a> {
    /// Off-chain attestations of the Ethereum Attestation Service on a chain, to be signed.
    Eas(ChainId),
    /// in-toto statements in DSSE envelopes: each audit, and the verdict.
    InToto,
    /// Audit summaries of ERC-7512 for the contracts on a network, to be signed.
    Erc7512(&'a str),
    /// Findings as SARIF, with accepted risks as suppressions.
    Sarif,
}

/// The audits of a release that count for a target. With a signer, in-toto statements that are
/// theirs to sign are signed once approved.
///
/// # Errors
/// If the audits cannot be judged, or none can be written in this form.
pub async fn audits(
    project: &Project,
    built: &Built,
    target: &str,
    form: Form<'_>,
    signer: Option<&dyn DigestSigner>,
) -> AppResult<Vec<Written>> {
    let assessment = assess(project, built, target).await?;
    let audits = assessment.facts.audits.as_ref();
    let audits = audits.map_err(|why| AppError::new(Kind::Unknown, why.clone()))?;
    let source = Source { project, signer, built, assessment: &assessment, audits };
    let files = match form {
        Form::Eas(chain) => source.eas(chain)?,
        Form::InToto => source.in_toto()?,
        Form::Erc7512(network) => source.erc7512(network)?,
        Form::Sarif => source.sarif(),
    };
    if files.is_empty() {
        return Err(AppError::usage("there is nothing to export")
            .hint("`tidegate status` shows which audits count"));
    }
    Ok(files)
}

/// The release and the facts that an export is made from.
struct Source<'a> {
    project: &'a Project,
    /// Whose key signs what is theirs.
    signer: Option<&'a dyn DigestSigner>,
    built: &'a Built,
    assessment: &'a Assessment,
    audits: &'a AuditFacts,
}

impl Source<'_> {
    fn time(&self) -> u64 {
        self.assessment.gate_head.map_or(0, |head| head.timestamp)
    }

    /// The attestations that count.
    fn attestations(&self) -> Vec<(StatementDigest, &AuditAttestation)> {
        let counting = self.audits.counting(self.time());
        let facts = self.audits.attestations.iter();
        let counted = facts.filter(|fact| counting.contains(&fact.digest));
        counted.map(|fact| (fact.digest, &fact.attestation)).collect()
    }

    fn eas(&self, chain: ChainId) -> AppResult<Vec<Written>> {
        let eas = eas_on(chain).ok_or_else(|| {
            AppError::usage(format!(
                "Tidegate knows no Ethereum Attestation Service on chain \
                                     {chain}"
            ))
            .hint("name a chain that has one with --eas-chain, such as 1")
        })?;
        let document = |(digest, a): (StatementDigest, &AuditAttestation)| {
            let document = eas_attestation(eas, digest, a).or_kind(Kind::Internal)?;
            Ok((format!("eas-{}.json", digest.short()), document))
        };
        self.attestations().into_iter().map(document).collect()
    }

    /// An envelope for each audit, and one for the verdict.
    fn in_toto(&self) -> AppResult<Vec<Written>> {
        let mut documents = Vec::new();
        for (digest, a) in self.attestations() {
            let signed = self.assessment.statements.statements.get(&digest);
            let scope = scopes::preimage(self.project, a.scope_root).ok();
            let predicate = json!({
                "digest": digest, "statement": signed.map(|found| &found.signed), "scope": scope,
            });
            let covered = self.covered(a);
            let of_audit = covered.iter().flat_map(|artifact| templates(artifact));
            let subjects: Vec<_> = of_audit.collect();
            let name = format!("audit-{}.intoto.jsonl", digest.short());
            let said = statement(&subjects, AUDIT_PREDICATE, predicate);
            documents.push((name, Some(a.auditor), said));
        }
        let name = format!("verdict-{}.intoto.jsonl", self.built.roots.release_root.short());
        documents.push((name, None, self.verdict()?));
        let approved = match self.signer {
            Some(signer) => Some((signer, self.approve_own(signer.address(), &documents)?)),
            None => None,
        };
        let mut files = Vec::new();
        for (name, owner, statement) in documents {
            let signer = approved.as_ref().map(|(signer, _)| *signer);
            let signer = signer.filter(|key| self.is_own(key.address(), owner));
            files.push((name, envelope(&statement, signer).or_kind(Kind::Keys)?));
        }
        Ok(files)
    }

    /// Whether a document is a key's to sign: an auditor's are their own audits and nothing else;
    /// the verdict is anybody else's who has computed it.
    fn is_own(&self, key: Address, owner: Option<Address>) -> bool {
        let mut people = self.audits.people.values();
        let is_auditor = people.any(|p| p.holds(key) && p.firm.is_some());
        owner.map_or(!is_auditor, |owner| owner == key)
    }

    /// Shows all that a key would sign, and has it approved.
    fn approve_own(
        &self,
        key: Address,
        documents: &[(String, Option<Address>, Value)],
    ) -> AppResult<Consent> {
        let (own, others): (Vec<_>, Vec<_>) =
            documents.iter().partition(|(_, owner, _)| self.is_own(key, *owner));
        if own.is_empty() {
            return Err(AppError::usage(format!(
                "{key} is the auditor of none of these documents"
            ))
            .hint("auditors sign only their own audits; omit --as to sign nothing"));
        }
        let front = &self.project.front;
        let mut all = Vec::new();
        for (name, _, statement) in &own {
            let digest = envelope_digest(statement)?;
            let mut rows = every_field(statement);
            rows.push(("payload type".to_owned(), PAYLOAD_TYPE.to_owned()));
            rows.push(("sha256 that is signed".to_owned(), digest.to_string()));
            front.fields(&format!("You sign {name}:"), &rows);
            all.push(digest);
        }
        let row = |(name, owner, _): &&(String, Option<Address>, Value)| {
            let whose = owner.map_or_else(|| "the verdict".to_owned(), |owner| owner.to_string());
            (name.clone(), whose)
        };
        front.fields("You do not sign:", &others.iter().map(row).collect::<Vec<_>>());
        let hash = jcs_keccak("in-toto statements", &all)?;
        let approval = Approval {
            network: "sign",
            hash,
            given: Given::Beginning,
            options: Vec::new(),
            fields: own.iter().map(|(name, _, said)| (name.clone(), said.clone())).collect(),
        };
        approve(self.project, &approval)
    }

    /// The release's contracts that an attestation covers.
    fn covered(&self, a: &AuditAttestation) -> Vec<&Artifact> {
        let named = scopes::covered(self.project, a).unwrap_or_default();
        let whole = a.scope_root == self.built.roots.scope_root;
        let same = |fqn: &Fqn| whole || named.get(fqn) == self.audits.contracts.get(fqn);
        let artifacts = self.built.release.artifacts.iter();
        artifacts.filter(|(fqn, _)| same(fqn)).map(|(_, artifact)| artifact).collect()
    }

    /// The gates that pass, as properties of the release.
    fn verdict(&self) -> AppResult<Value> {
        let roots = &self.built.roots;
        let name = keccak256("release-root/1");
        let parts = [name.as_slice(), roots.code_root.0.as_slice(), roots.plan_digest.0.as_slice()];
        let subject = Subject::new(self.built.release.name.clone(), &parts.concat());
        if subject.keccak256() != roots.release_root.0 {
            return Err(AppError::new(
                Kind::Internal,
                "the release's root is not that of its code \
                                                      and plan",
            ));
        }
        let passing = self.assessment.reports.iter().filter(|r| r.verdict == Verdict::Pass);
        let mut properties: Vec<_> = passing
            .map(|report| format!("TIDEGATE_GATE_{}", report.gate.name().to_uppercase()))
            .collect();
        if self.assessment.overall == Verdict::Pass {
            properties.push("TIDEGATE_RELEASE_PROMOTABLE".to_owned());
        }
        let policy = self.assessment.policy.as_ref().map(|policy| policy.digest()).transpose()?;
        let policies: Vec<_> = policy
            .into_iter()
            .map(|digest| {
                let digest = alloy_primitives::hex::encode(digest.0);
                json!({"uri": "urn:tidegate:policy", "digest": {"keccak256": digest}})
            })
            .collect();
        let verifier = format!("urn:tidegate:verifier:{}", env!("CARGO_PKG_VERSION"));
        let predicate = json!({
            "verifier": {"id": verifier, "policies": policies},
            "timeCreated": format_rfc3339(self.time()),
            "properties": properties,
        });
        Ok(statement(&[subject], SVR_PREDICATE, predicate))
    }

    /// A summary for each contract of a deployment and each auditor who covers it.
    fn erc7512(&self, network: &str) -> AppResult<Vec<Written>> {
        let found = records::executed(self.project, network, self.built.roots.release_root)?;
        let record = found.ok_or_else(|| {
            AppError::usage(format!("this release is not deployed on {network}"))
                .hint("ERC-7512 summaries name addresses: deploy the release, then export them")
        })?;
        let chain = record.deployment.chain;
        let mut files = Vec::new();
        for (digest, a) in self.attestations() {
            let covered: BTreeSet<_> = self.covered(a).into_iter().map(|c| c.fqn.clone()).collect();
            let auditor = self.auditor(a.auditor);
            for (fqn, address) in self.deployed(&record.deployment) {
                if covered.contains(&fqn) {
                    let contract = AuditedContract { chain, address };
                    let name = format!("erc7512-{}-{address}.json", digest.short());
                    files.push((name, audit_summary(&auditor, contract, a)));
                }
            }
        }
        Ok(files)
    }

    /// Which contract stands where.
    fn deployed(&self, deployment: &tidegate_model::record::Deployment) -> Vec<(Fqn, Address)> {
        let mut found: Vec<_> =
            deployment.libraries.iter().map(|(fqn, at)| (fqn.clone(), *at)).collect();
        for step in &self.built.release.plan.steps {
            let Some(place) = deployment.steps.get(&step.name) else { continue };
            let Some((contract, _)) = step.contract() else { continue };
            match place.implementation {
                Some(implementation) => {
                    found.push((contract.clone(), implementation));
                    if let Action::Create(create) = &step.action {
                        let proxy = create.proxy.as_ref().map(|proxy| proxy.contract.clone());
                        found.extend(proxy.map(|proxy| (proxy, place.address)));
                    }
                }
                None => found.push((contract.clone(), place.address)),
            }
        }
        found
    }

    fn auditor(&self, key: Address) -> Auditor {
        let found = self.audits.people.iter().find(|(_, person)| person.holds(key));
        let (name, person) = found.map_or((String::new(), None), |(n, p)| (n.clone(), Some(p)));
        let firm = person.and_then(|person| person.firm.clone()).unwrap_or_default();
        Auditor { name: firm, uri: String::new(), authors: vec![name] }
    }

    /// Each document of findings, with what two people have accepted of it.
    fn sarif(&self) -> Vec<Written> {
        let mut files = BTreeMap::new();
        for fact in &self.audits.attestations {
            let digest = fact.attestation.findings_digest;
            let Ok(found) = scopes::findings(self.project, digest) else { continue };
            let accepted = self.audits.accepted(fact, self.time());
            let suppressions = accepted.into_iter().map(|(key, by)| {
                (key, by.into_iter().map(|fact| self.suppression(fact)).collect())
            });
            let document = found.suppressed(&suppressions.collect());
            files.insert(format!("findings-{}.sarif", fact.digest.short()), document);
        }
        files.into_iter().collect()
    }

    fn suppression(&self, fact: &AcceptanceFact) -> Value {
        json!({
            "kind": "external", "status": "accepted",
            "justification": fact.acceptance.justification,
            "properties": {
                "decision": fact.acceptance.decision, "control": fact.acceptance.control,
                "by": self.auditor(fact.by).authors, "scopeRoot": fact.acceptance.scope_root,
                "expiryUtc": format_rfc3339(fact.expires_at), "statement": fact.digest,
            },
        })
    }
}

/// A contract's templates, which are what its audit is over.
fn templates(artifact: &Artifact) -> [Subject; 2] {
    let fqn = &artifact.fqn;
    [
        Subject::new(format!("{fqn}#creationTemplate"), &artifact.creation_preimage()),
        Subject::new(format!("{fqn}#runtimeTemplate"), &artifact.runtime_preimage()),
    ]
}
