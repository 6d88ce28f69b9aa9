//! What the cases share.

mod case;
mod chains;
mod created;
pub(crate) mod files;
mod forge;
mod json;
mod lab;
mod labs;
mod level;
mod run;
mod safe;
mod said;
mod scene;
mod start;
mod status;

pub(crate) use case::{Case, Outcome, cases};
pub(crate) use chains::Chains;
pub(crate) use created::Creation;
pub(crate) use forge::{Forge, by_key};
pub(crate) use json::put;
pub(crate) use lab::{promote_and_execute, unguard, use_contracts};
pub(crate) use level::Level;
pub(crate) use run::run;
pub(crate) use safe::{safe_call, safe_runs};
pub(crate) use said::{messages, said};
pub(crate) use scene::Scene;
pub(crate) use start::Start;
pub(crate) use status::{Says, Status, json_text};
