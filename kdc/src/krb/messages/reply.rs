//! `AS-REP` and `TGS-REP`, and what is encrypted in them.

use super::{
    EncryptedData, EncryptionKeyView, HostAddresses, KerberosTime, PaDatas, PrincipalName, Ticket, VERSION,
    WireInt, ticket::read_version,
};
use crate::krb::Secret;
use crate::krb::der::{Der, DerError, Reader, SequenceOf, Tag, Writer};

/// Which reply: `msg-type` and application tag, which must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyType {
    /// AS-REP, 11.
    AsRep = 11,
    /// TGS-REP, 13.
    TgsRep = 13,
}

impl ReplyType {
    const fn number(self) -> u8 {
        self as u8
    }
}

/// ```asn1
/// AS-REP  ::= [APPLICATION 11] KDC-REP
/// TGS-REP ::= [APPLICATION 13] KDC-REP
/// KDC-REP ::= SEQUENCE {
///     pvno     [0] INTEGER (5),
///     msg-type [1] INTEGER (11 -- AS -- | 13 -- TGS --),
///     padata   [2] SEQUENCE OF PA-DATA OPTIONAL -- NOTE: not empty --,
///     crealm   [3] Realm,
///     cname    [4] PrincipalName,
///     ticket   [5] Ticket,
///     enc-part [6] EncryptedData -- EncASRepPart or EncTGSRepPart --
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdcRep<'a> {
    /// AS-REP or TGS-REP.
    pub msg_type: ReplyType,
    /// Not protected.
    pub padata: Option<PaDatas<'a>>,
    /// The client's realm.
    pub crealm: &'a [u8],
    /// The client.
    pub cname: PrincipalName<'a>,
    /// The ticket issued.
    pub ticket: Ticket<'a>,
    /// An [`EncKdcRepPart`].
    pub enc_part: EncryptedData<'a>,
}

impl<'a> Der<'a> for KdcRep<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        let msg_type = if reader.is_next(Tag::application(ReplyType::AsRep.number())) {
            ReplyType::AsRep
        } else {
            ReplyType::TgsRep
        };
        reader.application(msg_type.number(), |reply| {
            read_version(reply, 0)?;
            if reply.int32_field(1)? != i32::from(msg_type.number()) {
                return Err(DerError::MessageType);
            }
            Ok(Self {
                msg_type,
                padata: reply.optional(2, SequenceOf::read)?,
                crealm: reply.field(3, Reader::general_string)?,
                cname: reply.field(4, PrincipalName::read)?,
                ticket: reply.field(5, Ticket::read)?,
                enc_part: reply.field(6, EncryptedData::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        let frame = KdcRepFrame { msg_type: self.msg_type, crealm: self.crealm, cname: self.cname };
        frame.write(
            writer,
            |enc_part| self.enc_part.write(enc_part),
            |ticket| self.ticket.write(ticket),
            |_| self.padata.map(|padata| padata.to_der()),
        );
    }
}

/// What a [`KdcRep`] says of its client in the open, to be written around parts that write themselves.
#[derive(Clone, Copy, Debug)]
pub struct KdcRepFrame<'a> {
    /// AS-REP or TGS-REP.
    pub msg_type: ReplyType,
    /// The client's realm.
    pub crealm: &'a [u8],
    /// The client.
    pub cname: PrincipalName<'a>,
}

impl KdcRepFrame<'_> {
    /// Writes the reply around its encrypted part and its ticket. `padata` gets the encoded ticket, which armour
    /// vouches for, and gives the encoded padata, if any.
    pub fn write(
        &self,
        writer: &mut Writer,
        enc_part: impl FnOnce(&mut Writer),
        ticket: impl FnOnce(&mut Writer),
        padata: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) {
        writer.application(self.msg_type.number(), |reply| {
            reply.field(6, enc_part);
            let mut padata_der = None;
            reply.field(5, |field| {
                let before = field.written();
                ticket(field);
                let length = field.written().saturating_sub(before);
                padata_der = padata(field.octets_written().get(..length).unwrap_or_default());
            });
            reply.value(4, &self.cname);
            reply.string_field(3, self.crealm);
            if let Some(padata) = padata_der {
                reply.field(2, |field| field.octets(&padata));
            }
            reply.int32_field(1, i32::from(self.msg_type.number()));
            reply.int32_field(0, VERSION);
        });
    }
}

/// Which encrypted part: its application tag. RFC 4120 §5.4.2: some implementations send
/// `EncTGSRepPart` in an AS-REP, so a client takes either in either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncPartTag {
    /// EncASRepPart, 25.
    EncAsRepPart = 25,
    /// EncTGSRepPart, 26.
    EncTgsRepPart = 26,
}

impl EncPartTag {
    const fn number(self) -> u8 {
        self as u8
    }
}

/// ```asn1
/// EncASRepPart  ::= [APPLICATION 25] EncKDCRepPart
/// EncTGSRepPart ::= [APPLICATION 26] EncKDCRepPart
/// EncKDCRepPart ::= SEQUENCE {
///     key               [0] EncryptionKey,
///     last-req          [1] LastReq,
///     nonce             [2] UInt32,
///     key-expiration    [3] KerberosTime OPTIONAL,
///     flags             [4] TicketFlags,
///     authtime          [5] KerberosTime,
///     starttime         [6] KerberosTime OPTIONAL,
///     endtime           [7] KerberosTime,
///     renew-till        [8] KerberosTime OPTIONAL,
///     srealm            [9] Realm,
///     sname             [10] PrincipalName,
///     caddr             [11] HostAddresses OPTIONAL,
///     encrypted-pa-data [12] SEQUENCE OF PA-DATA OPTIONAL -- RFC 6806 section 11 --
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EncKdcRepPart<'a> {
    /// EncASRepPart or EncTGSRepPart.
    pub tag: EncPartTag,
    /// Session key.
    pub key: EncryptionKeyView<'a>,
    /// At least one entry, type 0 if there is nothing to tell.
    pub last_req: LastReq<'a>,
    /// That of the request.
    pub nonce: WireInt,
    /// When the client's own key expires.
    pub key_expiration: Option<KerberosTime>,
    /// Bits of [`ticket_flags`](super::ticket_flags).
    pub flags: u32,
    /// When the client authenticated.
    pub authtime: KerberosTime,
    /// Valid from.
    pub starttime: Option<KerberosTime>,
    /// Valid until.
    pub endtime: KerberosTime,
    /// Renewable until.
    pub renew_till: Option<KerberosTime>,
    /// The server's realm.
    pub srealm: &'a [u8],
    /// The server.
    pub sname: PrincipalName<'a>,
    /// Where the ticket may be used from; absent means anywhere.
    pub caddr: Option<HostAddresses<'a>>,
    /// Padata under the protection of the reply key.
    pub encrypted_pa_data: Option<PaDatas<'a>>,
}

impl<'a> Der<'a> for EncKdcRepPart<'a> {
    type Encoded = Secret;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        let tag = if reader.is_next(Tag::application(EncPartTag::EncAsRepPart.number())) {
            EncPartTag::EncAsRepPart
        } else {
            EncPartTag::EncTgsRepPart
        };
        reader.application(tag.number(), |part| {
            Ok(Self {
                tag,
                key: part.field(0, EncryptionKeyView::read)?,
                last_req: part.field(1, SequenceOf::read)?,
                nonce: part.field(2, WireInt::read)?,
                key_expiration: part.optional(3, KerberosTime::read)?,
                flags: part.field(4, Reader::flags)?,
                authtime: part.field(5, KerberosTime::read)?,
                starttime: part.optional(6, KerberosTime::read)?,
                endtime: part.field(7, KerberosTime::read)?,
                renew_till: part.optional(8, KerberosTime::read)?,
                srealm: part.field(9, Reader::general_string)?,
                sname: part.field(10, PrincipalName::read)?,
                caddr: part.optional(11, SequenceOf::read)?,
                encrypted_pa_data: part.optional(12, SequenceOf::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        let data = self.encrypted_pa_data.as_ref();
        self.write_with(writer, data.map(|data| |field: &mut Writer| data.write(field)));
    }
}

impl EncKdcRepPart<'_> {
    /// Writes it with an encrypted-pa-data that writes itself, in place of its own.
    pub fn write_with(&self, writer: &mut Writer, encrypted_pa_data: Option<impl FnOnce(&mut Writer)>) {
        writer.application(self.tag.number(), |part| {
            if let Some(data) = encrypted_pa_data {
                part.field(12, data);
            }
            part.optional(11, self.caddr.as_ref());
            part.value(10, &self.sname);
            part.string_field(9, self.srealm);
            part.optional(8, self.renew_till.as_ref());
            part.value(7, &self.endtime);
            part.optional(6, self.starttime.as_ref());
            part.value(5, &self.authtime);
            part.flags_field(4, self.flags);
            part.optional(3, self.key_expiration.as_ref());
            part.value(2, &self.nonce);
            part.value(1, &self.last_req);
            part.value(0, &self.key);
        });
    }
}

/// ```asn1
/// LastReq ::= SEQUENCE OF SEQUENCE {
///     lr-type  [0] Int32,
///     lr-value [1] KerberosTime
/// }
/// ```
pub type LastReq<'a> = SequenceOf<'a, LastReqEntry>;

/// One entry of [`LastReq`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastReqEntry {
    /// 0: no information.
    pub lr_type: i32,
    /// What the type says.
    pub lr_value: KerberosTime,
}

impl Der<'_> for LastReqEntry {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        reader.sequence(|entry| {
            Ok(Self { lr_type: entry.int32_field(0)?, lr_value: entry.field(1, KerberosTime::read)? })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|entry| {
            entry.value(1, &self.lr_value);
            entry.int32_field(0, self.lr_type);
        });
    }
}
