//! How the daemon is: what `tgtx status` prints.

use serde::{Deserialize, Serialize};

use super::SCHEMA;
use super::controlled::{Controlled, Listening};
use super::counters::Counters;
use super::keys::KeyLine;
use crate::exchange::{Domain, Mode, Timestamp};
use crate::shell::domain_directory::DomainDirectory;
use crate::shell::generation::Generation;
use crate::shell::observe::readiness::Check;
use crate::shell::reload::Outcome;
use crate::version::{REVISION, VERSION};

/// Answer to `tgtx status`. Times are RFC 3339, in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of this.
    pub schema: u32,
    /// Of the program.
    pub version: String,
    /// The commit that it was built of.
    pub revision: String,
    /// The process.
    pub pid: u32,
    /// What it does.
    pub state: State,
    /// Whether `/readyz` says so.
    pub ready: bool,
    /// Since its start.
    pub uptime_seconds: u64,
    /// What `/readyz` says.
    pub checks: Vec<Check>,
    /// What it serves by.
    pub configuration: ConfigurationStatus,
    /// Where it listens.
    pub listening: Listening,
    /// Whom it serves.
    pub domains: Vec<DomainStatus>,
    /// What it has counted.
    pub counters: Counters,
}

/// What a daemon does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It serves.
    Serving,
    /// It serves, and sends everybody who asks elsewhere.
    Draining,
}

/// What is served by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationStatus {
    /// The file.
    pub file: String,
    /// What came of the last reload, or of the start.
    pub last_reload: LastReload,
}

/// What came of a reload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReload {
    /// Version of this.
    pub schema: u32,
    /// Whether it was one: otherwise everything stays as it was.
    pub ok: bool,
    /// When it ended.
    pub at: String,
    /// What is wrong; null where nothing is.
    pub fault: Option<String>,
    /// Sections that take effect at the next start only, and say something else by now.
    pub at_next_start: Vec<String>,
}

/// One domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainStatus {
    /// Its realm.
    pub realm: String,
    /// `live` or `shadow`.
    pub mode: String,
    /// How many versions the krbtgt key that issues is behind the directory's; null where that is not known.
    pub krbtgt_versions_behind: Option<u32>,
    /// Its keys.
    pub keys: Vec<KeyLine>,
    /// Its directory.
    pub directory: DirectoryStatus,
}

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryStatus {
    /// `ldap` or `ldif`.
    pub kind: String,
    /// Whether branches and policy lists are fresh.
    pub fresh: bool,
    /// Open connections by server; none of an LDIF file.
    pub servers: Vec<(String, usize)>,
    /// Accounts remembered.
    pub remembered: usize,
}

impl Status {
    pub(super) fn of(controlled: &Controlled) -> Self {
        let Controlled { service, reloader, recorder, listening, .. } = controlled;
        let report = service.report();
        let generation = service.generation();
        let domains = generation.domains();
        let now = service.clock().now();
        Self {
            schema: SCHEMA,
            version: VERSION.to_owned(),
            revision: REVISION.to_owned(),
            pid: std::process::id(),
            state: if service.is_draining() { State::Draining } else { State::Serving },
            ready: report.ready,
            uptime_seconds: service.clock().elapsed().as_secs(),
            checks: report.checks,
            configuration: ConfigurationStatus {
                file: reloader.started().file.display().to_string(),
                last_reload: reloader.last().into(),
            },
            listening: listening.clone(),
            domains: domains.iter().map(|domain| DomainStatus::of(&generation, domain, now)).collect(),
            counters: Counters::read(recorder),
        }
    }
}

impl DomainStatus {
    fn of(generation: &Generation, domain: &Domain, now: Timestamp) -> Self {
        let view = domain.directory.as_ref();
        let directory = generation.directory(&domain.realm);
        Self {
            realm: domain.realm.to_string(),
            mode: match domain.rules.mode {
                Mode::Live => "live".to_owned(),
                Mode::Shadow => "shadow".to_owned(),
            },
            krbtgt_versions_behind: view
                .and_then(|view| domain.keys.age(view.krbtgt_version).versions_behind()),
            keys: KeyLine::of_realm(generation, &domain.realm, now),
            directory: DirectoryStatus {
                kind: directory.map_or("", |directory| directory.kind()).to_owned(),
                fresh: view.is_some(),
                servers: directory.map(connections).unwrap_or_default(),
                remembered: directory.map_or(0, |directory| directory.cache().len()),
            },
        }
    }
}

impl From<Outcome> for LastReload {
    fn from(Outcome { at, result }: Outcome) -> Self {
        let (fault, sections) = match result {
            Ok(sections) => (None, sections),
            Err(fault) => (Some(fault), Vec::new()),
        };
        Self {
            schema: SCHEMA,
            ok: fault.is_none(),
            at: at.seconds.to_string(),
            fault,
            at_next_start: sections.into_iter().map(str::to_owned).collect(),
        }
    }
}

fn connections(directory: &DomainDirectory) -> Vec<(String, usize)> {
    directory.servers().into_iter().map(|server| (server.url, server.connections)).collect()
}
