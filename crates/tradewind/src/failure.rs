//! Errors as a person at a terminal sees them.

use std::fmt;

use tradewind_events::ErrorCode;

/// What went wrong, its stable code, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The stable code, where there is one.
    pub(crate) code: Option<ErrorCode>,
    /// What went wrong.
    pub(crate) message: String,
    /// What to do about it; empty if the message says it.
    pub(crate) help: String,
}

impl Failure {
    /// A failure with a code.
    pub(crate) fn coded(code: ErrorCode, message: impl fmt::Display, help: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { code: Some(code), message: message.to_string(), help: help.into() })
    }

    /// What an error looks like: with code and help if it is one of ours, else with its causes in a row.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Self>() {
            Some(failure) => Self { code: failure.code, message: failure.message.clone(), help: failure.help.clone() },
            None => Self { code: None, message: format!("{error:#}"), help: String::new() },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "error[{code}]: {}", self.message)?,
            None => write!(f, "error: {}", self.message)?,
        }
        if !self.help.is_empty() {
            write!(f, "\nhelp: {}", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// It was ended by Ctrl-C or its like, and has tidied up; there is nothing more to say.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl Interrupted {
    /// What a shell expects of a program that SIGINT has ended.
    pub(crate) const EXIT_CODE: u8 = 130;
}
