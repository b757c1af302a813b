//! All services together.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Clock, ErrorCode};

use crate::spawner::Spawner;
use crate::supervisor::{Order, Supervisor};
use crate::{
    FleetEvent, Holder, Instance, OrderError, ServiceName, ServiceSpec, ServiceStatus, State, Template, ports,
    start_order,
};

/// What a fleet needs to know besides its services.
#[derive(Clone)]
pub struct Options {
    /// The folder in which commands run.
    pub dir: PathBuf,
    /// The folder in which each instance gets its own.
    pub data: PathBuf,
    /// The gateway's URL, for `{gateway}`.
    pub gateway_url: String,
    /// The broker's URL, for `{broker}`.
    pub broker: String,
    /// The URL of each service's event store, for `{store}`; in it may be `{data}` and `{service}`.
    pub store: Template,
    /// The URL of what each service's instances share besides, for `{read_models}`; in it may be the same.
    pub read_models: Template,
    /// What tells the time of events and lines.
    pub clock: Arc<dyn Clock>,
    /// From what the waits between restarts are spread.
    pub seed: u64,
}

/// How many events a listener may fall behind before it loses the oldest, and is told so. A slow terminal must
/// never stop a service.
const EVENTS_KEPT: usize = 4_096;
/// How many of its last lines a service's status shows.
pub(crate) const LAST_LINES: usize = 20;

/// Why a fleet cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The services cannot be ordered.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Somebody has a service's port.
    #[error("port {port}, which the manifest gives to {service}, is in use{}", by(.holder))]
    PortInUse {
        /// The service that wants it.
        service: ServiceName,
        /// The port.
        port: u16,
        /// Who has it, if it can be told.
        holder: Option<Holder>,
    },
    /// Two services are given one port.
    #[error("port {port} is given to two services, {service} being the second")]
    PortTwice {
        /// The second one.
        service: ServiceName,
        /// The port.
        port: u16,
    },
    /// There is no port to choose.
    #[error("no free port could be found between 20000 and 32000")]
    NoFreePort,
    /// A folder or a thread could not be made.
    #[error("{what}: {error}")]
    Io {
        /// What was to be made.
        what: String,
        /// Why not.
        error: io::Error,
    },
}

pub(crate) fn by(holder: &Option<Holder>) -> String {
    holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default()
}

impl FleetError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Order(_) | Self::PortTwice { .. } => ErrorCode::BAD_MANIFEST,
            Self::PortInUse { .. } | Self::NoFreePort => ErrorCode::PORT_IN_USE,
            Self::Io { .. } => ErrorCode::SERVICE_FAILED,
        }
    }
}

/// The services, not yet running.
pub struct Fleet {
    supervisors: Vec<Supervisor>,
    handle: FleetHandle,
}

/// What is known of one instance, for everybody.
pub(crate) struct Slot {
    pub(crate) spec: Arc<ServiceSpec>,
    pub(crate) instance: Instance,
    pub(crate) address: SocketAddr,
    pub(crate) status: watch::Sender<ServiceStatus>,
    last_lines: Mutex<VecDeque<String>>,
    orders: mpsc::Sender<Order>,
}

impl Slot {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn keep_line(&self, text: &str) {
        let mut last = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text.to_owned());
    }

    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.last_lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) slots: Vec<Slot>,
    /// Where each service is reached.
    addresses: BTreeMap<ServiceName, SocketAddr>,
    pub(crate) events: broadcast::Sender<FleetEvent>,
    /// Some status is another.
    pub(crate) changed: watch::Sender<()>,
    /// Drain.
    pub(crate) stop: CancellationToken,
    /// Do not wait any longer.
    pub(crate) kill: CancellationToken,
}

impl Shared {
    pub(crate) fn tell(&self, event: FleetEvent) {
        // Without listeners there is nobody to tell.
        let _ = self.events.send(event);
    }

    /// How each instance of a service is.
    pub(crate) fn states(&self, service: &ServiceName) -> Vec<State> {
        let slots = self.slots.iter().filter(|slot| slot.spec.name == *service);
        slots.map(|slot| slot.status.borrow().state).collect()
    }

    /// Every service's URL, for `{upstream:NAME}`.
    pub(crate) fn urls(&self) -> BTreeMap<ServiceName, String> {
        self.addresses.iter().map(|(service, address)| (service.clone(), format!("http://{address}"))).collect()
    }
}

impl Fleet {
    /// Orders the services and gives each instance its port.
    ///
    /// # Errors
    /// [`FleetError`] if they cannot be ordered or a port is taken.
    pub fn new(options: Options, specs: Vec<ServiceSpec>) -> Result<Self, FleetError> {
        start_order(&specs)?;
        let assigned = ports::assign(&specs, &options.data)?;
        let (mut slots, mut inboxes, mut addresses) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (spec, assigned) in specs.into_iter().zip(assigned) {
            let spec = Arc::new(spec);
            addresses.insert(spec.name.clone(), assigned.service);
            for (instance, address) in Instance::all_of(&spec).zip(assigned.instances) {
                let (orders, inbox) = mpsc::channel(4);
                let status = watch::Sender::new(waiting(instance.clone(), address));
                let (spec, last_lines) = (Arc::clone(&spec), Mutex::default());
                slots.push(Slot { spec, instance, address, status, last_lines, orders });
                inboxes.push(inbox);
            }
        }
        let shared = Arc::new(Shared {
            options,
            slots,
            addresses,
            changed: watch::Sender::new(()),
            events: broadcast::Sender::new(EVENTS_KEPT),
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
        });
        let supervisors = inboxes
            .into_iter()
            .enumerate()
            .map(|(index, inbox)| Supervisor::new(Arc::clone(&shared), index, inbox))
            .collect();
        Ok(Self { supervisors, handle: FleetHandle(shared) })
    }

    /// A handle on it.
    #[must_use]
    pub fn handle(&self) -> FleetHandle {
        self.handle.clone()
    }

    /// Starts the services and keeps them running until `shutdown` or [`FleetHandle::stop`]; then drains them,
    /// those first that others do not depend on, and returns when all have ended.
    ///
    /// # Errors
    /// [`FleetError::Io`] if the thread that starts processes cannot be started.
    pub fn run(self, shutdown: CancellationToken) -> Pin<Box<dyn Future<Output = Result<(), FleetError>> + Send>> {
        // Boxed here, so that it is compiled here: the body of an async function is compiled by who awaits it.
        Box::pin(self.run_until(shutdown))
    }

    async fn run_until(self, shutdown: CancellationToken) -> Result<(), FleetError> {
        let spawner = Spawner::start()
            .map_err(|error| FleetError::Io { what: "start the thread that starts processes".to_owned(), error })?;
        let mut running = JoinSet::new();
        for supervisor in self.supervisors {
            running.spawn(supervisor.run(spawner.clone()));
        }
        let stop = self.handle.0.stop.clone();
        let all = async { while running.join_next().await.is_some() {} };
        tokio::pin!(all);
        tokio::select! {
            () = &mut all => return Ok(()),
            () = shutdown.cancelled() => stop.cancel(),
        }
        all.await;
        Ok(())
    }
}

/// How an instance is before anything is done about it.
fn waiting(instance: Instance, address: SocketAddr) -> ServiceStatus {
    ServiceStatus {
        instance,
        state: State::Waiting,
        pid: None,
        address,
        url: format!("http://{address}"),
        restarts: 0,
        reason: None,
        code: None,
        last_lines: Vec::new(),
    }
}

/// Looks on and gives orders. Cheap to clone.
#[derive(Clone)]
pub struct FleetHandle(Arc<Shared>);

impl FleetHandle {
    /// How every instance is now, in the order of the manifest.
    #[must_use]
    pub fn status(&self) -> Vec<ServiceStatus> {
        self.0.slots.iter().map(|slot| slot.status.borrow().clone()).collect()
    }

    /// Wakes whenever some status is another.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// Everything that happens from now on. A listener that falls 4,096 events behind loses the oldest and is told
    /// how many.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<FleetEvent> {
        self.0.events.subscribe()
    }

    /// Where each service is reached; this does not change while the fleet lives. A service with one instance listens
    /// there itself. To one with several somebody must pass on what comes there: their own addresses are in
    /// [`Self::status`].
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<ServiceName, SocketAddr> {
        self.0.addresses.clone()
    }

    /// Waits until no service is waiting, starting or restarting any more. A service that waits for a failed one
    /// counts as settled, since nothing will happen to it by itself.
    pub async fn settled(&self) {
        for slot in &self.0.slots {
            let mut status = slot.status.subscribe();
            let settled = |status: &ServiceStatus| {
                matches!(status.state, State::Ready | State::Failed | State::Draining | State::Stopped)
                    || (status.state == State::Waiting && status.reason.is_some())
            };
            // The sender lives in the slot, so it cannot be gone.
            let _ = status.wait_for(settled).await;
        }
    }

    /// Drains all instances of a service, or one by its own name, and starts them again; one that failed is started anew.
    /// False if there is none of this name.
    pub async fn restart(&self, name: &str) -> bool {
        let is_meant = |slot: &&Slot| slot.spec.name.as_str() == name || slot.instance.to_string() == name;
        let mut is_there = false;
        for slot in self.0.slots.iter().filter(is_meant) {
            is_there |= slot.orders.send(Order::Restart).await.is_ok();
        }
        is_there
    }

    /// Drains all services.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Ends all services at once.
    pub fn kill(&self) {
        self.0.kill.cancel();
        self.0.stop.cancel();
    }
}
