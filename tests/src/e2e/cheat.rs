//! Attempts to have something promoted that should not be: none succeeds, and each is named by the
//! gate that it meets.

mod allowed;
mod alone;
mod attesting;
mod audits;
mod authors;
mod batch;
mod chain;
mod choices;
mod construction;
mod contracts;
mod data;
mod debts;
mod findings;
mod first;
mod fresh;
mod guard;
mod hidden;
mod identity;
mod left;
mod money;
mod own_code;
mod people;
mod posting;
mod published;
mod reach;
mod records;
mod reports;
mod roots;
mod rules;
mod signatures;
mod silent;
mod soak;
mod standing;
mod stops;
mod switched;
mod treasury;
mod trust;
mod unseen;
mod withdrawn;
mod words;

use libtest_mimic::Failed;

pub(crate) use self::records::with_other;
use crate::support::{Case, Outcome, Says, Scene, Status};

pub(crate) fn cases() -> Vec<Case> {
    let areas = [
        attesting::cases(),
        allowed::cases(),
        alone::cases(),
        audits::cases(),
        authors::cases(),
        batch::cases(),
        left::cases(),
        chain::cases(),
        choices::cases(),
        construction::cases(),
        contracts::cases(),
        data::cases(),
        debts::cases(),
        findings::cases(),
        first::cases(),
        fresh::cases(),
        guard::cases(),
        hidden::cases(),
        identity::cases(),
        reach::cases(),
        reports::cases(),
        roots::cases(),
        rules::cases(),
        money::cases(),
        own_code::cases(),
        people::cases(),
        posting::cases(),
        published::cases(),
        records::cases(),
        signatures::cases(),
        silent::cases(),
        soak::cases(),
        standing::cases(),
        treasury::cases(),
        stops::cases(),
        switched::cases(),
        trust::cases(),
        unseen::cases(),
        withdrawn::cases(),
        words::cases(),
    ];
    areas.into_iter().flatten().collect()
}

/// What stands in the way: promoting is refused, the gate has this verdict and says this.
fn refused<'a>(
    scene: &Scene<'_>,
    gate: &str,
    verdict: &str,
    says: impl Into<Says<'a>>,
) -> Result<Status, Failed> {
    let ran = scene.person("eva").run(&["promote", "--json"])?;
    assert_ne!(ran.code, 0, "promoted: {ran:?}");
    let status = Status::of(&ran)?;
    status.expect(gate, verdict, says)?;
    Ok(status)
}

/// As [`refused`], where nothing else is in the way but that nobody said go since.
fn stopped<'a>(scene: &Scene<'_>, gate: &str, verdict: &str, says: impl Into<Says<'a>>) -> Outcome {
    refused(scene, gate, verdict, says)?.expect_others_pass(&[gate, "go"])
}

/// Other code of one contract, the same in all cases, so that it is compiled once.
pub(crate) fn patch(scene: &Scene<'_>) -> Outcome {
    scene.edit("contracts/src/Vault.sol", "OWNER_DELAY = 1 days", "OWNER_DELAY = 2 days")
}
