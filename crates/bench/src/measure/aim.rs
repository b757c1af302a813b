//! What a figure ought to be.

use serde::Serialize;

/// A bound that somebody set for a part of a figure.
#[derive(Debug, Clone, Serialize)]
pub struct Aim {
    /// Which part of the figure: `value`, `ratio`, `cpu_us`, `bytes_ratio`.
    pub of: &'static str,
    /// It ought to be at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// It ought to be at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// Whether it is.
    pub met: bool,
}

impl Aim {
    /// At least so much.
    #[must_use]
    pub fn at_least(of: &'static str, bound: f64, got: f64) -> Self {
        Self { of, at_least: Some(bound), at_most: None, met: got >= bound }
    }

    /// At most so much.
    #[must_use]
    pub fn at_most(of: &'static str, bound: f64, got: f64) -> Self {
        Self { of, at_least: None, at_most: Some(bound), met: got <= bound }
    }
}
