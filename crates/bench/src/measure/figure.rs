//! One measured number, with what it has to be read with.

use serde::{Serialize, Serializer};

use super::{Aim, Spread, load};

/// A figure: one line of a report.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// Its stable name.
    pub name: String,
    /// The median of the rounds.
    #[serde(serialize_with = "short")]
    pub value: f64,
    /// The value's unit.
    pub unit: &'static str,
    /// What the ratio compares with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versus: Option<String>,
    /// This figure by that one, measured in the same run; of several rounds, the median.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub ratio: Option<f64>,
    /// The least value of a round.
    #[serde(serialize_with = "short")]
    pub min: f64,
    /// The greatest value of a round.
    #[serde(serialize_with = "short")]
    pub max: f64,
    /// The median latency in microseconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub p50_us: Option<f64>,
    /// The latency that one of a hundred is above, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub p99_us: Option<f64>,
    /// Processor time of the process, clients included, for each event, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub cpu_us: Option<f64>,
    /// Requests a second.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub rate: Option<f64>,
    /// The part of the time that whoever is measured was at work, of one core.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub busy: Option<f64>,
    /// Bytes on the disk for each byte that was handed over.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub bytes_ratio: Option<f64>,
    /// Bytes on the disk for each event.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub bytes_per_event: Option<f64>,
    /// Bytes in one write and sync, on average.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub bytes_per_sync: Option<f64>,
    /// Events in one write and sync, on average.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_option")]
    pub events_per_sync: Option<f64>,
    /// What it ought to be, and whether it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aims: Vec<Aim>,
    /// The load average of the last minute when it was done.
    pub load: f64,
}

impl Figure {
    /// A figure of several rounds.
    #[must_use]
    pub fn new(name: impl Into<String>, unit: &'static str, rounds: &Spread) -> Self {
        Self {
            name: name.into(),
            value: rounds.median(),
            unit,
            versus: None,
            ratio: None,
            min: rounds.min(),
            max: rounds.max(),
            p50_us: None,
            p99_us: None,
            cpu_us: None,
            rate: None,
            busy: None,
            bytes_ratio: None,
            bytes_per_event: None,
            bytes_per_sync: None,
            events_per_sync: None,
            aims: Vec::new(),
            load: load(),
        }
    }

    /// Adds a comparison.
    #[must_use]
    pub fn versus(mut self, what: impl Into<String>, ratio: f64) -> Self {
        self.versus = Some(what.into());
        self.ratio = Some(ratio);
        self
    }

    /// Adds an aim.
    #[must_use]
    pub fn aim(mut self, aim: Aim) -> Self {
        self.aims.push(aim);
        self
    }
}

/// Four digits that count: more would pretend.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(digits.max(0));
    (value * scale).round() / scale
}

fn short<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let value = round(*value);
    // A whole number is written as one.
    if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(value as i64)
    } else {
        serializer.serialize_f64(value)
    }
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn short_option<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    short(&value.unwrap_or_default(), serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_one_line_with_its_stable_name() {
        let figure = Figure::new("store/append/256", "events/s", &[412_000.4].into_iter().collect());
        let line = serde_json::to_string(&figure.versus("raw-disk", 0.412_34)).unwrap();
        assert!(line.starts_with(
            r#"{"name":"store/append/256","value":412000,"unit":"events/s","versus":"raw-disk","ratio":0.4123,"#
        ));
        assert!(!line.contains('\n'));
    }
}
