//! The stable codes of errors that an operator or a client sees. Each has a page in `docs/errors/`.

use std::fmt;

use serde::Serialize;

/// A stable code, as `TW-1001`. Codes are never reused; 1000 is the event store, 2000 the framework, 3000 the
/// gateway, 4000 the manifest and the fleet,
/// 5000 brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// Every code there is, so that a test can ask for its page.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

codes! {
    /// A stream is not at the revision that the writer expected.
    WRONG_REVISION = 1001;
    /// An event that the append condition forbids has been recorded.
    CONDITION_FAILED = 1002;
    /// An event id is taken by another append.
    ID_REUSED = 1003;
    /// The append is malformed or over a limit.
    INVALID_APPEND = 1004;
    /// The event store's disk is full.
    DISK_FULL = 1005;
    /// A write or sync failed while the append was on its way.
    OUTCOME_UNKNOWN = 1006;
    /// The event store is closed, failed, or out of reach.
    UNAVAILABLE = 1007;
    /// No answer in time.
    TIMEOUT = 1008;
    /// An input or output error.
    IO = 1009;
    /// Stored data is damaged.
    DAMAGED = 1010;
    /// The read is malformed or over a limit.
    INVALID_READ = 1011;
    /// Another process has the store open.
    LOCKED = 1012;
    /// The folder is not an event store, or one of a newer format.
    NOT_A_STORE = 1013;
    /// An event to import is malformed.
    INVALID_CLOUDEVENT = 1014;
    /// The store's URL cannot be understood.
    INVALID_URL = 1015;
    /// The store's database would lose what it acknowledges.
    NOT_DURABLE = 1016;
    /// The store has moved to another URL.
    MOVED = 1017;
    /// The store cannot be moved there.
    CANNOT_MOVE = 1018;

    /// A command was refused by the entity's rules.
    REJECTED = 2001;
    /// A request's body, path or header is malformed.
    BAD_REQUEST = 2002;
    /// There is no such thing.
    NOT_FOUND = 2003;
    /// Too many writers changed the same entity at once.
    TOO_MUCH_CONTENTION = 2004;
    /// A read model did not reach the asked-for position in time.
    NOT_CAUGHT_UP = 2005;
    /// The same idempotency key came with another request.
    IDEMPOTENCY_KEY_REUSED = 2006;
    /// A command needs an idempotency key and has none.
    IDEMPOTENCY_KEY_MISSING = 2007;
    /// A projection stopped at an event that it cannot handle, or a reaction parked it.
    POISON_EVENT = 2008;
    /// The service is draining and takes no new work.
    DRAINING = 2009;
    /// An error that nobody foresaw; its details are in the log.
    INTERNAL = 2010;
    /// A read database cannot be opened or used.
    READ_MODEL = 2011;
    /// An entity's first events are gone, and no snapshot stands for them.
    TRUNCATED = 2012;
    /// What was read of a source is not what the source says that it told.
    SEED_DIFFERS = 2013;
    /// A follower cannot be seeded now.
    CANNOT_SEED = 2014;
    /// A reaction stopped, since too much is set aside.
    TOO_MUCH_ASIDE = 2021;
    /// What can be done with a parked key only was asked of one that is not.
    NOT_PARKED = 2022;
    /// A service that an operator's command asks cannot be reached, or does not answer as one.
    SERVICE_UNREACHABLE = 2023;

    /// No route matches.
    NO_ROUTE = 3001;
    /// The service behind a route cannot be reached.
    UPSTREAM_UNREACHABLE = 3002;
    /// The service behind a route did not answer in time.
    UPSTREAM_TIMEOUT = 3003;
    /// The request is malformed or over a limit of the gateway.
    REFUSED_REQUEST = 3004;
    /// A route asks for a token, and there is none that is good.
    UNAUTHENTICATED = 3011;
    /// The token lacks a scope that the route asks for.
    FORBIDDEN = 3012;
    /// Somebody asks more often than the route allows.
    RATE_LIMITED = 3013;
    /// A part of the request is larger than the route allows.
    TOO_LARGE = 3014;
    /// So many requests to a service failed that the gateway lets none through for a while.
    BREAKER_OPEN = 3021;
    /// So many requests to a service are under way or wait that the gateway takes no more.
    UPSTREAM_BUSY = 3022;
    /// What a service answered is not HTTP, or over a limit.
    UPSTREAM_MALFORMED = 3023;
    /// The client wanted a stored answer and nothing else, and there is none.
    NOT_CACHED = 3031;
    /// A part of a composed answer is missing that it cannot be without.
    NOT_COMPOSED = 3032;
    /// A parameter of a composed answer is missing or cannot be used.
    BAD_PARAMETER = 3033;
    /// The position that an answer is to show cannot be read.
    BAD_POSITION = 3034;
    /// The events by which stored answers are purged cannot be followed.
    PURGES_CUT_OFF = 3035;
    /// A service's OpenAPI document cannot be read.
    INVALID_DOCUMENT = 3051;
    /// A composition asks for what a service's document does not have.
    MISFIT = 3052;
    /// A newer document breaks those who rely on an older one.
    BREAKING_CHANGE = 3053;
    /// A request is not as the operation's description says.
    INVALID_REQUEST = 3054;
    /// A service that runs has another document than the manifest.
    DOCUMENT_DIFFERS = 3055;
    /// As many bodies are looked at as may be.
    NO_ROOM = 3056;

    /// The manifest is missing or malformed.
    BAD_MANIFEST = 4001;
    /// A port is in use.
    PORT_IN_USE = 4002;
    /// A service's build failed.
    BUILD_FAILED = 4003;
    /// A service did not start, or keeps falling.
    SERVICE_FAILED = 4004;
    /// Another `up` runs in this folder.
    ALREADY_UP = 4005;
    /// Several instances of a service would keep apart what they must have in common.
    NOT_SHARED = 4006;

    /// The broker's URL cannot be understood.
    INVALID_BROKER_URL = 5001;
    /// The broker cannot be reached, or does not answer in time.
    BROKER_UNAVAILABLE = 5002;
    /// The broker refuses: a login, a right, a queue or stream that is there with other settings.
    BROKER_REFUSED = 5003;
    /// Somebody else publishes on the same topic.
    PUBLISH_CONFLICT = 5004;
    /// The broker has events that the log, which it must have them from, does not.
    AHEAD_OF_LOG = 5005;
    /// A message on a topic is not one of ours.
    MALFORMED_MESSAGE = 5006;
    /// The broker is set so that it may lose what it has confirmed.
    UNSAFE_BROKER = 5007;
    /// Events were missing on the broker, and were read from their service's feed instead.
    MISSING_ON_BROKER = 5008;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TW-{:04}", self.0)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
