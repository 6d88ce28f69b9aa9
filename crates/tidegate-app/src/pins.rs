//! The signer's own pin file: which Safe they know, with which owners and threshold. A proposal
//! never says which Safe to trust.

use std::path::PathBuf;

use alloy_primitives::Address;
use tidegate_model::ChainId;
use tidegate_model::policy::SafeTrust;
use tidegate_safe::{PinCheck, Pins, SafeState};
use tidegate_store::{is_dry_run, read_limited, write_atomic};

use crate::error::{Again, AppError, AppResult, Kind, OrKind};
use crate::front::Question;
use crate::project::Project;

/// The largest pin file, in bytes.
const PINS_BYTES_MAX: u64 = 1 << 20;

/// Checks a Safe against the pin file; on first sight it is pinned after it was shown and
/// confirmed.
pub(crate) fn check(project: &Project, chain: ChainId, state: &SafeState, now: u64) -> AppResult {
    let (path, pins) = read(project)?;
    match pins.check(chain, &state.trust) {
        PinCheck::Known => Ok(()),
        PinCheck::Changed(differences) => {
            let mut error = AppError::new(
                Kind::Fail,
                format!("the Safe {} is not what you pinned", state.trust.address),
            );
            for difference in differences {
                error = error.hint(difference);
            }
            Err(error
                .hint(format!("if the owners agreed on this, edit the pin in {}", path.display())))
        }
        PinCheck::New => {
            show(project, chain, &state.trust);
            confirm(project, chain, &state.trust)?;
            if is_dry_run() { Ok(()) } else { keep(project, chain, &state.trust, now) }
        }
    }
}

fn read(project: &Project) -> AppResult<(PathBuf, Pins)> {
    let path = project.env.home()?.join("pins.toml");
    if !path.exists() {
        return Ok((path, Pins::empty()));
    }
    let bytes = read_limited(&path, PINS_BYTES_MAX).or_kind(Kind::Config)?;
    let pins = Pins::parse(&String::from_utf8_lossy(&bytes)).or_kind(Kind::Config)?;
    Ok((path, pins))
}

/// The Safes that are pinned on a chain.
pub(crate) fn on(project: &Project, chain: ChainId) -> AppResult<Vec<Address>> {
    let (_, pins) = read(project)?;
    Ok(pins.iter().filter(|pin| pin.chain == chain).map(|pin| pin.safe).collect())
}

/// Pins a Safe as it is now.
pub(crate) fn keep(project: &Project, chain: ChainId, trust: &SafeTrust, now: u64) -> AppResult {
    let (path, pins) = read(project)?;
    let text = pins.with(chain, trust, now).to_text().or_kind(Kind::Internal)?;
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)
}

/// Shows a Safe as it is pinned.
pub(crate) fn show(project: &Project, chain: ChainId, trust: &SafeTrust) {
    let front = &project.front;
    front.note(format!("First sight of Safe {} on chain {chain}:", trust.address));
    front.note(format!("  threshold {} of {}", trust.threshold, trust.owners.len()));
    for owner in &trust.owners {
        front.note(format!("  owner {owner}"));
    }
    front.note(format!("  code of the singleton {}", trust.singleton_code_hash));
}

/// The person says that a Safe that was shown is the one they know.
pub(crate) fn confirm(project: &Project, chain: ChainId, trust: &SafeTrust) -> AppResult {
    let front = &project.front;
    let wanted = format!("{chain}:{}", trust.address);
    if let Some(pin) = &project.pin {
        if pin.eq_ignore_ascii_case(&wanted) {
            return Ok(());
        }
        return Err(AppError::usage(format!("--pin names {pin}, but this is {wanted}")));
    }
    if !front.can_ask() {
        return Err(AppError::usage("you have not pinned this Safe yet")
            .hint("compare address, owners and threshold with what the owners told you, then:")
            .again(Again { options: vec![("--pin", wanted)] }));
    }
    if front.ask(&Question::PinSafe(trust.address))? {
        return Ok(());
    }
    Err(AppError::usage("not pinned; nothing was signed"))
}
