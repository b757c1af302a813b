//! Where a group is on its topic's stream.
//!
//! Over AMQP the server remembers no place for whoever reads a stream. So the place lies in a small quorum queue of the
//! group's own, as its only message, which a newer one pushes out. It names the last message that has had its effect,
//! by its offset in the stream and by its position in the publisher's log: so whoever comes back finds out whether the
//! stream is still the same.

use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;
use tradewind_events::{ErrorCode, Position};

use super::Link;
use crate::BrokerError;

/// The format, so that a later one can tell.
const FORMAT: u32 = 1;
const PERSISTENT: u8 = 2;
/// A place is written at most so often: what is repeated after a fall is dropped by whoever reads it.
const WRITE_EVERY: Duration = Duration::from_millis(100);
/// How long the place of a group that is there may take to be found: somebody else may be looking at it.
const FOUND_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The last message of a topic that has had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Done {
    /// Where it lies in the stream.
    pub(super) offset: u64,
    /// Where its event stands in the publisher's log.
    pub(super) position: Position,
}

/// How far a group is; nothing is done by one that is to begin with the oldest message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) done: Option<Done>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
}

impl Place {
    fn to_json(self) -> Vec<u8> {
        serde_json::to_vec(&Written { format: FORMAT, done: self.done }).unwrap_or_default()
    }

    fn read(json: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(json).ok()?;
        (written.format == FORMAT).then_some(Self { done: written.done })
    }

    /// What a queue says, which is left as it is. None if it says nothing, as long as nothing was ever written.
    pub(super) async fn find(link: &Link, queue: &str) -> Result<Option<Self>, BrokerError> {
        let link = link.another().await?;
        let (mut found, until) = (None, Instant::now() + FOUND_WITHIN);
        loop {
            let getting = link.channel.basic_get(queue.into(), BasicGetOptions::default());
            match link.within(getting).await? {
                Some(message) => match Self::read(&message.data) {
                    // Two, if one was given back when the next had come.
                    Some(place) => found = found.max(Some(place)),
                    None => {
                        let code = ErrorCode::MALFORMED_MESSAGE;
                        tracing::error!(%code, queue, "what it says of its group's place is not understood");
                    }
                },
                None if found.is_some() || Instant::now() >= until => break,
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        give_back(&link).await?;
        // When this is answered, all is back.
        link.within(link.channel.close(200, "done".into())).await?;
        Ok(found)
    }
}

/// Gives back everything that was got on a channel.
async fn give_back(link: &Link) -> Result<(), BrokerError> {
    const EVERYTHING: u64 = 0;
    let back = BasicNackOptions { multiple: true, requeue: true };
    link.within(link.channel.basic_nack(EVERYTHING, back)).await
}

/// Writes a group's place down, beside the work. Dropped, it writes the last one and ends.
pub(super) struct PlaceKeeper {
    done: watch::Sender<Option<Done>>,
}

/// The channel on which a place is written.
struct Writing {
    link: Link,
    queue: String,
}

impl PlaceKeeper {
    /// Begins with a place that is written at once. The queue is used every `use_every`, so that it does not expire
    /// while its group is there.
    pub(super) async fn begin(
        link: &Link,
        queue: String,
        place: Option<Place>,
        use_every: Duration,
    ) -> Result<Self, BrokerError> {
        let link = link.another().await?;
        link.within(link.channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let writing = Writing { link, queue };
        if let Some(place) = place {
            writing.write(place).await?;
        }
        let (done, seen) = watch::channel(None);
        tokio::spawn(writing.keep(seen, use_every));
        Ok(Self { done })
    }

    /// Everything up to a message has had its effect.
    pub(super) fn keep(&self, done: Done) -> Result<(), BrokerError> {
        let ended = |_| BrokerError::Unavailable("the group's place cannot be written down".to_owned());
        self.done.send(Some(done)).map_err(ended)
    }
}

impl Writing {
    async fn keep(self, mut seen: watch::Receiver<Option<Done>>, use_every: Duration) {
        let outcome = loop {
            let outcome = match tokio::time::timeout(use_every, seen.changed()).await {
                // Nobody has the other end any more, and the last place is written.
                Ok(Err(_)) => break Ok(()),
                Ok(Ok(())) => {
                    let done = *seen.borrow_and_update();
                    self.write(Place { done }).await
                }
                Err(_) => self.touch().await,
            };
            if outcome.is_err() {
                break outcome;
            }
            tokio::time::sleep(WRITE_EVERY).await;
        };
        if let Err(error) = outcome {
            tracing::debug!(queue = self.queue, %error, "a group's place is not written down any more");
        }
        let _ = self.link.within(self.link.channel.close(200, "done".into())).await;
    }

    async fn write(&self, place: Place) -> Result<(), BrokerError> {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let json = place.to_json();
        let sent = self.link.channel.basic_publish("".into(), self.queue.as_str().into(), options, &json, properties);
        let confirmation = self.link.within(async { sent.await?.await }).await?;
        if confirmation.is_ack() && confirmation.take_message().is_none() {
            return Ok(());
        }
        Err(BrokerError::Unavailable("the server did not keep a group's place".to_owned()))
    }

    /// Publishing does not count as using a queue, looking at it does.
    async fn touch(&self) -> Result<(), BrokerError> {
        let getting = self.link.channel.basic_get(self.queue.as_str().into(), BasicGetOptions::default());
        if self.link.within(getting).await?.is_some() {
            give_back(&self.link).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tradewind_events::Position;

    use super::{Done, Place};

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let somewhere = Place { done: Some(Done { offset: 41, position: Position(57) }) };
        for place in [Place::default(), somewhere] {
            assert_eq!(Place::read(&place.to_json()), Some(place));
        }
        assert_eq!(Place::read(br#"{"format":1,"done":{"offset":41,"position":57}}"#), Some(somewhere));
    }

    #[test]
    fn a_place_in_another_format_is_none() {
        for json in [&b""[..], br#"{"format":2}"#, br#"{"done":{"offset":1,"position":1}}"#] {
            assert_eq!(Place::read(json), None);
        }
    }

    #[test]
    fn who_has_done_more_is_further() {
        let at = |offset| Place { done: Some(Done { offset, position: Position(1) }) };
        assert!(Place::default() < at(0) && at(0) < at(1));
    }
}
