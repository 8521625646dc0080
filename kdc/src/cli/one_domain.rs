//! For verbs that are about one domain of a configuration that may have several.

use std::path::PathBuf;

use super::failure::Failure;
use crate::config::{Config, Domain};
use crate::shell::explain::ExplainError;
use crate::shell::files::domain_files::DomainFiles;
use crate::shell::prepared::PreparedDomain;

/// Which domain is meant.
#[derive(Debug, clap::Args)]
pub(super) struct OneDomain {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::CONFIG, env = super::CONFIG_VARIABLE, hide_env_values = true)]
    pub(super) config: PathBuf,
    /// The realm, where the configuration has several
    #[arg(long)]
    pub(super) realm: Option<String>,
}

impl OneDomain {
    /// The domain with its files. May start the program anew, see [`super::config`].
    ///
    /// # Errors
    /// [`Failure`] names the file at fault, or the realms to choose from.
    pub(super) fn prepare(&self) -> Result<PreparedDomain, Failure> {
        let config = super::config(&self.config)?;
        let domain = self.of(&config)?;
        Ok(PreparedDomain::new(domain, DomainFiles::read(domain)?)?)
    }

    fn of<'c>(&self, config: &'c Config) -> Result<&'c Domain, ExplainError> {
        let configured = || config.domains.iter().map(|domain| domain.realm.clone()).collect();
        match (&self.realm, config.domains.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(ExplainError::SeveralRealms(configured())),
            (Some(asked), domains) => {
                let found = domains.iter().find(|domain| domain.realm.eq_ignore_ascii_case(asked));
                let missing = || ExplainError::NoSuchRealm { asked: asked.clone(), configured: configured() };
                found.ok_or_else(missing)
            }
        }
    }
}
