//! The walk-throughs in `docs/walkthroughs` that say what to type: each still fits the files that it changes and, asked
//! for with `--ignored`, does what it shows when it is typed into a copy of the workspace.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod page;
mod typist;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use page::Page;
use typist::Typist;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The walk-throughs whose code is typed; the others only lead through what is there.
const TYPED: [&str; 3] = ["a-new-command", "a-new-read-model", "a-new-service"];

fn page(name: &str) -> Page {
    let path = workspace().join("docs/walkthroughs").join(name).with_extension("md");
    Page::read(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

#[test]
fn every_walk_through_fits_the_files_that_it_changes() {
    for name in TYPED {
        let page = page(name);
        assert!(page.edits().count() > 3, "{name} has nothing to type");
        let mut typist = Typist::at(workspace());
        page.edits().for_each(|edit| typist.edit(edit));
    }
}

/// What is built, is built in one place.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn does_what_it_shows(name: &str) {
    let _alone = ONE_AT_A_TIME.lock();
    typist::walk(&page(name), &typist::copy_of(&workspace(), name));
}

#[test]
#[ignore = "builds a copy of the workspace, which takes minutes"]
fn the_new_command_does_what_it_shows() {
    does_what_it_shows("a-new-command");
}

#[test]
#[ignore = "builds a copy of the workspace, which takes minutes"]
fn the_new_read_model_does_what_it_shows() {
    does_what_it_shows("a-new-read-model");
}

#[test]
#[ignore = "builds a copy of the workspace, which takes minutes"]
fn the_new_service_does_what_it_shows() {
    does_what_it_shows("a-new-service");
}
