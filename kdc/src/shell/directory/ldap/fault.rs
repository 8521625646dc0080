//! Why a directory server is not used, each reason with what an administrator does about it.

use std::io;
use std::time::Duration;

use ldap3::{LdapError, LdapResult};

use crate::config::Bind;
use crate::shell::directory::tls;

/// Result codes (RFC 4511 §4.1.9).
pub(super) const SUCCESS: u32 = 0;
const AUTH_METHOD_NOT_SUPPORTED: u32 = 7;
const STRONGER_AUTH_REQUIRED: u32 = 8;
const CONFIDENTIALITY_REQUIRED: u32 = 13;
const INAPPROPRIATE_AUTH: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;
pub(super) const BUSY: u32 = 51;
pub(super) const UNAVAILABLE: u32 = 52;

/// Why a server is not used, and what an administrator does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot be reached ({0}): check the URL, the name, the server and the way to it")]
    Unreachable(String),
    #[error("does not answer within {0:?}: check the server, or raise connect-timeout")]
    Silent(Duration),
    #[error("is not trusted: {0}")]
    Untrusted(String),
    #[error("sends what is no LDAP: check host and port")]
    Garbage,
    #[error(
        "refuses the password of {bind_dn} ({text}): check bind-dn and password-file, and that the account is enabled, not locked and its password not expired"
    )]
    WrongPassword { bind_dn: String, text: String },
    #[error(
        "refuses {name} ({text}): check that the server trusts who issued it, for logons of clients too, and that it is an enabled account's (its name in subjectAltName, or altSecurityIdentities)"
    )]
    WrongCertificate { name: String, text: String },
    #[error(
        "closes the connection after TLS and before the bind is answered ({0}): it may not trust our certificate: check who issued it, and that it is for clients and has not expired"
    )]
    ClosedOnCertificate(String),
    #[error("refuses the ticket of {name} ({text}): check that the account is enabled, and the clocks")]
    WrongTicket { name: String, text: String },
    #[error(
        "cannot be bound to, because there is no ticket ({0}): check keytab and principal, that the account is enabled, and that its name in urls is one that it has a servicePrincipalName ldap/… for"
    )]
    NoTicket(String),
    #[error(
        "cannot be bound to, because no KDC can be asked for a ticket ({0}): check /etc/krb5.conf, or the domain's SRV records, and the way to the KDCs"
    )]
    NoKdc(String),
    #[error("wants a protected connection ({0}): use ldaps://, or ldap:// without allow-plaintext")]
    Unprotected(String),
    #[error("does not know this way of binding ({0}): write another bind, or allow it there")]
    UnknownMethod(String),
    #[error("refuses the bind of {name} ({text}): check the keys that belong to bind")]
    BindRefused { name: String, text: String },
    #[error("cannot be asked: {0}")]
    Secret(String),
    #[error("is no domain controller ({0}): check the URL")]
    NoDomain(String),
    #[error("serves {found} instead of {expected}: list servers of this realm as urls")]
    WrongDomain { found: String, expected: String },
    #[error("is a read-only domain controller: list writable ones as urls")]
    ReadOnly,
    #[error("has not finished its first replication: wait, or list another one first")]
    NotSynchronized,
}

impl Fault {
    /// Whether trying again soon does harm: each wrong password counts towards the account's lockout.
    pub(super) fn is_about_the_account(&self) -> bool {
        matches!(
            self,
            Self::WrongPassword { .. }
                | Self::WrongCertificate { .. }
                | Self::WrongTicket { .. }
                | Self::NoTicket(_)
                | Self::UnknownMethod(_)
                | Self::BindRefused { .. }
        )
    }

    pub(super) fn connecting(error: &LdapError, host: &str) -> Self {
        match error {
            LdapError::Io { source } => match tls::mend(source, host) {
                Some(mend) => Self::Untrusted(mend),
                None => Self::Unreachable(io_text(source)),
            },
            LdapError::DNSName { .. } => Self::Untrusted(format!(
                "{host} is no name that a certificate can hold: use the server's DNS name"
            )),
            LdapError::LdapResult { result } => {
                Self::Untrusted(format!("StartTLS is refused ({})", describe(result)))
            }
            other => Self::Unreachable(other.to_string()),
        }
    }

    pub(super) fn binding(bound: ldap3::result::Result<LdapResult>, bind: &Bind) -> Result<(), Self> {
        let result = bound.map_err(|error| match (bind, error.to_string()) {
            (Bind::Gssapi { .. }, text) => Self::ticket(&text),
            (Bind::External { .. }, text) => Self::ClosedOnCertificate(text),
            (Bind::Simple { .. }, text) => Self::Unreachable(text),
        })?;
        let (name, text) = (bind.name(), describe(&result));
        match (result.rc, bind) {
            (SUCCESS, _) => Ok(()),
            (INVALID_CREDENTIALS, Bind::Simple { .. }) => Err(Self::WrongPassword { bind_dn: name, text }),
            (INVALID_CREDENTIALS | INAPPROPRIATE_AUTH, Bind::External { .. }) => {
                Err(Self::WrongCertificate { name, text })
            }
            (INVALID_CREDENTIALS, Bind::Gssapi { .. }) => Err(Self::WrongTicket { name, text }),
            (STRONGER_AUTH_REQUIRED | CONFIDENTIALITY_REQUIRED, _) => Err(Self::Unprotected(text)),
            (AUTH_METHOD_NOT_SUPPORTED, _) => Err(Self::UnknownMethod(text)),
            (BUSY | UNAVAILABLE, _) => Err(Self::Unreachable(text)),
            _ => Err(Self::BindRefused { name, text }),
        }
    }

    /// MIT's library tells of its errors in words only. That no KDC was asked is no attempt with the account; whatever
    /// else it says may have been one.
    fn ticket(text: &str) -> Self {
        let text = one_line(text);
        if ["Cannot contact any KDC", "Cannot find KDC"].iter().any(|start| text.contains(start)) {
            Self::NoKdc(text)
        } else {
            Self::NoTicket(text)
        }
    }
}

fn io_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::UnexpectedEof => "it closed the connection during the handshake".to_owned(),
        _ => error.to_string(),
    }
}

/// Result code and diagnostic message on one line; the server's text is not trusted to be one.
pub(super) fn describe(result: &LdapResult) -> String {
    format!("LDAP result {}: {}", result.rc, one_line(&result.text))
}

fn one_line(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretFile;

    #[test]
    fn only_refused_credentials_are_held_back_longer() {
        let result = |rc| {
            let (matched, refs, ctrls) = (String::new(), Vec::new(), Vec::new());
            Ok(LdapResult { rc, matched, text: "80090308:\n data 52e\0".to_owned(), refs, ctrls })
        };
        let secret = || SecretFile::Path("secret".into());
        let binds = [
            Bind::Simple { dn: "CN=tgtx".to_owned(), password: secret() },
            Bind::External { certificate: "tgtx.pem".into(), key: secret() },
            Bind::Gssapi { keytab: secret(), principal: "tgtx@X".to_owned() },
        ];
        for (rc, expected) in [(49, true), (53, true), (7, true), (8, false), (13, false), (51, false)] {
            for bind in &binds {
                let fault = Fault::binding(result(rc), bind).unwrap_err();
                assert_eq!(fault.is_about_the_account(), expected, "{fault}");
                assert!(!fault.to_string().contains('\n'), "one line: {fault}");
                assert_eq!(Fault::binding(result(0), bind), Ok(()));
            }
        }
        let failed = |text: &str| {
            Fault::ticket(&format!(
                "Unspecified GSS failure.  Minor code may provide more information, {text}"
            ))
        };
        assert!(!failed("Cannot contact any KDC for realm 'X'").is_about_the_account());
        assert!(failed("Preauthentication failed").is_about_the_account());
    }
}
