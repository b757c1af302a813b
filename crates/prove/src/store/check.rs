//! Comparing all that a log answers with what it must.

use tradewind_testkit::disk::Random;

use super::model::{Entry, Model};
use super::session::{Session, Unread};
use super::write::{Filter, filter};

/// What a check ends with: what is not as it must be.
pub type Check = Result<(), String>;

/// Everything that can be read is what the model says: no more, no less, in order, byte by byte.
///
/// # Errors
/// The first difference.
pub fn everything(session: &Session, model: &Model, random: &mut Random) -> Check {
    if session.head() != model.head() {
        return Err(format!("the head is {}, not {}", session.head(), model.head()));
    }
    let all: Vec<_> = model.visible().collect();
    let pages = 1 + random.index(50);
    same("all events", &read_all(session, &Filter::default(), 0, pages).map_err(|e| e.to_string())?, &all)?;
    for _ in 0..3 {
        let after = random.below(model.head() + 1);
        query(session, model, &filter(random), after)?;
    }
    let names: Vec<String> = model.streams().map(str::to_owned).collect();
    for name in &names {
        stream(session, model, name, random)?;
    }
    stream(session, model, "nobody-1", random)?;
    moment(session, random)
}

/// The position at a moment parts what was recorded until then from what was recorded later.
fn moment(session: &Session, random: &mut Random) -> Check {
    let recorded = session.recorded_at().map_err(|e| e.to_string())?;
    let Some((_, moment)) = recorded.get(random.index(recorded.len())) else { return Ok(()) };
    let moment = moment - random.below(2).cast_signed();
    let position = session.position_at(moment).map_err(|e| format!("the position at {moment}: {e}"))?;
    match recorded.iter().find(|(other, at)| (*other <= position) != (*at <= moment)) {
        Some((other, at)) => Err(format!("the position at {moment} is {position}, but {other} was recorded at {at}")),
        None if position > session.head() => Err(format!("the position at {moment} is {position}")),
        None => Ok(()),
    }
}

/// What a filter finds is what the model finds with it.
///
/// # Errors
/// The first difference.
pub fn query(session: &Session, model: &Model, filter: &Filter, after: u64) -> Check {
    let found = read_all(session, filter, after, 7).map_err(|e| e.to_string())?;
    let expected: Vec<_> =
        model.visible().filter(|entry| entry.position > after && filter.matches(&entry.stream, &entry.event)).collect();
    same(&format!("{filter:?} after {after}"), &found, &expected)?;
    if let Some((entries, through)) = session.read_recent(after, filter, 9) {
        let due = expected.into_iter().filter(|entry| entry.position <= through).collect::<Vec<_>>();
        same(&format!("{filter:?} after {after}, from memory"), &entries, &due)?;
        if through != session.head() && entries.len() < 9 {
            return Err(format!("a page from memory ends at {through} with {} events", entries.len()));
        }
    }
    Ok(())
}

/// A stream, forwards and backwards, whole and in part, is what the model says.
///
/// # Errors
/// The first difference.
pub fn stream(session: &Session, model: &Model, name: &str, random: &mut Random) -> Check {
    let what = format!("stream {name}");
    let mut expected = model.stream(name);
    let slice = session.read_stream(name, 0, true, usize::MAX).map_err(|e| format!("{what}: {e}"))?;
    same(&what, &slice.entries, &expected)?;
    if slice.last != model.last(name) || slice.first != model.first(name) {
        return Err(format!(
            "{what}: first {} and last {:?} are not {} and {:?}",
            slice.first,
            slice.last,
            model.first(name),
            model.last(name)
        ));
    }
    let from = random.below(model.last(name).map_or(1, |last| last + 2));
    let limit = 1 + random.index(10);
    let part = session.read_stream(name, from, true, limit).map_err(|e| format!("{what}: {e}"))?;
    let forward: Vec<_> = expected.iter().copied().filter(|entry| entry.revision >= from).take(limit).collect();
    same(&format!("{what} from {from}"), &part.entries, &forward)?;
    let back = session.read_stream(name, from, false, limit).map_err(|e| format!("{what}: {e}"))?;
    let backward: Vec<_> = expected.iter().rev().copied().filter(|entry| entry.revision <= from).take(limit).collect();
    same(&format!("{what} back from {from}"), &back.entries, &backward)?;
    for (direction, expected) in [(true, &forward), (false, &backward)] {
        if let Some(entries) = session.read_stream_recent(name, from, direction, limit) {
            same(&format!("{what} from {from}, from memory"), &entries, expected)?;
        }
    }
    expected.reverse();
    let back = session.read_stream(name, u64::MAX, false, usize::MAX).map_err(|e| format!("{what}: {e}"))?;
    same(&format!("{what} from its end"), &back.entries, &expected)
}

/// Reads page by page until the head.
///
/// # Errors
/// As the log says; a page that does not go on is an error too.
pub fn read_all(session: &Session, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Entry>, Unread> {
    let mut all = Vec::new();
    let mut after = after;
    let head = session.head();
    while after < head {
        let (entries, through) = session.read(after, filter, limit)?;
        if through <= after {
            return Err(Unread::Broken(format!("a page after {after} comes through {through} and not on")));
        }
        if entries.len() > limit {
            return Err(Unread::Broken(format!("{} events in a page of {limit}", entries.len())));
        }
        if let Some(beyond) = entries.iter().find(|entry| entry.position > through || entry.position <= after) {
            return Err(Unread::Broken(format!(
                "position {} in a page after {after} through {through}",
                beyond.position
            )));
        }
        all.extend(entries);
        after = through;
    }
    Ok(all)
}

/// Two lists of entries are the same.
///
/// # Errors
/// The first difference.
pub fn same(what: &str, found: &[Entry], expected: &[&Entry]) -> Check {
    for (index, wanted) in expected.iter().enumerate() {
        match found.get(index) {
            None => {
                return Err(format!(
                    "{what}: {} of {} events are there; position {} is missing",
                    found.len(),
                    expected.len(),
                    wanted.position
                ));
            }
            Some(have) if have != *wanted => return Err(format!("{what}: {}", difference(have, wanted))),
            Some(_) => {}
        }
    }
    match found.get(expected.len()) {
        Some(more) => Err(format!("{what}: position {} ({}) should not be there", more.position, more.stream)),
        None => Ok(()),
    }
}

fn difference(have: &Entry, wanted: &Entry) -> String {
    let place = |entry: &Entry| format!("position {} {}@{}", entry.position, entry.stream, entry.revision);
    if place(have) != place(wanted) {
        return format!("{} stands where {} should", place(have), place(wanted));
    }
    let (have, want) = (&have.event, &wanted.event);
    let part = if have.id != want.id {
        "id"
    } else if have.kind != want.kind {
        "type"
    } else if have.tags != want.tags {
        "tags"
    } else if have.metadata != want.metadata {
        "metadata"
    } else if have.data != want.data {
        "data"
    } else {
        "time"
    };
    format!("{} has another {part} than was written", place(wanted))
}
