//! One instance's life: wait, start, be ready, fall, start again, drain.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tradewind_events::{ErrorCode, Timestamp};

use crate::backoff::{Falls, Verdict};
use crate::child::{self, Launch};
use crate::fleet::{Shared, Slot, by};
use crate::process::Process;
use crate::spawner::Spawner;
use crate::{Exit, FleetEvent, Instance, Liveness, ServiceStatus, State, Values, health, ports, who_listens_on};

/// What somebody wants of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Restart,
}

/// Keeps one instance running.
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    index: usize,
    orders: mpsc::Receiver<Order>,
    falls: Falls,
    /// It was given up and has not been ready since: what is tried now and then still counts as failed, so that
    /// nobody who waits for it takes every try for a hope.
    given_up: bool,
}

/// How one run of the process came to its end.
enum End {
    /// We were told to stop, and it has ended.
    Stopped,
    /// We were told to start it again, and it has ended.
    Restart,
    /// It fell.
    Fell(Fall),
}

struct Fall {
    reason: String,
    code: ErrorCode,
    /// Trying again cannot help.
    hopeless: bool,
    /// It had been ready.
    was_ready: bool,
}

/// Why waiting ended.
enum Woken {
    Go,
    Stop,
}

impl Supervisor {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, orders: mpsc::Receiver<Order>) -> Self {
        let falls = Falls::new(shared.slots[index].spec.restart, shared.options.seed.wrapping_add(index as u64 * 2));
        Self { shared, index, orders, falls, given_up: false }
    }

    fn slot(&self) -> &Slot {
        &self.shared.slots[self.index]
    }

    pub(crate) async fn run(mut self, spawner: Spawner) {
        if let Woken::Go = self.wait_for_dependencies().await {
            self.live(&spawner).await;
        }
        self.set(|status| {
            status.state = State::Stopped;
            status.pid = None;
        });
    }

    async fn live(&mut self, spawner: &Spawner) {
        loop {
            let woken = match self.run_once(spawner).await {
                End::Stopped => Woken::Stop,
                End::Restart => {
                    self.begin_anew();
                    Woken::Go
                }
                End::Fell(fall) => match self.falls.fell(Instant::now(), fall.was_ready) {
                    Verdict::Again(delay) if !fall.hopeless => self.wait_to_restart(fall, delay).await,
                    _ => self.give_up(fall).await,
                },
            };
            match woken {
                Woken::Stop => return,
                Woken::Go => self.set(|status| status.restarts += 1),
            }
        }
    }

    /// Only before the first start: later a service must live with the absence of others. One instance of each is enough:
    /// it answers for all.
    async fn wait_for_dependencies(&mut self) -> Woken {
        let shared = Arc::clone(&self.shared);
        for name in &shared.slots[self.index].spec.after {
            let mut changes = shared.changed.subscribe();
            loop {
                let states = shared.states(name);
                if states.is_empty() || states.contains(&State::Ready) {
                    break;
                }
                let failed = states.iter().all(|state| *state == State::Failed);
                self.wait_because(failed.then(|| format!("waits for {name}, which failed")));
                tokio::select! {
                    _ = changes.changed() => {}
                    () = shared.stop.cancelled() => return Woken::Stop,
                    // It has not run yet: there is nothing to restart.
                    _ = self.orders.recv() => {}
                }
            }
        }
        self.wait_because(None);
        Woken::Go
    }

    /// Tells a reason only if it is another: who tells is told, too.
    fn wait_because(&self, reason: Option<String>) {
        if self.slot().status.borrow().reason != reason {
            self.set(|status| status.reason = reason);
        }
    }

    async fn run_once(&mut self, spawner: &Spawner) -> End {
        let mut process = match self.start(spawner).await {
            Ok(process) => process,
            Err(fall) => return End::Fell(fall),
        };
        let end = self.watch(&mut process).await;
        // Whatever the process had started and left behind ends with it.
        child::signal_group(process.pid, libc::SIGKILL);
        process.finish_output().await;
        end
    }

    async fn start(&self, spawner: &Spawner) -> Result<Process, Fall> {
        let slot = self.slot();
        let port = slot.address.port();
        if ports::is_in_use(port) {
            let reason = format!("port {port} is in use{}", by(&who_listens_on(slot.address)));
            return Err(Fall { reason, code: ErrorCode::PORT_IN_USE, hopeless: false, was_ready: false });
        }
        let launch = self.launch()?;
        let program = launch.words.first().cloned().unwrap_or_default();
        let child = spawner.spawn(launch).await.map_err(|error| cannot_start(&program, &error))?;
        let process = Process::of(child, &self.shared, self.index);
        let pid = process.pid;
        self.set(|status| {
            status.pid = Some(pid);
            if !self.given_up {
                status.state = State::Starting;
                forget_reason(status);
            }
        });
        let at = self.shared.options.clock.now();
        self.shared.tell(FleetEvent::Started { at, instance: slot.instance.clone(), pid, address: slot.address });
        Ok(process)
    }

    fn launch(&self) -> Result<Launch, Fall> {
        let (slot, options) = (self.slot(), &self.shared.options);
        let hopeless =
            |reason: String| Fall { reason, code: ErrorCode::SERVICE_FAILED, hopeless: true, was_ready: false };
        let data: PathBuf = options.data.join(slot.instance.folder());
        std::fs::create_dir_all(&data)
            .map_err(|error| hopeless(format!("its data folder {} cannot be made: {error}", data.display())))?;
        let mut values = Values {
            listen: Some(slot.address),
            data: Some(data),
            service: Some(slot.spec.name.clone()),
            instance: Some(slot.instance.number),
            gateway: Some(options.gateway_url.clone()),
            broker: Some(options.broker.clone()),
            store: None,
            read_models: None,
            upstreams: self.shared.urls(),
        };
        let mut fill = || {
            values.store = Some(options.store.fill(&values)?);
            values.read_models = Some(options.read_models.fill(&values)?);
            let words = slot.spec.run.fill(&values)?;
            let env = slot.spec.env.iter().map(|(key, value)| Ok((key.clone(), value.fill(&values)?)));
            Ok((words, env.collect::<Result<_, crate::TemplateError>>()?))
        };
        let (words, env) = fill().map_err(|error: crate::TemplateError| hopeless(error.to_string()))?;
        Ok(Launch { words, dir: options.dir.clone(), env })
    }

    /// From the start of a process to its end.
    async fn watch(&mut self, process: &mut Process) -> End {
        let shared = Arc::clone(&self.shared);
        let (index, spec) = (self.index, &shared.slots[self.index].spec);
        let started = Instant::now();
        let ready = health::until_ready(self.slot().address, &spec.health);
        let pid = process.pid;
        let lifeless = health::until_lifeless(self.slot().address, &spec.liveness, |failures, problem| {
            let (at, instance) = (shared.options.clock.now(), shared.slots[index].instance.clone());
            let failures_max = spec.liveness.failures_max;
            shared.tell(FleetEvent::Unanswered { at, instance, pid, failures, failures_max, problem });
        });
        tokio::pin!(ready, lifeless);
        let mut is_ready = false;
        let reason = loop {
            tokio::select! {
                exit = process.child.wait() => break match exit {
                    Ok(status) if is_ready => Exit::from(status).to_string(),
                    Ok(status) => format!("{} before it was ready", Exit::from(status)),
                    Err(error) => format!("cannot be waited for: {error}"),
                },
                () = &mut ready, if !is_ready => {
                    is_ready = true;
                    self.given_up = false;
                    self.note_ready(process.pid, started.elapsed());
                }
                () = tokio::time::sleep_until(started + spec.ready_within), if !is_ready => {
                    child::end(&mut process.child, process.pid, spec.drain_within, &shared.kill).await;
                    let limit = spec.ready_within.as_secs_f32();
                    break format!("did not answer 200 on {} within {limit} s", spec.health);
                }
                () = &mut lifeless, if is_ready => {
                    self.set(|status| status.state = State::Restarting);
                    child::end(&mut process.child, process.pid, spec.drain_within, &shared.kill).await;
                    let Liveness { path, failures_max, .. } = &spec.liveness;
                    break format!("did not answer on {path} {failures_max} times in a row, and was ended");
                }
                () = shared.stop.cancelled() => {
                    self.drain(process, true).await;
                    return End::Stopped;
                }
                Some(Order::Restart) = self.orders.recv() => {
                    self.drain(process, false).await;
                    return End::Restart;
                }
            }
        };
        End::Fell(Fall { reason, code: ErrorCode::SERVICE_FAILED, hopeless: false, was_ready: is_ready })
    }

    fn note_ready(&self, pid: u32, took: Duration) {
        let slot = self.slot();
        self.shared.tell(FleetEvent::Ready {
            at: self.shared.options.clock.now(),
            instance: slot.instance.clone(),
            pid,
            url: slot.url(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        // Told first, so that who sees the state finds the event already told.
        self.set(|status| {
            status.state = State::Ready;
            forget_reason(status);
        });
    }

    async fn drain(&self, process: &mut Process, dependents_first: bool) {
        let slot = self.slot();
        if dependents_first {
            self.wait_for_dependents().await;
        }
        self.set(|status| status.state = State::Draining);
        let instance = slot.instance.clone();
        self.shared.tell(FleetEvent::Draining { at: self.shared.options.clock.now(), instance: instance.clone() });
        let killed = child::end(&mut process.child, process.pid, slot.spec.drain_within, &self.shared.kill).await;
        self.shared.tell(FleetEvent::Stopped { at: self.shared.options.clock.now(), instance, killed });
        self.set(|status| status.pid = None);
    }

    /// Those that depend on this one end before it. Bounded, since each of them ends within its own time.
    async fn wait_for_dependents(&self) {
        let own = &self.slot().spec.name;
        for other in self.shared.slots.iter().filter(|other| other.spec.after.contains(own)) {
            let mut status = other.status.subscribe();
            tokio::select! {
                _ = status.wait_for(|status| status.state == State::Stopped) => {}
                () = self.shared.kill.cancelled() => return,
            }
        }
    }

    async fn wait_to_restart(&mut self, fall: Fall, delay: Duration) -> Woken {
        self.given_up = false;
        let restarts = self.slot().status.borrow().restarts + 1;
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.note_fall(&fall, State::Restarting, |at, instance| FleetEvent::Restarting {
            at,
            instance,
            restarts,
            delay_ms,
        });
        tokio::select! {
            () = tokio::time::sleep(delay) => Woken::Go,
            () = self.shared.stop.cancelled() => Woken::Stop,
            Some(Order::Restart) = self.orders.recv() => {
                self.begin_anew();
                Woken::Go
            }
        }
    }

    /// Forgets what was, because somebody asked for it.
    fn begin_anew(&mut self) {
        self.falls.forget();
        self.given_up = false;
    }

    /// The cause may go away without us: a disk is mounted, a program built, another service mended. So what was
    /// given up is tried again, as seldom as its policy waits at most.
    async fn give_up(&mut self, fall: Fall) -> Woken {
        let (reason, last_lines) = (fall.reason.clone(), self.slot().last_lines());
        let delay = self.falls.retry_delay();
        self.given_up = true;
        self.note_fall(&fall, State::Failed, |at, instance| FleetEvent::Failed {
            at,
            instance,
            code: fall.code,
            reason,
            last_lines,
            retry_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
        });
        tokio::select! {
            () = tokio::time::sleep(delay) => Woken::Go,
            () = self.shared.stop.cancelled() => Woken::Stop,
            Some(Order::Restart) = self.orders.recv() => {
                self.begin_anew();
                Woken::Go
            }
        }
    }

    /// Tells of a fall and what follows from it, and then shows the state.
    fn note_fall(&self, fall: &Fall, state: State, follows: impl FnOnce(Timestamp, Instance) -> FleetEvent) {
        let slot = self.slot();
        let (at, instance) = (self.shared.options.clock.now(), slot.instance.clone());
        let pid = slot.status.borrow().pid;
        self.shared.tell(FleetEvent::Fell { at, instance: instance.clone(), pid, reason: fall.reason.clone() });
        self.shared.tell(follows(at, instance));
        let last_lines = slot.last_lines();
        self.set(|status| {
            status.state = state;
            status.pid = None;
            status.reason = Some(fall.reason.clone());
            status.code = Some(fall.code);
            status.last_lines = last_lines;
        });
    }

    fn set(&self, change: impl FnOnce(&mut ServiceStatus)) {
        self.slot().status.send_modify(change);
        self.shared.changed.send_replace(());
    }
}

/// What was wrong is over.
fn forget_reason(status: &mut ServiceStatus) {
    (status.reason, status.code) = (None, None);
    status.last_lines.clear();
}

fn cannot_start(program: &str, error: &io::Error) -> Fall {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => format!("{program} cannot be started: there is no such program"),
        _ => format!("{program} cannot be started: {error}"),
    };
    // A missing program does not come back by itself; a full process table may empty again.
    let hopeless = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied);
    Fall { reason, code: ErrorCode::SERVICE_FAILED, hopeless, was_ready: false }
}
