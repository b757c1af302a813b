//! Settings of a server, its streams and their consumers, that may lose messages.

use std::error::Error;

use async_nats::Client;
use async_nats::jetstream::consumer::{self, AckPolicy};
use async_nats::jetstream::stream::{self, PersistenceMode, StorageType};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::{Nats, VERSION_MIN, older, refused_or_away, within};
use crate::{BrokerError, monitoring};

/// How many streams are looked at, and how many consumers of each.
const STREAMS_MAX: usize = 256;
const CONSUMERS_MAX: usize = 256;

impl Nats {
    /// What of a server itself may lose what it has confirmed.
    pub(super) async fn doubts_of_server(&self, client: &Client) -> Vec<String> {
        let (server, mut doubts) = (client.server_info(), Vec::new());
        if older(&server.version, VERSION_MIN) {
            let ((major, minor), version) = (VERSION_MIN, &server.version);
            doubts.push(format!(
                "this NATS server has version {version}, older than {major}.{minor}: in a cluster two writers may both \
                 win the same sequence; use a newer one"
            ));
        }
        if self.options.replicas == 1 {
            // The server itself says how often it syncs only to its monitoring and to its operator's account.
            let host = self.servers.first().map_or(server.host.as_str(), |address| address.host());
            let told = monitoring::ask(host, self.options.nats_monitoring_port, "/jsz", None).await;
            // Another server may listen there.
            let told = told.filter(|told| told["server_id"] == server.server_id.as_str());
            if let Some(weakness) = syncing(told.as_ref()) {
                doubts.push(format!(
                    "the topic lies on one NATS server, which confirms what it has not yet synced, {weakness}: a power \
                     failure may lose the newest events; followers then read them from the feed"
                ));
            }
        }
        doubts
    }

    /// The same, and what of all its streams and consumers may.
    pub(super) async fn look_for_doubts(&self) -> Result<Vec<String>, BrokerError> {
        let client = self.client().await?;
        let mut doubts = self.doubts_of_server(&client).await;
        let context = self.jetstream().await?;
        let looking = async {
            let mut streams = context.streams();
            for _ in 0..STREAMS_MAX {
                let Some(info) = streams.try_next().await.map_err(|error| asked(&error))? else { break };
                doubts.extend(of_stream(&info.config));
                let stream = context.get_stream(&info.config.name).await.map_err(|error| asked(&error))?;
                let mut consumers = stream.consumers();
                for _ in 0..CONSUMERS_MAX {
                    let Some(info) = consumers.try_next().await.map_err(|error| asked(&error))? else { break };
                    doubts.extend(of_consumer(&info));
                }
            }
            Ok(doubts)
        };
        within(self.options.answer_within, looking).await?
    }
}

/// How seldom a server syncs, by what its monitoring tells; none if it does with every message.
fn syncing(told: Option<&Value>) -> Option<String> {
    let Some(told) = told else { return Some("unless its configuration says `sync_interval: always`".to_owned()) };
    let config = &told["config"];
    if config["sync_always"] == true {
        return None;
    }
    let seconds = config["sync_interval"].as_u64().unwrap_or(0) / 1_000_000_000;
    Some(format!("and syncs every {seconds} s"))
}

fn asked(error: &(dyn Error + 'static)) -> BrokerError {
    refused_or_away(error)
}

fn of_stream(config: &stream::Config) -> Vec<String> {
    let (name, mut doubts) = (&config.name, Vec::new());
    if config.storage == StorageType::Memory {
        doubts.push(format!("the stream {name} is kept in memory only: a restart loses it"));
    }
    if config.persist_mode == Some(PersistenceMode::Async) {
        doubts.push(format!("the stream {name} confirms what it has not yet written (persist_mode async)"));
    }
    doubts
}

fn of_consumer(info: &consumer::Info) -> Vec<String> {
    let (name, stream, mut doubts) = (&info.name, &info.stream_name, Vec::new());
    if info.config.ack_policy == AckPolicy::None {
        doubts.push(format!(
            "the consumer {name} of stream {stream} needs no acknowledgement (ack none): what is lost on its way, or \
             where it is handled, does not come again"
        ));
    }
    if info.config.max_deliver > 0 {
        doubts.push(format!(
            "the consumer {name} of stream {stream} gives a message up after {} deliveries (max_deliver)",
            info.config.max_deliver
        ));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_syncs_every_message_is_safe() {
        use serde_json::json;
        assert_eq!(
            syncing(Some(&json!({"config": {"sync_interval": 120_000_000_000_u64, "sync_always": true}}))),
            None
        );
        let lazy = syncing(Some(&json!({"config": {"sync_interval": 120_000_000_000_u64}}))).unwrap();
        assert!(lazy.contains("every 120 s"));
        assert!(syncing(None).unwrap().contains("unless"));
    }
}
