//! Fourth stage: an armoured request (FAST, RFC 6113 §5.4) is taken out of its armour. What stands inside counts
//! from here on, and nothing outside of it but the ticket and its authenticator.
//!
//! The armour of a TGS-REQ is implicit: the subkey of its authenticator and the session key of its ticket make the
//! armour key, so that whoever holds neither can read, change or forge nothing of request and answer. Explicit armour,
//! a second ticket, is what a device proves its identity with ([MS-KILE] 3.3.5.7.4); compound identities are not issued
//! here.

use std::sync::Arc;

use super::answer_armor::Armor;
use super::authenticator::AuthenticatedRequest;
use super::domain::Timestamp;
use super::padata::KnownPadata;
use super::refusal::{Refusal, Refused};
use super::rejected::RefusedRequest;
use super::request::Asked;
use super::ticket::OpenedTicket;
use super::wishes::{Wishes, check_exchange};
use crate::krb::crypto::{CipherKey, EncryptionKey, KeyUsage, MacKey, fx_cf2};
use crate::krb::der::Der;
use crate::krb::messages::{
    ApReq, FastArmor, KrbFastReq, MAX_PADATA, PaFxFastRequest, PaPacOptions, fast_options, pac_options,
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
    /// asks for something else is refused, not relayed: its ticket has been opened.
    ///
    /// # Errors
    /// [`RefusedRequest`] names the first check that fails; from the moment that the armour is open, it is answered in
    /// it.
    pub fn unarmor(self, now: Timestamp) -> Result<UnarmoredRequest<'r, 's, 'p>, RefusedRequest> {
        let Self { ticket, subkey } = self;
        let (wishes, armor) = match ticket.request.asked {
            Asked::Openly(wishes) => (wishes, None),
            Asked::Armored { fast, ap_req } => {
                let opened = armor_key(&fast, &ticket, subkey.as_ref())
                    .map_err(RefusedRequest::from)
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
) -> Result<(Wishes, Armor), RefusedRequest> {
    let sealed = &fast.enc_fast_req;
    if sealed.etype != key.etype().as_i32() {
        return Err(Refusal::FastIntegrity.because("not of the armour key's type").into());
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
    let padata = KnownPadata::find(request.padata);
    let armor = Armor {
        key,
        realm: body.realm.into(),
        sname: body.sname.map(|sname| sname.to_owned()),
        nonce: body.nonce,
        hides_client,
        pac_options: branch_aware_options(&padata),
    };
    match read(&request, &padata, ticket, now) {
        Ok(wishes) => Ok((wishes, armor)),
        Err(refused) => Err(RefusedRequest::from(refused).under(Some(Arc::new(armor)))),
    }
}

/// The flags of PA-PAC-OPTIONS, if the client knows branches: what is wrong with the request need not be known.
fn branch_aware_options(padata: &KnownPadata<'_>) -> Option<u32> {
    let options = PaPacOptions::parse(padata.pac_options.first()?).ok()?;
    (options.0 & pac_options::BRANCH_AWARE != 0).then_some(options.0)
}

/// What the armour holds. Of its padata, PA-TGS-REQ and PA-FX-FAST mean nothing inside and are passed over, as MIT and
/// Heimdal do: the ticket that counts is the one outside, which the checksum ties in.
fn read(
    request: &KrbFastReq<'_>,
    padata: &KnownPadata<'_>,
    ticket: &OpenedTicket<'_, '_, '_>,
    now: Timestamp,
) -> Result<Wishes, Refused> {
    let domain = ticket.request.domain;
    // As few elements as outside; their octets are among those, which are limited.
    if request.padata.len() > MAX_PADATA {
        return Err(Refusal::MessageTooLarge.into());
    }
    if padata.fx_fast_armor.is_any() {
        return Err(Refusal::FastArmor.into());
    }
    if !domain.is_realm(request.req_body.realm) {
        return Err(Refusal::WrongRealm.into());
    }
    check_exchange(&request.req_body, padata, domain, now.seconds)?;
    Wishes::read(&request.req_body, padata)
}
