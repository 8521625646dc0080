//! Everything that a domain's configuration names, read up front: a fault in it ends the start before any socket is opened.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::static_faults::StaticFault;
use super::user_keys::UserKeytabs;
use crate::config::{Bind, Directory, Domain, Ldap};
use crate::krb::keys::{DomainKeys, Rc4};
use crate::krb::keytab::Keytab;
use crate::shell::files::{self, FileError};

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
        /// What we show of ourselves, where that is how we bind.
        identity: Option<IdentityFiles>,
    },
    /// The directory itself.
    Ldif {
        /// The file; `None` where the text is part of the program.
        path: Option<PathBuf>,
        /// Its text.
        text: Vec<u8>,
    },
}

/// A client certificate and its key, both PEM.
pub struct IdentityFiles {
    /// The certificate, and those behind it.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Zeroizing<Vec<u8>>,
}

impl DirectoryFiles {
    /// Reads all of them.
    ///
    /// # Errors
    /// The first file that is missing, empty or open to others.
    pub fn read(directory: &Directory) -> Result<Self, StaticFault> {
        match directory {
            Directory::Ldap(ldap) => {
                let identity = read_identity(&ldap.bind)?;
                let authorities = ldap.ca_file.as_deref().map(files::read_public).transpose()?;
                Ok(Self::Ldap { settings: ldap.clone(), authorities, identity })
            }
            Directory::Ldif(path) => {
                Ok(Self::Ldif { path: Some(path.clone()), text: files::read_public(path)? })
            }
        }
    }
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
        let directory = DirectoryFiles::read(&domain.directory)?;
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

/// What is to be known of us before anybody is connected to. Passwords and keytabs are read anew for each connection; here
/// only to say at once what is wrong with them.
fn read_identity(bind: &Bind) -> Result<Option<IdentityFiles>, StaticFault> {
    match bind {
        Bind::Simple { password, .. } => {
            files::read_password(password)?;
            Ok(None)
        }
        Bind::External { certificate, key } => Ok(Some(IdentityFiles {
            certificate: files::read_public(certificate)?,
            key: files::read_secret(key)?,
        })),
        Bind::Gssapi { keytab, principal } => {
            let path = || keytab.path().to_owned();
            let read = Keytab::parse(&files::read_secret(keytab)?)
                .map_err(|fault| StaticFault::Keytab { path: path(), fault })?;
            if read.entries().iter().any(|entry| entry.principal() == *principal) {
                Ok(None)
            } else {
                Err(StaticFault::NoPrincipal { path: path(), principal: principal.clone() })
            }
        }
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
