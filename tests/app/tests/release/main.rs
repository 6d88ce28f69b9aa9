//! A release from its sources to mainnet through the application library alone: no binary, no
//! terminal, two local chains.

mod people;
mod taping;

use std::fmt;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use tidegate_app::attest::{self, AttestRequest};
use tidegate_app::deploy::{self, DeployRequest, HelperPlace, Testnet};
use tidegate_app::drafts::{
    self, AskRequest, DecideRequest, GoRequest, Resolution, Subject, TriageRequest,
};
use tidegate_app::error::Kind;
use tidegate_app::fund_transfers::{self, Direction, Payer, TransferRequest};
use tidegate_app::project::Project as Opened;
use tidegate_app::proposals::{self, Finished, Opened as OpenedProposal};
use tidegate_app::release::select;
use tidegate_app::status::Status;
use tidegate_app::view::{DeployView, VerifyView};
use tidegate_app::{policy_adoption, promote, recheck};
use tidegate_testkit::{
    Activity, DAY_SECS, GENESIS_TIMESTAMP, Project, ProjectOptions, Tools, World, WorldOptions,
    repo_root,
};

use self::people::{Approver, Key, Machines};
use self::taping::taped;

type Outcome<T = ()> = Result<T, Failure>;

/// Why the story broke off.
struct Failure(String);

impl<E: fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const ETHER: u64 = 1_000_000_000_000_000_000;

/// As much as a program's main thread has: unoptimized futures of use cases are larger than what a
/// test's thread holds.
const STACK_BYTES: usize = 8 << 20;

#[test]
fn a_release_reaches_mainnet_without_a_terminal() -> Outcome {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(story())
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run)?;
    thread.join().map_err(|_| Failure("the story panicked".to_owned()))?
}

async fn story() -> Outcome {
    let tools = Tools::here()?;
    let folder = tempfile::tempdir()?;
    let world = World::start(&tools, &WorldOptions::default())?;
    let project =
        Project::create(&tools, &world, &folder.path().join("vault"), &ProjectOptions::default())?;
    for firm in ["acme", "bolt"] {
        project.write(&format!("reports/{firm}.md"), b"No open findings.\n")?;
    }
    let machines = Machines::new(&tools, &world, &project, folder.path());
    adopt(&machines, &world).await?;
    fund(&machines, &world).await?;
    let deployed = deployed(&machines, &world).await?;
    used(&world, &deployed, &project)?;
    world.advance_to(GENESIS_TIMESTAMP + 16 * DAY_SECS)?;
    for (name, firm) in [("ada", "acme"), ("bo", "bolt")] {
        attested(&machines, name, firm).await?;
    }
    contradictions(&machines).await?;
    held(&machines).await?;
    went(&machines).await?;
    promoted(&machines, &world).await
}

/// The helper on mainnet, and the policy that the Safe adopts.
async fn adopt(machines: &Machines, world: &World) -> Outcome {
    let (ops, relayer) = (machines.open("ops")?, Key::of("relayer"));
    let mainnet = HelperPlace::of(&ops, Some("mainnet"), None).await?;
    assert!(mainnet.is_empty().await?);
    mainnet.create(&ops, &relayer).await?;
    world.settle()?;
    let eva = machines.open("eva")?;
    let present = policy_adoption::to_adopt(&eva, None).await?;
    let next = present.next(&eva).await?;
    assert!(next.is_there().is_none(), "no policy was adopted yet");
    assert_eq!(next.propose(&eva)?.version, 1);
    sign(machines).await?;
    assert_eq!(execute(machines, world).await?, Executed::Adopted(1));
    let present = policy_adoption::to_adopt(&eva, None).await?;
    let again = present.next(&eva).await?;
    assert!(again.is_there().is_some_and(|adopted| adopted.version == 1));
    assert_eq!(again.propose(&eva).map_err(|error| error.kind).err(), Some(Kind::Conflict));
    Ok(())
}

/// The treasury lends the deployer two ether.
async fn fund(machines: &Machines, world: &World) -> Outcome {
    let deployer = Key::of("deployer");
    let ask = AskRequest {
        network: "testnet".to_owned(),
        destination: deployer.address(),
        amount: U256::from(2 * ETHER),
        reason: "rehearse".to_owned(),
        for_release: true,
    };
    let eva = machines.open("eva")?;
    let of_mainnet = AskRequest { network: "mainnet".to_owned(), ..ask.clone() };
    let refused = drafts::ask(&eva, &deployer, of_mainnet).await;
    assert_eq!(refused.map_err(|error| error.kind).err(), Some(Kind::Usage), "no test funds there");
    drafts::ask(&eva, &deployer, ask).await?.sign(&eva, &deployer).await?;
    let (kim, treasury) = (machines.open("kim")?, Key::of("treasury"));
    let decision = DecideRequest { request: None, approve: true, reason: String::new() };
    let asked = drafts::asked(&kim, decision).await?;
    asked.decide(&kim, &treasury).await?.sign(&kim, &treasury).await?;
    let kim = machines.open("kim")?;
    let request = TransferRequest { direction: Direction::Draw, request: None, amount: None };
    let payer = Payer { name: "treasury", signer: &treasury };
    // What was frozen for one key is not sent by another.
    let transfer = fund_transfers::open(&kim, &request).await?;
    let frozen = transfer.freeze(&kim, &payer).await?.ok_or("something to draw")?;
    let other = Payer { name: "deployer", signer: &deployer };
    let refused = frozen.run(&kim, &other).await;
    assert_eq!(refused.map_err(|error| error.kind).err(), Some(Kind::Keys));
    let transfer = fund_transfers::open(&kim, &request).await?;
    let frozen = transfer.freeze(&kim, &payer).await?.ok_or("something to draw")?;
    let sent = frozen.run(&kim, &payer).await?;
    assert_eq!(sent.amount, Some(U256::from(2 * ETHER)));
    assert_eq!(sent.to, deployer.address());
    Ok(world.settle()?)
}

async fn deployed(machines: &Machines, world: &World) -> Outcome<DeployView> {
    let (eva, deployer) = (machines.open("eva")?, Key::of("deployer"));
    let built = select(&eva, None)?;
    let mainnet = Testnet::of(&eva, Some("mainnet"), None).await;
    assert_eq!(mainnet.map_err(|error| error.kind).err(), Some(Kind::Usage), "by a Safe alone");
    let testnet = Testnet::of(&eva, Some("testnet"), None).await?;
    let frozen =
        deploy::freeze(&eva, &testnet, &built, &deployer, &DeployRequest::default()).await?;
    assert!(frozen.creates_helper() && !frozen.begun_before());
    drop(frozen);
    shown(machines, &testnet).await?;
    let frozen =
        deploy::freeze(&eva, &testnet, &built, &deployer, &DeployRequest::default()).await?;
    let mut done = Vec::new();
    let view = frozen.approve()?.run(&mut |step| done.push(step.clone())).await?;
    assert!(!view.was_complete && done.iter().all(|step| step.landed.is_some()));
    assert_eq!(view.release_root, built.roots.release_root);
    assert_eq!(shown_release()?, built.roots.release_root.to_string(), "play the demo anew");
    world.settle()?;
    let verified = VerifyView::read(&eva, &built, "testnet").await?;
    assert_eq!(verified.result.word(), "PASS", "{:?}", verified.result.sentences());
    Ok(view)
}

/// Whoever approves something else than what would be sent is shown all that would be.
async fn shown(machines: &Machines, testnet: &Testnet) -> Outcome {
    let front = Arc::new(Approver::default());
    let other = Some(B256::repeat_byte(0x11));
    let (eva, deployer) = (machines.open_by("eva", front.clone(), other)?, Key::of("deployer"));
    let built = select(&eva, None)?;
    let frozen =
        deploy::freeze(&eva, testnet, &built, &deployer, &DeployRequest::default()).await?;
    let refused = frozen.approve();
    assert_eq!(refused.map_err(|error| error.kind).err(), Some(Kind::Usage));
    let told = [
        &*format!("{} on testnet, deployment id 0", built.release.name),
        "create vault/implementation",
        "_data = call initialize(address,uint256,address)",
        "cap_ = 250000000",
        "call   registry.register",
        "The helper contract is created first",
        "the soak's anchor",
        "Its fees come to at most",
    ];
    for text in told {
        assert!(front.has_told(text), "{text} was not told: {front:?}");
    }
    Ok(())
}

/// The release whose files `deployments/` of this repository shows to readers.
fn shown_release() -> Outcome<String> {
    let text = std::fs::read_to_string(repo_root().join("deployments/testnet/addresses.json"))?;
    let (_, root) = text.split_once("\"releaseRoot\": \"").ok_or("a release root")?;
    Ok(root.split('"').next().unwrap_or_default().to_owned())
}

/// Testers use what was deployed, as much as the policy asks.
fn used(world: &World, view: &DeployView, project: &Project) -> Outcome {
    let at = |step: &str| view.steps.get(step).map(|place| place.address).ok_or("a step");
    let record = std::fs::read_to_string(project.root().join(&view.record))?;
    let token = mock(&record).ok_or("a token")?;
    let activity = Activity::new(&world.testnet, at("registry")?, at("vault")?, token);
    activity.prepare()?;
    for (tester, act) in Activity::ACTS {
        activity.act(tester, act)?;
    }
    Ok(world.settle()?)
}

/// The address of the token's stand-in, as the record has it.
fn mock(record: &str) -> Option<Address> {
    let (_, mocks) = record.split_once("\"mocks\"")?;
    let (_, usdc) = mocks.split_once("\"usdc\"")?;
    usdc.split('"').nth(1)?.parse().ok()
}

async fn attested(machines: &Machines, name: &str, firm: &str) -> Outcome {
    let (project, key) = (machines.open(name)?, Key::of(name));
    let request = AttestRequest::of(project.root.join(format!("reports/{firm}.md")));
    let built = attest::release(&project, None, &request)?;
    let draft = attest::draft(&project, &built, &request, key.address()).await?;
    assert_eq!(draft.attestation().auditor, key.address());
    draft.sign(&project, &key)?;
    Ok(())
}

/// What no options of a command line say is refused by the library too, before anything else.
async fn contradictions(machines: &Machines) -> Outcome {
    let (project, key) = (machines.open("ada")?, Key::of("ada"));
    let report = project.root.join("reports/acme.md");
    let (plain, some) = (AttestRequest::of(report.clone()), Some("0x".to_owned()));
    let built = attest::release(&project, None, &plain)?;
    let delta = AttestRequest { delta: some.clone(), ..plain.clone() };
    let findings = AttestRequest { findings: Some(report), ..plain.clone() };
    for request in [
        AttestRequest { no_block: Some("2026-01-08".to_owned()), ..delta.clone() },
        AttestRequest { only: vec!["Vault".to_owned()], ..delta },
        AttestRequest { found: Some(1), ..findings.clone() },
        AttestRequest { fixed: 1, ..findings },
    ] {
        let drafted = attest::draft(&project, &built, &request, key.address()).await;
        assert_eq!(drafted.map(drop).map_err(|error| error.kind), Err(Kind::Usage), "{request:?}");
        let opened = attest::release(&project, None, &request).map(drop);
        assert_eq!(opened.map_err(|error| error.kind), Err(Kind::Usage), "{request:?}");
    }
    let nowhere = AttestRequest::of(project.root.join("reports/nowhere.md"));
    let opened = attest::release(&project, None, &nowhere).map(drop);
    assert_eq!(opened.map_err(|error| error.kind), Err(Kind::Config));
    for (resolution, of) in [(Resolution::Duplicate, None), (Resolution::Invalid, some)] {
        let (bug, reason) = ("0123456789abcdef".to_owned(), String::new());
        let request = TriageRequest { bug, resolution, of, reason, target: None };
        let drafted = drafts::triage(&project, &key, request).await.map(drop);
        let said = drafted.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("--of"), "{resolution:?}: {said}");
    }
    Ok(())
}

/// What the gates do not let through is not frozen, whatever a front end makes of the verdict.
async fn held(machines: &Machines) -> Outcome {
    let eva = machines.open("eva")?;
    let built = select(&eva, None)?;
    let candidate = promote::evaluate(&eva, &built, "mainnet", None).await?;
    assert!(!candidate.assessment().overall.allows(), "nobody said go yet");
    let frozen = candidate.freeze().await.map(drop).map_err(|error| error.kind);
    assert_eq!(frozen, Err(Kind::Unknown));
    Ok(())
}

async fn went(machines: &Machines) -> Outcome {
    let (kim, treasury) = (machines.open("kim")?, Key::of("treasury"));
    let request = GoRequest {
        subject: Subject::default(),
        discipline: None,
        reason: String::new(),
        without: Vec::new(),
    };
    drafts::go(&kim, &treasury, request).await?.sign(&kim, &treasury).await?;
    Ok(())
}

async fn promoted(machines: &Machines, world: &World) -> Outcome {
    let eva = machines.open("eva")?;
    let built = select(&eva, None)?;
    let status = Status::read(&eva, &built, "mainnet").await?;
    assert_eq!(status.verdict().word(), "PASS", "{:?}", status.view.next);
    let candidate = promote::evaluate(&eva, &built, "mainnet", None).await?;
    let frozen = candidate.freeze().await?;
    assert!(frozen.controls() > 0 && frozen.calls() > 0);
    let simulated = frozen.simulate().await?;
    assert!(simulated.gas() > 0 && proposals::list(&eva).await?.view.proposals.len() == 1);
    simulated.write()?;
    sign(machines).await?;
    taped(machines, world, "signed").await?;
    let root = built.roots.release_root.to_string();
    assert_eq!(execute(machines, world).await?, Executed::Promoted(root, "PASS"));
    let status = Status::read(&machines.open("eva")?, &built, "mainnet").await?.view;
    let read_back = status.promoted.ok_or("a recorded promotion")?.read_back;
    assert_eq!(read_back.word(), "PASS", "{:?}", read_back.sentences());
    taped(machines, world, "executed").await
}

/// A row of every proposal's sheet.
const SHEET: &str = "EIP-712 Digest";

/// Two owners check the newest proposal alone, and sign it.
async fn sign(machines: &Machines) -> Outcome {
    for owner in ["o1", "o2"] {
        let front = Arc::new(Approver::default());
        let (project, key) = (machines.open_by(owner, front.clone(), None)?, Key::of(owner));
        let found = newest(&project).await?;
        let opened = OpenedProposal::of(&project, &found).await?;
        let rechecked = recheck::recheck(&project, &opened).await.outcome?;
        rechecked.require_owner(key.address())?;
        assert!(!front.has_told(SHEET));
        assert_eq!(rechecked.sign(&project, &key)?.owner, key.address());
        assert!(front.has_told(SHEET), "nobody signs what was not shown");
    }
    Ok(())
}

/// What the Safe did.
#[derive(Debug, PartialEq)]
enum Executed {
    /// It adopted a policy of this version.
    Adopted(u64),
    /// It promoted the release of this root, which was read back.
    Promoted(String, &'static str),
}

async fn execute(machines: &Machines, world: &World) -> Outcome<Executed> {
    let front = Arc::new(Approver::default());
    let (ops, relayer) = (machines.open_by("ops", front.clone(), None)?, Key::of("relayer"));
    let found = newest(&ops).await?;
    let opened = OpenedProposal::of(&ops, &found).await?;
    let rechecked = recheck::recheck(&ops, &opened).await.outcome?;
    let ready = rechecked.ready(&ops)?;
    assert!(front.has_told(SHEET), "nobody sends what was not shown");
    ready.execute(&ops, &relayer).await?;
    let executed = match opened.finish(&ops, rechecked.verdict).await? {
        Finished::Adopted(view) => Executed::Adopted(view.version),
        Finished::Promoted(done) => {
            assert!(done.file.is_some(), "its transaction is shown, so it is recorded");
            Executed::Promoted(done.view.promoted.to_string(), done.view.verdict().word())
        }
    };
    world.settle()?;
    Ok(executed)
}

/// The proposal that is not executed yet.
async fn newest(project: &Opened) -> Outcome<proposals::Found> {
    let list = proposals::list(project).await?.view.proposals;
    let open = list.iter().find(|row| row.standing != proposals::Readiness::Used);
    let hash = open.ok_or("an open proposal")?.safe_tx_hash.to_string();
    Ok(proposals::find_trusted(project, Some(&hash)).await?)
}
