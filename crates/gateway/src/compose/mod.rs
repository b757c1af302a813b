//! One answer from several services: a composition's calls, made in the order that their references ask for, and of
//! their answers what a profile selects, spliced into one JSON document without building a tree.
//!
//! Read in this order: a [`Composition`] is the named calls, each a `template` with an [`OnFailure`]; a [`Composed`] is
//! a composition and a `selection` from it; [`Composed::answer`] asks through [`Ask`] (`run`), splices what comes back
//! (`splice`), and makes an [`Answer`] that tells which parts are complete, stale or missing. A [`Profile`] is the
//! compositions that one kind of client gets. `docs/internals/gateway-composition.md` draws it.
//!
//! It knows nothing of routes, upstreams or servers, and of the cache no more than how it reads `Cache-Control`.
//! Nothing can be written in it but selection and shape.

mod limits;
mod place;
mod parameters;
mod ask;
mod failure;
mod template;
mod composition;
mod order;
mod selection;
mod composed;
mod budget;
mod run;
mod targets;
mod outcome;
mod splice;
mod answer;
mod caching;
mod profile;
mod planned;
mod reads;
mod outline;

pub(crate) use answer::{AS_OF, AS_OF_PARAMETER};
pub use answer::{Answer, Fragment, FragmentState, Unanswered};
pub use ask::{Answering, Ask, Expiring, Freshness, Piece, Question, Storing};
pub use composed::{Composed, Request};
pub use composition::{CallText, Composition, QueryParameter};
pub use failure::{Failed, Instead, OnFailure};
pub use limits::CompositionLimits;
pub use outline::{CallOutline, FieldOutline, Origin, Outline, ParameterOutline, ParameterUse, Put};
pub use parameters::Parameters;
pub use place::{CompositionError, Part, Place};
pub use planned::Planned;
pub use profile::{Profile, ProfileText, Served};
pub use reads::{CallReads, FieldRead, QueryRead};
pub use selection::Fragments;

#[cfg(test)]
mod tests;
