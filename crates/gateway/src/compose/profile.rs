//! What one kind of client gets: compositions under a prefix, each with a selection of its own.

use std::sync::Arc;

use super::place::{CompositionError, Part, Place};
use super::{Composed, Composition, Fragments, Parameters};

/// A profile, as its author writes it.
#[derive(Debug, Clone)]
pub struct ProfileText<'a> {
    /// Its name: `web`.
    pub name: &'a str,
    /// What its paths begin with: `/web`, or nothing.
    pub prefix: &'a str,
    /// The compositions that it serves, by name, each with what it selects.
    pub serves: &'a [(&'a str, &'a str)],
    /// Parameters where a request says nothing: page sizes, sizes of images.
    pub defaults: Parameters,
    /// Parameters whatever a request says.
    pub fixed: Parameters,
    /// Whether its answers have the member `_fragments`.
    pub report: bool,
}

/// A profile.
#[derive(Debug, Clone)]
pub struct Profile {
    name: Box<str>,
    prefix: Box<str>,
    served: Vec<Served>,
}

/// A composition that a profile serves.
#[derive(Debug, Clone)]
pub struct Served {
    /// The path's pattern: the profile's prefix and the composition's path.
    pub pattern: String,
    /// What is answered there.
    pub composed: Arc<Composed>,
}

impl Profile {
    /// Reads a profile over some compositions.
    ///
    /// # Errors
    /// [`CompositionError`] says what is wrong, and where.
    pub fn parse(
        text: &ProfileText<'_>,
        compositions: &[Composition],
        fragments: &Fragments,
    ) -> Result<Self, CompositionError> {
        CompositionError::unless_name(text.name)?;
        let prefix = text.prefix.strip_suffix('/').unwrap_or(text.prefix);
        let is_plain = |segment: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            !segment.is_empty() && segment.chars().all(plain) && segment != "." && segment != ".."
        };
        if !prefix.is_empty() && !prefix.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_plain)) {
            let what = "it is a slash and plain segments: `/web`";
            return Err(CompositionError::new(Part::Prefix, Place::START, what));
        }
        let mut served: Vec<Served> = Vec::new();
        for (name, selection) in text.serves {
            let refused = |what| Err(CompositionError::new(Part::Serves((*name).to_owned()), Place::START, what));
            let Some(composition) = compositions.iter().find(|composition| composition.name() == *name) else {
                let names: Vec<&str> = compositions.iter().map(Composition::name).collect();
                return refused(format!("there is no such composition; there are: {}", names.join(", ")));
            };
            let pattern = format!("{prefix}{}", composition.path());
            if let Some(other) = served.iter().find(|other| shape(&other.pattern) == shape(&pattern)) {
                return refused(format!("{:?} is at the same path", other.composed.composition().name()));
            }
            let composed = composition.select(selection, fragments)?;
            let composed = composed.with_parameters(text.defaults.clone(), text.fixed.clone());
            let composed = if text.report { composed.with_report() } else { composed };
            served.push(Served { pattern, composed: Arc::new(composed) });
        }
        let profile = Self { name: text.name.into(), prefix: prefix.into(), served };
        for (name, _) in text.defaults.iter().chain(text.fixed.iter()) {
            profile.check_parameter(name)?;
        }
        Ok(profile)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its paths begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What it serves, path by path.
    #[must_use]
    pub fn served(&self) -> &[Served] {
        &self.served
    }

    fn check_parameter(&self, name: &str) -> Result<(), CompositionError> {
        let compositions = || self.served.iter().map(|served| served.composed.composition());
        let refused = |what| Err(CompositionError::new(Part::Parameter(name.to_owned()), Place::START, what));
        if compositions().any(|composition| composition.path_parameters().any(|its| its == name)) {
            return refused("it is part of a path, so only the request can say it");
        }
        if !compositions().any(|composition| composition.query_parameters().iter().any(|its| its.name == name)) {
            return refused("no call of what the profile serves takes such a parameter");
        }
        Ok(())
    }
}

/// A pattern with nameless parameters: two that differ only in the names match the same paths.
fn shape(pattern: &str) -> String {
    let mut shape = String::new();
    for (index, part) in pattern.split('{').enumerate() {
        let (name, rest) = if index == 0 { ("", part) } else { part.split_once('}').unwrap_or(("", part)) };
        shape.push_str(if index == 0 { "" } else { "{}" });
        shape.push_str(if name.starts_with('*') { "*" } else { "" });
        shape.push_str(rest);
    }
    shape
}
