//! What the library tells besides answers: why a server is not reached stands only there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How long what was told explains a question that failed.
const EXPLAINS_FOR: Duration = Duration::from_secs(30);

/// Remembers the last thing that went wrong with a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    last: Arc<Mutex<Option<Told>>>,
}

/// What went wrong.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) text: String,
    /// Whether it will not pass by waiting: a login or a certificate that is not accepted.
    pub(super) refused: bool,
    at: Instant,
}

impl Context {
    /// What went wrong with a connection lately.
    pub(super) fn told(&self) -> Option<Told> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().filter(|told| told.at.elapsed() < EXPLAINS_FOR)
    }

    /// The same, if it was told after a moment.
    pub(super) fn told_since(&self, moment: Instant) -> Option<Told> {
        self.told().filter(|told| told.at >= moment)
    }

    fn note(&self, text: &str, refused: bool) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Told { text: text.to_owned(), refused, at: Instant::now() });
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, "{message}");
        let is_error = matches!(
            level,
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error
        );
        if is_error {
            self.note(message, is_refusal(message));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        let code = error.rdkafka_error_code();
        // That all are down says less than why the last one is.
        if code != Some(RDKafkaErrorCode::AllBrokersDown) {
            let refused = matches!(code, Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL));
            self.note(reason, refused || is_refusal(reason));
        }
    }
}

impl ConsumerContext for Context {}

fn is_refusal(message: &str) -> bool {
    ["uthentication", "certificate verify failed", "SSL handshake failed"].iter().any(|told| message.contains(told))
}
