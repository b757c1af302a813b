//! The status table.

use tradewind_fleet::{ServiceStatus, State};

use super::terminal::Paint;

const HEADINGS: [&str; 6] = ["SERVICE", "STATE", "PID", "PORT", "URL", "RESTARTS"];

/// One line an instance, the gateway first.
pub(crate) fn render(gateway: &str, pid: u32, services: &[ServiceStatus], paint: Paint) -> String {
    let port = gateway.rsplit_once(':').map_or("", |(_, port)| port);
    let mut rows = vec![(State::Ready, row("gateway", "ready", Some(pid), port, gateway, "-"))];
    for status in services {
        let port = status.address.port().to_string();
        let restarts = status.restarts.to_string();
        let name = status.instance.to_string();
        let cells = row(&name, status.state.as_str(), status.pid, &port, &status.url, &restarts);
        rows.push((status.state, cells));
    }
    let heading = HEADINGS.map(str::to_owned);
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            rows.iter().map(|(_, cells)| cells[column].len()).chain([heading[column].len()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String; 6]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width));
        padded.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    let mut text = format!("{}\n", paint.bold(&line(&heading)));
    for (state, cells) in &rows {
        let line = line(cells);
        let state_word = format!("{:<width$}", cells[1], width = widths[1]);
        text.push_str(&line.replacen(&state_word, &paint.state(*state, &state_word), 1));
        text.push('\n');
    }
    text
}

fn row(service: &str, state: &str, pid: Option<u32>, port: &str, url: &str, restarts: &str) -> [String; 6] {
    let pid = pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    [service.to_owned(), state.to_owned(), pid, port.to_owned(), url.to_owned(), restarts.to_owned()]
}
