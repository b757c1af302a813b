//! A headless Chromium with its chromedriver, and the few things that a person does with it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::client::Hyper;
use crate::http::post_json;
use crate::system::target;

const INSTALL: &str = "install them with `apt-get update && apt-get install -y chromium chromium-driver`, \
                       or leave the browser's tests out with TRADEWIND_TEST_SKIP=chromium";

/// A size of screen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    name: &'static str,
    width_px: u32,
    height_px: u32,
    is_touch: bool,
}

impl Screen {
    pub(crate) const DESKTOP: Self = Self { name: "desktop", width_px: 1280, height_px: 860, is_touch: false };
    pub(crate) const PHONE: Self = Self { name: "phone", width_px: 390, height_px: 844, is_touch: true };
}

/// One browser window. Close it with [`Browser::close`].
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    pub(crate) url: String,
    screen: Screen,
    chromedriver: Child,
    chromedriver_url: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium on the shop's address.
    pub(crate) async fn open(url: &str, screen: Screen) -> anyhow::Result<Self> {
        let (chromedriver, port) = start_chromedriver().await?;
        let profile = tempfile::tempdir()?;
        let mut wanted = DesiredCapabilities::chrome();
        let folder = format!("--user-data-dir={}", profile.path().display());
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            &folder,
        ] {
            wanted.add_arg(argument)?;
        }
        // Not by the window, whose frame takes some of it, and which is never as narrow as a phone.
        let metrics = serde_json::json!({
            "width": screen.width_px,
            "height": screen.height_px,
            "pixelRatio": 1.0,
            "touch": screen.is_touch,
            "mobile": screen.is_touch,
        });
        wanted.add_experimental_option("mobileEmulation", serde_json::json!({ "deviceMetrics": metrics }))?;
        let server = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::builder(server.clone(), wanted).client(Hyper::new()).connect().await;
        let driver = driver.with_context(|| format!("Chromium does not start: {INSTALL}"))?;
        Ok(Self { driver, url: url.to_owned(), screen, chromedriver, chromedriver_url: server, _profile: profile })
    }

    /// Ends the browser, however the work in it went; after a failure with a last screenshot.
    pub(crate) async fn close(mut self, work: anyhow::Result<()>) -> anyhow::Result<()> {
        if work.is_err() {
            let shown = self.driver.find(By::Tag("body")).await;
            let text = match shown {
                Ok(body) => body.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            eprintln!("at the end the page showed:\n{text}");
            if let Err(error) = self.screenshot("failed").await {
                eprintln!("no last screenshot: {error:#}");
            }
        }
        let quit = self.driver.quit().await;
        self.chromedriver.kill().await?;
        work?;
        Ok(quit?)
    }

    /// Goes to a path by its address, as a bookmark does, and waits for what must be there. A page that does not come
    /// is asked for again: a person would reload it.
    pub(crate) async fn visit(&self, path: &str, css: &str) -> anyhow::Result<WebElement> {
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            let gone = self.driver.goto(format!("{}{path}", self.url)).await;
            match self.see_within(css, Duration::from_secs(10)).await {
                Ok(element) => return Ok(element),
                Err(error) if Instant::now() > end => return Err(error.context(format!("at {path} ({gone:?})"))),
                Err(_) => {}
            }
        }
    }

    /// Waits until something is shown; presses the page's own "Try again" where it offers that.
    pub(crate) async fn see(&self, css: &str) -> anyhow::Result<WebElement> {
        self.see_within(css, Duration::from_secs(60)).await
    }

    async fn see_within(&self, css: &str, within: Duration) -> anyhow::Result<WebElement> {
        let end = Instant::now() + within;
        loop {
            if let Ok(element) = self.driver.find(By::Css(css)).await
                && element.is_displayed().await.unwrap_or(false)
            {
                return Ok(element);
            }
            if Instant::now() > end {
                bail!("never saw {css:?} on {}", self.driver.current_url().await.map(String::from).unwrap_or_default());
            }
            if let Ok(retry) = self.driver.find(By::Css("[data-testid=retry]")).await {
                // The button may be gone again by now; then there is nothing to press.
                let _ = retry.click().await;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits for something and clicks it, in the middle of the screen, where nothing lies over it.
    pub(crate) async fn click(&self, css: &str) -> anyhow::Result<()> {
        let mut last = None;
        for _ in 0..20 {
            let element = self.see(css).await?;
            let place = vec![element.to_json()?];
            let centred = self.driver.execute("arguments[0].scrollIntoView({block: 'center'})", place).await;
            match centred {
                Ok(_) => match element.click().await {
                    Ok(()) => return Ok(()),
                    // Drawn anew between finding and clicking, or still on the move.
                    Err(error) => last = Some(error),
                },
                Err(error) => last = Some(error),
            }
            sleep(Duration::from_millis(150)).await;
        }
        Err(anyhow::anyhow!("cannot click {css:?}: {last:?}"))
    }

    /// The text of something, or nothing where it is not there.
    pub(crate) async fn text(&self, css: &str) -> String {
        match self.driver.find(By::Css(css)).await {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// How many there are.
    pub(crate) async fn count(&self, css: &str) -> usize {
        self.driver.find_all(By::Css(css)).await.map_or(0, |found| found.len())
    }

    /// The value of a JavaScript expression.
    pub(crate) async fn evaluate(&self, expression: &str) -> anyhow::Result<serde_json::Value> {
        Ok(self.driver.execute(format!("return {expression}"), Vec::new()).await?.json().clone())
    }

    /// A command of Chromium's own protocol, which chromedriver passes on.
    pub(crate) async fn devtools(&self, command: &str, params: serde_json::Value) -> anyhow::Result<()> {
        let url = format!("{}/session/{}/goog/cdp/execute", self.chromedriver_url, self.driver.session_id());
        post_json(&url, &serde_json::json!({"cmd": command, "params": params})).await.map(drop)
    }

    /// Waits until no part of the page waits for an answer any more.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let end = Instant::now() + Duration::from_secs(60);
        while self.count("#main [aria-busy=true]").await > 0 {
            ensure!(Instant::now() < end, "a part of the page waits for ever");
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Puts a day into a field for dates, as its picker does: which keys it takes depends on the browser's language.
    pub(crate) async fn type_date(&self, css: &str, day: &str) -> anyhow::Result<()> {
        let script = format!(
            "(() => {{ const field = document.querySelector('{css}'); field.value = '{day}';
                field.dispatchEvent(new Event('change', {{ bubbles: true }})); return true; }})()"
        );
        self.evaluate(&script).await.map(drop)
    }

    /// Keeps what is on the screen as `target/screenshots/<screen>-<name>.png`.
    pub(crate) async fn screenshot(&self, name: &str) -> anyhow::Result<()> {
        let folder = screenshots();
        std::fs::create_dir_all(&folder)?;
        // Let what has just come in come to rest.
        sleep(Duration::from_millis(400)).await;
        self.driver.screenshot(&folder.join(format!("{}-{name}.png", self.screen.name))).await?;
        let too_wide =
            self.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth").await?;
        ensure!(too_wide.as_i64() == Some(0), "{name} sticks out of the screen by {too_wide} pixels");
        Ok(())
    }
}

fn screenshots() -> PathBuf {
    target().parent().map_or_else(|| PathBuf::from("screenshots"), |target| target.join("screenshots"))
}

async fn start_chromedriver() -> anyhow::Result<(Child, u16)> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("chromedriver does not start: {INSTALL}"))?;
    let mut lines = BufReader::new(child.stdout.take().context("chromedriver has no output")?).lines();
    let port = async {
        while let Some(line) = lines.next_line().await? {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return Ok(port.trim_end_matches('.').trim().parse()?);
            }
        }
        bail!("chromedriver ended before it listened: {INSTALL}")
    };
    let port = timeout(Duration::from_secs(30), port).await.context("chromedriver does not say where it listens")??;
    // What it says later must not fill the pipe.
    tokio::spawn(async move { while matches!(lines.next_line().await, Ok(Some(_))) {} });
    Ok((child, port))
}
