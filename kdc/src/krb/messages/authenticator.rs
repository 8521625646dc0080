//! `Authenticator`: who presents a ticket, when, and over which request.

use super::{
    AuthorizationData, EncryptionKeyView, KerberosTime, PrincipalName, VERSION, WireInt, ticket::read_version,
};
use crate::krb::Secret;
use crate::krb::der::{Der, DerError, Reader, SequenceOf, Writer};

/// ```asn1
/// Authenticator ::= [APPLICATION 2] SEQUENCE {
///     authenticator-vno  [0] INTEGER (5),
///     crealm             [1] Realm,
///     cname              [2] PrincipalName,
///     cksum              [3] Checksum OPTIONAL,
///     cusec              [4] Microseconds,
///     ctime              [5] KerberosTime,
///     subkey             [6] EncryptionKey OPTIONAL,
///     seq-number         [7] UInt32 OPTIONAL,
///     authorization-data [8] AuthorizationData OPTIONAL
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Authenticator<'a> {
    /// The client's realm.
    pub crealm: &'a [u8],
    /// The client.
    pub cname: PrincipalName<'a>,
    /// In a TGS-REQ: over the encoding of its `KDC-REQ-BODY`.
    pub cksum: Option<Checksum<'a>>,
    /// Microseconds of `ctime`, at most 999999.
    pub cusec: u32,
    /// The client's clock.
    pub ctime: KerberosTime,
    /// A key the client chose for the reply.
    pub subkey: Option<EncryptionKeyView<'a>>,
    /// Windows repeats the nonce here.
    pub seq_number: Option<WireInt>,
    /// Restrictions, and signs of FAST.
    pub authorization_data: Option<AuthorizationData<'a>>,
}

impl<'a> Der<'a> for Authenticator<'a> {
    type Encoded = Secret;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.application(2, |authenticator| {
            read_version(authenticator, 0)?;
            Ok(Self {
                crealm: authenticator.field(1, Reader::general_string)?,
                cname: authenticator.field(2, PrincipalName::read)?,
                cksum: authenticator.optional(3, Checksum::read)?,
                cusec: authenticator.field(4, Reader::microseconds)?,
                ctime: authenticator.field(5, KerberosTime::read)?,
                subkey: authenticator.optional(6, EncryptionKeyView::read)?,
                seq_number: authenticator.optional(7, WireInt::read)?,
                authorization_data: authenticator.optional(8, SequenceOf::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.application(2, |authenticator| {
            authenticator.optional(8, self.authorization_data.as_ref());
            authenticator.optional(7, self.seq_number.as_ref());
            authenticator.optional(6, self.subkey.as_ref());
            authenticator.value(5, &self.ctime);
            authenticator.field(4, |field| field.integer(i64::from(self.cusec)));
            authenticator.optional(3, self.cksum.as_ref());
            authenticator.value(2, &self.cname);
            authenticator.string_field(1, self.crealm);
            authenticator.int32_field(0, VERSION);
        });
    }
}

/// ```asn1
/// Checksum ::= SEQUENCE {
///     cksumtype [0] Int32,
///     checksum  [1] OCTET STRING
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum<'a> {
    /// Checksum type (RFC 3961 registry).
    pub kind: i32,
    /// The checksum.
    pub value: &'a [u8],
}

impl<'a> Der<'a> for Checksum<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|checksum| {
            Ok(Self { kind: checksum.int32_field(0)?, value: checksum.field(1, Reader::octet_string)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|checksum| {
            checksum.octets_field(1, self.value);
            checksum.int32_field(0, self.kind);
        });
    }
}
