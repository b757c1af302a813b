//! What operators do with what is set aside: list it, look at it, mend it, let it be met again, give it up.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tradewind_events::Position;

use super::admin::Admin;
use super::body::Submitted;
use crate::reaction::TOLD_MAX;
use crate::{ControlError, DeadLetters, ParkedKey, ParkedQueue, Problem, Selected, Selection};

/// How many keys or events are told at once, unless asked for.
const TOLD: usize = 100;
/// The word for whatever state.
const ANY_STATE: &str = "all";

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/admin/deadletters", get(list))
        .route("/admin/deadletters/redrive", post(redrive))
        .route("/admin/deadletters/drop", post(drop_parked))
        .route("/admin/deadletters/{follower}/{key}", get(show))
        .route("/admin/deadletters/{follower}/{key}/{position}", put(fix))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    follower: Option<String>,
    state: Option<String>,
    failure: Option<String>,
    /// Where an earlier answer ended: its `next`.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Keys {
    items: Vec<ParkedKey>,
    /// To be asked for as `after`, if there are more.
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Behind {
    after: Option<Position>,
    limit: Option<usize>,
}

/// What is to be done to which keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Of one follower alone.
    follower: Option<String>,
    key: Option<String>,
    failure: Option<String>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    dry_run: bool,
    /// Not only the event at which the key is parked; for dropping alone.
    #[serde(default)]
    whole_queue: bool,
}

impl Wish {
    fn selection(&self) -> Result<Selection, Problem> {
        match (&self.key, &self.failure, self.all) {
            (Some(key), None, false) => Ok(Selection::Key(key.clone())),
            (None, Some(failure), false) => Ok(Selection::Failure(failure.clone())),
            (None, None, true) => Ok(Selection::All),
            _ => Err(Problem::bad_request("say one of key, failure, and all: true")),
        }
    }
}

impl Admin {
    /// Those of one follower, or of all that have any, as far as this instance has them.
    fn dead_letters(&self, follower: Option<&str>) -> Result<Vec<DeadLetters>, Problem> {
        let mut found = Vec::new();
        for watched in &self.followers {
            let Some(of) = &watched.dead_letters else { continue };
            match follower {
                Some(name) if of.name() != name => {}
                Some(_) if !of.are_here() => {
                    let holder = watched.status.read().lease.and_then(|lease| lease.holder);
                    return Err(ControlError::Elsewhere(holder).into());
                }
                _ => found.push(of.clone()),
            }
        }
        match (found.is_empty(), follower) {
            (true, Some(name)) => Err(Problem::not_found(format!("projection, reaction or process manager {name}"))),
            _ => Ok(found.into_iter().filter(DeadLetters::are_here).collect()),
        }
    }

    fn dead_letters_of(&self, follower: &str) -> Result<DeadLetters, Problem> {
        let found = self.dead_letters(Some(follower))?.pop();
        found.ok_or_else(|| Problem::not_found(format!("projection, reaction or process manager {follower}")))
    }

    /// The followers among which a wish is granted: a key is one of one follower.
    fn concerned(&self, wish: &Wish) -> Result<Vec<DeadLetters>, Problem> {
        let found = self.dead_letters(wish.follower.as_deref())?;
        if wish.key.is_some() && found.len() != 1 {
            return Err(Problem::bad_request("say of which follower the key is"));
        }
        Ok(found)
    }
}

fn limit(wanted: Option<usize>) -> Result<usize, Problem> {
    match wanted.unwrap_or(TOLD) {
        0 => Err(Problem::bad_request("limit is 0")),
        limit => Ok(limit.min(TOLD_MAX)),
    }
}

async fn list(State(admin): State<Arc<Admin>>, Query(which): Query<Which>) -> Result<Json<Keys>, Problem> {
    let limit = limit(which.limit)?;
    let state = Some(which.state.as_deref().unwrap_or("parked")).filter(|state| *state != ANY_STATE);
    let after = which.after.as_deref().map(|after| {
        after.split_once('/').ok_or_else(|| Problem::bad_request("after is not the next of an earlier answer"))
    });
    let mut after = after.transpose()?;
    let mut items: Vec<ParkedKey> = Vec::new();
    for of in admin.dead_letters(which.follower.as_deref())? {
        if after.is_some_and(|(follower, _)| follower != of.name()) {
            continue;
        }
        let behind = after.take().map(|(_, key)| key);
        let found = of.list(state, which.failure.as_deref(), behind, limit - items.len() + 1).await?;
        items.extend(found.items);
        if items.len() > limit {
            break;
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| format!("{}/{}", last.follower, last.key));
    Ok(Json(Keys { items, next }))
}

async fn show(
    State(admin): State<Arc<Admin>>,
    Path((follower, key)): Path<(String, String)>,
    Query(behind): Query<Behind>,
) -> Result<Json<ParkedQueue>, Problem> {
    let of = admin.dead_letters_of(&follower)?;
    Ok(Json(of.show(&key, behind.after.unwrap_or_default(), limit(behind.limit)?).await?))
}

async fn fix(
    State(admin): State<Arc<Admin>>,
    Path((follower, key, position)): Path<(String, String, Position)>,
    said: Submitted<Box<RawValue>>,
) -> Result<StatusCode, Problem> {
    let data = said.body.get().as_bytes().to_vec();
    admin.dead_letters_of(&follower)?.fix(&key, position, data, said.context.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn redrive(State(admin): State<Arc<Admin>>, wish: Submitted<Wish>) -> Result<Json<Selected>, Problem> {
    let (wish, actor) = (wish.body, wish.context.actor);
    let (selection, mut selected) = (wish.selection()?, Selected::default());
    if wish.whole_queue {
        return Err(Problem::bad_request("whole_queue is for dropping"));
    }
    for of in admin.concerned(&wish)? {
        selected.add(of.redrive(&selection, wish.dry_run, actor.clone()).await?);
    }
    Ok(Json(selected))
}

async fn drop_parked(State(admin): State<Arc<Admin>>, wish: Submitted<Wish>) -> Result<Json<Selected>, Problem> {
    let (wish, actor) = (wish.body, wish.context.actor);
    let (selection, mut selected) = (wish.selection()?, Selected::default());
    for of in admin.concerned(&wish)? {
        selected.add(of.drop_parked(&selection, wish.whole_queue, wish.dry_run, actor.clone()).await?);
    }
    Ok(Json(selected))
}
