//! What `tradewind up` is made of: `lock` keeps a second one out; `news` is all that it tells, to a person through
//! `terminal` and to a program as JSON, both through the `screen`; `system` builds, starts, seeds and drains; `behind`
//! is what is behind the gateway, `balancing` tells it which instances are there, `reloading` what the manifest says, and
//! `purging` what of its cache is so no longer, none of which ends by a mistake of ours (`panics`); `life` tells this system from one that was here before.

pub(crate) mod gateway_log;
pub(crate) mod lock;
pub(crate) mod news;
pub(crate) mod screen;
pub(crate) mod system;

mod balancing;
mod behind;
mod documents;
mod life;
mod log_line;
mod panics;
mod purging;
mod reloading;
mod seeder;
mod table;
mod terminal;
