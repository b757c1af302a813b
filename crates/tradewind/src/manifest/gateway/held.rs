//! What is held against the services' documents: requests, if `validate` says so, and compositions.

use std::ops::Range;
#[cfg(feature = "validate")]
use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use tradewind_events::ErrorCode;
use tradewind_gateway::Policies;
use tradewind_gateway::compose::CompositionError;
use tradewind_gateway::openapi::{Document, Misfit};
#[cfg(feature = "validate")]
use tradewind_gateway::{Validation, ValidationError};

use crate::manifest::KeptDocuments;
use crate::manifest::section::{At, Problems};

/// The services' documents, each compiled at most once.
pub(super) struct Held<'k> {
    pub(super) kept: &'k KeptDocuments,
    #[cfg(feature = "validate")]
    compiled: RefCell<BTreeMap<String, Option<Arc<Validation>>>>,
}

impl<'k> Held<'k> {
    pub(super) fn new(kept: &'k KeptDocuments) -> Self {
        Self {
            kept,
            #[cfg(feature = "validate")]
            compiled: RefCell::default(),
        }
    }

    /// Holds a route's requests against its service's document, if it says so itself, or `usual` does, which asks it
    /// of those services only that have a document.
    pub(super) fn hold_requests(
        &self,
        policies: &mut Policies,
        service: &str,
        said: Option<&At<bool>>,
        usual: Option<&At<bool>>,
        problems: &Problems<'_>,
    ) {
        let Some(wanted) = said.or(usual).filter(|wanted| wanted.value) else { return };
        match self.kept.documents.get(service) {
            Some(document) => self.apply(policies, service, document, wanted.span.clone(), problems),
            None if said.is_some() => {
                let message = format!("there is no OpenAPI document of service `{service}` to hold requests against");
                let help = format!("give it one: openapi = \"{service}/openapi.json\" in [services.{service}]");
                problems.add(wanted.span.clone(), message, help);
            }
            None => {}
        }
    }

    #[cfg(feature = "validate")]
    fn apply(
        &self,
        policies: &mut Policies,
        service: &str,
        document: &Document,
        span: Range<usize>,
        problems: &Problems<'_>,
    ) {
        let mut compiled = self.compiled.borrow_mut();
        let known = compiled.entry(service.to_owned()).or_insert_with(|| {
            let tell = |error: &ValidationError| {
                let message = format!("requests cannot be held against the OpenAPI document of `{service}`: {error}");
                let help = "mend the schema, or say validate = false";
                problems.add_coded(ErrorCode::INVALID_DOCUMENT, span, message, help);
            };
            Validation::compile(document).map(Arc::new).inspect_err(tell).ok()
        });
        policies.validate.clone_from(known);
    }

    #[cfg(not(feature = "validate"))]
    #[expect(clippy::unused_self, reason = "with the feature it compiles")]
    fn apply(&self, _: &mut Policies, _: &str, _: &Document, span: Range<usize>, problems: &Problems<'_>) {
        let message = "this program was built without what holds requests against documents";
        problems.add(span, message, "build it with `--features validate`, or take `validate` out");
    }
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
