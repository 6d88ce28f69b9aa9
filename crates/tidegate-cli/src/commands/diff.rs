//! `tidegate diff`.

use clap::Args;
use tidegate_app::compare::{DiffView, SideView};
use tidegate_app::error::AppResult;
use tidegate_model::changes::{Change, ContractChange};
use tidegate_plan::config::Stage;

use crate::context::Context;
use crate::text::{COLUMNS, wrap};
use crate::ui::Ui;

/// The most functions or sources that are named of one contract.
const NAMED_MAX: usize = 12;

/// Compare two releases or networks
///
/// Each side is a release that this machine has built (its name or a prefix of its root), a network
/// (its latest deployment, or deployment ID as `NETWORK#ID`), or `.` for the working tree. By
/// default the only testnet is compared with the working tree. A network's code is also compared
/// with its chain.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The first side
    a: Option<String>,
    /// The second side; default: the working tree
    b: Option<String>,
    /// Exit with 1 if anything differs
    #[arg(long)]
    check: bool,
}

pub(crate) async fn run(project: &Context, args: &DiffArgs) -> AppResult<u8> {
    let first = match &args.a {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Testnet)?,
    };
    let view = DiffView::between(project, &first, args.b.as_deref().unwrap_or(".")).await?;
    let ui = &project.ui;
    for (label, side) in [("a", &view.a), ("b", &view.b)] {
        ui.row(label, &format!("{}  {}", side.roots.release_root.short(), side.name));
    }
    for SideView { name, chain, .. } in [&view.a, &view.b] {
        let Some(chain) = chain else { continue };
        ui.line(format!("{} what is on the chain of {name}", ui.verdict(&chain.verdict)));
        chain.why.iter().for_each(|reason| ui.row("", reason));
    }
    for source in &view.unproven {
        ui.warn(format!("{source} of b is not what a known package published"));
    }
    ui.line("");
    show_changes(ui, &view.contracts, &view.plan);
    for value in &view.params {
        let note = if value.allowed { "as its rule allows" } else { "against its rule" };
        ui.line(format!("  ${} differs {note}", value.name));
        ui.line(format!("    a {}", value.a));
        ui.line(format!("    b {}", value.b));
    }
    ui.line(format!("\n{}", view.furthest.words()));
    ui.result(&view);
    Ok(u8::from(args.check && view.differs()))
}

/// Shows how two releases differ.
pub(crate) fn show_changes(ui: &Ui, contracts: &[ContractChange], plan: &[String]) {
    contracts.iter().flat_map(contract_lines).for_each(|line| ui.line(line));
    for sentence in plan {
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
        Some(_) if contract.kept => vec!["kept as it stands".to_owned()],
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
            kept: false,
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
