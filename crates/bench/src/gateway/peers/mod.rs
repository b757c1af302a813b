//! Those beside whom the gateway is measured, from Debian's packages, each with one process or thread that works, no
//! access log, connections to the service that are kept, and the headers that a gateway adds.

mod haproxy;
mod nginx;
mod varnish;

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use super::process::Process;
use crate::BenchError;

/// Where programs for administrators are, which not everybody's shell looks for.
const PLACES: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

/// Another one that does the same work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// nginx, with one worker
    Nginx,
    /// HAProxy, with one thread
    Haproxy,
    /// Varnish
    Varnish,
}

impl Peer {
    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Varnish => "varnish",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Varnish => "varnishd",
        }
    }

    fn install(self) -> &'static str {
        match self {
            Self::Nginx => "apt-get install nginx-light",
            Self::Haproxy => "apt-get install haproxy",
            Self::Varnish => "apt-get install varnish",
        }
    }

    /// Where its program is.
    ///
    /// # Errors
    /// [`BenchError::Missing`] names it, and what installs it.
    pub(super) fn find(self) -> Result<PathBuf, BenchError> {
        let found = PLACES.iter().map(|place| Path::new(place).join(self.program())).find(|path| path.is_file());
        found.ok_or(BenchError::Missing { program: self.program(), install: self.install() })
    }

    /// Starts it on a core before a service; what it writes, and what it says, is in a folder.
    ///
    /// # Errors
    /// [`BenchError`].
    pub(super) fn start(
        self,
        folder: &Path,
        service: SocketAddr,
        core: usize,
    ) -> Result<(Process, SocketAddr), BenchError> {
        let folder = folder.join(self.name());
        fs::create_dir_all(&folder)?;
        let listen = free_address()?;
        let mut command = Command::new(self.find()?);
        match self {
            Self::Nginx => nginx::prepare(&mut command, &folder, listen, service)?,
            Self::Haproxy => haproxy::prepare(&mut command, &folder, listen, service)?,
            Self::Varnish => varnish::prepare(&mut command, &folder, listen, service)?,
        }
        let log = File::create(folder.join(LOG))?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok((Process::start(&mut command, core)?, listen))
    }

    /// The end of what it has said, to find out why it does not answer.
    pub(super) fn last_words(self, folder: &Path) -> String {
        let text = fs::read_to_string(folder.join(self.name()).join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

const LOG: &str = "log";

/// An address that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
