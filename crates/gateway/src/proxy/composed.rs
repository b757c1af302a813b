//! Answers composed of those of several services.

use std::hash::{BuildHasher, RandomState};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};
use tradewind_http::ClientBody;

use super::as_of;
use super::asking::{Asking, CREDENTIALS, passed_on};
use super::forward::deadline_of;
use super::positions::Asked;
use super::refusals::Refusals;
use super::{OnItsWay, Proxy, Routed};
use crate::body::ResponseBody;
use crate::cache::{Directives, is_known_to};
use crate::compose::{self, Failed};
use crate::composing::Composing;
use crate::headers::{self, join_cookies};
use crate::policy::trace;
use crate::problem::Problem;
use crate::upstream::Deadline;

/// How much longer the whole is waited for than its calls: what they have brought has to be put together.
const GRACE: std::time::Duration = std::time::Duration::from_millis(250);

/// What tells users apart in the cache without keeping what they are known by: two keyed hashes, of which nobody outside
/// knows the keys.
#[derive(Debug, Default)]
pub(super) struct Whose([RandomState; 2]);

impl Proxy {
    /// Asks the services of a composition and answers with what is selected from them.
    pub(super) async fn compose(
        &self,
        request: Request<ClientBody>,
        composing: &Composing,
        routed: &Routed,
        on_its_way: OnItsWay<'_>,
    ) -> Result<Response<ResponseBody>, Problem> {
        let plan = routed.plan.as_deref();
        let (mut head, _) = request.into_parts();
        let life = plan.and_then(|plan| plan.own_writes).map(|_| &*self.options.life);
        let asked = Asked::take(&mut head.headers, None, life)?;
        let within = Deadline::after(composing.timeout);
        let within = deadline_of(&head.headers, &routed.route.policies)?.or_sooner(within);
        let deadline = within.at().unwrap_or_else(|| Instant::now() + composing.timeout);
        let parameters = Composing::parameters(&routed.captures, head.uri.query().unwrap_or_default());
        as_of::settle(&mut head.headers, &parameters, &composing.composed)?;
        join_cookies(&mut head.headers);
        headers::prepare_request(&mut head, on_its_way.client.peer(), on_its_way.request_id);
        trace::pass_on(&mut head.headers);
        let passed = passed_on(&head.headers, composing.credentials);
        let whose = composing.credentials.then(|| self.whose.tell(&passed)).flatten();
        let asking = Asking {
            composing,
            counts: &routed.route.counts,
            cache: plan.and_then(|plan| plan.cache.as_ref()),
            asked: &asked,
            within,
            proxy: self,
            host: passed.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
            whose: whose.as_deref(),
            is_authorized: head.headers.contains_key(header::AUTHORIZATION),
            only_stored: heeds_clients(composing) && Directives::of_request(&passed).only_if_cached,
            refusals: Refusals::default(),
        };
        let wanted = compose::Request { parameters: &parameters, headers: &passed, deadline };
        let answered = timeout_at(deadline + GRACE, composing.composed.answer(&wanted, &asking)).await;
        let answer = answered.map_err(|_| Problem::not_composed_in_time(&composing.name))?;
        let answer = answer.map_err(|why| {
            if let compose::Unanswered::Call { call, .. } = &why {
                routed.route.counts.failed(call);
            }
            not_composed(&why, &asking.refusals)
        })?;
        routed.route.counts.composed(&answer.fragments);
        let mut response = Response::new(ResponseBody::Own(Full::new(answer.body)));
        *response.headers_mut() = answer.headers;
        if composing.credentials {
            tell_that_it_depends_on_who_asks(response.headers_mut());
        }
        if is_known_to(&head.headers, response.headers()) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = ResponseBody::Own(Full::default());
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        Ok(response)
    }
}

/// Services get to see who asks, so that what somebody was told, or nobody in particular, is no answer for others
/// (RFC 9110 §12.5.5).
fn tell_that_it_depends_on_who_asks(headers: &mut HeaderMap) {
    // The parts' own, in lower case and one line.
    let told = headers.get(header::VARY).and_then(|vary| vary.to_str().ok()).unwrap_or_default().to_owned();
    let mut names: Vec<&str> = told.split(", ").filter(|name| !name.is_empty()).collect();
    for name in CREDENTIALS {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    // They are names that came in a header, and our own.
    if let Ok(vary) = HeaderValue::try_from(names.join(", ")) {
        headers.insert(header::VARY, vary);
    }
}

impl Whose {
    /// What stands for the credentials in a request; nothing if it has none.
    fn tell(&self, request: &HeaderMap) -> Option<String> {
        let told: Vec<(&str, &[u8])> =
            CREDENTIALS.iter().filter_map(|name| Some((*name, request.get(*name)?.as_bytes()))).collect();
        let [one, other] = &self.0;
        (!told.is_empty()).then(|| format!("{:016x}{:016x}", one.hash_one(&told), other.hash_one(&told)))
    }
}

/// Whether what clients say of caches counts for some of the calls that are made, and so for the whole.
fn heeds_clients(composing: &Composing) -> bool {
    let mut rules = composing.composed.call_names().filter_map(|name| composing.call(name)?.cache.as_ref());
    rules.any(|policy| policy.heeds_clients)
}

fn not_composed(why: &compose::Unanswered, refusals: &Refusals) -> Problem {
    let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    match why {
        compose::Unanswered::Parameter { name } => Problem::bad_parameter(name),
        compose::Unanswered::Call { failed: Failed::NotCached, .. } => {
            Problem { detail: why.to_string(), ..Problem::not_cached() }
        }
        compose::Unanswered::Call { call, failed: Failed::Status(said), .. } => {
            Problem { headers: refusals.said(call, *said), ..Problem::not_composed(status, &why.to_string()) }
        }
        // To ask again makes no difference.
        compose::Unanswered::Call { failed: Failed::Timeless, .. } => Problem::not_composed(status, &why.to_string()),
        compose::Unanswered::Call { .. } => {
            Problem { retry_after: Some(1), ..Problem::not_composed(status, &why.to_string()) }
        }
    }
}
