//! Configuration faults, each told in one line: where, what, and how to mend it.

use std::fmt;
use std::path::Path;

use super::sources::Origin;

/// A fault of the configuration. `Display` is one line: `FILE:LINE:COLUMN: what; the mend`, or without line and column
/// where no single place is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    origin: Origin,
    place: Option<Place>,
    has_drop_ins: bool,
    problem: String,
    mend: String,
}

/// Counted from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl ConfigError {
    /// A file of the configuration cannot be used as it is.
    pub(crate) fn of_object(file: &Path, problem: String, mend: &str) -> Self {
        Self {
            origin: Origin::File(file.to_owned()),
            place: None,
            has_drop_ins: false,
            problem,
            mend: mend.to_owned(),
        }
    }

    /// The same of a text that nobody wrote, so that its lines say nothing.
    pub(crate) fn without_place(self) -> Self {
        Self { place: None, ..self }
    }

    /// The same of a configuration with drop-ins: what stands at no single place may stand in any of them.
    pub(super) fn with_drop_ins(self) -> Self {
        Self { has_drop_ins: true, ..self }
    }

    /// Something is wrong at one place.
    pub(super) fn at(origin: &Origin, place: Place, problem: String, mend: &str) -> Self {
        // The text of a variable is ours.
        let place = Some(place).filter(|_| matches!(origin, Origin::File(_)));
        Self { origin: origin.clone(), place, has_drop_ins: false, problem, mend: mend.to_owned() }
    }

    /// Tells a fault that the TOML reader or a value's own type found, at this octet of the text.
    pub(super) fn from_toml(
        error: &toml::de::Error,
        text: &str,
        octet: Option<usize>,
        origin: &Origin,
    ) -> Self {
        let (problem, mend) = explain(error.message(), octet.and_then(|octet| key_at(text, octet)));
        let place = Place::of(text, octet.unwrap_or_default());
        let fault = Self::at(origin, place, problem, &mend);
        if octet.is_some() { fault } else { fault.without_place() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path and the faulty text are the operator's, yet a line stays a line.
        let one_line = |text: &str| text.replace(|character: char| character.is_control(), " ");
        write!(formatter, "{}", one_line(&self.origin.to_string()))?;
        match self.place {
            Some(Place { line, column }) => write!(formatter, ":{line}:{column}")?,
            None if self.has_drop_ins => write!(formatter, " with its drop-ins")?,
            None => {}
        }
        write!(formatter, ": {}; {}", one_line(&self.problem), one_line(&self.mend))
    }
}

impl std::error::Error for ConfigError {}

impl Place {
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count().saturating_add(1);
        let column =
            before.chars().rev().take_while(|&character| character != '\n').count().saturating_add(1);
        Self { line, column }
    }
}

/// Separates what is wrong from what to do in the messages of this module's value types.
pub(super) const MEND: &str = "; ";

/// Problem and mend for a message of serde or TOML, in which names stand between backticks.
fn explain(message: &str, key: Option<&str>) -> (String, String) {
    let first_line = message.lines().next().unwrap_or_default();
    let mut names = first_line.split('`').skip(1).step_by(2);
    if first_line.starts_with("unknown field") {
        let unknown = names.next().unwrap_or_default();
        let known: Vec<&str> = names.collect();
        let mend = match nearest(unknown, &known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        return (format!("unknown key `{unknown}`"), mend);
    }
    if first_line.starts_with("unknown variant") {
        let unknown = names.next().unwrap_or_default();
        let known: Vec<&str> = names.collect();
        let problem =
            key.map_or_else(String::new, |key| format!("{key}: ")) + &format!("unknown value \"{unknown}\"");
        let mend = match nearest(unknown, &known) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => format!("write one of {}", known.join(", ")),
        };
        return (problem, mend);
    }
    if first_line.starts_with("missing field") {
        return (first_line.replace("missing field", "missing key"), "add it".to_owned());
    }
    let told = key.map_or_else(|| first_line.to_owned(), |key| format!("{key}: {first_line}"));
    match told.split_once(MEND) {
        Some((problem, mend)) => (problem.to_owned(), mend.to_owned()),
        None => (told, "conf/reference.toml shows every key with a valid value".to_owned()),
    }
}

/// The known name that an unknown one was probably meant to be.
fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), *name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// The key whose value stands at `offset`, where both are on one line.
fn key_at(text: &str, offset: usize) -> Option<&str> {
    let before = text.get(..offset)?;
    let start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
    let line = text.get(start..)?.lines().next()?;
    let (key, _) = line.split_once('=')?;
    // A line within an array of several lines is a value, which may hold the sign as well.
    let is_key = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    Some(key.trim()).filter(|key| !key.is_empty() && key.chars().all(is_key))
}
