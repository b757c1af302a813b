//! As of when a composed answer is to be: every service that is asked for a part of it is told the same.

use http::{HeaderMap, HeaderValue};

use crate::compose::{AS_OF, AS_OF_PARAMETER, Composed, Parameters};
use crate::problem::Problem;

/// Leaves in the headers what a request says in either way. A composition whose own calls take a parameter of this name
/// has it for them alone.
///
/// # Errors
/// TW-3033 if it says two moments, or one that cannot be the same for all who are asked.
pub(super) fn settle(headers: &mut HeaderMap, parameters: &Parameters, composed: &Composed) -> Result<(), Problem> {
    let is_its_own = composed.composition().has_parameter(AS_OF_PARAMETER);
    let in_query = parameters.get(AS_OF_PARAMETER).filter(|_| !is_its_own);
    let lines: Vec<&str> = headers.get_all(&AS_OF).iter().map(|line| line.to_str().unwrap_or("not ASCII")).collect();
    let said = match (&lines[..], in_query) {
        ([], None) => return Ok(()),
        ([], Some(moment)) => moment.trim(),
        ([moment], None) => moment.trim(),
        ([header], Some(query)) if header.trim() == query.trim() => query.trim(),
        _ => return Err(Problem::bad_moment("Tradewind-As-Of and as_of in the URL say several moments: say one")),
    };
    if said.is_empty() {
        return Err(Problem::bad_moment("Tradewind-As-Of, or as_of in the URL, says nothing"));
    }
    // Each service counts its own.
    if said.bytes().all(|byte| byte.is_ascii_digit()) && composed.services().len() > 1 {
        return Err(Problem::bad_moment(
            "a position says nothing where several services answer: say a day or a time as of which to answer",
        ));
    }
    let said = HeaderValue::from_str(said);
    let said = said.map_err(|_| Problem::bad_moment("Tradewind-As-Of, or as_of in the URL, says no moment"))?;
    headers.insert(AS_OF, said);
    Ok(())
}
