//! What a route takes, in one line.

use serde::Serialize;

use crate::Route;

/// A route, as people find it in what they have written. Its name alone need not tell it from others: it is the path, unless
/// somebody gave it one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteTaking {
    /// What it is called.
    #[serde(rename = "route")]
    pub name: String,
    /// What it takes, as [`Route::takes`] says it.
    pub takes: String,
    /// The line on which its author wrote it.
    pub line: Option<usize>,
}

impl RouteTaking {
    pub(super) fn of(route: &Route) -> Self {
        Self { name: route.name.to_string(), takes: route.takes(), line: route.line }
    }
}

impl Route {
    /// What it takes, in one line: `GET HEAD shop.example/api/… [x-version: 2]`.
    #[must_use]
    pub fn takes(&self) -> String {
        let mut words: Vec<String> = self.methods.iter().map(ToString::to_string).collect();
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        let (path, rest) = match self.path.as_str() {
            "/" if self.path.is_prefix() => ("", "/…"),
            path if self.path.is_prefix() => (path, "/…"),
            path => (path, ""),
        };
        words.push(format!("{}{path}{rest}", hosts.join("|")));
        words.extend(self.headers.iter().map(|header| format!("[{header}]")));
        words.join(" ")
    }
}
