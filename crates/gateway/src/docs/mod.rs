//! The services' documents and those of the profiles, told at `/_gateway/openapi.json` and
//! `/_gateway/openapi/PROFILE.json`, and as pages, by Swagger UI, at `/_gateway/docs` and `/_gateway/docs/PROFILE`.
//! All of it comes from the program: the page loads nothing from elsewhere, and may not.

mod files;
mod told;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::Full;

use crate::openapi::Document;
use crate::{GatewayHandle, Plan};

use files::File;
use told::Told;

/// The documents that a gateway tells.
#[derive(Debug, Clone, Default)]
pub struct ApiDocuments {
    /// That of all services behind it.
    pub merged: Option<Document>,
    /// Those of its profiles, by their names.
    pub profiles: BTreeMap<String, Document>,
}

/// The same, as they are answered.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    merged: Option<Told>,
    profiles: BTreeMap<String, Told>,
}

impl Documents {
    pub(crate) fn new(documents: &ApiDocuments) -> Self {
        let profiles = documents.profiles.iter();
        Self {
            merged: documents.merged.as_ref().map(Told::document),
            profiles: profiles.map(|(name, document)| (name.clone(), Told::document(document))).collect(),
        }
    }

    /// Names and addresses, as Swagger UI takes them.
    fn list(&self) -> Told {
        let all = self.merged.iter().map(|_| ("all services", "/_gateway/openapi.json".to_owned()));
        let profiles = self.profiles.keys().map(|name| (&**name, format!("/_gateway/openapi/{name}.json")));
        let entry = |(name, url)| serde_json::json!({"name": name, "url": url});
        Told::json(serde_json::Value::from_iter(all.chain(profiles).map(entry)).to_string())
    }
}

impl GatewayHandle {
    /// Tells these documents from now on.
    pub fn tell(&self, documents: &ApiDocuments) {
        self.0.documents.store(std::sync::Arc::new(Documents::new(documents)));
    }

    /// The plan by which requests are answered now.
    #[must_use]
    pub fn plan(&self) -> std::sync::Arc<Plan> {
        self.0.plan.load_full()
    }
}

/// The answer to a request for one of them; nothing, if it asks for something else.
pub(crate) fn answer(
    documents: &Documents,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response<Full<Bytes>>> {
    let path = path.strip_prefix("/_gateway/")?;
    let told = match path {
        "openapi" => return Some(documents.list().answer(method, headers)),
        "openapi.json" => documents.merged.as_ref(),
        _ => match path.strip_prefix("openapi/").and_then(|name| name.strip_suffix(".json")) {
            Some(name) => documents.profiles.get(name),
            None => return page(documents, path).map(|file| file.answer(method, headers)),
        },
    };
    told.map(|told| told.answer(method, headers))
}

/// The page, for all documents or one profile's first, and what it loads.
fn page(documents: &Documents, path: &str) -> Option<&'static File> {
    match path.strip_prefix("docs")?.trim_start_matches('/') {
        "" => Some(&files::PAGE),
        name if documents.profiles.contains_key(name) => Some(&files::PAGE),
        name => files::of_name(name),
    }
}

#[cfg(test)]
mod tests;
