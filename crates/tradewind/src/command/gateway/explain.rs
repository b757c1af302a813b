//! `tradewind gateway explain`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use http::{HeaderName, HeaderValue, Method, Request, header};
use serde::Serialize;
use tradewind_events::ErrorCode;
use tradewind_gateway::{Explained, Refused, Route};

use super::explained::Explanation;
use super::outlook;
use crate::command::check::load;
use crate::command::output::print;
use crate::failure::Failure;

/// Say which route takes a request, what is done with it on the way, and which service gets it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Explain {
    /// The path that is asked for, with or without a query
    #[arg(value_name = "PATH", value_parser = read_path, required_unless_present = "down")]
    path: Option<String>,
    /// Say what each route would answer if this service were dead
    #[arg(long, value_name = "SERVICE", conflicts_with_all = ["path", "method", "host", "header"])]
    down: Option<String>,
    /// The method
    #[arg(long, default_value = "GET", value_parser = read_method)]
    method: Method,
    /// The host that is asked for, with or without a port
    #[arg(long)]
    host: Option<String>,
    /// A header of the request; can be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = read_header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Tell it as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tradewind gateway explain /api/catalog/products/7
  tradewind gateway explain /api/orders --method POST --host shop.example --header 'x-version: 2'
  tradewind gateway explain /live --header 'connection: upgrade' --header 'upgrade: websocket'
  tradewind gateway explain --down catalog

Exit codes: 0 it is answered, or a route leads to the service; 1 it is refused, or the manifest is wrong; 2 wrong usage.";

/// What `--json` tells of a request that no service gets.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    method: &'a str,
    path: &'a str,
    /// The route whose policies answer it, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// The status of the answer; nothing if it is one of the gateway's own pages, which say it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    /// Who or what answers, or why it is refused.
    detail: String,
}

impl Explain {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let manifest = load(&self.manifest)?;
        let plan = manifest.gateway.plan(&manifest.upstreams())?;
        if let Some(service) = &self.down {
            return outlook::tell(&plan, service, &self.manifest, self.json);
        }
        let request = self.request()?;
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("HOST").to_owned();
        let asked = self.path.as_deref().unwrap_or_default();
        match Arc::new(plan).explain(request, manifest.gateway.tls.is_some()) {
            Explained::Own => self.tell_answer(asked, None, None, "by the gateway itself"),
            Explained::ByPolicies(route) => self.tell_answer(
                asked,
                Some(&route),
                Some(204),
                "by the route's policies, since it only asks what may be asked",
            ),
            Explained::Refused(why) => self.tell_refusal(asked, why),
            Explained::Routed { route, captures, target } => {
                let told = Explanation::of(&manifest, (&self.method, asked, &host), &route, &captures, target);
                match self.json {
                    true => print(&serde_json::to_string(&told)?),
                    false => print(&told.lines(&self.manifest).join("\n")),
                }
            }
        }
    }

    /// The request that is asked about, as it would come.
    fn request(&self) -> anyhow::Result<Request<()>> {
        let mut request = Request::builder().method(&self.method).uri(self.path.as_deref().unwrap_or_default());
        if let Some(host) = &self.host {
            request = request.header(header::HOST, host);
        }
        for (name, value) in &self.header {
            request = request.header(name, value);
        }
        request.body(()).context("no request can say this")
    }

    /// Tells of an answer without a service.
    fn tell_answer(&self, path: &str, route: Option<&Route>, status: Option<u16>, detail: &str) -> anyhow::Result<()> {
        let (method, line) = (self.method.as_str(), route.and_then(|route| route.line));
        if self.json {
            let (route, detail) = (route.map(|route| &*route.name), detail.to_owned());
            return print(&serde_json::to_string(&Answered { method, path, route, line, status, code: None, detail })?);
        }
        let mut lines = vec![format!("{method} {path}")];
        if let Some(route) = route {
            lines.push(format!("  route       {}{}", route.name, place(&self.manifest, line)));
            lines.push(format!("  takes       {}", route.takes()));
        }
        let status = status.map_or_else(String::new, |status| format!("{status} "));
        lines.push(format!("  answered    {status}{detail}"));
        print(&lines.join("\n"))
    }

    /// Tells of an error that the gateway answers with, which is one here too.
    fn tell_refusal(&self, path: &str, why: Refused) -> anyhow::Result<()> {
        let method = self.method.as_str();
        let message = format!("{method} {path}: {why}");
        let Refused { status, code, detail } = why;
        if self.json {
            let (status, code) = (Some(status.as_u16()), Some(code));
            print(&serde_json::to_string(&Answered { method, path, route: None, line: None, status, code, detail })?)?;
        }
        Err(Failure::coded(code, message, "`tradewind gateway check` lists the routes"))
    }
}

/// Where a route was written, behind its name.
pub(super) fn place(file: &Path, line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", {}:{line}", file.display()))
}

fn read_path(text: &str) -> Result<String, String> {
    match text.starts_with('/') && text.parse::<http::Uri>().is_ok() {
        true => Ok(text.to_owned()),
        false => Err("write a path as it stands in a request: /api/orders?limit=5".to_owned()),
    }
}

fn read_method(text: &str) -> Result<Method, String> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|_| format!("{text:?} is no method"))
}

fn read_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("say NAME: VALUE, as 'x-version: 2'")?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} is no header's name"))?;
    let value = value.trim().parse().map_err(|_| "a header cannot carry this value".to_owned())?;
    Ok((name, value))
}
