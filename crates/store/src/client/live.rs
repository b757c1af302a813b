//! Following a server's live events, over as many connections as it takes, without a gap or a repeat.

use std::io;
use std::sync::Arc;

use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tradewind_events::{Delivery, Position, Query, ReadError, Subscription};

use super::reads::{events_target, garbled, read_error};
use super::transport::{Answer, Call, Transport, is_from_between};
use crate::retry::Backoff;
use tradewind_http::wire::event::read_event;
use tradewind_http::wire::live::{CAUGHT_UP, FAILED, Message, PROGRESS, Parser, Through};
use tradewind_http::wire::problem::Problem;

/// Follows everything that matches behind a position. Connects when it is first polled.
pub(super) fn follow(transport: Arc<Transport>, after: Position, query: &Query) -> Result<Subscription, ReadError> {
    // Checked now, and asked anew with the position reached at each connection.
    events_target("/events/live", after, query)?;
    let backoff =
        Backoff::new(transport.options.pause_first, transport.options.pause_max, transport.options.follow_for);
    let follower =
        Follower { transport, query: query.clone(), through: after, connection: None, backoff, ended: false };
    Ok(Box::pin(stream::unfold(follower, Follower::next)))
}

struct Follower {
    transport: Arc<Transport>,
    query: Query,
    /// Up to where everything has been delivered.
    through: Position,
    connection: Option<Connection>,
    backoff: Backoff,
    ended: bool,
}

struct Connection {
    body: Incoming,
    parser: Parser,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Delivery, ReadError>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            let step = match &mut self.connection {
                None => self.connect().await,
                Some(_) => match self.receive().await {
                    Ok(Some(delivery)) => return Some((Ok(delivery), self)),
                    Ok(None) => Ok(()),
                    Err(failure) => Err(failure),
                },
            };
            let Err(failure) = step else { continue };
            self.connection = None;
            let error = match failure {
                Failure::Final(error) => error,
                Failure::Passing(error) => {
                    tracing::debug!(%error, through = %self.through, "the live events broke off; connecting again");
                    if self.backoff.pause().await {
                        continue;
                    }
                    error
                }
            };
            self.ended = true;
            return Some((Err(error), self));
        }
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        let target = events_target("/events/live", self.through, &self.query).map_err(Failure::Final)?;
        let mut call = Call::get(target);
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        let response = self.transport.begin(call).await.map_err(|error| Failure::Passing(read_error(&error)))?;
        let (parts, body) = response.into_parts();
        if parts.status == StatusCode::OK {
            self.connection = Some(Connection { body, parser: Parser::default() });
            return Ok(());
        }
        let body = self.transport.whole(body).await.map_err(|error| Failure::Passing(read_error(&error)))?;
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        let passing = is_from_between(answer.status, || answer.problem());
        Err(Failure::of(answer.problem(), passing))
    }

    /// What the next bytes bring; none if they complete nothing.
    async fn receive(&mut self) -> Result<Option<Delivery>, Failure> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        let passing = |why: String| Failure::Passing(ReadError::Unavailable(why));
        let silent_max = self.transport.options.silent_max;
        let frame = match tokio::time::timeout(silent_max, connection.body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(passing(format!("the live events broke off: {error}"))),
            Ok(None) => return Err(passing("the server ended the live events".to_owned())),
            Err(_) => return Err(Failure::Passing(ReadError::Timeout)),
        };
        let Ok(bytes) = frame.into_data() else { return Ok(None) };
        let mut messages = Vec::new();
        connection
            .parser
            .push(&bytes, &mut messages)
            .map_err(|error| Failure::Final(ReadError::Io(io::Error::new(io::ErrorKind::InvalidData, error))))?;
        self.deliver(&messages)
    }

    fn deliver(&mut self, messages: &[Message]) -> Result<Option<Delivery>, Failure> {
        let mut delivery = Delivery { through: self.through, ..Delivery::default() };
        let garbled = |error: serde_json::Error| Failure::Final(garbled(&error));
        let mut failure = None;
        for message in messages {
            match message.event.as_str() {
                "" | "message" => {
                    let event = read_event(&message.data).map_err(garbled)?;
                    // A server that repeats itself must not make us do so.
                    if event.position() > delivery.through {
                        delivery.through = event.position();
                        delivery.events.push(event);
                        delivery.caught_up = false;
                    }
                }
                name @ (CAUGHT_UP | PROGRESS) => {
                    let Through { through } = serde_json::from_slice(&message.data).map_err(garbled)?;
                    delivery.through = delivery.through.max(through);
                    delivery.caught_up = name == CAUGHT_UP;
                }
                FAILED => {
                    let problem: Problem = serde_json::from_slice(&message.data).map_err(garbled)?;
                    failure = Some(Failure::of(problem, false));
                    break;
                }
                // Whatever a later server tells besides.
                _ => {}
            }
        }
        if delivery.events.is_empty() && delivery.through == self.through && !delivery.caught_up {
            // What came before a failure is delivered first; the server tells the failure again.
            return failure.map_or(Ok(None), Err);
        }
        self.through = delivery.through;
        self.backoff.reset();
        if failure.is_some() {
            self.connection = None;
        }
        Ok(Some(delivery))
    }
}

/// Why a connection is of no more use.
enum Failure {
    /// Another may be.
    Passing(ReadError),
    /// The server has refused or cannot go on.
    Final(ReadError),
}

impl Failure {
    fn of(problem: Problem, passing: bool) -> Self {
        let error = problem.into_read_error();
        match error {
            _ if passing => Self::Passing(error),
            ReadError::Unavailable(_) | ReadError::Timeout => Self::Passing(error),
            ReadError::Invalid(_) | ReadError::Damaged { .. } | ReadError::Io(_) => Self::Final(error),
        }
    }
}
