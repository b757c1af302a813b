//! The service that the tests run: this program itself, told by its environment to be one.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use tradewind_fleet::{CommandTemplate, ServiceName, ServiceSpec, Template};

/// A specification whose process behaves in one of these ways:
/// `ok`; `slow` to be ready; `never` ready; `falls` at once; `falls-ready`, half a second after it was ready;
/// `falls-until` there is a file `mended` in its folder; `stubborn` on SIGTERM;
/// `only-N-M` falls at once unless both numbers are the same;
/// `hangs`, never says that it lives; `busy`, says so only each third time; `sick`, says that it does not.
pub(crate) fn spec(name: &str, mode: &str) -> ServiceSpec {
    let program = std::env::current_exe().unwrap().display().to_string();
    let words = [&program, "tiny::be_a_service", "--exact", "--nocapture", "--test-threads=1"].map(str::to_owned);
    let mut spec = ServiceSpec::new(ServiceName::new(name).unwrap(), CommandTemplate::from_words(&words).unwrap());
    for (key, value) in [("TINY_LISTEN", "{listen}"), ("TINY_MODE", mode), ("TINY_DATA", "{data}")] {
        spec.env.insert(key.to_owned(), Template::parse(value).unwrap());
    }
    spec
}

pub(crate) fn spec_after(name: &str, mode: &str, after: &[&str]) -> ServiceSpec {
    let mut spec = spec(name, mode);
    spec.after = after.iter().map(|name| ServiceName::new(name).unwrap()).collect();
    spec
}

#[test]
fn be_a_service() {
    let Ok(listen) = std::env::var("TINY_LISTEN") else { return };
    let mode = std::env::var("TINY_MODE").unwrap();
    let data = std::env::var("TINY_DATA").unwrap();
    println!("\ntiny in mode {mode}");
    eprintln!("a word on standard error");
    match mode.as_str() {
        "falls" => {
            println!("cannot go on");
            std::process::exit(3);
        }
        only if only.strip_prefix("only-").and_then(|it| it.split_once('-')).is_some_and(|(n, m)| n != m) => {
            std::process::exit(3);
        }
        "falls-until" if !Path::new(&data).join("mended").exists() => std::process::exit(3),
        "slow" => std::thread::sleep(Duration::from_millis(400)),
        "falls-ready" => {
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(500));
                std::process::exit(4);
            });
        }
        "stubborn" => ignore_sigterm(),
        _ => {}
    }
    std::fs::write(format!("{data}/was-here"), std::env::var("TINY_NUMBER").unwrap_or_default()).unwrap();
    let listener = TcpListener::bind(listen).unwrap();
    let mut unanswered = Vec::new();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut asked = [0; 4096];
        let length = stream.read(&mut asked).unwrap_or(0);
        let asks_for_life = asked[..length].starts_with(b"GET /health/live ");
        let misses = mode == "hangs" || (mode == "busy" && unanswered.len() % 3 < 2);
        if asks_for_life && misses {
            unanswered.push(Some(stream));
            continue;
        }
        if asks_for_life && mode == "busy" {
            unanswered.push(None);
        }
        let fails = mode == "never" || (mode == "sick" && asks_for_life);
        let status = if fails { "503 Service Unavailable" } else { "200 OK" };
        let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
}

fn ignore_sigterm() {
    // SAFETY: ignoring a signal has no handler that could do anything unsafe.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
}
