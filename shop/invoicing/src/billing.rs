//! How an order that is paid comes to its invoice, and one that is called off after that to its credit note. The
//! reactions say when.

use tokio::sync::Mutex;
use tradewind_events::{Position, Recorded};
use tradewind_service::{Command, CommandContext, Commands, QueryContext, ReactionError};

use crate::archive::{Archive, Document};
use crate::commands::{IssueCreditNote, IssueInvoice};
use crate::copies::Copies;
use crate::events::{InvoiceIssued, Party};
use crate::projections::OrderCopy;

/// Writes invoices and credit notes.
pub struct Billing {
    commands: Commands,
    copies: Copies,
    archive: Archive,
    seller: Party,
    /// Whoever wants the next number queues here. Without it many would want the same one at once, and all but one
    /// would have to look again; with it they come one behind the other. It is a courtesy: what keeps numbers apart is
    /// the append, also from another process.
    desk: Mutex<()>,
}

/// What came of an order that is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Billed {
    /// It has its invoice.
    Issued,
    /// Its customer has not registered.
    CustomerUnknown {
        /// Who.
        customer_id: String,
    },
}

impl Billing {
    /// One that bills in the name of `seller`.
    #[must_use]
    pub fn new(commands: Commands, copies: Copies, archive: Archive, seller: Party) -> Self {
        Self { commands, copies, archive, seller, desk: Mutex::default() }
    }

    /// An order, as ordering's feed has told it up to `told_at`.
    ///
    /// # Errors
    /// See [`Copies::order`].
    pub async fn order(&self, id: &str, told_at: Position) -> Result<OrderCopy, ReactionError> {
        self.copies.order(id, told_at).await
    }

    /// Writes the invoice of an order that ordering's feed told at `told_at` to be paid, unless it has one. `cause` is
    /// what happened that makes it be written now.
    ///
    /// # Errors
    /// Transient, if something that is needed has not arrived yet.
    pub async fn bill(&self, order: &str, told_at: Position, cause: &Recorded) -> Result<Billed, ReactionError> {
        let order = self.copies.order(order, told_at).await?;
        let Some(paid_at) = order.paid_at else {
            return Err(ReactionError::Poison(format!("ordering's feed never told that order {} was paid", order.id)));
        };
        let Some(bill_to) = self.copies.customer(&order.customer_id, order.placed_at, told_at).await? else {
            return Ok(Billed::CustomerUnknown { customer_id: order.customer_id });
        };
        let command = IssueInvoice {
            seller: self.seller.clone(),
            bill_to,
            customer_id: order.customer_id,
            order_id: order.id,
            ordered_at: order.placed_at,
            paid_at,
            lines: order.lines,
            total_cents: order.total_cents,
        };
        // Named after the order, whatever made it be written: an order has one invoice.
        let mut context = CommandContext::caused_by(cause, format!("invoice/{}", command.order_id));
        // In a past that is brought in, nothing is written before it was paid.
        context.at = context.at.map(|at| at.max(paid_at));
        self.write(command.dated().year(), &command, &context).await?;
        Ok(Billed::Issued)
    }

    /// The invoice of an order, by all that has been written until now.
    ///
    /// # Errors
    /// Transient, if the read model is behind.
    pub async fn invoice_of(&self, order: &str) -> Result<Option<InvoiceIssued>, ReactionError> {
        let later = |error: crate::archive::ArchiveError| ReactionError::Transient(error.to_string());
        let now = QueryContext { after: Some(self.archive.end().await.map_err(later)?), as_of: None };
        let Some(filed) = self.archive.of_order(order, &now).await.map_err(later)?.value else { return Ok(None) };
        match self.archive.load(&filed).await.map_err(later)? {
            Document::Invoice(invoice) => Ok(Some(invoice)),
            Document::CreditNote(note) => Err(ReactionError::Poison(format!("{} is filed as an invoice", note.number))),
        }
    }

    /// Writes the credit note that takes an invoice back, unless it is there. `cause` is the order's calling off.
    ///
    /// # Errors
    /// Transient, if it could not be written.
    pub async fn credit(&self, invoice: InvoiceIssued, reason: String, cause: &Recorded) -> Result<(), ReactionError> {
        let context = CommandContext::caused_by(cause, format!("credit-note/{}", invoice.order_id));
        let command = IssueCreditNote { seller: self.seller.clone(), invoice, called_off_at: cause.time(), reason };
        self.write(command.dated().year(), &command, &context).await
    }

    async fn write(&self, year: &str, command: &impl Command, context: &CommandContext) -> Result<(), ReactionError> {
        let _turn = self.desk.lock().await;
        Ok(self.commands.handle(year, command, context).await.map(drop)?)
    }
}
