use futures_core::future::BoxFuture;
use shop_contracts::Contract;
use shop_contracts::ordering::{OrderCalledOff, OrderPlaced, OrderShipped};
use tradewind_events::{Query, Recorded};
use tradewind_service::{
    CommandContext, CommandError, Entities, Issued, Issuer, Reaction, ReactionError, Refused, Together,
};

use super::told;
use crate::commands::{
    ANSWERED, FulfilReservation, LetGoodsLeave, MakeReservation, PutBackGoods, RefuseReservation, ReleaseReservation,
    SetAsideGoods,
};
use crate::events::{TooFew, Wanted};
use crate::reservation::{Reservation, Status};
use crate::stock::{NO_SUCH_STOCK, Stock, TOO_FEW};

/// Sets the goods of each order aside when it is placed, lets them leave with it, and puts them back if it is called off.
/// All of it in one reaction, since it meets the events of one order in their order.
pub struct ReserveForOrders {
    entities: Entities,
}

impl ReserveForOrders {
    /// One that knows what is set aside by these entities.
    #[must_use]
    pub fn new(entities: Entities) -> Self {
        Self { entities }
    }

    async fn placed(&self, order: OrderPlaced, issuer: &Issuer) -> Result<(), ReactionError> {
        let want = |line: shop_contracts::ordering::Line| Wanted {
            product_id: line.product_id,
            name: line.name,
            quantity: line.quantity,
        };
        let (order_id, goods) = (order.order_id, order.lines.into_iter().map(want).collect::<Vec<_>>());
        let mut all = Together::new().and(&order_id, MakeReservation { goods: goods.clone() });
        for wanted in &goods {
            let set_aside = SetAsideGoods { order_id: order_id.clone(), quantity: wanted.quantity };
            all = all.and(&wanted.product_id, set_aside);
        }
        let Err(refused) = issuer.issue_together(&all).await? else { return Ok(()) };
        if refused.iter().any(|one| one.rejection.reason == ANSWERED) {
            // It was refused when this was met before, and that holds, also if the goods have come since.
            return Ok(());
        }
        let short = self.short(goods, &refused).await?;
        match issuer.issue(&order_id, &RefuseReservation { short }).await? {
            Issued::Done(_) => Ok(()),
            Issued::Rejected(no) => Err(ReactionError::Poison(no.message)),
        }
    }

    /// What is missing, by the rules that said no.
    async fn short(&self, goods: Vec<Wanted>, refused: &[Refused]) -> Result<Vec<TooFew>, ReactionError> {
        let mut short = Vec::new();
        for Refused { index, rejection } in refused {
            // The order itself comes first.
            let wanted = index.checked_sub(1).and_then(|place| goods.get(place));
            match (rejection.reason, wanted) {
                (TOO_FEW, Some(wanted)) => {
                    let stock = self.entities.load::<Stock>(&wanted.product_id).await.map_err(CommandError::from)?;
                    short.push(TooFew { wanted: wanted.clone(), available: stock.state.available() });
                }
                // What was ordered was on sale, so the catalog's word of it is on its way.
                (NO_SUCH_STOCK, Some(wanted)) => {
                    let problem = format!("the catalog has not told of product {} yet", wanted.product_id);
                    return Err(ReactionError::Transient(problem));
                }
                _ => return Err(ReactionError::Poison(rejection.message.clone())),
            }
        }
        Ok(short)
    }

    async fn shipped(&self, order_id: String, issuer: &Issuer) -> Result<(), ReactionError> {
        let mut all = Together::new().and(&order_id, FulfilReservation);
        for wanted in self.kept_for(&order_id).await? {
            all = all.and(wanted.product_id, LetGoodsLeave { order_id: order_id.clone() });
        }
        settled(issuer.issue_together(&all).await?)
    }

    async fn called_off(&self, order_id: String, issuer: &Issuer) -> Result<(), ReactionError> {
        let mut all = Together::new().and(&order_id, ReleaseReservation);
        for wanted in self.kept_for(&order_id).await? {
            all = all.and(wanted.product_id, PutBackGoods { order_id: order_id.clone() });
        }
        settled(issuer.issue_together(&all).await?)
    }

    /// What is set aside for an order just now.
    async fn kept_for(&self, order_id: &str) -> Result<Vec<Wanted>, ReactionError> {
        let reservation = self.entities.load::<Reservation>(order_id).await.map_err(CommandError::from)?.state;
        Ok(if reservation.status == Some(Status::Made) { reservation.goods } else { Vec::new() })
    }
}

/// None of these commands is ever refused.
fn settled<T>(answer: Result<T, Vec<Refused>>) -> Result<(), ReactionError> {
    let why = |refused: Vec<Refused>| refused.into_iter().map(|one| one.rejection.message).collect::<Vec<_>>();
    answer.map(drop).map_err(|refused| ReactionError::Poison(why(refused).join("; ")))
}

impl Reaction for ReserveForOrders {
    fn name(&self) -> &'static str {
        "reserve-for-orders"
    }

    fn query(&self) -> Query {
        told("order", &[OrderPlaced::TYPE, OrderShipped::TYPE, OrderCalledOff::TYPE])
    }

    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            // What is brought in from the past had its goods there.
            if CommandContext::caused_by(event, "").at.is_some() {
                return Ok(());
            }
            match event.event_type() {
                OrderPlaced::TYPE => self.placed(event.parse()?, issuer).await,
                OrderShipped::TYPE => self.shipped(event.parse::<OrderShipped>()?.order_id, issuer).await,
                OrderCalledOff::TYPE => self.called_off(event.parse::<OrderCalledOff>()?.order_id, issuer).await,
                _ => Ok(()),
            }
        })
    }
}
