//! What `docs/auditors.md` tells auditors to type.

use alloy_primitives::{U256, hex};
use libtest_mimic::Failed;
use tidegate_testkit::{actor, actor_address};

use super::pages::Printed;
use super::tour::{FINDINGS, finding};
use super::typist::{Typist, shows};
use super::{AUDITORS, blocks_of};
use crate::audits::{SIGN, node};
use crate::cheat::patch;
use crate::support::{Case, Forge, Outcome, Scene, cases};

pub(super) fn cases() -> Vec<Case> {
    cases! {
        Deployed: what_auditors_are_told_is_typed;
    }
}

/// Two goes of sixteen digits name an attestation.
const DIGEST_DIGITS: usize = 16;

fn what_auditors_are_told_is_typed(scene: &Scene<'_>) -> Outcome {
    for report in ["report.pdf", "addendum.pdf"] {
        scene.write(report, "%PDF-1.7\n")?;
    }
    scene.write("findings.sarif", FINDINGS)?;
    scene.world.mainnet.set_balance(actor_address("bo"), U256::from(10).pow(U256::from(18)))?;
    let mut typist = Typist::default();
    for block in blocks_of::<7>(scene, AUDITORS)? {
        for printed in block.commands() {
            line(scene, &mut typist, &printed)
                .map_err(|failed| format!("{}: {failed:?}", printed.words.join(" ")))?;
            scene.world.settle()?;
        }
    }
    Ok(())
}

fn line(scene: &Scene<'_>, typist: &mut Typist, printed: &Printed) -> Outcome {
    let words: Vec<&str> = printed.words.iter().skip(1).map(String::as_str).collect();
    let value = |option: &str| {
        let at = words.iter().position(|word| *word == option)?;
        words.get(at + 1).copied()
    };
    match words[..] {
        ["import", _, _, signature] => {
            let typed = scene.project().join("attest.json");
            let key = hex::encode_prefixed(actor("bo").to_bytes());
            typist.says(signature, node(scene, SIGN, &[&typed.to_string_lossy(), &key])?);
        }
        ["record", "risk", key, ..] => typist.says(key, finding(scene)?),
        _ => {}
    }
    if let Some(wallet) = value("--as").filter(|name| name.starts_with("0x")) {
        typist.says(wallet, actor_address("bo").to_string());
    }
    if let Some(digest) = value("--delta").or(value("--revoke")) {
        assert_eq!(digest.len(), DIGEST_DIGITS, "{digest}");
        typist.says(digest, &newest(scene)?[2..2 + DIGEST_DIGITS]);
    }
    if words.contains(&"--delta") {
        patch(scene)?;
    }
    let person = match value("--as") {
        Some("deployer") => "eva",
        Some("treasury") => "kim",
        _ => "bo",
    };
    shows(printed, &typist.types(&scene.person(person), printed)?)
}

/// The digest of the auditor's attestation.
fn newest(scene: &Scene<'_>) -> Result<String, Failed> {
    Ok(Forge(scene).signed("bo")?.statement.digest()?.to_string())
}
