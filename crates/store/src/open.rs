//! Opening a store by its URL.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tradewind_events::{Clock, ErrorCode, EventStore, SystemClock};

use crate::client::{ClientOptions, HttpStore};
use crate::file::FileStore;
use crate::moving::Movable;
use crate::postgres::{PostgresOptions, PostgresStore, PostgresUrl, without_password};

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `file:PATH`: the embedded log in a folder.
    File(PathBuf),
    /// `http://host:port/prefix`: a store that another process serves.
    Http(String),
    /// `postgres://user@host:5432/database?schema=NAME`: a schema in a PostgreSQL database.
    Postgres(Box<PostgresUrl>),
}

impl StoreUrl {
    /// A URL as a person gives it on a command line, where a plain path is a folder.
    ///
    /// # Errors
    /// [`OpenError::Url`] if it has a scheme that no engine speaks.
    pub fn from_argument(text: &str) -> Result<Self, OpenError> {
        if scheme(text).is_none() && !text.is_empty() {
            return Ok(Self::File(text.into()));
        }
        text.parse()
    }
}

/// What stands before the first colon, if it can be a scheme (RFC 3986, 3.1). One letter is none: it is a drive.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let is_scheme = scheme.len() > 1 && scheme.as_bytes()[0].is_ascii_alphabetic() && scheme.bytes().all(word);
    is_scheme.then_some(scheme)
}

impl FromStr for StoreUrl {
    type Err = OpenError;
    fn from_str(text: &str) -> Result<Self, OpenError> {
        let refused = |problem: String| OpenError::Url { url: without_password(text), problem };
        match scheme(text) {
            Some("file") => {
                let rest = &text["file:".len()..];
                // `file:///var/x` (RFC 8089) and `file:/var/x` are the same; `file:x` is relative to where we are.
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() {
                    return Err(refused("it names no folder; write file:PATH".to_owned()));
                }
                Ok(Self::File(path.into()))
            }
            Some("http") => Ok(Self::Http(text.to_owned())),
            Some("https") => {
                Err(refused("https is not spoken; write http://host:port, or put a TLS proxy between".to_owned()))
            }
            Some("postgres" | "postgresql") => text.parse().map(|url| Self::Postgres(Box::new(url))).map_err(refused),
            Some(other) => Err(refused(format!(
                "no engine speaks {other}: there are file:PATH, http://host:port and postgres://host:port/database"
            ))),
            None => Err(refused(format!("it has no scheme; for a folder write file:{text}"))),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Http(url) => f.write_str(url),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// How a store is opened, whatever its engine.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// For `http:`.
    pub client: ClientOptions,
    /// For `file:`.
    pub log: tradewind_log::Options,
    /// For `postgres:`.
    pub postgres: PostgresOptions,
    /// For `file:` and `postgres:`: whether to begin a store where there is none.
    pub create: bool,
}

impl OpenOptions {
    /// The defaults; the clock tells when events are recorded in a folder. A database has its own.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            client: ClientOptions::default(),
            log: tradewind_log::Options::new(Arc::new(move || clock.now().micros())),
            postgres: PostgresOptions::default(),
            create: true,
        }
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }
}

/// A store on its way. Boxed, so that it is compiled here: the body of an async function is compiled by who awaits it.
type Opening<'a, S> = BoxFuture<'a, Result<Arc<S>, OpenError>>;

/// Opens the store at a URL: `file:PATH`, `http://host:port/prefix` or `postgres://host:port/database`. Must be called
/// on a tokio runtime.
///
/// # Errors
/// [`OpenError`] says why not. An `http:` store is reached when it is first used, and fails then.
pub async fn open(url: &str, options: OpenOptions) -> Result<Arc<dyn EventStore>, OpenError> {
    open_at(&url.parse()?, options).await
}

/// Opens the store at a parsed URL.
///
/// # Errors
/// As [`open`].
pub fn open_at(url: &StoreUrl, options: OpenOptions) -> Opening<'_, dyn EventStore> {
    Box::pin(at(url, options))
}

async fn at(url: &StoreUrl, options: OpenOptions) -> Result<Arc<dyn EventStore>, OpenError> {
    match url {
        StoreUrl::File(folder) => {
            if !options.create && !folder.is_dir() {
                let problem = "there is no such folder".to_owned();
                return Err(OpenError::NotAStore { place: folder.display().to_string(), problem });
            }
            Ok(Arc::new(FileStore::open(folder, options.log).await?))
        }
        StoreUrl::Http(url) => Ok(Arc::new(HttpStore::new(url, options.client)?)),
        StoreUrl::Postgres(url) => {
            Ok(Arc::new(PostgresStore::open(url.as_ref().clone(), options.postgres, options.create).await?))
        }
    }
}

/// Opens a store that can be moved, from there or to there.
///
/// # Errors
/// As [`open`], and [`OpenError::CannotMove`] for one that another process serves.
pub fn open_movable(url: &StoreUrl, options: OpenOptions) -> Opening<'_, dyn Movable> {
    Box::pin(movable_at(url, options))
}

async fn movable_at(url: &StoreUrl, options: OpenOptions) -> Result<Arc<dyn Movable>, OpenError> {
    match url {
        StoreUrl::File(folder) => {
            if !options.create && !folder.is_dir() {
                let problem = "there is no such folder".to_owned();
                return Err(OpenError::NotAStore { place: folder.display().to_string(), problem });
            }
            Ok(Arc::new(FileStore::open(folder, options.log).await?))
        }
        StoreUrl::Postgres(url) => {
            Ok(Arc::new(PostgresStore::open(url.as_ref().clone(), options.postgres, options.create).await?))
        }
        StoreUrl::Http(url) => {
            let problem = "a served store does not tell what was appended together and what was given up; stop what \
                           serves it, and move its folder or schema"
                .to_owned();
            Err(OpenError::CannotMove { place: url.clone(), problem })
        }
    }
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be understood.
    #[error("the event store's URL {url:?} cannot be used: {problem}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another process has it open.
    #[error("the event store in {place} is in use: {holder}")]
    Locked {
        /// The folder.
        place: String,
        /// Who has it.
        holder: String,
    },
    /// Something durable is damaged or missing. Nothing was changed.
    #[error("the event store is damaged: {place}: {problem}")]
    Damaged {
        /// The file and offset.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// There is no store, or one of another format.
    #[error("{place} is not an event store: {problem}")]
    NotAStore {
        /// The folder or file.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Its database was not there in time.
    #[error("the event store at {place} is away: {problem}")]
    Unavailable {
        /// The servers and the schema.
        place: String,
        /// What was waited for, and for how long.
        problem: String,
    },
    /// Its database would lose what it acknowledges.
    #[error("the database at {place} is not durable: {problem}")]
    NotDurable {
        /// The servers and the schema.
        place: String,
        /// Which setting is wrong.
        problem: String,
    },
    /// It has moved, and is kept only to be looked at.
    #[error("the event store in {place} has moved to {to}")]
    Moved {
        /// The folder.
        place: String,
        /// Where it is now.
        to: String,
    },
    /// It is not one that can be moved from or to.
    #[error("{place} cannot be moved: {problem}")]
    CannotMove {
        /// Its URL.
        place: String,
        /// Why not.
        problem: String,
    },
    /// An option is out of its range.
    #[error("{0}")]
    Options(String),
    /// Another input or output error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl OpenError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Url { .. } => ErrorCode::INVALID_URL,
            Self::Locked { .. } => ErrorCode::LOCKED,
            Self::Damaged { .. } => ErrorCode::DAMAGED,
            Self::NotAStore { .. } => ErrorCode::NOT_A_STORE,
            Self::Unavailable { .. } => ErrorCode::UNAVAILABLE,
            Self::Moved { .. } => ErrorCode::MOVED,
            Self::CannotMove { .. } => ErrorCode::CANNOT_MOVE,
            Self::NotDurable { .. } => ErrorCode::NOT_DURABLE,
            Self::Options(_) | Self::Io(_) => ErrorCode::IO,
        }
    }
}

impl From<tradewind_log::OpenError> for OpenError {
    fn from(error: tradewind_log::OpenError) -> Self {
        use tradewind_log::OpenError as Log;
        match error {
            Log::Locked { place, holder } => Self::Locked { place, holder },
            Log::Damaged { file, offset, problem } => {
                Self::Damaged { place: format!("{file} at offset {offset}"), problem }
            }
            Log::NotALog { file, problem } => Self::NotAStore { place: file, problem },
            Log::Options(problem) => Self::Options(problem),
            Log::Io { place, error } => Self::Io(io::Error::new(error.kind(), format!("{place}: {error}"))),
        }
    }
}
