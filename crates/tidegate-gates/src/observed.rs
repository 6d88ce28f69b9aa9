//! Facts that may be missing.

use tidegate_model::Reason;

/// A fact that may not have been readable; otherwise what is missing.
pub type Observed<T> = Result<T, Reason>;
