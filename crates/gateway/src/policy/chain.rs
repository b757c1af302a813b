//! In which order policies have their say.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use hyper::body::Body;

use super::{Authorizer, Head, Policies, RateKey, auth, compress};
use crate::body::ResponseBody;
use crate::cache::ContentCoding;
use crate::forwarded::Client;
use crate::headers::is_for_us;
use crate::problem::Problem;

/// What policies say of an answer, known when its request came.
pub(crate) struct After {
    policies: Arc<Policies>,
    /// What the request said that matters for the answer.
    request: HeaderMap,
    coding: Option<compress::Coding>,
    is_head: bool,
    is_preflight: bool,
    over_tls: bool,
    /// What is told in any case.
    told: HeaderMap,
}

impl After {
    pub(crate) fn new<B>(policies: &Arc<Policies>, client: Client, request: &Request<B>) -> Self {
        let headers = request.headers();
        let coding = if policies.compress { compress::choose(headers) } else { None };
        let counts = [(header::ORIGIN, policies.cors.is_some()), (header::IF_NONE_MATCH, coding.is_some())];
        let mut said = HeaderMap::new();
        for (name, _) in counts.into_iter().filter(|(_, counts)| *counts) {
            headers.get_all(&name).iter().for_each(|value| _ = said.append(name.clone(), value.clone()));
        }
        Self {
            policies: Arc::clone(policies),
            request: said,
            coding,
            is_head: *request.method() == Method::HEAD,
            is_preflight: false,
            over_tls: client.over_tls,
            told: HeaderMap::new(),
        }
    }

    /// What an answer from the cache is to be packed with, if the client can read that: for
    /// [`Asked::coding`](crate::cache::Asked::coding).
    pub(crate) fn stored_coding(&self) -> Option<&'static dyn ContentCoding> {
        self.coding.map(compress::Coding::for_stored)
    }

    /// Looks at a request before it goes on; an answer, if there is no need to.
    ///
    /// # Errors
    /// What is wrong with it, or with who asks.
    pub(crate) async fn before<B: Body + Sync>(
        &mut self,
        request: &Request<B>,
        client: Client,
        authorizer: Option<&dyn Authorizer>,
    ) -> Result<Option<Response<()>>, Problem> {
        let policies = Arc::clone(&self.policies);
        policies.sizes.check_request(request.headers(), request.body().size_hint().exact())?;
        // A browser asks without who is in front of it, and before it asks for what it is after.
        if let Some(answer) = policies.cors.as_ref().and_then(|cors| cors.preflight(request)) {
            self.is_preflight = true;
            return Ok(Some(answer));
        }
        if is_for_us(request.method(), request.headers()) {
            let mut answer = Response::new(());
            *answer.status_mut() = StatusCode::NO_CONTENT;
            return Ok(Some(answer));
        }
        let mut rate = policies.rate.as_ref();
        // Guessing tokens is asking too, unless who asks is only known by one.
        if let Some(limit) = rate.take_if(|limit| *limit.key() != RateKey::Client) {
            self.count(limit.check(request.headers(), client.address, None))?;
        }
        let identity = match &policies.auth {
            Some(rule) => Some(auth::check(authorizer, Head::of(request), rule).await?),
            None => None,
        };
        if let Some(limit) = rate {
            self.count(limit.check(request.headers(), client.address, identity.as_ref()))?;
        }
        Ok(None)
    }

    fn count(&mut self, (told, counted): (HeaderMap, Result<(), Problem>)) -> Result<(), Problem> {
        self.told.extend(told);
        counted
    }

    /// Does to an answer what the policies say, whoever it is from.
    pub(crate) fn mark(self, mut answer: Response<ResponseBody>) -> Response<ResponseBody> {
        let headers = answer.headers_mut();
        if let Some(cors) = self.policies.cors.as_ref().filter(|_| !self.is_preflight) {
            cors.mark(&self.request, headers);
        }
        if let Some(security) = &self.policies.security {
            security.mark(headers, self.over_tls);
        }
        headers.extend(self.told);
        match self.policies.compress {
            true => compress::apply(self.coding, self.is_head, &self.request, answer),
            false => answer,
        }
    }
}
