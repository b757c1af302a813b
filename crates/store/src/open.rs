//! Opening a store by its URL.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tradewind_events::ErrorCode;

use crate::client::ClientOptions;

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `file:PATH`: the embedded log in a folder.
    File(PathBuf),
    /// `http://host:port/prefix`: a store that another process serves.
    Http(String),
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
        let refused = |problem: String| OpenError::Url { url: text.to_owned(), problem };
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
            Some(other) => Err(refused(format!("no engine speaks {other}: there are file:PATH and http://host:port"))),
            None => Err(refused(format!("it has no scheme; for a folder write file:{text}"))),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Http(url) => f.write_str(url),
        }
    }
}

/// How a store is opened, whatever its engine.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// For `http:`.
    pub client: ClientOptions,
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
}

impl OpenError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Url { .. } => ErrorCode::INVALID_URL,
        }
    }
}
