//! Compiles small projects with the real compiler from `tests/node_modules`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod above;
mod code_match;
mod errors;
mod hidden;
mod layout;
mod perturbations;
mod project;
mod refusals;
mod templates;
mod versions;
mod vyper;
