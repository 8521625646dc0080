//! The texts of a configuration, and what they say together.
//!
//! Each text is read by itself and laid over those before it: tables merge key by key, values and lists take the place of
//! what stood there, and a `[[domain]]` merges with the earlier one of its realm, or comes beside those there are. What is
//! replaced is not looked at; all else is, whichever text it stands in. Octets are counted through all texts, so that
//! whatever is said of the merged whole still has its file, line and column.

use std::collections::BTreeSet;
use std::fmt;
use std::iter;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue, Deserializer, ValueDeserializer};

use super::Control;
use super::error::{ConfigError, Place};
use super::file::ConfigFile;

/// The list of domains, and what identifies each.
pub(super) const DOMAIN: &str = "domain";
const REALM: &str = "realm";

/// The texts that a configuration is made of: the file that was named, and what is laid over it, in this order.
#[derive(Debug, Clone)]
pub struct Sources {
    named: Text,
    laid_over: Vec<Text>,
}

#[derive(Debug, Clone)]
struct Text {
    origin: Origin,
    text: String,
    /// Its first octet, counted through all texts.
    begins: usize,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The configuration, or a drop-in.
    File(PathBuf),
    /// The environment: the variable's name.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

impl Sources {
    /// A configuration of one file.
    #[must_use]
    pub fn of(file: &Path, text: String) -> Self {
        Self { named: Text { origin: Origin::File(file.to_owned()), text, begins: 0 }, laid_over: Vec::new() }
    }

    /// Lays a drop-in over what there is.
    pub fn lay_over(&mut self, drop_in: &Path, text: String) {
        self.add(Origin::File(drop_in.to_owned()), text);
    }

    /// Lays the level of the log over what there is, as a variable of the environment has it.
    pub fn lay_over_log_level(&mut self, variable: &'static str, level: &str) {
        let level = toml::Value::from(level);
        self.add(Origin::Variable(variable), format!("[log]\nlevel = {level}\n"));
    }

    fn add(&mut self, origin: Origin, text: String) {
        let last = self.laid_over.last().unwrap_or(&self.named);
        // One more than its octets: a fault may be at its very end.
        let begins = last.begins.saturating_add(last.text.len()).saturating_add(1);
        self.laid_over.push(Text { origin, text, begins });
    }

    /// Where the texts come from.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.texts().map(|text| &text.origin)
    }

    /// The drop-ins among them.
    pub fn drop_ins(&self) -> impl Iterator<Item = &Path> {
        self.laid_over.iter().filter_map(|text| match &text.origin {
            Origin::File(path) => Some(path.as_path()),
            Origin::Variable(_) => None,
        })
    }

    /// What the texts say of `[control]`, as far as that can be told: whatever else is wrong with them, a running daemon can
    /// still be asked. The defaults where nothing can be told.
    #[must_use]
    pub fn control(&self) -> Control {
        let mut whole = DeTable::new();
        for table in self.texts().filter_map(|text| DeTable::parse(&text.text).ok()) {
            overlay(&mut whole, table.into_inner());
        }
        let control = whole.remove("control").map(ValueDeserializer::from);
        control.and_then(|control| Control::deserialize(control).ok()).unwrap_or_default()
    }

    /// What the texts say together, each value checked by its own type.
    pub(super) fn read(&self) -> Result<ConfigFile, ConfigError> {
        let whole = Deserializer::from(Spanned::new(0..0, self.merged()?));
        ConfigFile::deserialize(whole).map_err(|error| self.fault(&error, 0))
    }

    /// All texts as one table.
    pub(super) fn merged(&self) -> Result<DeTable<'_>, ConfigError> {
        let mut whole = DeTable::new();
        for text in self.texts() {
            let table = DeTable::parse(&text.text).map_err(|error| self.fault(&error, text.begins))?;
            let mut table = moved_table(table.into_inner(), text.begins);
            let domains = table.remove_entry(DOMAIN);
            overlay(&mut whole, table);
            if let Some((key, domains)) = domains {
                self.overlay_domains(&mut whole, key, domains.into_inner())?;
            }
        }
        Ok(whole)
    }

    /// Where an octet is, and on which line and column there.
    pub(super) fn locate(&self, octet: usize) -> (&Origin, Place) {
        let text = self.text_at(octet);
        (&text.origin, Place::of(&text.text, octet.saturating_sub(text.begins)))
    }

    fn texts(&self) -> impl Iterator<Item = &Text> {
        iter::once(&self.named).chain(&self.laid_over)
    }

    fn text_at(&self, octet: usize) -> &Text {
        self.laid_over.iter().rev().find(|text| text.begins <= octet).unwrap_or(&self.named)
    }

    fn overlay_domains<'i>(
        &self,
        whole: &mut DeTable<'i>,
        key: Spanned<DeString<'i>>,
        later: DeValue<'i>,
    ) -> Result<(), ConfigError> {
        let DeValue::Array(later) = later else {
            return Err(self.fault_at(
                key.span(),
                "domain is one table".to_owned(),
                "begin each domain with [[domain]] and its realm, here too",
            ));
        };
        let (key, mut domains) = match whole.remove_entry(DOMAIN) {
            Some((key, domains)) => (key, domains.into_inner()),
            None => (key, DeValue::Array(DeArray::new())),
        };
        if let DeValue::Array(domains) = &mut domains {
            let (earlier, mut here) = (domains.len(), BTreeSet::new());
            for domain in later {
                if let Some((realm, span)) = realm_of(&domain)
                    && !here.insert(realm.to_owned())
                {
                    let problem = format!("realm {realm} is configured twice");
                    return Err(self.fault_at(span, problem, "leave one [[domain]] of them"));
                }
                overlay_domain(domains, earlier, domain);
            }
        }
        whole.insert(key.clone(), Spanned::new(key.span(), domains));
        Ok(())
    }

    /// Tells a fault that the TOML reader or a value's own type found, in texts that begin at `begins`.
    fn fault(&self, error: &toml::de::Error, begins: usize) -> ConfigError {
        let octet = error.span().map(|span| span.start.saturating_add(begins));
        let text = self.text_at(octet.unwrap_or(begins));
        let octet = octet.map(|octet| octet.saturating_sub(text.begins));
        ConfigError::from_toml(error, &text.text, octet, &text.origin)
    }

    fn fault_at(&self, span: Range<usize>, problem: String, mend: &str) -> ConfigError {
        let (origin, place) = self.locate(span.start);
        ConfigError::at(origin, place, problem, mend)
    }
}

/// A text and nothing beside it.
impl From<(&Path, &str)> for Sources {
    fn from((file, text): (&Path, &str)) -> Self {
        Self::of(file, text.to_owned())
    }
}

/// Lets a later table say what it says.
fn overlay<'i>(table: &mut DeTable<'i>, later: DeTable<'i>) {
    for (key, value) in later {
        let span = value.span();
        match (table.get_mut(&key).map(Spanned::get_mut), value.into_inner()) {
            (Some(DeValue::Table(earlier)), DeValue::Table(later)) => overlay(earlier, later),
            (_, later) => {
                // The key too is the later one: a fault is told where what counts stands.
                table.remove(&key);
                table.insert(key, Spanned::new(span, later));
            }
        }
    }
}

/// Lays a domain over that of its realm, if one of the first so many is, or adds it.
fn overlay_domain<'i>(domains: &mut DeArray<'i>, earlier: usize, later: Spanned<DeValue<'i>>) {
    let known = realm_of(&later).and_then(|(realm, _)| {
        let mut known = domains.iter().take(earlier);
        known.position(|domain| realm_of(domain).is_some_and(|(known, _)| known == realm))
    });
    let known = known.and_then(|index| domains.get_mut(index)).map(Spanned::get_mut);
    let span = later.span();
    match (known, later.into_inner()) {
        (Some(DeValue::Table(known)), DeValue::Table(mut later)) => {
            // What identifies a domain stays where it stood first.
            later.remove(REALM);
            overlay(known, later);
        }
        (_, later) => domains.push(Spanned::new(span, later)),
    }
}

/// The realm of a domain, and where it stands.
pub(super) fn realm_of<'d>(domain: &'d Spanned<DeValue<'_>>) -> Option<(&'d str, Range<usize>)> {
    let realm = domain.get_ref().as_table()?.get(REALM)?;
    Some((realm.get_ref().as_str()?, realm.span()))
}

/// The same, so many octets further on.
fn moved<T>(spanned: &Spanned<T>, by: usize) -> Range<usize> {
    let Range { start, end } = spanned.span();
    start.saturating_add(by)..end.saturating_add(by)
}

fn moved_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = table.into_iter().map(|(key, value)| {
        let span = moved(&key, by);
        (Spanned::new(span, key.into_inner()), moved_value(value, by))
    });
    entries.collect()
}

fn moved_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = moved(&value, by);
    let value = match value.into_inner() {
        DeValue::Array(values) => {
            DeValue::Array(values.into_iter().map(|value| moved_value(value, by)).collect())
        }
        DeValue::Table(table) => DeValue::Table(moved_table(table, by)),
        value => value,
    };
    Spanned::new(span, value)
}

#[cfg(test)]
mod tests;
