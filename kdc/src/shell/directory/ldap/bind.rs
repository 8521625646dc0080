//! Proves to a directory server who we are, in the way that is configured.

use std::time::Duration;

use ldap3::result::Result;
use ldap3::{Ldap, LdapResult};
use zeroize::Zeroizing;

use super::fault::Fault;
#[cfg(feature = "gssapi")]
use super::gssapi;
use crate::config::Bind;
use crate::shell::files;

/// What a bind takes, read anew for each connection, so that a password can be changed without a restart.
pub(super) enum Credentials {
    Simple {
        dn: String,
        password: Zeroizing<String>,
    },
    /// Shown while TLS was set up.
    Certificate,
    #[cfg(feature = "gssapi")]
    Ticket {
        principal: String,
    },
}

impl Credentials {
    /// Reads the secret that `bind` names.
    pub(super) fn read(bind: &Bind) -> std::result::Result<Self, Fault> {
        match bind {
            Bind::Simple { dn, password } => {
                let password =
                    files::read_password(password).map_err(|error| Fault::Secret(error.to_string()))?;
                Ok(Self::Simple { dn: dn.clone(), password })
            }
            Bind::External { .. } => Ok(Self::Certificate),
            #[cfg(feature = "gssapi")]
            Bind::Gssapi { keytab, principal } => {
                gssapi::check(keytab)?;
                Ok(Self::Ticket { principal: principal.clone() })
            }
            #[cfg(not(feature = "gssapi"))]
            Bind::Gssapi { .. } => Err(Fault::Secret("GSSAPI is not built into this program".to_owned())),
        }
    }

    /// Binds to the server of this name, a domain controller of `realm`.
    #[cfg_attr(
        not(feature = "gssapi"),
        expect(unused_variables, reason = "only a ticket is made out to a server")
    )]
    pub(super) async fn present(
        self,
        mut ldap: Ldap,
        host: &str,
        realm: &str,
        limit: Duration,
    ) -> Result<LdapResult> {
        ldap.with_timeout(limit);
        match self {
            Self::Simple { dn, password } => ldap.simple_bind(&dn, &password).await,
            Self::Certificate => ldap.sasl_external_bind().await,
            #[cfg(feature = "gssapi")]
            Self::Ticket { principal } => gssapi::bind(ldap, principal, host, realm).await,
        }
    }
}
