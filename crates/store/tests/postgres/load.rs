//! Load, and what must be true after it whatever happened meanwhile.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::task::JoinHandle;
use tradewind_events::{
    Append, AppendCondition, AppendError, Event, EventId, EventStore, EventType, ExpectedRevision, Metadata, Position,
    Query, Recorded, StreamAppend, StreamId, Tag, Timestamp,
};

pub(crate) type Store = Arc<dyn EventStore>;

/// How long anything may take before a test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn event(tags: &[&str]) -> Event {
    Event {
        id: EventId::new(),
        event_type: EventType::new("Happened").unwrap(),
        time: Timestamp::EPOCH,
        tags: tags.iter().map(|tag| Tag::new(tag).unwrap()).collect(),
        metadata: Metadata::default(),
        data: "{}".into(),
    }
}

fn part(name: &str, expected: ExpectedRevision, events: Vec<Event>) -> StreamAppend {
    StreamAppend { stream: StreamId::new(name).unwrap(), expected, events }
}

/// One writer: a stream of its own, of which it expects what it knows; streams that all write to; and now and then a
/// condition. Each acknowledged event is told. It goes on until it is stopped.
pub(crate) async fn write(store: Store, name: String, stop: Arc<AtomicBool>, told: impl Fn(Position, EventId)) {
    let own = format!("own-{name}");
    let mut last = None;
    let mut turn = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let mut append = Append {
            streams: vec![part(&own, ExpectedRevision::seen(last), vec![event(&[]), event(&["odd"])])],
            condition: None,
        };
        if turn.is_multiple_of(3) {
            let shared = format!("shared-{}", turn % 4);
            append.streams.push(part(&shared, ExpectedRevision::Any, vec![event(&["shared"])]));
        }
        if turn.is_multiple_of(7) {
            let nobody = Query::tags([Tag::new("nobody").unwrap()]);
            append = append.provided(AppendCondition { fail_if: nobody, after: Position::START });
        }
        let appended = append_surely(&store, &append).await;
        last = appended.revisions[0];
        let ids = append.streams.iter().flat_map(|part| &part.events).map(|event| event.id);
        for (position, id) in (appended.first.0..).zip(ids) {
            told(Position(position), id);
        }
    }
}

/// Repeats an append until its outcome is known, as the port says one may.
async fn append_surely(store: &Store, append: &Append) -> tradewind_events::Appended {
    loop {
        match store.append(append.clone()).await {
            Ok(appended) => return appended,
            Err(AppendError::OutcomeUnknown(_) | AppendError::Unavailable(_) | AppendError::Timeout) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// What was acknowledged.
#[derive(Clone, Default)]
pub(crate) struct Acknowledged(Arc<Mutex<HashMap<EventId, Position>>>);

impl Acknowledged {
    pub(crate) fn note(&self, position: Position, id: EventId) {
        let before = self.0.lock().unwrap().insert(id, position);
        assert!(before.is_none_or(|before| before == position), "{id} was acknowledged twice, at two places");
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A live follower: what it has seen, in its order.
pub(crate) struct Follower {
    seen: Arc<Mutex<Vec<(Position, EventId)>>>,
    through: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Follower {
    pub(crate) async fn start(store: &Store) -> Self {
        let mut subscription = store.subscribe(Position::START, Query::all()).await.unwrap();
        let (seen, through) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(AtomicU64::new(0)));
        let (sees, comes) = (Arc::clone(&seen), Arc::clone(&through));
        let task = tokio::spawn(async move {
            while let Some(delivery) = subscription.next().await {
                let delivery = delivery.expect("the subscription failed");
                sees.lock().unwrap().extend(delivery.events.iter().map(|event| (event.position(), event.id())));
                comes.store(delivery.through.0, Ordering::Release);
            }
        });
        Self { seen, through, task }
    }

    /// What it has seen when it has come to a position.
    async fn until(&self, position: Position) -> Vec<(Position, EventId)> {
        let reached = async {
            while self.through.load(Ordering::Acquire) < position.0 {
                assert!(!self.task.is_finished(), "the follower has ended");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("the follower does not come to the end");
        self.seen.lock().unwrap().clone()
    }
}

/// Everything that is recorded.
async fn everything(store: &Store) -> Vec<Recorded> {
    let (mut all, mut after) = (Vec::new(), Position::START);
    loop {
        let page = store.read(after, &Query::all(), 5_000).await.unwrap();
        all.extend(page.events);
        if page.through >= page.head {
            return all;
        }
        after = page.through;
    }
}

/// Nothing acknowledged is lost or elsewhere, no position and no revision is missing or there twice, the tags find
/// what is tagged, and whoever followed saw just this.
pub(crate) async fn check(store: &Store, acknowledged: &Acknowledged, followers: &[Follower]) {
    let all = everything(store).await;
    let log: Vec<(Position, EventId)> = all.iter().map(|event| (event.position(), event.id())).collect();
    for (index, (position, _)) in log.iter().enumerate() {
        assert_eq!(position.0, index as u64 + 1, "a gap in the positions");
    }
    let mut next: HashMap<&str, u64> = HashMap::new();
    for event in &all {
        let revision = next.entry(event.stream()).or_default();
        assert_eq!(event.revision().0, *revision, "a gap in the revisions: {event:?}");
        *revision += 1;
    }
    let recorded: HashMap<EventId, Position> = log.iter().map(|(position, id)| (*id, *position)).collect();
    assert_eq!(recorded.len(), log.len(), "an event is there twice");
    for (id, position) in acknowledged.0.lock().unwrap().iter() {
        assert_eq!(recorded.get(id), Some(position), "acknowledged event {id} at {position} is lost or elsewhere");
    }
    assert!(all.windows(2).all(|pair| pair[0].recorded_at() <= pair[1].recorded_at()), "time goes back");
    let tagged = Query::tags([Tag::new("shared").unwrap()]);
    let page = store.read(Position::START, &tagged, 10_000).await.unwrap();
    let expected: Vec<Position> = all.iter().filter(|event| tagged.matches(event)).map(Recorded::position).collect();
    let found: Vec<Position> = page.events.iter().map(Recorded::position).collect();
    assert_eq!(found, expected[..found.len()], "the tags find something else");
    assert!(found.len() == expected.len() || found.len() >= 1_000, "the tags find too little");
    let head = Position(log.len() as u64);
    for follower in followers {
        let seen = follower.until(head).await;
        for (index, (saw, is)) in seen.iter().zip(&log).enumerate() {
            assert_eq!(saw, is, "the follower's event {index}");
        }
        assert_eq!(seen.len(), log.len(), "the follower saw another number of events");
    }
}
