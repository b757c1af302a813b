//! The services' OpenAPI documents that the manifest names: what is held against them is known to be right before
//! anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tradewind_events::ErrorCode;
use tradewind_gateway::openapi::{Document, Documents};

use super::section::{At, Problems};

/// Documents by their services.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptDocuments {
    /// The documents.
    pub(crate) documents: Documents,
    /// The files in which they are kept, as the manifest names them.
    pub(crate) files: BTreeMap<String, PathBuf>,
}

/// A service, and the file in which its document is kept.
pub(super) type Named = (String, At<String>);

/// Reads them, from the manifest's folder.
pub(super) fn read(dir: &Path, named: Vec<Named>, problems: &Problems<'_>) -> KeptDocuments {
    let mut kept = KeptDocuments::default();
    for (service, file) in named {
        let path = PathBuf::from(&file.value);
        let read = std::fs::read(dir.join(&path)).map_err(|error| error.to_string());
        match read.and_then(|bytes| Document::parse(&bytes).map_err(|error| error.to_string())) {
            Ok(document) => {
                kept.documents.insert(service.clone(), document);
                kept.files.insert(service, path);
            }
            Err(why) => {
                let message = format!("the OpenAPI document of service `{service}` cannot be read: {why}");
                let help = "it is to be a file with what the service answers at /openapi.json";
                problems.add_coded(ErrorCode::INVALID_DOCUMENT, file.span, message, help);
            }
        }
    }
    kept
}
