//! What is held against the services' documents: requests, if `validate` says so, and compositions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tradewind_events::ErrorCode;
use tradewind_gateway::Validation;
use tradewind_gateway::compose::CompositionError;
use tradewind_gateway::openapi::Misfit;

use crate::manifest::KeptDocuments;
use crate::manifest::section::{At, Problems};

/// The services' documents, each compiled at most once.
pub(super) struct Held<'k> {
    pub(super) kept: &'k KeptDocuments,
    compiled: RefCell<BTreeMap<String, Option<Arc<Validation>>>>,
}

impl<'k> Held<'k> {
    pub(super) fn new(kept: &'k KeptDocuments) -> Self {
        Self { kept, compiled: RefCell::default() }
    }

    /// What a service's requests are held against, if a route says so itself, or `usual` does, which asks it of those
    /// services only that have a document.
    pub(super) fn validation(
        &self,
        service: &str,
        said: Option<At<bool>>,
        usual: bool,
        problems: &Problems<'_>,
    ) -> Option<Arc<Validation>> {
        let is_wanted = said.as_ref().map_or(usual, |said| said.value);
        if !is_wanted {
            return None;
        }
        let span = said.map_or(0..0, |said| said.span);
        let Some(document) = self.kept.documents.get(service) else {
            let message = format!("there is no OpenAPI document of service `{service}` to hold requests against");
            let help = format!("give it one: openapi = \"{service}/openapi.json\" in [services.{service}]");
            if span != (0..0) {
                problems.add(span, message, help);
            }
            return None;
        };
        let mut compiled = self.compiled.borrow_mut();
        let known = compiled.entry(service.to_owned()).or_insert_with(|| {
            let compiled = Validation::compile(document).map(Arc::new);
            compiled.map_err(|error| tell_uncompiled(service, &error.to_string(), span, problems)).ok()
        });
        known.clone()
    }
}

fn tell_uncompiled(service: &str, error: &str, span: Range<usize>, problems: &Problems<'_>) {
    let message = format!("requests cannot be held against the OpenAPI document of `{service}`: {error}");
    problems.add_coded(ErrorCode::INVALID_DOCUMENT, span, message, "mend the schema, or say validate = false");
}

/// Tells what a composition asks for and a document does not have; `place_of` knows where its author wrote it.
pub(super) fn tell_misfits(
    what: &str,
    misfits: Vec<Misfit>,
    problems: &Problems<'_>,
    place_of: impl Fn(&CompositionError) -> Range<usize>,
) {
    for Misfit { part, place, what: why, meant, .. } in misfits {
        let help = match meant {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => "`tradewind gateway openapi` prints what there is".to_owned(),
        };
        let error = CompositionError { part, place, what: why };
        problems.add_coded(ErrorCode::MISFIT, place_of(&error), format!("{what}: {}", error.what), help);
    }
}
