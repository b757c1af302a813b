//! The host: what a context is put into to become a service. A context registers what it has, one line each, and
//! the host gives back the handles with which its routes work.

mod admin;
mod asyncapi;
mod body;
mod dead_letters;
mod extract;
mod headers;
mod logging;
mod openapi;
mod options;
mod parts;
mod problem;
mod process_metrics;
mod relaying;
mod request;
mod service;
mod subscriptions;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::http::StatusCode;
use axum::{Router, middleware};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tradewind_broker::{Broker, BrokeredMetrics, Relay, RelayMetrics, RelayOptions};
use tradewind_events::{Clock, ErrorCode, EventSource, EventStore, Position, Query};
use tradewind_http::Server;
use tradewind_http::reading::{self, ReadingOptions};
use uuid::Uuid;

use crate::commands::{CommandMetrics, Loader};
use crate::feed::{Feed, Publish};
use crate::follow::{FollowerMetrics, Status};
use crate::process::{AlsoHears, EffectHalf, InputHalf, Pauses, ProcessManager, TimerRunner};
use crate::projection::{Follows, ProjectionRunner, Surroundings};
use crate::reaction::{
    ForReaction, Ledger, Opened, Reaction, ReactionRunner, ReactionSurroundings, Reactor, SHARES_MAX, Share,
};
use crate::{
    Commands, Entities, Entity, Projection, ProjectionOptions, ReadModel, SharedDatabase, StartFrom, Upcasters,
};

use admin::{Admin, Watched, admin_routes};
use body::BodyWithin;
pub use body::Submitted;
pub use logging::{LogError, LogFormat, init_logging};
pub use openapi::Operation;
pub use options::{HostError, HostOptions};
use parts::{Fallen, Part};
pub use problem::Problem;
use process_metrics::ProcessMetrics;
use relaying::LeasedRelay;
pub use request::RequestId;
use request::{Around, HttpMetrics, around};
pub use service::{Service, ServiceError, ServiceHandle};
use subscriptions::Subscription;

/// A service under construction.
pub struct Host {
    options: HostOptions,
    store: Arc<dyn EventStore>,
    surroundings: Surroundings,
    registry: Registry,
    commands: Commands,
    followers: Vec<Watched>,
    parts: Vec<Part>,
    routes: Router,
    operations: Vec<Operation>,
    publish: Option<Arc<dyn Publish>>,
    relay: Option<(Arc<dyn Broker>, RelayOptions)>,
    brokered: BrokeredMetrics,
    draining: CancellationToken,
}

impl Host {
    /// A host over the service's own event store.
    pub fn new(options: HostOptions, store: Arc<dyn EventStore>, clock: Arc<dyn Clock>) -> Self {
        let labels = std::iter::once(("service".into(), options.name.clone().into()));
        let mut registry = Registry::with_prefix_and_labels("tradewind", labels);
        let (command_metrics, metrics) = (CommandMetrics::default(), FollowerMetrics::default());
        command_metrics.register(&mut registry);
        metrics.register(&mut registry);
        let brokered = BrokeredMetrics::default();
        brokered.register(&mut registry);
        registry.register_collector(Box::new(ProcessMetrics));
        let upcasters = Upcasters::default();
        let loader = Loader { store: store.clone(), upcasters: upcasters.clone(), clock: clock.clone() };
        let commands = Commands::with_metrics(loader, options.commands.clone(), command_metrics);
        let surroundings = Surroundings { store: store.clone(), upcasters, clock, metrics };
        Self {
            options,
            store,
            surroundings,
            registry,
            commands,
            followers: Vec::new(),
            parts: Vec::new(),
            routes: Router::new(),
            operations: Vec::new(),
            publish: None,
            relay: None,
            brokered,
            draining: CancellationToken::new(),
        }
    }

    /// How old events are read; steps are added to it.
    #[must_use]
    pub fn upcasters(&self) -> &Upcasters {
        &self.surroundings.upcasters
    }

    /// What handles the service's commands.
    #[must_use]
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// What reads the service's entities.
    #[must_use]
    pub fn entities(&self) -> Entities {
        self.commands.entities()
    }

    /// The clock that everything here goes by.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.surroundings.clock.clone()
    }

    /// Cancelled when the service begins to go down: a route that streams must end its streams by it.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// A read model of the service's own events.
    ///
    /// # Errors
    /// [`HostError`] if its database cannot be opened, or its name is taken.
    pub fn projection(&mut self, projection: impl Projection) -> Result<ReadModel, HostError> {
        let own = Follows { source: self.store.clone(), from: StartFrom::Beginning };
        self.add_projection(own, Arc::new(projection), false)
    }

    /// A read model of another source's events, such as another service's feed: a local copy. The positions that
    /// its queries take and tell are that source's. `from` says where it begins, if it has not begun before.
    ///
    /// # Errors
    /// [`HostError`] if its database cannot be opened, or its name is taken.
    pub fn projection_over(
        &mut self,
        source: Arc<dyn EventSource>,
        from: StartFrom,
        projection: impl Projection,
    ) -> Result<ReadModel, HostError> {
        self.add_projection(Follows { source, from }, Arc::new(projection), true)
    }

    fn add_projection(
        &mut self,
        follows: Follows,
        projection: Arc<dyn Projection>,
        is_subscription: bool,
    ) -> Result<ReadModel, HostError> {
        let options = ProjectionOptions {
            folder: self.options.folder.join("projections"),
            wait_max: self.options.query_wait_max,
            past: self.options.past.clone(),
            parking: self.options.parking.clone(),
            shared: self.options.shared.clone(),
        };
        let around = self.surroundings.clone();
        let (source, from, query) = (follows.source.clone(), follows.from, projection.query());
        let opened = ProjectionRunner::open(projection, follows, around, &options)?;
        let (runner, read_model, control, seeds) = opened;
        // A local copy is there so that the service works while the other does not.
        if is_subscription && read_model.position() > Position::START && runner.has_its_seed() {
            read_model.status.answers_already();
        }
        let subscription = is_subscription.then(|| Subscription { source, from, query, seeds: Some(seeds) });
        let (status, dead_letters) = (runner.status(), Some(runner.dead_letters()));
        let name = self.watch(Watched { status, control, dead_letters, subscription })?;
        self.parts.push(Part::new(name, |stop| runner.run(stop)));
        Ok(read_model)
    }

    /// Something to do whenever certain events of the service have happened.
    ///
    /// # Errors
    /// [`HostError`] if its checkpoint cannot be opened, or its name is taken.
    pub fn reaction(&mut self, reaction: impl Reaction) -> Result<(), HostError> {
        self.reaction_over(self.store.clone(), StartFrom::Beginning, reaction)
    }

    /// Something to do whenever certain events of another source have happened. `from` says where it begins, if it has
    /// not begun before.
    ///
    /// # Errors
    /// [`HostError`] if its checkpoint cannot be opened, its name is taken, or it were to begin with a snapshot.
    #[expect(clippy::needless_pass_by_value, reason = "as with all others that follow a source")]
    pub fn reaction_over(
        &mut self,
        source: Arc<dyn EventSource>,
        from: StartFrom,
        reaction: impl Reaction,
    ) -> Result<(), HostError> {
        let (name, query, of) = (reaction.name(), reaction.query(), reaction.shares().clamp(1, SHARES_MAX));
        let reaction = Arc::new(reaction);
        // Alone, an instance would only read everything several times.
        let shares: Vec<Option<Share>> = match &self.options.shared {
            Some(_) if of > 1 => Share::all(of).map(Some).collect(),
            _ => vec![None],
        };
        for share in shares {
            let ledger =
                self.ledger(name, &share.map_or_else(|| name.to_owned(), |share| format!("{name}{}", share.suffix())))?;
            let reactor = ForReaction { reaction: reaction.clone(), commands: self.commands(), share };
            let follows = Follows { source: source.clone(), from };
            let about = ReactionSurroundings { share, ..self.about("reaction", name, follows, query.clone()) };
            self.follow(Arc::new(reactor), about, &ledger)?;
        }
        Ok(())
    }

    /// A process manager that listens to the service's own events.
    ///
    /// # Errors
    /// [`HostError`] if its checkpoints cannot be opened, or its name is taken.
    pub fn process(&mut self, process: impl ProcessManager) -> Result<(), HostError> {
        self.process_over(self.store.clone(), StartFrom::Beginning, process)
    }

    /// A process manager that listens to another source's events. `from` says where it begins, if it has not begun
    /// before.
    ///
    /// # Errors
    /// [`HostError`] if its checkpoints cannot be opened, its name is taken, or it were to begin with a snapshot.
    pub fn process_over<P: ProcessManager>(
        &mut self,
        source: Arc<dyn EventSource>,
        from: StartFrom,
        process: P,
    ) -> Result<(), HostError> {
        self.process_over_all(source, from, Vec::new(), process)
    }

    /// A process manager that listens to the service's own events, and to what others tell. Events of one source keep
    /// their order; those of two have none between them, so it must know what to do whichever comes first. The service
    /// is ready without having heard the others: what follows from them may follow later.
    ///
    /// # Errors
    /// [`HostError`] if its checkpoints cannot be opened, or one of the names is taken.
    pub fn process_hearing(&mut self, others: Vec<AlsoHears>, process: impl ProcessManager) -> Result<(), HostError> {
        self.process_over_all(self.store.clone(), StartFrom::Beginning, others, process)
    }

    fn process_over_all<P: ProcessManager>(
        &mut self,
        source: Arc<dyn EventSource>,
        from: StartFrom,
        others: Vec<AlsoHears>,
        process: P,
    ) -> Result<(), HostError> {
        let (name, query, process) = (process.name(), process.query(), Arc::new(process));
        let effects_name = P::State::CATEGORY;
        let (inputs, effects) = (self.ledger(name, name)?, self.ledger(name, &format!("{name}.effects"))?);
        let input = |commands| Arc::new(InputHalf { process: process.clone(), commands });
        let about = self.about("process", name, Follows { source, from }, query);
        self.follow(input(self.commands()), about, &inputs)?;
        for AlsoHears { name, source, from, query } in others {
            let heard = self.ledger(name, name)?;
            let about = self.about("process", name, Follows { source, from }, query);
            self.follow(input(self.commands()), about, &heard)?.answers_already();
        }
        let own = Follows { source: self.store.clone(), from: StartFrom::Beginning };
        let own = self.about("effects", effects_name, own, Query::category(P::State::CATEGORY));
        let effect = EffectHalf { process: process.clone(), commands: self.commands() };
        self.follow(Arc::new(effect), own, &effects)?;
        let pauses = Pauses::new(&self.options.parking);
        let timers = TimerRunner { process, commands: self.commands(), ledger: effects, clock: self.clock(), pauses };
        self.parts.push(Part::new(format!("timers of {name}"), |stop| timers.run(stop)));
        Ok(())
    }

    fn about(&self, kind: &'static str, name: &'static str, follows: Follows, query: Query) -> ReactionSurroundings {
        let Follows { source, from } = follows;
        ReactionSurroundings { kind, name, share: None, source, from, query, parking: self.options.parking.clone() }
    }

    fn follow(
        &mut self,
        reactor: Arc<dyn Reactor>,
        about: ReactionSurroundings,
        ledger: &Ledger,
    ) -> Result<Arc<Status>, HostError> {
        let (around, shared) = (self.surroundings.clone(), self.options.shared.as_ref());
        if about.from == StartFrom::Snapshot {
            return Err(HostError::NoSnapshot(about.name));
        }
        let is_own = std::ptr::addr_eq(Arc::as_ptr(&about.source), Arc::as_ptr(&self.store));
        let subscription = (!is_own).then(|| Subscription {
            source: about.source.clone(),
            from: about.from,
            query: about.query.clone(),
            seeds: None,
        });
        let Opened { runner, control, dead_letters } = ReactionRunner::open(reactor, about, around, ledger, shared);
        let status = runner.status();
        let watched = Watched { status: status.clone(), control, dead_letters: Some(dead_letters), subscription };
        let name = self.watch(watched)?;
        self.parts.push(Part::new(name, |stop| runner.run(stop)));
        Ok(status)
    }

    fn ledger(&self, name: &'static str, file: &str) -> Result<Ledger, HostError> {
        if let Some(shared) = &self.options.shared {
            return Ok(Ledger::shared(shared.clone(), file.to_owned()));
        }
        let folder = self.options.folder.join("reactions");
        let made = std::fs::create_dir_all(&folder).map_err(|error| error.to_string());
        let opened =
            made.and_then(|()| Ledger::open(&folder.join(format!("{file}.db"))).map_err(|error| error.to_string()));
        opened.map_err(|problem| HostError::Ledger { name, problem })
    }

    fn watch(&mut self, watched: Watched) -> Result<String, HostError> {
        let name = watched.status.name().to_owned();
        if self.followers.iter().any(|other| other.status.name() == name) {
            return Err(HostError::SameName(name));
        }
        self.followers.push(watched);
        Ok(name)
    }

    /// What the service tells others, under `/feed`.
    pub fn publish(&mut self, publish: impl Publish) {
        self.publish = Some(Arc::new(publish));
    }

    /// Publishes what the service tells others on a broker, too.
    pub fn relay(&mut self, broker: Arc<dyn Broker>, options: RelayOptions) {
        self.relay = Some((broker, options));
    }

    /// The figures of sources that come over a broker, told among the service's own.
    #[must_use]
    pub fn brokered_metrics(&self) -> BrokeredMetrics {
        self.brokered.clone()
    }

    /// The service's own routes.
    pub fn routes(&mut self, routes: Router) {
        self.routes = std::mem::take(&mut self.routes).merge(routes);
    }

    /// One operation of the service's API, for `/openapi.json`.
    pub fn operation(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// Another part of the service that runs as long as it does, until the token is cancelled.
    pub fn task<F>(&mut self, task: impl FnOnce(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.parts.push(Part::new("a task of the context", task));
    }

    /// Binds the service to its address.
    ///
    /// # Errors
    /// [`HostError::Listen`] if the address is taken.
    pub async fn bind(mut self) -> Result<(Service, ServiceHandle), HostError> {
        let (metrics, fallen) = (HttpMetrics::registered(&mut self.registry), Fallen::default());
        let shared = self.options.shared.clone();
        let HostOptions { name, listen, drain_max, limits, live_max, body_within, .. } = self.options;
        let bound = Server::bind(listen, limits).await;
        let server = bound.map_err(|error| HostError::Listen { address: listen, error })?;
        let address = server.local_addr();
        let version = env!("CARGO_PKG_VERSION");
        let contracts = self.publish.as_ref().map(|publish| publish.contracts());
        let asyncapi = contracts.map(|contracts| asyncapi::document(&name, version, &contracts)).transpose();
        let asyncapi = asyncapi.map_err(HostError::Contracts)?;
        let feed =
            self.publish.map(|publish| Arc::new(Feed::new(self.store, publish, self.surroundings.upcasters.clone())));
        let (mut relay, mut relay_lease) = (None, None);
        if let (Some(feed), Some((broker, options))) = (&feed, self.relay) {
            let metrics = RelayMetrics::default();
            metrics.register(&mut self.registry);
            let (runs, handle) = Relay::new(feed.clone(), broker, options, metrics, self.surroundings.clock.clone());
            if let Some(shared) = &shared {
                let Surroundings { clock, metrics, .. } = self.surroundings.clone();
                let status = Status::new("relay", "relay", 1, metrics, clock);
                let runs = LeasedRelay::new(runs, shared, status.clone());
                self.parts.push(Part::new("the relay", |stop| runs.run(stop)));
                relay_lease = Some(status);
            } else {
                self.parts.push(Part::new("the relay", |stop| runs.run(stop)));
            }
            relay = Some(handle);
        }
        if let Some(shared) = shared.filter(SharedDatabase::has_seats) {
            let leases = shared.clone();
            self.parts.push(Part::new("the leases", |stop| leases.keep_leases(stop)));
            self.parts.push(Part::new("the shared read models", |stop| shared.keep_showing(stop)));
        }
        let admin = Arc::new(Admin {
            openapi: openapi::document(&name, version, &self.operations, feed.is_some()),
            asyncapi,
            service: name.clone(),
            followers: self.followers,
            registry: self.registry,
            draining: self.draining.clone(),
            fallen: fallen.clone(),
            relay,
            relay_lease,
        });
        let mut router = self.routes.merge(admin_routes(admin.clone()));
        if let Some(feed) = feed {
            let options = ReadingOptions { source: format!("/{name}"), live_max, ..ReadingOptions::default() };
            router = router.nest("/feed", reading::router(feed, "/atom", options, self.draining.clone()));
        }
        let shared = Around {
            metrics: metrics.clone(),
            draining: self.draining.clone(),
            service: name.clone(),
            body_within: BodyWithin(body_within),
            counter: AtomicU64::new(0),
            run: Uuid::new_v4(),
        };
        let router = router
            .fallback(|| async { Problem::new(ErrorCode::NOT_FOUND, "there is no such route") })
            .method_not_allowed_fallback(|| async {
                let problem = Problem::bad_request("this route takes no such method");
                problem.with_status(StatusCode::METHOD_NOT_ALLOWED)
            })
            .layer(middleware::from_fn_with_state(Arc::new(shared), around));
        let (parts, draining) = (self.parts, self.draining);
        let service = Service { name, server, router, parts, fallen, draining, drain_max, metrics };
        Ok((service, ServiceHandle { address, admin }))
    }
}
