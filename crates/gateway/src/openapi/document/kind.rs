//! Which parts an OpenAPI 3.1 document has, and which of their members are parts again. What is not listed here, as
//! examples, extensions and keywords that nobody here knows, is data, in which nothing is a reference.

/// What a part of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Document,
    Components,
    PathItem,
    Operation,
    Parameter,
    Header,
    RequestBody,
    MediaType,
    Encoding,
    Response,
    Callback,
    Link,
    Example,
    SecurityScheme,
    Schema,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Data,
    One(Kind),
    List(Kind),
    Map(Kind),
}

/// The methods that a path item can have.
pub(crate) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

impl Kind {
    /// What its member of this name is.
    pub(crate) fn member(self, name: &str) -> Member {
        use Member::{Data, List, Map, One};
        match (self, name) {
            (Self::Document, "paths" | "webhooks") => Map(Self::PathItem),
            (Self::Document, "components") => One(Self::Components),
            (Self::Components, section) => Self::of_section(section).map_or(Data, Map),
            (Self::PathItem, method) if METHODS.contains(&method) => One(Self::Operation),
            (Self::PathItem | Self::Operation, "parameters") => List(Self::Parameter),
            (Self::Operation, "requestBody") => One(Self::RequestBody),
            (Self::Operation, "responses") => Map(Self::Response),
            (Self::Operation, "callbacks") => Map(Self::Callback),
            (Self::Parameter | Self::Header | Self::MediaType, "schema") => One(Self::Schema),
            (Self::Parameter | Self::Header | Self::MediaType, "examples") => Map(Self::Example),
            (Self::Parameter | Self::Header | Self::RequestBody | Self::Response, "content") => Map(Self::MediaType),
            (Self::MediaType, "encoding") => Map(Self::Encoding),
            (Self::Encoding | Self::Response, "headers") => Map(Self::Header),
            (Self::Response, "links") => Map(Self::Link),
            (Self::Callback, name) if !name.starts_with("x-") && name != "$ref" => One(Self::PathItem),
            (Self::Schema, "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas") => {
                Map(Self::Schema)
            }
            (Self::Schema, "allOf" | "anyOf" | "oneOf" | "prefixItems") => List(Self::Schema),
            (
                Self::Schema,
                "items"
                | "additionalProperties"
                | "contains"
                | "not"
                | "if"
                | "then"
                | "else"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "contentSchema",
            ) => One(Self::Schema),
            _ => Data,
        }
    }

    /// The section of `components` in which parts of this kind stand.
    pub(crate) fn section(self) -> Option<&'static str> {
        Some(match self {
            Self::Schema => "schemas",
            Self::Response => "responses",
            Self::Parameter => "parameters",
            Self::Example => "examples",
            Self::RequestBody => "requestBodies",
            Self::Header => "headers",
            Self::SecurityScheme => "securitySchemes",
            Self::Link => "links",
            Self::Callback => "callbacks",
            Self::PathItem => "pathItems",
            Self::Document | Self::Components | Self::Operation | Self::MediaType | Self::Encoding => return None,
        })
    }

    pub(crate) fn of_section(section: &str) -> Option<Self> {
        Some(match section {
            "schemas" => Self::Schema,
            "responses" => Self::Response,
            "parameters" => Self::Parameter,
            "examples" => Self::Example,
            "requestBodies" => Self::RequestBody,
            "headers" => Self::Header,
            "securitySchemes" => Self::SecurityScheme,
            "links" => Self::Link,
            "callbacks" => Self::Callback,
            "pathItems" => Self::PathItem,
            _ => return None,
        })
    }

    /// Whether a `$ref` may stand in its place, or, in a path item or schema, beside what it says itself.
    pub(crate) fn may_refer(self) -> bool {
        self.section().is_some()
    }
}
