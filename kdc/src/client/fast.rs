//! FAST, the device's side (RFC 6113 §5.4): the armour of a request, and what is in that of the answer.

use super::checksum::BodyChecksum;
use super::failure::{BuildError, ReplyError};
use super::{KeyUnusable, Principal, SessionKey};
use crate::krb::crypto::{CONFOUNDER_LEN, CipherKey, EncryptionKey, KeyUsage, MacKey, fx_cf2};
use crate::krb::der::Der;
use crate::krb::messages::{
    Checksum, EncryptedData, FastArmor, KdcReqBody, KerberosTime, KrbFastReq, KrbFastResponse, PaData,
    PaDatas, PaFxFastReply, PaFxFastRequest, Ticket, pa_type,
};

/// What FAST adds to a request (RFC 6113 §5.4.2): the armour that body and padata are sent in, once more.
#[derive(Debug)]
pub struct Fast {
    /// The armour key.
    pub key: SessionKey,
    /// Bits of [`fast_options`](crate::krb::messages::fast_options): none.
    pub options: u32,
    /// Type and value of explicit armour, which a TGS-REQ has none of.
    pub armor: Option<(i32, Vec<u8>)>,
    /// The checksum over the AP-REQ: keyed, of the armour key's own type.
    pub checksum: BodyChecksum,
    /// Padata inside, by type, in place of the request's.
    pub padata: Option<Vec<(i32, Vec<u8>)>>,
    /// The encoded body outside, in place of the request's, which is then inside only.
    pub outer_body: Option<Vec<u8>>,
    /// Octets to seal in place of the encoded `KrbFastReq`.
    pub sealed: Option<Vec<u8>>,
    /// Random octets, fresh for each request.
    pub confounder: [u8; CONFOUNDER_LEN],
}

impl Fast {
    /// Armour of a subkey and a ticket's session key (RFC 6113 §5.4.1.1), and nothing but.
    ///
    /// # Errors
    /// [`KeyUnusable`] if one of the keys is.
    pub fn new(
        subkey: &SessionKey,
        session_key: &SessionKey,
        confounder: [u8; CONFOUNDER_LEN],
    ) -> Result<Self, KeyUnusable> {
        let (subkey, session_key) = (subkey.encryption_key()?, session_key.encryption_key()?);
        let key = fx_cf2(&subkey, &session_key, b"subkeyarmor", b"ticketarmor");
        Ok(Self {
            key: SessionKey::of(key.etype().as_i32(), key.as_bytes()),
            options: 0,
            armor: None,
            checksum: BodyChecksum::Keyed,
            padata: None,
            outer_body: None,
            sealed: None,
            confounder,
        })
    }

    /// The encoded PA-FX-FAST-REQUEST around this body and padata, tied to the AP-REQ.
    pub(super) fn armored(
        &self,
        ap_req: &[u8],
        body: &[u8],
        padata: &[(i32, Vec<u8>)],
    ) -> Result<Vec<u8>, BuildError> {
        let key = self.key.encryption_key()?;
        let padata = borrowed(padata);
        let request = KrbFastReq {
            fast_options: self.options,
            padata: PaDatas::of(&padata),
            req_body: KdcReqBody::parse(body).map_err(BuildError::Body)?,
        };
        let plain = self.sealed.clone().unwrap_or_else(|| request.to_der());
        let mut cipher = Vec::new();
        CipherKey::new(&key, KeyUsage::FastEnc).seal(&self.confounder, &plain, &mut cipher);
        let checksum = self.checksum.of(ap_req, &key, KeyUsage::FastReqChecksum);
        let (kind, value) = checksum.as_ref().map_or((0, &[][..]), |(kind, value)| (*kind, value));
        Ok(PaFxFastRequest {
            armor: self
                .armor
                .as_ref()
                .map(|(armor_type, armor_value)| FastArmor { armor_type: *armor_type, armor_value }),
            req_checksum: Checksum { kind, value },
            enc_fast_req: EncryptedData { etype: key.etype().as_i32(), kvno: None, cipher: &cipher },
        }
        .to_der())
    }
}

/// Padata as it is written.
pub(super) fn borrowed(padata: &[(i32, Vec<u8>)]) -> Vec<PaData<'_>> {
    padata.iter().map(|(kind, value)| PaData { kind: *kind, value }).collect()
}

/// What was in the armour of an answer.
#[derive(Debug)]
pub struct FastResponse {
    /// Padata, by type.
    pub padata: Vec<(i32, Vec<u8>)>,
    /// Goes into the reply key.
    pub strengthen_key: Option<SessionKey>,
    /// Of a reply: what it was finished with.
    pub finished: Option<Finished>,
}

/// The end of an armoured exchange, the checksum over the ticket verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The KDC's clock.
    pub timestamp: KerberosTime,
    /// And its microseconds.
    pub usec: u32,
    /// Whose the ticket is, whatever is said outside.
    pub client: Principal,
    /// cksumtype of the checksum over the ticket.
    pub checksum_type: i32,
}

impl FastResponse {
    /// Opens the PA-FX-FAST of an answer. `ticket` is the one that came with it, if one did.
    ///
    /// # Errors
    /// [`ReplyError`] if there is none, if it is not of this armour or to this request, or is about another ticket.
    pub(super) fn open(
        padata: PaDatas<'_>,
        fast: &Fast,
        nonce: u32,
        ticket: Option<&Ticket<'_>>,
    ) -> Result<Self, ReplyError> {
        let value = padata.of_kind(pa_type::FX_FAST).next().ok_or(ReplyError::Unarmored)?;
        let sealed = PaFxFastReply::parse(value)?.enc_fast_rep;
        let key = fast.key.encryption_key()?;
        if sealed.etype != key.etype().as_i32() {
            return Err(ReplyError::KeyType(sealed.etype));
        }
        let plain = CipherKey::new(&key, KeyUsage::FastRep).open(sealed.cipher)?;
        let response = KrbFastResponse::parse(&plain)?;
        if response.nonce.as_u32() != nonce {
            return Err(ReplyError::Nonce);
        }
        let finished = match (response.finished, ticket) {
            (Some(finished), Some(ticket)) => {
                let checksum = MacKey::new(&key, KeyUsage::FastFinished);
                let Checksum { kind, value } = finished.ticket_checksum;
                if kind != checksum.checksum_type() || !checksum.verify(&ticket.to_der(), value) {
                    return Err(ReplyError::TicketChecksum);
                }
                Some(Finished {
                    timestamp: finished.timestamp,
                    usec: finished.usec,
                    client: Principal::from_wire(finished.crealm, &finished.cname),
                    checksum_type: kind,
                })
            }
            (None, Some(_)) => return Err(ReplyError::TicketChecksum),
            (_, None) => None,
        };
        Ok(Self {
            padata: response.padata.iter().map(|padata| (padata.kind, padata.value.to_vec())).collect(),
            strengthen_key: response.strengthen_key.as_ref().map(SessionKey::from_wire),
            finished,
        })
    }

    /// The reply key, this response's strengthen-key in it (RFC 6113 §5.4.3).
    pub(super) fn strengthen(&self, reply_key: EncryptionKey) -> Result<EncryptionKey, KeyUnusable> {
        match &self.strengthen_key {
            Some(key) => Ok(fx_cf2(&key.encryption_key()?, &reply_key, b"strengthenkey", b"replykey")),
            None => Ok(reply_key),
        }
    }
}
