//! Fourth stage: an armoured request (FAST, RFC 6113 §5.4) is taken out of its armour. What stands inside counts
//! from here on, and nothing outside of it but the ticket and its authenticator.
//!
//! The armour of a TGS-REQ is implicit: the subkey of its authenticator and the session key of its ticket make the
//! armour key, so that whoever holds neither can read, change or forge nothing of request and answer. Explicit armour,
//! a second ticket, is what a device proves its identity with ([MS-KILE] 3.3.5.7.4); compound identities are not issued
//! here.

use std::fmt;
use std::sync::Arc;

use super::authenticator::AuthenticatedRequest;
use super::domain::Timestamp;
use super::refusal::{Refusal, Refused};
use super::request::Asked;
use super::ticket::OpenedTicket;
use super::wishes::{Wishes, check_exchange, has};
use crate::krb::crypto::{CONFOUNDER_LEN, CipherKey, EncryptionKey, KeyUsage, MacKey, fx_cf2};
use crate::krb::der::Der;
use crate::krb::messages::{
    ApReq, Checksum, EncryptedData, EncryptionKeyView, FastArmor, KdcRep, KrbFastFinished, KrbFastReq,
    KrbFastResponse, MAX_PADATA, PaData, PaDatas, PaFxFastReply, PaFxFastRequest, PaPacOptions, PrincipalNameBuf,
    WireInt, anonymous, fast_options, pa_type, pac_options,
};

/// A request that is out of its armour, or came without one, and asks for an exchange.
#[derive(Debug)]
pub struct UnarmoredRequest<'r, 's, 'p> {
    pub(super) ticket: OpenedTicket<'r, 's, 'p>,
    /// The authenticator's.
    pub(super) subkey: Option<EncryptionKey>,
    pub(super) wishes: Wishes,
    /// The answer goes into the same armour.
    pub(super) armor: Option<Arc<Armor>>,
}

impl<'r, 's, 'p> AuthenticatedRequest<'r, 's, 'p> {
    /// Opens the armour, if there is one, and holds what is inside against the rules of an exchange. A request that
    /// asks for something else inside than outside is refused, not relayed: its ticket has been opened.
    ///
    /// # Errors
    /// [`Refused`] names the first check that fails; from the moment that the armour is open, it is answered in it.
    pub fn unarmor(self, now: Timestamp) -> Result<UnarmoredRequest<'r, 's, 'p>, Refused> {
        let Self { ticket, subkey } = self;
        let (wishes, armor) = match ticket.request.asked {
            Asked::Openly(wishes) => (wishes, None),
            Asked::Armored { fast, ap_req } => {
                let opened = armor_key(&fast, &ticket, subkey.as_ref())
                    .and_then(|key| open(&fast, ap_req, key, &ticket, now));
                match opened {
                    Ok((wishes, armor)) => (wishes, Some(Arc::new(armor))),
                    Err(refused) => return Err(refused.about(ticket.who())),
                }
            }
        };
        Ok(UnarmoredRequest { ticket, subkey, wishes, armor })
    }
}

/// RFC 6113 §5.4.1.1, implicit armour.
fn armor_key(
    fast: &PaFxFastRequest<'_>,
    ticket: &OpenedTicket<'_, '_, '_>,
    subkey: Option<&EncryptionKey>,
) -> Result<EncryptionKey, Refused> {
    let subkey = subkey.ok_or(Refusal::FastWithoutSubkey)?;
    match &fast.armor {
        None => Ok(fx_cf2(subkey, &ticket.session_key, b"subkeyarmor", b"ticketarmor")),
        // Said apart because it is an attack: a branch may vouch for its own users only, and armour vouches for others.
        Some(armor) if holds_partial_tgt(armor) => Err(Refusal::FastPartialArmor.into()),
        Some(_) => Err(Refusal::FastExplicitArmor.into()),
    }
}

fn holds_partial_tgt(armor: &FastArmor<'_>) -> bool {
    ApReq::parse(armor.armor_value)
        .ok()
        .and_then(|ap_req| ap_req.ticket.enc_part.kvno)
        .is_some_and(|kvno| kvno.as_u32() > u32::from(u16::MAX))
}

/// RFC 6113 §5.4.2: the request under the armour key, tied to this AP-REQ by the checksum beside it.
fn open(
    fast: &PaFxFastRequest<'_>,
    ap_req: &[u8],
    key: EncryptionKey,
    ticket: &OpenedTicket<'_, '_, '_>,
    now: Timestamp,
) -> Result<(Wishes, Armor), Refused> {
    let sealed = &fast.enc_fast_req;
    if sealed.etype != key.etype().as_i32() {
        return Err(Refusal::FastIntegrity.because("not of the armour key's type"));
    }
    let plain =
        CipherKey::new(&key, KeyUsage::FastEnc).open(sealed.cipher).map_err(|_| Refusal::FastIntegrity)?;
    let request = KrbFastReq::parse(&plain).map_err(|_| Refusal::FastMalformed)?;
    let checksum = MacKey::new(&key, KeyUsage::FastReqChecksum);
    if fast.req_checksum.kind != checksum.checksum_type() {
        return Err(Refusal::FastChecksumType.into());
    }
    if !checksum.verify(ap_req, fast.req_checksum.value) {
        return Err(Refusal::FastChecksumMismatch.into());
    }
    // What the option asks of the answer is not known, so neither is how to armour it: Windows too says this in the open.
    if request.fast_options & fast_options::CRITICAL & !fast_options::HIDE_CLIENT_NAMES != 0 {
        return Err(Refusal::FastOption.into());
    }
    let hides_client = request.fast_options & fast_options::HIDE_CLIENT_NAMES != 0;
    let body = &request.req_body;
    let armor = Armor {
        key,
        realm: body.realm.into(),
        sname: body.sname.map(|sname| sname.to_owned()),
        nonce: body.nonce,
        hides_client,
        pac_options: branch_aware_options(request.padata),
    };
    match read(&request, ticket, now) {
        Ok(wishes) => Ok((wishes, armor)),
        Err(refused) => Err(refused.under(Some(Arc::new(armor)))),
    }
}

/// The flags of PA-PAC-OPTIONS, if the client knows branches: what is wrong with the request need not be known.
fn branch_aware_options(padata: PaDatas<'_>) -> Option<u32> {
    let options = PaPacOptions::parse(padata.of_kind(pa_type::PAC_OPTIONS).next()?).ok()?;
    (options.0 & pac_options::BRANCH_AWARE != 0).then_some(options.0)
}

/// What the armour holds. Of its padata, PA-TGS-REQ and PA-FX-FAST mean nothing inside and are passed over, as MIT and
/// Heimdal do: the ticket that counts is the one outside, which the checksum ties in.
fn read(
    request: &KrbFastReq<'_>,
    ticket: &OpenedTicket<'_, '_, '_>,
    now: Timestamp,
) -> Result<Wishes, Refused> {
    let domain = ticket.request.domain;
    // As few elements as outside; their octets are among those, which are limited.
    if request.padata.len() > MAX_PADATA {
        return Err(Refusal::MessageTooLarge.into());
    }
    if has(request.padata, pa_type::FX_FAST_ARMOR) {
        return Err(Refusal::FastArmor.into());
    }
    if !domain.is_realm(request.req_body.realm) {
        return Err(Refusal::WrongRealm.into());
    }
    check_exchange(&request.req_body, request.padata, domain, now.seconds)?;
    Wishes::read(&request.req_body, request.padata)
}

/// The armour of a request, for the answer to it.
pub struct Armor {
    key: EncryptionKey,
    /// That of the body inside.
    pub(super) realm: Box<[u8]>,
    /// Likewise, if it names a server.
    pub(super) sname: Option<PrincipalNameBuf>,
    /// Likewise.
    pub(super) nonce: WireInt,
    /// hide-client-names: the client's name is told inside only.
    pub(super) hides_client: bool,
    /// The flags of PA-PAC-OPTIONS, of a client that knows branches.
    pub(super) pac_options: Option<u32>,
}

impl Armor {
    /// The encoded PA-FX-FAST-REPLY with this in it (RFC 6113 §5.4.3).
    pub(super) fn seal(&self, response: &KrbFastResponse<'_>, confounder: &[u8; CONFOUNDER_LEN]) -> Vec<u8> {
        let mut cipher = Vec::new();
        CipherKey::new(&self.key, KeyUsage::FastRep).seal(confounder, &response.to_der(), &mut cipher);
        let etype = self.key.etype().as_i32();
        PaFxFastReply { enc_fast_rep: EncryptedData { etype, kvno: None, cipher: &cipher } }.to_der()
    }

    /// The encoded reply with the armour's part of it (RFC 6113 §5.4.3): the key that goes into its key, and the proof
    /// that this KDC issued this ticket to this client.
    pub(super) fn reply(
        &self,
        reply: KdcRep<'_>,
        strengthen_key: &EncryptionKey,
        now: Timestamp,
        confounder: &[u8; CONFOUNDER_LEN],
    ) -> Vec<u8> {
        let checksum = MacKey::new(&self.key, KeyUsage::FastFinished);
        let ticket_mac = checksum.mac(&reply.ticket.to_der());
        let strengthen_key =
            EncryptionKeyView { etype: strengthen_key.etype().as_i32(), value: strengthen_key.as_bytes() };
        let response = KrbFastResponse {
            padata: PaDatas::of(&[]),
            strengthen_key: Some(strengthen_key),
            finished: Some(KrbFastFinished {
                timestamp: now.seconds,
                usec: now.microseconds,
                crealm: reply.crealm,
                cname: reply.cname,
                ticket_checksum: Checksum { kind: checksum.checksum_type(), value: ticket_mac.as_bytes() },
            }),
            nonce: self.nonce,
        };
        let sealed = self.seal(&response, confounder);
        let padata = [PaData { kind: pa_type::FX_FAST, value: &sealed }];
        let armored = KdcRep { padata: Some(PaDatas::of(&padata)), ..reply };
        if self.hides_client {
            KdcRep { crealm: anonymous::REALM, cname: anonymous::NAME, ..armored }.to_der()
        } else {
            armored.to_der()
        }
    }
}

impl fmt::Debug for Armor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Armor({}, redacted)", self.key.etype())
    }
}
