//! A place at which one generation is worked on.

use std::future::pending;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::sink::SqlSink;
use crate::follow::{Ended, Follower, Stopped, Until};

/// There are two for each projection: one for the generation that answers, one for that which is being built.
pub(crate) enum Lane {
    /// Nothing is worked on.
    Empty,
    /// A task follows the source; it ends, too, when nobody holds this any more.
    Running(DropGuard, JoinHandle<(Follower<SqlSink>, Ended)>),
    /// It waits for somebody at an event, or where it fell.
    Stopped(Box<Follower<SqlSink>>, Box<Stopped>),
}

impl Lane {
    pub(crate) fn start(mut follower: Follower<SqlSink>, shutdown: &CancellationToken, until: Until) -> Self {
        let stop = shutdown.child_token();
        let guard = stop.clone().drop_guard();
        let task = tokio::spawn(async move {
            let ended = follower.follow(&stop, until).await;
            (follower, ended)
        });
        Self::Running(guard, task)
    }

    /// Waits until the task ends by itself; for ever, if there is none.
    ///
    /// # Errors
    /// If the task fell and took what it worked on with it.
    pub(crate) async fn ended(&mut self) -> Result<(Follower<SqlSink>, Ended), String> {
        let Self::Running(_, task) = self else { return pending().await };
        let result = task.await;
        *self = Self::Empty;
        result.map_err(|error| error.to_string())
    }

    /// Ends the work between two batches and hands over what was worked on.
    pub(crate) async fn finish(&mut self) -> Option<Follower<SqlSink>> {
        match std::mem::replace(self, Self::Empty) {
            Self::Empty => None,
            Self::Stopped(follower, _) => Some(*follower),
            Self::Running(stop, task) => {
                drop(stop);
                task.await.ok().map(|(follower, _)| follower)
            }
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running(..))
    }

    pub(crate) fn stopped_at(&self) -> Option<&Stopped> {
        match self {
            Self::Stopped(_, stopped) => Some(stopped),
            _ => None,
        }
    }
}
