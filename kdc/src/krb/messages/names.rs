//! Names and addresses.

use crate::krb::der::{Der, DerError, Reader, SequenceOf, Writer};
use std::fmt;

/// Name types, RFC 4120 §6.2 and RFC 6806 §5.
pub mod name_type {
    /// NT-PRINCIPAL: a user.
    pub const PRINCIPAL: i32 = 1;
    /// NT-SRV-INST: a service with an instance, such as `krbtgt/REALM`.
    pub const SRV_INST: i32 = 2;
    /// NT-ENTERPRISE: a user principal name in one component.
    pub const ENTERPRISE: i32 = 10;
    /// NT-WELLKNOWN (RFC 6111): a name with a meaning of its own.
    pub const WELLKNOWN: i32 = 11;
}

/// The client whose name is not told (RFC 8062 §3).
pub mod anonymous {
    use super::{KerberosString, PrincipalName, name_type};

    /// Its realm.
    pub const REALM: &[u8] = b"WELLKNOWN:ANONYMOUS";
    /// Its name.
    pub const NAME: PrincipalName<'static> = PrincipalName::new(
        name_type::WELLKNOWN,
        &[KerberosString(b"WELLKNOWN"), KerberosString(b"ANONYMOUS")],
    );
}

/// ```asn1
/// KerberosString ::= GeneralString (IA5String)
/// ```
/// Any octets are kept, and written as they came: 8-bit, UTF-8, NUL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KerberosString<'a>(pub &'a [u8]);

impl fmt::Debug for KerberosString<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0.escape_ascii())
    }
}

impl<'a> Der<'a> for KerberosString<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.general_string().map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.general_string(self.0);
    }
}

/// ```asn1
/// PrincipalName ::= SEQUENCE {
///     name-type   [0] Int32,
///     name-string [1] SEQUENCE OF KerberosString
/// }
/// ```
/// Equality is that of the octets, name type included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrincipalName<'a> {
    /// One of [`name_type`], or another number.
    pub name_type: i32,
    /// The components, none or more.
    pub name_string: SequenceOf<'a, KerberosString<'a>>,
}

impl<'a> PrincipalName<'a> {
    /// A name to be sent.
    #[must_use]
    pub const fn new(name_type: i32, components: &'a [KerberosString<'a>]) -> Self {
        Self { name_type, name_string: SequenceOf::of(components) }
    }

    /// The octets of each component.
    pub fn components(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.name_string.iter().map(|component| component.0)
    }

    /// How many components there are.
    #[must_use]
    pub const fn component_count(&self) -> usize {
        self.name_string.len()
    }

    /// The component of a name that has exactly one.
    #[must_use]
    pub fn only_component(&self) -> Option<&'a [u8]> {
        self.components().next().filter(|_| self.component_count() == 1)
    }

    /// A copy that outlives the message.
    #[must_use]
    pub fn to_owned(&self) -> PrincipalNameBuf {
        let mut writer = Writer::with_capacity(64);
        self.name_string.write(&mut writer);
        PrincipalNameBuf { name_type: self.name_type, name_string: writer.into_octets() }
    }
}

impl<'a> Der<'a> for PrincipalName<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|name| {
            Ok(Self { name_type: name.int32_field(0)?, name_string: name.field(1, SequenceOf::read)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|name| {
            name.value(1, &self.name_string);
            name.int32_field(0, self.name_type);
        });
    }
}

/// `/` between components, as administrators write names; octets that are not printable ASCII are escaped.
impl fmt::Display for PrincipalName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, component) in self.components().enumerate() {
            if index > 0 {
                formatter.write_str("/")?;
            }
            write!(formatter, "{}", component.escape_ascii())?;
        }
        Ok(())
    }
}

/// A [`PrincipalName`] that owns its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalNameBuf {
    name_type: i32,
    /// The encoding of `name-string`.
    name_string: Vec<u8>,
}

impl PrincipalNameBuf {
    /// A name of these components.
    #[must_use]
    pub fn new(name_type: i32, components: &[&[u8]]) -> Self {
        let mut writer = Writer::with_capacity(64);
        writer.sequence(|sequence| {
            for component in components.iter().rev() {
                sequence.general_string(component);
            }
        });
        Self { name_type, name_string: writer.into_octets() }
    }

    /// The name, borrowed.
    #[must_use]
    pub fn as_name(&self) -> PrincipalName<'_> {
        // Both constructors encode the sequence themselves, so it can always be read.
        let name_string = SequenceOf::parse(&self.name_string).unwrap_or(SequenceOf::of(&[]));
        PrincipalName { name_type: self.name_type, name_string }
    }
}

/// ```asn1
/// HostAddress ::= SEQUENCE {
///     addr-type [0] Int32,
///     address   [1] OCTET STRING
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress<'a> {
    /// 2 IPv4, 24 IPv6, 20 NetBIOS (RFC 4120 §7.5.3).
    pub addr_type: i32,
    /// The address: 4, 16 or, for NetBIOS, 16 octets padded with spaces.
    pub address: &'a [u8],
}

/// ```asn1
/// HostAddresses ::= SEQUENCE OF HostAddress
/// ```
pub type HostAddresses<'a> = SequenceOf<'a, HostAddress<'a>>;

impl<'a> Der<'a> for HostAddress<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|address| {
            Ok(Self { addr_type: address.int32_field(0)?, address: address.field(1, Reader::octet_string)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|address| {
            address.octets_field(1, self.address);
            address.int32_field(0, self.addr_type);
        });
    }
}
