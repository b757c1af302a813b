//! damage
use super::report::Report;
/// round
pub fn round(_seed: u64, _report: &mut Report) -> Result<(), String> { Ok(()) }
