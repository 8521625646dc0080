//! FAST: a request and its answer inside an armour (RFC 6113 §5.4).

use super::padata::PaDatas;
use super::{Checksum, EncryptedData, EncryptionKeyView, KdcReqBody, KerberosTime, PrincipalName, WireInt};
use crate::krb::Secret;
use crate::krb::der::{Der, DerError, Reader, SequenceOf, Writer};

/// Bits of `FastOptions`, RFC 6113 §5.4.2; bit 0 of the RFC is the most significant. Bits 0 to 15 are critical: a KDC
/// that does not know one refuses the request.
pub mod fast_options {
    /// hide-client-names(1)
    pub const HIDE_CLIENT_NAMES: u32 = 0x4000_0000;
    /// The bits that a KDC must know.
    pub const CRITICAL: u32 = 0xffff_0000;
}

/// ```asn1
/// PA-FX-FAST-REQUEST ::= CHOICE {
///     armored-data [0] KrbFastArmoredReq
/// }
/// KrbFastArmoredReq ::= SEQUENCE {
///     armor        [0] KrbFastArmor OPTIONAL,
///     req-checksum [1] Checksum,
///     enc-fast-req [2] EncryptedData -- KrbFastReq --
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaFxFastRequest<'a> {
    /// Absent in a TGS-REQ, whose own ticket is the armour.
    pub armor: Option<FastArmor<'a>>,
    /// Under the armour key: of the AP-REQ in PA-TGS-REQ.
    pub req_checksum: Checksum<'a>,
    /// A [`KrbFastReq`] under the armour key.
    pub enc_fast_req: EncryptedData<'a>,
}

/// ```asn1
/// KrbFastArmor ::= SEQUENCE {
///     armor-type  [0] Int32,
///     armor-value [1] OCTET STRING
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastArmor<'a> {
    /// 1 is an AP-REQ.
    pub armor_type: i32,
    /// What the type says.
    pub armor_value: &'a [u8],
}

impl<'a> Der<'a> for FastArmor<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|armor| {
            Ok(Self { armor_type: armor.int32_field(0)?, armor_value: armor.field(1, Reader::octet_string)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|armor| {
            armor.octets_field(1, self.armor_value);
            armor.int32_field(0, self.armor_type);
        });
    }
}

impl<'a> Der<'a> for PaFxFastRequest<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        // The only alternative of the CHOICE.
        reader.field(0, |choice| {
            choice.sequence(|request| {
                Ok(Self {
                    armor: request.optional(0, FastArmor::read)?,
                    req_checksum: request.field(1, Checksum::read)?,
                    enc_fast_req: request.field(2, EncryptedData::read)?,
                })
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.field(0, |choice| {
            choice.sequence(|request| {
                request.value(2, &self.enc_fast_req);
                request.value(1, &self.req_checksum);
                request.optional(0, self.armor.as_ref());
            });
        });
    }
}

/// ```asn1
/// KrbFastReq ::= SEQUENCE {
///     fast-options [0] FastOptions,
///     padata       [1] SEQUENCE OF PA-DATA,
///     req-body     [2] KDC-REQ-BODY
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KrbFastReq<'a> {
    /// Bits of [`fast_options`].
    pub fast_options: u32,
    /// In place of the outer padata.
    pub padata: PaDatas<'a>,
    /// In place of the outer body.
    pub req_body: KdcReqBody<'a>,
}

impl<'a> Der<'a> for KrbFastReq<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|request| {
            Ok(Self {
                fast_options: request.field(0, Reader::flags)?,
                padata: request.field(1, SequenceOf::read)?,
                req_body: request.field(2, KdcReqBody::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|request| {
            request.value(2, &self.req_body);
            request.value(1, &self.padata);
            request.flags_field(0, self.fast_options);
        });
    }
}

/// ```asn1
/// PA-FX-FAST-REPLY ::= CHOICE {
///     armored-data [0] KrbFastArmoredRep
/// }
/// KrbFastArmoredRep ::= SEQUENCE {
///     enc-fast-rep [0] EncryptedData -- KrbFastResponse --
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaFxFastReply<'a> {
    /// A [`KrbFastResponse`] under the armour key.
    pub enc_fast_rep: EncryptedData<'a>,
}

impl<'a> Der<'a> for PaFxFastReply<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.field(0, |choice| {
            choice.sequence(|reply| Ok(Self { enc_fast_rep: reply.field(0, EncryptedData::read)? }))
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.field(0, |choice| choice.sequence(|reply| reply.value(0, &self.enc_fast_rep)));
    }
}

/// ```asn1
/// KrbFastResponse ::= SEQUENCE {
///     padata         [0] SEQUENCE OF PA-DATA,
///     strengthen-key [1] EncryptionKey OPTIONAL,
///     finished       [2] KrbFastFinished OPTIONAL,
///     nonce          [3] UInt32
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KrbFastResponse<'a> {
    /// In an error, the KRB-ERROR itself as PA-FX-ERROR.
    pub padata: PaDatas<'a>,
    /// Goes into the reply key.
    pub strengthen_key: Option<EncryptionKeyView<'a>>,
    /// Ties the reply to the armour; absent in an error.
    pub finished: Option<KrbFastFinished<'a>>,
    /// That of the inner body.
    pub nonce: WireInt,
}

impl<'a> Der<'a> for KrbFastResponse<'a> {
    type Encoded = Secret;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|response| {
            Ok(Self {
                padata: response.field(0, SequenceOf::read)?,
                strengthen_key: response.optional(1, EncryptionKeyView::read)?,
                finished: response.optional(2, KrbFastFinished::read)?,
                nonce: response.field(3, WireInt::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|response| {
            response.value(3, &self.nonce);
            response.optional(2, self.finished.as_ref());
            response.optional(1, self.strengthen_key.as_ref());
            response.value(0, &self.padata);
        });
    }
}

/// ```asn1
/// KrbFastFinished ::= SEQUENCE {
///     timestamp       [0] KerberosTime,
///     usec            [1] Microseconds,
///     crealm          [2] Realm,
///     cname           [3] PrincipalName,
///     ticket-checksum [4] Checksum
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KrbFastFinished<'a> {
    /// The KDC's clock.
    pub timestamp: KerberosTime,
    /// Microseconds of `timestamp`.
    pub usec: u32,
    /// The client's realm.
    pub crealm: &'a [u8],
    /// The client, whom the reply outside may hide.
    pub cname: PrincipalName<'a>,
    /// Under the armour key: of the ticket issued.
    pub ticket_checksum: Checksum<'a>,
}

impl<'a> Der<'a> for KrbFastFinished<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|finished| {
            Ok(Self {
                timestamp: finished.field(0, KerberosTime::read)?,
                usec: finished.field(1, Reader::microseconds)?,
                crealm: finished.field(2, Reader::general_string)?,
                cname: finished.field(3, PrincipalName::read)?,
                ticket_checksum: finished.field(4, Checksum::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|finished| {
            finished.value(4, &self.ticket_checksum);
            finished.value(3, &self.cname);
            finished.string_field(2, self.crealm);
            finished.field(1, |field| field.integer(i64::from(self.usec)));
            finished.value(0, &self.timestamp);
        });
    }
}
