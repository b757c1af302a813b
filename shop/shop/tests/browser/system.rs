//! `tradewind up`, as a newcomer starts it, but with a data folder and a port of its own.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, watch};

use crate::http::wait_for;

/// A debug build on a busy machine, with the sample to place, takes its time.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// The folder that the programs under test are in: `target/debug` or `target/release`, or what `TRADEWIND_TEST_PROGRAMS`
/// names, where both were built before.
pub(crate) fn target() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let built = || Path::new(env!("CARGO_BIN_EXE_shop")).parent().unwrap_or(Path::new(".")).to_owned();
        std::env::var_os("TRADEWIND_TEST_PROGRAMS").map_or_else(built, PathBuf::from)
    })
}

/// A running system.
pub(crate) struct System {
    /// The gateway's address, without a slash at its end.
    pub(crate) url: String,
    manifest: Manifest,
    folder: tempfile::TempDir,
    up: Mutex<Up>,
}

/// A process that hangs.
#[must_use]
pub(crate) struct Paused(i32);

impl Paused {
    pub(crate) fn go_on(self) -> anyhow::Result<()> {
        signal(self.0, libc::SIGCONT)
    }
}

/// What runs: each instance of a service that is ready, with its process and URL.
type Running = HashMap<(String, u16), (i32, String)>;

struct Up {
    child: Child,
    running: watch::Receiver<Running>,
    seeded: watch::Receiver<bool>,
}

impl System {
    /// Builds the program, starts it, and waits until the shop has something to sell.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_as(Manifest::of_this_build()?).await
    }

    /// The same by a manifest of its own.
    pub(crate) async fn start_as(manifest: Manifest) -> anyhow::Result<Self> {
        let system = Self::start_empty(manifest).await?;
        system.wait_until_ready().await?;
        Ok(system)
    }

    /// The same, and there may be nothing to sell.
    pub(crate) async fn start_empty(manifest: Manifest) -> anyhow::Result<Self> {
        build().await?;
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let up = spawn(&manifest, folder.path(), port)?;
        let system = Self { url: format!("http://127.0.0.1:{port}"), manifest, folder, up: Mutex::new(up) };
        system.wait_until_running().await?;
        Ok(system)
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        self.wait_until_running().await?;
        let products = format!("{}/api/catalog/products?q=milk&limit=2", self.url);
        let enough = |page: &Value| page["items"].as_array().is_some_and(|items| items.len() == 2);
        wait_for(&products, READY_WITHIN, enough).await?;
        Ok(())
    }

    async fn wait_until_running(&self) -> anyhow::Result<()> {
        let mut running = self.up.lock().await.running.clone();
        let all = |running: &Running| {
            ["catalog", "ordering", "customers", "inventory", "invoicing", "recommendations", "storefront"]
                .iter()
                .all(|name| running.keys().any(|(service, _)| service == name))
        };
        let ready = tokio::time::timeout(READY_WITHIN, running.wait_for(all)).await;
        ready.context("the services are not ready in time")?.context("tradewind up has ended; its output is above")?;
        Ok(())
    }

    /// Waits until the sample year is in the shop.
    pub(crate) async fn wait_until_seeded(&self) -> anyhow::Result<()> {
        let mut seeded = self.up.lock().await.seeded.clone();
        let done = tokio::time::timeout(READY_WITHIN, seeded.wait_for(|seeded| *seeded)).await;
        done.context("the sample is not placed in time")?.context("tradewind up has ended; its output is above")?;
        Ok(())
    }

    /// Kills one service's process, which this system's own `up` started.
    pub(crate) async fn kill(&self, service: &str) -> anyhow::Result<()> {
        self.kill_instance(service, 1).await
    }

    /// Kills one of a service's processes.
    pub(crate) async fn kill_instance(&self, service: &str, number: u16) -> anyhow::Result<()> {
        kill(self.wait_for_instance(service, number).await?.0)
    }

    /// Waits until one of a service's processes is ready; its id and URL.
    pub(crate) async fn wait_for_instance(&self, service: &str, number: u16) -> anyhow::Result<(i32, String)> {
        let mut running = self.up.lock().await.running.clone();
        let wanted = (service.to_owned(), number);
        let runs = running.wait_for(|running| running.contains_key(&wanted));
        let running = tokio::time::timeout(READY_WITHIN, runs).await;
        Ok(running.with_context(|| format!("{service}.{number} does not run"))??[&wanted].clone())
    }

    /// Stops one service's process where it is, as one that hangs.
    pub(crate) async fn pause(&self, service: &str) -> anyhow::Result<Paused> {
        let (pid, _) = self.wait_for_instance(service, 1).await?;
        signal(pid, libc::SIGSTOP)?;
        Ok(Paused(pid))
    }

    /// Where one of a service's processes is, if it is ready.
    pub(crate) async fn url_of(&self, service: &str, number: u16) -> Option<String> {
        let running = self.up.lock().await.running.clone();
        running.borrow().get(&(service.to_owned(), number)).map(|(_, url)| url.clone())
    }

    /// Kills `up`, and with it what it started, and starts it again on the same folder and port.
    pub(crate) async fn kill_up_and_start_again(&self) -> anyhow::Result<()> {
        {
            let mut up = self.up.lock().await;
            up.child.kill().await?;
            let port = self.url.rsplit(':').next().context("a port")?.parse()?;
            *up = spawn(&self.manifest, self.folder.path(), port)?;
        }
        self.wait_until_ready().await
    }

    /// Ends it as Ctrl-C does, and checks that it drained.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let mut up = self.up.into_inner();
        let pid = up.child.id().context("tradewind up runs")?;
        signal(i32::try_from(pid)?, libc::SIGINT)?;
        let ended = tokio::time::timeout(Duration::from_secs(60), up.child.wait()).await;
        let status = ended.context("tradewind up does not drain")??;
        ensure!(status.success(), "tradewind up ended with {status}");
        Ok(())
    }
}

/// Without it, a test of yesterday's program would pass. `./test` has built it already, with all else.
async fn build() -> anyhow::Result<()> {
    let is_built = ["TRADEWIND_TEST_NO_BUILD", "TRADEWIND_TEST_PROGRAMS"];
    if is_built.into_iter().any(|name| std::env::var_os(name).is_some()) {
        return Ok(());
    }
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo.args(["build", "--quiet", "-p", "tradewind", "--bin", "tradewind"]).current_dir(workspace());
    if target().ends_with("release") {
        cargo.arg("--release");
    }
    let target_dir = target().parent().context("a target folder")?;
    let status = cargo.env("CARGO_TARGET_DIR", target_dir).stdin(Stdio::null()).status().await?;
    ensure!(status.success(), "tradewind does not build");
    Ok(())
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn spawn(manifest: &Manifest, folder: &Path, port: u16) -> anyhow::Result<Up> {
    let file = folder.join("tradewind.toml");
    std::fs::write(&file, &manifest.text)?;
    let mut command = Command::new(target().join("tradewind"));
    command.args(["up", "--json", "--no-build", "--port", &port.to_string(), "--manifest"]);
    command.arg(&file).arg("--data").arg(folder.join("data"));
    if let Some(profile) = manifest.profile {
        command.args(["--profile", profile]);
    }
    for (service, instances) in &manifest.scaled {
        command.arg("--scale").arg(format!("{service}={instances}"));
    }
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start tradewind up")?;
    let (told, running) = watch::channel(Running::new());
    let (tell_seeded, seeded) = watch::channel(false);
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            note(&told, &tell_seeded, &line);
        }
    });
    Ok(Up { child, running, seeded })
}

/// The shop's own manifest.
pub(crate) struct Manifest {
    pub(crate) text: String,
    profile: Option<&'static str>,
    scaled: Vec<(&'static str, u16)>,
}

impl Manifest {
    /// With the programs of this build.
    pub(crate) fn of_this_build() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(workspace().join("tradewind.toml")).context("the workspace's manifest")?;
        let text = text.replace("target/release/", &format!("{}/", target().display()));
        // It is written elsewhere, and names these files from its own folder.
        let documents = format!("openapi = \"{}/shop/", std::path::absolute(workspace())?.display());
        let text = text.replace("openapi = \"shop/", &documents);
        Ok(Self { text, profile: None, scaled: Vec::new() })
    }

    /// With this profile, whose server is elsewhere: nothing but the URL is changed.
    pub(crate) fn with_profile(self, profile: &'static str, usual: &str, here: &str) -> anyhow::Result<Self> {
        ensure!(self.text.matches(usual).count() == 1, "the manifest has {usual} once, in the profile {profile}");
        Ok(Self { text: self.text.replace(usual, here), profile: Some(profile), ..self })
    }

    /// With so many instances of these services.
    pub(crate) fn scaled(self, instances: &[(&'static str, u16)]) -> Self {
        Self { scaled: instances.to_vec(), ..self }
    }
}

/// Follows which process each service has, and whether the sample is placed. Lines that matter to a person who reads a failed test are passed on.
fn note(told: &watch::Sender<Running>, seeded: &watch::Sender<bool>, line: &str) {
    let Ok(event) = serde_json::from_str::<Value>(line) else {
        eprintln!("up: {line}");
        return;
    };
    let service = event["service"].as_str().unwrap_or_default().to_owned();
    let number = event["instance"].as_u64().and_then(|number| u16::try_from(number).ok()).unwrap_or_default();
    match event["type"].as_str() {
        Some("ready") => {
            if let Some(pid) = event["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()) {
                let url = event["url"].as_str().unwrap_or_default().to_owned();
                told.send_modify(|running| {
                    running.insert((service, number), (pid, url));
                });
            }
        }
        Some("seeded") => {
            seeded.send_replace(event["ok"] == true);
        }
        Some("fell") => told.send_modify(|running| {
            running.remove(&(service, number));
        }),
        _ => {}
    }
    if event["type"] != "log" {
        eprintln!("up: {line}");
    }
}

fn kill(pid: i32) -> anyhow::Result<()> {
    signal(pid, libc::SIGKILL)
}

fn signal(pid: i32, signal: i32) -> anyhow::Result<()> {
    ensure!(pid > 1, "not a process of ours: {pid}");
    // SAFETY: kill takes two numbers and touches no memory of ours.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => bail!("cannot signal {pid}: {}", std::io::Error::last_os_error()),
    }
}
