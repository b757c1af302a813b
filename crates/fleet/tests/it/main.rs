//! The fleet with real processes: this test program, run again, is each of its services.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod falling;
mod hanging;
mod instances;
mod orphans;
mod starting;
mod stopping;
mod tasks;
mod tiny;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tradewind_events::SystemClock;
use tradewind_fleet::{Fleet, FleetEvent, FleetHandle, Options, ServiceSpec, ServiceStatus, State, Template};

/// A running fleet in a folder of its own.
struct Running {
    handle: FleetHandle,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
    folder: tempfile::TempDir,
}

fn options(folder: &Path) -> Options {
    Options {
        dir: folder.to_owned(),
        data: folder.join("data"),
        gateway_url: "http://127.0.0.1:1".to_owned(),
        broker: "feeds:".to_owned(),
        store: Template::parse("file:{data}/events").unwrap(),
        read_models: Template::parse("file:").unwrap(),
        clock: Arc::new(SystemClock),
        seed: 42,
    }
}

impl Running {
    fn start(specs: Vec<ServiceSpec>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fleet = Fleet::new(options(folder.path()), specs).unwrap();
        let (handle, shutdown) = (fleet.handle(), CancellationToken::new());
        let stop = shutdown.clone();
        let ended = tokio::spawn(async move { fleet.run(stop).await.unwrap() });
        Self { handle, shutdown, ended, folder }
    }

    fn status(&self, name: &str) -> ServiceStatus {
        self.handle.status().into_iter().find(|status| status.instance.to_string() == name).unwrap()
    }

    /// Waits until a service is as wished, and tells how it then is.
    async fn until(&self, name: &str, wanted: impl Fn(&ServiceStatus) -> bool) -> ServiceStatus {
        let found = async {
            loop {
                let status = self.status(name);
                if wanted(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let last = || format!("{name} is {:?}", self.status(name));
        tokio::time::timeout(Duration::from_secs(30), found).await.unwrap_or_else(|_| panic!("{}", last()))
    }

    async fn until_state(&self, name: &str, state: State) -> ServiceStatus {
        self.until(name, |status| status.state == state).await
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.ended).await.unwrap().unwrap();
    }
}

/// Whether a process exists and is not merely waiting to be collected.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}

async fn until_dead(pid: u32) {
    let dead = async {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), dead).await.unwrap_or_else(|_| panic!("{pid} still lives"));
}

fn kill(pid: u32) {
    assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

fn order_of(events: &mut tokio::sync::broadcast::Receiver<FleetEvent>, which: fn(&FleetEvent) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    while let Ok(event) = events.try_recv() {
        if which(&event) {
            names.push(event.instance().to_string());
        }
    }
    names
}

fn taken_port() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
