//! `AP-REQ`: a ticket and the proof of knowing its session key.

use super::{EncryptedData, Ticket, ticket::read_version};
use crate::krb::der::{Der, DerError, Reader, Writer};

/// Bits of `APOptions`, RFC 4120 §5.5.1; bit 0 of the RFC is the most significant.
pub mod ap_options {
    /// use-session-key(1)
    pub const USE_SESSION_KEY: u32 = 0x4000_0000;
    /// mutual-required(2)
    pub const MUTUAL_REQUIRED: u32 = 0x2000_0000;
}

/// `msg-type` and application tag.
const AP_REQ: u8 = 14;

/// ```asn1
/// AP-REQ ::= [APPLICATION 14] SEQUENCE {
///     pvno          [0] INTEGER (5),
///     msg-type      [1] INTEGER (14),
///     ap-options    [2] APOptions,
///     ticket        [3] Ticket,
///     authenticator [4] EncryptedData -- Authenticator
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApReq<'a> {
    /// Bits of [`ap_options`].
    pub ap_options: u32,
    /// The ticket presented.
    pub ticket: Ticket<'a>,
    /// An [`Authenticator`](super::Authenticator) under the ticket's session key.
    pub authenticator: EncryptedData<'a>,
}

impl<'a> Der<'a> for ApReq<'a> {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        reader.application(AP_REQ, |message| {
            read_version(message, 0)?;
            if message.int32_field(1)? != i32::from(AP_REQ) {
                return Err(DerError::MessageType);
            }
            Ok(Self {
                ap_options: message.field(2, Reader::flags)?,
                ticket: message.field(3, Ticket::read)?,
                authenticator: message.field(4, EncryptedData::read)?,
            })
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.application(AP_REQ, |message| {
            message.value(4, &self.authenticator);
            message.value(3, &self.ticket);
            message.flags_field(2, self.ap_options);
            message.int32_field(1, i32::from(AP_REQ));
            message.int32_field(0, super::VERSION);
        });
    }
}
