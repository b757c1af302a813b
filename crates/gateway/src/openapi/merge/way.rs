//! Under which paths clients reach an operation of a service.
//!
//! What a route makes of a path is turned round here, and then looked at the right way round: only where the gateway
//! would find this route for the path, and the service this operation for what the route makes of it, it is told.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method};

use crate::openapi::document::{Operation, best, names_in};
use crate::{Asked, HostPattern, Route, RouteTable};

/// A path by which an operation is reached.
#[derive(Debug)]
pub(super) struct Reached {
    /// As clients write it.
    pub(super) path: String,
    /// The operation's parameters that are called otherwise in it.
    pub(super) renamed: Renamed,
}

/// What a service calls its parameters, and clients.
type Renamed = Vec<(String, String)>;

enum Piece<'t> {
    Fixed(&'t str),
    /// A parameter that is the whole segment.
    Parameter(&'t str),
    /// As many segments as there are.
    Rest(&'t str),
    /// Text and parameters.
    Mixed,
}

/// What stands for a route's parameter.
enum Bound<'d> {
    Fixed(&'d str),
    /// The operation's parameter of this name.
    Parameter(&'d str),
    Segments(Vec<&'d str>),
}

/// The path by which a route leads clients of these hosts, of any if there are none, to an operation, if it does.
pub(super) fn reached(
    routes: &RouteTable,
    hosts: &[HostPattern],
    route: &Arc<Route>,
    operation: &Operation<'_>,
    templates: &[String],
) -> Option<Reached> {
    let full = operation.full_path();
    let reached = turned_round(route, &full)?;
    let names = names_in(&reached.path)?;
    let asked_path = sample(&reached.path, &names);
    let method = Method::from_bytes(operation.method.to_ascii_uppercase().as_bytes()).ok()?;
    let any = HeaderValue::from_static("any");
    let headers = route.headers.iter();
    let headers: HeaderMap =
        headers.map(|header| (header.name().clone(), header.value().unwrap_or(&any).clone())).collect();
    let captures = asked_hosts(hosts, route).iter().find_map(|host| {
        let asked = Asked { method: &method, host: host.as_deref(), path: &asked_path, headers: &headers };
        routes.find(asked).ok().filter(|(found, _)| Arc::ptr_eq(found, route)).map(|(_, captures)| captures)
    })?;
    let service_path = route.rewrite.as_ref().map_or_else(|| asked_path.clone(), |it| it.path(&asked_path, &captures));
    (best(templates.iter().map(|path| &**path), &service_path)? == full).then_some(reached)
}

/// Hosts that clients of these can ask and a route takes; that none is said, where both take any.
fn asked_hosts(hosts: &[HostPattern], route: &Route) -> Vec<Option<String>> {
    if hosts.is_empty() && route.hosts.is_empty() {
        return vec![None];
    }
    let are_meant = |patterns: &[HostPattern], host: &str| {
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.covers(host))
    };
    // Of a name and an end of names that meet, the name is covered by both; of two ends, the longer one's names.
    let examples = hosts.iter().chain(&route.hosts).map(HostPattern::example);
    examples.filter(|host| are_meant(hosts, host) && are_meant(&route.hosts, host)).map(Some).collect()
}

/// A path with something in place of its parameters that no route has as a fixed segment.
fn sample(path: &str, names: &[&str]) -> String {
    names.iter().fold(path.to_owned(), |path, name| path.replace(&format!("{{{name}}}"), "~any~"))
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').skip(1).filter(|segment| !segment.is_empty()).collect()
}

fn piece(segment: &str) -> Piece<'_> {
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if !name.contains('{') => match name.strip_prefix('*') {
            Some(name) => Piece::Rest(name),
            None => Piece::Parameter(name),
        },
        _ if segment.contains('{') => Piece::Mixed,
        _ => Piece::Fixed(segment),
    }
}

fn turned_round(route: &Route, full: &str) -> Option<Reached> {
    let (pattern, there) = (segments(route.path.as_str()), segments(full));
    let rewrite = route.rewrite.as_ref().map(ToString::to_string);
    let (path, renamed) = match &rewrite {
        None => (straight(&pattern, &there, route.path.is_prefix())?, Vec::new()),
        Some(rewrite) if route.path.is_prefix() => {
            let rewritten = segments(rewrite);
            // What stands in place of the prefix must be what the operation begins with.
            let same = rewritten.iter().zip(&there).all(|(text, segment)| fixes(segment, text));
            let rest = there.get(rewritten.len()..).filter(|_| same)?;
            ([&pattern[..], rest].concat(), Vec::new())
        }
        Some(rewrite) => through(&pattern, &segments(rewrite), &there)?,
    };
    let mut text = String::new();
    for segment in &path {
        text.push('/');
        text.push_str(segment);
    }
    if text.is_empty() || (full.ends_with('/') && full.len() > 1) {
        text.push('/');
    }
    Some(Reached { path: text, renamed })
}

/// Whether an operation's segment can be this text.
fn fixes(segment: &str, text: &str) -> bool {
    segment == text || matches!(piece(segment), Piece::Parameter(_) if !text.contains('{'))
}

/// Without a rewrite: the operation's own path, narrowed to what the route takes.
fn straight<'s>(pattern: &[&'s str], there: &[&'s str], is_prefix: bool) -> Option<Vec<&'s str>> {
    let mut path = Vec::with_capacity(there.len());
    for (index, wanted) in pattern.iter().enumerate() {
        match piece(wanted) {
            Piece::Rest(_) => {
                return there.get(index..).filter(|rest| !rest.is_empty()).map(|rest| [&path, rest].concat());
            }
            Piece::Parameter(_) => path.push(*there.get(index)?),
            Piece::Fixed(text) => {
                path.push(Some(text).filter(|text| there.get(index).is_some_and(|it| fixes(it, text)))?);
            }
            Piece::Mixed => return None,
        }
    }
    let rest = &there[pattern.len()..];
    (is_prefix || rest.is_empty()).then(|| [&path, rest].concat())
}

/// Through a rewrite of the whole path: each of the route's parameters is what the operation has in its place.
fn through<'s>(pattern: &[&'s str], rewrite: &[&'s str], there: &[&'s str]) -> Option<(Vec<&'s str>, Renamed)> {
    let mut bound: Vec<(&str, Bound<'_>)> = Vec::new();
    let mut at = 0;
    let rest_of =
        |name: &str| pattern.last().is_some_and(|last| matches!(piece(last), Piece::Rest(its) if its == name));
    for (index, written) in rewrite.iter().enumerate() {
        match piece(written) {
            Piece::Parameter(name) if rest_of(name) => {
                // As many as the rest of the rewrite leaves.
                let end = there.len().checked_sub(rewrite.len() - index - 1).filter(|end| *end > at)?;
                bound.push((name, Bound::Segments(there[at..end].to_vec())));
                at = end;
                continue;
            }
            Piece::Parameter(name) => {
                let segment = *there.get(at)?;
                bound.push((
                    name,
                    match piece(segment) {
                        Piece::Parameter(parameter) => Bound::Parameter(parameter),
                        Piece::Fixed(text) => Bound::Fixed(text),
                        Piece::Mixed | Piece::Rest(_) => return None,
                    },
                ));
            }
            Piece::Fixed(text) => drop(there.get(at).filter(|segment| fixes(segment, text))?),
            // What is a part of a segment here may be all of it there.
            Piece::Mixed | Piece::Rest(_) => drop(there.get(at).filter(|segment| segment.contains('{'))?),
        }
        at += 1;
    }
    if at != there.len() {
        return None;
    }
    let (mut path, mut renamed) = (Vec::new(), Vec::new());
    for written in pattern {
        let (Piece::Parameter(name) | Piece::Rest(name)) = piece(written) else {
            path.push(*written);
            continue;
        };
        match bound.iter().find(|(its, _)| *its == name).map(|(_, bound)| bound) {
            Some(Bound::Fixed(text)) => path.push(text),
            Some(Bound::Segments(segments)) => path.extend(segments),
            Some(Bound::Parameter(parameter)) => {
                path.push(*written);
                renamed.push(((*parameter).to_owned(), name.to_owned()));
            }
            None if matches!(piece(written), Piece::Rest(_)) => return None,
            None => path.push(*written),
        }
    }
    Some((path, renamed))
}
