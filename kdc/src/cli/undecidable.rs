//! Accounts that nothing can be said about, for verbs that look at all of them.

use std::fmt;

use serde::Serialize;

/// How many they are.
#[derive(Debug, Serialize)]
pub(super) struct Undecidable(pub(super) usize);

/// A line, where there are any.
impl fmt::Display for Undecidable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => writeln!(f, "{count} accounts cannot be read whole, and are refused (directory_data)"),
        }
    }
}
