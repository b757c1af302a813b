//! Proof that what Tradewind promises holds: for anyone to run, for as long as they like.
//!
//! [`store`] breaks disks and kills processes under the embedded log, and looks whether anything that was
//! acknowledged is gone, or anything is there that was never sent. Everything follows from a seed.

pub mod store;
