use futures_core::future::BoxFuture;
use shop_contracts::Contract;
use shop_contracts::customers::CustomerRegistered;
use tradewind_events::{Query, Recorded};
use tradewind_service::{Issued, Issuer, Reaction, ReactionError};

use super::told;
use crate::commands::NoteArrival;
use crate::debtor::Debtor;

/// Notes each customer who registers, so that the orders which have waited for that are released.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoticeCustomers;

impl Reaction for NoticeCustomers {
    fn name(&self) -> &'static str {
        "notice-customers"
    }

    fn query(&self) -> Query {
        told("customer", &[CustomerRegistered::TYPE])
    }

    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let CustomerRegistered { customer_id, .. } = event.parse()?;
            match issuer.issue(&Debtor::id_of(&customer_id), &NoteArrival { customer_id }).await? {
                Issued::Done(_) => Ok(()),
                Issued::Rejected(no) => Err(ReactionError::Poison(no.message)),
            }
        })
    }
}
