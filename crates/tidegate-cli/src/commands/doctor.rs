//! `tidegate doctor`.

use alloy_primitives::B256;
use clap::Args;
use tidegate_app::compiler;
use tidegate_app::doctor::{self, DoctorView, Finding};
use tidegate_app::error::{AppResult, Kind};
use tidegate_keys::OsKeyring;

use crate::context::Context;
use crate::{exit, signer};

/// Check this machine and project, and say what is missing
///
/// It ends with the exit code of the first thing that is missing, 3 or 4. A helper contract and
/// keys that are not here are named; the one is created later, the others may be another person's.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Trust this compiler on this machine, beside the official builds; the error that refuses a
    /// compiler shows its digest
    #[arg(long, value_name = "SHA256")]
    trust_compiler: Option<B256>,
}

pub(crate) async fn run(project: &Context, args: &DoctorArgs) -> AppResult<u8> {
    if let Some(sha256) = args.trust_compiler {
        compiler::trust(&project.env, sha256)?;
    }
    let address_of = |key: &str| signer::address_of(&project.env, key);
    let mut findings = doctor::look(project, &address_of).await;
    findings.insert(1, keyring());
    for finding in &findings {
        let (word, text) = match &finding.result {
            Ok(text) => ("ok", text),
            Err(text) => ("--", text),
        };
        project.ui.row(&finding.what, &format!("{word} {text}"));
        finding.hints.iter().for_each(|hint| project.ui.row("", &format!("hint: {hint}")));
    }
    // The first that is missing decides, as in the command that needs it. A key that is not here
    // may be on another person's machine, as it should be.
    let missing = findings.iter().find_map(|finding| finding.kind.filter(|k| *k != Kind::Keys));
    project.ui.result(&DoctorView { findings });
    Ok(missing.map_or(0, exit::code))
}

fn keyring() -> Finding {
    let result = match OsKeyring::probe() {
        Ok(_) => Ok("the OS keyring can hold passwords".to_owned()),
        Err(_) => {
            Err("no OS keyring here; passwords are asked for, or come by --password-fd".to_owned())
        }
    };
    // Without one nobody is kept from anything.
    Finding { what: "keyring".to_owned(), result, kind: None, hints: Vec::new() }
}
