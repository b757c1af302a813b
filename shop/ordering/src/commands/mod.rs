//! What can be asked of ordering: one file for each command. Customers place and cancel; the rest is what the
//! fulfilment of an order asks for, step by step.

mod approve_order;
mod cancel_order;
mod deliver_order;
mod fail_payment;
mod follow_the_past;
mod place_order;
mod prepare_order;
mod record_payment;
mod reject_order;
mod ship_order;

pub use approve_order::ApproveOrder;
pub use cancel_order::CancelOrder;
pub use deliver_order::DeliverOrder;
pub use fail_payment::FailPayment;
pub use follow_the_past::FollowThePast;
pub use place_order::PlaceOrder;
pub use prepare_order::PrepareOrder;
pub use record_payment::RecordPayment;
pub use reject_order::RejectOrder;
pub use ship_order::ShipOrder;

#[cfg(test)]
mod tests;
