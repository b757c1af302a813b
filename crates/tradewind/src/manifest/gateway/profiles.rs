//! `[gateway.profiles]`: what each kind of client gets of the compositions, and where.

use std::ops::Range;
use std::sync::Arc;

use http::Method;
use tradewind_fleet::ServiceName;
use tradewind_gateway::compose::{Composition, CompositionError, Parameters, Part, Profile, ProfileText, Served};
use tradewind_gateway::{Action, Composing, PathPattern, Policies, Route};

use super::compositions::Drafts;
use super::held::tell_misfits;
use super::route::{self, Context};
use super::{ServiceRoute, policies};
use crate::manifest::section::{At, Section};

const EXAMPLE: &str = "{ prefix = \"/web\" }";
const HELP: &str = "docs/internals/gateway-composition.md tells what can be written";

/// A profile's table, read.
struct Draft<'a> {
    name: At<&'a str>,
    prefix: At<String>,
    serves: Vec<(At<String>, At<String>)>,
    defaults: Vec<(At<String>, String)>,
    fixed: Vec<(At<String>, String)>,
    report: bool,
}

/// Reads profiles, each a route for each composition that it serves.
pub(super) fn read(section: &Section<'_>, drafts: &Drafts, context: Context<'_>) -> Vec<At<ServiceRoute>> {
    let profiles = section.table("profiles", "[gateway.profiles]").map(|table| table.tables("profile", EXAMPLE));
    let (mut routes, mut selections) = (Vec::new(), Vec::new());
    for (name, table) in profiles.unwrap_or_default() {
        let serves = table.table("serves", "what a profile serves").map(|serves| serves.texts()).unwrap_or_default();
        if serves.is_empty() && !table.has("serves") {
            let message = format!("profile `{}` serves nothing", name.value);
            context.problems.warn(&name.span, message, "say what: serves.product = \"{ … }\", or take it out");
        }
        selections.extend(serves.iter().map(|(name, text)| (name.value.clone(), text.value.clone())));
        routes.extend(read_one(name, &table, serves, drafts, context));
    }
    drafts.warn_of_unused(&selections, context.problems);
    routes
}

fn read_one(
    name: At<&str>,
    table: &Section<'_>,
    serves: Vec<(At<String>, At<String>)>,
    drafts: &Drafts,
    context: Context<'_>,
) -> Vec<At<ServiceRoute>> {
    let problems = context.problems;
    let prefix = table.text("prefix", "\"/web\"");
    table.require("prefix", "say what its paths begin with: prefix = \"/web\"");
    let parameters =
        |key, what| table.table(key, what).map(|parameters| parameters.texts_or_numbers()).unwrap_or_default();
    let defaults = parameters("defaults", "the defaults of a profile");
    let fixed = parameters("fixed", "the fixed parameters of a profile");
    let report = table.flag("report").is_some_and(|report| report.value);
    let hosts = route::read_hosts(table, problems);
    let policies = Arc::new(policies::read(table, name.value, &context.usual.policies, problems));
    table.report_unknown();
    let Some(prefix) = prefix else { return Vec::new() };
    let draft = Draft { name, prefix, serves, defaults, fixed, report };
    let Some(profile) = draft.check(drafts, context) else { return Vec::new() };
    let routes = profile.served().iter().filter_map(|served| draft.route(served, drafts, context));
    let routes = routes.map(|mut at| {
        (at.value.route.hosts, at.value.route.policies) = (hosts.clone(), Arc::clone(&policies));
        at
    });
    routes.collect()
}

impl Draft<'_> {
    /// The profile, if all of it is right; everything that is wrong is told.
    fn check(&self, drafts: &Drafts, context: Context<'_>) -> Option<Profile> {
        let compositions: Vec<Composition> =
            drafts.compositions.iter().map(|draft| draft.composition.clone()).collect();
        let parse = |serves: &[(&str, &str)], defaults: Parameters, fixed: Parameters| {
            let (name, prefix) = (self.name.value, &*self.prefix.value);
            let text = ProfileText { name, prefix, serves, defaults, fixed, report: self.report };
            Profile::parse(&text, &compositions, &drafts.fragments)
        };
        let mut is_right = true;
        let mut refuse = |error: &CompositionError, serves: &str| {
            is_right = false;
            let what = format!("profile `{}`: {}", self.name.value, error.what);
            context.problems.add(self.place_of(error, serves, drafts, context), what, HELP);
        };
        let known = self.serves.iter().filter(|(name, _)| !drafts.wrong.contains(&name.value));
        let serves: Vec<(&str, &str)> = known.map(|(name, selection)| (&*name.value, &*selection.value)).collect();
        // One by one, so that all that is wrong with them is told.
        let mut good = Vec::new();
        for one in &serves {
            match parse(&[*one], Parameters::new(), Parameters::new()) {
                Ok(_) => good.push(*one),
                Err(error) if matches!(error.part, Part::Name | Part::Prefix) => {
                    refuse(&error, one.0);
                    return None;
                }
                Err(error) => refuse(&error, one.0),
            }
        }
        let all = |said: &[(At<String>, String)]| {
            said.iter().fold(Parameters::new(), |all, (name, value)| all.with(name.value.clone(), value.clone()))
        };
        let profile = parse(&good, all(&self.defaults), all(&self.fixed)).inspect_err(|error| refuse(error, "")).ok();
        for served in profile.iter().flat_map(Profile::served) {
            let composition = served.composed.composition().name();
            let place_of = |error: &CompositionError| self.place_of(error, composition, drafts, context);
            let misfits = served.composed.misfits(&context.held.kept.documents);
            tell_misfits(&format!("profile `{}`", self.name.value), misfits, context.problems, place_of);
        }
        profile.filter(|_| is_right)
    }

    fn place_of(&self, error: &CompositionError, serves: &str, drafts: &Drafts, context: Context<'_>) -> Range<usize> {
        let problems = context.problems;
        let served = |name: &str| self.serves.iter().find(|(known, _)| known.value == *name);
        let span = match &error.part {
            Part::Prefix => Some(self.prefix.span.clone()),
            Part::Selection(name) => {
                served(name).map(|(_, text)| problems.within(&text.span, error.place.line, error.place.column))
            }
            Part::Serves(name) => served(name).map(|(name, _)| name.span.clone()),
            Part::Parameter(name) => {
                let all = self.defaults.iter().chain(&self.fixed);
                all.map(|(known, _)| known).find(|known| known.value == *name).map(|known| known.span.clone())
            }
            _ => drafts.place_of(error, serves, problems),
        };
        span.unwrap_or_else(|| self.name.span.clone())
    }

    /// What a composition's path is behind the prefix.
    fn pattern(&self, served: &Served, path: &At<String>, context: Context<'_>) -> Option<PathPattern> {
        // What is wrong with the composition's path is told there, and what only the prefix makes wrong, at the prefix.
        let Err(error) = PathPattern::parse(&served.pattern) else { return PathPattern::parse(&served.pattern).ok() };
        if PathPattern::parse(&path.value).is_err() {
            return route::read_path(path, context.problems);
        }
        let what = format!("profile `{}`: {error}", self.name.value);
        context.problems.add(self.prefix.span.clone(), what, "write another prefix, as \"/web\"");
        None
    }

    fn route(&self, served: &Served, drafts: &Drafts, context: Context<'_>) -> Option<At<ServiceRoute>> {
        let composition = served.composed.composition().name();
        let draft = drafts.find(composition)?;
        let (key, _) = self.serves.iter().find(|(name, _)| name.value == composition)?;
        let pattern = self.pattern(served, &draft.path, context)?;
        let needed = served.composed.services();
        let services: Vec<ServiceName> =
            context.names.iter().filter(|name| needed.contains(&name.as_str())).map(|name| (*name).clone()).collect();
        let name: Arc<str> = format!("{}/{composition}", self.name.value).into();
        let composing = Composing {
            name: Arc::clone(&name),
            composed: Arc::clone(&served.composed),
            calls: draft.calls.clone(),
            timeout: draft.timeout,
            credentials: draft.credentials,
        };
        let mut route = Route::to(pattern.exact(), Action::Compose(Arc::new(composing)));
        (route.name, route.methods) = (name, vec![Method::GET]);
        (route.line, route.policies) = (Some(context.problems.line(&key.span)), Arc::new(Policies::default()));
        Some(At { value: ServiceRoute { services, route }, span: key.span.clone() })
    }
}
