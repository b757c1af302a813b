//! What is counted about commands.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CommandLabels {
    pub(crate) command: &'static str,
    pub(crate) outcome: &'static str,
}

/// Clones count into the same numbers.
#[derive(Debug, Clone)]
pub(crate) struct CommandMetrics {
    pub(crate) duration: Family<CommandLabels, Histogram, fn() -> Histogram>,
    pub(crate) conflicts: Counter,
    pub(crate) duplicates: Counter,
    pub(crate) snapshots: Counter,
}

/// From 100 µs to about 3 s, each twice the one before.
pub(crate) fn seconds() -> Histogram {
    Histogram::new((0..16).map(|n| 0.000_1 * f64::from(1_u32 << n)))
}

impl Default for CommandMetrics {
    fn default() -> Self {
        Self {
            duration: Family::new_with_constructor(seconds as fn() -> Histogram),
            conflicts: Counter::default(),
            duplicates: Counter::default(),
            snapshots: Counter::default(),
        }
    }
}

impl CommandMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let duration = self.duration.clone();
        registry.register("command_duration_seconds", "Time to handle a command, by its outcome", duration);
        registry.register("command_conflicts", "Appends that another writer came before", self.conflicts.clone());
        registry.register("command_duplicates", "Commands that had been handled before", self.duplicates.clone());
        registry.register("entity_snapshots", "Snapshots taken", self.snapshots.clone());
    }
}
