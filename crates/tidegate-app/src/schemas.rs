//! The JSON Schemas of what commands print with `--json`, generated from the views.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::adopt::AdoptView;
use crate::books::{BooksExportView, ReconciledView, RequestsView};
use crate::bundle::TakenView;
use crate::compare::DiffView;
use crate::controls::ControlsView;
use crate::doctor::DoctorView;
use crate::drafts::StartedView;
use crate::fund_transfers::TransferView;
use crate::import::ImportedView;
use crate::init::InitView;
use crate::policy_adoption::{AdoptedView, AdoptionView, PolicyView};
use crate::posting::{PostView, SaidView};
use crate::proposals::{ExecutedView, ProposalView, ProposalsView, SheetView, SignatureView};
use crate::signing::StatementView;
use crate::typed_data::TypedDataView;
use crate::view::{
    AskedView, AuditFilesView, BuildView, BundleView, DeployView, ErrorView, HelperView, KeyView,
    KeysView, PlanView, PromoteView, StatusView, TestnetsView, VerifyView, WARNED,
};
use crate::watch::RoundView;

/// Which schemas describe what each command prints: one of those in its row. Where an approval is
/// missing, or nothing may be done, it is `asked`; with `--typed-data`, `typed-data`. A command
/// that fails before it has printed one prints `error`.
pub(crate) const COMMANDS: [(&str, &[&str]); 39] = [
    ("adopt", &["adopt"]),
    ("attest", &["statement", "said"]),
    ("build", &["build"]),
    ("deploy", &["deploy", "helper"]),
    ("diff", &["diff"]),
    ("doctor", &["doctor"]),
    ("export", &["bundle", "audit-files"]),
    ("fund approve", &["statement"]),
    ("fund deny", &["statement"]),
    ("fund draw", &["transfer"]),
    ("fund request", &["statement"]),
    ("fund return", &["transfer"]),
    ("import", &["taken", "imported"]),
    ("init", &["init"]),
    ("key import", &["key"]),
    ("key list", &["keys"]),
    ("key new", &["key"]),
    ("key remove", &["key"]),
    ("ledger export", &["books"]),
    ("ledger reconcile", &["reconciled"]),
    ("ledger show", &["requests"]),
    ("plan", &["plan"]),
    ("policy adopt", &["adoption", "adopted"]),
    ("policy check", &["controls"]),
    ("policy show", &["policy"]),
    ("promote", &["promote"]),
    ("proposal execute", &["executed", "adopted"]),
    ("proposal list", &["proposals"]),
    ("proposal show", &["sheet"]),
    ("proposal sign", &["signature"]),
    ("proposal verify", &["proposal"]),
    ("record", &["statement", "said"]),
    ("record post", &["post"]),
    ("record start", &["started", "said"]),
    ("status", &["status", "testnets"]),
    ("status --watch", &["round"]),
    ("verify", &["verify"]),
    ("(asked to approve)", &["asked", "typed-data"]),
    ("(failed, or a dry run)", &["error"]),
];

/// Every schema, by its name.
pub(crate) fn schemas() -> BTreeMap<&'static str, Schema> {
    BTreeMap::from([
        of::<AdoptView>("adopt"),
        of::<AdoptedView>("adopted"),
        of::<AdoptionView>("adoption"),
        of::<AskedView>("asked"),
        of::<AuditFilesView>("audit-files"),
        of::<BooksExportView>("books"),
        of::<BuildView>("build"),
        of::<BundleView>("bundle"),
        of::<ControlsView>("controls"),
        of::<DeployView>("deploy"),
        of::<DiffView>("diff"),
        of::<DoctorView>("doctor"),
        of::<ErrorView>("error"),
        of::<ExecutedView>("executed"),
        of::<HelperView>("helper"),
        of::<ImportedView>("imported"),
        of::<InitView>("init"),
        of::<KeyView>("key"),
        of::<KeysView>("keys"),
        of::<PlanView>("plan"),
        of::<PolicyView<'static>>("policy"),
        of::<PostView<'static>>("post"),
        of::<PromoteView>("promote"),
        of::<ProposalView>("proposal"),
        of::<ProposalsView>("proposals"),
        of::<ReconciledView>("reconciled"),
        of::<RequestsView>("requests"),
        of::<RoundView>("round"),
        of::<SaidView>("said"),
        of::<SheetView>("sheet"),
        of::<SignatureView>("signature"),
        of::<StartedView>("started"),
        of::<StatementView<'static>>("statement"),
        of::<StatusView>("status"),
        of::<TakenView>("taken"),
        of::<TestnetsView>("testnets"),
        of::<TransferView>("transfer"),
        of::<TypedDataView>("typed-data"),
        of::<VerifyView>("verify"),
    ])
}

fn warned() -> Value {
    json!({
        "description": "Warnings that came on the way, one sentence each; absent without any.",
        "type": "array",
        "items": {"type": "string"},
    })
}

fn of<T: JsonSchema>(name: &'static str) -> (&'static str, Schema) {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), format!("tidegate {name}").into());
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(WARNED.to_owned(), warned());
    }
    (name, schema)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use tidegate_store::write_atomic;

    use super::*;

    /// `docs/schemas` of this repository.
    fn folder() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas"))
    }

    /// The files that `docs/schemas` should have, with their texts.
    fn wanted() -> BTreeMap<String, String> {
        let mut files: BTreeMap<_, _> = schemas()
            .iter()
            .map(|(name, schema)| {
                let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
                (format!("{name}.json"), text)
            })
            .collect();
        let rows = COMMANDS.map(|(command, names)| {
            let links = names.iter().map(|name| format!("[{name}]({name}.json)"));
            format!("| `{command}` | {} |\n", links.collect::<Vec<_>>().join(", "))
        });
        let text = format!(
            "# What `--json` prints\n\nEach command prints one document on standard output. \
             These JSON Schemas (2020-12) describe them.\nThey are generated from the types that \
             are printed; `TIDEGATE_BLESS=1 cargo test --workspace --lib schemas` writes\nthem \
             anew.\n\n| command | schema |\n|---|---|\n{}",
            rows.concat()
        );
        files.insert("README.md".to_owned(), text);
        files
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "no setting of the program: it blesses files")]
    fn what_is_documented_is_what_is_printed() {
        let (folder, wanted) = (folder(), wanted());
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            for (name, text) in &wanted {
                write_atomic(&folder.join(name), text.as_bytes()).unwrap();
            }
        }
        let found = std::fs::read_dir(&folder).unwrap();
        let found: BTreeMap<_, _> = found
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, std::fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        assert_eq!(found, wanted, "TIDEGATE_BLESS=1 writes docs/schemas anew");
    }

    #[test]
    fn every_schema_is_some_commands() {
        let named: BTreeSet<_> = COMMANDS.iter().flat_map(|(_, names)| *names).copied().collect();
        assert_eq!(named, schemas().into_keys().collect());
    }
}
