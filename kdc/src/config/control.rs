//! `[control]`: the socket by which `tgtx status`, `reload`, `drain` and `keys` reach the daemon.

use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `[control]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Control {
    /// The socket; `None` where there is to be none.
    #[serde(deserialize_with = "socket")]
    pub socket: Option<PathBuf>,
    /// Whose members may use it beside root and the daemon's own user; nobody's where empty.
    pub group: String,
}

impl Default for Control {
    fn default() -> Self {
        Self { socket: Some(PathBuf::from("/run/tgtx/control.sock")), group: "tgtx".to_owned() }
    }
}

impl Control {
    /// What the text of a configuration says, as far as that can be told: whatever else is wrong with it, a running
    /// daemon can still be asked. The defaults where nothing can be told.
    #[must_use]
    pub fn of_any_text(text: &str) -> Self {
        let table: Option<toml::Table> = toml::from_str(text).ok();
        let control = table.and_then(|mut table| table.remove("control"));
        control.and_then(|control| control.try_into().ok()).unwrap_or_default()
    }
}

fn socket<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "" => Ok(None),
        path if path.starts_with('/') && !path.contains('\0') => Ok(Some(PathBuf::from(path))),
        _ => Err(D::Error::custom(
            "not an absolute path; write \"/run/tgtx/control.sock\", or \"\" for no socket",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_found_in_a_configuration_that_is_otherwise_wrong() {
        let path = |text: &str| Control::of_any_text(text).socket;
        assert_eq!(path("[control]\nsocket = \"/x\"\n[listen]\nno-such-key = 1"), Some("/x".into()));
        assert_eq!(path("[control]\nsocket = \"\""), None);
        for text in ["", "[control", "[control]\nsocket = 1", "[control]\nsocket = \"x\""] {
            assert_eq!(path(text), Control::default().socket, "{text}");
        }
    }
}
