//! Who listens on an address, as far as `/proc` tells (proc(5)).

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use serde::Serialize;

/// A process that holds a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its command line, cut to 120 characters.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.command)
    }
}

/// The process that listens where a TCP address of this machine is wanted, if it can be told: other users' processes do
/// not show theirs. Who listens on the same port of another address is not in the way, and not named.
#[must_use]
pub fn who_listens_on(wanted: SocketAddr) -> Option<Holder> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| listening_socket(table, wanted))?;
    let socket = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if has_open(&process.path().join("fd"), &socket) {
            return Some(Holder { pid, command: command_of(&process.path()) });
        }
    }
    None
}

/// The inode of the socket that is in the way, from a table whose lines read
/// `sl local_address rem_address st … uid timeout inode …`.
fn listening_socket(table: &str, wanted: SocketAddr) -> Option<u64> {
    const LISTEN: &str = "0A";
    let text = fs::read_to_string(table).ok()?;
    text.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let local = local_address(fields.get(1)?)?;
        let here = collides(local, wanted) && *fields.get(3)? == LISTEN;
        if here { fields.get(9)?.parse().ok() } else { None }
    })
}

/// `0100007F:1F90` is 127.0.0.1:8080: words of four bytes in this machine's order, the port as it is read.
fn local_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for word in address.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
    };
    Some(SocketAddr::new(address, port))
}

/// Whether one is in the way of the other: a socket on all addresses is in everybody's.
fn collides(held: SocketAddr, wanted: SocketAddr) -> bool {
    let any = held.ip().is_unspecified() || wanted.ip().is_unspecified();
    held.port() == wanted.port() && (any || held.ip() == wanted.ip().to_canonical())
}

fn has_open(folder: &Path, wanted: &str) -> bool {
    let Ok(files) = fs::read_dir(folder) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted))
}

fn command_of(process: &Path) -> String {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    line.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect()
}
