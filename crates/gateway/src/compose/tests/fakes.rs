//! Services that do as they are told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::compose::*;

#[derive(Clone)]
enum Does {
    Answers(Result<Piece, Failed>),
    Hangs,
}

/// Behaviour by `service:/path?query`; what is not known is not found.
#[derive(Default)]
pub(super) struct Services {
    does: Vec<(String, Does)>,
    takes: Duration,
    asked: Mutex<Vec<String>>,
    told: Mutex<Vec<(Option<Duration>, Instant)>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// What came of a request, and what was asked for it.
pub(super) struct Asked {
    pub(super) answer: Result<Answer, Unanswered>,
    pub(super) asked: Vec<String>,
    /// How stale answers were allowed to be, and by when they had to come.
    pub(super) told: Vec<(Option<Duration>, Instant)>,
    pub(super) most_under_way: usize,
}

pub(super) const DEADLINE: Duration = Duration::from_millis(150);

impl Services {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn does(mut self, target: &str, does: Does) -> Self {
        self.does.retain(|(its, _)| its != target);
        self.does.push((target.to_owned(), does));
        self
    }

    pub(super) fn answers(self, target: &str, json: impl Into<Value>) -> Self {
        self.answers_text(target, &json.into().to_string())
    }

    pub(super) fn answers_text(self, target: &str, body: &str) -> Self {
        self.answers_piece(target, Piece::new(&HeaderMap::new(), Bytes::copy_from_slice(body.as_bytes())))
    }

    pub(super) fn answers_with(self, target: &str, headers: &[(&'static str, &str)], json: impl Into<Value>) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        self.answers_piece(target, Piece::new(&map, json.into().to_string()))
    }

    pub(super) fn answers_piece(self, target: &str, piece: Piece) -> Self {
        self.does(target, Does::Answers(Ok(piece)))
    }

    pub(super) fn fails(self, target: &str, failed: Failed) -> Self {
        self.does(target, Does::Answers(Err(failed)))
    }

    pub(super) fn hangs(self, target: &str) -> Self {
        self.does(target, Does::Hangs)
    }

    /// How long each answer takes.
    pub(super) fn take(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    /// When a composition is asked for product 7, with these parameters in the query.
    pub(super) async fn asked(self, composed: &Composed, query: &[(&str, &str)]) -> Asked {
        let mut parameters = Parameters::new().with("id", "7");
        for (name, value) in query {
            parameters = parameters.with(*name, *value);
        }
        self.asked_with(composed, &parameters).await
    }

    pub(super) async fn asked_with(self, composed: &Composed, parameters: &Parameters) -> Asked {
        self.asked_by(composed, parameters, &HeaderMap::new()).await
    }

    pub(super) async fn asked_by(self, composed: &Composed, parameters: &Parameters, headers: &HeaderMap) -> Asked {
        let request = Request { parameters, headers, deadline: Instant::now() + DEADLINE };
        let answer = composed.answer(&request, &self).await;
        let most_under_way = self.most_under_way.load(Ordering::SeqCst);
        Asked { answer, asked: self.asked.into_inner().unwrap(), told: self.told.into_inner().unwrap(), most_under_way }
    }
}

impl Ask for Services {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        let target = format!("{}:{}", question.service, question.path_and_query);
        self.asked.lock().unwrap().push(target.clone());
        self.told.lock().unwrap().push((question.stale_most, question.deadline));
        Box::pin(async move {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_under_way.fetch_max(now, Ordering::SeqCst);
            sleep(self.takes).await;
            let does = self.does.iter().find(|(its, _)| *its == target).map(|(_, does)| does.clone());
            let answer = match does {
                Some(Does::Answers(answer)) => answer,
                Some(Does::Hangs) => std::future::pending().await,
                None => Err(Failed::Status(404)),
            };
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }
}

impl Asked {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.answer.as_ref().unwrap().body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.answer.as_ref().unwrap().headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn fragments(&self) -> &str {
        self.header("tradewind-fragments")
    }

    pub(super) fn status(&self) -> u16 {
        self.answer.as_ref().unwrap_err().status()
    }
}
