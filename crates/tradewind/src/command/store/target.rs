//! Which store.

use std::path::PathBuf;
use std::sync::Arc;

use tradewind_events::{ErrorCode, EventStore};
use tradewind_store::tool::ToolError;
use tradewind_store::{FileStore, OpenError, OpenOptions, StoreUrl, open_at};

use crate::failure::Failure;

/// The store that a command works on.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// A folder, file:PATH, http://HOST:PORT, or postgres://USER@HOST/DATABASE?schema=NAME
    store: String,
}

/// Whether a folder without a store becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Refuse,
}

impl Target {
    /// Opens it, whatever its engine.
    pub(super) async fn open(&self, missing: Missing) -> anyhow::Result<Arc<dyn EventStore>> {
        let url = self.url()?;
        self.check_there(&url, missing)?;
        let options = OpenOptions { create: missing == Missing::Create, ..OpenOptions::default() };
        open_at(&url, options).await.map_err(|error| refused(&error))
    }

    /// Opens it if it is a folder.
    pub(super) async fn open_folder(&self) -> anyhow::Result<Option<FileStore>> {
        let url = self.url()?;
        self.check_there(&url, Missing::Refuse)?;
        match url {
            StoreUrl::File(folder) => {
                let opened = FileStore::open(&folder, OpenOptions::default().log).await;
                Ok(Some(opened.map_err(|error| refused(&error))?))
            }
            StoreUrl::Http(_) | StoreUrl::Postgres(_) => Ok(None),
        }
    }

    /// Its folder, for what only works on one.
    pub(super) fn folder(&self, what: &str) -> anyhow::Result<PathBuf> {
        let url = self.url()?;
        self.check_there(&url, Missing::Refuse)?;
        match url {
            StoreUrl::File(folder) => Ok(folder),
            other => Err(needs_a_folder(&other.to_string(), what)),
        }
    }

    /// Whether it is a folder, which nobody else can open meanwhile.
    pub(super) fn is_folder(&self) -> bool {
        matches!(self.url(), Ok(StoreUrl::File(_)))
    }

    /// The store's name in the CloudEvents that come from it.
    pub(super) fn source(&self) -> String {
        self.url().map_or_else(|_| self.store.clone(), |url| url.to_string())
    }

    fn url(&self) -> anyhow::Result<StoreUrl> {
        StoreUrl::from_argument(&self.store).map_err(|error| refused(&error))
    }

    /// Opening a log makes what is missing, which is no way to look at one: a mistyped path would become a store.
    fn check_there(&self, url: &StoreUrl, missing: Missing) -> anyhow::Result<()> {
        let StoreUrl::File(folder) = url else { return Ok(()) };
        let is_store = std::fs::read_dir(folder)
            .is_ok_and(|files| files.flatten().any(|file| file.file_name().to_string_lossy().ends_with(".log")));
        if is_store || missing == Missing::Create {
            return Ok(());
        }
        let message = format!("{} is not an event store", self.store);
        let help = "name a folder that a service keeps its events in, such as .tradewind/ordering/events";
        Err(Failure::coded(ErrorCode::NOT_A_STORE, message, help))
    }
}

pub(super) fn needs_a_folder(url: &str, what: &str) -> anyhow::Error {
    let message = format!("{url} is no folder, and {what} works on one");
    Failure::coded(ErrorCode::INVALID_URL, message, "run it where the folder is, on the folder's path")
}

pub(super) fn refused(error: &OpenError) -> anyhow::Error {
    let help = match error {
        OpenError::Locked { .. } => "stop that process, or use the URL under which it serves the store",
        OpenError::Damaged { .. } => "`tradewind store verify` on the folder says everything that is wrong",
        OpenError::Url { .. } => "write a folder's path, file:PATH, http://HOST:PORT, or postgres://HOST/DATABASE",
        OpenError::Moved { .. } => "use it there; to have the old one again, remove the file moved-to from its folder",
        OpenError::CannotMove { .. } => "name a folder or a schema in PostgreSQL",
        OpenError::Unavailable { .. } => "start the database, or mend the URL's host and port",
        _ => "",
    };
    Failure::coded(error.code(), error, help)
}

/// A tool's error with its code. That nobody reads the output any more, as behind `| head`, is none.
pub(super) fn settle<T>(outcome: Result<T, ToolError>) -> anyhow::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(ToolError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(Failure::coded(error.code(), &error, "")),
    }
}
