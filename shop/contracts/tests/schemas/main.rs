//! The contracts' schemas: kept in `schemas/`, true of what travels, and changed only so that no reader breaks.
//!
//! `UPDATE_GOLDEN=1 cargo test -p shop-contracts --all-features` writes the schemas anew, except where readers of the
//! old one would break: then a new event beside the old one is the way.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod compatible;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shop_contracts::{catalog, customers, invoicing, ordering};

use compatible::what_breaks;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Name and schema of every contract, as their types have it now.
fn all() -> Vec<(&'static str, Value)> {
    let schemas = [catalog::schemas(), customers::schemas(), invoicing::schemas(), ordering::schemas()];
    schemas.into_iter().flatten().map(|(name, schema)| (name, schema.to_value())).collect()
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_contract_changes_only_so_that_no_reader_breaks() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for (name, schema) in all() {
        let path = folder("schemas").join(format!("{name}.json"));
        if path.exists() {
            let breaks = what_breaks(&read(&path), &schema);
            assert!(breaks.is_empty(), "readers of {name} would break:\n  {}", breaks.join("\n  "));
        }
        if update {
            fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
        }
        assert_eq!(read(&path), schema, "{name} has changed, and no reader breaks: say UPDATE_GOLDEN=1 to keep it so");
    }
}

#[test]
fn every_schema_is_of_a_contract() {
    let mut files: Vec<String> = fs::read_dir(folder("schemas"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut names: Vec<_> = all().into_iter().map(|(name, _)| name.to_owned()).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn what_travels_keeps_to_its_schema() {
    for (name, _) in all() {
        let schema = read(&folder("schemas").join(format!("{name}.json")));
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let golden = read(&folder("golden").join(format!("{name}.json")));
        validator.validate(&golden).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!validator.is_valid(&Value::Object(serde_json::Map::new())), "the schema of {name} takes anything");
    }
}
