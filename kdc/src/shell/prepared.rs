//! A domain between its files and its service: everything is read and checked, nobody is connected to.

use std::sync::Arc;

use rustls::ClientConfig;

use super::directory::{Directory, LdapDirectory, LdifDirectory, tls};
use super::domain_directory::DirectoryRules;
use super::files::domain_files::{DirectoryFiles, DomainFiles};
use super::files::static_faults::StaticFault;
use super::files::user_keys::UserKeytabs;
use crate::config;
use crate::directory::{SidHistory, ViewRules};
use crate::exchange::{AllowedKinds, TicketRules};
use crate::krb::keys::{DomainKeys, Rc4};

/// A domain with everything its files hold, before a socket is opened.
pub struct PreparedDomain {
    /// The Kerberos realm.
    pub realm: Arc<str>,
    /// The keys in its keytabs.
    pub keys: Arc<DomainKeys>,
    /// The users' keys, where a key list is answered.
    pub user_keys: Option<UserKeytabs>,
    /// What the configuration decides about its tickets.
    pub rules: TicketRules,
    directory: DirectorySource,
    directory_rules: DirectoryRules,
}

/// Where a domain's directory is, before anybody is connected to.
enum DirectorySource {
    Ldap(config::Ldap, Arc<ClientConfig>),
    Ldif(LdifDirectory),
}

impl PreparedDomain {
    /// Makes sense of a domain's files.
    ///
    /// # Errors
    /// The first of them that does not hold what it should.
    pub fn new(domain: &config::Domain, files: DomainFiles) -> Result<Self, StaticFault> {
        let rc4 = if domain.tickets.allow_rc4 { Rc4::Allowed } else { Rc4::Refused };
        let keys = files.keys(&domain.realm, rc4)?;
        let realm: Arc<str> = domain.realm.as_str().into();
        let directory = DirectorySource::of(files.directory)?;
        Ok(Self {
            realm,
            keys: Arc::new(keys),
            user_keys: files.user_keys,
            rules: TicketRules {
                max_lifetime: domain.tickets.max_lifetime,
                max_renew: domain.tickets.max_renew,
                clock_skew: domain.tickets.clock_skew.duration(),
                max_partial_lifetime: domain.tickets.max_partial_lifetime,
                require_body_checksum: domain.require_body_checksum,
                check_addresses: domain.tickets.check_addresses,
                allowed_kinds: AllowedKinds {
                    computers: domain.policy.allow_computers,
                    service_accounts: domain.policy.allow_service_accounts,
                    administrator: domain.policy.allow_administrator,
                },
            },
            directory,
            directory_rules: DirectoryRules {
                ttl: domain.cache.ttl,
                poll: domain.cache.poll,
                max_stale: domain.cache.max_stale,
                sid_history: if domain.policy.sid_history { SidHistory::Include } else { SidHistory::Omit },
                view: ViewRules {
                    logon_server: domain.logon_server.clone(),
                    deny_groups: domain.policy.deny_groups.clone(),
                    deny_replicators: domain.policy.deny_replicators,
                    sites: domain.discovery.as_ref().is_some_and(|discovery| discovery.upstream.is_none()),
                },
            },
        })
    }

    /// The numbers of the branches that a key is loaded for.
    #[must_use]
    pub fn branch_numbers(&self) -> Vec<u16> {
        self.keys.branches().map(|branch| branch.number()).collect()
    }

    /// Connects to the directory. Must be called within a tokio runtime.
    #[must_use]
    pub fn connect(self) -> (Directory, DirectoryRules) {
        let directory = match self.directory {
            DirectorySource::Ldap(settings, tls) => {
                Directory::Ldap(LdapDirectory::start(&self.realm, settings, tls))
            }
            DirectorySource::Ldif(file) => Directory::Ldif(file),
        };
        (directory, self.directory_rules)
    }
}

impl DirectorySource {
    fn of(files: DirectoryFiles) -> Result<Self, StaticFault> {
        match files {
            DirectoryFiles::Ldap { settings, authorities } => {
                match tls::client_config(authorities.as_deref()) {
                    Ok(tls) => Ok(Self::Ldap(settings, tls)),
                    Err(fault) => {
                        Err(StaticFault::Authorities { path: settings.ca_file.unwrap_or_default(), fault })
                    }
                }
            }
            DirectoryFiles::Ldif { path, text } => Ok(Self::Ldif(LdifDirectory::new(&text, path)?)),
        }
    }
}
