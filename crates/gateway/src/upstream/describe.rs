//! Options in words, for people who ask what is done with a request.

use std::fmt::Display;

use super::options::{Protocol, UpstreamOptions};

impl UpstreamOptions {
    /// What they are, a line each.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let Self { protocol, connections, balance, health, outliers, breaker, budget, calls: _ } = self;
        let protocol = match protocol {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::H2c => "HTTP/2 without TLS",
        };
        let idle = format!("idle ones for {:?}", connections.idle);
        let mut lines = vec![format!("{protocol}, up to {} connections to each instance, {idle}", connections.at_most)];
        lines.push(match health {
            Some(check) => format!("asked how it is at {} every {:?}", check.path, check.interval),
            None => "not asked how it is".to_owned(),
        });
        let by = |what: &dyn Display, is_on: bool| is_on.then(|| what.to_string());
        let causes = [
            by(&format!("{} failures in succession", outliers.consecutive), outliers.consecutive > 0),
            by(&format!("{} % failures in {:?}", outliers.percent, outliers.window), outliers.percent <= 100),
        ];
        let causes: Vec<String> = causes.into_iter().flatten().collect();
        lines.push(match causes.is_empty() {
            true => "never ejected".to_owned(),
            false => format!("an instance is ejected after {}, for {:?}", causes.join(" or "), outliers.ejection),
        });
        lines.push(match breaker.percent <= 100 {
            true => format!(
                "left alone after {} % failures in {:?}, for {:?}",
                breaker.percent, breaker.window, breaker.open
            ),
            false => "never left alone".to_owned(),
        });
        lines.push(format!("up to {} requests under way", breaker.in_flight_at_most));
        let floor = budget.floor_per_second;
        lines.push(format!("up to {} % of requests sent once more, and {floor} a second in any case", budget.percent));
        if !balance.slow_start.is_zero() {
            lines.push(format!("a new instance grows to its share in {:?}", balance.slow_start));
        }
        lines
    }
}
