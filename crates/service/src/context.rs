//! Who gives a command and what for: the facts that travel beside it into its events' metadata.

use std::fmt::Display;

use tradewind_events::{EventId, Metadata, Recorded, Timestamp};
use uuid::Uuid;

/// The metadata extension that keeps the fingerprint of the request behind an idempotency key.
pub(crate) const FINGERPRINT: &str = "requestfingerprint";
/// The metadata extension that marks what was recorded at another time than it happened.
pub(crate) const BACKDATED: &str = "backdated";
/// The metadata extension that names the process manager that need not hear of an event: see
/// [`Command::settled_by`](crate::Command::settled_by).
pub(crate) const SETTLED_BY: &str = "settledby";

/// What `who` does about `cause`, as a step in a trace.
pub(crate) fn step_of(who: &str, cause: &str) -> String {
    format!("{who}/{cause}")
}

/// The `traceparent` of a step below another, named after what it does: the same trace, and a span of its own. None if
/// `parent` is malformed: W3C Trace Context has it ignored then.
pub(crate) fn child_of(parent: &str, step: &str) -> Option<String> {
    let mut parts = parent.splitn(4, '-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    // Later versions may say more behind the flags.
    let flags = flags.get(..2).filter(|_| version != "00" || flags.len() == 2)?;
    let well = is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    if !well || is_zero(trace) || is_zero(span) {
        return None;
    }
    let own = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{trace}/{span}/{step}").as_bytes());
    Some(format!("00-{trace}-{:016x}-{flags}", own.as_u64_pair().0))
}

/// A key of the service's own, which no client can choose: those that come over HTTP begin with a word of their own.
/// Whoever knows an event's id knows what would follow from it, and must not be able to take its place.
pub(crate) fn internal_key(of: impl Display) -> String {
    format!("internal/{of}")
}

/// What accompanies a command. Over HTTP it comes from the headers (see [`Submitted`](crate::Submitted)).
#[derive(Debug, Clone, Default)]
pub struct CommandContext {
    /// The command's own id: giving it twice has the effect of giving it once, also if that was none. A refusal is no
    /// effect: a command that the rules refused is decided anew when it comes again.
    pub key: Option<IdempotencyKey>,
    /// When it happens, if that is not now: for bringing in a past that has its own times.
    pub at: Option<Timestamp>,
    /// The conversation that it belongs to.
    pub correlation_id: Option<String>,
    /// What caused it; the key, unless told.
    pub causation_id: Option<String>,
    /// On whose behalf.
    pub actor: Option<String>,
    /// W3C Trace Context.
    pub traceparent: Option<String>,
    /// W3C Trace Context.
    pub tracestate: Option<String>,
}

/// The id of a command, chosen by whoever gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key; the ids of the command's events follow from it.
    pub key: String,
    /// A hash of the whole request, to notice the same key with another request.
    pub fingerprint: Option<String>,
}

impl IdempotencyKey {
    /// The id of the command's `index`-th event.
    #[must_use]
    pub fn event_id(&self, index: usize) -> EventId {
        EventId::derived(&self.key, index)
    }

    /// A fingerprint of the parts of a request, none of which can be mistaken for a piece of another.
    #[must_use]
    pub fn fingerprint_of(parts: &[&[u8]]) -> String {
        let mut all = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            all.extend_from_slice(&(part.len() as u64).to_le_bytes());
            all.extend_from_slice(part);
        }
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &all).simple().to_string()
    }
}

impl CommandContext {
    /// A command with this key and nothing else.
    pub fn keyed(key: impl Into<String>) -> Self {
        Self { key: Some(IdempotencyKey { key: key.into(), fingerprint: None }), ..Self::default() }
    }

    /// The same, but it happens at `moment`.
    #[must_use]
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.at = Some(moment);
        self
    }

    /// What an event sets off as the `key`-th of its consequences: it belongs to the same conversation, on behalf of
    /// the same actor, and happens at the event's own time if the event itself was brought in from the past.
    #[must_use]
    pub fn caused_by(event: &Recorded, key: impl Into<String>) -> Self {
        let metadata = event.metadata().unwrap_or_default();
        let backdated = metadata.extensions.contains_key(BACKDATED);
        Self {
            at: backdated.then(|| event.time()),
            correlation_id: metadata.correlation_id.or_else(|| Some(event.id().to_string())),
            causation_id: Some(event.id().to_string()),
            actor: metadata.actor,
            tracestate: metadata.tracestate.filter(|_| metadata.traceparent.is_some()),
            traceparent: metadata.traceparent,
            ..Self::keyed(key)
        }
    }

    /// The same as a step of its own in the trace that the event belongs to: what `who` does about the event. Doing it
    /// again is the same step.
    #[must_use]
    pub(crate) fn traced_by(mut self, who: &str) -> Self {
        let step = step_of(who, self.causation_id.as_deref().unwrap_or_default());
        self.traceparent = self.traceparent.and_then(|parent| child_of(&parent, &step));
        self.tracestate = self.tracestate.filter(|_| self.traceparent.is_some());
        self
    }

    /// The metadata of the command's events.
    pub(crate) fn metadata(&self) -> Metadata {
        let mut metadata = Metadata {
            schema_version: 0,
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone().or_else(|| self.key.as_ref().map(|key| key.key.clone())),
            actor: self.actor.clone(),
            traceparent: self.traceparent.clone(),
            tracestate: self.tracestate.clone(),
            ..Metadata::default()
        };
        if let Some(fingerprint) = self.key.as_ref().and_then(|key| key.fingerprint.clone()) {
            metadata.extensions.insert(FINGERPRINT.to_owned(), fingerprint);
        }
        if self.at.is_some() {
            metadata.extensions.insert(BACKDATED.to_owned(), "true".to_owned());
        }
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::child_of;

    #[test]
    fn a_step_is_in_the_trace_of_the_one_above_it_and_the_same_when_it_is_made_again() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let child = child_of(parent, "bill/1").unwrap();
        assert!(child.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && child.ends_with("-01"), "{child}");
        assert_eq!(child.len(), parent.len());
        assert_eq!(child_of(parent, "bill/1"), Some(child.clone()));
        assert_ne!(child_of(parent, "bill/2"), Some(child.clone()));
        assert_ne!(child_of(&child, "bill/1"), Some(child));
    }

    #[test]
    fn what_is_malformed_is_the_beginning_of_no_trace() {
        for parent in [
            "",
            "garbled",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-é",
        ] {
            assert_eq!(child_of(parent, "bill/1"), None, "{parent}");
        }
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-holds";
        assert!(child_of(later, "bill/1").is_some());
    }
}
