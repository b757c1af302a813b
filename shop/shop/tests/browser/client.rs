//! The HTTP client that the WebDriver library is given: hyper's, which the workspace has anyway.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use thirtyfour::error::{WebDriverError, WebDriverResult};
use thirtyfour::session::http::{Body, HttpClient};

/// Speaks to chromedriver.
pub(crate) struct Hyper(Client<HttpConnector, Full<Bytes>>);

impl Hyper {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

// The trait is written with a macro that this crate does without: these are the signatures that it makes.
impl HttpClient for Hyper {
    fn send<'a, 'b, 'f>(
        &'a self,
        request: ::http::Request<Body<'b>>,
    ) -> Answer<'f, WebDriverResult<::http::Response<Bytes>>>
    where
        'a: 'f,
        'b: 'f,
    {
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Empty => Bytes::new(),
            Body::Json(json) => Bytes::from(json.to_string()),
        };
        let request = ::http::Request::from_parts(parts, Full::new(body));
        Box::pin(async move {
            let failed = |error: &dyn std::fmt::Display| WebDriverError::HttpError(error.to_string());
            let response = self.0.request(request).await.map_err(|error| failed(&error))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
            Ok(::http::Response::from_parts(parts, body))
        })
    }

    fn new<'a, 'f>(&'a self) -> Answer<'f, Arc<dyn HttpClient>>
    where
        'a: 'f,
    {
        Box::pin(async { Arc::new(Self::new()) as Arc<dyn HttpClient> })
    }
}
