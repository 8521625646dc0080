//! Faults that stand in files: they end the start with one line and [`EXIT_STATUS`], before any socket is opened.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::krb::keys::KeysError;
use crate::krb::keytab::KeytabError;
use crate::shell::directory::ReadError;
use crate::shell::directory::tls::{IdentityError, TlsError};
use crate::shell::files::FileError;

/// EX_CONFIG of `sysexits.h`.
pub const EXIT_STATUS: u8 = 78;

/// A fault that no waiting mends. `Display` is one line that names file, key or object, and the mend.
#[derive(Debug, thiserror::Error)]
pub enum StaticFault {
    /// In the configuration itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// In a file it names.
    #[error(transparent)]
    File(#[from] FileError),
    /// A keytab is not one.
    #[error("{}: {fault}; export it anew", path.display())]
    Keytab {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: KeytabError,
    },
    /// The keytabs of a domain do not hold what it needs.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The keytabs of user keys hold none to release.
    #[error(
        "{}: no key of a user of {realm} that is of a type in [domain.key-list] etypes; export them as user@{realm}, or \
         leave the key list off",
        list(paths)
    )]
    NoUserKeys {
        /// The domain's realm.
        realm: String,
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// The trusted certificates cannot be used.
    #[error("{}{}{fault}", path.display(), if path.as_os_str().is_empty() { "" } else { ": " })]
    Authorities {
        /// The `ca-file`; empty where there is none.
        path: PathBuf,
        /// What is wrong with it.
        fault: TlsError,
    },
    /// The client certificate or its key cannot be used.
    #[error("{}: {fault}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: IdentityError,
    },
    /// The keytab to get tickets with has no key of the principal.
    #[error("{}: no key of {principal}; export the account's keytab anew, or correct principal", path.display())]
    NoPrincipal {
        /// The file.
        path: PathBuf,
        /// Whose key is sought.
        principal: String,
    },
    /// The file for audit events cannot be opened.
    #[error("{}: cannot be opened for audit events: {error}; let the daemon's user append to it", path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// The LDIF file does not describe a domain.
    #[error(transparent)]
    Ldif(#[from] ReadError),
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
