//! `AS-REQ` and `TGS-REQ`.

use super::{EncryptedData, HostAddresses, KerberosTime, PaDatas, PrincipalName, Ticket, VERSION, WireInt};
use crate::krb::der::{Der, DerError, Reader, SequenceOf, Tag, Writer};
use std::fmt;

/// Bits of `KDCOptions`, RFC 4120 §5.4.1, RFC 6806 §8 and [MS-SFU] 2.2.3; bit 0 of the RFC is the most
/// significant.
pub mod kdc_options {
    /// forwardable(1)
    pub const FORWARDABLE: u32 = 0x4000_0000;
    /// forwarded(2)
    pub const FORWARDED: u32 = 0x2000_0000;
    /// proxiable(3)
    pub const PROXIABLE: u32 = 0x1000_0000;
    /// proxy(4)
    pub const PROXY: u32 = 0x0800_0000;
    /// allow-postdate(5)
    pub const ALLOW_POSTDATE: u32 = 0x0400_0000;
    /// postdated(6)
    pub const POSTDATED: u32 = 0x0200_0000;
    /// renewable(8)
    pub const RENEWABLE: u32 = 0x0080_0000;
    /// cname-in-addl-tkt(14), [MS-SFU]
    pub const CNAME_IN_ADDL_TKT: u32 = 0x0002_0000;
    /// canonicalize(15), RFC 6806
    pub const CANONICALIZE: u32 = 0x0001_0000;
    /// request-anonymous(16), RFC 8062
    pub const REQUEST_ANONYMOUS: u32 = 0x0000_8000;
    /// disable-transited-check(26)
    pub const DISABLE_TRANSITED_CHECK: u32 = 0x0000_0020;
    /// renewable-ok(27)
    pub const RENEWABLE_OK: u32 = 0x0000_0010;
    /// enc-tkt-in-skey(28)
    pub const ENC_TKT_IN_SKEY: u32 = 0x0000_0008;
    /// renew(30)
    pub const RENEW: u32 = 0x0000_0002;
    /// validate(31)
    pub const VALIDATE: u32 = 0x0000_0001;
}

/// The most elements of padata in a request: a client sends a handful.
pub const MAX_PADATA: usize = 32;

/// The most octets of padata in a request. A TCP frame may be longer, but no ticket is.
pub const MAX_PADATA_OCTETS: usize = 0x1_0000;

/// Why octets are no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// They are not the DER encoding of a `KDC-REQ`.
    Malformed(DerError),
    /// More than [`MAX_PADATA`] elements or [`MAX_PADATA_OCTETS`] octets of padata.
    PadataTooLarge,
}

impl From<DerError> for RequestError {
    fn from(error: DerError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(formatter),
            Self::PadataTooLarge => formatter.write_str("too much padata"),
        }
    }
}

impl std::error::Error for RequestError {}

/// Which request: `msg-type` and application tag, which must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestType {
    /// AS-REQ, 10.
    AsReq = 10,
    /// TGS-REQ, 12.
    TgsReq = 12,
}

impl RequestType {
    /// What the first octet says. That the rest is such a request, or any, it does not.
    #[must_use]
    pub fn claimed_by(octets: &[u8]) -> Option<Self> {
        let tag = octets.first()?;
        [Self::AsReq, Self::TgsReq].into_iter().find(|kind| Tag::application(kind.number()).octet() == *tag)
    }

    const fn number(self) -> u8 {
        self as u8
    }
}

/// ```asn1
/// AS-REQ  ::= [APPLICATION 10] KDC-REQ
/// TGS-REQ ::= [APPLICATION 12] KDC-REQ
/// KDC-REQ ::= SEQUENCE {
///     -- NOTE: first tag is [1], not [0]
///     pvno     [1] INTEGER (5),
///     msg-type [2] INTEGER (10 -- AS -- | 12 -- TGS --),
///     padata   [3] SEQUENCE OF PA-DATA OPTIONAL -- NOTE: not empty --,
///     req-body [4] KDC-REQ-BODY
/// }
/// ```
/// Another `pvno` than 5 is read too, since there is an error code for it.
#[derive(Clone, Copy, Debug)]
pub struct KdcReq<'a> {
    /// Protocol version.
    pub pvno: i32,
    /// AS-REQ or TGS-REQ.
    pub msg_type: RequestType,
    /// Within [`MAX_PADATA`] and [`MAX_PADATA_OCTETS`].
    pub padata: Option<PaDatas<'a>>,
    body: KdcReqBody<'a>,
    body_der: &'a [u8],
}

impl<'a> KdcReq<'a> {
    /// A request to be sent, with the body already encoded: what the authenticator's checksum covers is what
    /// is sent.
    ///
    /// # Errors
    /// [`DerError`] if `body_der` is not the encoding of a [`KdcReqBody`].
    pub fn new(
        msg_type: RequestType,
        padata: Option<PaDatas<'a>>,
        body_der: &'a [u8],
    ) -> Result<Self, DerError> {
        Ok(Self { pvno: VERSION, msg_type, padata, body: KdcReqBody::parse(body_der)?, body_der })
    }

    /// Reads a request that fills the input.
    ///
    /// # Errors
    /// [`RequestError::PadataTooLarge`] if padata passes its limit, looked at no further; otherwise what is not DER.
    pub fn parse(input: &'a [u8]) -> Result<Self, RequestError> {
        let Fields { pvno, msg_type, padata, body_der } = Fields::read(input)?;
        let padata = match padata {
            Some(field) => Some(limited(field)?),
            None => None,
        };
        Ok(Self { pvno, msg_type, padata, body: KdcReqBody::parse(body_der)?, body_der })
    }

    /// The encoding.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.application(self.msg_type.number(), |request| {
            request.field(4, |field| field.octets(self.body_der));
            request.optional(3, self.padata.as_ref());
            request.int32_field(2, i32::from(self.msg_type.number()));
            request.int32_field(1, self.pvno);
        });
        writer.into_octets()
    }

    /// `req-body`.
    #[must_use]
    pub const fn body(&self) -> &KdcReqBody<'a> {
        &self.body
    }

    /// The encoding of `req-body` as received, which the authenticator's checksum covers (RFC 4120 §5.4.1).
    #[must_use]
    pub const fn body_der(&self) -> &'a [u8] {
        self.body_der
    }
}

/// The fields of a request, those that are limited or large still encoded.
struct Fields<'a> {
    pvno: i32,
    msg_type: RequestType,
    padata: Option<&'a [u8]>,
    body_der: &'a [u8],
}

impl<'a> Fields<'a> {
    fn read(input: &'a [u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(input);
        let msg_type = RequestType::claimed_by(input).ok_or(DerError::UnexpectedTag)?;
        let mut message = Reader::new(reader.content(Tag::application(msg_type.number()))?);
        reader.finish()?;
        let mut request = Reader::new(message.content(Tag::SEQUENCE)?);
        message.finish()?;

        let pvno = request.int32_field(1)?;
        if request.int32_field(2)? != i32::from(msg_type.number()) {
            return Err(DerError::MessageType);
        }
        let has_padata = request.is_next(Tag::context(3));
        let padata = has_padata.then(|| request.content(Tag::context(3))).transpose()?;
        let body_der = request.content(Tag::context(4))?;
        request.finish()?;
        Ok(Self { pvno, msg_type, padata, body_der })
    }
}

/// Padata that is not too large: what is, is looked at no further than that.
fn limited(field: &[u8]) -> Result<PaDatas<'_>, RequestError> {
    if field.len() > MAX_PADATA_OCTETS {
        return Err(RequestError::PadataTooLarge);
    }
    PaDatas::parse_at_most(MAX_PADATA, field)?.ok_or(RequestError::PadataTooLarge)
}

/// ```asn1
/// SEQUENCE OF Int32 -- EncryptionType, in preference order --
/// ```
pub type Etypes<'a> = SequenceOf<'a, i32>;

/// ```asn1
/// KDC-REQ-BODY ::= SEQUENCE {
///     kdc-options            [0] KDCOptions,
///     cname                  [1] PrincipalName OPTIONAL -- Used only in AS-REQ --,
///     realm                  [2] Realm -- Server's realm; also client's in AS-REQ --,
///     sname                  [3] PrincipalName OPTIONAL,
///     from                   [4] KerberosTime OPTIONAL,
///     till                   [5] KerberosTime,
///     rtime                  [6] KerberosTime OPTIONAL,
///     nonce                  [7] UInt32,
///     etype                  [8] SEQUENCE OF Int32,
///     addresses              [9] HostAddresses OPTIONAL,
///     enc-authorization-data [10] EncryptedData OPTIONAL -- AuthorizationData --,
///     additional-tickets     [11] SEQUENCE OF Ticket OPTIONAL -- NOTE: not empty --
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdcReqBody<'a> {
    /// Bits of [`kdc_options`].
    pub kdc_options: u32,
    /// The client, in an AS-REQ.
    pub cname: Option<PrincipalName<'a>>,
    /// The server's realm.
    pub realm: &'a [u8],
    /// The server.
    pub sname: Option<PrincipalName<'a>>,
    /// Start of a postdated ticket.
    pub from: Option<KerberosTime>,
    /// Wanted end; [`KerberosTime::EPOCH`] means the latest possible.
    pub till: KerberosTime,
    /// Wanted end of renewal.
    pub rtime: Option<KerberosTime>,
    /// Echoed in the reply.
    pub nonce: WireInt,
    /// Encryption types the client takes, best first.
    pub etypes: Etypes<'a>,
    /// Addresses the ticket is to be good for.
    pub addresses: Option<HostAddresses<'a>>,
    /// Authorization data to go into the ticket, encrypted.
    pub enc_authorization_data: Option<EncryptedData<'a>>,
    /// Tickets of user-to-user and delegation requests.
    pub additional_tickets: Option<SequenceOf<'a, Ticket<'a>>>,
}

impl<'a> KdcReqBody<'a> {
    /// Reads the body of a request and nothing of its padata, of which there may be too much: an error says what was
    /// asked for all the same.
    ///
    /// # Errors
    /// [`DerError`] if the octets are no request, or its body is none.
    pub fn of_request(input: &'a [u8]) -> Result<Self, DerError> {
        Self::parse(Fields::read(input)?.body_der)
    }
}

impl<'a> Der<'a> for KdcReqBody<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|body| {
            Ok(Self {
                kdc_options: body.field(0, Reader::flags)?,
                cname: body.optional(1, PrincipalName::read)?,
                realm: body.field(2, Reader::general_string)?,
                sname: body.optional(3, PrincipalName::read)?,
                from: body.optional(4, KerberosTime::read)?,
                till: body.field(5, KerberosTime::read)?,
                rtime: body.optional(6, KerberosTime::read)?,
                nonce: body.field(7, WireInt::read)?,
                etypes: body.field(8, SequenceOf::read)?,
                addresses: body.optional(9, SequenceOf::read)?,
                enc_authorization_data: body.optional(10, EncryptedData::read)?,
                additional_tickets: body.optional(11, SequenceOf::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|body| {
            body.optional(11, self.additional_tickets.as_ref());
            body.optional(10, self.enc_authorization_data.as_ref());
            body.optional(9, self.addresses.as_ref());
            body.value(8, &self.etypes);
            body.value(7, &self.nonce);
            body.optional(6, self.rtime.as_ref());
            body.value(5, &self.till);
            body.optional(4, self.from.as_ref());
            body.optional(3, self.sname.as_ref());
            body.string_field(2, self.realm);
            body.optional(1, self.cname.as_ref());
            body.flags_field(0, self.kdc_options);
        });
    }
}
