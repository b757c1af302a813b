//! The two books of each year: one stream for its invoices, one for its credit notes. **A number is the place of its
//! document in the stream**: whoever appends says behind which event, and of two who want the same number one is told to
//! look again. So a number is given once, and none is left out, whoever is killed when.

use serde::{Deserialize, Serialize};
use tradewind_service::Entity;

use crate::day::Day;
use crate::events::{CreditNoteEvent, InvoiceEvent};

/// The invoices of one year. Its id is the year.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InvoiceBook {
    /// How many there are. Which ones, their events say: the state stays small, however many they become.
    pub issued: u64,
}

/// The credit notes of one year. Its id is the year.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CreditNoteBook {
    /// How many there are.
    pub issued: u64,
}

impl InvoiceBook {
    /// The number of the next invoice, which bears the day `dated`.
    #[must_use]
    pub fn next_number(&self, dated: &Day) -> String {
        format!("INV-{}-{:06}", dated.year(), self.issued + 1)
    }
}

impl CreditNoteBook {
    /// The number of the next credit note, which bears the day `dated`.
    #[must_use]
    pub fn next_number(&self, dated: &Day) -> String {
        format!("CN-{}-{:06}", dated.year(), self.issued + 1)
    }
}

impl Entity for InvoiceBook {
    const CATEGORY: &'static str = "invoices";
    const STATE_VERSION: u16 = 1;
    type Event = InvoiceEvent;

    fn evolve(&mut self, event: &InvoiceEvent) {
        match event {
            InvoiceEvent::InvoiceIssued(_) => self.issued += 1,
        }
    }
}

impl Entity for CreditNoteBook {
    const CATEGORY: &'static str = "creditnotes";
    const STATE_VERSION: u16 = 1;
    type Event = CreditNoteEvent;

    fn evolve(&mut self, event: &CreditNoteEvent) {
        match event {
            CreditNoteEvent::CreditNoteIssued(_) => self.issued += 1,
        }
    }
}
