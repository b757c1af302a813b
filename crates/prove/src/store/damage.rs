//! One round in which what was durable is damaged behind the log's back. What was acknowledged is then either still
//! there, or the log says what is damaged and where; it is never silently less.

use std::collections::BTreeSet;

use tradewind_log::OpenError;
use tradewind_testkit::disk::{Effect, Fault, Operation, Persist, Random, SimulatedDisk};

use super::check::same;
use super::model::{Entry, Model};
use super::report::Report;
use super::round::{Round, snapshots};
use super::session::{Session, Unread, Unwritten, options, verify};
use super::write::Filter;

/// What was done to the disk.
struct Damage {
    what: String,
    /// Only files were touched that can be made anew from others: nothing may be missed.
    derived_only: bool,
    /// Up to where everything must be there or be missed aloud. What was written last may be gone without a trace:
    /// no disk can tell a write that was lost from one that never was.
    floor: u64,
    /// Whole files are of another time, and with them what was truncated since.
    out_of_time: bool,
}

/// Runs the round that a seed stands for.
///
/// # Errors
/// The first promise that is not kept.
pub fn round(seed: u64, report: &mut Report) -> Result<(), String> {
    let mut round = Round::new(seed, 2, report);
    let mut random = Random::part(seed, 3);
    let mut stale = Stale::default();
    for _ in 0..=random.below(2) {
        let session = round.open_untroubled()?;
        round.steps(&session, random.below(40))?;
        if random.one_in(2) {
            round.disk.kill();
        }
        drop(session);
        stale = Stale::of(&round.disk, round.model.head());
    }
    let session = round.open_untroubled()?;
    round.steps(&session, random.below(25))?;
    let behind_its_back = random.one_in(3).then(|| plan(&round.disk, &mut random));
    let backwards = behind_its_back.as_ref().is_some_and(|(_, backwards)| *backwards);
    for _ in 0..1 + random.below(12) {
        round.write_some(&session)?;
    }
    let floor = round.before_newest;
    let clean = random.one_in(2);
    if !clean {
        round.disk.kill();
    }
    drop(session);
    round.disk.clear_plan();
    let damage = match behind_its_back {
        Some((what, _)) => {
            // A write that lands before its place may wipe out what it was to stand behind.
            let floor = if backwards { 0 } else { floor };
            round.disk.crash_keeping(Persist::Everything);
            Damage { what, derived_only: false, floor, out_of_time: false }
        }
        None => inflict(&round.disk, &mut random, &stale, &round.model, floor, clean),
    };
    let outcome = outcome(&round.disk, round.segment_bytes, &round.model, &damage);
    match outcome {
        Ok(seen) => {
            round.report.count(seen, 1);
            Ok(())
        }
        Err(problem) => {
            Err(format!("after {}, {}: {problem}", if clean { "a good end" } else { "a kill" }, damage.what))
        }
    }
}

/// What the files were some time ago.
#[derive(Default)]
struct Stale {
    files: Vec<(String, Vec<u8>)>,
    head: u64,
}

impl Stale {
    fn of(disk: &SimulatedDisk, head: u64) -> Self {
        let files = disk.names().into_iter().filter_map(|name| Some((disk.platter(&name).ok()?, name)));
        Self { files: files.map(|(bytes, name)| (name, bytes)).collect(), head }
    }
}

/// A write that will not do what it says; and whether it goes to a place before its own.
fn plan(disk: &SimulatedDisk, random: &mut Random) -> (String, bool) {
    let nth = 1 + random.below(12);
    let (operation, effect) = match random.below(5) {
        0 => (Operation::Write, Effect::Lose),
        1 => (Operation::Sync, Effect::Lose),
        2 => (Operation::Write, Effect::Tear),
        3 => (Operation::Write, Effect::Misdirect { sectors: 1 + random.below(40).cast_signed() }),
        _ => (Operation::Write, Effect::Misdirect { sectors: -1 - random.below(40).cast_signed() }),
    };
    disk.plan(Fault::new(operation, nth, effect).only("segment-"));
    let backwards = matches!(effect, Effect::Misdirect { sectors } if sectors < 0);
    (format!("{effect:?} of {operation:?} {nth}"), backwards)
}

fn inflict(
    disk: &SimulatedDisk,
    random: &mut Random,
    stale: &Stale,
    model: &Model,
    last_write: u64,
    clean: bool,
) -> Damage {
    let names = disk.names();
    let segments: Vec<&String> = names.iter().filter(|name| name.ends_with(".log")).collect();
    let name =
        if random.one_in(2) { segments[random.index(segments.len())] } else { &names[random.index(names.len())] };
    let content = disk.content(name).unwrap_or_default();
    let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let place = if random.one_in(5) { random.index(content.len()) } else { random.index(used) };
    let is_log = name.ends_with(".log");
    let newest = segments.iter().rev().find(|name| {
        disk.platter(name).is_ok_and(|bytes| bytes[4_096.min(bytes.len())..].iter().any(|byte| *byte != 0))
    });
    let is_newest = newest.is_some_and(|newest| *newest == name);
    // One bit in a log that was closed well is always told from a write that was never completed.
    let mut floor = if clean { model.head() } else { last_write };
    // More than one bit may hit all that tells of the end of the log.
    let floor_of = |from: usize, length: usize| match () {
        () if !is_newest => model.head(),
        () if clean && from + length + 32 < used => model.head(),
        () => 0,
    };
    let mut out_of_time = false;
    let what = match random.below(9) {
        0..3 => {
            let _ = disk.flip(name, place as u64 * 8 + random.below(8));
            format!("bit flip in {name} at {place}")
        }
        3 => {
            let length = 1 + random.index(3_000);
            floor = floor_of(place, length);
            let bytes = if random.one_in(2) { vec![0; length] } else { random.bytes(length) };
            let _ = disk.damage(name, place as u64, &bytes);
            format!("{length} bytes overwritten in {name} at {place}")
        }
        4 => {
            let from = place / 512 * 512;
            let to = random.index(content.len().max(1)) / 512 * 512;
            floor = floor_of(to, 512);
            let sector = content.get(from..(from + 512).min(content.len())).unwrap_or_default().to_vec();
            let _ = disk.damage(name, to as u64, &sector);
            format!("the sector at {from} of {name} copied to {to}")
        }
        5 => {
            let length = [0, place, random.index(content.len().max(1))][random.index(3)];
            disk.plant(name, content[..length.min(content.len())].to_vec());
            format!("{name} cut to {length} bytes")
        }
        6 => {
            disk.uproot(name);
            if segments.len() == 1 {
                floor = 0;
            }
            format!("{name} removed")
        }
        7 => match stale.files.get(random.index(stale.files.len())) {
            Some((old, bytes)) => {
                if newest.is_some_and(|newest| *newest == old) {
                    (floor, out_of_time) = (stale.head, true);
                }
                disk.plant(old, bytes.clone());
                let derived_only = !old.ends_with(".log");
                return Damage { what: format!("{old} as it was before"), derived_only, floor, out_of_time };
            }
            None => "nothing".to_owned(),
        },
        _ => {
            let length = random.index(5_000);
            let odd = ["segment-0000000000.log.tmp", "lost+found", "segment-1.log", "snapshots.tmp", "segment-.index"];
            let odd = odd[random.index(odd.len())];
            disk.plant(odd, random.bytes(length));
            return Damage { what: format!("a foreign file {odd}"), derived_only: true, floor, out_of_time };
        }
    };
    if is_newest && !clean {
        floor = floor.min(last_write);
    }
    Damage { what, derived_only: !is_log, floor, out_of_time }
}

/// Opens the damaged log and looks at everything.
fn outcome(disk: &SimulatedDisk, segment_bytes: u32, model: &Model, damage: &Damage) -> Result<&'static str, String> {
    let before = segments_of(disk);
    let storage = disk.storage();
    let sound = verify(storage.as_ref());
    let session = match Session::open(storage, options(segment_bytes)) {
        Ok(session) => session,
        Err(error) => return refused(disk, &before, &error, sound.is_ok(), damage),
    };
    if session.head() == model.head() {
        snapshots(&session, model)?;
    }
    let writes = model.writes();
    let (missed, model) = look(&session, model, damage)?;
    for (write, answer) in writes.iter().rev().step_by(1 + writes.len() / 12) {
        if answer.last > model.head() {
            continue;
        }
        match session.append(write) {
            Ok(again) if again.duplicate && (again.first, again.last) == (answer.first, answer.last) => {}
            // What was damaged is told here too.
            Err(Unwritten::Other(_)) if !damage.derived_only => {}
            other => return Err(format!("a write that was answered {answer:?} is answered {other:?} again")),
        }
    }
    drop(session);
    if missed > 0 && damage.derived_only {
        return Err("reads miss what could be made anew".to_owned());
    }
    if missed > 0 && sound.is_ok() {
        return Err("reads told of damage that verification did not find".to_owned());
    }
    match missed {
        0 if model.head() < damage.floor => Err("acknowledged events are gone without a word".to_owned()),
        0 => Ok("damages without a loss"),
        _ => Ok("damages told by reads"),
    }
}

fn refused(
    disk: &SimulatedDisk,
    before: &[(String, Vec<u8>)],
    error: &OpenError,
    is_sound: bool,
    damage: &Damage,
) -> Result<&'static str, String> {
    if !matches!(error, OpenError::Damaged { .. } | OpenError::NotALog { .. }) {
        return Err(format!("opening says {error}"));
    }
    if damage.derived_only {
        return Err(format!("opening refuses though only derived files are damaged: {error}"));
    }
    if is_sound {
        return Err(format!("opening refuses what verification calls sound: {error}"));
    }
    if segments_of(disk) != before {
        return Err(format!("opening refuses, but has changed segments before: {error}"));
    }
    Ok("damages told by a refusal to open")
}

fn segments_of(disk: &SimulatedDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.names().into_iter().filter(|name| name.ends_with(".log"));
    names.map(|name| (disk.content(&name).unwrap_or_default(), name)).map(|(bytes, name)| (name, bytes)).collect()
}

/// Reads everything past what is damaged. Answers how often a read told of damage, and the store as the log has it.
fn look(session: &Session, model: &Model, damage: &Damage) -> Result<(u64, Model), String> {
    let head = session.head();
    if head > model.head() {
        return Err(format!("the head is {head}, though only {} events were written", model.head()));
    }
    if head < damage.floor {
        return Err(format!(
            "the head is {head}: acknowledged events up to {} are gone without a word (the last is {})",
            damage.floor,
            model.head()
        ));
    }
    let mut model = model.as_of(head).ok_or_else(|| format!("the head is {head}, in the middle of a write"))?;
    let streams: Vec<String> = model.streams().map(str::to_owned).collect();
    let mut missed = 0;
    let mut unsure = BTreeSet::new();
    for stream in &streams {
        match session.read_stream(stream, 0, true, usize::MAX) {
            Ok(slice) => {
                if damage.out_of_time && slice.first < model.first(stream) {
                    model.set_first(stream, slice.first);
                }
                same(&format!("stream {stream}"), &slice.entries, &model.stream(stream))?;
                if slice.last != model.last(stream) {
                    return Err(format!("stream {stream} ends at {:?}, not {:?}", slice.last, model.last(stream)));
                }
            }
            Err(unread) => {
                told(unread, &mut missed)?;
                if damage.out_of_time {
                    unsure.insert(stream.clone());
                }
            }
        }
    }
    let mut after = 0;
    while after < head {
        match session.read(after, &Filter::default(), 20) {
            Ok((mut entries, through)) if through > after => {
                entries.retain(|entry| !unsure.contains(&entry.stream));
                let due = |entry: &&Entry| entry.position > after && entry.position <= through;
                let expected: Vec<&Entry> =
                    model.visible().filter(due).filter(|entry| !unsure.contains(&entry.stream)).collect();
                same("all events", &entries, &expected)?;
                after = through;
            }
            Ok((_, through)) => return Err(format!("a page after {after} comes through {through} and not on")),
            Err(unread) => {
                told(unread, &mut missed)?;
                after += 1;
            }
        }
    }
    Ok((missed, model))
}

fn told(unread: Unread, missed: &mut u64) -> Result<(), String> {
    match unread {
        Unread::Damaged(_) => {
            *missed += 1;
            Ok(())
        }
        other => Err(format!("a read says {other} and not what is damaged where")),
    }
}
