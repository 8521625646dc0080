//! Reload: configuration, keys, certificates and directory files are read anew and checked as at a start, all of them
//! first, and only then take the place of the old ones, all at once. Whatever is wrong leaves everything as it was.
//!
//! What is served stays served: a reload after which a domain would no longer be ready is none, and neither is one that
//! loses a key in use, unless the operator says that it may.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use super::files::config_file;
use super::files::domain_files::DomainFiles;
use super::files::static_faults::StaticFault;
use super::generation::{Generation, Shared};
use super::observe::readiness::{CheckName, Report};
use super::prepared::PreparedDomain;
use super::replays;
use super::service::Service;
use super::service_manager;
use crate::config::Config;
use crate::exchange::{Domains, Timestamp};

/// How long directories and upstreams that are new may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks whether they have.
const GLANCE: Duration = Duration::from_millis(10);

/// What becomes of a key that is in use and stands in no keytab any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRemoval {
    /// It stays in use, and nothing is reloaded.
    Refused,
    /// It is removed.
    Allowed,
}

/// Why a reload changed nothing. `Display` is one line that names the mend.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// A file is at fault.
    #[error(transparent)]
    Static(#[from] StaticFault),
    /// Keys in use would be lost.
    #[error(
        "{realm}: in use and in no keytab any more: {keys}; put back what is missing, or remove it with `tgtx reload \
         --allow-key-removal` once no ticket under it is alive"
    )]
    LosesKeys {
        /// The domain's realm.
        realm: String,
        /// Which, without the keys.
        keys: String,
    },
    /// A domain that is served would not be.
    #[error("{realm} would no longer be ready: {detail}")]
    LosesDomain {
        /// Its realm.
        realm: String,
        /// What `/readyz` would say.
        detail: String,
    },
    /// The kernel gives no random octets, or this host has no name to go by.
    #[error("{0}")]
    Host(#[from] io::Error),
    /// Reading the files panicked.
    #[error("reading the files ended with a defect; the log has it")]
    Defect,
}

/// What came of the last reload, or of the start.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// When it ended.
    pub at: Timestamp,
    /// Sections that say something else than the daemon was started with and take effect at its next start; or why
    /// everything stays as it was.
    pub result: Result<Vec<&'static str>, String>,
}

/// Reloads a running daemon, once at a time.
pub struct Reloader {
    service: Arc<Service>,
    shared: Shared,
    started: Config,
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Outcome>,
}

impl Reloader {
    /// Of the daemon that was just started under this configuration.
    #[must_use]
    pub fn new(service: Arc<Service>, shared: Shared, started: Config) -> Self {
        let at = shared.clock.now();
        shared.metrics.reloaded(true, at);
        let last = Mutex::new(Outcome { at, result: Ok(Vec::new()) });
        Self { service, shared, started, turn: tokio::sync::Mutex::default(), last }
    }

    /// Reads everything anew.
    pub async fn reload(&self, removal: KeyRemoval) -> Outcome {
        let _turn = self.turn.lock().await;
        service_manager::reloading();
        info!("reloading");
        let result = self.succeed(removal).await.map_err(|error| error.to_string());
        let at = self.shared.clock.now();
        self.shared.metrics.reloaded(result.is_ok(), at);
        match &result {
            Ok(sections) => {
                for section in sections {
                    warn!(
                        "{section} differs from what the daemon was started with, and takes effect at its next start"
                    );
                }
                info!("reloaded");
            }
            Err(fault) => error!("not reloaded, everything stays as it was: {fault}"),
        }
        let outcome = Outcome { at, result };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = outcome.clone();
        // Whatever came of it: how it went is in the status.
        service_manager::ready();
        outcome
    }

    /// What came of the last one.
    #[must_use]
    pub fn last(&self) -> Outcome {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration the daemon was started under.
    #[must_use]
    pub fn started(&self) -> &Config {
        &self.started
    }

    async fn succeed(&self, removal: KeyRemoval) -> Result<Vec<&'static str>, ReloadError> {
        let started = self.started.clone();
        let read = spawn_blocking(move || read(&started)).await;
        let (config, differing, prepared) = read.map_err(|_panicked| ReloadError::Defect)??;
        let current = Arc::clone(&self.service.generation());
        if removal == KeyRemoval::Refused {
            keeps_keys(&current.domains(), &prepared)?;
        }
        let next = Generation::start(&config, prepared, &self.shared, Some(&current))?;
        settle(&current, &next).await?;
        self.service.succeed(next, replays::window(&config));
        Ok(differing)
    }
}

fn read(started: &Config) -> Result<(Config, Vec<&'static str>, Vec<PreparedDomain>), StaticFault> {
    let (config, differing) = config_file::load_again(started)?;
    let prepare = |domain| PreparedDomain::new(domain, DomainFiles::read(domain)?);
    let prepared = config.domains.iter().map(prepare).collect::<Result<_, _>>()?;
    Ok((config, differing, prepared))
}

/// Whether every key in use is among those that were prepared.
fn keeps_keys(current: &Domains, prepared: &[PreparedDomain]) -> Result<(), ReloadError> {
    for domain in current.iter() {
        let next = prepared.iter().find(|prepared| prepared.realm == domain.realm);
        let lost = match next {
            Some(next) => domain.keys.lost_to(&next.keys),
            None => domain.keys.loaded().collect(),
        };
        if !lost.is_empty() {
            let keys: Vec<String> = lost.iter().map(ToString::to_string).collect();
            return Err(ReloadError::LosesKeys { realm: domain.realm.to_string(), keys: keys.join("; ") });
        }
    }
    Ok(())
}

/// Waits until each domain that is served is ready under the next generation too, and whoever is relayed to is found.
async fn settle(current: &Generation, next: &Generation) -> Result<(), ReloadError> {
    let report = current.report();
    let domains = current.domains();
    let served: Vec<&str> = domains
        .iter()
        .map(|domain| &*domain.realm)
        .filter(|realm| report.passes(realm) == Some(true))
        .collect();
    let settled = async {
        tokio::join!(next.relays().found(), async {
            while !served.iter().all(|realm| is_decided(&next.report(), realm)) {
                sleep(GLANCE).await;
            }
        });
    };
    // Whom is relayed to may be found later.
    let _ = timeout(PATIENCE, settled).await;
    let report = next.report();
    for realm in served {
        if report.passes(realm) == Some(false) {
            let failing = report.checks.iter().filter(|check| check.domain == realm && !check.ok);
            let details: Vec<&str> = failing.map(|check| check.detail.as_str()).collect();
            return Err(ReloadError::LosesDomain { realm: realm.to_owned(), detail: details.join("; ") });
        }
    }
    Ok(())
}

/// Whether waiting changes nothing any more: all is well, or the directory was read and something else is wrong.
fn is_decided(report: &Report, realm: &str) -> bool {
    let directory =
        report.checks.iter().find(|check| check.domain == realm && check.name == CheckName::Directory);
    report.passes(realm) != Some(false) || directory.is_some_and(|check| check.ok)
}
