//! Settings of a server, and policies of its users, that lose what it has confirmed. They are asked of its management
//! plugin, if that is there.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use tradewind_events::ErrorCode;
use url::Url;

use crate::monitoring;

/// The plugin knows a new queue, and the policy that applies to it, some seconds later.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(5);

/// Tells what may lose messages of a queue.
pub(super) async fn warn(url: Url, port: u16, place: String, queue: String) {
    // Only where the login goes in the clear anyway.
    if url.scheme() != "amqp" {
        return;
    }
    let Some(host) = url.host_str() else { return };
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = if url.username().is_empty() { "guest".to_owned() } else { plain(url.username()) };
    let password = url.password().map_or_else(|| "guest".to_owned(), plain);
    let authorization = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
    let vhost = plain(url.path().trim_start_matches('/'));
    let vhost = if vhost.is_empty() { "/".to_owned() } else { vhost };
    let coded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let path = format!("/api/queues/{}/{}", coded(&vhost), coded(&queue));
    let mut told = None;
    for _ in 0..ATTEMPTS {
        told = monitoring::ask(host, port, &path, Some(&authorization)).await.or(told);
        if told.as_ref().is_some_and(|told| told["effective_policy_definition"].is_object()) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let Some(told) = told else { return };
    let nodes = monitoring::ask(host, port, "/api/nodes", Some(&authorization)).await;
    let nodes = nodes.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
    let code = ErrorCode::UNSAFE_BROKER;
    for weakness in weaknesses(&told, nodes) {
        tracing::warn!(%code, broker = place, queue, "{weakness}");
    }
}

/// What of a queue, as the management plugin tells it, may lose messages; `nodes` is 0 if that is not known.
fn weaknesses(queue: &Value, nodes: usize) -> Vec<String> {
    let mut all = Vec::new();
    let kind = queue["type"].as_str().unwrap_or("classic");
    let members = queue["members"].as_array().map_or(0, Vec::len);
    if kind == "classic" {
        all.push(
            "the queue is a classic one, which confirms what it has not synced, and whose mirrors may lack what was \
             confirmed when they take over. Delete it: it is made anew as what it must be"
                .to_owned(),
        );
    } else if nodes == 1 {
        let power =
            if kind == "stream" { ", and the end of it when its power fails: streams are not synced" } else { "" };
        all.push(format!(
            "RabbitMQ is one node: what it has confirmed is lost with its disk{power}. Use three; followers read what is \
             missing from the feed"
        ));
    } else if members == 1 {
        let grow = if kind == "stream" { "rabbitmq-streams add_replica" } else { "rabbitmq-queues grow" };
        all.push(format!(
            "the queue lies on one of {nodes} nodes: what was confirmed is lost with it. Add members ({grow})"
        ));
    }
    let policy = &queue["effective_policy_definition"];
    let number = |name: &str| policy[name].as_u64();
    if let Some(limit) = number("delivery-limit").filter(|limit| *limit < u64::from(u16::MAX)) {
        all.push(format!(
            "a policy limits deliveries to {limit}: a group whose follower comes back so often without having done \
             anything is forgotten, and begins with what comes then; what it missed is read from the feed. Exempt queues \
             that begin with tradewind."
        ));
    }
    for name in ["message-ttl", "max-length", "max-length-bytes", "expires", "max-age"] {
        let limit = &policy[name];
        if limit.is_number() || limit.is_string() {
            all.push(format!(
                "a policy has {name} = {limit}: what a follower is too slow for is dropped, or its place forgotten, and \
                 read from the feed. Exempt queues that begin with tradewind."
            ));
        }
    }
    if policy["ha-mode"].is_string() && kind == "classic" {
        let lazy = policy["queue-mode"].as_str() == Some("lazy");
        all.push(format!(
            "a policy mirrors the queue{}: mirrors that are not in step may take over",
            if lazy { ", lazily" } else { "" }
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::weaknesses;

    fn told(queue: &serde_json::Value, nodes: usize) -> String {
        weaknesses(queue, nodes).join("\n")
    }

    #[test]
    fn streams_and_quorum_queues_on_three_nodes_are_safe() {
        for kind in ["quorum", "stream"] {
            let queue = json!({"type": kind, "members": ["a", "b", "c"], "effective_policy_definition": {}});
            assert_eq!(told(&queue, 3), "");
        }
    }

    #[test]
    fn what_loses_messages_is_told() {
        assert!(told(&json!({"type": "quorum", "members": ["a"]}), 1).contains("one node"));
        assert!(told(&json!({"type": "stream", "members": ["a"]}), 1).contains("when its power fails"));
        assert!(told(&json!({"type": "quorum", "members": ["a"]}), 3).contains("one of 3 nodes"));
        assert!(told(&json!({"type": "stream", "members": ["a"]}), 3).contains("add_replica"));
        assert!(told(&json!({"type": "classic"}), 3).contains("classic"));
        let mirrored =
            json!({"type": "classic", "effective_policy_definition": {"ha-mode": "all", "queue-mode": "lazy"}});
        assert!(told(&mirrored, 3).contains("mirrors the queue, lazily"));
        let limited = json!({"type": "quorum", "members": ["a", "b", "c"],
            "effective_policy_definition": {"delivery-limit": 20, "message-ttl": 1000}});
        assert!(
            told(&limited, 3).contains("limits deliveries to 20") && told(&limited, 3).contains("message-ttl = 1000")
        );
    }
}
