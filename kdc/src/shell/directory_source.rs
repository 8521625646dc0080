//! Where a domain's directory is: what its files hold is made sense of, and nobody is connected to yet.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use super::directory::tls::{self, Identity, IdentityError, TlsError};
use super::directory::{Directory, LdapDirectory, LdifDirectory};
use super::files::domain_files::{DirectoryFiles, IdentityFiles};
use super::files::static_faults::StaticFault;
use crate::config::{self, Bind};

/// A directory before anybody is connected to.
pub enum DirectorySource {
    /// Servers.
    Ldap {
        /// Which, and how they are reached.
        servers: Servers,
        /// The same for TLS.
        tls: Arc<ClientConfig>,
    },
    /// A file, which has been read.
    Ldif(LdifDirectory),
}

/// All that tells one set of connections from another.
#[derive(Clone, PartialEq, Eq)]
pub struct Servers {
    settings: config::Ldap,
    trusted: Vec<TrustAnchor<'static>>,
    /// Our certificate and those behind it.
    shown: Vec<CertificateDer<'static>>,
}

impl DirectorySource {
    /// Makes sense of the files.
    ///
    /// # Errors
    /// The first of them that does not hold what it should.
    pub fn of(files: DirectoryFiles) -> Result<Self, StaticFault> {
        match files {
            DirectoryFiles::Ldap { settings, authorities, identity } => {
                let roots = tls::roots(authorities.as_deref()).map_err(|fault| {
                    let path = settings.ca_file.clone().unwrap_or_default();
                    StaticFault::Authorities { path, fault }
                })?;
                let identity = identity.map(|files| read_identity(&settings.bind, &files)).transpose()?;
                let trusted = roots.roots.clone();
                let shown = identity.as_ref().map(|identity| identity.chain().to_vec()).unwrap_or_default();
                let tls = tls::trusting(roots, identity).map_err(|fault| match &settings.bind {
                    Bind::External { certificate, .. } => {
                        let (path, fault) = (certificate.clone(), IdentityError::Unusable(fault));
                        StaticFault::Identity { path, fault }
                    }
                    Bind::Simple { .. } | Bind::Gssapi { .. } => {
                        let path = settings.ca_file.clone().unwrap_or_default();
                        StaticFault::Authorities { path, fault: TlsError::Provider(fault) }
                    }
                })?;
                Ok(Self::Ldap { servers: Servers { settings, trusted, shown }, tls })
            }
            DirectoryFiles::Ldif { path, text } => Ok(Self::Ldif(LdifDirectory::new(&text, path)?)),
        }
    }

    /// The servers; `None` of a file.
    #[must_use]
    pub fn servers(&self) -> Option<Servers> {
        match self {
            Self::Ldap { servers, .. } => Some(servers.clone()),
            Self::Ldif(_) => None,
        }
    }

    /// Connects to the servers of `realm`. Must be called within a tokio runtime.
    #[must_use]
    pub fn connect(self, realm: &str) -> Directory {
        match self {
            Self::Ldap { servers, tls } => {
                Directory::Ldap(LdapDirectory::start(realm, servers.settings, tls))
            }
            Self::Ldif(file) => Directory::Ldif(file),
        }
    }

    /// Connects to each of the servers by itself, to see whether all are as they should be: with the name of each, empty of a
    /// file. Must be called within a tokio runtime.
    #[must_use]
    pub fn connect_to_each(self, realm: &str) -> Vec<(String, Directory)> {
        let (Servers { settings, .. }, tls) = match self {
            Self::Ldap { servers, tls } => (servers, tls),
            Self::Ldif(file) => return vec![(String::new(), Directory::Ldif(file))],
        };
        let alone = |url: &config::LdapUrl| {
            let (urls, connections) = (vec![url.clone()], NonZeroUsize::MIN);
            let settings = config::Ldap { urls, connections, ..settings.clone() };
            let directory = LdapDirectory::start(realm, settings, Arc::clone(&tls));
            (url.to_string(), Directory::Ldap(directory))
        };
        settings.urls.iter().map(alone).collect()
    }
}

fn read_identity(bind: &Bind, files: &IdentityFiles) -> Result<Identity, StaticFault> {
    Identity::read(&files.certificate, &files.key).map_err(|fault| {
        let path = match (bind, &fault) {
            (
                Bind::External { certificate, .. },
                IdentityError::Certificate(_) | IdentityError::NoCertificate,
            ) => certificate.clone(),
            _ => bind.secret().path().to_owned(),
        };
        StaticFault::Identity { path, fault }
    })
}
