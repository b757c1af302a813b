//! On to a service, and its answer back, streamed both ways.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::Full;

use super::{OnItsWay, Proxy};
use crate::body::{Passing, ResponseBody};
use crate::headers::{self, add_via, remove_hop_by_hop};
use crate::policy::sizes::body_too_large;
use crate::policy::{Policies, trace};
use crate::problem::Problem;
use crate::upgrade;
use crate::upstream::{Deadline, RequestBody, Upstream};

impl Proxy {
    pub(super) async fn forward(
        &self,
        mut request: Request<RequestBody>,
        upstream: &Upstream,
        policies: &Policies,
        on_its_way: OnItsWay<'_>,
    ) -> Result<Response<ResponseBody>, Problem> {
        let from_client = hyper::upgrade::on(&mut request);
        let sizes = policies.sizes;
        let (mut parts, body) = request.into_parts();
        headers::prepare_request(&mut parts, on_its_way.client.peer(), on_its_way.request_id);
        trace::pass_on(&mut parts.headers);
        if on_its_way.wants_upgrade {
            upgrade::ask(&mut parts.headers);
        }
        let is_get = matches!(parts.method, Method::GET | Method::HEAD);
        if is_get && !body.is_empty() && !parts.headers.contains_key(header::CONTENT_LENGTH) {
            // Of a GET it is taken for granted that it has no body, unless it says how that is framed.
            parts.headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let deadline = deadline_of(&parts.headers, policies)?;
        let calls = self.calls(Some(policies), upstream);
        let answered = upstream.call(Request::from_parts(parts, body.clone()), deadline, &calls).await;
        let mut response = match (answered, sizes.body_bytes_max) {
            (Err(_), Some(max)) if body.is_too_large() => return Err(body_too_large(max)),
            (answered, _) => answered.map_err(|why| Problem::no_answer(upstream.name(), why))?,
        };

        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switched && on_its_way.wants_upgrade {
            let to_service = hyper::upgrade::on(&mut response);
            let (parts, body) = response.into_parts();
            let client = on_its_way.client.clone();
            upgrade::join(from_client, to_service, client.stop.clone(), (client, body));
            return Ok(Response::from_parts(parts, ResponseBody::Own(Full::default())));
        }
        if switched {
            return Err(Problem::broken(upstream.name()));
        }
        if !sizes.takes_answer(response.headers()) {
            return Err(Problem::headers_too_large(upstream.name()));
        }
        make_own(&mut response);
        let until = is_event_stream(response.headers()).then(|| on_its_way.client.stop.clone().cancelled_owned());
        Ok(response.map(|body| ResponseBody::Passing(Passing::new(body.into(), until, on_its_way.in_flight))))
    }
}

/// Until when the head of an answer must be there: by the client's word and the route's, whichever is sooner.
///
/// # Errors
/// 400 for a deadline that is no time.
pub(super) fn deadline_of(headers: &HeaderMap, policies: &Policies) -> Result<Deadline, Problem> {
    let clients =
        Deadline::of(headers).map_err(|error| Problem::refused(StatusCode::BAD_REQUEST, &error.to_string()))?;
    Ok(policies.deadline.map_or(clients, |within| clients.or_sooner(Deadline::after(within))))
}

/// Makes a service's answer one of the gateway's own.
pub(super) fn make_own<B>(response: &mut Response<B>) {
    remove_hop_by_hop(response.headers_mut());
    let received_as = response.version();
    add_via(response.headers_mut(), received_as);
    *response.version_mut() = Version::HTTP_11;
}

pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
}
