//! Faults that stand in files: they end the start with one line and [`EXIT_STATUS`], before any socket is opened.
//!
//! So everything a configuration names is read up front, into one [`DomainFiles`] per domain.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::directory::ReadError;
use super::directory::tls::TlsError;
use super::files::{self, FileError};
use super::user_keys::UserKeytabs;
use crate::config::{ConfigError, Directory, Domain, Ldap};
use crate::krb::keys::{DomainKeys, KeysError, Rc4};
use crate::krb::keytab::{Keytab, KeytabError};

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

/// The content of the files that one domain names.
pub struct DomainFiles {
    /// Each keytab with the path it is to be called by.
    pub keytabs: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
    /// The users' keys, where a key list is answered.
    pub user_keys: Option<UserKeytabs>,
    /// What the directory needs.
    pub directory: DirectoryFiles,
}

/// The content of the files behind a domain's directory.
pub enum DirectoryFiles {
    /// Of the directory servers.
    Ldap {
        /// How they are reached.
        settings: Ldap,
        /// PEM certificates to trust; the system's store where there are none.
        authorities: Option<Vec<u8>>,
    },
    /// The directory itself.
    Ldif {
        /// The file; `None` where the text is part of the program.
        path: Option<PathBuf>,
        /// Its text.
        text: Vec<u8>,
    },
}

impl DomainFiles {
    /// Reads all of them.
    ///
    /// # Errors
    /// The first file that is missing, empty or open to others, or keytabs of user keys that hold none.
    pub fn read(domain: &Domain) -> Result<Self, StaticFault> {
        let keytabs = domain
            .keytabs
            .iter()
            .map(|file| Ok((file.path().to_owned(), files::read_secret(file)?)))
            .collect::<Result<Vec<_>, FileError>>()?;
        let directory = match &domain.directory {
            Directory::Ldap(ldap) => {
                // Read anew for each connection; here only to say at once what is wrong with it.
                files::read_password(&ldap.password)?;
                let authorities = ldap.ca_file.as_deref().map(files::read_public).transpose()?;
                DirectoryFiles::Ldap { settings: ldap.clone(), authorities }
            }
            Directory::Ldif(path) => {
                DirectoryFiles::Ldif { path: Some(path.clone()), text: files::read_public(path)? }
            }
        };
        let key_list = domain.key_list.as_ref();
        let user_keys = key_list.map(|settings| UserKeytabs::read(&domain.realm, settings)).transpose()?;
        Ok(Self { keytabs, user_keys, directory })
    }

    /// The keys in the keytabs, by role.
    ///
    /// # Errors
    /// A file that is no keytab, or the lack of a key that the domain needs.
    pub fn keys(&self, realm: &str, rc4: Rc4) -> Result<DomainKeys, StaticFault> {
        let parsed = self
            .keytabs
            .iter()
            .map(|(path, octets)| match Keytab::parse(octets) {
                Ok(keytab) => Ok((path.display().to_string(), keytab)),
                Err(fault) => Err(StaticFault::Keytab { path: path.clone(), fault }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(DomainKeys::from_keytabs(realm, &parsed, rc4)?)
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Surroundings};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    /// A domain whose files lie in `folder`: a keytab and a password with the given modes, a CA where wanted.
    fn domain(folder: &Path) -> Domain {
        let text = format!(
            "[[domain]]\nrealm = \"X\"\nkeytabs = [\"{0}/keytab\"]\n[domain.ldap]\nurls = [\"ldaps://x\"]\n\
             bind-dn = \"CN=x\"\npassword-file = \"{0}/password\"\nca-file = \"{0}/ca.pem\"\n",
            folder.display()
        );
        let surroundings = Surroundings { file: Path::new("tgtx.toml"), credentials_directory: None };
        Config::parse(&text, surroundings).unwrap().domains.remove(0)
    }

    #[test]
    fn each_file_a_domain_names_is_read_or_named_as_the_fault() {
        let folder = std::env::temp_dir().join(format!("tgtx-domain-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let domain = domain(&folder);
        for name in ["keytab", "password", "ca.pem"] {
            let fault = DomainFiles::read(&domain).err().map(|fault| fault.to_string());
            let expected =
                format!("{}/{name}: does not exist; create it or correct the path", folder.display());
            assert_eq!(fault, Some(expected));
            fs::write(folder.join(name), name).unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
        }
        let files = DomainFiles::read(&domain).unwrap();
        assert_eq!(&**files.keytabs[0].1, b"keytab");
        let DirectoryFiles::Ldap { authorities, .. } = files.directory else { panic!("not LDAP") };
        assert_eq!(authorities.as_deref(), Some(b"ca.pem".as_slice()));
        fs::remove_dir_all(folder).unwrap();
    }
}
