//! The services of a manifest as processes: start in health order, restart, log, drain.
