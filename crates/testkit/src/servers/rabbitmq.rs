//! RabbitMQ: one server for a whole test binary, since it takes seconds to start, or one of one's own to kill.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::folder::Folder;
use super::process::{Process, free_port};

const READY_WITHIN: Duration = Duration::from_secs(120);
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
const DIAGNOSTICS: &str = "/usr/lib/rabbitmq/bin/rabbitmq-diagnostics";

/// A running RabbitMQ. Dropped, it is killed and its data removed.
#[derive(Debug)]
pub struct RabbitMq {
    process: Option<Process>,
    port: u16,
    distribution_port: u16,
    names_port: u16,
    /// Erlang's name server. The server would start one that outlives it.
    _names: Process,
    folder: Folder,
}

impl RabbitMq {
    /// How it is installed.
    pub const INSTALL: &str = "RabbitMQ is not installed: `apt-get install -y --no-install-recommends rabbitmq-server`";

    /// Whether there is one.
    #[must_use]
    pub fn is_installed() -> bool {
        Path::new(SERVER).exists()
    }

    /// One server for the whole test process, for tests that are content with topics of their own.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RabbitMq> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server on ports of its own.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut server = Self::stopped();
        server.start_again();
        server
    }

    fn stopped() -> Self {
        assert!(Self::is_installed(), "{}, or leave its tests out with TRADEWIND_TEST_SKIP=rabbitmq", Self::INSTALL);
        let (port, distribution_port, names_port) = (free_port(), free_port(), free_port());
        let folder = Folder::new("rabbitmq");
        let mut names = Command::new("epmd");
        names.args(["-address", "127.0.0.1", "-port", &names_port.to_string()]);
        let names = Process::start(names, &folder.path().join("names"), libc::SIGKILL);
        let names = names.expect("Erlang's name server starts");
        Self { process: None, port, distribution_port, names_port, _names: names, folder }
    }

    /// A server whose management plugin listens on a port of its own; that port.
    ///
    /// # Panics
    /// If it is not installed or does not start.
    #[must_use]
    pub fn start_managed() -> (Self, u16) {
        let mut server = Self::stopped();
        let port = free_port();
        let folder = server.folder.path();
        let settings = format!("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n");
        fs::write(folder.join("enabled_plugins"), "[rabbitmq_management].\n").expect("its plugins are written");
        fs::write(folder.join("rabbitmq.conf"), settings).expect("its settings are written");
        server.start_again();
        // Its port for messages opens before all else is there.
        server.control(&["await_startup"]);
        (server, port)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
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

    /// Starts it again on the same ports and data.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        if self.process.is_some() {
            return;
        }
        let mut command = self.command(SERVER);
        // Then its script becomes the server, instead of starting it as a child that would survive it.
        command.env("RUNNING_UNDER_SYSTEMD", "1");
        command.env("RABBITMQ_NODE_PORT", self.port.to_string());
        command.env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none");
        let started = Process::start(command, &self.folder.path().join("out"), libc::SIGKILL);
        let mut process = started.expect("RabbitMQ starts");
        process.until_ready(READY_WITHIN, || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        self.process = Some(process);
    }

    /// What one of its own tools says: `list_queues` and others.
    ///
    /// # Panics
    /// If the tool fails.
    #[must_use]
    pub fn diagnostics(&self, arguments: &[&str]) -> String {
        let mut command = self.command(DIAGNOSTICS);
        let output = command.args(arguments).stderr(Stdio::piped()).output().expect("the tool starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Changes something by its own tool.
    ///
    /// # Panics
    /// If the tool fails.
    pub fn control(&self, arguments: &[&str]) {
        let mut command = self.command(CONTROL);
        let output = command.args(arguments).stderr(Stdio::piped()).output().expect("the tool starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, program: &str) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(program);
        command.current_dir(folder).env("HOME", folder).env("LANG", "C.UTF-8");
        command.env("RABBITMQ_NODENAME", format!("tradewind{}@localhost", self.port));
        command.env("RABBITMQ_DIST_PORT", self.distribution_port.to_string());
        command.env("ERL_EPMD_PORT", self.names_port.to_string());
        command.env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command.env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"));
        command.env("RABBITMQ_LOG_BASE", folder.join("log"));
        command.env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"));
        command.env("RABBITMQ_CONF_ENV_FILE", folder.join("none"));
        command.env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq"));
        command
    }
}
