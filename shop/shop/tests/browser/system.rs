//! `tradewind up`, as a newcomer starts it, but with a data folder and a port of its own.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, watch};

use crate::http::wait_for;

/// A debug build on a busy machine, with the sample to place, takes its time.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// The folder that the programs under test are in: `target/debug` or `target/release`.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_shop")).parent().unwrap_or(Path::new("."))
}

/// A running system.
pub(crate) struct System {
    /// The gateway's address, without a slash at its end.
    pub(crate) url: String,
    manifest: Manifest,
    folder: tempfile::TempDir,
    up: Mutex<Up>,
}

struct Up {
    child: Child,
    pids: watch::Receiver<HashMap<String, i32>>,
    seeded: watch::Receiver<bool>,
}

impl System {
    /// Builds the program, starts it, and waits until the shop has something to sell.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_as(Manifest::of_this_build()?).await
    }

    /// The same by a manifest of its own.
    pub(crate) async fn start_as(manifest: Manifest) -> anyhow::Result<Self> {
        build().await?;
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let up = spawn(&manifest, folder.path(), port)?;
        let system = Self { url: format!("http://127.0.0.1:{port}"), manifest, folder, up: Mutex::new(up) };
        system.wait_until_ready().await?;
        Ok(system)
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let mut pids = self.up.lock().await.pids.clone();
        let all = |pids: &HashMap<String, i32>| {
            ["catalog", "ordering", "customers", "inventory", "invoicing", "recommendations", "storefront"]
                .iter()
                .all(|name| pids.contains_key(*name))
        };
        let ready = tokio::time::timeout(READY_WITHIN, pids.wait_for(all)).await;
        ready.context("the services are not ready in time")?.context("tradewind up has ended; its output is above")?;
        let products = format!("{}/api/catalog/products?q=milk&limit=2", self.url);
        let enough = |page: &Value| page["items"].as_array().is_some_and(|items| items.len() == 2);
        wait_for(&products, READY_WITHIN, enough).await?;
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
        let mut pids = self.up.lock().await.pids.clone();
        let runs = pids.wait_for(|pids| pids.contains_key(service));
        let pids =
            tokio::time::timeout(READY_WITHIN, runs).await.with_context(|| format!("{service} does not run"))??;
        kill(pids[service])
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
    if std::env::var_os("TRADEWIND_TEST_NO_BUILD").is_some() {
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
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start tradewind up")?;
    let (told, pids) = watch::channel(HashMap::new());
    let (tell_seeded, seeded) = watch::channel(false);
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            note(&told, &tell_seeded, &line);
        }
    });
    Ok(Up { child, pids, seeded })
}

/// The shop's own manifest.
pub(crate) struct Manifest {
    text: String,
    profile: Option<&'static str>,
}

impl Manifest {
    /// With the programs of this build.
    pub(crate) fn of_this_build() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(workspace().join("tradewind.toml")).context("the workspace's manifest")?;
        Ok(Self { text: text.replace("target/release/", &format!("{}/", target().display())), profile: None })
    }

    /// With this profile, whose server is elsewhere: nothing but the URL is changed.
    pub(crate) fn with_profile(self, profile: &'static str, usual: &str, here: &str) -> anyhow::Result<Self> {
        ensure!(self.text.matches(usual).count() == 1, "the manifest has {usual} once, in the profile {profile}");
        Ok(Self { text: self.text.replace(usual, here), profile: Some(profile) })
    }
}

/// Follows which process each service has, and whether the sample is placed. Lines that matter to a person who reads a failed test are passed on.
fn note(told: &watch::Sender<HashMap<String, i32>>, seeded: &watch::Sender<bool>, line: &str) {
    let Ok(event) = serde_json::from_str::<Value>(line) else {
        eprintln!("up: {line}");
        return;
    };
    let service = event["service"].as_str().unwrap_or_default().to_owned();
    match event["type"].as_str() {
        Some("ready") => {
            if let Some(pid) = event["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()) {
                told.send_modify(|pids| {
                    pids.insert(service, pid);
                });
            }
        }
        Some("seeded") => {
            seeded.send_replace(event["ok"] == true);
        }
        Some("fell") => told.send_modify(|pids| {
            pids.remove(&service);
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
