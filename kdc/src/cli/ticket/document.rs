//! What was decoded, as named values in order: one document that is written as text and as JSON, so that neither
//! form knows more than the other.

use std::fmt::{self, Write as _};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// Named values, in the order they were added.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

/// One value.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    /// Absent: `null` in JSON, no line in text.
    Absent,
    Truth(bool),
    Number(i64),
    Text(String),
    Fields(Fields),
    List(Vec<Value>),
    /// A value whose text is not its parts one below the other.
    Shown(String, Box<Value>),
}

impl Fields {
    pub(super) fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// As [`Fields::with`], in the first place.
    #[must_use]
    pub(super) fn before(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.insert(0, (name, value.into()));
        self
    }
}

impl Value {
    /// A number of flag bits with the names of those that have one.
    pub(super) fn flags(bits: u32, table: &[(u32, &'static str)]) -> Self {
        let names: Vec<&str> =
            table.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
        let text = format!("{bits:#010x} {}", names.join(" ")).trim_end().to_owned();
        let list = names.into_iter().map(Self::from).collect();
        Self::Shown(text, Box::new(Fields::new().with("bits", bits).with("names", Self::List(list)).into()))
    }

    /// A number with its name.
    pub(super) fn named(number: i64, name: Option<&str>) -> Self {
        let text = name.map_or_else(|| number.to_string(), |name| format!("{number} {name}"));
        Self::Shown(text, Box::new(Fields::new().with("number", number).with("name", name).into()))
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Fields(fields)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

macro_rules! from_number {
    ($($number:ty),+) => { $(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(i64::from(number))
            }
        }
    )+ };
}
from_number!(i32, u32, u16, i64);

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Fields(fields) => fields.serialize(serializer),
            Self::Shown(_, value) => value.serialize(serializer),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
        }
    }
}

/// One line for each value, parts indented below their whole.
impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Fields {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        for (name, value) in &self.0 {
            value.write(f, &name.replace('_', " "), depth)?;
        }
        Ok(())
    }
}

impl Value {
    fn write(&self, f: &mut fmt::Formatter<'_>, name: &str, depth: usize) -> fmt::Result {
        if *self == Self::Absent {
            return Ok(());
        }
        let indent = depth.saturating_mul(2);
        write!(f, "{:indent$}", "")?;
        if let Some(line) = self.line() {
            return writeln!(f, "{}", format!("{name:<24} {line}").trim_end());
        }
        let below = depth.saturating_add(1);
        match self {
            Self::Fields(fields) => {
                writeln!(f, "{name}")?;
                fields.write(f, below)
            }
            Self::List(values) => {
                writeln!(f, "{name:<24} {}", values.len())?;
                for (index, value) in values.iter().enumerate() {
                    value.write(f, &format!("- {}", index.saturating_add(1)), below)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The value on one line, if it has such a form. Text that somebody else wrote cannot break out of it.
    fn line(&self) -> Option<String> {
        Some(match self {
            Self::Truth(truth) => if *truth { "yes" } else { "no" }.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Shown(text, _) => text.escape_debug().to_string().replace("\\'", "'"),
            Self::List(values) => {
                let mut line = String::new();
                for value in values {
                    if matches!(value, Self::Fields(_) | Self::List(_)) {
                        return None;
                    }
                    let separator = if line.is_empty() { "" } else { ", " };
                    let _infallible = write!(line, "{separator}{}", value.line()?);
                }
                if line.is_empty() { "none".to_owned() } else { line }
            }
            Self::Absent | Self::Fields(_) => return None,
        })
    }
}
