//! **A stand-in for a payment provider.** No money moves, and nobody is asked for any. It answers as a provider might:
//! mostly it accepts, sometimes it is busy and wants to be asked again, and now and then it declines. What it answers
//! follows from the order's id and the number of the attempt alone, so that asking twice gets the same answer twice.

use std::time::Duration;

use tradewind_events::EventId;

/// How the stand-in behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentOptions {
    /// How many of a hundred attempts find the provider busy.
    pub busy_percent: u8,
    /// How many of a hundred orders are declined for good.
    pub declined_percent: u8,
    /// How often it is asked about one order before it is given up.
    pub attempts_max: u32,
}

impl Default for PaymentOptions {
    fn default() -> Self {
        Self { busy_percent: 10, declined_percent: 2, attempts_max: 4 }
    }
}

impl PaymentOptions {
    /// A provider that accepts everything at once: what is brought in from the past was paid there.
    pub const PAID_ALREADY: Self = Self { busy_percent: 0, declined_percent: 0, attempts_max: 1 };
}

/// What the stand-in answers to one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The money is there.
    Accepted {
        /// By what the provider knows the payment.
        reference: String,
    },
    /// Ask again later.
    Busy,
    /// There will be no money.
    Declined {
        /// Why, for people.
        reason: String,
    },
}

/// The stand-in.
#[derive(Debug, Clone, Copy, Default)]
pub struct StandInProvider {
    options: PaymentOptions,
}

impl StandInProvider {
    /// One that behaves so.
    #[must_use]
    pub fn new(options: PaymentOptions) -> Self {
        Self { options }
    }

    /// What it answers when asked for the `attempt`-th time (from 1) to collect for an order.
    #[must_use]
    pub fn collect(&self, order_id: &str, attempt: u32) -> Answer {
        if chance(order_id, "declined") < self.options.declined_percent {
            return Answer::Declined { reason: "the payment was declined (by the stand-in for a provider)".to_owned() };
        }
        if chance(order_id, &format!("busy {attempt}")) < self.options.busy_percent {
            if attempt < self.options.attempts_max {
                return Answer::Busy;
            }
            let reason = format!("the payment provider was busy {attempt} times (it is a stand-in)");
            return Answer::Declined { reason };
        }
        let reference = EventId::derived(&format!("stand-in payment for {order_id}"), 0).0.simple().to_string();
        Answer::Accepted { reference: format!("standin-{}", &reference[..12]) }
    }

    /// How long to wait after the `attempt`-th attempt was answered with [`Answer::Busy`]: twice as long each time.
    #[must_use]
    pub fn wait_after(attempt: u32, first: Duration) -> Duration {
        first.saturating_mul(1 << attempt.saturating_sub(1).min(10))
    }
}

/// A number from 0 to 99 that follows from an order and what is asked about it.
fn chance(order_id: &str, about: &str) -> u8 {
    let mixed = EventId::derived(&format!("{order_id} {about}"), 0).0.as_u128();
    u8::try_from(mixed % 100).unwrap_or_default()
}

#[cfg(test)]
mod tests;
