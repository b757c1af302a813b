use serde::Serialize;
use tradewind_events::{Query, Recorded, Revision};
use tradewind_service::sql::{self, Row, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::books::{CreditNoteBook, InvoiceBook};
use crate::events::{CreditNoteEvent, InvoiceEvent};

/// Which documents there are, by number, order and customer, and where the event of each is. What is printed on them is
/// in the events alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Documents;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It charges.
    Invoice,
    /// It takes an invoice back.
    CreditNote,
}

/// A document, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filed {
    /// Its number.
    pub number: String,
    /// What it is.
    pub kind: Kind,
    /// The day that it bears.
    pub dated: String,
    /// For which order.
    pub order_id: String,
    /// To whom.
    pub customer_id: String,
    /// Over what amount, in US cents.
    pub total_cents: u64,
    /// Of a credit note: the invoice that it takes back.
    pub invoice: Option<String>,
    /// Of an invoice: the credit note that takes it back, if there is one.
    pub credit_note: Option<String>,
    /// The stream that its event is in.
    #[serde(skip)]
    pub(crate) stream: String,
    /// Where in there.
    #[serde(skip)]
    pub(crate) revision: Revision,
}

/// Some documents of a customer, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentPage {
    /// The documents.
    pub items: Vec<Filed>,
    /// What to ask for to get the ones before; none if there are none.
    pub next: Option<String>,
}

/// Where a page of the documents ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    dated: String,
    number: String,
}

impl Cursor {
    /// Reads what a page gave as `next`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (dated, number) = text.split_once('.')?;
        Some(Self { dated: dated.to_owned(), number: number.to_owned() })
    }
}

const SELECT: &str = "SELECT number, kind, dated, order_id, customer_id, total_cents, invoice, stream, revision,
     (SELECT note.number FROM document AS note WHERE note.invoice = document.number) AS credit_note FROM document";

fn filed(row: &Row<'_>) -> sql::Result<Filed> {
    let credit_note: bool = row.get(1)?;
    Ok(Filed {
        number: row.get(0)?,
        kind: if credit_note { Kind::CreditNote } else { Kind::Invoice },
        dated: row.get(2)?,
        order_id: row.get(3)?,
        customer_id: row.get(4)?,
        total_cents: row.get(5)?,
        invoice: row.get(6)?,
        stream: row.get(7)?,
        revision: Revision(row.get(8)?),
        credit_note: row.get(9)?,
    })
}

impl Documents {
    /// One document.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn numbered(read: &Reader<'_>, number: &str) -> sql::Result<Option<Filed>> {
        read.first(&format!("{SELECT} WHERE number = ?1"), [number], filed)
    }

    /// The invoice of an order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of_order(read: &Reader<'_>, order: &str) -> sql::Result<Option<Filed>> {
        read.first(&format!("{SELECT} WHERE order_id = ?1 AND kind = 0"), [order], filed)
    }

    /// Up to `limit` documents of a customer, the newest first, from where an earlier page said `next`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of_customer(
        read: &Reader<'_>,
        customer: &str,
        after: Option<Cursor>,
        limit: u64,
    ) -> sql::Result<DocumentPage> {
        // Behind the last of all days.
        let after = after.unwrap_or(Cursor { dated: "~".to_owned(), number: String::new() });
        let mut items = read.all(
            &format!(
                "{SELECT} WHERE customer_id = ?1 AND (dated, number) < (?2, ?3)
                 ORDER BY dated DESC, number DESC LIMIT ?4"
            ),
            params![customer, after.dated, after.number, limit + 1],
            filed,
        )?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = items.last().filter(|_| more).map(|last| format!("{}.{}", last.dated, last.number));
        Ok(DocumentPage { items, next })
    }
}

impl Projection for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE document (
             number TEXT PRIMARY KEY, kind INTEGER NOT NULL, dated TEXT NOT NULL, order_id TEXT NOT NULL,
             customer_id TEXT NOT NULL, total_cents INTEGER NOT NULL, invoice TEXT, stream TEXT NOT NULL,
             revision INTEGER NOT NULL) WITHOUT ROWID;
         CREATE INDEX document_of_order ON document (order_id);
         CREATE INDEX document_of_customer ON document (customer_id, dated, number);
         CREATE INDEX note_of_invoice ON document (invoice) WHERE invoice IS NOT NULL;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE document (
                 number text COLLATE \"C\" PRIMARY KEY, kind bigint NOT NULL, dated text COLLATE \"C\" NOT NULL,
                 order_id text NOT NULL, customer_id text NOT NULL, total_cents bigint NOT NULL, invoice text,
                 stream text NOT NULL, revision bigint NOT NULL);
             CREATE INDEX document_of_order ON document (order_id);
             CREATE INDEX document_of_customer ON document (customer_id, dated, number);
             CREATE INDEX note_of_invoice ON document (invoice) WHERE invoice IS NOT NULL",
        )
    }

    fn query(&self) -> Query {
        Query::category(InvoiceBook::CATEGORY).or(Query::category(CreditNoteBook::CATEGORY))
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let mut insert = tx.prepare_cached("INSERT INTO document VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
        let (stream, revision) = (event.stream(), event.revision().0);
        if let Some(InvoiceEvent::InvoiceIssued(invoice)) = decode(event)? {
            insert.execute(params![
                invoice.number,
                false,
                invoice.dated.as_str(),
                invoice.order_id,
                invoice.customer_id,
                invoice.total_cents,
                None::<String>,
                stream,
                revision
            ])?;
        } else if let Some(CreditNoteEvent::CreditNoteIssued(note)) = decode(event)? {
            insert.execute(params![
                note.number,
                true,
                note.dated.as_str(),
                note.order_id,
                note.customer_id,
                note.total_cents,
                note.invoice,
                stream,
                revision
            ])?;
        }
        Ok(())
    }
}
