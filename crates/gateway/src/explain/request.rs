//! What becomes of one request, as far as its head decides it: by the same steps, in the same order, as where it is
//! answered ([`crate::proxy`]).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::{Request, StatusCode, Version, header};
use tradewind_events::ErrorCode;

use crate::forwarded::{Client, disbelieve};
use crate::headers::is_for_us;
use crate::policy::{cors, framing};
use crate::problem::Problem;
use crate::proxy::Routed;
use crate::route::{OWN_PREFIX, covers};
use crate::upgrade::leave_to_routes;
use crate::{Captures, Plan, Route};

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Explained {
    /// The gateway answers it itself, whatever routes there are.
    Own,
    /// It is answered with an error, and no service is asked.
    Refused(Refused),
    /// It only asks what may be asked, and is answered by this route's policies with 204.
    ByPolicies(Arc<Route>),
    /// A route takes it.
    Routed {
        /// The route.
        route: Arc<Route>,
        /// What the path has in place of the route's parameters.
        captures: Captures,
        /// The path and query that its service is asked for; of what is composed, those of the request.
        target: String,
    },
}

/// An error that the gateway answers with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is {}: {detail}", status.as_u16())]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// The code.
    pub code: ErrorCode,
    /// Why.
    pub detail: String,
}

impl From<Problem> for Refused {
    fn from(Problem { status, code, detail, .. }: Problem) -> Self {
        Self { status, code, detail }
    }
}

impl Plan {
    /// What becomes of a request of which this is the head, from a client that is no trusted proxy, over TLS or not;
    /// without a host, what becomes of one that asks for a host of which no route knows. Whether its route's limits,
    /// rates and rules let it through is not looked at: they are the route's policies.
    #[must_use]
    pub fn explain(self: Arc<Self>, mut request: Request<()>, over_tls: bool) -> Explained {
        let names_host = request.headers().contains_key(header::HOST);
        let version = if names_host { request.version() } else { Version::HTTP_10 };
        let framed = framing::check(request.method(), version, request.uri(), request.headers());
        if covers(OWN_PREFIX, request.uri().path()) {
            return framed.map_or_else(|problem| Explained::Refused(problem.into()), |()| Explained::Own);
        }
        leave_to_routes(&mut request);
        disbelieve(request.headers_mut(), Client { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), over_tls });
        let routed = framed.and_then(|()| Routed::find(self, &request));
        request.headers_mut().remove(header::UPGRADE);
        let routed = match routed {
            Ok(routed) => routed,
            Err(problem) => return Explained::Refused(problem.into()),
        };
        let asks_pages =
            routed.route.policies.cors.is_some() && cors::asked_method(request.method(), request.headers()).is_some();
        if asks_pages || is_for_us(request.method(), request.headers()) {
            return Explained::ByPolicies(routed.route);
        }
        match routed.rewrite(request.uri_mut()) {
            Ok(()) => {
                let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
                let Routed { route, captures, .. } = routed;
                Explained::Routed { route, captures, target }
            }
            Err(problem) => Explained::Refused(problem.into()),
        }
    }
}
