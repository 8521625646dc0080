//! A ticket with what its holder must know of it.

use std::fmt;

use zeroize::Zeroizing;

use crate::krb::crypto::{EncryptionKey, EncryptionType};
use crate::krb::messages::{
    EncTicketPart, EncryptionKeyView, HostAddress, KerberosTime, PrincipalName, PrincipalNameBuf, name_type,
};

/// Who, and in which realm. Octets, because nothing forbids names that are not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// One of [`name_type`], or another number.
    pub name_type: i32,
    /// The realm.
    pub realm: Vec<u8>,
    /// The components, without separators.
    pub components: Vec<Vec<u8>>,
}

impl Principal {
    /// A user by account name: NT-PRINCIPAL, one component.
    #[must_use]
    pub fn user(realm: &str, name: &str) -> Self {
        Self::single(name_type::PRINCIPAL, realm, name)
    }

    /// A user by user principal name: NT-ENTERPRISE, one component with its `@` (RFC 6806 §5).
    #[must_use]
    pub fn enterprise(realm: &str, name: &str) -> Self {
        Self::single(name_type::ENTERPRISE, realm, name)
    }

    /// The ticket-granting service `krbtgt/realm@realm`: NT-SRV-INST.
    #[must_use]
    pub fn krbtgt(realm: &str) -> Self {
        Self {
            name_type: name_type::SRV_INST,
            realm: realm.into(),
            components: vec![b"krbtgt".to_vec(), realm.into()],
        }
    }

    fn single(name_type: i32, realm: &str, name: &str) -> Self {
        Self { name_type, realm: realm.into(), components: vec![name.into()] }
    }

    /// A copy of a name in a message.
    #[must_use]
    pub fn from_wire(realm: &[u8], name: &PrincipalName<'_>) -> Self {
        Self {
            name_type: name.name_type,
            realm: realm.to_vec(),
            components: name.components().map(<[u8]>::to_vec).collect(),
        }
    }

    /// The name, without its realm, for a message.
    #[must_use]
    pub fn to_wire(&self) -> PrincipalNameBuf {
        let components: Vec<&[u8]> = self.components.iter().map(Vec::as_slice).collect();
        PrincipalNameBuf::new(self.name_type, &components)
    }

    /// The name without its realm, as text: `/` between the components.
    #[must_use]
    pub fn name(&self) -> String {
        let components: Vec<_> = self.components.iter().map(|part| text(part)).collect();
        components.join("/")
    }
}

/// `component/component@REALM`, with anything unprintable escaped.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name(), text(&self.realm))
    }
}

/// Octets of a name as a person may be shown them: UTF-8 where it is, control characters escaped.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets)
        .chars()
        .flat_map(|c| {
            let escape = c.is_control();
            escape.then(|| c.escape_default()).into_iter().flatten().chain((!escape).then_some(c))
        })
        .collect()
}

/// A session key as a message or a file has it: of any type and length. Wiped when dropped; `Debug` shows its
/// type only.
pub struct SessionKey {
    /// Encryption type (RFC 3961 registry).
    pub etype: i32,
    /// The key.
    pub octets: Zeroizing<Vec<u8>>,
}

impl SessionKey {
    /// An aes256-cts-hmac-sha1-96 key.
    #[must_use]
    pub fn aes256(octets: &[u8; 32]) -> Self {
        Self::of(EncryptionType::Aes256Sha1.as_i32(), octets)
    }

    /// An aes128-cts-hmac-sha1-96 key.
    #[must_use]
    pub fn aes128(octets: &[u8; 16]) -> Self {
        Self::of(EncryptionType::Aes128Sha1.as_i32(), octets)
    }

    /// Any type and octets.
    #[must_use]
    pub fn of(etype: i32, octets: &[u8]) -> Self {
        Self { etype, octets: Zeroizing::new(octets.to_vec()) }
    }

    /// A copy of a key in a message.
    #[must_use]
    pub fn from_wire(key: &EncryptionKeyView<'_>) -> Self {
        Self::of(key.etype, key.value)
    }

    /// The key, borrowed for a message.
    #[must_use]
    pub fn to_wire(&self) -> EncryptionKeyView<'_> {
        EncryptionKeyView { etype: self.etype, value: &self.octets }
    }

    /// The key as the encryption layer takes it.
    ///
    /// # Errors
    /// [`KeyUnusable`] for a type that we do not have, or another length than it asks for.
    pub fn encryption_key(&self) -> Result<EncryptionKey, KeyUnusable> {
        EncryptionType::from_i32(self.etype)
            .and_then(|etype| EncryptionKey::from_bytes(etype, &self.octets).ok())
            .ok_or(KeyUnusable { etype: self.etype, length: self.octets.len() })
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey(etype {}, redacted)", self.etype)
    }
}

/// A key that this implementation cannot encrypt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session key of encryption type {etype} and {length} octets cannot be used here")]
pub struct KeyUnusable {
    /// Its encryption type.
    pub etype: i32,
    /// Its length in octets.
    pub length: usize,
}

/// The times of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When the client authenticated.
    pub authtime: KerberosTime,
    /// Valid from; absent means `authtime`.
    pub starttime: Option<KerberosTime>,
    /// Valid until.
    pub endtime: KerberosTime,
    /// Renewable until.
    pub renew_till: Option<KerberosTime>,
}

impl From<&EncTicketPart<'_>> for Times {
    fn from(part: &EncTicketPart<'_>) -> Self {
        Self {
            authtime: part.authtime,
            starttime: part.starttime,
            endtime: part.endtime,
            renew_till: part.renew_till,
        }
    }
}

/// An address a ticket is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// 2 IPv4, 24 IPv6, 20 NetBIOS (RFC 4120 §7.5.3).
    pub addr_type: i32,
    /// The address.
    pub octets: Vec<u8>,
}

impl Address {
    pub(crate) fn to_wire(&self) -> HostAddress<'_> {
        HostAddress { addr_type: self.addr_type, address: &self.octets }
    }

    pub(crate) fn from_wire(address: &HostAddress<'_>) -> Self {
        Self { addr_type: address.addr_type, octets: address.address.to_vec() }
    }
}

/// A ticket, its session key, and what the reply that brought them said about them.
#[derive(Debug)]
pub struct Credential {
    /// Whose it is.
    pub client: Principal,
    /// What it is for.
    pub server: Principal,
    /// The session key.
    pub key: SessionKey,
    /// Its times.
    pub times: Times,
    /// Bits of [`ticket_flags`](crate::krb::messages::ticket_flags).
    pub flags: u32,
    /// Where it may be used from; empty means anywhere.
    pub addresses: Vec<Address>,
    /// The encoded [`Ticket`](crate::krb::messages::Ticket).
    pub ticket: Vec<u8>,
}
