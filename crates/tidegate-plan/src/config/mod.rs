//! `tidegate.toml`: what people write, checked for shape but not yet for meaning.

mod chains;
mod error;
mod param;
mod people;
mod sections;
mod steps;
#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub(crate) use error::nearest;
pub use param::{ParamConfig, RuleConfig};
pub use people::PersonConfig;
pub use sections::{CompilerConfig, Config, FundsConfig, NetworkConfig, Stage};
pub use steps::{ExistingConfig, ExistingPlace, ExternalConfig, OpenZeppelin, StepConfig};
