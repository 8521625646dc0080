//! What a KDC answered: a full TGT, opened with the keys of the request, or a refusal.

use super::fast::{FastResponse, Finished};
use super::request::Exchange;
use super::{Address, Credential, Principal, SessionKey, Times};
use crate::krb::crypto::{CipherKey, KeyUsage};
use crate::krb::der::Der;
use crate::krb::messages::{
    EncKdcRepPart, KdcRep, KerbErrorData, KerbExtError, KerbKeyListRep, KerberosTime, KrbError, PaDatas,
    PaPacOptions, PaSupportedEnctypes, ReplyType, Ticket, WireInt, pa_type,
};

pub use super::failure::ReplyError;

/// The answer to an exchange.
#[derive(Debug)]
pub enum Outcome {
    /// A ticket.
    Granted(Box<Granted>),
    /// A KRB-ERROR.
    Denied(Denied),
}

/// A TGS-REP whose encrypted part opened and belongs to the request.
#[derive(Debug)]
pub struct Granted {
    /// The full TGT.
    pub credential: Credential,
    /// Encryption type of the reply's encrypted part.
    pub reply_etype: i32,
    /// Encryption type of the ticket.
    pub ticket_etype: i32,
    /// The ticket's kvno.
    pub ticket_kvno: Option<WireInt>,
    /// Last requests by type, at least one.
    pub last_req: Vec<(i32, KerberosTime)>,
    /// When the client's own key expires.
    pub key_expiration: Option<KerberosTime>,
    /// Padata in clear, by type.
    pub padata: Vec<(i32, Vec<u8>)>,
    /// Padata under the reply key, by type.
    pub encrypted_padata: Vec<(i32, Vec<u8>)>,
    /// PA-SUPPORTED-ENCTYPES in it ([MS-KILE] 2.2.8).
    pub supported_enctypes: Option<u32>,
    /// PA-PAC-OPTIONS in it, as bits of [`pac_options`](crate::krb::messages::pac_options).
    pub pac_options: Option<u32>,
    /// The user's keys in KERB-KEY-LIST-REP.
    pub key_list: Vec<SessionKey>,
    /// The client as the reply names it in the open, which FAST may hide.
    pub client_in_the_open: Principal,
    /// What was in the armour of an armoured exchange.
    pub fast: Option<FastResponse>,
}

/// What a KRB-ERROR says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// RFC 4120 §7.5.9; [`error_name`](crate::krb::error_names::error_name) names it.
    pub code: i32,
    /// NTSTATUS, where the error carries one ([MS-KILE] 2.2.2).
    pub nt_status: Option<u32>,
    /// The KDC's clock.
    pub stime: KerberosTime,
    /// The server that was asked for.
    pub server: Principal,
    /// Text for people.
    pub text: Option<String>,
    /// e-data as it came.
    pub data: Option<Vec<u8>>,
    /// The client it names, which no KDC but for FAST does.
    pub client: Option<Principal>,
    /// Padata in the armour it came in, by type; `None` for an error in the open, which anybody can write.
    pub armored: Option<Vec<(i32, Vec<u8>)>>,
}

impl Outcome {
    /// Reads the answer to `request`.
    ///
    /// # Errors
    /// [`ReplyError`] if it is neither, does not open under the request's keys, or answers another request.
    pub fn read(reply: &[u8], request: &Exchange<'_>) -> Result<Self, ReplyError> {
        match Denied::parse(reply) {
            Some(denied) => denied.unarmored(request).map(Self::Denied),
            None => Granted::open(reply, request).map(|granted| Self::Granted(Box::new(granted))),
        }
    }

    /// The ticket, if there is one.
    #[must_use]
    pub fn granted(self) -> Option<Granted> {
        match self {
            Self::Granted(granted) => Some(*granted),
            Self::Denied(_) => None,
        }
    }

    /// The refusal, if it is one.
    #[must_use]
    pub const fn denied(&self) -> Option<&Denied> {
        match self {
            Self::Denied(denied) => Some(denied),
            Self::Granted(_) => None,
        }
    }
}

impl Denied {
    /// Reads a KRB-ERROR; `None` if the octets are none.
    #[must_use]
    pub fn parse(reply: &[u8]) -> Option<Self> {
        let error = KrbError::parse(reply).ok()?;
        let text = error.e_text.map(|text| String::from_utf8_lossy(text).into_owned());
        let crealm = error.crealm.unwrap_or_default();
        Some(Self {
            code: error.error_code,
            nt_status: error.e_data.and_then(nt_status),
            stime: error.stime,
            server: Principal::from_wire(error.realm, &error.sname),
            text,
            data: error.e_data.map(<[u8]>::to_vec),
            client: error.cname.map(|cname| Principal::from_wire(crealm, &cname)),
            armored: None,
        })
    }

    /// The error in the armour of this one, if it is an answer to an armoured request and has one (RFC 6113 §5.4.4).
    fn unarmored(self, request: &Exchange<'_>) -> Result<Self, ReplyError> {
        let method_data = self.data.as_deref().and_then(|data| PaDatas::parse(data).ok());
        let (Some(fast), Some(padata)) = (&request.fast, method_data) else { return Ok(self) };
        let inside = FastResponse::open(padata, fast, request.nonce.as_u32(), None)?.padata;
        let of_kind = |wanted| inside.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
        let error = of_kind(pa_type::FX_ERROR).ok_or(ReplyError::Unarmored)?;
        let error = Self::parse(error).ok_or(ReplyError::Unarmored)?;
        let status = of_kind(pa_type::KERB_ERROR_DATA).and_then(|value| KerbExtError::from_octets(value));
        Ok(Self {
            nt_status: status.map(|status| status.status),
            data: self.data,
            client: self.client,
            armored: Some(inside),
            ..error
        })
    }
}

/// The NTSTATUS in e-data, if that is what it holds.
fn nt_status(e_data: &[u8]) -> Option<u32> {
    let data = KerbErrorData::parse(e_data).ok()?;
    let value = data.data_value.filter(|_| data.data_type == KerbErrorData::EXTENDED)?;
    KerbExtError::from_octets(value).map(|error| error.status)
}

impl Granted {
    fn open(reply: &[u8], request: &Exchange<'_>) -> Result<Self, ReplyError> {
        let reply = KdcRep::parse(reply)?;
        if reply.msg_type != ReplyType::TgsRep {
            return Err(ReplyError::MessageType);
        }
        // RFC 4120 §3.3.4: under the subkey if the authenticator had one, else under the session key.
        let (key, usage) = match &request.subkey {
            Some(subkey) => (subkey, KeyUsage::TgsRepSubkey),
            None => (&request.session_key, KeyUsage::TgsRepSessionKey),
        };
        let fast = match &request.fast {
            Some(fast) => {
                let padata = reply.padata.unwrap_or(PaDatas::of(&[]));
                Some(FastResponse::open(padata, fast, request.nonce.as_u32(), Some(&reply.ticket))?)
            }
            None => None,
        };
        let key = key.encryption_key()?;
        let key = match &fast {
            Some(fast) => fast.strengthen(key)?,
            None => key,
        };
        if reply.enc_part.etype != key.etype().as_i32() {
            return Err(ReplyError::KeyType(reply.enc_part.etype));
        }
        let plain = CipherKey::new(&key, usage).open(reply.enc_part.cipher)?;
        let part = EncKdcRepPart::parse(&plain)?;
        if part.nonce.as_u32() != request.nonce.as_u32() {
            return Err(ReplyError::Nonce);
        }
        let encrypted_padata = owned(part.encrypted_pa_data.into_iter().flatten());
        let of_kind = |wanted: i32| {
            let mut values = encrypted_padata.iter().filter(move |(kind, _)| *kind == wanted);
            values.next().map(|(_, value)| value.as_slice())
        };
        let key_list = match of_kind(pa_type::KERB_KEY_LIST_REP) {
            Some(value) => {
                KerbKeyListRep::parse(value)?.iter().map(|key| SessionKey::from_wire(&key)).collect()
            }
            None => Vec::new(),
        };
        let client_in_the_open = Principal::from_wire(reply.crealm, &reply.cname);
        let finished = fast.as_ref().and_then(|fast| fast.finished.as_ref());
        let client = finished.map_or(&client_in_the_open, |Finished { client, .. }| client).clone();
        let credential = credential(&reply.ticket, &part, client)?;
        Ok(Self {
            credential,
            reply_etype: reply.enc_part.etype,
            ticket_etype: reply.ticket.enc_part.etype,
            ticket_kvno: reply.ticket.enc_part.kvno,
            last_req: part.last_req.iter().map(|entry| (entry.lr_type, entry.lr_value)).collect(),
            key_expiration: part.key_expiration,
            padata: owned(reply.padata.into_iter().flatten()),
            supported_enctypes: of_kind(pa_type::SUPPORTED_ENCTYPES)
                .and_then(PaSupportedEnctypes::from_octets)
                .map(|enctypes| enctypes.0),
            pac_options: of_kind(pa_type::PAC_OPTIONS)
                .map(PaPacOptions::parse)
                .transpose()?
                .map(|options| options.0),
            key_list,
            encrypted_padata,
            client_in_the_open,
            fast,
        })
    }
}

/// The ticket of a reply with what its encrypted part says of it.
pub(super) fn credential(
    ticket: &Ticket<'_>,
    part: &EncKdcRepPart<'_>,
    client: Principal,
) -> Result<Credential, ReplyError> {
    // What stands in clear must be what stands under the key (RFC 4120 §3.1.5).
    let server = Principal::from_wire(part.srealm, &part.sname);
    if server != Principal::from_wire(ticket.realm, &ticket.sname) {
        return Err(ReplyError::Server);
    }
    Ok(Credential {
        client,
        server,
        key: SessionKey::from_wire(&part.key),
        times: Times {
            authtime: part.authtime,
            starttime: part.starttime,
            endtime: part.endtime,
            renew_till: part.renew_till,
        },
        flags: part.flags,
        addresses: part.caddr.into_iter().flatten().map(|address| Address::from_wire(&address)).collect(),
        ticket: ticket.to_der(),
    })
}

fn owned<'a>(padata: impl Iterator<Item = crate::krb::messages::PaData<'a>>) -> Vec<(i32, Vec<u8>)> {
    padata.map(|padata| (padata.kind, padata.value.to_vec())).collect()
}
