//! Any bytes from a client: what the gateway passes on of them is whole requests, each with one end, and a strict reader
//! sees as many of them as the gateway did: `cargo +nightly fuzz run framing`.

#![no_main]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tradewind_gateway::fuzzing;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

type Passed = Arc<Mutex<Vec<(Parts, Bytes)>>>;

/// What the gateway's server makes of bytes, as far as it is not refused.
async fn heard(bytes: &[u8]) -> Vec<(Parts, Bytes)> {
    let passed: Passed = Arc::default();
    let (mut client, server) = tokio::io::duplex(bytes.len() + 64);
    let told = Arc::clone(&passed);
    let service = service_fn(move |request: Request<Incoming>| {
        let told = Arc::clone(&told);
        async move {
            let (parts, body) = request.into_parts();
            let is_refused = fuzzing::is_refused(&parts.method, parts.version, &parts.uri, &parts.headers);
            if let Ok(body) = body.collect().await
                && !is_refused
            {
                told.lock().expect("nobody has panicked").push((parts, body.to_bytes()));
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let talking = async {
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let mut answers = Vec::new();
        let _ = client.read_to_end(&mut answers).await;
    };
    let both = async { tokio::join!(serving, talking) };
    let _ = tokio::time::timeout(Duration::from_secs(5), both).await.expect("it ends with its client");
    Arc::try_unwrap(passed).map(|passed| passed.into_inner().expect("nobody has panicked")).unwrap_or_default()
}

/// The bytes by which a request goes to the service.
async fn sent(mut parts: Parts, body: Bytes) -> Option<Vec<u8>> {
    let (ours, mut its) = tokio::io::duplex(1 << 20);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.ok()?;
    let address: SocketAddr = "192.0.2.1:80".parse().expect("an address");
    fuzzing::prepare(&mut parts, address.ip(), &[]);
    let target = parts.uri.path_and_query().cloned()?;
    parts.uri = target.into();
    let request = Request::from_parts(parts, Full::new(body));
    let sending = async {
        let sending = sender.send_request(request);
        let _ = tokio::time::timeout(Duration::from_millis(1), sending).await;
    };
    let _ = tokio::time::timeout(Duration::from_millis(2), async { tokio::join!(sending, connection) }).await;
    drop(sender);
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(Duration::from_millis(2), its.read_to_end(&mut bytes)).await;
    Some(bytes)
}

/// Reads one request as strictly as the RFC allows, and gives its body and what stands behind it.
fn read(bytes: &[u8]) -> (String, Vec<u8>, &[u8]) {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head has an end");
    let (head, mut rest) = (&bytes[..end], &bytes[end + 4..]);
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = String::from_utf8(lines.next().expect("a first line").to_vec()).expect("a target is ASCII");
    assert_eq!(first.split(' ').count(), 3, "{first:?}");
    let (mut length, mut chunked) = (None, false);
    for line in lines {
        assert!(!line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{line:?}");
        let colon = line.iter().position(|byte| *byte == b':').expect("a name and a value");
        let (name, value) = (line[..colon].to_ascii_lowercase(), line[colon + 1..].trim_ascii());
        assert!(!name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':'), "{name:?}");
        match &name[..] {
            b"content-length" => {
                assert!(length.is_none() && value.iter().all(u8::is_ascii_digit), "one length, of digits");
                length = std::str::from_utf8(value).ok().and_then(|value| value.parse::<usize>().ok());
                assert!(length.is_some());
            }
            b"transfer-encoding" => {
                assert!(!chunked && value.eq_ignore_ascii_case(b"chunked"), "{value:?}");
                chunked = true;
            }
            _ => {}
        }
    }
    assert!(!(chunked && length.is_some()), "two ends");
    let mut body = Vec::new();
    if chunked {
        loop {
            let end = rest.windows(2).position(|window| window == b"\r\n").expect("a chunk's length");
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).expect("ASCII"), 16).expect("a length");
            rest = &rest[end + 2..];
            body.extend_from_slice(&rest[..size]);
            assert_eq!(&rest[size..size + 2], b"\r\n");
            rest = &rest[size + 2..];
            if size == 0 {
                break;
            }
        }
    } else {
        let length = length.unwrap_or_default();
        body.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
    }
    (first, body, rest)
}

fuzz_target!(|bytes: &[u8]| {
    RUNTIME.block_on(async {
        for (parts, body) in heard(bytes).await {
            let (method, target) = (parts.method.clone(), parts.uri.path_and_query().cloned());
            let Some(bytes) = sent(parts, body.clone()).await.filter(|bytes| !bytes.is_empty()) else { continue };
            let (first, seen, rest) = read(&bytes);
            assert!(rest.is_empty(), "{:?} stands behind a request", String::from_utf8_lossy(rest));
            assert_eq!(seen, body);
            let target = target.map_or_else(|| "/".to_owned(), |target| target.to_string());
            assert_eq!(first, format!("{method} {target} HTTP/1.1"));
        }
    });
});
