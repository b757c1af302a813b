//! Why a route is refused.

/// Why a route is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// It is not a path.
    #[error("route {0:?} does not begin with a slash")]
    NotAPath(String),
    /// It ends where a segment should follow.
    #[error("route {0:?} ends with a slash; a prefix always ends at a segment's end")]
    TrailingSlash(String),
    /// It has what a path has not, or what a path is cleaned of before it is compared.
    #[error("route {0:?} has an empty or dotted segment, a query, a percent sign, or a character that is not ASCII")]
    Segment(String),
    /// A parameter's braces do not hold a name and nothing else.
    #[error("route {0:?} has a segment with a brace that is no parameter, as {{id}}, or, at the end, {{*rest}}")]
    Parameter(String),
    /// Two parameters have the same name.
    #[error("route {0:?} names a parameter twice")]
    ParameterTwice(String),
    /// It has more segments than anybody needs.
    #[error("route {0:?} has more than {max} segments", max = super::PathPattern::SEGMENTS_MAX)]
    Long(String),
    /// It is the gateway's own.
    #[error("route {0:?} is under /_gateway, which the gateway answers itself")]
    Reserved(String),
    /// It is no host.
    #[error("{0:?} is no host; write a name, or *. and a name")]
    Host(String),
    /// It is no name or value of a header.
    #[error("{0:?} is no header's name, or its value has what a header cannot carry")]
    Header(String),
    /// No route sees such a header, since it concerns a connection alone.
    #[error(
        "{0:?} concerns a connection alone, and no route sees it; of such headers only upgrade: websocket chooses one"
    )]
    OfConnection(String),
    /// What it is rewritten to is not a path.
    #[error("{0:?} is no path to rewrite to")]
    Rewrite(String),
    /// What it is rewritten to names what the path does not have.
    #[error("there is no parameter {{{parameter}}} in the path {path:?}")]
    NoSuchParameter {
        /// The parameter that is named.
        parameter: String,
        /// The path.
        path: String,
    },
    /// Two routes take the same requests, and neither is more specific.
    #[error("route {second:?} is ambiguous: {first:?} takes the same requests, and neither is more specific")]
    Ambiguous {
        /// The name of the one that stands first.
        first: String,
        /// The name of the other.
        second: String,
        /// The other's place among the routes, from 0.
        index: usize,
    },
    /// There are more routes than are searched in time.
    #[error("there are more than {max} routes", max = super::RouteTable::ROUTES_MAX)]
    Many,
}
