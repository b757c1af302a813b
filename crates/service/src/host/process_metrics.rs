//! Figures of the process itself, read when they are asked for.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Reads `/proc/self`; on systems that have none, it tells nothing.
#[derive(Debug)]
pub(crate) struct ProcessMetrics;

/// Linux tells times in hundredths of a second to programs, whatever its own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

struct Figures {
    cpu_seconds: f64,
    threads: i64,
    resident_bytes: i64,
    open_files: i64,
}

fn read() -> Option<Figures> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets, which may hold anything; the third follows the last one.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident_kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident_kib: i64 = resident_kib.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(Figures {
        cpu_seconds: (number(11)? + number(12)?) as f64 / TICKS_PER_SECOND,
        threads: number(17)?,
        resident_bytes: resident_kib * 1024,
        open_files: fs::read_dir("/proc/self/fd").ok()?.count() as i64,
    })
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(figures) = read() else { return Ok(()) };
        let cpu = ConstCounter::new(figures.cpu_seconds);
        let help = "CPU time used";
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Memory in use", figures.resident_bytes),
            ("process_threads", "Threads", figures.threads),
            ("process_open_fds", "Open files and sockets", figures.open_files),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
