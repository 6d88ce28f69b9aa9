//! What a machine elsewhere sees of the release, kept for tests that need no chain:
//! `crates/tidegate-app/src/replay/`.

use std::path::PathBuf;

use serde_json::json;
use tidegate_app::recheck::recheck;
use tidegate_app::release::select;
use tidegate_app::status::Status;
use tidegate_app::view::VerifyView;
use tidegate_app::{books, bundle, proposals};
use tidegate_testkit::{Recorder, World, repo_root};

use super::people::Machines;
use super::{OpenedProposal, Outcome};

/// Records all that is asked of both chains by somebody who looks at everything for the first time;
/// writes it where `TIDEGATE_BLESS` is set.
#[expect(clippy::disallowed_methods, reason = "golden files, which git can take back")]
pub(crate) async fn taped(machines: &Machines, world: &World, name: &str) -> Outcome {
    let eva = machines.open("eva")?;
    let text = bundle::gather(&eva, &select(&eva, None)?)?.to_text()?;
    let testnet = Recorder::start(world.testnet.url())?;
    let mainnet = Recorder::start(world.mainnet.url())?;
    let endpoints = [("TESTNET_RPC", testnet.url()), ("MAINNET_RPC", mainnet.url())];
    let project = machines.with(endpoints).open(name)?;
    let built = select(&project, None)?;
    let status = Status::read(&project, &built, "mainnet").await?;
    VerifyView::read(&project, &built, "testnet").await?;
    books::read(&project, None).await?;
    for row in proposals::list(&project).await?.view.proposals {
        let found = proposals::find_trusted(&project, Some(&row.safe_tx_hash.to_string())).await?;
        let opened = OpenedProposal::of(&project, &found).await?;
        // What is used already is refused; its refusal is on the tape too.
        let checked = recheck(&project, &opened).await.outcome;
        if opened.is_done(&project).await? {
            opened.finish(&project, status.verdict().clone()).await?;
        } else {
            checked?.ready(&project)?;
        }
    }
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        let tapes = json!({"TESTNET_RPC": testnet.tape(), "MAINNET_RPC": mainnet.tape()});
        let kept = json!({"bundle": text, "pin": machines.pin(), "tapes": tapes});
        std::fs::write(file(name), serde_json::to_string_pretty(&kept)? + "\n")?;
    }
    Ok(())
}

fn file(name: &str) -> PathBuf {
    repo_root().join("crates/tidegate-app/src/replay").join(name).with_extension("json")
}
