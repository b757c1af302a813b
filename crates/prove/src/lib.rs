//! Proof that what Tradewind promises holds: for anyone to run, for as long as they like.
//!
//! [`store`] breaks disks and kills processes under the embedded log, and looks whether anything that was
//! acknowledged is gone, or anything is there that was never sent. Everything but the moment
//! of a kill follows from a seed; the log of a kill that went wrong is kept.
//!
//! [`messages`] kills services, relays, followers, brokers and databases under load and cuts the network between them,
//! and looks whether every follower has what the logs say: nothing lost, nothing twice, nothing out of order.

pub mod messages;
pub mod store;
