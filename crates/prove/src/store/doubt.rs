//! What nobody was told the outcome of: it may be there or not, but whole, in order, and the same for ever after.

use super::model::Model;
use super::session::Session;
use super::write::Write;

/// A change whose outcome is unknown.
#[derive(Debug, Clone)]
pub enum Doubt {
    /// A write.
    Write(Write),
    /// A truncation.
    Truncate {
        /// The stream.
        stream: String,
        /// Before this revision.
        before: u64,
    },
}

/// Looks which of the changes the reopened log has, and lets the model have them too. All that came before a
/// change that is there must be there as well. Answers how many writes are there and how many are not.
///
/// # Errors
/// What cannot come of any beginning of these changes.
pub fn resolve(doubts: &mut Vec<Doubt>, session: &Session, model: &mut Model) -> Result<(u64, u64), String> {
    let (mut there, mut gone) = (0, 0);
    for doubt in std::mem::take(doubts) {
        match doubt {
            Doubt::Write(write) => match model.expect(&write) {
                Ok(answer) if !answer.duplicate && answer.last <= session.head() => {
                    model.apply(&write).map_err(|refusals| format!("{refusals:?}"))?;
                    there += 1;
                }
                Ok(answer) if !answer.duplicate => gone += 1,
                _ => {}
            },
            Doubt::Truncate { stream, before } => {
                let slice = session.read_stream(&stream, 0, true, 1).map_err(|e| format!("stream {stream}: {e}"))?;
                let mut truncated = model.clone();
                truncated.truncate(&stream, before);
                if slice.first == truncated.first(&stream) {
                    *model = truncated;
                }
            }
        }
    }
    if session.head() == model.head() {
        Ok((there, gone))
    } else {
        Err(format!(
            "the head is {} after recovery; the acknowledged writes and a beginning of the others come to {}",
            session.head(),
            model.head()
        ))
    }
}
