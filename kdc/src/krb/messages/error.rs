//! `KRB-ERROR`, and the NTSTATUS that [MS-KILE] puts into it.

use super::{KerberosTime, PrincipalName, VERSION, ticket::read_version};
use crate::krb::der::{Der, DerError, Reader, Writer};

/// `error-code` (RFC 4120 §7.5.9): those that mean something to who relays, asks or writes an error. Those of refusals stand in
/// their table.
pub mod error_code {
    /// KDC_ERR_SVC_UNAVAILABLE: this server cannot, another one may.
    pub const SVC_UNAVAILABLE: i32 = 29;
    /// KRB_ERR_RESPONSE_TOO_BIG (§7.2.1): the client is to ask again over TCP.
    pub const RESPONSE_TOO_BIG: i32 = 52;
    /// KRB_ERR_GENERIC, of which Windows says less than of the others.
    pub const GENERIC: i32 = 60;
}

/// `msg-type` and application tag.
const KRB_ERROR: u8 = 30;

/// ```asn1
/// KRB-ERROR ::= [APPLICATION 30] SEQUENCE {
///     pvno       [0] INTEGER (5),
///     msg-type   [1] INTEGER (30),
///     ctime      [2] KerberosTime OPTIONAL,
///     cusec      [3] Microseconds OPTIONAL,
///     stime      [4] KerberosTime,
///     susec      [5] Microseconds,
///     error-code [6] Int32,
///     crealm     [7] Realm OPTIONAL,
///     cname      [8] PrincipalName OPTIONAL,
///     realm      [9] Realm -- service realm --,
///     sname      [10] PrincipalName -- service name --,
///     e-text     [11] KerberosString OPTIONAL,
///     e-data     [12] OCTET STRING OPTIONAL
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KrbError<'a> {
    /// The client's clock.
    pub ctime: Option<KerberosTime>,
    /// Microseconds of `ctime`.
    pub cusec: Option<u32>,
    /// The server's clock.
    pub stime: KerberosTime,
    /// Microseconds of `stime`, at most 999999.
    pub susec: u32,
    /// RFC 4120 §7.5.9.
    pub error_code: i32,
    /// The client's realm.
    pub crealm: Option<&'a [u8]>,
    /// The client.
    pub cname: Option<PrincipalName<'a>>,
    /// The server's realm.
    pub realm: &'a [u8],
    /// The server.
    pub sname: PrincipalName<'a>,
    /// Text for people.
    pub e_text: Option<&'a [u8]>,
    /// What the error code says: a [`KerbErrorData`] or `METHOD-DATA`, among others.
    pub e_data: Option<&'a [u8]>,
}

impl<'a> Der<'a> for KrbError<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.application(KRB_ERROR, |error| {
            read_version(error, 0)?;
            if error.int32_field(1)? != i32::from(KRB_ERROR) {
                return Err(DerError::MessageType);
            }
            Ok(Self {
                ctime: error.optional(2, KerberosTime::read)?,
                cusec: error.optional(3, Reader::microseconds)?,
                stime: error.field(4, KerberosTime::read)?,
                susec: error.field(5, Reader::microseconds)?,
                error_code: error.int32_field(6)?,
                crealm: error.optional(7, Reader::general_string)?,
                cname: error.optional(8, PrincipalName::read)?,
                realm: error.field(9, Reader::general_string)?,
                sname: error.field(10, PrincipalName::read)?,
                e_text: error.optional(11, Reader::general_string)?,
                e_data: error.optional(12, Reader::octet_string)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.application(KRB_ERROR, |error| {
            if let Some(e_data) = self.e_data {
                error.octets_field(12, e_data);
            }
            if let Some(e_text) = self.e_text {
                error.string_field(11, e_text);
            }
            error.value(10, &self.sname);
            error.string_field(9, self.realm);
            error.optional(8, self.cname.as_ref());
            if let Some(crealm) = self.crealm {
                error.string_field(7, crealm);
            }
            error.int32_field(6, self.error_code);
            error.field(5, |field| field.integer(i64::from(self.susec)));
            error.value(4, &self.stime);
            if let Some(cusec) = self.cusec {
                error.field(3, |field| field.integer(i64::from(cusec)));
            }
            error.optional(2, self.ctime.as_ref());
            error.int32_field(1, i32::from(KRB_ERROR));
            error.int32_field(0, VERSION);
        });
    }
}

/// ```asn1
/// KERB-ERROR-DATA ::= SEQUENCE {
///     data-type  [1] INTEGER,
///     data-value [2] OCTET STRING OPTIONAL
/// }
/// ```
/// [MS-KILE] 2.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KerbErrorData<'a> {
    /// What `data_value` is.
    pub data_type: i32,
    /// A [`KerbExtError`], for one.
    pub data_value: Option<&'a [u8]>,
}

impl KerbErrorData<'_> {
    /// KERB_ERR_TYPE_EXTENDED: `data-value` is a [`KerbExtError`].
    pub const EXTENDED: i32 = 3;
}

impl<'a> Der<'a> for KerbErrorData<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|data| {
            Ok(Self { data_type: data.int32_field(1)?, data_value: data.optional(2, Reader::octet_string)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|data| {
            if let Some(value) = self.data_value {
                data.octets_field(2, value);
            }
            data.int32_field(1, self.data_type);
        });
    }
}

/// KERB_EXT_ERROR ([MS-KILE] 2.2.2): three 32-bit numbers, least significant octet first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KerbExtError {
    /// NTSTATUS.
    pub status: u32,
    /// Windows answers 3 to a TGS-REQ and 1 to an AS-REQ; [MS-KILE] names 1 only.
    pub flags: u32,
}

impl KerbExtError {
    /// `flags` of an answer to a TGS-REQ.
    pub const TGS_FLAGS: u32 = 3;

    /// Reads the twelve octets; the second number is reserved and passed over.
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let &[s0, s1, s2, s3, _, _, _, _, f0, f1, f2, f3] = octets else {
            return None;
        };
        Some(Self {
            status: u32::from_le_bytes([s0, s1, s2, s3]),
            flags: u32::from_le_bytes([f0, f1, f2, f3]),
        })
    }

    /// The twelve octets, the reserved number 0.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 12] {
        let [s0, s1, s2, s3] = self.status.to_le_bytes();
        let [f0, f1, f2, f3] = self.flags.to_le_bytes();
        [s0, s1, s2, s3, 0, 0, 0, 0, f0, f1, f2, f3]
    }

    /// The `e-data` of a [`KrbError`]: these octets in a [`KerbErrorData`].
    #[must_use]
    pub fn to_e_data(self) -> Vec<u8> {
        KerbErrorData { data_type: KerbErrorData::EXTENDED, data_value: Some(&self.to_octets()) }.to_der()
    }
}
