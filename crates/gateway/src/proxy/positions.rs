//! Where services had come when a client wrote to them, so that what it is answered is never older.
//!
//! A client says so itself, with `Tradewind-After`: a number for the service that answers, or, as composed answers tell
//! it, a dictionary (RFC 9651) `catalog=42, ordering=7`. For one that does not, the gateway remembers what its commands
//! were answered, in cookies of its own. Of both the further counts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, header};
use tokio::time::Instant;
use tradewind_events::Position;

use crate::position::{AFTER, POSITION, position_in, position_of};
use crate::problem::Problem;

/// What the names of the gateway's cookies begin with, one for each service: `tradewind-after.catalog=LIFE~42`. Answers to
/// what was written at the same time to several services do not take each other's place.
const COOKIE: &str = "tradewind-after";
/// Services that are remembered for a client, and that it may name.
const SERVICES_MAX: usize = 16;
/// Bytes of a service's name; of those that are longer none is remembered.
const NAME_BYTES_MAX: usize = 64;

/// Positions of services' logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Positions(Vec<(Box<str>, Position)>);

/// What a request says that its client has seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// All that counts.
    all: Positions,
    /// What the cookies alone say.
    remembered: Positions,
    /// The header does not say what the service would understand.
    is_translated: bool,
}

impl Asked {
    /// Reads what a request says, and takes the gateway's cookies out, which are nobody else's business. `own` is the
    /// service that a number is meant for, and `life` what a cookie must be of, if there are any.
    ///
    /// # Errors
    /// TW-3034 if the header is malformed, or a number where several services answer.
    pub(super) fn take(headers: &mut HeaderMap, own: Option<&str>, life: Option<&str>) -> Result<Self, Problem> {
        let mut asked = Self::default();
        if let Some(life) = life.filter(|_| headers.contains_key(header::COOKIE)) {
            asked.remembered = take_cookies(headers, life);
            asked.all = asked.remembered.clone();
            asked.is_translated = !asked.all.0.is_empty();
        }
        if headers.contains_key(AFTER) {
            let lines = headers.get_all(AFTER).iter().map(|line| line.to_str().unwrap_or("not ASCII"));
            for member in lines.flat_map(|line| line.split(',')).map(str::trim) {
                let read = match (member.split_once('='), own) {
                    (Some((service, position)), _) => {
                        asked.is_translated = true;
                        position_of(position).map(|position| (service, position))
                    }
                    (None, Some(own)) => position_of(member).map(|position| (own, position)),
                    (None, None) => None,
                };
                let (service, position) = read.ok_or_else(|| Problem::bad_position(member, own.is_some()))?;
                asked.all.raise(service, position);
            }
        }
        Ok(asked)
    }

    /// What the answer of a service must show.
    pub(super) fn after(&self, service: Option<&str>) -> Option<Position> {
        self.all.get(service?)
    }

    /// Tells the service what it must show: a query waits for it, and a command need not know.
    pub(super) fn tell(&self, service: Option<&str>, is_query: bool, headers: &mut HeaderMap) {
        if !self.is_translated {
            return;
        }
        match self.after(service).filter(|_| is_query) {
            Some(position) => headers.insert(AFTER, HeaderValue::from(position.0)),
            None => headers.remove(AFTER),
        };
    }

    /// Remembers what a command has been answered, for as long as this and while it is the same life.
    pub(super) fn remember<B>(
        &mut self,
        service: &str,
        answer: &mut Response<B>,
        (remembered_for, life): (Duration, &str),
        over_tls: bool,
        furthest: &Furthest,
    ) {
        let told = position_in(answer.headers(), &POSITION);
        let Some(position) = told.filter(|_| !answer.status().is_client_error() && !answer.status().is_server_error())
        else {
            return;
        };
        if !is_name(service.as_bytes()) {
            return;
        }
        let position = furthest.with(service, position, Instant::now());
        let known = self.remembered.get(service);
        // The one that has not been written to for longest makes room.
        let goes = self.remembered.0.last().filter(|_| known.is_none() && self.remembered.0.len() >= SERVICES_MAX);
        let rest = if over_tls { "; HttpOnly; SameSite=Lax; Secure" } else { "; HttpOnly; SameSite=Lax" };
        let goes = goes.map(|(other, _)| format!("{COOKIE}.{other}=; Path=/; Max-Age=0{rest}"));
        let between = if life.is_empty() { "" } else { "~" };
        let (furthest, seconds) = (known.max(Some(position)).unwrap_or(position), remembered_for.as_secs());
        let set = format!("{COOKIE}.{service}={life}{between}{furthest}; Path=/; Max-Age={seconds}{rest}");
        for text in goes.into_iter().chain([set]) {
            if let Ok(value) = HeaderValue::try_from(text) {
                answer.headers_mut().append(header::SET_COOKIE, value);
            }
        }
    }
}

/// How far each service has told anybody to have come, lately. Of two commands that one client has under way at the same
/// time, the earlier may be answered last; its cookie, which takes the other's place, must say no less than that.
/// It has an entry for each service that routes have led to, whose names are the manifest's.
#[derive(Debug, Default)]
pub(super) struct Furthest(Mutex<HashMap<Box<str>, (Position, Instant)>>);

/// What was told before that is no longer under way; nor is a service that begins anew held to what it was for longer.
const UNDER_WAY: Duration = Duration::from_secs(75);

impl Furthest {
    /// The furthest of what is known of a service and this.
    fn with(&self, service: &str, position: Position, now: Instant) -> Position {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(service) {
            Some((furthest, told)) if *furthest > position && now.saturating_duration_since(*told) < UNDER_WAY => {
                *furthest
            }
            Some(furthest) => {
                *furthest = (position, now);
                position
            }
            None => {
                known.insert(service.into(), (position, now));
                position
            }
        }
    }
}

impl Positions {
    fn get(&self, service: &str) -> Option<Position> {
        self.0.iter().find(|(known, _)| **known == *service).map(|(_, position)| *position)
    }

    /// Puts a service in front, with the further of what is known and this.
    fn raise(&mut self, service: &str, position: Position) {
        let known = self.0.iter().position(|(known, _)| **known == *service).map(|at| self.0.remove(at));
        let (name, furthest) = known.unwrap_or_else(|| (service.into(), position));
        self.0.insert(0, (name, furthest.max(position)));
        self.0.truncate(SERVICES_MAX);
    }
}

/// Takes the gateway's cookies from those of a request. The others are bytes, which need be no text.
fn take_cookies(headers: &mut HeaderMap, life: &str) -> Positions {
    let pairs = || {
        let lines = headers.get_all(header::COOKIE).iter();
        lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii)
    };
    let mut positions = Positions::default();
    if !pairs().any(|pair| own(pair).is_some()) {
        return positions;
    }
    for (service, value) in pairs().filter_map(own) {
        if let Some((service, position)) = remembered(service, value, life) {
            positions.raise(service, position);
        }
    }
    let others: Vec<&[u8]> = pairs().filter(|pair| own(pair).is_none()).collect();
    match HeaderValue::from_bytes(&others.join(&b"; "[..])) {
        Ok(others) if !others.is_empty() => headers.insert(header::COOKIE, others),
        _ => headers.remove(header::COOKIE),
    };
    positions
}

/// A cookie's service and value, if it is one of the gateway's.
fn own(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = pair.strip_prefix(COOKIE.as_bytes())?;
    let end = rest.iter().position(|byte| *byte == b'=')?;
    let service = rest[..end].trim_ascii_end();
    // Without a name it is of a gateway of an older version.
    let service = if service.is_empty() { service } else { service.strip_prefix(b".")? };
    Some((service, rest[end + 1..].trim_ascii()))
}

/// What a cookie says, if it is of this life. It is the client's to change, so that what is no position is passed over.
fn remembered<'a>(service: &'a [u8], value: &[u8], life: &str) -> Option<(&'a str, Position)> {
    let service = str::from_utf8(service).ok().filter(|name| is_name(name.as_bytes()))?;
    let value = str::from_utf8(value).ok()?.trim_matches('"');
    let (told, position) = value.rsplit_once('~').unwrap_or(("", value));
    Some((service, position_of(position).filter(|_| told == life)?))
}

/// Whether a service's name can stand in a cookie's (RFC 6265 §4.1.1).
fn is_name(service: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !service.is_empty() && service.len() <= NAME_BYTES_MAX && service.iter().all(is_token)
}

#[cfg(test)]
mod tests;
