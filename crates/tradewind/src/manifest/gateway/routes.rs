//! All routes, in the order of the text, and those of them that take the same requests.

use toml::de::DeTable;
use tradewind_fleet::ServiceName;
use tradewind_gateway::{Route, RouteError, RouteTable};

use super::route::{self, Context};
use crate::manifest::section::{At, Entry, Problems, Section};

/// A route and the services that it leads to, which have no addresses yet.
#[derive(Debug)]
pub(crate) struct ServiceRoute {
    /// The service, or those that an answer is composed of.
    pub(crate) services: Vec<ServiceName>,
    /// All else.
    pub(crate) route: Route,
}

/// `[gateway.routes]`, whose keys are paths, and each `[[gateway.route]]`, which names its own.
pub(super) fn read(section: &Section<'_>, context: Context<'_>) -> Vec<At<ServiceRoute>> {
    let (mut routes, nothing, problems) = (Vec::new(), DeTable::new(), context.problems);
    let by_path = section.table("routes", "[gateway.routes]").map(|routes| routes.entries("route"));
    for (path, entry) in by_path.unwrap_or_default() {
        routes.extend(match entry {
            Entry::Text(service) => {
                let nothing_else = Section::over_nothing(&nothing, problems);
                route::read(Some(path), Some(service), &nothing_else, context)
            }
            Entry::Table(table) => route::read(Some(path), None, &table, context),
        });
    }
    for table in section.list_of_tables("route", "a [[gateway.route]]") {
        routes.extend(route::read(None, None, &table, context));
    }
    routes
}

/// Tells each route that takes the same requests as one before it.
pub(super) fn report_ambiguous(routes: &[At<ServiceRoute>], problems: &Problems<'_>) {
    let mut kept: Vec<&At<ServiceRoute>> = routes.iter().collect();
    while let Err(error) = RouteTable::new(kept.iter().map(|at| at.value.route.clone()).collect()) {
        let RouteError::Ambiguous { index, ref first, .. } = error else {
            let span = routes.last().map_or(0..0, |last| last.span.clone());
            return problems.add(span, error.to_string(), "give prefixes instead of a route for each path");
        };
        let first = kept[..index].iter().find(|at| {
            let both = vec![at.value.route.clone(), kept[index].value.route.clone()];
            *at.value.route.name == **first && RouteTable::new(both).is_err()
        });
        let first = first.map_or_else(String::new, |at| format!("the other is on line {}; ", problems.line(&at.span)));
        let help = format!("{first}let one of them take only some hosts, methods or headers, or take it out");
        problems.add(kept[index].span.clone(), error.to_string(), help);
        kept.remove(index);
    }
}
