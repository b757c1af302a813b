//! Whom the gateway believes, and to whom it tells more: `trusted` and `operators`.

use tradewind_gateway::Network;

use crate::manifest::section::{Problems, Section};

/// Networks, each with the line that names it.
pub(super) fn read(section: &Section<'_>, key: &'static str, problems: &Problems<'_>) -> Vec<(Network, usize)> {
    let mut networks = Vec::new();
    for text in section.list(key, "[\"10.0.0.0/8\"]") {
        match text.value.parse() {
            Ok(network) => networks.push((network, problems.line(&text.span))),
            Err(error) => {
                let message = format!("{:?} in `{key}` is {error}", text.value);
                problems.add(text.span, message, "name networks and addresses: [\"10.0.0.0/8\", \"192.0.2.7\"]");
            }
        }
    }
    networks
}
