//! `tidegate build`.

use clap::Args;
use tidegate_app::error::AppResult;
use tidegate_app::release::build_tree;
use tidegate_app::view::{BuildView, ContractBuildView};
use tidegate_model::release::Compiler;
use tidegate_model::units::counted;

use crate::context::Context;
use crate::text::COLUMNS;
use crate::ui::Ui;

/// Compile the plan's contracts and show the release's digests
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// With --json, add the documents and files from which the scope digests are computed
    #[arg(long, requires = "json")]
    scope: bool,
}

pub(crate) fn run(project: &Context, args: &BuildArgs) -> AppResult<u8> {
    let built = build_tree(project)?;
    let view = BuildView::of(project, &built, args.scope)?;
    let (own, of_packages) = view.warnings_by_owner(project)?;
    own.iter().for_each(|warning| project.ui.note(warning));
    if of_packages > 0 {
        let warnings = counted(of_packages, "warning");
        project.ui.note(format!("{warnings} about packages; `tidegate build --json` has the text"));
    }
    show(&project.ui, &view);
    for refused in &view.refused_upgrades {
        project.ui.warn(format!("`plan` and `deploy` refuse this: {refused}"));
    }
    project.ui.result(&view);
    Ok(0)
}

/// The compilers in a line. Vyper's versions say that they are, and come after solc's.
fn compilers(all: &[Compiler]) -> String {
    let versions: Vec<_> = all.iter().map(|compiler| compiler.version.as_str()).collect();
    let only_vyper = versions.first().is_some_and(|version| version.starts_with("vyper "));
    let first = if only_vyper { "" } else { "solc " };
    format!("{first}{}", versions.join(", "))
}

fn show(ui: &Ui, view: &BuildView) {
    let roots = &view.roots;
    ui.row("release", &view.release);
    ui.row("compiler", &compilers(&view.compilers));
    ui.row("releaseRoot", &roots.release_root.to_string());
    ui.row("scopeRoot", &roots.scope_root.to_string());
    ui.row("codeRoot", &roots.code_root.to_string());
    ui.row("planDigest", &roots.plan_digest.to_string());
    ui.row("buildDigest", &roots.build_digest.to_string());
    ui.line("");
    ui.line(counted(view.contracts.len(), "contract"));
    for ContractBuildView { fqn, runtime_bytes, exceptions, .. } in &view.contracts {
        let size = format!("  {:<22} {runtime_bytes:>6} bytes", fqn.name());
        let path = fqn.path();
        match size.len() + path.len() + 2 <= COLUMNS {
            true => ui.line(format!("{size}  {path}")),
            false => ui.line(format!("{size}\n    {path}")),
        }
        exceptions.iter().for_each(|line| ui.inset(line));
    }
}
