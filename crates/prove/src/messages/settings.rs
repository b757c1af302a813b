//! Settings of a broker that is given which may lose what it has confirmed.

use tradewind_broker::BrokerOptions;

use super::options::BrokerChoice;

/// What is to be feared of it; nothing of one that the proof has started by itself.
///
/// # Errors
/// If it cannot be reached.
pub(super) async fn doubts(choice: &BrokerChoice) -> Result<Vec<String>, String> {
    let BrokerChoice::Given(url) = choice else { return Ok(Vec::new()) };
    let options = BrokerOptions { client_name: "tradewind prove".to_owned(), ..BrokerOptions::default() };
    let broker = tradewind_broker::open_at(url, options).map_err(|error| error.to_string())?;
    match broker {
        Some(broker) => broker.doubts().await.map_err(|error| error.to_string()),
        None => Ok(Vec::new()),
    }
}
