//! Values of the configuration file, each checked by its own type while it is read. The message of a refused one
//! is what is wrong, a semicolon, and the mend.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::host_port::HostPort;
use super::url::LdapUrlText;
use super::{SecretFile, Surroundings, units};
use crate::directory::{DenyGroup, Subnet};
use crate::discovery::DsFlags;
use crate::discovery::names::LONGEST_LABEL;
use crate::krb::crypto::EncryptionType;

/// A realm: the DNS name of an Active Directory domain in upper case.
#[derive(Debug)]
pub(super) struct Realm(pub(super) String);

impl<'de> Deserialize<'de> for Realm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_label = |label: &str| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || "-_".contains(character))
        };
        if !text.split('.').all(is_label) {
            return Err(D::Error::custom(
                "not a realm; write the domain's DNS name in upper case, such as \"LAB.EXAMPLE\"",
            ));
        }
        if text.chars().any(|character| character.is_ascii_lowercase()) {
            let upper = text.to_ascii_uppercase();
            return Err(D::Error::custom(format!("a realm is in upper case; write \"{upper}\"")));
        }
        Ok(Self(text))
    }
}

/// LogonServer of the PAC: a NetBIOS computer name.
#[derive(Debug)]
pub(super) struct NetbiosName(pub(super) String);

impl<'de> Deserialize<'de> for NetbiosName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_name = |character: char| character.is_alphanumeric() || "-_".contains(character);
        if text.is_empty() || text.chars().count() > 15 || !text.chars().all(is_name) {
            return Err(D::Error::custom(
                "not a NetBIOS name; write 1 to 15 letters, digits or hyphens, such as \"DC1\"",
            ));
        }
        Ok(Self(text))
    }
}

/// The account of a simple bind. An empty one would be an anonymous bind (RFC 4513 §5.1.1).
#[derive(Debug)]
pub(super) struct BindDn(pub(super) String);

impl<'de> Deserialize<'de> for BindDn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(D::Error::custom(
                "an empty name binds anonymously; write the account's distinguished name",
            ));
        }
        Ok(Self(text))
    }
}

/// A Kerberos principal with its realm, as a keytab has it.
#[derive(Debug)]
pub(super) struct PrincipalName(pub(super) String);

impl<'de> Deserialize<'de> for PrincipalName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_whole = |(name, realm): (&str, &str)| !(name.is_empty() || realm.is_empty());
        if !text.split_once('@').is_some_and(is_whole) || text.chars().any(char::is_control) {
            return Err(D::Error::custom("not a principal; write NAME@REALM, such as \"tgtx@LAB.EXAMPLE\""));
        }
        Ok(Self(text))
    }
}

/// `"ldap"` or `"ldif:PATH"`.
#[derive(Debug, Default)]
pub(super) enum DirectoryText {
    #[default]
    Ldap,
    Ldif(PathBuf),
}

impl<'de> Deserialize<'de> for DirectoryText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("ldif:")) {
            ("ldap", _) => Ok(Self::Ldap),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Ldif(PathBuf::from(path))),
            _ => Err(D::Error::custom("not a directory; write \"ldap\" or \"ldif:/path/to/file.ldif\"")),
        }
    }
}

/// The number of an encryption type that users have keys of.
#[derive(Debug)]
pub(super) struct KeyType(pub(super) EncryptionType);

impl<'de> Deserialize<'de> for KeyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i32::deserialize(deserializer)?;
        EncryptionType::from_i32(number)
            .map(Self)
            .ok_or_else(|| D::Error::custom("no type of a user's key; write 23, 18, 17, 20 or 19"))
    }
}

/// A path, or `credential:NAME`.
#[derive(Debug)]
pub(super) enum FilePath {
    Path(PathBuf),
    Credential(String),
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.contains('\0') {
            return Err(D::Error::custom("not a path; write the path of a file, or \"credential:NAME\""));
        }
        match text.strip_prefix("credential:") {
            None => Ok(Self::Path(PathBuf::from(text))),
            // The same characters systemd allows, so that a name cannot lead out of the directory.
            Some(name) if !matches!(name, "" | "." | "..") && !name.contains('/') => {
                Ok(Self::Credential(name.to_owned()))
            }
            Some(_) => {
                Err(D::Error::custom("not a credential's name; write the name that LoadCredential= gives it"))
            }
        }
    }
}

impl FilePath {
    /// The file's place, or what is missing to know it.
    pub(super) fn resolve(self, surroundings: Surroundings<'_>) -> Result<SecretFile, String> {
        match (self, surroundings.credentials_directory) {
            (Self::Path(path), _) => Ok(SecretFile::Path(path)),
            (Self::Credential(name), Some(directory)) => Ok(SecretFile::Credential(directory.join(name))),
            (Self::Credential(name), None) => {
                Err(format!("credential:{name} cannot be found, $CREDENTIALS_DIRECTORY is not set"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for LdapUrlText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// KDCs to relay to; 88 where no port is written.
pub(super) fn kdcs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HostPort>, D::Error> {
    servers(deserializer, 88)
}

/// Servers to relay password changes to; 464 where no port is written (RFC 3244 §2).
pub(super) fn kpasswd_servers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HostPort>, D::Error> {
    servers(deserializer, 464)
}

fn servers<'de, D: Deserializer<'de>>(deserializer: D, port: u16) -> Result<Vec<HostPort>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let server = |text: &String| {
        HostPort::parse(text, port).map_err(|fault| {
            D::Error::custom(format!("\"{text}\" {fault}; write HOST, HOST:PORT or [IPv6]:PORT"))
        })
    };
    texts.iter().map(server).collect()
}

/// How far two clocks may be apart: more than nothing, at most an hour, whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew(Duration);

impl Default for ClockSkew {
    /// Five minutes (RFC 4120 §8.2).
    fn default() -> Self {
        Self(Duration::from_secs(5 * 60))
    }
}

impl ClockSkew {
    /// As a duration of whole seconds.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl<'de> Deserialize<'de> for ClockSkew {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let skew = duration(deserializer)?;
        if skew.is_zero() || skew > Duration::from_secs(60 * 60) || skew.subsec_nanos() != 0 {
            return Err(D::Error::custom("out of range; write whole seconds from \"1s\" to \"1h\""));
        }
        Ok(Self(skew))
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    units::duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn positive_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = duration(deserializer)?;
    if duration.is_zero() {
        return Err(D::Error::custom("zero is too short; write a longer time"));
    }
    Ok(duration)
}

pub(super) fn some_positive_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    positive_duration(deserializer).map(Some)
}

/// Names, distinguished names or SIDs, told apart by their form.
pub(super) fn deny_groups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DenyGroup>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| text.parse().map_err(|error| D::Error::custom(format!("\"{text}\" is {error}"))))
        .collect()
}

/// A host's name without its domain, in upper case as short names are: one label of DNS.
pub(super) fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_label = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if text.is_empty() || text.len() > LONGEST_LABEL || !text.chars().all(is_label) {
        return Err(D::Error::custom("not a host's name; write it without its domain, such as \"KDC1\""));
    }
    Ok(Some(text.to_ascii_uppercase()))
}

/// The name of a site ([MS-ADTS] 6.1.1.2.2.1): one label of DNS.
pub(super) fn site<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || text.len() > LONGEST_LABEL || text.contains(['.', ',', '=', '/']) {
        return Err(D::Error::custom("not a site; write its name, such as \"Default-First-Site-Name\""));
    }
    Ok(Some(text))
}

pub(super) fn subnets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Subnet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let subnet =
        |text: &String| text.parse().map_err(|error| D::Error::custom(format!("\"{text}\" is {error}")));
    texts.iter().map(subnet).collect()
}

/// Flags by their names. What the locator sets and what the client's address decides cannot be claimed.
pub(super) fn ds_flags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DsFlags, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let not_ours = DsFlags::OF_LOCATOR.with(DsFlags::CLOSEST);
    names.iter().try_fold(DsFlags::default(), |flags, name| match DsFlags::named(name) {
        Some(flag) if not_ours.contains(flag) => {
            Err(D::Error::custom(format!("\"{name}\" is not for servers to choose; leave it out")))
        }
        Some(flag) => Ok(flags.with(flag)),
        None => Err(D::Error::custom(format!(
            "\"{name}\" is no flag; write names of [MS-ADTS] 6.3.1.2 such as \"WRITABLE\", \"DS\", \"LDAP\""
        ))),
    })
}

pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    units::size(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Sizes of TCP frames: below 1 KiB no client could ask anything, and RFC 4120 §7.2.2 has no use for more than
/// a request can hold.
pub(super) fn tcp_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let size = size(deserializer)?;
    if !(1 << 10..=16 << 20).contains(&size) {
        return Err(D::Error::custom("out of range; write \"1KiB\" to \"16MiB\""));
    }
    Ok(size)
}

/// Sizes of UDP payloads: an error message fits into the smallest, IP allows no more than the largest.
pub(super) fn udp_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let size = u32::deserialize(deserializer)?;
    usize::try_from(size)
        .ok()
        .filter(|size| (512..=65_507).contains(size))
        .ok_or_else(|| D::Error::custom("out of range; write 512 to 65507 octets"))
}

pub(super) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroUsize>, D::Error> {
    let limit = NonZeroU32::new(u32::deserialize(deserializer)?);
    Ok(limit.and_then(|limit| NonZeroUsize::try_from(limit).ok()))
}
