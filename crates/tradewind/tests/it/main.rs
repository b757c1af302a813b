//! The program end to end: started as a person or a program starts it, with small services behind it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod apis;
mod building;
mod composing;
mod deadletter;
mod falling;
mod instances;
mod manifests;
#[cfg(feature = "bench")]
mod measuring;
mod odd;
mod pages;
mod piping;
mod products;
mod proving;
mod purging;
mod refusing;
mod routing;
mod running;
mod service;
mod store;
mod upstreams;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

fn tradewind() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tradewind"))
}

/// A running `tradewind up --json`. It is killed, with all that it started, when it is dropped.
struct Up {
    child: Child,
    lines: Receiver<Value>,
}

impl Up {
    /// Starts it on a folder with a manifest, on any free port.
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = tradewind();
        command.args(["up", "--json", "--port", "0"]).args(arguments).current_dir(folder).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = sync_channel(10_000);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a line of this kind that is as wished.
    fn until(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut seen = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line["type"] == kind && wanted(&line) => return line,
                Ok(line) => seen.push(line.to_string()),
                Err(_) => panic!("no {kind} came, only:\n{}", seen.join("\n")),
            }
        }
    }

    /// Waits until all is up; the gateway's address.
    fn until_up(&self) -> String {
        let up = self.until("up", |_| true);
        up["gateway"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
    }

    fn signal(&self, signal: &str) {
        send_signal(self.child.id(), signal);
    }

    fn until_ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send_signal(pid: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

fn get(address: &str, path: &str) -> String {
    send(address, &format!("GET {path}"), "")
}

/// One request on a connection of its own; the whole answer.
fn send(address: &str, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = format!("{request} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n{length}\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Whether a process exists and is not merely waiting to be collected.
fn is_alive(pid: u64) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}

fn until_dead(pid: u64) {
    until(|| !is_alive(pid));
}

/// Waits until it is so.
#[track_caller]
fn until(so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < deadline, "it never came to be");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A folder with a manifest.
fn folder(manifest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tradewind.toml"), manifest).unwrap();
    folder
}

fn up_once(folder: &Path, arguments: &[&str]) -> Output {
    tradewind().arg("up").args(arguments).current_dir(folder).output().unwrap()
}

fn stderr_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
