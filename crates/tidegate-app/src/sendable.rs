//! That every use case can run on any thread: a server spawns what a terminal waits for. This is
//! compiled and never run.

use alloy_primitives::Address;
use tidegate_model::Verdict;
use tidegate_model::ports::DigestSigner;

use crate::attest::{AttestRequest, Recomputed};
use crate::drafts::{Asked, Deciding, Draft, Going, Start, Subject};
use crate::fund_transfers::{Frozen as Money, Payer, Transfer, TransferRequest};
use crate::import::ImportRequest;
use crate::policy_adoption::Adoptable;
use crate::posting::OthersStop;
use crate::project::Project;
use crate::promote::{Candidate, Frozen};
use crate::proposals::{Found, Opened, Ready};
use crate::release::Built;
use crate::{
    attest, books, deploy, drafts, fund_transfers, import, policy_adoption, posting, promote,
    proposals, recheck, statements,
};

fn send<T: Send>(_: T) {}

/// The arguments of each use case.
struct Given<'a> {
    project: &'a Project,
    signer: &'a dyn DigestSigner,
    built: &'a Built,
    name: &'a str,
}

fn releases(
    given: &Given<'_>,
    candidate: &Candidate<'_>,
    (request, recomputed): (&AttestRequest, &Recomputed),
) {
    let Given { project, built, name, .. } = *given;
    send(attest::draft(project, recomputed, request, Address::ZERO));
    send(promote::evaluate(project, built, name, None));
    send(candidate.freeze());
    send(promote::assess_ready(project, built, name));
    send(deploy::Testnet::of(project, None, None));
    send(deploy::HelperPlace::of(project, None, None));
}

fn promoting(frozen: Frozen<'_>) {
    send(frozen.simulate());
}

fn deployments(
    given: &Given<'_>,
    (testnet, place): (&deploy::Testnet, &deploy::HelperPlace),
    (approved, request): (deploy::Approved<'_>, &deploy::DeployRequest),
    report: &mut (dyn FnMut(&deploy::Done) + Send),
) {
    let Given { project, signer, built, .. } = *given;
    send(deploy::freeze(project, testnet, built, signer, request));
    send(place.create(project, signer));
    send(approved.run(report));
}

fn owners(given: &Given<'_>, found: &Found, opened: &Opened<'_>, ready: &Ready<'_>) {
    let Given { project, signer, .. } = *given;
    send(proposals::list(project));
    send(proposals::find_trusted(project, None));
    send(Opened::of(project, found));
    send(recheck::recheck(project, opened));
    send(opened.is_done(project));
    send(ready.execute(project, signer));
    send(opened.finish(project, Verdict::Pass));
}

fn policies(given: &Given<'_>, adoptable: &Adoptable) {
    let project = given.project;
    send(policy_adoption::present(project, None));
    send(policy_adoption::to_adopt(project, None));
    send(adoptable.next(project));
}

struct Requests {
    go: drafts::GoRequest,
    no_go: drafts::StopRequest,
    freeze: drafts::FreezeRequest,
    bug: drafts::BugRequest,
    triage: drafts::TriageRequest,
    withdraw: drafts::WithdrawRequest,
    waiver: drafts::WaiverRequest,
    postmortem: drafts::PostmortemRequest,
    result: drafts::ResultRequest,
    risk: drafts::RiskRequest,
    revoke: drafts::RevokeRequest,
    ask: drafts::AskRequest,
    decide: drafts::DecideRequest,
}

fn drafting(given: &Given<'_>, requests: Requests, asked: Asked, subject: &Subject) {
    let Given { project, signer, name, .. } = *given;
    send(drafts::go(project, signer, requests.go));
    send(drafts::no_go(project, signer, requests.no_go));
    send(drafts::freeze(project, signer, requests.freeze));
    send(drafts::bug(project, signer, requests.bug));
    send(drafts::triage(project, signer, requests.triage));
    send(drafts::withdraw(project, signer, requests.withdraw));
    send(drafts::waiver(project, signer, requests.waiver));
    send(drafts::postmortem(project, signer, requests.postmortem));
    send(drafts::result(project, signer, requests.result));
    send(drafts::risk(project, signer, requests.risk));
    send(drafts::revoke(project, signer, requests.revoke));
    send(drafts::ask(project, signer, requests.ask));
    send(drafts::asked(project, requests.decide));
    send(asked.decide(project, signer));
    send(drafts::emergency(project, signer, None, true));
    send(drafts::key_claim(project, signer, name, None));
    send(drafts::starts(project, signer, subject));
}

fn signing(given: &Given<'_>, said: Draft, go: Draft<Going>, fund: Draft<Deciding>, start: &Start) {
    let Given { project, signer, .. } = *given;
    send(said.sign(project, signer));
    send(go.sign(project, signer));
    send(fund.sign(project, signer));
    send(start.post(project, signer));
}

fn files(given: &Given<'_>, stop: &OthersStop, request: &ImportRequest) {
    let Given { project, signer, name, .. } = *given;
    send(posting::of_others(project, name.as_ref()));
    send(stop.post(project, signer));
    send(import::import(project, request));
    send(statements::load_confirmed(project));
}

fn money(given: &Given<'_>, request: &TransferRequest, transfer: Transfer, frozen: Money) {
    let Given { project, signer, name, .. } = *given;
    let payer = Payer { name, signer };
    send(books::read(project, None));
    send(fund_transfers::open(project, request));
    send(transfer.freeze(project, &payer));
    send(frozen.run(project, &payer));
}

#[test]
fn every_use_case_can_run_on_any_thread() {
    let _ = (releases, promoting, deployments, owners, policies, drafting, signing, files, money);
}
