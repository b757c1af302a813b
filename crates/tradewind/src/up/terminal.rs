//! News for a person.

use std::collections::{BTreeMap, VecDeque};

use tradewind_events::ErrorCode;
use tradewind_fleet::{FleetEvent, ServiceStatus, State};

use super::log_line::readable;
use super::news::{News, Page};
use super::table;

/// How many log lines are kept back until the status table has been shown.
const HELD_MAX: usize = 500;

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn state(self, state: State, text: &str) -> String {
        match state {
            State::Ready => self.with("32", text),
            State::Failed => self.with("31", text),
            State::Waiting | State::Starting | State::Restarting | State::Draining => self.with("33", text),
            State::Stopped => self.dim(text),
        }
    }

    /// A colour that follows from the name, so that it is the same in every run.
    fn name(self, name: &str, text: &str) -> String {
        const COLOURS: [&str; 6] = ["36", "35", "34", "32", "33", "96"];
        let sum: usize = name.bytes().map(usize::from).sum();
        self.with(COLOURS[sum % COLOURS.len()], text)
    }
}

/// Turns news into text, and remembers what the layout needs.
pub(crate) struct Terminal {
    paint: Paint,
    /// The width of the names' column.
    width: usize,
    /// Lines that came before the table; none once it has been shown, or something fell before it could be.
    held: Option<VecDeque<String>>,
    /// What was given up, and why: it is tried again, and falling again for the same reason is no news.
    given_up: BTreeMap<String, String>,
}

impl Terminal {
    pub(crate) fn new(colours: bool) -> Self {
        Self { paint: Paint(colours), width: "gateway".len(), held: None, given_up: BTreeMap::new() }
    }

    /// The text for one piece of news, with its line ends; may be empty.
    pub(crate) fn show(&mut self, news: &News) -> String {
        // Where something goes wrong, or ends before there was a table, what came before it says why.
        let before = match news {
            News::Fleet(FleetEvent::Fell { .. } | FleetEvent::Failed { .. }) | News::Stopping | News::Error { .. } => {
                self.release()
            }
            _ => String::new(),
        };
        before + &self.text(news)
    }

    fn text(&mut self, news: &News) -> String {
        match news {
            News::Building { command, .. } => format!("{} {command}\n", self.paint.bold("building")),
            News::Built { took_ms, .. } => format!("built in {}\n\n", seconds(*took_ms)),
            News::Starting { services } => self.starting(services),
            News::Fleet(event) => self.fleet(event),
            News::Log { service: "build", text, .. } => format!("{}\n", self.paint.dim(&readable(text))),
            News::Log { service, text, .. } => self.hold_or_show(service, text),
            News::Up { gateway, pid, open, services } => self.up(gateway, *pid, open, services),
            News::SeedWaiting { services } => {
                let names: Vec<&str> = services.iter().map(|name| name.as_str()).collect();
                let told = format!("waits for {}", names.join(", "));
                self.said("seed", &self.paint.state(State::Waiting, &told))
            }
            News::Seeding { command } => self.said("seed", &self.paint.dim(command)),
            News::Seeded { ok: true, took_ms, .. } => self.said("seed", &format!("done in {}", seconds(*took_ms))),
            News::Seeded { reason, .. } => {
                let reason = format!("failed: {}", reason.as_deref().unwrap_or_default());
                self.said("seed", &self.paint.red(&reason))
            }
            News::Missed { events } => self.said("up", &format!("{events} lines came too fast and are not shown")),
            News::Stopping => format!("{}\n", self.paint.bold("\nstopping; Ctrl-C again ends everything at once")),
            News::Down => "all stopped\n".to_owned(),
            // It is printed to standard error where it ends the program.
            News::Error { .. } => String::new(),
        }
    }

    fn starting(&mut self, services: &[ServiceStatus]) -> String {
        let names: Vec<String> = services.iter().map(|status| status.instance.to_string()).collect();
        self.width = names.iter().map(String::len).chain([self.width]).max().unwrap_or(0);
        self.held = Some(VecDeque::new());
        format!("{} {}\n", self.paint.bold("starting"), names.join(", "))
    }

    fn up(&mut self, gateway: &str, pid: u32, open: &[Page], services: &[ServiceStatus]) -> String {
        let mut text = format!("\n{}\n", table::render(gateway, pid, services, self.paint));
        for status in services.iter().filter(|status| status.state != State::Ready) {
            let reason = status.reason.as_deref().unwrap_or("not ready");
            text.push_str(&self.paint.red(&format!("{} is {}: {reason}", status.instance, status.state.as_str())));
            text.push('\n');
        }
        let width = open.iter().map(|page| page.label.chars().count()).max().unwrap_or(0);
        for page in open {
            text.push_str(&format!("{:<width$}   {}\n", page.label, self.paint.bold(&page.url)));
        }
        text.push_str(&format!("{}\n\n", self.paint.dim("Ctrl-C stops everything")));
        text + &self.release()
    }

    /// What was kept back, and from now on nothing is.
    fn release(&mut self) -> String {
        self.held.take().unwrap_or_default().into_iter().collect()
    }

    fn fleet(&mut self, event: &FleetEvent) -> String {
        let name = event.instance().to_string();
        match event {
            FleetEvent::Log(line) => return self.hold_or_show(&name, &line.text),
            // The next event tells whether it is started again, and the first start is no news.
            FleetEvent::Started { .. } => return String::new(),
            FleetEvent::Fell { reason, .. } | FleetEvent::Failed { reason, .. }
                if self.given_up.get(&name) == Some(reason) =>
            {
                return String::new();
            }
            FleetEvent::Ready { .. } => drop(self.given_up.remove(&name)),
            _ => {}
        }
        let told = match event {
            FleetEvent::Ready { took_ms, pid, .. } => {
                self.paint.state(State::Ready, &format!("ready in {} (process {pid})", seconds(*took_ms)))
            }
            FleetEvent::Unanswered { failures, failures_max, problem, .. } => {
                self.paint.state(State::Restarting, &format!("{problem} ({failures} of {failures_max})"))
            }
            FleetEvent::Fell { reason, .. } => self.paint.red(reason),
            FleetEvent::Restarting { delay_ms, restarts, .. } => {
                let told = format!("restarting in {} (restart {restarts})", seconds(*delay_ms));
                self.paint.state(State::Restarting, &told)
            }
            FleetEvent::Failed { code, reason, last_lines, retry_ms, .. } => {
                self.given_up.insert(name.clone(), reason.clone());
                return self.failed(&name, *code, *retry_ms, last_lines);
            }
            FleetEvent::Draining { .. } => self.paint.dim("draining"),
            FleetEvent::Stopped { killed: true, .. } => self.paint.red("did not end in time and was killed"),
            FleetEvent::Stopped { .. } => self.paint.dim("stopped"),
            FleetEvent::Started { .. } | FleetEvent::Log(_) => return String::new(),
        };
        self.said(&name, &told)
    }

    fn failed(&self, name: &str, code: ErrorCode, retry_ms: u64, last_lines: &[String]) -> String {
        let retry = seconds(retry_ms);
        let told = format!("error[{code}]: given up, and tried again every {retry}; what it said last:");
        let mut text = self.said(name, &self.paint.red(&told));
        for line in last_lines {
            text.push_str(&self.said(name, &format!("  {}", readable(line))));
        }
        text
    }

    fn hold_or_show(&mut self, name: &str, text: &str) -> String {
        let line = self.said(name, &readable(text));
        let Some(held) = &mut self.held else { return line };
        if held.len() == HELD_MAX {
            held.pop_front();
        }
        held.push_back(line);
        String::new()
    }

    fn said(&self, name: &str, text: &str) -> String {
        let padded = format!("{name:<width$}", width = self.width);
        format!("{} {} {text}\n", self.paint.name(name, &padded), self.paint.dim("│"))
    }
}

fn seconds(millis: u64) -> String {
    if millis < 1_000 {
        format!("{millis} ms")
    } else if millis < 60_000 {
        format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
    } else {
        format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000)
    }
}

#[cfg(test)]
mod tests;
