//! Asking the shop's APIs beside the browser, to check what the browser shows.

use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The JSON at a URL; anything but 200 is an error.
pub(crate) async fn get_json(url: &str) -> anyhow::Result<Value> {
    send(Request::get(url).body(Full::default())?).await
}

/// What a URL answers to some JSON; anything but 200 is an error.
pub(crate) async fn post_json(url: &str, body: &Value) -> anyhow::Result<Value> {
    let json = Full::from(body.to_string());
    send(Request::post(url).header("content-type", "application/json").body(json)?).await
}

/// What a URL answers to a command under a key, whatever it is.
pub(crate) async fn post_keyed(url: &str, key: &str, body: &Value) -> anyhow::Result<(StatusCode, String)> {
    let request = Request::post(url).header("content-type", "application/json").header("idempotency-key", key);
    let (status, body) = ask(request.body(Full::from(body.to_string()))?).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

async fn send(request: Request<Full<Bytes>>) -> anyhow::Result<Value> {
    let url = request.uri().clone();
    let (status, body) = ask(request).await?;
    ensure!(status == StatusCode::OK, "{url} answered {status}: {}", String::from_utf8_lossy(&body));
    Ok(serde_json::from_slice(&body)?)
}

async fn ask(request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = request.uri().clone();
    let asked = async {
        let response = client.request(request).await?;
        let status = response.status();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.with_context(|| format!("{url} did not answer"))?
}

/// The JSON at a URL as soon as it satisfies a condition.
pub(crate) async fn wait_for(url: &str, within: Duration, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let end = tokio::time::Instant::now() + within;
    loop {
        let answer = get_json(url).await;
        match answer {
            Ok(value) if holds(&value) => return Ok(value),
            last if tokio::time::Instant::now() > end => {
                anyhow::bail!("{url} never came to what was waited for; at last: {last:?}")
            }
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}
