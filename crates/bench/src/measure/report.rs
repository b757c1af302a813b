//! How figures are shown: for a program, a line of JSON each; for a person, a table.

use std::io::{self, Write};
use std::path::Path;

use super::{Aim, Figure, Machine};

/// Where figures go as soon as they are known.
#[derive(Debug)]
pub struct Report {
    json: bool,
}

impl Report {
    /// A report on standard output, that begins with the machine.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn begin(json: bool, folder: &Path) -> io::Result<Self> {
        let machine = Machine::here(folder);
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, &machine)?;
            writeln!(out)?;
        } else {
            writeln!(
                out,
                "{} cores of {}, {} GiB, Linux {}, {}; load {:.2}\n",
                machine.cores, machine.cpu, machine.memory_gib, machine.kernel, machine.file_system, machine.load
            )?;
            writeln!(out, "{:<26} {:>12} {:<10} {:>25}   ratio and the rest", "figure", "median", "", "min – max")?;
        }
        Ok(Self { json })
    }

    /// Shows a figure.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn figure(&self, figure: &Figure) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, figure)?;
            return writeln!(out);
        }
        let range = format!("{} – {}", number(figure.min), number(figure.max));
        let rest = rest(figure).join(" · ");
        writeln!(out, "{:<26} {:>12} {:<10} {range:>25}   {rest}", figure.name, number(figure.value), figure.unit)
    }
}

fn rest(figure: &Figure) -> Vec<String> {
    let mut rest = Vec::new();
    if let (Some(ratio), Some(versus)) = (figure.ratio, &figure.versus) {
        rest.push(format!("{} of {versus}", number(ratio)));
    }
    if let (Some(p50), Some(p99)) = (figure.p50_us, figure.p99_us) {
        rest.push(format!("p50 {} µs, p99 {} µs", number(p50), number(p99)));
    }
    for (what, value) in [
        ("µs CPU an event", figure.cpu_us),
        ("requests/s", figure.rate),
        ("of its core", figure.busy),
        ("bytes a byte", figure.bytes_ratio),
        ("bytes an event", figure.bytes_per_event),
        ("events a sync", figure.events_per_sync),
        ("bytes a sync", figure.bytes_per_sync),
    ] {
        if let Some(value) = value {
            rest.push(format!("{} {what}", number(value)));
        }
    }
    rest.extend(figure.aims.iter().map(aim));
    rest.push(format!("load {:.2}", figure.load));
    rest
}

fn aim(aim: &Aim) -> String {
    let (sign, bound) = match (aim.at_least, aim.at_most) {
        (Some(bound), _) => ('≥', bound),
        (None, bound) => ('≤', bound.unwrap_or_default()),
    };
    format!("aim {} {sign} {}: {}", aim.of, number(bound), if aim.met { "met" } else { "NOT met" })
}

/// A number as people read it.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.*}", if value.abs() < 10.0 { 2 } else { 1 });
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
