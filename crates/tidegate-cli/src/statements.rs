//! The statements this command sees, and how a new one is written.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde_json::Value;
use tidegate_chain::Network;
use tidegate_evidence::{ContractAnswer, Doubt, Origin, StatementSet, ask_contract, collect};
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{SignedStatement, Standing, Statement, StatementError};
use tidegate_model::{ChainId, GateInput, Head, StatementDigest};
use tidegate_plan::config::Stage;

use crate::approve::{Approval, approve};
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::typed_data;

/// Contracts are asked about at most this many statements.
const QUESTIONS_MAX: usize = 256;

/// Reads every statement file and everything this machine has ever seen, and remembers the union.
/// What contracts signed counts only after [`confirm`].
pub(crate) fn load(project: &Project) -> CliResult<StatementSet> {
    let store = project.store()?;
    let files = tidegate_store::read_statements(&project.layout)?;
    let files = files.into_iter().map(|(path, content)| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        (name, content.map(|file| file.json).map_err(|error| error.to_string()))
    });
    let set = collect(files, store.seen_statements()?);
    for (digest, collected) in &set.statements {
        store.remember_statement(*digest, &serde_json::to_value(&collected.signed)?)?;
    }
    for fault in &set.faults {
        project.ui.warn(format!("{fault}; it counts for nothing"));
    }
    for remark in set.remarks() {
        project.ui.warn(remark);
    }
    Ok(set)
}

/// As [`load`], and asks the contracts that signed.
pub(crate) async fn load_confirmed(project: &Project) -> CliResult<StatementSet> {
    let mut set = load(project)?;
    confirm(project, &mut set).await?;
    Ok(set)
}

/// Asks each contract that signed a statement whether the signature is its own, at the finalized
/// head, on the targets and the networks that back them. It is asked each time: a contract may
/// change its mind. One that is nobody's key is not asked.
pub(crate) async fn confirm(project: &Project, set: &mut StatementSet) -> CliResult {
    if set.pending.is_empty() {
        return Ok(());
    }
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.keys.contains(&key));
    let mut chains = Chains { project, open: BTreeMap::new() };
    for (digest, question) in questions(set, is_known) {
        let Some((collected, contract)) = set.pending.get(&digest).cloned() else { continue };
        let signed = &collected.signed;
        let answer = match question {
            Ok(()) => chains.ask(signed, digest, contract.chain).await,
            Err(why) => Err(Doubt { why, asked: false }),
        };
        let store = project.store()?;
        let answer = match (answer, &signed.statement) {
            (Ok(input), _) => {
                store.remember_statement(digest, &serde_json::to_value(signed)?)?;
                Ok(Some(input))
            }
            // What was taken back once is not given again by refusing to have said so.
            (Err(_), Statement::AuditRevocation(_)) if store.seen_statement(digest)?.is_some() => {
                Ok(None)
            }
            (Err(doubt), statement) => {
                let (by, what, why) = (signed.signer, statement.text(), &doubt.why);
                let stops = statement.stops() && is_known(by);
                let so = if stops { "what it stops stays open" } else { "it counts for nothing" };
                project.ui.warn(format!("{what}: contract {by} {why}; {so}"));
                Err(doubt)
            }
        };
        set.confirm(digest, answer);
    }
    Ok(())
}

/// Each pending statement, and why its contract is not asked, if it is not. What strangers leave
/// here pushes out nobody's word.
fn questions(
    set: &StatementSet,
    is_known: impl Fn(Address) -> bool,
) -> Vec<(StatementDigest, Result<(), String>)> {
    let mut asked = 0;
    let questions = set.pending.iter().map(|(digest, (collected, _))| {
        let question = if !is_known(collected.signed.signer) {
            Err("is nobody of this policy".to_owned())
        } else if asked >= QUESTIONS_MAX {
            Err(format!("is one of more than {QUESTIONS_MAX}"))
        } else {
            asked += 1;
            Ok(())
        };
        (*digest, question)
    });
    questions.collect()
}

/// The chains on which contracts are asked, each opened once.
struct Chains<'a> {
    project: &'a Project,
    open: BTreeMap<ChainId, Result<(Network, Head), String>>,
}

impl Chains<'_> {
    async fn ask(
        &mut self,
        signed: &SignedStatement,
        digest: StatementDigest,
        chain: ChainId,
    ) -> Result<GateInput, Doubt> {
        let unasked = |why| Doubt { why, asked: false };
        if !self.open.contains_key(&chain) {
            let opened = open(self.project, chain).await;
            self.open.insert(chain, opened.map_err(|why| format!("could not be asked: {why}")));
        }
        let opened = self.open.get(&chain).ok_or_else(|| unasked("could not be asked".into()))?;
        let (network, head) = opened.as_ref().map_err(|why| unasked(why.clone()))?;
        match ask_contract(network, *head, signed.signer, digest, &signed.signature).await {
            Ok(ContractAnswer::Accepts(input)) => Ok(input),
            Ok(ContractAnswer::Refuses(why)) => Err(Doubt { why, asked: true }),
            Ok(ContractAnswer::Absent(why)) => Err(unasked(why)),
            Err(error) => Err(unasked(format!("could not be asked: {error}"))),
        }
    }
}

async fn open(project: &Project, chain: ChainId) -> Result<(Network, Head), String> {
    let networks = &project.config.networks;
    let backs = |name: &String| {
        networks.iter().any(|(target, settings)| {
            settings.stage == Stage::Mainnet && (target == name || settings.soaks_on.contains(name))
        })
    };
    let mut of_policy = networks.iter().filter(|(name, _)| backs(name));
    let found = of_policy.find(|(_, settings)| settings.chain == chain);
    let (name, _) = found
        .ok_or_else(|| format!("chain {chain} is neither a target nor a network that backs one"))?;
    let network = project.connect(name).await.map_err(|error| error.to_string())?;
    let head = network.finalized_head().await.map_err(|error| error.to_string())?;
    Ok((network, head))
}

/// Writes the missing files of what people of the policy have signed, and of these, as this machine
/// remembers them: what is listed can then be found by others.
pub(crate) fn restore(
    project: &Project,
    set: &StatementSet,
    listed: &BTreeSet<StatementDigest>,
) -> CliResult {
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.keys.contains(&key));
    let missing = set.statements.iter().filter(|(_, found)| found.origin == Origin::Memory);
    for (digest, found) in missing {
        if is_known(found.signed.signer) || listed.contains(digest) {
            write_file(project, *digest, &serde_json::to_value(&found.signed)?)?;
            project.ui.line(format!("restored deployments/statements/{digest}.json"));
        }
    }
    Ok(())
}

/// Has a statement approved, signs it, and writes its file; or, with `--typed-data`, writes what a
/// wallet is to sign. Says which, and prints the result.
pub(crate) fn conclude(
    project: &Project,
    signer: &dyn DigestSigner,
    statement: Statement,
    what: &str,
    options: Vec<String>,
) -> CliResult<StatementDigest> {
    let digest = statement.digest()?;
    let result = serde_json::json!({"digest": digest, "statement": statement});
    if project.global.typed_data.is_some() {
        typed_data::write(project, &statement, signer.address())?;
        return Ok(digest);
    }
    approve(project, &Approval { network: what, hash: digest.0, options })?;
    let digest = sign_and_say(project, signer, statement)?;
    project.ui.result(&result);
    Ok(digest)
}

/// As [`sign_and_write`], and says where the signed file is.
pub(crate) fn sign_and_say(
    project: &Project,
    signer: &dyn DigestSigner,
    statement: Statement,
) -> CliResult<StatementDigest> {
    let digest = sign_and_write(project, signer, statement)?;
    if project.global.typed_data.is_none() {
        project.ui.line(format!("Signed: deployments/statements/{digest}.json"));
    }
    Ok(digest)
}

/// Signs a statement, writes its file and remembers it.
pub(crate) fn sign_and_write(
    project: &Project,
    signer: &dyn DigestSigner,
    statement: Statement,
) -> CliResult<StatementDigest> {
    let digest = statement.digest()?;
    if project.global.typed_data.is_some() {
        typed_data::write(project, &statement, signer.address())?;
        return Ok(digest);
    }
    let signature = signer.sign_digest(&digest.0).or_kind(Kind::Keys)?;
    write(project, &SignedStatement::by_key(statement, signer.address(), signature))
}

/// Checks a signed statement, writes its file and remembers it.
pub(crate) fn write(project: &Project, signed: &SignedStatement) -> CliResult<StatementDigest> {
    let digest = signed.verify()?;
    keep(project, signed, digest)?;
    Ok(digest)
}

/// As [`write`], where a contract may have signed, which is then asked.
pub(crate) async fn write_confirmed(
    project: &Project,
    signed: &SignedStatement,
) -> CliResult<StatementDigest> {
    let digest = check(project, signed).await?;
    keep(project, signed, digest)?;
    Ok(digest)
}

/// The digest of a statement whose signature holds, now.
pub(crate) async fn check(
    project: &Project,
    signed: &SignedStatement,
) -> CliResult<StatementDigest> {
    let (digest, contract) = match signed.check()? {
        Standing::Holds(digest) => return Ok(digest),
        Standing::Pending(digest, contract) => (digest, contract),
    };
    let mut chains = Chains { project, open: BTreeMap::new() };
    match chains.ask(signed, digest, contract.chain).await {
        Ok(_) => Ok(digest),
        Err(Doubt { why, .. }) => {
            Err(CliError::new(Kind::Fail, format!("contract {} {why}", signed.signer)))
        }
    }
}

fn keep(project: &Project, signed: &SignedStatement, digest: StatementDigest) -> CliResult {
    let value = serde_json::to_value(signed)?;
    write_file(project, digest, &value)?;
    project.store()?.remember_statement(digest, &value)?;
    Ok(())
}

fn write_file(project: &Project, digest: StatementDigest, signed: &Value) -> CliResult {
    let text = tidegate_store::to_text(signed);
    tidegate_store::write_atomic(&project.layout.statement(digest), text.as_bytes())?;
    Ok(())
}

/// The form of a signature as a wallet gives it: with `v` 27 or 28.
///
/// # Errors
/// If it is no 65 bytes that end with 0, 1, 27 or 28.
pub(crate) fn from_wallet(bytes: &[u8], digest: StatementDigest) -> CliResult<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let count = bytes.len();
    match bytes.last_mut() {
        Some(v @ (0 | 1)) if count == 65 => *v += 27,
        Some(27 | 28) if count == 65 => {}
        _ => return Err(StatementError::Form(digest).into()),
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes};
    use tidegate_evidence::Collected;
    use tidegate_model::BlockRef;
    use tidegate_model::statement::{AuditRevocation, ContractSigner};

    use super::*;

    /// A set with this many pending statements by a contract.
    fn pending(set: &mut StatementSet, auditor: Address, count: usize) {
        let block = BlockRef { number: 1, hash: B256::ZERO };
        let contract = ContractSigner { chain: ChainId(1), block };
        for number in 0..count {
            let statement = Statement::AuditRevocation(AuditRevocation {
                auditor,
                attestation: StatementDigest(B256::ZERO),
                reason: 0,
                detail: String::new(),
                revoked_at: number as u64,
            });
            let digest = statement.digest().unwrap();
            let signed = SignedStatement {
                v: SignedStatement::VERSION,
                statement,
                signer: auditor,
                signature: Bytes::new(),
                contract: Some(contract),
            };
            let collected = Collected { signed, origin: Origin::File };
            set.pending.insert(digest, (collected, contract));
        }
    }

    #[test]
    fn strangers_push_out_nobody() {
        let (stranger, dao) = (Address::with_last_byte(9), Address::with_last_byte(1));
        let asked = |strangers, own| {
            let mut set = StatementSet::default();
            pending(&mut set, stranger, strangers);
            pending(&mut set, dao, own);
            let questions = questions(&set, |key| key == dao);
            assert_eq!(questions.len(), strangers + own, "each is answered");
            questions.into_iter().filter(|(_, question)| question.is_ok()).count()
        };
        assert_eq!(asked(QUESTIONS_MAX * 4, 3), 3);
        assert_eq!(asked(3, QUESTIONS_MAX + 1), QUESTIONS_MAX);
    }
}
