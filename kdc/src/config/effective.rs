//! Every value that holds, and where it comes from: a text, or the defaults of `conf/reference.toml`.
//!
//! Values are shown as they are written. None of them is a secret: these stand in files, which are named here and not read.

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::sources::{DOMAIN, realm_of};
use super::{ConfigError, Origin, Sources};

/// Every key with its default or an example and its meaning: tests hold it to what is read.
pub(crate) const REFERENCE: &str = include_str!("../../../conf/reference.toml");

/// A whole configuration, value by value.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// Where it was read from, in this order.
    pub origins: Vec<Origin>,
    /// Sections in the order of the reference, those of each domain together.
    pub sections: Vec<Section>,
}

/// `[listen]`, or `[domain.cache]` of one domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// `listen`, `domain`, `domain.cache`.
    pub name: String,
    /// The domain's realm; `None` where it is of no domain.
    pub realm: Option<String>,
    /// Its values, in the order of the reference.
    pub settings: Vec<Setting>,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// As it is written.
    pub value: Value,
    /// Where it is written, and on which line; `None` where it is the default.
    pub origin: Option<(Origin, usize)>,
}

impl Effective {
    /// What these texts say together. They need not be free of contradictions.
    ///
    /// # Errors
    /// What is no TOML, no known key or no value of its key.
    pub fn of(sources: &Sources) -> Result<Self, ConfigError> {
        sources.read()?;
        let written = sources.merged()?;
        // A test reads it.
        let reference = DeTable::parse(REFERENCE).map(Spanned::into_inner).unwrap_or_default();
        let mut sections = Sections { sources, found: Vec::new() };
        for (key, known) in in_order(&reference) {
            match known {
                DeValue::Table(known) => {
                    sections.add(key.get_ref(), None, known, table(&written, key.get_ref()))
                }
                DeValue::Array(known) => {
                    let known = known.iter().find_map(|domain| domain.get_ref().as_table());
                    let domains = written.get(DOMAIN).and_then(|domains| domains.get_ref().as_array());
                    for domain in domains.into_iter().flatten() {
                        let realm = realm_of(domain).map(|(realm, _)| realm);
                        let Some((known, domain)) = known.zip(domain.get_ref().as_table()) else { continue };
                        sections.add(key.get_ref(), realm, known, Some(domain));
                    }
                }
                _ => {}
            }
        }
        Ok(Self { origins: sources.origins().cloned().collect(), sections: sections.found })
    }
}

struct Sections<'s> {
    sources: &'s Sources,
    found: Vec<Section>,
}

impl Sections<'_> {
    /// Adds a section, of which this is known and that is written, and those below it.
    fn add(&mut self, name: &str, realm: Option<&str>, known: &DeTable<'_>, written: Option<&DeTable<'_>>) {
        let mut settings = Vec::new();
        let mut lacks_something = false;
        for (key, example) in in_order(known).filter(|(_, example)| !example.is_table()) {
            let value = written.and_then(|written| written.get_key_value(&**key.get_ref()));
            match (value, Meaning::of(key)) {
                (Some((key, value)), _) => settings.push(self.written(key, value)),
                (None, Meaning::Default) => settings.push(Setting {
                    key: key.get_ref().to_string(),
                    value: shown(Spanned::new(key.span(), example.clone())),
                    origin: None,
                }),
                (None, Meaning::Required) => lacks_something = true,
                (None, Meaning::Example) => {}
            }
        }
        // Keys that exclude those shown stand behind a hash in the reference.
        for (key, _) in
            written.into_iter().flat_map(in_order).filter(|(key, _)| !known.contains_key(&**key.get_ref()))
        {
            let value = written.and_then(|written| written.get(&**key.get_ref()));
            settings.extend(value.map(|value| self.written(key, value)));
        }
        // What nobody wrote and cannot do without being written, is not there.
        if written.is_some() || !lacks_something {
            self.found.push(Section { name: name.to_owned(), realm: realm.map(str::to_owned), settings });
        }
        for (key, known) in in_order(known) {
            if let DeValue::Table(known) = known {
                let below = written.and_then(|written| table(written, key.get_ref()));
                self.add(&format!("{name}.{}", key.get_ref()), realm, known, below);
            }
        }
    }

    fn written(&self, key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Setting {
        let (origin, place) = self.sources.locate(key.span().start);
        Setting {
            key: key.get_ref().to_string(),
            value: shown(value.clone()),
            origin: Some((origin.clone(), place.line)),
        }
    }
}

/// What the value of a key in the reference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// What holds where nothing is written.
    Default,
    /// An example of what has to be written.
    Required,
    /// An example of what need not be written.
    Example,
}

impl Meaning {
    /// By the comment on the key's line.
    fn of(key: &Spanned<DeString<'_>>) -> Self {
        let line = REFERENCE.get(key.span().start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        if line.contains("# required") {
            Self::Required
        } else if line.contains("# no default") {
            Self::Example
        } else {
            Self::Default
        }
    }
}

/// What stands in a table, in the order of its text.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> impl Iterator<Item = (&'t Spanned<DeString<'i>>, &'t DeValue<'i>)> {
    let mut entries: Vec<_> = table.iter().map(|(key, value)| (key, value.get_ref())).collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries.into_iter()
}

fn table<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

/// Texts, numbers, truth values and lists of them are the same in JSON.
fn shown(value: Spanned<DeValue<'_>>) -> Value {
    Value::deserialize(ValueDeserializer::from(value)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
