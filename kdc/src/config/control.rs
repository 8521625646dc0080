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
