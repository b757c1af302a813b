//! Reading a page of an Atom archive, as the feed's documents are written.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use tradewind_events::Recorded;

use super::event::read_event;

/// A page of an archive.
#[derive(Debug, Default)]
pub struct ArchivePage {
    /// Whether it says that it is complete and will never change.
    pub is_archive: bool,
    /// Where the archive page before it is, relative to this one; none if it is the first.
    pub previous: Option<String>,
    /// Its events, in the order of the document.
    pub events: Vec<Recorded>,
}

/// Why a page is none.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is not well-formed.
    #[error("it is no XML: {0}")]
    Xml(String),
    /// An entry's content is no event.
    #[error("entry {entry} of it is no event: {error}")]
    Entry {
        /// Which, counted from 1.
        entry: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// It ends before the document does.
    #[error("it is cut short")]
    CutShort,
}

/// Reads a page.
///
/// # Errors
/// [`ArchiveError`] if it is damaged.
pub fn read_archive_page(document: &str) -> Result<ArchivePage, ArchiveError> {
    let mut reader = Reader::from_str(document);
    let (mut page, mut content, mut is_whole) = (ArchivePage::default(), None::<String>, false);
    loop {
        match reader.read_event().map_err(|error| ArchiveError::Xml(error.to_string()))? {
            Event::Start(tag) if tag.name().as_ref() == b"content" => content = Some(String::new()),
            Event::Text(text) => {
                if let Some(content) = &mut content {
                    content.push_str(&text.unescape().map_err(|error| ArchiveError::Xml(error.to_string()))?);
                }
            }
            Event::End(tag) if tag.name().as_ref() == b"content" => {
                let json = content.take().unwrap_or_default();
                let event = read_event(json.as_bytes());
                let entry = page.events.len() + 1;
                page.events.push(event.map_err(|error| ArchiveError::Entry { entry, error })?);
            }
            Event::End(tag) if tag.name().as_ref() == b"feed" => is_whole = true,
            Event::Empty(tag) if tag.name().as_ref() == b"fh:archive" => page.is_archive = true,
            Event::Empty(tag) if tag.name().as_ref() == b"link" => {
                let is_previous = attribute(&tag, "rel")?.as_deref() == Some("prev-archive");
                let target = attribute(&tag, "href")?;
                page.previous = target.filter(|_| is_previous).or(page.previous);
            }
            Event::Eof if is_whole => return Ok(page),
            Event::Eof => return Err(ArchiveError::CutShort),
            _ => {}
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, ArchiveError> {
    let broken = |error: &dyn std::fmt::Display| ArchiveError::Xml(error.to_string());
    let Some(found) = tag.try_get_attribute(name).map_err(|error| broken(&error))? else { return Ok(None) };
    let text = found.unescape_value().map_err(|error| broken(&error))?;
    Ok(Some(text.into_owned()))
}
