//! Reading what a source told, from its feed or from an archive, in parts, each of which is compared with what the source
//! says that it told before anybody gets it.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tradewind_events::{ErrorCode, Page, Position, Query, ReadError, Recorded};
use tradewind_http::wire::digest::Digest;
use tradewind_http::wire::page::write_page;
use tradewind_store::FeedSource;

use crate::failure::Failure;

/// How many events are asked for at once. As many positions of an archive make a part.
const PART_EVENTS: usize = 4_096;
/// Over how many positions a source is asked for its digest at once, so that it can answer in time.
const DIGEST_POSITIONS: u64 = 200_000;
/// How many parts are read ahead of whom they are handed to.
const AHEAD: usize = 2;
/// How many positions a page of an archive spans: docs/internals/http-api.md.
const ARCHIVE_POSITIONS: u64 = 100;

/// Part of what a source told.
pub(crate) struct ReadPart {
    /// As a page.
    pub(crate) page: Bytes,
    pub(crate) events: u64,
    pub(crate) after: Position,
    pub(crate) through: Position,
    /// The digest of all that was told up to here.
    pub(crate) checksum: String,
}

/// What is read, and from where.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) source: FeedSource,
    /// The source's URL.
    pub(crate) url: String,
    pub(crate) query: Query,
    /// Read instead of the source, as far as it goes.
    pub(crate) archive: Option<FeedSource>,
    pub(crate) through: Position,
}

/// Parts, read ahead by a task that ends with this.
pub(crate) struct Parts {
    parts: mpsc::Receiver<anyhow::Result<ReadPart>>,
    _reader: AbortOnDropHandle<()>,
}

impl Parts {
    /// The next part; none after the last.
    pub(crate) async fn next(&mut self) -> Option<anyhow::Result<ReadPart>> {
        self.parts.recv().await
    }
}

impl Reading {
    /// How many events the source says that it told up to a position, and their checksum.
    pub(crate) async fn told_up_to(&self, position: Position) -> anyhow::Result<(u64, String)> {
        let (mut after, mut count, mut checksum) = (Position::START, 0, Digest::default().checksum());
        while after < position {
            let through = position.min(Position(after.0 + DIGEST_POSITIONS));
            let told = self.source.told(after, through, &self.query, &checksum).await;
            let told = told.map_err(|error| self.unread(&error))?;
            (after, count, checksum) = (through, count + told.count, told.checksum);
        }
        Ok((count, checksum))
    }

    /// Reads on behind a position, with the checksum of all before it.
    pub(crate) fn behind(&self, position: Position, checksum: String) -> Parts {
        let (sender, parts) = mpsc::channel(AHEAD);
        let reading = self.clone();
        let reader = tokio::spawn(async move {
            let (mut after, mut checksum) = (position, checksum);
            while after < reading.through {
                let part = reading.part(after, &checksum).await;
                let is_last = part.as_ref().map_or(true, |part| {
                    (after, checksum) = (part.through, part.checksum.clone());
                    false
                });
                if sender.send(part).await.is_err() || is_last {
                    return;
                }
            }
        });
        Parts { parts, _reader: AbortOnDropHandle::new(reader) }
    }

    async fn part(&self, after: Position, checksum: &str) -> anyhow::Result<ReadPart> {
        let (page, events, through) = match &self.archive {
            Some(archive) if self.page_ends(after) <= self.through => self.archived(archive, after).await?,
            _ => self.told(after).await?,
        };
        let told = self.source.told(after, through, &self.query, checksum).await;
        let told = told.map_err(|error| self.unread(&error))?;
        let mut digest = Digest::going_on_from(checksum).unwrap_or_default();
        events.iter().for_each(|event| digest.take(event));
        if (digest.count(), digest.checksum()) != (told.count, told.checksum) {
            return Err(self.differs(after, through, digest.count(), told.count));
        }
        Ok(ReadPart { page, events: digest.count(), after, through, checksum: digest.checksum() })
    }

    /// From the feed itself.
    async fn told(&self, after: Position) -> anyhow::Result<(Bytes, Vec<Recorded>, Position)> {
        let read = self.source.page_with_text(after, &self.query, PART_EVENTS).await;
        let (mut page, text) = read.map_err(|error| self.unread(&error))?;
        if page.through <= self.through {
            return Ok((text, page.events, page.through));
        }
        page.events.retain(|event| event.position() <= self.through);
        page.through = self.through;
        Ok((write_page(&page, "/").into(), page.events, page.through))
    }

    /// From whole pages of the archive.
    async fn archived(
        &self,
        archive: &FeedSource,
        after: Position,
    ) -> anyhow::Result<(Bytes, Vec<Recorded>, Position)> {
        let (feed, mut events, mut through) = (self.feed_of_archive(), Vec::new(), after);
        while through.0 - after.0 < PART_EVENTS as u64 && self.page_ends(through) <= self.through {
            let number = through.0 / ARCHIVE_POSITIONS + 1;
            let page = archive.archive_page(&feed, number).await.map_err(|error| match error {
                ReadError::Damaged { .. } => differing(format!("{error}")),
                error => self.unread(&error),
            })?;
            let page = page.ok_or_else(|| differing(format!("archive page {number} of {feed} is not there")))?;
            let end = self.page_ends(through);
            let behind = through;
            let ours = page.events.into_iter().filter(|event| self.query.matches(event));
            for event in ours.filter(|event| event.position() > behind) {
                let last = events.last().map_or(after, Recorded::position);
                if event.position() <= last || event.position() > end {
                    return Err(differing(format!("archive page {number} of {feed} is out of order")));
                }
                events.push(event);
            }
            through = end;
        }
        let page = Page { events, through, head: self.through };
        Ok((write_page(&page, "/").into(), page.events, through))
    }

    /// With which position the archive page ends that holds the next one.
    fn page_ends(&self, after: Position) -> Position {
        Position((after.0 / ARCHIVE_POSITIONS + 1) * ARCHIVE_POSITIONS)
    }

    /// The archive of one category, if that is all that is wanted, or that of everything.
    fn feed_of_archive(&self) -> String {
        let mut categories = self.query.items.iter().map(|item| item.categories.as_slice());
        match categories.next() {
            Some([category]) if categories.all(|other| other == [category.clone()]) => category.clone(),
            _ => "all".to_owned(),
        }
    }

    fn unread(&self, error: &ReadError) -> anyhow::Error {
        Failure::coded(error.code(), format!("{} is not read: {error}", self.url), "repeat the command: it goes on")
    }

    fn differs(&self, after: Position, through: Position, read: u64, told: u64) -> anyhow::Error {
        let from = if self.archive.is_some() { "the archive has" } else { "there came" };
        differing(format!(
            "behind position {after} and up to {through} {from} {read} events, and {} told {told}, or others",
            self.url
        ))
    }
}

fn differing(message: String) -> anyhow::Error {
    let help = "what was handed over before is right; nothing of this part was. Without --archive the source's own pages \
                are read";
    Failure::coded(ErrorCode::SEED_DIFFERS, message, help)
}
