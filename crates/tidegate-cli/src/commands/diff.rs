//! `tidegate diff`.

use clap::Args;
use serde_json::{Value, json};
use tidegate_app::assess::verify_testnet;
use tidegate_app::deployment::prepare;
use tidegate_app::error::{AppError, AppResult};
use tidegate_app::read_back::verify_target;
use tidegate_app::records;
use tidegate_app::release::{Built, built, kept, stored};
use tidegate_app::text::plain;
use tidegate_model::changes::{Change, ContractChange, ReleaseChanges};
use tidegate_model::plan::Rule;
use tidegate_model::record::DeploymentRecord;
use tidegate_plan::Executor;
use tidegate_plan::config::Stage;

use crate::commands::plan::executor;
use crate::context::Context;
use crate::ui::{COLUMNS, Ui, wrap};

/// The most functions or sources that are named of one contract.
const NAMED_MAX: usize = 12;

/// Show how two releases or networks differ
///
/// Each side is a release (name or root prefix, as far as this machine has built it), a network
/// (what was deployed there last, or with `#ID` that deployment), or `.` for the working tree.
/// Without sides: the only testnet and the working tree. A network's code is also compared with
/// its chain.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The first side
    a: Option<String>,
    /// The second side; default: the working tree
    b: Option<String>,
    /// Exit with 1 where anything differs
    #[arg(long)]
    check: bool,
}

/// One side of a comparison.
struct Side {
    label: String,
    built: Built,
    /// The network and what is recorded of it.
    deployed: Option<(String, DeploymentRecord)>,
    /// What the chain says of it: the verdict's word, and its reasons.
    chain: Option<(String, Vec<String>)>,
}

pub(crate) async fn run(project: &Context, args: &DiffArgs) -> AppResult<u8> {
    let first = match &args.a {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Testnet)?,
    };
    let a = side(project, &first).await?;
    let b = side(project, args.b.as_deref().unwrap_or(".")).await?;
    let changes = ReleaseChanges::between(&a.built.release, &b.built.release)?;
    let values = values(project, &a, &b)?;
    let bound = values.iter().any(|value| !value.allowed);
    let drifted = [&a, &b].iter().any(|s| s.chain.as_ref().is_some_and(|(word, _)| word != "PASS"));
    let mut furthest = changes.furthest();
    if bound {
        furthest = furthest.max(Change::Parameters);
    }
    let ui = &project.ui;
    ui.row("a", &format!("{}  {}", a.built.roots.release_root.short(), a.label));
    ui.row("b", &format!("{}  {}", b.built.roots.release_root.short(), b.label));
    for side in [&a, &b] {
        if let Some((word, reasons)) = &side.chain {
            ui.line(format!("{} what is on the chain of {}", ui.verdict(word), side.label));
            reasons.iter().for_each(|reason| ui.row("", reason));
        }
    }
    for source in b.built.release.unproven() {
        if !a.built.release.unproven().contains(source) {
            ui.warn(format!("{source} of b is not what a known package published"));
        }
    }
    ui.line("");
    show_changes(ui, &changes);
    for value in &values {
        let note = if value.allowed { "as its rule allows" } else { "against its rule" };
        ui.line(format!("  ${} differs {note}", value.name));
        ui.line(format!("    a {}", value.a));
        ui.line(format!("    b {}", value.b));
    }
    ui.line(format!("\n{}", furthest.words()));
    ui.result(&json!({
        "a": document(&a), "b": document(&b), "furthest": furthest,
        "contracts": changes.contracts, "plan": changes.plan,
        "params": values.iter().map(|value| json!({
            "name": value.name, "a": value.a, "b": value.b, "allowed": value.allowed,
        })).collect::<Vec<_>>(),
    }));
    Ok(u8::from(args.check && (furthest != Change::Identical || drifted)))
}

fn document(side: &Side) -> Value {
    let chain = side.chain.as_ref().map(|(word, reasons)| json!({"verdict": word, "why": reasons}));
    json!({
        "name": side.label, "roots": side.built.roots, "chain": chain,
        "network": side.deployed.as_ref().map(|(network, record)| json!({
            "name": network, "id": record.id, "buildDigest": record.deployment.build_digest,
        })),
    })
}

async fn side(project: &Context, name: &str) -> AppResult<Side> {
    if name == "." {
        let built = built(project, None)?;
        let label = format!("{}, the working tree", built.release.name);
        return Ok(Side { label, built, deployed: None, chain: None });
    }
    let (network, id) = match name.split_once('#') {
        Some((network, id)) => {
            let bad = || AppError::usage(format!("`{id}` is no deployment id"));
            (network, Some(id.parse().map_err(|_| bad())?))
        }
        None => (name, None),
    };
    if project.config.networks.contains_key(network) {
        return deployed(project, network, id).await;
    }
    let found = stored(project, name)?.ok_or_else(|| {
        let networks: Vec<_> = project.config.networks.keys().map(String::as_str).collect();
        AppError::usage(format!("`{name}` is neither a network nor a release built here"))
            .hint(format!("networks are: {}; `.` is the working tree", networks.join(", ")))
            .hint("a release is kept once `tidegate build` has built it")
    })?;
    Ok(Side { label: found.release.name.clone(), built: found, deployed: None, chain: None })
}

/// What was deployed on a network, and whether it is still there.
async fn deployed(project: &Context, network: &str, id: Option<u64>) -> AppResult<Side> {
    let records = records::all(project, network)?.into_iter().map(|(_, record)| record);
    let wanted = records.filter(|record| id.is_none_or(|id| record.id == id));
    let stage = project.network(network)?.stage;
    let newest = wanted.max_by_key(|record| {
        let last = record.transactions.iter().map(|tx| tx.block.number).max();
        (last, record.id)
    });
    let record = newest.ok_or_else(|| {
        let id = id.map_or_else(String::new, |id| format!(" with id {id}"));
        AppError::config(format!("nothing is recorded on {network}{id}")).hint(match stage {
            Stage::Testnet => format!("`tidegate deploy {network}` deploys"),
            Stage::Mainnet => "`tidegate proposal execute` writes what it has executed".to_owned(),
        })
    })?;
    let found = match kept(project, record.release_root, record.deployment.build_digest)? {
        Some(found) => found,
        None => {
            let tree = built(project, None)?;
            if tree.roots.release_root != record.release_root {
                return Err(AppError::config(format!(
                    "{} on {network} was not built here: release {}",
                    record.name,
                    record.release_root.short()
                ))
                .hint("check out the commit that was deployed and run `tidegate build`"));
            }
            tree
        }
    };
    let report = match stage {
        Stage::Testnet => verify_testnet(project, &found, network).await,
        Stage::Mainnet => verify_target(project, &found, network).await,
    };
    let chain = match report {
        Ok(report) => (report.verdict.word().to_owned(), report.verdict.sentences()),
        Err(error) => ("UNKNOWN".to_owned(), vec![error.to_string()]),
    };
    let label = format!("{} on {network}, deployment {}", record.name, record.id);
    let deployed = Some((network.to_owned(), record));
    Ok(Side { label, built: found, deployed, chain: Some(chain) })
}

/// A parameter whose value differs.
struct ValueChange {
    name: String,
    a: String,
    b: String,
    /// Whether its rule lets networks differ.
    allowed: bool,
}

/// Values of parameters, where at least one side is a network. The other side, if it is a release,
/// is taken as it would be deployed there now.
fn values(project: &Context, a: &Side, b: &Side) -> AppResult<Vec<ValueChange>> {
    let Some((network, record)) = a.deployed.as_ref().or(b.deployed.as_ref()) else {
        return Ok(Vec::new());
    };
    let params = |side: &Side| match &side.deployed {
        Some((_, record)) => Ok(record.deployment.params.clone()),
        None => {
            // Whoever compares needs no key: the record says who deployed.
            let acts = match project.network(network)?.stage {
                Stage::Testnet => Executor::Key(record.deployment.executor),
                Stage::Mainnet => executor(project, network)?,
            };
            Ok::<_, AppError>(prepare(project, &side.built, network, acts, 0)?.resolved.params)
        }
    };
    let (one, other) = (params(a)?, params(b)?);
    let across = a.deployed.as_ref().map(|(n, _)| n) != b.deployed.as_ref().map(|(n, _)| n)
        && a.deployed.is_some()
        && b.deployed.is_some();
    let mut found = Vec::new();
    for (name, value) in &one {
        let Some(changed) = other.get(name).filter(|changed| *changed != value) else { continue };
        let rule = b.built.release.plan.params.get(name).map(|decl| &decl.rule);
        let allowed = across && !matches!(rule, None | Some(Rule::SameAsTestnet));
        found.push(ValueChange { name: name.clone(), a: plain(value), b: plain(changed), allowed });
    }
    Ok(found)
}

/// Shows how two releases differ.
pub(crate) fn show_changes(ui: &Ui, changes: &ReleaseChanges) {
    changes.contracts.iter().flat_map(contract_lines).for_each(|line| ui.line(line));
    for sentence in &changes.plan {
        let parts = wrap(sentence, COLUMNS - 4).into_iter().enumerate();
        parts.for_each(|(index, part)| {
            ui.line(format!("{}{part}", if index == 0 { "  " } else { "    " }));
        });
    }
}

/// One contract's differences, laid out for a screen.
fn contract_lines(contract: &ContractChange) -> Vec<String> {
    const NAME_COLUMNS: usize = 28;
    let words: Vec<_> = match contract.only_in {
        Some(side) => vec![format!("only in {}", format!("{side:?}").to_lowercase())],
        None => contract.changes.iter().map(|change| change.words().to_owned()).collect(),
    };
    let mut lines = Vec::new();
    let mut name = contract.contract.name();
    if name.chars().count() > NAME_COLUMNS {
        lines.push(format!("  {name}"));
        name = "";
    }
    for part in wrap(&words.join(", "), COLUMNS - NAME_COLUMNS - 3) {
        lines.push(format!("  {name:<NAME_COLUMNS$} {part}"));
        name = "";
    }
    let sources = if contract.changes == [Change::Identical] { &[][..] } else { &contract.sources };
    let named = [("function", &contract.functions[..]), ("source", sources)];
    for (kind, names) in named {
        lines.extend(names.iter().take(NAMED_MAX).map(|name| format!("    {kind} {name}")));
        if names.len() > NAMED_MAX {
            lines.push(format!("    and {} more", names.len() - NAMED_MAX));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use tidegate_model::Fqn;

    use super::*;

    #[test]
    fn differences_fit_a_screen() {
        let name = "VaultThatHoldsEverythingForEverybody";
        let contract = ContractChange {
            contract: Fqn(format!("src/Vault.sol:{name}")),
            changes: vec![Change::CompilerOnly, Change::Layout, Change::Code],
            only_in: None,
            functions: (0..=NAMED_MAX).map(|number| format!("f{number}()")).collect(),
            sources: vec!["src/Vault.sol".to_owned()],
        };
        let lines = contract_lines(&contract);
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{lines:#?}");
        assert_eq!(lines[0], format!("  {name}"));
        let words = lines[1..3].iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let compiler = Change::CompilerOnly.words();
        assert_eq!(words, format!("{compiler}, storage layout, code"));
        assert_eq!(lines[3], "    function f0()");
        assert_eq!(lines[3 + NAMED_MAX..], ["    and 1 more", "    source src/Vault.sol"]);
    }
}
