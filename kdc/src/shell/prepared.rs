//! A domain between its files and its service: everything is read and checked, nobody is connected to.

use std::sync::Arc;

use tracing::{info, warn};

use super::clock::Clock;
use super::directory::Directory;
use super::directory_source::{DirectorySource, Servers};
use super::domain_directory::{DirectoryRules, DomainDirectory};
use super::files::domain_files::DomainFiles;
use super::files::static_faults::StaticFault;
use super::files::user_keys::UserKeytabs;
use crate::config;
use crate::directory::{SidHistory, ViewRules};
use crate::exchange::{AllowedKinds, Mode, TicketRules};
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

/// All that makes connections to directory servers, and what is read over them, what they are: where two are equal, the
/// one directory serves for the other.
#[derive(PartialEq, Eq)]
pub struct Connected {
    realm: Arc<str>,
    servers: Servers,
    rules: DirectoryRules,
    numbers: Vec<u16>,
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
                mode: domain.mode,
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

    /// Says whether nobody is served, which keys are not used, what is unsafe or may not be taken everywhere, and that keys of users are handed
    /// out.
    pub fn tell(&self) {
        let realm = &*self.realm;
        if self.rules.mode == Mode::Shadow {
            warn!(realm, "in shadow mode: exchanges are decided and told, and no ticket is issued");
        }
        for skipped in self.keys.skipped() {
            info!(realm, "keytab entry not used: {skipped}");
        }
        if self.keys.rc4() == Rc4::Allowed {
            warn!(
                realm,
                "allow-rc4 is on: tickets and session keys of RC4 can be forged and cracked (CVE-2022-37966, \
                 CVE-2022-37967); switch it off as soon as every client lists AES"
            );
        }
        let issuing = self.keys.issuing().etype();
        if issuing.is_sha2() || !issuing.is_aes() {
            warn!(
                realm,
                "full TGTs are issued under a {issuing} key, which not every domain controller takes; load the \
                 aes256-cts-hmac-sha1-96 key of the same version"
            );
        }
        if self.keys.branches().next().is_none() {
            warn!(
                realm,
                "no key of a branch is loaded, so nothing can be exchanged; load that of krbtgt_AzureAD"
            );
        }
        let Some(keytabs) = &self.user_keys else { return };
        let keys = keytabs.keys();
        for (why, entries) in keys.unused() {
            info!(realm, entries, "entries of user keytabs not used: {why}");
        }
        warn!(
            realm,
            accounts = keys.accounts(),
            "the key list is on: whoever holds the key of a branch can get these users' long-term keys, as far as the \
             branch's lists allow"
        );
    }

    /// What there is to be connected to; `None` where the directory is a file, which [`Self::new`] has read.
    #[must_use]
    pub fn connected(&self) -> Option<Connected> {
        Some(Connected {
            realm: Arc::clone(&self.realm),
            servers: self.directory.servers()?,
            rules: self.directory_rules.clone(),
            numbers: self.branch_numbers(),
        })
    }

    /// Connects to the directory and keeps looking at it. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(self, clock: Clock) -> DomainDirectory {
        let (realm, numbers) = (Arc::clone(&self.realm), self.branch_numbers());
        let (directory, rules) = self.connect();
        DomainDirectory::start(realm, directory, numbers, rules, clock)
    }

    /// Connects to each of the directory's servers by itself, to see whether all are as they should be: with the name of
    /// each, empty of a file. Must be called within a tokio runtime.
    #[must_use]
    pub fn connect_to_each(self) -> (Vec<(String, Directory)>, DirectoryRules) {
        (self.directory.connect_to_each(&self.realm), self.directory_rules)
    }

    /// Connects to the directory. Must be called within a tokio runtime.
    #[must_use]
    pub fn connect(self) -> (Directory, DirectoryRules) {
        (self.directory.connect(&self.realm), self.directory_rules)
    }
}
