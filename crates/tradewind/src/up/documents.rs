//! The OpenAPI documents that the gateway tells are those of the services that run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, timeout};
use tradewind_events::ErrorCode;
use tradewind_fleet::{FleetHandle, ServiceName, State};
use tradewind_gateway::openapi::{Document, Documents, breaking};
use tradewind_gateway::{CallPolicy, Deadline, GatewayHandle, Plan, RequestBody, Upstream};

use super::panics::caught;
use crate::described::{describe, misfits};
use crate::manifest::{AboutApis, KeptDocuments};

/// How often it is looked whether the plan has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After how long a service is asked again that did not answer as it should.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How long a service may take to answer with its document.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What is followed.
pub(super) struct Documenting {
    pub(super) about: AboutApis,
    /// What stands for a service that has not told its own yet.
    pub(super) kept: KeptDocuments,
    pub(super) handle: FleetHandle,
    pub(super) upstreams: BTreeMap<ServiceName, Upstream>,
    pub(super) gateway: GatewayHandle,
}

/// What is known of the services.
struct Known {
    documents: Documents,
    /// The processes that have been asked, and when to ask again if one did not answer as it should.
    asked: BTreeMap<ServiceName, (Vec<u32>, Option<Instant>)>,
    /// The plan for which it has been told what follows.
    plan: Option<Arc<Plan>>,
    /// Whether a document is another one since.
    has_changed: bool,
}

impl Documenting {
    /// Asks each service for its document whenever it has become ready, and tells what follows from them. Goes on until
    /// it is dropped.
    pub(super) async fn follow(self) {
        let mut changes = self.handle.changes();
        let mut known =
            Known { documents: self.kept.documents.clone(), asked: BTreeMap::new(), plan: None, has_changed: false };
        loop {
            if let Err(why) = caught(self.look(&mut known)).await {
                let code = ErrorCode::INTERNAL;
                tracing::error!(%code, "looking at the services' OpenAPI documents panicked, so that what is told of them may be old: {why}");
            }
            tokio::select! {
                // The fleet's part of it lives as long as the handle.
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Asks who is ready and has not been asked, and tells what follows if something has changed. What is noted as done
    /// before it is done is not tried again at once if it panics.
    async fn look(&self, known: &mut Known) {
        for (service, processes) in self.ready() {
            let is_done = known.asked.get(&service).is_some_and(|(asked, again)| {
                let is_due = again.is_some_and(|again| Instant::now() >= again);
                !is_due && processes.iter().all(|process| asked.contains(process))
            });
            if is_done {
                continue;
            }
            known.asked.insert(service.clone(), (processes.clone(), Some(Instant::now() + AGAIN_AFTER)));
            let told = self.ask(&service, &mut known.documents).await;
            known.has_changed |= told == Some(true);
            let again = told.is_none().then(|| Instant::now() + AGAIN_AFTER);
            known.asked.insert(service, (processes, again));
        }
        let present = self.gateway.plan();
        let is_same = known.plan.as_ref().is_some_and(|plan| Arc::ptr_eq(plan, &present));
        if std::mem::take(&mut known.has_changed) || !is_same {
            known.plan = Some(Arc::clone(&present));
            let described = describe(&self.about, &present, &known.documents, "/");
            self.gateway.tell(&described.documents);
            for (profile, misfit) in misfits(&present, &known.documents) {
                let code = ErrorCode::MISFIT;
                tracing::error!(%code, "profile {profile} does not fit the services that run: {misfit}");
            }
        }
    }

    /// The services that are ready, each with its processes.
    fn ready(&self) -> BTreeMap<ServiceName, Vec<u32>> {
        let mut ready: BTreeMap<ServiceName, Vec<u32>> = BTreeMap::new();
        for status in self.handle.status() {
            if let Some(process) = status.pid.filter(|_| status.state == State::Ready) {
                ready.entry(status.instance.service).or_default().push(process);
            }
        }
        ready
    }

    /// Asks one service; whether its document is another one now, or nothing, if it did not answer as it should.
    async fn ask(&self, service: &ServiceName, documents: &mut Documents) -> Option<bool> {
        let Some(upstream) = self.upstreams.get(service) else { return Some(false) };
        let document =
            match timeout(ANSWER_WITHIN, fetch(upstream)).await.unwrap_or(Err("no answer in time".to_owned())) {
                Ok(Some(document)) => document,
                // It does not say anything of itself.
                Ok(None) => return Some(false),
                Err(why) => {
                    let code = ErrorCode::INVALID_DOCUMENT;
                    tracing::warn!(%code, "the OpenAPI document of {service} cannot be read: {why}");
                    return None;
                }
            };
        self.compare(service, &document);
        let before = documents.insert(service.to_string(), document);
        Some(before.as_ref() != documents.get(service.as_str()))
    }

    /// Tells where a service that runs is not what the manifest says.
    fn compare(&self, service: &ServiceName, document: &Document) {
        let name = service.as_str();
        let (Some(kept), Some(file)) = (self.kept.documents.get(name), self.kept.files.get(name)) else { return };
        if kept == document {
            return;
        }
        let (code, file) = (ErrorCode::DOCUMENT_DIFFERS, file.display());
        tracing::warn!(%code, "{service} runs with another OpenAPI document than {file}");
        for change in breaking(kept, document) {
            tracing::warn!(%code, "{service} breaks who relies on {file}: {change}");
        }
    }
}

/// What a service says of itself; nothing, if it says nothing.
async fn fetch(upstream: &Upstream) -> Result<Option<Document>, String> {
    let request = Request::get("/openapi.json").header(header::ACCEPT, "application/json").body(RequestBody::empty());
    let request = request.map_err(|error| error.to_string())?;
    let answer = upstream.call(request, Deadline::after(ANSWER_WITHIN), &CallPolicy::default()).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !answer.status().is_success() || !kind.contains("json") {
        return Ok(None);
    }
    let body = Limited::new(answer.into_body(), Document::BYTES_MAX).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    Document::parse(&body).map(Some).map_err(|error| error.to_string())
}
