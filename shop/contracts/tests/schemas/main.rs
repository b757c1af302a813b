//! The contracts' schemas: kept in `schemas/`, true of what travels, and changed only so that no reader breaks.
//!
//! `UPDATE_GOLDEN=1 cargo test -p shop-contracts --all-features` writes the schemas anew, except where readers of the
//! old one would break: then a new event beside the old one is the way.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod compatible;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use shop_contracts::{catalog, customers, inventory, invoicing, ordering};

use compatible::what_breaks;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Name and schema of every contract, as their types have it now.
fn all() -> Vec<(&'static str, Value)> {
    let schemas =
        [catalog::schemas(), customers::schemas(), inventory::schemas(), invoicing::schemas(), ordering::schemas()];
    schemas.into_iter().flatten().map(|(name, schema)| (name, schema.to_value())).collect()
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The folder of the schemas, written anew if that is wanted: before any test reads it, since tests run side by side.
static SCHEMAS: LazyLock<PathBuf> = LazyLock::new(|| {
    let schemas = folder("schemas");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for (name, schema) in all() {
            let path = schemas.join(format!("{name}.json"));
            if !path.exists() || what_breaks(&read(&path), &schema).is_empty() {
                fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
            }
        }
    }
    schemas
});

/// The schema of a contract, as it is kept.
fn kept(name: &str) -> Value {
    let path = SCHEMAS.join(format!("{name}.json"));
    assert!(path.exists(), "{name} is new and has no schema yet: say UPDATE_GOLDEN=1 to have it written");
    read(&path)
}

#[test]
fn a_contract_changes_only_so_that_no_reader_breaks() {
    for (name, schema) in all() {
        let kept = kept(name);
        let breaks = what_breaks(&kept, &schema);
        assert!(breaks.is_empty(), "readers of {name} would break:\n  {}", breaks.join("\n  "));
        assert_eq!(kept, schema, "{name} has changed, and no reader breaks: say UPDATE_GOLDEN=1 to keep it so");
    }
}

#[test]
fn every_schema_is_of_a_contract() {
    let names: Vec<_> = all().into_iter().map(|(name, _)| name.to_owned()).collect();
    for file in fs::read_dir(&*SCHEMAS).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(names.contains(&name), "there is a schema of {name}, which is no contract");
    }
}

#[test]
fn what_travels_keeps_to_its_schema() {
    for (name, _) in all() {
        let schema = kept(name);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let golden = read(&folder("golden").join(format!("{name}.json")));
        validator.validate(&golden).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!validator.is_valid(&Value::Object(serde_json::Map::new())), "the schema of {name} takes anything");
    }
}
