//! Round by round: load, faults, rest, and a comparison of what everybody has.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all, try_join_all};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Direction, EventStore, Position, Query, Revision, StreamId};

use super::audit::Taken;
use super::check::{Difference, Entry, compare};
use super::child::effects_of;
use super::crew::Crew;
use super::member::Role;
use super::options::Options;
use super::plan::{Fault, LOAD, What, faults};
use super::report::{Faults, Report};
use super::settings;

/// How long followers have, once nothing more is recorded and everything works, to have everything.
const SETTLE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(30);
/// With how many failures there is nothing more to learn.
const FAILURES_MAX: usize = 5;
/// How many events are read at once.
const PAGE: usize = 2_000;

/// Proves until all rounds are done or `stop` is cancelled: the round that has begun is ended. What it finds on the way
/// is told after each round.
pub fn run_until<'a>(
    options: &'a Options,
    stop: &'a CancellationToken,
    progress: &'a mut (dyn FnMut(&Report) + Send),
) -> BoxFuture<'a, Report> {
    Box::pin(run_all(options, stop, progress))
}

async fn run_all(options: &Options, stop: &CancellationToken, progress: &mut (dyn FnMut(&Report) + Send)) -> Report {
    let begun = Instant::now();
    let mut report = Report {
        seed: options.seed,
        broker: options.broker.name(),
        store: options.store.name(),
        network: options.means.name().to_owned(),
        ..Report::default()
    };
    let parent = options.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = match tempfile::Builder::new().prefix("tradewind-prove-messages-").tempdir_in(&parent) {
        Ok(folder) => folder,
        Err(error) => {
            report.hindered = Some(format!("{}: {error}", parent.display()));
            return report;
        }
    };
    let proving = prove(options, folder.path(), stop, &mut report, progress);
    if let Err(why) = proving.await {
        report.hindered = Some(why);
    }
    let is_empty = std::fs::read_dir(folder.path()).map_or(true, |mut entries| entries.next().is_none());
    if !report.is_proven() && !is_empty {
        report.folder = Some(folder.keep().display().to_string());
    }
    report.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

async fn prove(
    options: &Options,
    folder: &Path,
    stop: &CancellationToken,
    report: &mut Report,
    progress: &mut (dyn FnMut(&Report) + Send),
) -> Result<(), String> {
    report.warnings = settings::doubts(&options.broker).await?;
    let mut crew = Crew::assemble(options, folder).await?;
    report.notes.append(&mut crew.notes);
    for round in 0..options.rounds {
        if stop.is_cancelled() || report.failures.len() >= FAILURES_MAX {
            break;
        }
        let faults = faults(options.seed, round, crew.scene());
        match crew.round(&faults, &mut report.faults).await {
            Ok(()) => {}
            Err(Trouble::Hindered(why)) => return Err(why),
            Err(Trouble::Broken(problem)) => {
                report.failures.push(format!("round {round}, after {}: {problem}", crew.told(&faults).await));
                break;
            }
        }
        for problem in crew.compare(report).await? {
            report.failures.push(format!("round {round}, after {}: {problem}", crew.told(&faults).await));
        }
        report.rounds += 1;
        progress(report);
        for publisher in &crew.publishers {
            crew.members[publisher.member].lock().await.go_on().await;
        }
    }
    for member in &crew.members {
        // The proof is done; what it says now is of no interest.
        let _ = member.lock().await.kill().await;
    }
    Ok(())
}

/// Why a round does not come to its end.
enum Trouble {
    /// A server, or the network, does not do as it is told.
    Hindered(String),
    /// A process ended by itself, or does not come to rest: that breaks a promise, whatever it says.
    Broken(String),
}

impl Crew {
    /// Load and faults, then rest: at its end, everything works, and nobody records anything.
    async fn round(&self, faults: &[Fault], counts: &mut Faults) -> Result<(), Trouble> {
        let breaking = try_join_all(faults.iter().map(|fault| self.break_and_mend(*fault)));
        let (_, broken) = tokio::join!(sleep(LOAD), breaking);
        for (fault, role) in faults.iter().zip(broken?) {
            let count = match (fault.what, role) {
                (What::Process(_), Some(Role::Publisher)) => &mut counts.publisher_kills,
                (What::Process(_), Some(Role::Relay)) => &mut counts.relay_kills,
                (What::Process(_), _) => &mut counts.consumer_kills,
                (What::Broker, _) => &mut counts.broker_kills,
                (What::Database, _) => &mut counts.database_kills,
                (What::Link(..), _) => &mut counts.cuts,
            };
            *count += 1;
        }
        for member in &self.members {
            member.lock().await.ready().await.map_err(Trouble::Broken)?;
        }
        let pausing = self.publishers.iter().map(async |publisher| {
            let mut member = self.members[publisher.member].lock().await;
            member.pause().await.map_err(Trouble::Broken)
        });
        join_all(pausing).await.into_iter().collect()
    }

    /// A round's faults in words.
    async fn told(&self, faults: &[Fault]) -> String {
        let mut told = Vec::with_capacity(faults.len());
        for fault in faults {
            let what = match fault.what {
                What::Process(index) => format!("{} killed", self.members[index].lock().await.name),
                What::Broker => "the broker killed".to_owned(),
                What::Database => "the database killed".to_owned(),
                What::Link(index, cut) => format!("{} cut ({cut:?})", self.links[index].name),
            };
            told.push(format!("{what} at {} ms for {} ms", fault.at.as_millis(), fault.lasts.as_millis()));
        }
        told.join(", ")
    }

    async fn break_and_mend(&self, fault: Fault) -> Result<Option<Role>, Trouble> {
        sleep(fault.at).await;
        match fault.what {
            What::Process(index) => {
                let mut member = self.members[index].lock().await;
                member.kill().await.map_err(Trouble::Broken)?;
                sleep(fault.lasts).await;
                member.start().await.map_err(Trouble::Hindered)?;
                return Ok(Some(member.role));
            }
            What::Broker | What::Database => {
                let server = if fault.what == What::Broker { &self.broker } else { &self.database };
                if let Some(server) = server {
                    server.kill().await.map_err(Trouble::Hindered)?;
                    sleep(fault.lasts).await;
                    server.start_again().await.map_err(Trouble::Hindered)?;
                }
            }
            What::Link(index, cut) => {
                self.links[index].cut(cut, self.means).await.map_err(Trouble::Hindered)?;
                sleep(fault.lasts).await;
                self.links[index].mend(cut, self.means).await.map_err(Trouble::Hindered)?;
            }
        }
        Ok(None)
    }

    /// Compares what is new with each log, and tells what is not as it should be.
    async fn compare(&mut self, report: &mut Report) -> Result<Vec<String>, String> {
        let mut problems = Vec::new();
        for publisher in &mut self.publishers {
            let log = events(&*publisher.log, publisher.compared).await?;
            let head = log.last().map_or(publisher.compared, |entry| Position(entry.position));
            let recorded: HashMap<u64, &str> = log.iter().map(|entry| (entry.position, &*entry.id)).collect();
            let member = self.members[publisher.member].lock().await;
            let acknowledged = member.take_acknowledged();
            let gone = acknowledged.iter().filter(|(position, id)| recorded.get(position) != Some(&&**id)).count();
            if gone > 0 {
                problems.push(format!("{gone} events that {} acknowledged are not in its log", member.name));
            }
            report.events += log.len() as u64;
            report.acknowledged += acknowledged.len() as u64;
            report.lost += gone as u64;
            for consumer in &mut self.consumers {
                let compared = consumer.compared.entry(publisher.topic.clone()).or_default();
                reaches(&*consumer.log, &publisher.topic, head).await;
                let (effects, last) = effects(&*consumer.log, &publisher.topic, *compared).await?;
                *compared = last;
                let difference = compare(&log, &effects);
                report.effects += effects.len() as u64;
                if !difference.is_none() {
                    let Difference { lost, duplicated, inverted, foreign } = difference;
                    report.lost += lost;
                    report.duplicated += duplicated;
                    report.inversions += inverted;
                    report.foreign += foreign;
                    let follower = self.members[consumer.member].lock().await;
                    problems.push(format!(
                        "{} has of {}'s {} events {} effects: {lost} lost, {duplicated} duplicated, {inverted} \
                         inverted, {foreign} of nothing",
                        follower.name,
                        member.name,
                        log.len(),
                        effects.len()
                    ));
                }
            }
            if let Some(audit) = &publisher.audit {
                let Taken { entries, holes } = audit.take(head, SETTLE).await;
                let Difference { lost, foreign, .. } = compare(&log, &entries);
                report.published += entries.len() as u64;
                report.missing += lost;
                report.foreign += foreign;
                if lost + foreign + holes > 0 {
                    problems.push(format!(
                        "of the {} new events of {}, its topic lacks {lost}, with {holes} holes, and has {foreign} that \
                         are none",
                        log.len(),
                        member.name
                    ));
                }
            }
            publisher.compared = head;
        }
        Ok(problems)
    }
}

/// What a log has behind a position.
async fn events(log: &dyn EventStore, mut after: Position) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    loop {
        let page =
            log.read(after, &Query::all(), PAGE).await.map_err(|error| format!("a log cannot be read: {error}"))?;
        entries.extend(page.events.iter().map(Entry::of));
        after = page.through;
        if page.through >= page.head {
            return Ok(entries);
        }
    }
}

/// Waits until a follower has the effect of an event; if it does not come to that, the comparison tells.
async fn reaches(log: &dyn EventStore, topic: &str, head: Position) {
    let Ok(stream) = StreamId::new(effects_of(topic)) else { return };
    let begun = Instant::now();
    while begun.elapsed() < SETTLE && head > Position::START {
        let newest = log.read_stream(&stream, Revision::END, Direction::Backward, 1).await;
        let effect = newest.ok().and_then(|newest| newest.events.first()?.parse::<Entry>().ok());
        if effect.is_some_and(|effect| effect.position >= head.0) {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// A follower's effects of a topic behind a revision, and the revision of the last one.
async fn effects(
    log: &dyn EventStore,
    topic: &str,
    after: Option<Revision>,
) -> Result<(Vec<Entry>, Option<Revision>), String> {
    let stream = StreamId::new(effects_of(topic)).map_err(|error| error.to_string())?;
    let (mut entries, mut last) = (Vec::new(), after);
    loop {
        let from = last.map_or(Revision::FIRST, |last| last.next());
        let slice = log.read_stream(&stream, from, Direction::Forward, PAGE).await;
        let slice = slice.map_err(|error| format!("a follower's log cannot be read: {error}"))?;
        for event in &slice.events {
            entries.push(event.parse().map_err(|error| error.to_string())?);
        }
        last = slice.events.last().map_or(last, |event| Some(event.revision()));
        if slice.end || slice.events.is_empty() {
            return Ok((entries, last));
        }
    }
}

#[cfg(test)]
mod tests;
