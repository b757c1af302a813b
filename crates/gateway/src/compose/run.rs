//! Making the calls: each as soon as what it takes values from is there.

use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::answer::AS_OF;
use super::budget::Budget;
use super::composition::{Call, Replacement};
use super::outcome::{Heard, Outcome};
use super::targets::Targets;
use super::template::NotRendered;
use super::{Answer, Ask, Composed, Failed, Freshness, Piece, Question, Request, Unanswered};

type UnderWay<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = (usize, Outcome)> + Send + 'a>>>;

impl Composed {
    /// Asks the services and composes what they answer. It ends by the request's deadline, and as soon as a call fails
    /// whose failure its author calls an error; whatever is under way then is dropped.
    ///
    /// # Errors
    /// [`Unanswered`] says why there is no answer.
    pub async fn answer(&self, request: &Request<'_>, ask: &dyn Ask) -> Result<Answer, Unanswered> {
        self.check_parameters(request)?;
        let budget = Budget::of(self.composition().limits().pieces_bytes);
        let outcomes = self.make_calls(request, ask, &budget).await?;
        Answer::compose(self, &outcomes)
    }

    async fn make_calls(
        &self,
        request: &Request<'_>,
        ask: &dyn Ask,
        budget: &Budget,
    ) -> Result<Vec<Outcome>, Unanswered> {
        let mut outcomes: Vec<Outcome> = self.calls().iter().map(|_| Outcome::NotMade).collect();
        let mut waits_for: Vec<usize> = self.calls().iter().map(|call| call.after.len()).collect();
        let mut ready: Vec<usize> =
            self.made_calls().filter(|(_, call)| call.after.is_empty()).map(|(at, _)| at).collect();
        let mut under_way = UnderWay::new();
        loop {
            let (index, outcome) = match ready.pop() {
                Some(index) => match self.targets(&self.calls()[index], request, &outcomes) {
                    Ok(targets) => {
                        under_way.push(Box::pin(self.make(index, targets, *request, (ask, budget))));
                        continue;
                    }
                    Err(NotRendered::Parameter(name)) => return Err(Unanswered::Parameter { name }),
                    Err(NotRendered::Value(failed)) => (index, Outcome::One(Heard::now(Err(failed)))),
                },
                None => match under_way.next().await {
                    Some(settled) => settled,
                    None => return Ok(outcomes),
                },
            };
            if let Some(failed) = outcome.ends_all(&self.calls()[index]) {
                let has_moment = request.headers.contains_key(AS_OF);
                return Err(Unanswered::call(&self.calls()[index], failed, has_moment));
            }
            outcomes[index] = outcome;
            for (later, _) in self.made_calls().filter(|(_, call)| call.after.contains(&index)) {
                waits_for[later] -= 1;
                if waits_for[later] == 0 {
                    ready.push(later);
                }
            }
        }
    }

    async fn make(
        &self,
        index: usize,
        targets: Targets,
        request: Request<'_>,
        asking: (&dyn Ask, &Budget),
    ) -> (usize, Outcome) {
        let call = &self.calls()[index];
        let ask_for = async |target: Result<String, Failed>| match target {
            Ok(target) => self.ask(call, &target, &request, asking).await,
            Err(failed) => Heard::now(Err(failed)),
        };
        match targets {
            Targets::One(target) => (index, Outcome::One(ask_for(Ok(target)).await)),
            Targets::Many { of, targets } => {
                let most = self.composition().limits().parallel.max(1);
                let mut hearing = stream::iter(targets.into_iter().map(ask_for)).buffered(most);
                let mut answers = Vec::new();
                while let Some(heard) = hearing.next().await {
                    let ends_all = heard.answer.is_err() && call.instead == Replacement::Error;
                    answers.push(heard);
                    if ends_all {
                        break;
                    }
                }
                (index, Outcome::Many { of, answers })
            }
        }
    }

    async fn ask(&self, call: &Call, target: &str, request: &Request<'_>, (ask, budget): (&dyn Ask, &Budget)) -> Heard {
        if budget.is_spent() {
            return Heard::now(Err(Failed::TooLarge));
        }
        let deadline = call.timeout.map_or(request.deadline, |timeout| request.deadline.min(Instant::now() + timeout));
        let bytes_most = self.composition().limits().piece_bytes;
        let question = Question {
            call: &call.name,
            service: &call.template.service,
            path_and_query: target,
            headers: request.headers,
            deadline,
            stale_most: call.stale_most,
            bytes_most,
        };
        let answer = timeout_at(deadline, ask.ask(question)).await.unwrap_or(Err(Failed::Timeout));
        let is_of_another_time = request.headers.contains_key(AS_OF);
        let heard = Heard::now(answer.and_then(|piece| match piece.as_of {
            // Today's must not be taken for that of another day.
            None if is_of_another_time => Err(Failed::Timeless),
            _ => acceptable(piece, call.stale_most, bytes_most),
        }));
        match &heard.answer {
            Ok(piece) if !budget.take(piece.body.len()) => Heard::now(Err(Failed::TooLarge)),
            _ => heard,
        }
    }
}

/// Holds whoever is asked to what was asked for. How stale an answer may be by the service's own word (RFC 5861) is for
/// the cache to judge, unless the author says how stale it may be; then the cache knows it too, and asks the service.
fn acceptable(piece: Piece, stale_most: Option<Duration>, bytes_most: usize) -> Result<Piece, Failed> {
    match (piece.freshness, stale_most) {
        _ if piece.body.len() > bytes_most => Err(Failed::TooLarge),
        (Freshness::Stale(by), Some(most)) if by > most => Err(Failed::Stale),
        _ => Ok(piece),
    }
}
