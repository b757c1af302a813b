//! What `up` compiles on a person's first day.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Every package that a build of `packages` compiles, with its version and features.
fn compiled(packages: &[&str]) -> BTreeSet<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--prefix", "none", "--edges", "normal,build", "--format", "{p} {f}"]);
    for package in packages {
        tree.args(["--package", package]);
    }
    let listed = tree.current_dir(workspace).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().map(|line| line.trim_end_matches("(*)").trim_end().to_owned()).collect()
}

/// The shop is built after the program. A feature that only the shop asks of a crate makes that crate, and all that
/// stands on it, be compiled anew.
#[test]
fn building_the_shop_compiles_nothing_of_the_program_again() {
    let (program, both) = (compiled(&["tradewind"]), compiled(&["tradewind", "shop"]));
    let again: Vec<_> = program.difference(&both).collect();
    assert!(
        again.is_empty(),
        "the shop asks other features of these: name them in crates/tradewind/Cargo.toml: {again:#?}"
    );
}
