//! The documents that have been written: which there are, says a read model; what is on them, their events alone.

use std::sync::Arc;

use serde::Serialize;
use tradewind_events::{Direction, EventSource, NameError, Position, ReadError, StreamId};
use tradewind_service::{About, Answer, QueryContext, QueryError, ReadModel, Reader, decode, tag};

use crate::events::{CreditNoteEvent, CreditNoteIssued, InvoiceEvent, InvoiceIssued};
use crate::projections::{Cursor, DocumentPage, Documents, Filed};

/// A document, with all that is printed on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Document {
    /// It charges.
    Invoice(InvoiceIssued),
    /// It takes an invoice back.
    CreditNote(CreditNoteIssued),
}

/// Finds documents and loads them. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    documents: ReadModel,
    own: Arc<dyn EventSource>,
}

/// Why a document cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The read model does not answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The event store does not.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The read model names a stream that is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The event is not what its type promises.
    #[error("the event of {0} cannot be read: {1}")]
    Undecodable(String, String),
}

impl Archive {
    /// The documents in a read model of [`Documents`], made of the events in `own`.
    #[must_use]
    pub fn new(documents: ReadModel, own: Arc<dyn EventSource>) -> Self {
        Self { documents, own }
    }

    /// How far there is something to find.
    ///
    /// # Errors
    /// [`ArchiveError`] if the event store does not say.
    pub async fn end(&self) -> Result<Position, ArchiveError> {
        Ok(self.own.head().await?)
    }

    /// One document by its number.
    ///
    /// # Errors
    /// [`ArchiveError`] if the read model does not answer.
    pub async fn numbered(&self, number: &str, context: &QueryContext) -> Result<Answer<Option<Filed>>, ArchiveError> {
        let of_number = number.to_owned();
        let find = move |read: &Reader<'_>| Documents::numbered(read, &of_number);
        if context.as_of.is_none() {
            return Ok(self.documents.query(context, find).await?);
        }
        // A number stays with its order: the order's few events say what was known of the document then.
        let today = self.documents.query(&QueryContext::default(), find.clone()).await?;
        match today.value {
            Some(filed) => {
                let about = About::tagged(tag("order", &filed.order_id));
                Ok(self.documents.query_about(context, &about, find).await?)
            }
            None => Ok(self.documents.query(context, find).await?),
        }
    }

    /// The invoice of an order.
    ///
    /// # Errors
    /// [`ArchiveError`] if the read model does not answer.
    pub async fn of_order(&self, order: &str, context: &QueryContext) -> Result<Answer<Option<Filed>>, ArchiveError> {
        let (order, about) = (order.to_owned(), About::tagged(tag("order", order)));
        Ok(self.documents.query_about(context, &about, move |read| Documents::of_order(read, &order)).await?)
    }

    /// The documents of a customer.
    ///
    /// # Errors
    /// [`ArchiveError`] if the read model does not answer.
    pub async fn of_customer(
        &self,
        customer: &str,
        after: Option<Cursor>,
        limit: u64,
        context: &QueryContext,
    ) -> Result<Answer<DocumentPage>, ArchiveError> {
        let (customer, about) = (customer.to_owned(), About::tagged(tag("customer", customer)));
        let find = move |read: &Reader<'_>| Documents::of_customer(read, &customer, after, limit);
        Ok(self.documents.query_about(context, &about, find).await?)
    }

    /// All of a document.
    ///
    /// # Errors
    /// [`ArchiveError`] if its event cannot be read.
    pub async fn load(&self, filed: &Filed) -> Result<Document, ArchiveError> {
        let lost = |problem: String| ArchiveError::Undecodable(filed.number.clone(), problem);
        let stream = StreamId::new(&filed.stream)?;
        let slice = self.own.read_stream(&stream, filed.revision, Direction::Forward, 1).await?;
        let event = slice.events.first().ok_or_else(|| lost("it is not there".to_owned()))?;
        if let Some(InvoiceEvent::InvoiceIssued(invoice)) = decode(event).map_err(|e| lost(e.to_string()))? {
            return Ok(Document::Invoice(invoice));
        }
        match decode(event).map_err(|e| lost(e.to_string()))? {
            Some(CreditNoteEvent::CreditNoteIssued(note)) => Ok(Document::CreditNote(note)),
            None => Err(lost(format!("it is a {}", event.event_type()))),
        }
    }
}
