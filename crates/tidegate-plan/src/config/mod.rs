//! `tidegate.toml`: what people write, checked for shape but not yet for meaning.

mod error;
mod param;
mod sections;

pub use error::ConfigError;
pub(crate) use error::nearest;
pub use param::{ParamConfig, RuleConfig};
pub use sections::{
    Config, ExternalConfig, FundsConfig, NetworkConfig, PersonConfig, Stage, StepConfig,
};
