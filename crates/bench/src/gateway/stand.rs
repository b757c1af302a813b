//! Who takes part in a figure: the service, and those before it who are measured.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Settings;
use super::child::{self, Role};
use super::load::{Ask, Load};
use super::peers::Peer;
use super::process::Process;
use crate::BenchError;

/// How long somebody has to come up.
const UP_WITHIN: Duration = Duration::from_secs(15);

/// Whoever is measured.
#[derive(Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) process: Process,
    peer: Option<Peer>,
}

/// What the gateway is called among its peers.
pub(super) const OURS: &str = "tradewind";
/// What another build of it is called.
const BEFORE: &str = "before";

/// The service, and those before it. Dropped, all of them end.
#[derive(Debug)]
pub(super) struct Stand {
    /// Those who are measured, the gateway first.
    pub(super) contenders: Vec<Contender>,
    pub(super) service: Contender,
}

impl Stand {
    /// Starts all, and waits until they listen.
    ///
    /// # Errors
    /// [`BenchError`].
    pub(super) fn start(settings: &Settings, peers: &[Peer], traced: bool) -> Result<Self, BenchError> {
        let cores = settings.cores;
        let (process, address) = child::start(None, Role::Service, &[], cores.others)?;
        let service = Contender { name: "service", address, process, peer: None };
        let mut arguments = vec![format!("--service={address}")];
        arguments.extend(traced.then(|| "--traced".to_owned()));
        let mut contenders = Vec::new();
        let before = settings.before.as_deref().map(|program| (BEFORE, Some(program)));
        for (name, program) in [(OURS, None)].into_iter().chain(before) {
            let (process, address) = child::start(program, Role::Gateway, &arguments, cores.measured)?;
            contenders.push(Contender { name, address, process, peer: None });
        }
        for peer in peers {
            let (process, address) = peer.start(settings.folder.path(), address, cores.measured)?;
            contenders.push(Contender { name: peer.name(), address, process, peer: Some(*peer) });
        }
        Ok(Self { contenders, service })
    }
}

impl Contender {
    /// Whether it is our gateway, of this build or another.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.name, OURS | BEFORE)
    }

    /// Waits for it to answer something with 200. The answer's body.
    ///
    /// # Errors
    /// [`BenchError::Process`] if it does not within its time.
    pub(super) async fn come_up(&mut self, ask: &Ask, folder: &Path) -> Result<Vec<u8>, BenchError> {
        let load = Load { address: self.address, ask: ask.clone(), connections: 1, expected: None };
        let until = Instant::now() + UP_WITHIN;
        loop {
            let why = match load.once().await {
                Ok((head, body)) if head.status == 200 => return Ok(body),
                Ok((head, body)) => format!("{}: {}", head.status, String::from_utf8_lossy(&body)),
                Err(error) => error,
            };
            if self.process.has_ended() || Instant::now() > until {
                let words = self.peer.map(|peer| peer.last_words(folder)).unwrap_or_default();
                return Err(BenchError::Process { name: self.name.to_owned(), why: format!("{why}\n{words}") });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
