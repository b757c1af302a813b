//! What who seeds from a feed asks of it: pages as they came, to be handed on; what the feed says that it told; and its
//! Atom archive.

use bytes::Bytes;
use http::StatusCode;
use tradewind_events::{Page, Position, Query, ReadError};
use tradewind_http::percent_encoded;
use tradewind_http::wire::atom::{ArchivePage, read_archive_page};
use tradewind_http::wire::digest::Told;
use tradewind_http::wire::page::read_page;

use super::FeedSource;
use super::reads::{again, events_target, garbled, get, page_target};
use super::transport::Call;

impl FeedSource {
    /// A page of events, and its text as it came.
    ///
    /// # Errors
    /// [`ReadError`] if there is no answer, or none that is understood.
    pub async fn page_with_text(
        &self,
        after: Position,
        query: &Query,
        limit: usize,
    ) -> Result<(Page, Bytes), ReadError> {
        let text = get(&self.transport, page_target(after, query, limit)?).await?.body;
        Ok((read_page(&text).map_err(|error| garbled(&error))?, text))
    }

    /// What it says that it told between two positions; `checksum` is that of what was told before, to go on from.
    ///
    /// # Errors
    /// [`ReadError`] if there is no answer, or none that is understood.
    pub async fn told(
        &self,
        after: Position,
        through: Position,
        query: &Query,
        checksum: &str,
    ) -> Result<Told, ReadError> {
        let target = format!("{}&through={through}&checksum={checksum}", events_target("/digest", after, query)?);
        let answer = get(&self.transport, target).await?;
        serde_json::from_slice(&answer.body).map_err(|error| garbled(&error))
    }

    /// A page of the Atom archive whose feeds are under this URL: of one category, or of `all`. None if the archive has
    /// no such page.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::Damaged`] if what came is no page of an archive.
    pub async fn archive_page(&self, category: &str, page: u64) -> Result<Option<ArchivePage>, ReadError> {
        let target = format!("/{}/{page}", percent_encoded(category));
        let answer = again(&self.transport, Call::get(target.clone())).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(answer.problem().into_read_error()),
        }
        let damaged = |problem: String| ReadError::Damaged { place: format!("archive page {target}"), problem };
        let text = str::from_utf8(&answer.body).map_err(|error| damaged(error.to_string()))?;
        let page = read_archive_page(text).map_err(|error| damaged(error.to_string()))?;
        if page.is_archive { Ok(Some(page)) } else { Err(damaged("it does not say that it is an archive".to_owned())) }
    }
}
