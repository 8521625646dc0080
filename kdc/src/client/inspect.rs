//! Into a ticket, with its key: what the client that carries it cannot see.

use pac::{
    AttributesInfo, BufferError, BufferType, ClientInfo, LogonInfo, NdrError, Pac, PacError, Sid, SidError,
    Signature, UpnDnsInfo,
};

use super::{Principal, SessionKey, Times};
use crate::krb::der::{Der, DerError};
use crate::krb::keys::{Key, Lab};
use crate::krb::messages::{EncTicketPart, Ticket};

/// A ticket opened.
#[derive(Debug)]
pub struct OpenedTicket {
    /// Its kvno's 32 bits.
    pub kvno: Option<u32>,
    /// Whose it is.
    pub client: Principal,
    /// Bits of [`ticket_flags`](crate::krb::messages::ticket_flags).
    pub flags: u32,
    /// The session key in it.
    pub key: SessionKey,
    /// Its times.
    pub times: Times,
    /// Type and contents of the transited encoding.
    pub transited: (i32, Vec<u8>),
    /// How many addresses it is bound to.
    pub addresses: usize,
    /// Its PAC, if it has exactly one where it belongs.
    pub pac: Option<OpenedPac>,
}

/// The PAC of a ticket, read.
#[derive(Debug)]
pub struct OpenedPac {
    /// Its octets.
    pub octets: Vec<u8>,
    /// Its buffers in order, with their lengths in octets.
    pub buffers: Vec<(BufferType, usize)>,
    /// LOGON_INFO
    pub logon_info: Option<LogonInfo>,
    /// CLIENT_INFO
    pub client_info: Option<ClientInfo>,
    /// UPN_DNS_INFO
    pub upn_dns_info: Option<UpnDnsInfo>,
    /// ATTRIBUTES_INFO
    pub attributes_info: Option<AttributesInfo>,
    /// REQUESTOR
    pub requestor: Option<Sid>,
    /// Checksum type and RODCIdentifier of the server's signature, and whether the ticket's key made it.
    pub server_signature: SignatureFound,
    /// The same of the KDC's signature.
    pub kdc_signature: SignatureFound,
}

/// A signature of a PAC, checked with the ticket's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureFound {
    /// Checksum type.
    pub kind: i32,
    /// RODCIdentifier.
    pub rodc_identifier: Option<u16>,
    /// Whether the key that opened the ticket made it.
    pub holds: bool,
}

impl OpenedTicket {
    /// Opens a ticket with whichever of the keys fits, those of the ticket's own kvno first.
    ///
    /// # Errors
    /// [`InspectError`] if none fits, or what it holds does not decode.
    pub fn open(ticket: &[u8], keys: &[Key<Lab>]) -> Result<Self, InspectError> {
        let ticket = Ticket::parse(ticket)?;
        let kvno = ticket.enc_part.kvno.map(|kvno| kvno.as_u32());
        let named = |key: &&Key<Lab>| Some(key.kvno()) == kvno;
        let (key, plain) = keys
            .iter()
            .filter(named)
            .chain(keys.iter().filter(|key| !named(key)))
            .filter(|key| key.etype().as_i32() == ticket.enc_part.etype)
            .find_map(|key| Some((key, key.open_ticket(ticket.enc_part.cipher).ok()?)))
            .ok_or(InspectError::NoKey { etype: ticket.enc_part.etype, kvno: kvno.unwrap_or_default() })?;
        let part = EncTicketPart::parse(&plain)?;
        let pac = match &part.authorization_data {
            Some(data) => data.pacs()?.only(),
            None => None,
        };
        Ok(Self {
            kvno,
            client: Principal::from_wire(part.crealm, &part.cname),
            flags: part.flags,
            key: SessionKey::from_wire(&part.key),
            times: Times::from(&part),
            transited: (part.transited.tr_type, part.transited.contents.to_vec()),
            addresses: part.caddr.map_or(0, |addresses| addresses.len()),
            pac: pac.map(|octets| OpenedPac::read(octets, key)).transpose()?,
        })
    }
}

impl OpenedPac {
    /// Reads a PAC and checks both signatures with `key`.
    ///
    /// # Errors
    /// [`InspectError`] if the frame, a buffer of a known type or a signature does not decode.
    pub fn read(octets: &[u8], key: &Key<Lab>) -> Result<Self, InspectError> {
        let pac = Pac::parse(octets)?;
        let server = pac.server_signature()?;
        let kdc = pac.kdc_signature()?;
        let found = |data: &[u8], signature: &Signature<'_>| SignatureFound {
            kind: signature.kind.as_i32(),
            rodc_identifier: signature.rodc_identifier,
            holds: signature.kind == key.pac_signature_type()
                && key.pac_verifier().verify(data, signature.mac),
        };
        Ok(Self {
            octets: octets.to_vec(),
            buffers: pac.buffers().iter().map(|buffer| (buffer.kind, buffer.contents.len())).collect(),
            logon_info: decode(&pac, BufferType::LOGON_INFO, LogonInfo::decode)?,
            client_info: decode(&pac, BufferType::CLIENT_INFO, ClientInfo::decode)?,
            upn_dns_info: decode(&pac, BufferType::UPN_DNS_INFO, UpnDnsInfo::decode)?,
            attributes_info: decode(&pac, BufferType::ATTRIBUTES_INFO, AttributesInfo::decode)?,
            requestor: decode(&pac, BufferType::REQUESTOR, Sid::from_bytes)?,
            server_signature: found(&pac.unsigned(), &server),
            kdc_signature: found(server.mac, &kdc),
        })
    }

    /// The SIDs a service would see as groups: the domain's by RID, primary group included where it is
    /// listed, then extra SIDs, in the PAC's order.
    #[must_use]
    pub fn groups(&self) -> Vec<Sid> {
        let Some(logon_info) = &self.logon_info else {
            return Vec::new();
        };
        let of_domain =
            logon_info.groups.iter().filter_map(|group| logon_info.logon_domain_id.with_rid(group.rid));
        let extra = logon_info.extra_sids.iter().map(|extra| extra.sid);
        of_domain.chain(extra).collect()
    }
}

fn decode<T, E: Into<InspectError>>(
    pac: &Pac<'_>,
    kind: BufferType,
    read: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<Option<T>, InspectError> {
    pac.buffer(kind).map(read).transpose().map_err(Into::into)
}

/// Why a ticket cannot be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// No key given opens it.
    #[error("no key given opens the ticket, which names encryption type {etype} and kvno {kvno}")]
    NoKey {
        /// The ticket's encryption type.
        etype: i32,
        /// Its kvno, 0 where it has none.
        kvno: u32,
    },
    /// It, or what is in it, is not what it should be.
    #[error("the ticket does not decode: {0}")]
    Malformed(#[from] DerError),
    /// The PAC's frame or a signature.
    #[error(transparent)]
    Pac(#[from] PacError),
    /// LOGON_INFO.
    #[error("LOGON_INFO: {0}")]
    LogonInfo(#[from] NdrError),
    /// Another buffer of the PAC.
    #[error("a buffer of the PAC: {0}")]
    Buffer(#[from] BufferError),
    /// PAC_REQUESTOR.
    #[error("PAC_REQUESTOR: {0}")]
    Requestor(#[from] SidError),
}
