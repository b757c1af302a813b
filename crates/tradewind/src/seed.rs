//! What `tradewind seed` is made of: `whom` finds the service, `reading` reads what a source told and compares it with
//! what the source says, `handing` hands it to one follower, `report` tells how it goes.

pub(crate) mod handing;
mod reading;
pub(crate) mod report;
pub(crate) mod whom;
