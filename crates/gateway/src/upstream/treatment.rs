//! How an upstream is treated at present, and what counts by that.

use std::sync::Arc;
use std::time::Duration;

use tower::retry::budget::TpsBudget;

use super::breaker::Breaker;
use super::{RetryBudget, UpstreamOptions};

/// The time that the retry budget is about.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// Options, and what counts by them. Another one takes its place as a whole.
pub(super) struct Treatment {
    pub(super) options: Arc<UpstreamOptions>,
    pub(super) breaker: Arc<Breaker>,
    pub(super) budget: Arc<TpsBudget>,
}

impl Treatment {
    pub(super) fn new(options: UpstreamOptions) -> Self {
        let (breaker, budget) = (Breaker::new(options.breaker), budget(options.budget));
        Self { options: Arc::new(options), breaker: Arc::new(breaker), budget: Arc::new(budget) }
    }

    /// What takes its place; what is the same goes on as it is.
    pub(super) fn instead(&self, options: UpstreamOptions) -> Self {
        let breaker = match self.options.breaker == options.breaker {
            true => Arc::clone(&self.breaker),
            false => Arc::new(self.breaker.instead(options.breaker)),
        };
        let budget = match self.options.budget == options.budget {
            true => Arc::clone(&self.budget),
            false => Arc::new(budget(options.budget)),
        };
        Self { options: Arc::new(options), breaker, budget }
    }
}

fn budget(budget: RetryBudget) -> TpsBudget {
    // Within what it takes; it panics at more.
    let (floor, percent) = (budget.floor_per_second.min(1_000_000), budget.percent.min(1_000));
    TpsBudget::new(BUDGET_WINDOW, floor, f32::from(percent) / 100.0)
}
