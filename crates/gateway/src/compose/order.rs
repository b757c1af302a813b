//! Which call comes before which: it follows from what they take from each other.

use super::composition::Call;
use super::place::{CompositionError, Part, Place};

/// Refuses calls that wait for each other.
pub(super) fn refuse_circles(calls: &[Call]) -> Result<(), CompositionError> {
    let mut done = vec![false; calls.len()];
    // As often as there are calls: each time at least one more is done, or all that are left wait for each other.
    while let Some(undone) = done.iter().position(|done| !done) {
        let ready = |index: &usize| !done[*index] && calls[*index].after.iter().all(|earlier| done[*earlier]);
        match (0..calls.len()).find(ready) {
            Some(ready) => done[ready] = true,
            None => return Err(circle(calls, &done, undone)),
        }
    }
    Ok(())
}

/// Names a circle among those that are not done. Each of them waits for another of them.
fn circle(calls: &[Call], done: &[bool], start: usize) -> CompositionError {
    let (mut way, mut at) = (Vec::new(), start);
    while !way.contains(&at) {
        way.push(at);
        at = calls[at].after.iter().copied().find(|earlier| !done[*earlier]).unwrap_or(at);
    }
    let first = way.iter().position(|its| *its == at).unwrap_or(0);
    let names: Vec<&str> = way[first..].iter().chain([&at]).map(|index| &*calls[*index].name).collect();
    let what = format!("the calls wait for each other: {}", names.join(" → "));
    CompositionError::new(Part::Call(calls[at].name.to_string()), Place::START, what)
}

/// The calls that are needed for some of them: these, and what they take values from.
pub(super) fn needed(calls: &[Call], wanted: impl IntoIterator<Item = usize>) -> Vec<bool> {
    let (mut needed, mut to_do) = (vec![false; calls.len()], wanted.into_iter().collect::<Vec<_>>());
    while let Some(index) = to_do.pop() {
        if !std::mem::replace(&mut needed[index], true) {
            to_do.extend(&calls[index].after);
        }
    }
    needed
}
