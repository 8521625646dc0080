//! Faults that stand in files: they end the start with one line and [`EXIT_STATUS`], before any socket is opened.

use std::path::PathBuf;

use crate::config::ConfigError;
use crate::krb::keys::KeysError;
use crate::krb::keytab::KeytabError;
use crate::shell::directory::ReadError;
use crate::shell::directory::tls::TlsError;
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
    /// The LDIF file does not describe a domain.
    #[error(transparent)]
    Ldif(#[from] ReadError),
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
