//! Why a directory server is not used, each reason with what an administrator does about it.

use std::io;
use std::time::Duration;

use ldap3::{LdapError, LdapResult};

use crate::shell::directory::tls;

/// Result codes (RFC 4511 §4.1.9).
pub(super) const SUCCESS: u32 = 0;
const STRONGER_AUTH_REQUIRED: u32 = 8;
const CONFIDENTIALITY_REQUIRED: u32 = 13;
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
    #[error("wants a protected connection ({0}): use ldaps://, or ldap:// without allow-plaintext")]
    Unprotected(String),
    #[error("refuses the bind of {bind_dn} ({text}): check bind-dn")]
    BindRefused { bind_dn: String, text: String },
    #[error("cannot be asked: {0}")]
    Password(String),
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
        matches!(self, Self::WrongPassword { .. } | Self::BindRefused { .. })
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

    pub(super) fn binding(bound: ldap3::result::Result<LdapResult>, bind_dn: &str) -> Result<(), Self> {
        let result = bound.map_err(|error| Self::Unreachable(error.to_string()))?;
        let (bind_dn, text) = (bind_dn.to_owned(), describe(&result));
        match result.rc {
            SUCCESS => Ok(()),
            INVALID_CREDENTIALS => Err(Self::WrongPassword { bind_dn, text }),
            STRONGER_AUTH_REQUIRED | CONFIDENTIALITY_REQUIRED => Err(Self::Unprotected(text)),
            BUSY | UNAVAILABLE => Err(Self::Unreachable(text)),
            _ => Err(Self::BindRefused { bind_dn, text }),
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
    let text: String = result.text.chars().filter(|character| !character.is_control()).take(200).collect();
    format!("LDAP result {}: {text}", result.rc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refused_credentials_are_held_back_longer() {
        let result = |rc| {
            let (matched, refs, ctrls) = (String::new(), Vec::new(), Vec::new());
            Ok(LdapResult { rc, matched, text: "80090308:\n data 52e\0".to_owned(), refs, ctrls })
        };
        let cases = [(49, true), (53, true), (8, false), (13, false), (51, false)];
        for (rc, expected) in cases {
            let fault = Fault::binding(result(rc), "CN=tgtx").unwrap_err();
            assert_eq!(fault.is_about_the_account(), expected, "{fault}");
            assert!(!fault.to_string().contains('\n'), "one line: {fault}");
        }
        assert_eq!(Fault::binding(result(0), "CN=tgtx"), Ok(()));
    }
}
