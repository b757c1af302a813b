//! The library's errors as ours.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::context::{Context, Told};
use crate::BrokerError;

/// An error of the library; `context` may know why.
pub(super) fn broker_error(error: &KafkaError, context: &Context) -> BrokerError {
    match error.rdkafka_error_code() {
        Some(code) => by_code(code, error.to_string(), context),
        // Settings that it does not take, or that this build of it does not know.
        None => BrokerError::Refused(error.to_string()),
    }
}

/// What a server answered, or why none did.
pub(super) fn by_code(code: Code, text: String, context: &Context) -> BrokerError {
    match code {
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::Authentication
        | Code::SSL
        | Code::PolicyViolation
        | Code::InvalidConfig
        | Code::InvalidReplicationFactor
        | Code::InvalidPartitions
        | Code::InvalidTopic
        | Code::InvalidGroupId
        | Code::UnsupportedVersion
        | Code::UnsupportedFeature => BrokerError::Refused(text),
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge => BrokerError::Invalid(text),
        // Somebody has taken the producer's identity, or the server has lost what it knew of it.
        Code::InvalidProducerEpoch | Code::Fenced => BrokerError::Conflict(text),
        _ => match context.told() {
            Some(Told { text: reason, refused: true, .. }) => BrokerError::Refused(reason),
            Some(Told { text: reason, .. }) => BrokerError::Unavailable(format!("{text}: {reason}")),
            None => BrokerError::Unavailable(text),
        },
    }
}
