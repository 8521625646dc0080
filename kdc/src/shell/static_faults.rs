//! Faults that stand in files: they end the start with one line and [`EXIT_STATUS`], before any socket is opened.
//!
//! So everything a configuration names is read up front, into one [`DomainFiles`] per domain.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::files::{self, FileError};
use crate::config::{ConfigError, Directory, Domain};

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
}

/// The content of the files that one domain names.
pub struct DomainFiles {
    /// Each keytab with the path it is to be called by.
    pub keytabs: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
    /// What the directory needs.
    pub directory: DirectoryFiles,
}

/// The content of the files behind a domain's directory.
pub enum DirectoryFiles {
    /// Of the directory servers.
    Ldap {
        /// For the simple bind.
        password: Zeroizing<String>,
        /// PEM certificates to trust; the system's store where there are none.
        authorities: Option<Vec<u8>>,
    },
    /// The directory itself.
    Ldif(Vec<u8>),
}

impl DomainFiles {
    /// Reads all of them.
    ///
    /// # Errors
    /// The first file that is missing, empty or open to others.
    pub fn read(domain: &Domain) -> Result<Self, FileError> {
        let keytabs = domain
            .keytabs
            .iter()
            .map(|file| Ok((file.path().to_owned(), files::read_secret(file)?)))
            .collect::<Result<Vec<_>, FileError>>()?;
        let directory = match &domain.directory {
            Directory::Ldap(ldap) => DirectoryFiles::Ldap {
                password: files::read_password(&ldap.password)?,
                authorities: ldap
                    .ca_file
                    .as_deref()
                    .map(files::read_public)
                    .transpose()?,
            },
            Directory::Ldif(path) => DirectoryFiles::Ldif(files::read_public(path)?),
        };
        Ok(Self { keytabs, directory })
    }
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
        let surroundings = Surroundings {
            file: Path::new("tgtx.toml"),
            credentials_directory: None,
        };
        Config::parse(&text, surroundings)
            .unwrap()
            .domains
            .remove(0)
    }

    #[test]
    fn each_file_a_domain_names_is_read_or_named_as_the_fault() {
        let folder = std::env::temp_dir().join(format!("tgtx-domain-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let domain = domain(&folder);
        for name in ["keytab", "password", "ca.pem"] {
            let fault = DomainFiles::read(&domain)
                .err()
                .map(|fault| StaticFault::from(fault).to_string());
            let expected = format!(
                "{}/{name}: does not exist; create it or correct the path",
                folder.display()
            );
            assert_eq!(fault, Some(expected));
            fs::write(folder.join(name), name).unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
        }
        let files = DomainFiles::read(&domain).unwrap();
        assert_eq!(&**files.keytabs[0].1, b"keytab");
        let DirectoryFiles::Ldap {
            password,
            authorities,
        } = files.directory
        else {
            panic!("not LDAP")
        };
        assert_eq!(
            (password.as_str(), authorities.as_deref()),
            ("password", Some(b"ca.pem".as_slice()))
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
