//! `Ticket` and what is encrypted in it.

use super::{
    AuthorizationData, EncryptedData, EncryptionKeyView, HostAddresses, KerberosTime, PrincipalName, VERSION,
};
use crate::krb::Secret;
use crate::krb::der::{Der, DerError, Reader, SequenceOf, Writer};

/// Bits of `TicketFlags`, RFC 4120 §5.3 and RFC 6806 §11; bit 0 of the RFC is the most significant.
pub mod ticket_flags {
    /// forwardable(1)
    pub const FORWARDABLE: u32 = 0x4000_0000;
    /// forwarded(2)
    pub const FORWARDED: u32 = 0x2000_0000;
    /// proxiable(3)
    pub const PROXIABLE: u32 = 0x1000_0000;
    /// proxy(4)
    pub const PROXY: u32 = 0x0800_0000;
    /// may-postdate(5)
    pub const MAY_POSTDATE: u32 = 0x0400_0000;
    /// postdated(6)
    pub const POSTDATED: u32 = 0x0200_0000;
    /// invalid(7)
    pub const INVALID: u32 = 0x0100_0000;
    /// renewable(8)
    pub const RENEWABLE: u32 = 0x0080_0000;
    /// initial(9)
    pub const INITIAL: u32 = 0x0040_0000;
    /// pre-authent(10)
    pub const PRE_AUTHENT: u32 = 0x0020_0000;
    /// hw-authent(11)
    pub const HW_AUTHENT: u32 = 0x0010_0000;
    /// transited-policy-checked(12)
    pub const TRANSITED_POLICY_CHECKED: u32 = 0x0008_0000;
    /// ok-as-delegate(13)
    pub const OK_AS_DELEGATE: u32 = 0x0004_0000;
    /// enc-pa-rep(15), RFC 6806 §11
    pub const ENC_PA_REP: u32 = 0x0001_0000;
    /// anonymous(16), RFC 8062 §3
    pub const ANONYMOUS: u32 = 0x0000_8000;
}

/// ```asn1
/// Ticket ::= [APPLICATION 1] SEQUENCE {
///     tkt-vno  [0] INTEGER (5),
///     realm    [1] Realm,
///     sname    [2] PrincipalName,
///     enc-part [3] EncryptedData -- EncTicketPart
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket<'a> {
    /// Realm of the service, not protected.
    pub realm: &'a [u8],
    /// The service, not protected.
    pub sname: PrincipalName<'a>,
    /// An [`EncTicketPart`] under the service's key.
    pub enc_part: EncryptedData<'a>,
}

impl<'a> Der<'a> for Ticket<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.application(1, |ticket| {
            read_version(ticket, 0)?;
            Ok(Self {
                realm: ticket.field(1, Reader::general_string)?,
                sname: ticket.field(2, PrincipalName::read)?,
                enc_part: ticket.field(3, EncryptedData::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        write_ticket(writer, self.realm, &self.sname, |enc_part| self.enc_part.write(enc_part));
    }
}

/// Writes a [`Ticket`] whose encrypted part writes itself.
pub fn write_ticket(
    writer: &mut Writer,
    realm: &[u8],
    sname: &PrincipalName<'_>,
    enc_part: impl FnOnce(&mut Writer),
) {
    writer.application(1, |ticket| {
        ticket.field(3, enc_part);
        ticket.value(2, sname);
        ticket.string_field(1, realm);
        ticket.int32_field(0, VERSION);
    });
}

/// Reads a version field that RFC 4120 constrains to 5.
pub(super) fn read_version(message: &mut Reader<'_>, number: u8) -> Result<(), DerError> {
    match message.int32_field(number)? {
        VERSION => Ok(()),
        _ => Err(DerError::IntegerRange),
    }
}

/// ```asn1
/// EncTicketPart ::= [APPLICATION 3] SEQUENCE {
///     flags              [0] TicketFlags,
///     key                [1] EncryptionKey,
///     crealm             [2] Realm,
///     cname              [3] PrincipalName,
///     transited          [4] TransitedEncoding,
///     authtime           [5] KerberosTime,
///     starttime          [6] KerberosTime OPTIONAL,
///     endtime            [7] KerberosTime,
///     renew-till         [8] KerberosTime OPTIONAL,
///     caddr              [9] HostAddresses OPTIONAL,
///     authorization-data [10] AuthorizationData OPTIONAL
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EncTicketPart<'a> {
    /// Bits of [`ticket_flags`].
    pub flags: u32,
    /// Session key.
    pub key: EncryptionKeyView<'a>,
    /// The client's realm.
    pub crealm: &'a [u8],
    /// The client.
    pub cname: PrincipalName<'a>,
    /// Realms that took part.
    pub transited: TransitedEncoding<'a>,
    /// When the client authenticated.
    pub authtime: KerberosTime,
    /// Valid from; absent means `authtime`.
    pub starttime: Option<KerberosTime>,
    /// Valid until.
    pub endtime: KerberosTime,
    /// Renewable until.
    pub renew_till: Option<KerberosTime>,
    /// Where the ticket may be used from; absent means anywhere.
    pub caddr: Option<HostAddresses<'a>>,
    /// The PAC, among others.
    pub authorization_data: Option<AuthorizationData<'a>>,
}

impl<'a> Der<'a> for EncTicketPart<'a> {
    type Encoded = Secret;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.application(3, |part| {
            Ok(Self {
                flags: part.field(0, Reader::flags)?,
                key: part.field(1, EncryptionKeyView::read)?,
                crealm: part.field(2, Reader::general_string)?,
                cname: part.field(3, PrincipalName::read)?,
                transited: part.field(4, TransitedEncoding::read)?,
                authtime: part.field(5, KerberosTime::read)?,
                starttime: part.optional(6, KerberosTime::read)?,
                endtime: part.field(7, KerberosTime::read)?,
                renew_till: part.optional(8, KerberosTime::read)?,
                caddr: part.optional(9, SequenceOf::read)?,
                authorization_data: part.optional(10, SequenceOf::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        let data = self.authorization_data.as_ref();
        self.write_with(writer, data.map(|data| |field: &mut Writer| data.write(field)));
    }
}

impl EncTicketPart<'_> {
    /// Writes it with an authorization-data that writes itself, in place of its own.
    pub fn write_with(&self, writer: &mut Writer, authorization_data: Option<impl FnOnce(&mut Writer)>) {
        writer.application(3, |part| {
            if let Some(data) = authorization_data {
                part.field(10, data);
            }
            part.optional(9, self.caddr.as_ref());
            part.optional(8, self.renew_till.as_ref());
            part.value(7, &self.endtime);
            part.optional(6, self.starttime.as_ref());
            part.value(5, &self.authtime);
            part.value(4, &self.transited);
            part.value(3, &self.cname);
            part.string_field(2, self.crealm);
            part.value(1, &self.key);
            part.flags_field(0, self.flags);
        });
    }
}

/// ```asn1
/// TransitedEncoding ::= SEQUENCE {
///     tr-type  [0] Int32 -- must be registered --,
///     contents [1] OCTET STRING
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitedEncoding<'a> {
    /// 1 is DOMAIN-X500-COMPRESS.
    pub tr_type: i32,
    /// Empty within one realm.
    pub contents: &'a [u8],
}

impl<'a> Der<'a> for TransitedEncoding<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.sequence(|transited| {
            Ok(Self {
                tr_type: transited.int32_field(0)?,
                contents: transited.field(1, Reader::octet_string)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.sequence(|transited| {
            transited.octets_field(1, self.contents);
            transited.int32_field(0, self.tr_type);
        });
    }
}
