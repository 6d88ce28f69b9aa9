//! The statements this command sees, and how a new one is written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_chain::Network;
use tidegate_evidence::{
    ChainDates, Collected, ContractAnswer, Doubt, Doubtful, Origin, StatementSet, ask_contract,
    collect, read_dates, stands_on,
};
use tidegate_gates::Observed;
use tidegate_model::shared::STATEMENTS;
use tidegate_model::statement::{
    Body, ContractSigner, General, SignedStatement, Standing, Statement, StatementError,
};
use tidegate_model::units::counted;
use tidegate_model::{ChainId, GateInput, Head, Reason, ReasonCode, ReleaseRoot, StatementDigest};
use tidegate_plan::config::Stage;

use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::{keys_of_policies, people};
use crate::project::Project;
use crate::{recalled, records};

/// The most statements named of those that do not count.
const NAMED_MAX: usize = 10;

/// Reads the statement files and the statements of people of the policy that this machine remembers
/// or that commits before had, and remembers the union. Strangers' statements are not remembered,
/// and only some of their files are checked. A contract's statement counts only after
/// [`load_confirmed`].
pub(crate) fn load(project: &Project) -> AppResult<StatementSet> {
    let store = project.store()?;
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.holds(key));
    let adopted = keys_of_policies(project)?;
    let is_nobody_named = people.is_empty() && adopted.is_empty();
    let is_anybody = |key| is_nobody_named || is_known(key) || adopted.contains(&key);
    let files = tidegate_store::read_statements(&project.layout, is_anybody)?;
    if files.strangers > 0 {
        project.front.warn(format!(
            "{} of nobody in the policy: not read, and without effect",
            counted(files.strangers, "more statement file")
        ));
    }
    let files = files.read.into_iter().map(|(path, content)| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        (name, content.map(|file| file.json).map_err(|error| error.to_string()))
    });
    let by_people = |value: &Value| {
        let signed = serde_json::from_value::<SignedStatement>(value.clone());
        signed.is_ok_and(|signed| is_known(signed.signer()))
    };
    let seen: Vec<_> =
        store.seen_statements()?.into_iter().filter(|(_, value)| by_people(value)).collect();
    let before: BTreeSet<_> = seen.iter().map(|(digest, _)| *digest).collect();
    let recalled = recalled::gone_from(project, STATEMENTS).filter_map(|bytes| {
        let value: Value = serde_json::from_slice(&bytes).ok().filter(&by_people)?;
        let signed: SignedStatement = serde_json::from_value(value.clone()).ok()?;
        Some((signed.statement.digest().ok()?, value))
    });
    let set = collect(files, seen.into_iter().chain(recalled));
    let known = set.statements.iter().filter(|(_, found)| is_known(found.signed.signer()));
    for (digest, collected) in known.filter(|(digest, _)| !before.contains(digest)) {
        store.remember_statement(*digest, &serde_json::to_value(&collected.signed)?)?;
    }
    for fault in set.faults.iter().take(NAMED_MAX) {
        project.front.warn(format!("{fault}; it does not count"));
    }
    if set.faults.len() > NAMED_MAX {
        let more = set.faults.len() - NAMED_MAX;
        project.front.warn(format!("and {} like these", counted(more, "more file")));
    }
    let here = recorded(project);
    for remark in set.remarks_beside(|root| here.as_ref().map_or(true, |all| all.contains(&root))) {
        project.front.warn(remark);
    }
    Ok(set)
}

/// The releases of which something here is a record.
fn recorded(project: &Project) -> AppResult<BTreeSet<ReleaseRoot>> {
    let mut roots = BTreeSet::new();
    for network in project.config.networks.keys() {
        roots.extend(records::all(project, network)?.into_iter().map(|(_, of)| of.release_root));
    }
    Ok(roots)
}

/// As [`load`]; then asks the targets for the blocks that date statements, and contracts for their
/// signatures.
pub(crate) async fn load_confirmed(project: &Project) -> AppResult<StatementSet> {
    load_at(project, None).await
}

/// The target to judge for, with its finalized head, or the reason why it cannot be read.
pub(crate) type Gate = (ChainId, Observed<(Network, Head)>);

/// As [`load_confirmed`], with a target that is read already.
pub(crate) async fn load_at(project: &Project, gate: Option<Gate>) -> AppResult<StatementSet> {
    let mut set = load(project)?;
    let gate_time = gate.as_ref().and_then(|(_, read)| Some(read.as_ref().ok()?.1.timestamp));
    let mut chains = Chains { project, open: gate.into_iter().collect() };
    date(&mut chains, &mut set, gate_time).await?;
    confirm(&mut chains, &mut set).await?;
    Ok(set)
}

/// Sets aside statements by people of the policy that no final block of their target dates.
async fn date(
    chains: &mut Chains<'_>,
    set: &mut StatementSet,
    gate_time: Option<u64>,
) -> AppResult {
    let project = chains.project;
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.holds(key));
    let mut dates = BTreeMap::new();
    for (chain, heights) in set.named_heights(is_known) {
        if project.targets().any(|(_, target)| target.chain == chain) {
            let read = match chains.opened(chain).await {
                Ok((network, head)) => read_dates(network, *head, &heights).await,
                Err(why) => ChainDates::unread(why.clone()),
            };
            dates.insert(chain, read);
        }
    }
    let (mut void, mut unasked) = (Vec::new(), Vec::new());
    for (digest, doubt) in set.date(is_known, &dates, gate_time) {
        let of_kind = if doubt.kind == Doubtful::Void { &mut void } else { &mut unasked };
        of_kind.push(format!("{digest}: {}", doubt.why));
    }
    warn_of(project, &void, "it does not count");
    warn_of(project, &unasked, "what it stops remains open; otherwise it does not count");
    Ok(())
}

/// Warns of the first statements, and gives the number of the others.
fn warn_of(project: &Project, doubts: &[String], so: &str) {
    for doubt in doubts.iter().take(NAMED_MAX) {
        project.front.warn(format!("statement {doubt}; {so}"));
    }
    if doubts.len() > NAMED_MAX {
        project.front.warn(format!("and {} more like these", doubts.len() - NAMED_MAX));
    }
}

/// Asks each contract that signed a statement for its confirmation, at the finalized head of its
/// chain. It is asked in every evaluation, since it may change its mind. A contract that is
/// nobody's key is not asked.
async fn confirm(chains: &mut Chains<'_>, set: &mut StatementSet) -> AppResult {
    if set.pending.is_empty() {
        return Ok(());
    }
    let project = chains.project;
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.holds(key));
    let store = project.store()?;
    for (digest, question) in set.questions(&people) {
        let Some(both) = set.pending.get(&digest).cloned() else { continue };
        let answer = match question {
            Ok(()) => chains.ask_each(&both, digest).await,
            Err(doubt) => Err(doubt),
        };
        let Some((found, _)) = both.first() else { continue };
        let statement = &found.signed.statement;
        let revokes =
            matches!(statement, Statement::Statement(General { body: Body::AuditRevoke(_), .. }));
        let answer = match answer {
            Ok((index, input)) => {
                let signed = both.get(index).map_or(&found.signed, |(found, _)| &found.signed);
                store.remember_statement(digest, &serde_json::to_value(signed)?)?;
                Ok((index, Some(input)))
            }
            // What was taken back once is not given again by refusing to have said so.
            Err(_) if revokes && store.seen_statement(digest)?.is_some() => Ok((0, None)),
            Err(doubt) => {
                let (what, why) = (statement.text(), &doubt.why);
                let stops = statement.stops() && is_known(statement.signer());
                let so = if stops { "what it stops remains open" } else { "it does not count" };
                project.front.warn(format!("{what}: {why}; {so}"));
                Err(doubt)
            }
        };
        set.confirm(digest, answer);
    }
    Ok(())
}

/// The chains on which contracts are asked, each opened once.
struct Chains<'a> {
    project: &'a Project,
    open: BTreeMap<ChainId, Observed<(Network, Head)>>,
}

impl Chains<'_> {
    /// The network of a chain and its finalized head.
    async fn opened(&mut self, chain: ChainId) -> &Observed<(Network, Head)> {
        if !self.open.contains_key(&chain) {
            let opened = open(self.project, chain, false).await;
            self.open.insert(chain, opened);
        }
        self.open.entry(chain).or_insert_with(|| Err(Reason::unreadable("it was not opened")))
    }

    /// The first of the known signatures that the contract accepts.
    async fn ask_each(
        &mut self,
        both: &[(Collected, ContractSigner)],
        digest: StatementDigest,
    ) -> Result<(usize, GateInput), Doubt> {
        let why = Reason::new(ReasonCode::ContractUnasked, String::new());
        let mut doubt = Doubt { why, kind: Doubtful::Unasked };
        for (index, (found, contract)) in both.iter().enumerate() {
            match self.ask(&found.signed, digest, contract.chain).await {
                Ok(input) => return Ok((index, input)),
                Err(why) => doubt = why,
            }
        }
        Err(doubt)
    }

    async fn ask(
        &mut self,
        signed: &SignedStatement,
        digest: StatementDigest,
        chain: ChainId,
    ) -> Result<GateInput, Doubt> {
        let signer = signed.signer();
        stands_on(&people(self.project), signer, chain)?;
        let doubt = |kind, code, why: String| Doubt {
            why: Reason::new(code, format!("contract {signer} {why}")),
            kind,
        };
        let unasked = |why: &Reason| {
            let why = format!("could not be asked: {why}");
            doubt(Doubtful::Unasked, ReasonCode::ContractUnasked, why)
        };
        let (network, head) = self.opened(chain).await.as_ref().map_err(unasked)?;
        match ask_contract(network, *head, signer, digest, &signed.signature).await {
            Ok(ContractAnswer::Accepts(input)) => Ok(input),
            Ok(ContractAnswer::Refuses(why)) => {
                Err(doubt(Doubtful::Refused, ReasonCode::SignatureRefused, why))
            }
            Ok(ContractAnswer::Absent(why)) => {
                Err(doubt(Doubtful::Unasked, ReasonCode::ContractAbsent, why))
            }
            Err(error) => Err(unasked(&Reason::unreadable(error.to_string()))),
        }
    }
}

/// The network of a chain and its finalized head; for a stop the head may be old.
async fn open(project: &Project, chain: ChainId, for_stop: bool) -> Observed<(Network, Head)> {
    let networks = &project.config.networks;
    let backs = |name: &String| {
        networks.iter().any(|(target, settings)| {
            settings.stage == Stage::Mainnet && (target == name || settings.soaks_on.contains(name))
        })
    };
    let mut of_policy = networks.iter().filter(|(name, _)| backs(name));
    let found = of_policy.find(|(_, settings)| settings.chain == chain);
    let (name, _) = found.ok_or_else(|| {
        let text = format!("chain {chain} is neither a target nor a soak network of one");
        Reason::unreadable(text)
    })?;
    let network = project.connect(name).await.map_err(|error| error.reason())?;
    let network = if for_stop { network.for_stop() } else { network };
    let head = network.finalized_head().await;
    let head = head.map_err(|error| Reason::unreadable(error.to_string()))?;
    Ok((network, head))
}

/// Writes the missing files of these statements by people of the policy, from this machine's
/// memory, so that others can find what a new statement lists.
pub(crate) fn restore(
    project: &Project,
    set: &StatementSet,
    listed: &BTreeSet<StatementDigest>,
) -> AppResult {
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.holds(key));
    let missing = set.statements.iter().filter(|(_, found)| found.origin == Origin::Memory);
    for (digest, found) in missing {
        if is_known(found.signed.signer()) || listed.contains(digest) {
            write_file(project, *digest, &serde_json::to_value(&found.signed)?)?;
            project.front.line(format!("restored deployments/statements/{digest}.json"));
        }
    }
    Ok(())
}

/// Checks a signed statement, writes its file and remembers it.
pub(crate) fn write(project: &Project, signed: &SignedStatement) -> AppResult<StatementDigest> {
    let digest = signed.verify()?;
    keep(project, signed, digest)?;
    Ok(digest)
}

/// As [`write`], for a signer that may be a contract, which is asked.
pub(crate) async fn write_confirmed(
    project: &Project,
    signed: &SignedStatement,
) -> AppResult<StatementDigest> {
    let digest = check(project, signed).await?;
    keep(project, signed, digest)?;
    Ok(digest)
}

/// Checks the signature of a statement now, and gives its digest.
pub(crate) async fn check(
    project: &Project,
    signed: &SignedStatement,
) -> AppResult<StatementDigest> {
    let (digest, contract) = match signed.check()? {
        Standing::Holds(digest) => return Ok(digest),
        Standing::Pending(digest, contract) => (digest, contract),
    };
    let mut chains = Chains { project, open: BTreeMap::new() };
    match chains.ask(signed, digest, contract.chain).await {
        Ok(_) => Ok(digest),
        Err(Doubt { why, .. }) => Err(AppError::new(Kind::Fail, why.text)),
    }
}

fn keep(project: &Project, signed: &SignedStatement, digest: StatementDigest) -> AppResult {
    let value = serde_json::to_value(signed)?;
    write_file(project, digest, &value)?;
    project.store()?.remember_statement(digest, &value)?;
    Ok(())
}

fn write_file(project: &Project, digest: StatementDigest, signed: &Value) -> AppResult {
    let text = tidegate_store::to_text(signed);
    tidegate_store::write_atomic(&project.layout.statement(digest), text.as_bytes())?;
    Ok(())
}

/// Refuses typed data that is too old by the newest finalized block of its target. For a stop that
/// block may be old.
pub(crate) async fn require_recent(project: &Project, statement: &Statement) -> AppResult {
    if statement.at().block().is_none() {
        return Ok(());
    }
    let opened = open(project, statement.at().chain, statement.stops()).await;
    let (network, head) = opened?;
    let heights = [statement.at().number];
    read_dates(&network, head, &heights).await.require_recent(statement).map_err(|why| {
        AppError::new(Kind::Fail, why).hint("write it again with --typed-data, and sign it at once")
    })
}

/// The form of a signature as a wallet gives it: with `v` 27 or 28.
///
/// # Errors
/// If it is no 65 bytes that end with 0, 1, 27 or 28.
pub(crate) fn from_wallet(bytes: &[u8], digest: StatementDigest) -> AppResult<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let count = bytes.len();
    match bytes.last_mut() {
        Some(v @ (0 | 1)) if count == 65 => *v += 27,
        Some(27 | 28) if count == 65 => {}
        _ => {
            let signature = bytes.into();
            return Err(StatementError::Form { digest, signature }.into());
        }
    }
    Ok(bytes)
}
