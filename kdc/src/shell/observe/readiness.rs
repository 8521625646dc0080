//! What `/readyz` says: whether each part of the daemon is fit to serve, and if not, why.
//!
//! A part that has not reported is not fit, so the parts are named when the value is made.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The checks of one process, shared behind an `Arc`.
#[derive(Debug)]
pub struct Readiness {
    checks: Mutex<Vec<Check>>,
}

/// A kind of check; a closed list, because it is also a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// A krbtgt key and at least one branch key are loaded.
    Keys,
    /// A directory server answers.
    Directory,
    /// Branch objects, policy lists and the operator's denials are read, valid and fresh.
    Branches,
    /// Our clock is within the clock skew of a directory server's, as far as that tells.
    Clock,
    /// The daemon is not being drained.
    NotDraining,
}

impl CheckName {
    /// Those that each domain has.
    pub const OF_A_DOMAIN: [Self; 4] = [Self::Keys, Self::Directory, Self::Branches, Self::Clock];

    /// The stable name used in metrics and in `/readyz`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Directory => "directory",
            Self::Branches => "branches",
            Self::Clock => "clock",
            Self::NotDraining => "not_draining",
        }
    }
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: CheckName,
    /// For which realm; empty for the daemon as a whole.
    pub domain: String,
    /// Whether it passed.
    pub ok: bool,
    /// Why not, for a person; empty when it passed.
    pub detail: String,
}

/// All checks at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether all passed.
    pub ready: bool,
    /// In the order they were named.
    pub checks: Vec<Check>,
}

impl Report {
    /// The report with one check more, of the daemon as a whole.
    #[must_use]
    pub fn with(mut self, name: CheckName, outcome: Result<(), String>) -> Self {
        self.ready &= outcome.is_ok();
        let (ok, detail) = (outcome.is_ok(), outcome.err().unwrap_or_default());
        self.checks.push(Check { name, domain: String::new(), ok, detail });
        self
    }

    /// Whether this domain passes each of its checks; `None` where it has none.
    #[must_use]
    pub fn passes(&self, domain: &str) -> Option<bool> {
        let mut own = self.checks.iter().filter(|check| check.domain == domain).peekable();
        own.peek()?;
        Some(own.all(|check| check.ok))
    }
}

impl Readiness {
    /// Names the checks of these realms; none has passed yet.
    pub fn of_domains<'a>(realms: impl IntoIterator<Item = &'a str>) -> Self {
        let checks = realms
            .into_iter()
            .flat_map(|realm| CheckName::OF_A_DOMAIN.map(|name| (name, realm)))
            .map(|(name, realm)| Check {
                name,
                domain: realm.to_owned(),
                ok: false,
                detail: "not yet known".to_owned(),
            })
            .collect();
        Self { checks: Mutex::new(checks) }
    }

    /// Reports the outcome of one check. One that was not named is ignored.
    pub fn set(&self, domain: &str, name: CheckName, outcome: Result<(), String>) {
        let mut checks = self.lock();
        if let Some(check) = checks.iter_mut().find(|check| check.name == name && check.domain == domain) {
            check.ok = outcome.is_ok();
            check.detail = outcome.err().unwrap_or_default();
        }
    }

    /// The state of all checks.
    #[must_use]
    pub fn report(&self) -> Report {
        let checks = self.lock().clone();
        Report { ready: checks.iter().all(|check| check.ok), checks }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Check>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_once_every_check_of_every_domain_passed() {
        let readiness = Readiness::of_domains(["A", "B"]);
        for domain in ["A", "B"] {
            for name in CheckName::OF_A_DOMAIN {
                assert!(!readiness.report().ready);
                readiness.set(domain, name, Ok(()));
            }
        }
        assert!(readiness.report().ready);
        readiness.set("B", CheckName::Directory, Err("ldaps://dc1: connection refused".to_owned()));
        let report = readiness.report();
        assert!(!report.ready);
        let failed: Vec<_> = report.checks.iter().filter(|check| !check.ok).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].detail, "ldaps://dc1: connection refused");
    }
}
