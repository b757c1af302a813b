//! PostgreSQL: a server of one's own, one for a whole test binary, or a primary with its synchronous standby.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{Process, free_port};

const READY_WITHIN: Duration = Duration::from_secs(60);
const FOLDERS: &str = "tradewind-test-postgres";
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
max_connections = 300
shared_buffers = 64MB
max_wal_size = 1GB
max_wal_senders = 4
wal_keep_size = 256MB
hot_standby = on
log_min_messages = warning
autovacuum_naptime = 5s
";

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Connections are cut, everything is written down.
    Fast,
    /// As when the machine's power fails: the next start recovers.
    Immediate,
}

/// A running PostgreSQL. Dropped, it is killed and its data removed.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Postgres {
    /// How it is installed.
    pub const INSTALL: &str = "PostgreSQL is not installed: `apt-get install -y --no-install-recommends postgresql`";

    /// Whether there is one.
    #[must_use]
    pub fn is_installed() -> bool {
        binaries().is_some()
    }

    /// One server for the whole test process, for tests that are content with a schema of their own.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// A server with some more lines in its `postgresql.conf`.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start(settings: &str) -> Self {
        let bin = binaries();
        let bin = bin
            .unwrap_or_else(|| panic!("{}, or leave its tests out with TRADEWIND_TEST_SKIP=postgres", Self::INSTALL));
        sweep();
        let folder = new_folder();
        copy(&template(&bin), &folder.join("data"));
        let mut server = Self { bin, folder, port: free_port(), process: None };
        server.configure(settings);
        server.run();
        server
    }

    /// A standby that follows this server, by the name that `synchronous_standby_names` may call it.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn standby(&self, name: &str) -> Self {
        let folder = new_folder();
        let mut standby = Self { bin: self.bin.clone(), folder, port: free_port(), process: None };
        let connection = format!("host=127.0.0.1 port={} user=postgres application_name={name}", self.port);
        let data = standby.folder.join("data");
        let mut backup = standby.command("pg_basebackup");
        backup.args(["--checkpoint=fast", "--write-recovery-conf", "--no-sync", "-d", &connection, "-D"]).arg(&data);
        succeed(backup);
        standby.configure("");
        standby.run();
        standby
    }

    fn configure(&self, settings: &str) {
        let own = format!("port = {}\nunix_socket_directories = '{}'\n", self.port, self.folder.display());
        let path = self.folder.join("data/postgresql.auto.conf");
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, format!("{before}{SETTINGS}{own}{settings}\n")).expect("its settings are written");
    }

    fn run(&mut self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.join("data"));
        // At the end of the test's process: an immediate shutdown, which takes its children along.
        let process = Process::start(command, &self.folder.join("log"), libc::SIGQUIT);
        let mut process = process.expect("PostgreSQL starts");
        process.until_ready(READY_WITHIN, || {
            let mut look = self.command("pg_isready");
            look.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            look.status().is_ok_and(|status| status.success())
        });
        self.process = Some(process);
    }

    /// Where a store in a schema is.
    #[must_use]
    pub fn url(&self, schema: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?schema={schema}", self.port)
    }

    /// A store in a schema of its own, different each time.
    #[must_use]
    pub fn fresh_url(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.url(&format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it, and leaves its data.
    ///
    /// # Panics
    /// If it does not stop.
    pub fn stop(&mut self, mode: StopMode) {
        if let Some(mut process) = self.process.take() {
            process.signal(if mode == StopMode::Fast { libc::SIGINT } else { libc::SIGQUIT });
            process.wait(READY_WITHIN).expect("PostgreSQL stops");
        }
    }

    /// Kills it and all its processes at once, as `kill -9`, and leaves its data: with the file that says that it runs,
    /// and with what its next start has to recover.
    ///
    /// # Panics
    /// If one of its processes does not end.
    pub fn kill(&mut self) {
        let Some(process) = self.process.take() else { return };
        // Stopped, it makes no more of them, and does not shut down because one has gone.
        process.signal(libc::SIGSTOP);
        let children = children_of(process.id());
        for child in &children {
            // SAFETY: it only sends a signal. A number is not given again before its parent, which stands still, has
            // waited for it.
            unsafe { libc::kill(*child as i32, libc::SIGKILL) };
        }
        drop(process);
        // As long as one of them has the shared memory, the server does not start again.
        let begun = Instant::now();
        while children.iter().any(|child| is_running(*child)) {
            assert!(begun.elapsed() < READY_WITHIN, "a process of PostgreSQL does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        if self.process.is_none() {
            self.run();
        }
    }

    /// Makes a standby the primary.
    ///
    /// # Panics
    /// If it is none.
    pub fn promote(&self) {
        self.query("SELECT pg_promote(true, 60)");
    }

    /// What a statement answers, as text, run by `psql` as superuser.
    ///
    /// # Panics
    /// If it fails.
    pub fn query(&self, sql: &str) -> String {
        let mut psql = self.psql();
        psql.args(["-c", sql]);
        String::from_utf8_lossy(&succeed(psql).stdout).trim().to_owned()
    }

    /// `psql` on this server, for a test that goes on with it by itself.
    #[must_use]
    pub fn psql(&self) -> Command {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"]);
        psql.args(["-p", &self.port.to_string(), "-d", "postgres"]);
        psql
    }

    /// Puts a copy of a file into the data folder, readable by the server only.
    ///
    /// # Panics
    /// If it cannot.
    pub fn take_file(&self, file: &Path, name: &str) {
        let place = self.folder.join("data").join(name);
        fs::copy(file, &place).expect("the file is copied");
        fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).expect("its permissions");
        given_to_owner(&place);
    }

    fn command(&self, program: &str) -> Command {
        as_owner(&self.bin.join(program), &self.folder)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal(libc::SIGQUIT);
            let mut process = process;
            let _ = process.wait(Duration::from_secs(10));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where the newest installed version is.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("postgres").exists().then_some((version, bin))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

/// The processes that one has started.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    numbers.filter(|number| stat(*number).is_some_and(|(_, its_parent)| its_parent == parent)).collect()
}

/// Whether a process has not ended. One that nobody has waited for has, and holds nothing any more.
fn is_running(process: u32) -> bool {
    stat(process).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// The state of a process, and who has started it.
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Its name, in parentheses, may have anything in it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The user whose servers they are: PostgreSQL does not run as root.
fn owner() -> Option<(u32, u32)> {
    // SAFETY: it only asks.
    if unsafe { libc::geteuid() } != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        })
    };
    of("postgres").or_else(|| of("nobody"))
}

fn as_owner(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C").env("PGCONNECT_TIMEOUT", "10");
    if let Some((user, group)) = owner() {
        command.uid(user).gid(group);
    }
    command
}

fn given_to_owner(folder: &Path) {
    if let Some((user, group)) = owner() {
        chown(folder, Some(user), Some(group)).expect("the folder is given to PostgreSQL's user");
    }
}

fn succeed(mut command: Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn new_folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("{FOLDERS}-{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for PostgreSQL");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("its permissions");
    given_to_owner(&folder);
    folder
}

/// Removes the folders of test processes that are gone.
fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process =
            name.strip_prefix(FOLDERS).and_then(|rest| rest.strip_prefix('-')?.split('-').next()?.parse().ok());
        if process.is_some_and(|process: u32| !Path::new(&format!("/proc/{process}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A data folder as `initdb` makes it, which takes seconds: made once on a machine, and copied.
fn template(bin: &Path) -> PathBuf {
    // SAFETY: it only asks.
    let user = unsafe { libc::geteuid() };
    let version = bin.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let template = std::env::temp_dir().join(format!("{FOLDERS}-template-{version}-{user}"));
    let lock = File::create(template.with_extension("lock")).expect("a lock for the template");
    lock.lock().expect("the template's lock");
    if !template.join("data/PG_VERSION").exists() {
        let made = new_folder();
        let mut initdb = as_owner(&bin.join("initdb"), &made);
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]);
        initdb.arg(made.join("data"));
        succeed(initdb);
        let _ = fs::remove_dir_all(&template);
        fs::rename(&made, &template).expect("the template gets its name");
    }
    template.join("data")
}

fn copy(from: &Path, to: &Path) {
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(from).arg(to);
    succeed(copy);
}
