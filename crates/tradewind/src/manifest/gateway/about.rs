//! `[gateway.openapi]`: what the gateway's OpenAPI documents say of themselves.

use crate::manifest::section::Section;

/// What they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AboutApis {
    /// The title of the document of all services.
    pub(crate) title: String,
    /// The version of all documents.
    pub(crate) version: String,
}

impl Default for AboutApis {
    fn default() -> Self {
        Self { title: "All services".to_owned(), version: "1".to_owned() }
    }
}

/// Reads the section.
pub(super) fn read(section: &Section<'_>) -> AboutApis {
    let usual = AboutApis::default();
    let text = |key, example, usual| section.text(key, example).map_or(usual, |text| text.value);
    let about = AboutApis {
        title: text("title", "\"The shop\"", usual.title),
        version: text("version", "\"2.1\"", usual.version),
    };
    section.report_unknown();
    about
}
