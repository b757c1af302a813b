//! Who does what a walk-through says: into the files, or only on paper.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::page::{Edit, Hunk, Page, Run, Step, Typed};

/// What the files of a folder would be after some edits.
pub(crate) struct Typist {
    root: PathBuf,
    files: HashMap<String, String>,
}

impl Typist {
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root, files: HashMap::new() }
    }

    /// Types it, on paper. The file must be as the walk-through shows it.
    pub(crate) fn edit(&mut self, Edit { path, text }: &Edit) {
        let full = self.root.join(path);
        let known = self.files.remove(path).or_else(|| fs::read_to_string(&full).ok());
        let text = match (text, known) {
            (Typed::New(text), None) => text.clone(),
            (Typed::New(_), Some(_)) => panic!("{path} is said to be new, and is there"),
            (Typed::Hunks(_), None) => panic!("{path} is to be changed, and is not there"),
            (Typed::Hunks(hunks), Some(known)) => hunks.iter().fold(known, |text, hunk| change(path, &text, hunk)),
        };
        self.files.insert(path.clone(), text);
    }

    fn save(&self) {
        for (path, text) in &self.files {
            let path = self.root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

fn change(path: &str, text: &str, Hunk { before, after }: &Hunk) -> String {
    // Whole lines only: what is shown begins where a line begins.
    let text = format!("\n{text}");
    let (before, after) = (format!("\n{before}"), format!("\n{after}"));
    match text.matches(&before).count() {
        1 => text.replacen(&before, &after, 1)[1..].to_owned(),
        n => panic!("{path} has this {n} times, and the walk-through takes it to be there once:\n{before}"),
    }
}

/// A copy of the workspace's files as they are, tracked or new.
pub(crate) fn copy_of(workspace: &Path, name: &str) -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walkthroughs").join(name);
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(workspace);
    let listed = list.output().unwrap();
    assert!(listed.status.success(), "git cannot list the files: {}", String::from_utf8_lossy(&listed.stderr));
    let _ = fs::remove_dir_all(&copy);
    for path in String::from_utf8(listed.stdout).unwrap().split_terminator('\0') {
        let (from, to) = (workspace.join(path), copy.join(path));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        // One that was deleted is still listed until that is committed.
        if from.exists() {
            fs::copy(&from, &to).unwrap();
        }
    }
    copy
}

/// Goes through all steps in a copy of the workspace.
pub(crate) fn walk(page: &Page, copy: &Path) {
    for step in &page.steps {
        match step {
            Step::Edit(edit) => {
                let mut typist = Typist::at(copy.to_owned());
                typist.edit(edit);
                typist.save();
            }
            // What is asked of a running shop is for people.
            Step::Run(run) if run.command.contains("cargo ") => give(run, copy),
            Step::Run(_) => {}
        }
    }
}

fn give(Run { command, shown }: &Run, copy: &Path) {
    eprintln!("$ {command}");
    // Not where this test was built: cargo knows a crate by its place in its workspace, and would take those of a copy
    // for ours. The copies are newer than what an earlier one left, so that they may share what they depend on.
    let target = copy.with_file_name("target");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(copy).env("CARGO_TARGET_DIR", target).env("CARGO_TERM_COLOR", "never");
    let output = shell.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let fails = shown.iter().any(|line| line.starts_with("error"));
    assert_eq!(output.status.success(), !fails, "{command} said:\n{said}");
    for line in shown {
        assert!(said.lines().any(|told| told.trim() == line.trim()), "{command} did not say {line:?} but:\n{said}");
    }
}
