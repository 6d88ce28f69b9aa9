//! `tidegate.toml`: what people write, checked for shape but not yet for meaning.

mod error;
mod param;
mod sections;
mod steps;

pub use error::ConfigError;
pub(crate) use error::nearest;
pub use param::{ParamConfig, RuleConfig};
pub use sections::{CompilerConfig, Config, FundsConfig, NetworkConfig, PersonConfig, Stage};
pub use steps::{ExistingConfig, ExistingPlace, ExternalConfig, OpenZeppelin, StepConfig};
