//! `[audit]`: where audit events go, and what follows when they cannot be written.

use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `[audit]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Audit {
    /// Where events go.
    pub sink: AuditSink,
    /// What follows when they cannot be written.
    pub on_loss: OnLoss,
}

/// Where audit events go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AuditSink {
    /// The journal of systemd, by its native protocol; standard error where there is none.
    #[default]
    Journald,
    /// Standard error, a JSON object a line.
    Stderr,
    /// The end of this file, a JSON object a line.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for AuditSink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("file:")) {
            ("journald", _) => Ok(Self::Journald),
            ("stderr", _) => Ok(Self::Stderr),
            (_, Some(path)) if !path.is_empty() && !path.contains('\0') => {
                Ok(Self::File(PathBuf::from(path)))
            }
            _ => Err(D::Error::custom(
                "not a sink; write \"journald\", \"stderr\" or \"file:/var/log/tgtx/audit.jsonl\"",
            )),
        }
    }
}

/// What follows when audit events cannot be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// Service goes on; events that find no room are dropped and counted.
    #[default]
    Count,
    /// Nobody is served until they can be written again.
    Refuse,
}
