//! The configuration: parsed once, then trusted.
//!
//! The texts of a file and of its drop-ins ([`Sources`]) become a `ConfigFile` (what may be written), and that becomes a
//! [`Config`] (what the daemon may rely on): addresses and URLs are parsed, credentials are resolved to paths, realms are
//! distinct, whatever a domain needs is there. Nothing is checked again afterwards. The keys and their defaults are those of
//! `conf/reference.toml`, which a test compares with the types here. A key whose feature is not built is unknown.
//!
//! Reading the files, and the files they name, is the shell's work: nothing here touches the disk.

mod audit;
mod control;
mod discovery;
mod effective;
mod error;
mod file;
mod host_port;
mod ldap;
mod relay;
mod sources;
pub(crate) mod units;
mod url;
mod values;

use std::iter;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use audit::{Audit, AuditSink, OnLoss};
pub use control::Control;
pub(crate) use effective::REFERENCE;
pub use effective::{Effective, Section, Setting};
pub use error::ConfigError;
pub use file::{
    Cache, Discovery, Limits, Listen, Log, LogFormat, LogLevel, PolicyRules, Relay, Replay, Tickets,
};
pub use host_port::HostPort;
pub(crate) use host_port::socket_address;
pub use ldap::{Bind, Ldap};
pub use sources::{Origin, Sources};
pub use url::{LdapSecurity, LdapUrl};
pub use values::ClockSkew;

use crate::exchange::Mode;
use crate::krb::crypto::EncryptionType;
use file::{ConfigFile, DomainFile, KeyListFile};
use values::{DirectoryText, FilePath, KeyType};

/// A whole configuration, free of contradictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it was read from, and is read from again.
    pub file: PathBuf,
    /// The drop-ins that were read after it.
    pub drop_ins: Vec<PathBuf>,
    /// Sockets, their limits and time-outs.
    pub listen: Listen,
    /// How much one host, or all together, may take.
    pub limits: Limits,
    /// Bounds of the replay and retransmit memory.
    pub replay: Replay,
    /// Where audit events go, and what follows when they cannot be written.
    pub audit: Audit,
    /// The operational log.
    pub log: Log,
    /// The control socket.
    pub control: Control,
    /// The domains served: at least one, no realm twice.
    pub domains: Vec<Domain>,
}

/// One `[[domain]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The Kerberos realm, the domain's DNS name in upper case.
    pub realm: String,
    /// Where its keys are; at least one.
    pub keytabs: Vec<SecretFile>,
    /// Where its principals are.
    pub directory: Directory,
    /// What becomes of the decisions about its clients.
    pub mode: Mode,
    /// Whether an authenticator without a checksum over the request body is refused.
    pub require_body_checksum: bool,
    /// LogonServer of the PAC, where it is not to be the directory server's name.
    pub logon_server: Option<String>,
    /// How long what was read from the directory is believed.
    pub cache: Cache,
    /// Lifetimes and checks of tickets.
    pub tickets: Tickets,
    /// Who is refused on top of the directory's two lists.
    pub policy: PolicyRules,
    /// What a key list is answered from; `None` where it is not.
    pub key_list: Option<KeyList>,
    /// Who answers what is no exchange.
    pub relay: Relay,
    /// How pings about it are answered; `None` where nobody listens for any.
    pub discovery: Option<Discovery>,
}

impl Domain {
    /// How its directory servers are reached; `None` where the directory is a file.
    #[must_use]
    pub fn ldap(&self) -> Option<&Ldap> {
        match &self.directory {
            Directory::Ldap(ldap) => Some(ldap),
            Directory::Ldif(_) => None,
        }
    }
}

/// `[domain.key-list]`, switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyList {
    /// Keytabs of user keys; at least one.
    pub keytabs: Vec<SecretFile>,
    /// The types that are released; at least one.
    pub etypes: Vec<EncryptionType>,
}

/// Where a domain's principals come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// The domain's directory servers.
    Ldap(Ldap),
    /// A file with the directory's objects in LDIF, for tests and labs.
    Ldif(PathBuf),
}

/// A file that holds a secret; only ever named by path, its content appears in no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretFile {
    /// A path; the file's owner and permissions are checked before it is read.
    Path(PathBuf),
    /// A credential that systemd placed in `$CREDENTIALS_DIRECTORY`, with the permissions systemd chose.
    Credential(PathBuf),
}

impl SecretFile {
    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Credential(path) => path,
        }
    }
}

/// What a configuration text refers to besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The file's name, for messages.
    pub file: &'a Path,
    /// `$CREDENTIALS_DIRECTORY`, against which `credential:NAME` is resolved.
    pub credentials_directory: Option<&'a Path>,
}

impl Config {
    /// Reads a configuration of one file from its text. The files it names are not looked at.
    ///
    /// # Errors
    /// One line that names file, key or object and the mend.
    pub fn parse(text: &str, surroundings: Surroundings<'_>) -> Result<Self, ConfigError> {
        Self::read(&Sources::from((surroundings.file, text)), surroundings)
    }

    /// Reads a configuration from the texts of its files. The files it names are not looked at.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn read(sources: &Sources, surroundings: Surroundings<'_>) -> Result<Self, ConfigError> {
        Self::of(sources.read()?, sources, surroundings)
    }

    /// Reads a configuration anew for a daemon that was started under this one. It must be whole by itself, because the
    /// next start will read it, and it must fit what only a start can change; that is here as it was. Beside it, the
    /// sections that say something else of it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn read_again(
        &self,
        sources: &Sources,
        surroundings: Surroundings<'_>,
    ) -> Result<(Self, Vec<&'static str>), ConfigError> {
        let whole = Self::read(sources, surroundings)?;
        let sections = [
            ("[listen]", whole.listen == self.listen),
            ("[limits]", whole.limits == self.limits),
            ("[replay]", whole.replay == self.replay),
            ("[audit]", whole.audit == self.audit),
            ("[log]", whole.log == self.log),
            ("[control]", whole.control == self.control),
        ];
        let differing = sections.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect();
        let file = ConfigFile {
            listen: self.listen.clone(),
            limits: self.limits.clone(),
            replay: self.replay.clone(),
            audit: self.audit.clone(),
            log: self.log.clone(),
            control: self.control.clone(),
            domain: sources.read()?.domain,
        };
        Ok((Self::of(file, sources, surroundings)?, differing))
    }

    /// The files it was read from, in the order in which they were.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        iter::once(&self.file).chain(&self.drop_ins).map(PathBuf::as_path)
    }

    fn of(file: ConfigFile, sources: &Sources, surroundings: Surroundings<'_>) -> Result<Self, ConfigError> {
        let drop_ins: Vec<PathBuf> = sources.drop_ins().map(Path::to_owned).collect();
        match Self::try_from((file, surroundings)) {
            Err(fault) if !drop_ins.is_empty() => Err(fault.with_drop_ins()),
            config => Ok(Self { drop_ins, ..config? }),
        }
    }
}

impl TryFrom<(ConfigFile, Surroundings<'_>)> for Config {
    type Error = ConfigError;

    fn try_from((file, surroundings): (ConfigFile, Surroundings<'_>)) -> Result<Self, ConfigError> {
        let fault = |problem: String, mend: &str| ConfigError::of_object(surroundings.file, problem, mend);
        if file.listen.kerberos.is_empty() {
            return Err(fault(
                "[listen] kerberos is empty".to_owned(),
                "name an address such as \"0.0.0.0:88\", or leave the key out",
            ));
        }
        if file.domain.is_empty() {
            return Err(fault(
                "no domain is configured".to_owned(),
                "add a [[domain]] with realm and keytabs",
            ));
        }
        let mut domains = Vec::with_capacity(file.domain.len());
        for domain in file.domain {
            let mut domain = Domain::try_from((domain, surroundings))?;
            if file.listen.cldap.is_empty() {
                domain.discovery = None;
            }
            domains.push(domain);
        }
        let contradiction = relay::contradiction(&file.listen, &domains)
            .or_else(|| discovery::contradiction(&file.listen, &domains))
            .or_else(|| ldap::contradiction(domains.iter().filter_map(Domain::ldap)));
        if let Some((problem, mend)) = contradiction {
            return Err(fault(problem, mend));
        }
        Ok(Self {
            file: surroundings.file.to_owned(),
            drop_ins: Vec::new(),
            listen: file.listen,
            limits: file.limits,
            replay: file.replay,
            audit: file.audit,
            log: file.log,
            control: file.control,
            domains,
        })
    }
}

impl TryFrom<(DomainFile, Surroundings<'_>)> for Domain {
    type Error = ConfigError;

    fn try_from((file, surroundings): (DomainFile, Surroundings<'_>)) -> Result<Self, ConfigError> {
        let realm = file.realm.0;
        let fault = |problem: &str, mend: &str| {
            ConfigError::of_object(surroundings.file, format!("domain {realm}: {problem}"), mend)
        };
        if file.keytabs.is_empty() {
            return Err(fault("keytabs is empty", "name the keytab that holds the realm's krbtgt key"));
        }
        let keytabs = resolve_files(file.keytabs, surroundings, &fault)?;
        let directory = match (file.directory, file.ldap) {
            (DirectoryText::Ldap, Some(ldap)) => Directory::Ldap(ldap.resolve(surroundings, &fault)?),
            (DirectoryText::Ldap, None) => {
                return Err(fault(
                    "directory is \"ldap\" and [domain.ldap] is missing",
                    "add urls, bind-dn and password-file",
                ));
            }
            (DirectoryText::Ldif(path), None) => Directory::Ldif(path),
            (DirectoryText::Ldif(_), Some(_)) => {
                return Err(fault(
                    "directory is an LDIF file and there is a [domain.ldap]",
                    "leave out one of them",
                ));
            }
        };
        if !file.cache.max_stale.is_zero() && file.cache.poll >= file.cache.max_stale {
            return Err(fault(
                "[domain.cache] poll is not shorter than max-stale, so the lists would always be stale in between",
                "make poll a fraction of max-stale",
            ));
        }
        let key_list = resolve_key_list(file.key_list, surroundings, &fault)?;
        Ok(Self {
            keytabs,
            directory,
            mode: file.mode,
            require_body_checksum: file.require_body_checksum,
            logon_server: file.logon_server.map(|name| name.0),
            cache: file.cache,
            tickets: file.tickets,
            policy: file.policy,
            key_list,
            relay: file.relay,
            discovery: Some(file.discovery),
            realm,
        })
    }
}

const CREDENTIAL_MEND: &str = "run under the systemd unit with LoadCredential=, or name a path";

fn resolve_files(
    files: Vec<FilePath>,
    surroundings: Surroundings<'_>,
    fault: &dyn Fn(&str, &str) -> ConfigError,
) -> Result<Vec<SecretFile>, ConfigError> {
    let resolve =
        |path: FilePath| path.resolve(surroundings).map_err(|problem| fault(&problem, CREDENTIAL_MEND));
    files.into_iter().map(resolve).collect()
}

fn resolve_key_list(
    file: KeyListFile,
    surroundings: Surroundings<'_>,
    fault: &dyn Fn(&str, &str) -> ConfigError,
) -> Result<Option<KeyList>, ConfigError> {
    if !file.enabled {
        return Ok(None);
    }
    if file.keytabs.is_empty() {
        return Err(fault(
            "[domain.key-list] is enabled and its keytabs is empty",
            "name a keytab with keys of users, or leave out enabled",
        ));
    }
    if file.etypes.is_empty() {
        return Err(fault("[domain.key-list] etypes is empty", "write [23], or leave the key out"));
    }
    let etypes = file.etypes.into_iter().map(|KeyType(etype)| etype).collect();
    Ok(Some(KeyList { keytabs: resolve_files(file.keytabs, surroundings, fault)?, etypes }))
}

/// The addresses Kerberos is served on where the file names none: every interface, IPv4 and IPv6.
fn default_kerberos_addresses() -> Vec<SocketAddr> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    vec![(Ipv4Addr::UNSPECIFIED, 88).into(), (Ipv6Addr::UNSPECIFIED, 88).into()]
}

#[cfg(test)]
mod tests;
