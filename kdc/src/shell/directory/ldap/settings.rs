//! Where the directory is and how we make ourselves known to it, checked once.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::shell::directory::tls::TlsError;

/// How the directory servers of one realm are reached: `[domain.ldap]`, checked.
#[derive(Clone, Debug)]
pub struct LdapSettings {
    /// The realm that the servers must serve: their `defaultNamingContext` has to be its DN.
    pub realm: String,
    /// The servers, in order of preference.
    pub servers: Vec<Endpoint>,
    /// Distinguished name (or UPN) of the account to bind as.
    pub bind_dn: String,
    /// File that holds its password; read anew for every connection, so that it can be changed at run time.
    pub password_file: PathBuf,
    /// Certification authorities in PEM form; `None` is the system's store.
    pub ca_file: Option<PathBuf>,
    /// Connections held open.
    pub connections: usize,
    /// From the first SYN to the end of the TLS handshake.
    pub connect_timeout: Duration,
    /// For one read, and for the bind.
    pub search_timeout: Duration,
}

/// A setting that no retry mends.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No server.
    #[error("no directory server; list at least one ldaps:// URL as urls")]
    NoServer,
    /// A simple bind without a name or password is anonymous, and succeeds (RFC 4513 §5.1.2).
    #[error("no account to bind as; set bind-dn")]
    NoBindDn,
    /// The password file cannot be used.
    #[error("{}: {error}; give password-file the file that holds the password of bind-dn", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: PasswordError,
    },
    /// The trust store cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What is wrong with a password file.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It holds nothing: the bind would be an unauthenticated one (RFC 4513 §5.1.2).
    #[error("the file is empty")]
    Empty,
    /// It is not UTF-8.
    #[error("the password is not UTF-8")]
    NotText,
}

impl LdapSettings {
    /// The password of `bind_dn`: the file's content without the line end after it.
    ///
    /// # Errors
    /// [`SettingsError::Password`] names the file.
    pub(super) fn password(&self) -> Result<Zeroizing<String>, SettingsError> {
        let of_file = |error| SettingsError::Password { path: self.password_file.clone(), error };
        #[expect(clippy::disallowed_methods, reason = "the shell reads the file that the configuration names")]
        let content = std::fs::read(&self.password_file).map(Zeroizing::new).map_err(|error| of_file(error.into()))?;
        let text = str::from_utf8(&content).map_err(|_| of_file(PasswordError::NotText))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() { Err(of_file(PasswordError::Empty)) } else { Ok(Zeroizing::new(text.to_owned())) }
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if self.servers.is_empty() {
            return Err(SettingsError::NoServer);
        }
        if self.bind_dn.is_empty() {
            return Err(SettingsError::NoBindDn);
        }
        self.password().map(drop)
    }
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first octet: `ldaps://`.
    Tls,
    /// TLS after the StartTLS operation (RFC 4511 §4.14): `ldap://`.
    StartTls,
    /// None: `ldap://` where `allow-plaintext` says so.
    Plaintext,
}

/// One directory server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How the connection is protected.
    pub protection: Protection,
    /// DNS name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// The URL, port included.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.protection == Protection::Tls { "ldaps" } else { "ldap" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_by_their_urls() {
        let cases = [
            (Protection::Tls, "dc1.lab.example", 636, "ldaps://dc1.lab.example:636"),
            (Protection::StartTls, "192.0.2.1", 389, "ldap://192.0.2.1:389"),
            (Protection::Plaintext, "2001:db8::1", 389, "ldap://[2001:db8::1]:389"),
        ];
        for (protection, host, port, url) in cases {
            assert_eq!(Endpoint { protection, host: host.to_owned(), port }.to_string(), url);
        }
    }

    #[test]
    fn a_password_ends_before_the_line_end_and_is_never_empty() {
        let path = std::env::temp_dir().join(format!("tgtx-password-{}", std::process::id()));
        let settings = LdapSettings {
            realm: "LAB.EXAMPLE".into(),
            servers: Vec::new(),
            bind_dn: String::new(),
            password_file: path.clone(),
            ca_file: None,
            connections: 1,
            connect_timeout: Duration::from_secs(1),
            search_timeout: Duration::from_secs(1),
        };
        for (content, password) in [("s3cret\n", Some("s3cret")), (" a b \r\n", Some(" a b ")), ("\n", None), ("", None)] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(settings.password().ok().as_ref().map(|text| text.as_str()), password, "{content:?}");
        }
        std::fs::remove_file(path).unwrap();
        let error = settings.password().unwrap_err().to_string();
        assert!(error.contains("tgtx-password") && error.contains("password-file"), "{error}");
    }
}
