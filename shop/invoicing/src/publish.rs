//! What invoicing tells others: that a document exists and what it is about. What is printed on it, and for whom it
//! waits, is its own business.

use serde::Serialize;
use shop_contracts::invoicing as told;
use tradewind_events::{Query, Recorded};
use tradewind_service::{Contract, ContractType, Entity, Publish, PublishError, decode, tag};

use crate::books::{CreditNoteBook, InvoiceBook};
use crate::events::{CreditNoteEvent, InvoiceEvent};

/// The translation of invoicing's events into its contracts.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishInvoicing;

impl Publish for PublishInvoicing {
    fn query(&self) -> Query {
        Query::category(InvoiceBook::CATEGORY).or(Query::category(CreditNoteBook::CATEGORY))
    }

    fn contracts(&self) -> Vec<ContractType> {
        told::TYPES.iter().map(|&(event_type, schema)| ContractType { event_type, schema }).collect()
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        if let Some(InvoiceEvent::InvoiceIssued(invoice)) = decode(event)? {
            return tell(
                &told::InvoiceIssued {
                    number: invoice.number,
                    dated: invoice.dated.to_string(),
                    order_id: invoice.order_id.clone(),
                    customer_id: invoice.customer_id.clone(),
                    total_cents: invoice.total_cents,
                },
                &invoice.order_id,
                &invoice.customer_id,
            );
        }
        let Some(CreditNoteEvent::CreditNoteIssued(note)) = decode(event)? else { return Ok(None) };
        tell(
            &told::CreditNoteIssued {
                number: note.number,
                dated: note.dated.to_string(),
                invoice: note.invoice,
                order_id: note.order_id.clone(),
                customer_id: note.customer_id.clone(),
                total_cents: note.total_cents,
            },
            &note.order_id,
            &note.customer_id,
        )
    }
}

fn tell<C: shop_contracts::Contract + Serialize>(
    told: &C,
    order: &str,
    customer: &str,
) -> Result<Option<Contract>, PublishError> {
    let contract = Contract::new(C::TYPE, told)?;
    Ok(Some(contract.tagged([tag("order", order), tag("customer", customer)])))
}

#[cfg(test)]
mod tests;
