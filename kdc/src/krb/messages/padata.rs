//! Pre-authentication data, which carries everything RFC 4120 did not foresee.

use super::EncryptionKeyView;
use crate::krb::der::{Der, DerError, Reader, SequenceOf, Tag, Writer};
use std::fmt;

/// `padata-type` numbers (RFC 4120 §7.5.2, RFC 6113 §7.1, [MS-KILE] 2.2).
pub mod pa_type {
    /// PA-TGS-REQ: an AP-REQ.
    pub const TGS_REQ: i32 = 1;
    /// FX_FAST_ARMOR (RFC 6113 §5.4.1): a number of authorization data that must not come as padata.
    pub const FX_FAST_ARMOR: i32 = 71;
    /// KERB-ERROR-DATA ([MS-KILE] 2.2.1) where it stands among padata: 3 is PA-PW-SALT to everybody else, and the
    /// two have one encoding.
    pub const KERB_ERROR_DATA: i32 = 3;
    /// PA-FOR-USER ([MS-SFU] 2.2.1).
    pub const FOR_USER: i32 = 129;
    /// PA-S4U-X509-USER ([MS-SFU] 2.2.2).
    pub const S4U_X509_USER: i32 = 130;
    /// PA-FX-COOKIE (RFC 6113 §5.2): what a KDC wants to have back.
    pub const FX_COOKIE: i32 = 133;
    /// PA-FX-FAST (RFC 6113 §5.4).
    pub const FX_FAST: i32 = 136;
    /// PA-FX-ERROR (RFC 6113 §5.4.4): the KRB-ERROR inside the armour.
    pub const FX_ERROR: i32 = 137;
    /// KERB-KEY-LIST-REQ ([MS-KILE] 2.2.11).
    pub const KERB_KEY_LIST_REQ: i32 = 161;
    /// KERB-KEY-LIST-REP ([MS-KILE] 2.2.12).
    pub const KERB_KEY_LIST_REP: i32 = 162;
    /// PA-SUPPORTED-ENCTYPES ([MS-KILE] 2.2.8).
    pub const SUPPORTED_ENCTYPES: i32 = 165;
    /// PA-PAC-OPTIONS ([MS-KILE] 2.2.10).
    pub const PAC_OPTIONS: i32 = 167;
}

/// ```asn1
/// PA-DATA ::= SEQUENCE {
///     -- NOTE: first tag is [1], not [0]
///     padata-type  [1] Int32,
///     padata-value [2] OCTET STRING
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PaData<'a> {
    /// One of [`pa_type`], or another number.
    pub kind: i32,
    /// What the type says. May hold keys: `Debug` shows its length only.
    pub value: &'a [u8],
}

/// `SEQUENCE OF PA-DATA`, also `METHOD-DATA` and the `encrypted-pa-data` of RFC 6806.
pub type PaDatas<'a> = SequenceOf<'a, PaData<'a>>;

impl fmt::Debug for PaData<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PaData({}, {} octets)", self.kind, self.value.len())
    }
}

impl<'a> Der<'a> for PaData<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|padata| {
            Ok(Self { kind: padata.int32_field(1)?, value: padata.field(2, Reader::octet_string)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        write_padata(writer, self.kind, |value| value.octets(self.value));
    }
}

/// Writes a [`PaData`] whose value writes itself.
pub fn write_padata(writer: &mut Writer, kind: i32, value: impl FnOnce(&mut Writer)) {
    writer.sequence(|padata| {
        padata.field_of(2, Tag::OCTET_STRING, value);
        padata.int32_field(1, kind);
    });
}

impl<'a> SequenceOf<'a, PaData<'a>> {
    /// The values of every element of this type, in order.
    pub fn of_kind(&self, kind: i32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.iter().filter(move |padata| padata.kind == kind).map(|padata| padata.value)
    }
}

/// Bits of PA-PAC-OPTIONS; bit 0 of the specification is the most significant.
pub mod pac_options {
    /// Claims(0)
    pub const CLAIMS: u32 = 0x8000_0000;
    /// Branch Aware(1)
    pub const BRANCH_AWARE: u32 = 0x4000_0000;
    /// Forward to Full DC(2)
    pub const FORWARD_TO_FULL_DC: u32 = 0x2000_0000;
    /// Resource-based Constrained Delegation(3)
    pub const RESOURCE_BASED_CONSTRAINED_DELEGATION: u32 = 0x1000_0000;
}

/// ```asn1
/// PA-PAC-OPTIONS ::= SEQUENCE {
///     flags [0] KerberosFlags
/// }
/// ```
/// Bits of [`pac_options`]; [MS-KILE] 2.2.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaPacOptions(pub u32);

impl Der<'_> for PaPacOptions {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        reader.sequence(|options| options.field(0, Reader::flags)).map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|options| options.flags_field(0, self.0));
    }
}

/// ```asn1
/// KERB-KEY-LIST-REQ ::= SEQUENCE OF Int32 -- encryption type --
/// ```
pub type KerbKeyListReq<'a> = SequenceOf<'a, i32>;

/// ```asn1
/// KERB-KEY-LIST-REP ::= SEQUENCE OF EncryptionKey
/// ```
pub type KerbKeyListRep<'a> = SequenceOf<'a, EncryptionKeyView<'a>>;

/// PA-SUPPORTED-ENCTYPES: 32 bits, least significant octet first, no DER ([MS-KILE] 2.2.7, 2.2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaSupportedEnctypes(pub u32);

impl PaSupportedEnctypes {
    /// FAST-supported ([MS-KILE] 2.2.7).
    pub const FAST: u32 = 0x0001_0000;

    /// Reads the `padata-value`; `None` unless it has four octets.
    #[must_use]
    pub fn from_octets(value: &[u8]) -> Option<Self> {
        <[u8; 4]>::try_from(value).ok().map(|octets| Self(u32::from_le_bytes(octets)))
    }

    /// The `padata-value`.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }
}
