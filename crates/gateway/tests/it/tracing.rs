//! One trace and one id for all that a request brings about, and a span for each call.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tradewind_gateway::{CallPolicy, Hedge, Limits, Policies, Route, RouteTable, Upstream};

use crate::calling::{OK, policy};
use crate::{Peer, gateway_before, service, status_of};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The heads of all requests that a service has heard.
type Heard = Arc<Mutex<Vec<String>>>;

/// Says 503 to the first request, or nothing, and 200 to the others.
async fn troubled(slow: bool, heard: &Heard) -> SocketAddr {
    let kept = Arc::clone(heard);
    let script = move |mut peer: Peer, _| {
        let heard = Arc::clone(&kept);
        async move {
            loop {
                let head = peer.hear_head().await;
                let number = {
                    let mut heard = heard.lock().unwrap();
                    heard.push(head);
                    heard.len()
                };
                match (number, slow) {
                    (1, true) => return drop(peer.hear_rest().await),
                    (1, false) => peer.say("HTTP/1.1 503 Tired\r\ncontent-length: 0\r\n\r\n").await,
                    _ => peer.say(OK).await,
                }
            }
        }
    };
    service(script).await.0
}

fn value<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_else(|| panic!("no {name}: {head}"))
}

/// Asks once, and looks at what the service has heard, which is two calls.
async fn asked(addresses: &[SocketAddr], heard: &Heard, calls: CallPolicy) {
    let mut route = Route::new("/", Upstream::new("test", addresses.iter().copied())).unwrap();
    route.policies = Arc::new(Policies { calls: Some(Arc::new(calls)), ..Policies::default() });
    let gateway = gateway_before(RouteTable::new(vec![route]).unwrap(), Limits::default()).await;
    let mut peer = Peer::connect(gateway.address).await;
    let parent = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\nx-request-id: mine-1");
    peer.say(&format!("GET /x HTTP/1.1\r\nhost: a\r\n{parent}\r\nconnection: close\r\n\r\n")).await;
    let answer = peer.hear_rest().await;
    assert_eq!(status_of(&answer), 200, "{answer}");
    assert!(answer.contains("x-request-id: mine-1"), "{answer}");
    let heads = heard.lock().unwrap().clone();
    assert_eq!(heads.len(), 2, "{heads:?}");
    let mut spans = BTreeSet::from([SPAN.to_owned()]);
    for head in &heads {
        assert_eq!(value(head, "x-request-id"), "mine-1");
        let parts: Vec<&str> = value(head, "traceparent").split('-').collect();
        assert_eq!((parts[0], parts[1], parts[3]), ("00", TRACE, "01"), "{head}");
        spans.insert(parts[2].to_owned());
    }
    assert_eq!(spans.len(), 3, "each call has a span of its own, and none is the client's: {spans:?}");
}

#[tokio::test]
async fn a_request_that_is_sent_again_keeps_its_id_and_trace_and_gets_another_span() {
    let heard = Heard::default();
    let address = troubled(false, &heard).await;
    asked(&[address], &heard, policy()).await;
}

#[tokio::test]
async fn so_does_one_that_two_instances_are_asked() {
    let heard = Heard::default();
    let addresses = [troubled(true, &heard).await, troubled(true, &heard).await];
    let hedge = Some(Hedge::After(Duration::from_millis(20)));
    asked(&addresses, &heard, CallPolicy { hedge, try_timeout: Duration::from_secs(5), ..policy() }).await;
}
