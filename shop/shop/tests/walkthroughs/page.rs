//! A walk-through, read: what is to be typed into which file, and which commands are then given.
//!
//! A line that begins with a file's name in bold says which file the next block is about: a block in `diff` changes it,
//! any other is all of a new one. A block in `console` is a command, and some lines of what it says.

/// What a person does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Edit(Edit),
    Run(Run),
}

/// Something to type into a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) path: String,
    pub(crate) text: Typed,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    New(String),
    Hunks(Vec<Hunk>),
}

/// Some lines of a file, and what is to be there instead.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hunk {
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A command, and the lines that it is shown to answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) command: String,
    pub(crate) shown: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) steps: Vec<Step>,
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let (mut steps, mut path) = (Vec::new(), None);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some((named, _)) = line.strip_prefix("**`").and_then(|rest| rest.split_once("`**")) {
                path = Some(named.to_owned());
            } else if let Some(language) = line.strip_prefix("```") {
                let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                match (language, path.take()) {
                    ("console", None) => steps.extend(runs(&block).into_iter().map(Step::Run)),
                    ("diff", Some(path)) => steps.push(Step::Edit(Edit { path, text: Typed::Hunks(hunks(&block)) })),
                    (_, Some(path)) => {
                        let text = Typed::New(block.iter().flat_map(|line| [*line, "\n"]).collect());
                        steps.push(Step::Edit(Edit { path, text }));
                    }
                    (_, None) => {}
                }
            }
        }
        Self { steps }
    }

    pub(crate) fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.steps.iter().filter_map(|step| if let Step::Edit(edit) = step { Some(edit) } else { None })
    }
}

fn hunks(block: &[&str]) -> Vec<Hunk> {
    let mut hunks = vec![Hunk::default()];
    for line in block {
        if *line == "@@" {
            hunks.push(Hunk::default());
            continue;
        }
        let hunk = hunks.last_mut().unwrap();
        // An empty line of the file may have lost its leading space.
        let (sign, text) = line.split_at_checked(1).unwrap_or((" ", ""));
        assert!([" ", "+", "-"].contains(&sign), "neither kept nor added nor taken away: {line:?}");
        if sign != "+" {
            hunk.before.extend([text, "\n"]);
        }
        if sign != "-" {
            hunk.after.extend([text, "\n"]);
        }
    }
    hunks
}

fn runs(block: &[&str]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), runs.last_mut()) {
            (Some(command), _) => runs.push(Run { command: command.to_owned(), shown: Vec::new() }),
            (None, Some(run)) if *line != "…" => run.shown.push((*line).to_owned()),
            (None, _) => {}
        }
    }
    runs
}
