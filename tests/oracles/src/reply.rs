//! What the KDC answered.

use kerberos_asn1::{EncTgsRepPart, EncTicketPart, TgsRep, Ticket};

use crate::{Key, OracleError, open, parse};

pub use kerberos_asn1::KrbError;

// RFC 4120 §7.5.1
const TICKET: i32 = 2;
const TGS_REP_SESSION_KEY: i32 = 8;
const TGS_REP_SUBKEY: i32 = 9;
/// `[APPLICATION 30]`, constructed.
const KRB_ERROR: u8 = 0x7E;

/// Either of the two answers of a KDC.
#[derive(Debug)]
pub enum Reply {
    /// A TGS-REP whose encrypted part opened.
    Issued(Box<Issued>),
    /// A KRB-ERROR.
    Refused(Box<KrbError>),
}

/// A TGS-REP and what its encrypted part holds.
#[derive(Debug)]
pub struct Issued {
    /// The message as it came.
    pub message: TgsRep,
    /// Its decrypted part.
    pub part: EncTgsRepPart,
}

impl Issued {
    /// The session key of the new ticket.
    pub fn session_key(&self) -> Key {
        Key { etype: self.part.key.keytype, value: self.part.key.keyvalue.clone() }
    }
}

/// Reads a reply to a request that [`tgs_req`](crate::tgs_req) built with this session key and subkey.
///
/// # Errors
/// [`OracleError`] when the reply is neither message or does not open with the key it should.
pub fn tgs_rep(reply: &[u8], session_key: &Key, subkey: Option<&Key>) -> Result<Reply, OracleError> {
    if reply.first() == Some(&KRB_ERROR) {
        return Ok(Reply::Refused(Box::new(parse(reply)?)));
    }
    let message: TgsRep = parse(reply)?;
    let (key, usage) = subkey.map_or((session_key, TGS_REP_SESSION_KEY), |subkey| (subkey, TGS_REP_SUBKEY));
    let part = parse(&open(key, usage, &message.enc_part.cipher)?)?;
    Ok(Reply::Issued(Box::new(Issued { message, part })))
}

/// Opens a ticket with the key of its service.
///
/// # Errors
/// [`OracleError`] when the key is another one or the content cannot be read.
pub fn open_ticket(ticket: &Ticket, key: &Key) -> Result<EncTicketPart, OracleError> {
    parse(&open(key, TICKET, &ticket.enc_part.cipher)?)
}
