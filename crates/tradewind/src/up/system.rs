//! Building, starting, seeding and draining the manifest's system.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tradewind_events::{Clock, ErrorCode, SystemClock};
use tradewind_fleet::{
    BuildStep, Fleet, FleetError, FleetEvent, FleetHandle, Options, ServiceName, ServiceStatus, State, TaskError,
    TaskLine, build_steps, run_task, who_listens_on,
};
use tradewind_gateway::{BindError, Front, Gateway, Network, Plan, Tls};

use super::behind::Behind;
use super::documents::Documenting;
use super::news::{News, Page};
use super::purging::Purging;
use super::screen::Screen;
use super::seeder::Seeder;
use super::{balancing, gateway_log, life, reloading};
use crate::failure::Failure;
use crate::manifest::{Manifest, OpenPage, TlsFiles};
use crate::surroundings;

/// The parts, their addresses taken, and nothing running.
pub(crate) struct System {
    manifest: Manifest,
    gateway: Gateway,
    url: String,
    behind: Behind,
    /// For each service with several instances, so that those who follow it have one address.
    fronts: Vec<Front>,
    fleet: Fleet,
    screen: Screen,
    clock: Arc<dyn Clock>,
    drain: CancellationToken,
    kill: CancellationToken,
}

impl System {
    /// Takes the gateway's and the services' ports, so that a taken one is told before anything is built.
    ///
    /// # Errors
    /// TW-4002 if one is in use.
    pub(crate) async fn prepare(
        manifest: Manifest,
        data: PathBuf,
        screen: Screen,
        drain: CancellationToken,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut options = tradewind_gateway::Options::new(manifest.gateway.listen);
        if let Some(TlsFiles { cert, key, .. }) = &manifest.gateway.tls {
            let tls = Tls::read(manifest.dir.join(cert), manifest.dir.join(key));
            options.tls = Some(tls.map_err(|error| {
                let help = "name a PEM file each in [gateway.tls]: a chain of certificates, and its key";
                Failure::coded(ErrorCode::BAD_MANIFEST, format!("the gateway cannot speak TLS: {error}"), help)
            })?);
        }
        options.timeouts.unready = manifest.gateway.unready_for;
        options.limits = manifest.gateway.limits;
        let networks = |of: &[(Network, usize)]| of.iter().map(|(network, _)| *network).collect();
        options.trusted = networks(&manifest.gateway.trusted);
        if let Some(operators) = &manifest.gateway.operators {
            options.operators = networks(operators);
        }
        options.access = gateway_log::start_access(&manifest, &screen)?;
        options.life = life::of(&data)?;
        let gateway = Gateway::bind(options, Plan::default()).await.map_err(|error| cannot_listen(&error))?;
        if let Some(twice) = port_twice(&manifest, gateway.address()) {
            return Err(twice);
        }
        let scheme = if manifest.gateway.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", gateway.address());
        let seed = clock.now().micros().unsigned_abs();
        let (dir, gateway_url) = (manifest.dir.clone(), url.clone());
        let (broker, store) = (manifest.broker.url.clone(), manifest.store.url.clone());
        let read_models = manifest.read_models().url;
        let options = Options { dir, data, gateway_url, broker, store, read_models, clock: Arc::clone(&clock), seed };
        let fleet = Fleet::new(options, manifest.services.clone()).map_err(|error| {
            let help = match &error {
                FleetError::PortInUse { service, .. } => {
                    format!("stop that process, or give [services.{service}] another port")
                }
                FleetError::PortTwice { .. } => {
                    "give each service a port of its own, or none to have one chosen".to_owned()
                }
                _ => String::new(),
            };
            Failure::coded(error.code(), error, help)
        })?;
        let addresses = fleet.handle().addresses();
        let mut behind = Behind::of(&manifest);
        behind.look_up().await;
        let mut fronts = Vec::new();
        for spec in manifest.services.iter().filter(|spec| spec.instances > 1) {
            if let (Some(address), Some(upstream)) = (addresses.get(&spec.name), behind.run().get(&spec.name)) {
                let front = gateway.handle().front(*address, upstream.clone()).await;
                fronts.push(front.map_err(|error| cannot_listen_for(&spec.name, &error))?);
            }
        }
        gateway.handle().replace(manifest.gateway.plan(&behind.all())?);
        let kill = CancellationToken::new();
        Ok(Self { manifest, gateway, url, behind, fronts, fleet, screen, clock, drain, kill })
    }

    /// The gateway's URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where each service is going to be, and where each of its instances if there are several.
    pub(crate) fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        let handle = self.fleet.handle();
        let instances = handle.status().into_iter().map(|status| (status.instance.to_string(), status.address));
        let services = handle.addresses().into_iter().map(|(name, address)| (name.to_string(), address));
        services.chain(instances).collect()
    }

    /// Runs everything until it is told to stop.
    ///
    /// # Errors
    /// TW-4003 if a build fails.
    pub(crate) async fn run(self, build: bool) -> anyhow::Result<()> {
        surroundings::on_signals(self.drain.clone(), self.kill.clone())?;
        if build {
            for step in build_steps(&self.manifest.services) {
                if !self.build(&step).await? {
                    self.screen.tell(News::Down).await;
                    return Ok(());
                }
            }
        }
        let (screen, handle) = (self.screen.clone(), self.fleet.handle());
        screen.tell(News::Starting { services: handle.status() }).await;
        let telling = tokio::spawn(tell_events(
            handle.clone(),
            handle.events(),
            screen.clone(),
            self.when_up(),
            self.drain.clone(),
        ));

        let (file, gateway) = (self.manifest.file.clone(), self.gateway.handle());
        let mut purging = Purging::new(handle.addresses(), gateway.clone());
        purging.follow(&self.manifest.gateway.followed());
        let documenting = Documenting {
            about: self.manifest.gateway.about.clone(),
            kept: self.manifest.kept.clone(),
            handle: handle.clone(),
            upstreams: self.behind.run().clone(),
            gateway: self.gateway.handle(),
        };
        let documenting = AbortOnDropHandle::new(tokio::spawn(documenting.follow()));
        let balancing = balancing::follow(handle.clone(), self.behind.run().clone());
        let balancing = AbortOnDropHandle::new(tokio::spawn(balancing));
        let reloading = reloading::follow(file, self.manifest.fixed.clone(), self.behind, gateway, purging);
        let reloading = AbortOnDropHandle::new(tokio::spawn(reloading));
        let (stop_gateway, stop_fronts) = (CancellationToken::new(), CancellationToken::new());
        let fronts: Vec<_> =
            self.fronts.into_iter().map(|front| tokio::spawn(front.run(stop_fronts.clone()))).collect();
        let gateway = tokio::spawn(self.gateway.run(stop_gateway.clone()));
        let fleet = tokio::spawn(self.fleet.run(CancellationToken::new()));
        let seeder = self.manifest.seed.map(|command| Seeder {
            command,
            dir: self.manifest.dir,
            url: self.url,
            screen: screen.clone(),
            clock: self.clock,
            handle: handle.clone(),
            drain: self.drain.clone(),
        });
        let seeding = tokio::spawn(async move {
            if let Some(seeder) = seeder {
                seeder.run().await;
            }
        });

        self.drain.cancelled().await;
        // First what is to end, and then the word of it: whoever reads may be slow.
        stop_gateway.cancel();
        screen.tell(News::Stopping).await;
        let drained = async {
            // First those who ask, then those who answer.
            let _ = seeding.await;
            let _ = gateway.await;
        };
        tokio::select! {
            () = drained => handle.stop(),
            () = self.kill.cancelled() => handle.kill(),
        }
        let impatient = handle.clone();
        let kill = self.kill.clone();
        let killing = tokio::spawn(async move {
            kill.cancelled().await;
            impatient.kill();
        });
        fleet.await??;
        killing.abort();
        drop((balancing, reloading, documenting));
        // Those inside could ask each other to the end.
        stop_fronts.cancel();
        for front in fronts {
            front.await?;
        }
        // The last events are told before the end is.
        drop(handle);
        let _ = tokio::time::timeout(Duration::from_secs(2), telling).await;
        screen.tell(News::Down).await;
        Ok(())
    }

    /// The news that everything has been started.
    fn when_up(&self) -> impl Fn(Vec<ServiceStatus>) -> News + Send + use<> {
        let gateway = self.url.clone();
        let page = |page: &OpenPage| Page { label: page.label.clone(), url: format!("{gateway}{}", page.path) };
        let open: Vec<Page> = self.manifest.gateway.open.iter().map(page).collect();
        let pid = std::process::id();
        move |services| News::Up { gateway: gateway.clone(), pid, open: open.clone(), services }
    }

    /// Runs one build; false if it was interrupted.
    async fn build(&self, step: &BuildStep) -> anyhow::Result<bool> {
        let command = shell_words::join(&step.words);
        let begun = Instant::now();
        self.screen.tell(News::Building { command: command.clone(), services: step.services.clone() }).await;
        let (screen, clock) = (self.screen.clone(), Arc::clone(&self.clock));
        let line = |TaskLine { output, text }| {
            screen.try_tell(News::Log { at: clock.now(), service: "build", output, text });
        };
        match run_task(&step.words, &self.manifest.dir, &self.drain, line).await {
            Ok(()) => {
                self.screen.tell(News::Built { command, took_ms: millis(begun.elapsed()) }).await;
                Ok(true)
            }
            Err(TaskError::Interrupted { .. }) => Ok(false),
            Err(error) => {
                let help = "its output above says why; with --no-build what was built before is started";
                Err(Failure::coded(ErrorCode::BUILD_FAILED, format!("the build failed: {error}"), help))
            }
        }
    }
}

/// Only a port that is in use has somebody to blame: an address that is not this machine's, or a port that one may not
/// have, is nobody's fault.
fn cannot_listen(error: &BindError) -> anyhow::Error {
    let BindError { address, error } = error;
    let other = "choose another port with --port, or another address in [gateway]";
    if error.kind() != io::ErrorKind::AddrInUse {
        return Failure::coded(
            ErrorCode::PORT_IN_USE,
            format!("the gateway cannot listen on {address}: {error}"),
            other,
        );
    }
    let port = address.port();
    let (message, help) = match who_listens_on(*address) {
        Some(holder) => (
            format!("the gateway's port {port} is in use by {holder}"),
            format!("stop it with `kill {}`, or choose another port with --port", holder.pid),
        ),
        None => (format!("the gateway's port {port} is in use"), other.to_owned()),
    };
    Failure::coded(ErrorCode::PORT_IN_USE, message, help)
}

/// Its port was free when it was given, and is another's now.
fn cannot_listen_for(service: &ServiceName, error: &BindError) -> anyhow::Error {
    let help = format!("try again, or give [services.{service}] another port");
    Failure::coded(ErrorCode::PORT_IN_USE, format!("for {service}: {error}"), help)
}

/// With `--port` the gateway may come upon a port that the manifest, which is right by itself, gives to a service.
fn port_twice(manifest: &Manifest, gateway: SocketAddr) -> Option<anyhow::Error> {
    let twice = manifest.services.iter().find(|service| service.port == Some(gateway.port()))?;
    let message = format!("port {} is given to the gateway and to service {}", gateway.port(), twice.name);
    Some(Failure::coded(ErrorCode::BAD_MANIFEST, message, "choose another port with --port"))
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Passes events on until the last service has stopped, and tells when all have been started: behind everything
/// that led to it.
async fn tell_events(
    handle: FleetHandle,
    mut events: broadcast::Receiver<FleetEvent>,
    screen: Screen,
    up: impl Fn(Vec<ServiceStatus>) -> News,
    drain: CancellationToken,
) {
    let mut is_up = false;
    loop {
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Ok(event) => screen.tell(News::Fleet(event)).await,
                Err(RecvError::Lagged(events)) => screen.tell(News::Missed { events }).await,
                Err(RecvError::Closed) => return,
            },
            () = handle.settled(), if !is_up && !drain.is_cancelled() => {
                is_up = true;
                screen.tell(up(handle.status())).await;
            }
            // The order of these branches matters: only once there is nothing left to tell.
            () = all_stopped(&handle) => return,
        }
    }
}

async fn all_stopped(handle: &FleetHandle) {
    while handle.status().iter().any(|status| status.state != State::Stopped) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
