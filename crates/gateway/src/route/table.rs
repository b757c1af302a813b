//! All routes, and the one that takes a request.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::metrics::RouteCounts;
use crate::policy::cors;

use super::lenient::{has_dot_segment, is_for_operators};
use super::path::{Segment, Segments};
use super::rank::{self, Ranked};
use super::{Captures, HeaderMatch, HostPattern, Route, RouteError, limits};

/// All routes, the most specific first.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    routes: Vec<Arc<Route>>,
    /// By a path's first segment, the places that may take it, and those that take any.
    by_first: HashMap<Box<str>, Vec<Place>>,
    of_any: Vec<Place>,
}

/// Where a route stands among the others: for each of its hosts, or for any, since it may be the most specific one for one
/// host and not for another.
#[derive(Debug, Clone, Copy)]
struct Place {
    route: usize,
    /// Which of its hosts; none if it takes any.
    host: Option<usize>,
}

impl Place {
    fn host_of(self, route: &Route) -> Option<&HostPattern> {
        self.host.and_then(|host| route.hosts.get(host))
    }
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
        let mut order: Vec<Place> = Vec::new();
        for (route, its) in routes.iter().enumerate() {
            order.extend((0..its.hosts.len()).map(|host| Place { route, host: Some(host) }));
            order.extend(its.hosts.is_empty().then_some(Place { route, host: None }));
        }
        let ranked = |place: &Place| Ranked { route: &routes[place.route], host: place.host_of(&routes[place.route]) };
        order.sort_by(|one, other| {
            let by_path = || routes[one.route].path.as_str().cmp(routes[other.route].path.as_str());
            rank::most_specific_first(ranked(one), ranked(other)).then_with(by_path)
        });
        for (at, one) in order.iter().enumerate() {
            // Those of the same rank stand side by side.
            let is_same = |other: &&Place| rank::most_specific_first(ranked(one), ranked(other)).is_eq();
            for other in order[at + 1..].iter().take_while(is_same).filter(|other| other.route != one.route) {
                if rank::are_ambiguous(ranked(one), ranked(other)) {
                    let (first, second) = (one.route.min(other.route), one.route.max(other.route));
                    return Err(RouteError::Ambiguous {
                        first: routes[first].name.to_string(),
                        second: routes[second].name.to_string(),
                        index: second,
                    });
                }
            }
        }
        Ok(Self::in_order(routes, order))
    }

    /// Of routes, and their places, the most specific first. The routes stand where the first of their places is.
    fn in_order(routes: Vec<Route>, order: Vec<Place>) -> Self {
        let mut moved: Vec<Option<usize>> = vec![None; routes.len()];
        let mut given: Vec<Option<Route>> = routes.into_iter().map(Some).collect();
        let (mut routes, mut places) = (Vec::new(), Vec::new());
        for Place { route, host } in order {
            if let Some(route) = given[route].take() {
                routes.push(Arc::new(route));
            }
            let route = *moved[route].get_or_insert(routes.len() - 1);
            places.push(Place { route, host });
        }
        continue_counting_with(&mut routes, &mut HashMap::new());
        let first_of = |place: &Place| match routes[place.route].path.segments.first() {
            Some(Segment::Fixed(text)) => Some(text.clone()),
            Some(Segment::Parameter(_)) | None => None,
        };
        let mut by_first: HashMap<Box<str>, Vec<Place>> =
            places.iter().filter_map(first_of).map(|first| (first, Vec::new())).collect();
        let mut of_any = Vec::new();
        for place in places {
            match first_of(&place) {
                Some(first) => by_first.entry(first).or_default().push(place),
                None => {
                    of_any.push(place);
                    by_first.values_mut().for_each(|places| places.push(place));
                }
            }
        }
        Self { routes, by_first, of_any }
    }

    /// The most specific route that takes a request, or, of a browser's question whether a page may make one, that takes
    /// what it asks about and says whose pages may; and what the path has in place of its parameters. What services
    /// offer their operators under `/admin` is reached at their own addresses, or by a route that names it, and not by
    /// one that takes whatever comes.
    ///
    /// # Errors
    /// [`NotFound`] says why there is none.
    pub fn find(&self, asked: Asked<'_>) -> Result<(&Arc<Route>, Captures), NotFound> {
        match self.find_asked_about(asked) {
            Some(found) => Ok(found),
            None => self.find_by(asked, |header| header.holds(asked.headers)),
        }
    }

    /// The route of what a browser asks about. The question does not have that one's headers: some it names, and of others
    /// it says nothing, so that they are counted as there if no route is found without. What they say is not known.
    fn find_asked_about(&self, asked: Asked<'_>) -> Option<(&Arc<Route>, Captures)> {
        let method = cors::asked_method(asked.method, asked.headers)?;
        [false, true].into_iter().find_map(|with_unnamed| {
            let found = self.find_by(Asked { method: &method, ..asked }, |header| {
                header.holds(asked.headers)
                    || cors::names(asked.headers, header.name())
                    || (with_unnamed && cors::is_never_named(header.name()))
            });
            found.ok().filter(|(route, _)| route.policies.cors.is_some())
        })
    }

    /// The most specific route that takes a request whose headers are as it wishes by this.
    fn find_by(
        &self,
        asked: Asked<'_>,
        holds: impl Fn(&HeaderMatch) -> bool,
    ) -> Result<(&Arc<Route>, Captures), NotFound> {
        if has_dot_segment(asked.path) {
            return Err(NotFound::DotSegment);
        }
        let segments = Segments::of(asked.path);
        let places = segments.first().and_then(|first| self.by_first.get(first)).unwrap_or(&self.of_any);
        let for_operators = is_for_operators(asked.path);
        let mut others: Vec<Method> = Vec::new();
        for place in places {
            let Some(route) = self.routes.get(place.route) else { continue };
            let names_first = matches!(route.path.segments.first(), Some(Segment::Fixed(_)));
            if (for_operators && !names_first)
                || !route.path.fits(&segments)
                || !place.host_of(route).is_none_or(|host| asked.host.is_some_and(|asked| host.covers(asked)))
                || !route.headers.iter().all(&holds)
            {
                continue;
            }
            if route.takes_method(asked.method) {
                return Ok((route, route.path.captures(&segments)));
            }
            let taken = if route.methods.is_empty() { &USUAL[..] } else { &route.methods };
            others.extend(taken.iter().filter(|method| !others.contains(method)).cloned().collect::<Vec<_>>());
        }
        Err(if others.is_empty() { NotFound::NoRoute } else { NotFound::OtherMethods(others) })
    }

    /// Goes on counting where the routes of the same name in another table are, and the same limits.
    pub(crate) fn continue_counting(&mut self, before: &Self) {
        let mut counted: HashMap<Counted, Arc<RouteCounts>> =
            before.routes.iter().map(|route| (counted_as(route), Arc::clone(&route.counts))).collect();
        continue_counting_with(&mut self.routes, &mut counted);
        limits::continue_counting(&mut self.routes, &before.routes);
    }

    /// The routes, the most specific first.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }
}

/// What a route takes that names no methods, as far as clients can be told.
const USUAL: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

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
