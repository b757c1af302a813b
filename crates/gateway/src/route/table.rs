//! All routes, and the one that takes a request.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::metrics::RouteCounts;
use crate::policy::{Policies, RateLimit};

use super::path::{Segment, Segments};
use super::{Captures, Route, RouteError, has_dot_segment, rank};

/// All routes, the most specific first.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    routes: Vec<Arc<Route>>,
    /// By a path's first segment, the routes that may take it, and those that take any.
    by_first: HashMap<Box<str>, Vec<usize>>,
    of_any: Vec<usize>,
}

/// What of a request decides where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a Method,
    /// The host, without a port.
    pub host: Option<&'a str>,
    /// The path, without a query.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// Why no route takes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// The path has a `.` or `..` segment: a service would resolve it, and see another path than the one that was routed.
    DotSegment,
    /// None takes its host, path and headers.
    NoRoute,
    /// Some would take it with another method: one of these.
    OtherMethods(Vec<Method>),
}

impl RouteTable {
    /// Routes of a table.
    pub const ROUTES_MAX: usize = 1_000;

    /// Sorts routes into a table.
    ///
    /// # Errors
    /// [`RouteError::Ambiguous`] if two take the same requests and neither is more specific.
    pub fn new(routes: Vec<Route>) -> Result<Self, RouteError> {
        if routes.len() > Self::ROUTES_MAX {
            return Err(RouteError::Many);
        }
        let mut order: Vec<(usize, Route)> = routes.into_iter().enumerate().collect();
        order.sort_by(|(_, one), (_, other)| {
            rank::most_specific_first(one, other).then_with(|| one.path.as_str().cmp(other.path.as_str()))
        });
        for (at, (index, route)) in order.iter().enumerate() {
            // Those of the same rank stand side by side.
            let same = order[at + 1..].iter().take_while(|(_, other)| rank::most_specific_first(route, other).is_eq());
            for (other_index, other) in same {
                if rank::are_ambiguous(route, other) {
                    let (first, second) = if index < other_index { (route, other) } else { (other, route) };
                    return Err(RouteError::Ambiguous {
                        first: first.name.to_string(),
                        second: second.name.to_string(),
                        index: *index.max(other_index),
                    });
                }
            }
        }
        let mut routes: Vec<Arc<Route>> = order.into_iter().map(|(_, route)| Arc::new(route)).collect();
        let mut counted = HashMap::new();
        continue_counting_with(&mut routes, &mut counted);
        let first_of = |route: &Route| match route.path.segments.first() {
            Some(Segment::Fixed(text)) => Some(text.clone()),
            Some(Segment::Parameter(_)) | None => None,
        };
        let mut by_first: HashMap<Box<str>, Vec<usize>> =
            routes.iter().filter_map(|route| first_of(route)).map(|first| (first, Vec::new())).collect();
        let mut of_any = Vec::new();
        for (index, route) in routes.iter().enumerate() {
            match first_of(route) {
                Some(first) => by_first.entry(first).or_default().push(index),
                None => {
                    of_any.push(index);
                    by_first.values_mut().for_each(|indexes| indexes.push(index));
                }
            }
        }
        Ok(Self { routes, by_first, of_any })
    }

    /// The most specific route that takes a request, and what the path has in place of its parameters. What services
    /// offer their operators under `/admin` is reached at their own addresses, or by a route that names it, and not by
    /// one that takes whatever comes.
    ///
    /// # Errors
    /// [`NotFound`] says why there is none.
    pub fn find(&self, asked: Asked<'_>) -> Result<(&Arc<Route>, Captures), NotFound> {
        if has_dot_segment(asked.path) {
            return Err(NotFound::DotSegment);
        }
        let segments = Segments::of(asked.path);
        let indexes = segments.first().and_then(|first| self.by_first.get(first)).unwrap_or(&self.of_any);
        let for_operators = is_for_operators(asked.path);
        let mut others: Vec<Method> = Vec::new();
        for route in indexes.iter().filter_map(|index| self.routes.get(*index)) {
            let names_first = matches!(route.path.segments.first(), Some(Segment::Fixed(_)));
            if (for_operators && !names_first)
                || !route.path.fits(&segments)
                || !route.takes_host(asked.host)
                || !route.headers.iter().all(|header| header.holds(asked.headers))
            {
                continue;
            }
            if route.takes_method(asked.method) {
                return Ok((route, route.path.captures(&segments)));
            }
            others.extend(route.methods.iter().filter(|method| !others.contains(method)).cloned().collect::<Vec<_>>());
        }
        Err(if others.is_empty() { NotFound::NoRoute } else { NotFound::OtherMethods(others) })
    }

    /// Goes on counting where the routes of the same name in another table are.
    pub(crate) fn continue_counting(&mut self, before: &Self) {
        let mut counted: HashMap<Counted, Arc<RouteCounts>> =
            before.routes.iter().map(|route| (counted_as(route), Arc::clone(&route.counts))).collect();
        continue_counting_with(&mut self.routes, &mut counted);
        let counted = before.routes.iter().filter_map(|route| Some((&*route.name, route.policies.rate.as_ref()?)));
        let counted: HashMap<&str, &RateLimit> = counted.collect();
        for route in &mut self.routes {
            if let (Some(rate), Some(before)) = (&route.policies.rate, counted.get(&*route.name)) {
                let rate = Some(rate.continuing(before));
                let policies = Policies { rate, ..(*route.policies).clone() };
                Arc::make_mut(route).policies = Arc::new(policies);
            }
        }
    }

    /// The routes, the most specific first.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }
}

/// A route's name, and where it leads.
type Counted = (Arc<str>, Arc<str>);

fn counted_as(route: &Route) -> Counted {
    (Arc::clone(&route.name), Arc::clone(route.to.service()))
}

/// Routes of one name that lead to one service are counted together, and on where they were counted before.
fn continue_counting_with(routes: &mut [Arc<Route>], counted: &mut HashMap<Counted, Arc<RouteCounts>>) {
    for route in routes {
        match counted.get(&counted_as(route)) {
            Some(counts) if counts.fit(&route.counts) => Arc::make_mut(route).counts = Arc::clone(counts),
            _ => drop(counted.insert(counted_as(route), own_counts(route))),
        }
    }
}

/// A route that is cloned into another plan counts for itself there, until it is told what to go on with.
fn own_counts(route: &mut Arc<Route>) -> Arc<RouteCounts> {
    let counts = Arc::new(RouteCounts::new(Some(&route.to)));
    Arc::make_mut(route).counts = Arc::clone(&counts);
    counts
}

/// Whether a path lies under `/admin`, as lenient services read paths too.
fn is_for_operators(path: &str) -> bool {
    let Some(first) = path.split(['/', '\\']).find(|segment| !segment.is_empty()) else { return false };
    let (mut rest, mut plain) = (first.as_bytes(), Vec::new());
    while let [byte, after @ ..] = rest {
        let code = if *byte == b'%' { after.get(..2).and_then(|code| std::str::from_utf8(code).ok()) } else { None };
        let decoded = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        plain.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    plain.eq_ignore_ascii_case(b"admin")
}
