//! One object on the way from an account to a group.

use std::fmt;

use serde::Serialize;

use crate::directory::path::{Edge, Step};

/// A step, for people and as JSON.
#[derive(Debug, Serialize)]
pub(super) struct PathStep {
    name: String,
    sid: String,
    dn: String,
    /// `start`, `member`, `primary_group`, `foreign_security_principal`, `former_sid` or `foreign_group`.
    by: &'static str,
}

impl PathStep {
    pub(super) fn new(step: &Step) -> Self {
        let by = match step.edge {
            Edge::Start => "start",
            Edge::Member => "member",
            Edge::PrimaryGroup => "primary_group",
            Edge::ForeignSecurityPrincipal => "foreign_security_principal",
            Edge::FormerSid => "former_sid",
            Edge::ForeignGroup => "foreign_group",
        };
        Self { name: step.name.clone(), sid: step.sid.to_string(), dn: step.dn.clone(), by }
    }
}

/// Its name, and what leads to it where that is no plain membership.
impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            "primary_group" => " (primary group)",
            "foreign_security_principal" => " (sIDHistory, foreign security principal)",
            "former_sid" => " (sIDHistory)",
            "foreign_group" => " (group of another domain)",
            _ => "",
        };
        write!(f, "{}{by}", self.name.escape_debug())
    }
}
