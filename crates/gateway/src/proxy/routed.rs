//! Which route a request takes.

use std::sync::Arc;

use http::{Request, StatusCode, Uri, header};

use crate::problem::Problem;
use crate::route::{Unwritable, host_in};
use crate::{Asked, Authorizer, Captures, NotFound, Plan, Route};

/// A request's route, and what its path has in place of the route's parameters.
pub(crate) struct Routed {
    pub(crate) route: Arc<Route>,
    pub(crate) captures: Captures,
    /// The plan that it is of; none for a route that takes all of a listener.
    pub(super) plan: Option<Arc<Plan>>,
}

impl Routed {
    /// By a request that two readers understand alike, and that has nothing of its connection any more but its wish to change
    /// to WebSocket.
    pub(crate) fn find<B>(plan: Arc<Plan>, request: &Request<B>) -> Result<Self, Problem> {
        let (uri, headers) = (request.uri(), request.headers());
        // HTTP/2 carries it in the target, and so does a request to a proxy.
        let in_target = uri.authority().map(http::uri::Authority::as_str);
        let host = in_target.or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
        let asked = Asked { method: request.method(), host: host.map(host_in), path: uri.path(), headers };
        match plan.routes.find(asked).map(|(route, captures)| (Arc::clone(route), captures)) {
            Ok((route, captures)) => Ok(Self { route, captures, plan: Some(plan) }),
            Err(NotFound::DotSegment) => {
                Err(Problem::refused(StatusCode::BAD_REQUEST, "the path has a . or .. segment"))
            }
            Err(NotFound::NoRoute) => Err(Problem::no_route(uri.path())),
            Err(NotFound::OtherMethods(methods)) => Err(Problem::other_methods(&methods)),
        }
    }

    /// Makes a request's target what its service is asked for.
    pub(crate) fn rewrite(&self, target: &mut Uri) -> Result<(), Problem> {
        let Some(rewrite) = &self.route.rewrite else { return Ok(()) };
        rewrite.apply(target, &self.captures).map_err(|why| match why {
            Unwritable::ForOperators => Problem::no_route(target.path()),
            Unwritable::Long => Problem::refused(StatusCode::URI_TOO_LONG, "the service's path would be too long"),
        })
    }

    /// A route that needs no finding, since all goes there.
    pub(super) fn by(route: &Arc<Route>) -> Self {
        Self { route: Arc::clone(route), captures: Captures::default(), plan: None }
    }

    pub(super) fn authorizer(&self) -> Option<&dyn Authorizer> {
        self.plan.as_ref()?.authorizer.as_deref()
    }
}
