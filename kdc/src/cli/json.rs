//! Results as JSON.

use serde::Serialize;

/// One line, for whoever reads a result after the other.
pub(super) fn line(result: &impl Serialize) -> String {
    ended(serde_json::to_string(result))
}

/// A member a line, for whoever looks at it as well.
pub(super) fn indented(result: &impl Serialize) -> String {
    ended(serde_json::to_string_pretty(result))
}

fn ended(written: serde_json::Result<String>) -> String {
    // Every map key is a string and nothing in a result can fail to be written.
    let mut text = written.unwrap_or_default();
    text.push('\n');
    text
}
