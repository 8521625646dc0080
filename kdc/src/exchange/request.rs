//! First stage: from bytes to a request that is ours to answer. No key is touched here.

use super::domain::{Domain, Snapshot};
use super::padata::KnownPadata;
use super::refusal::Refusal;
use super::rejected::Rejected;
use super::wishes::{Wishes, check_exchange};
use crate::krb::der::Der;
use crate::krb::keys::BranchKeys;
use crate::krb::messages::{
    ApReq, EncryptedData, KdcReq, PaFxFastRequest, RequestError, RequestType, VERSION,
};

/// A message that decodes as a TGS-REQ with one AP-REQ in it.
#[derive(Debug)]
pub struct TgsRequest<'r> {
    message: KdcReq<'r>,
    padata: KnownPadata<'r>,
    ap_req: ApReq<'r>,
    ap_req_der: &'r [u8],
    /// PA-FX-FAST: the request proper is in an armour.
    fast: Option<PaFxFastRequest<'r>>,
}

impl<'r> TgsRequest<'r> {
    /// Reads a TGS-REQ (RFC 4120 §5.4.1) and the AP-REQ in its PA-TGS-REQ.
    ///
    /// # Errors
    /// What does not decode or is no request is dropped; an AS-REQ is not ours.
    pub fn parse(octets: &'r [u8]) -> Result<Self, Rejected> {
        let message = KdcReq::parse(octets).map_err(|error| match error {
            RequestError::PadataTooLarge => Refusal::MessageTooLarge.into(),
            RequestError::Malformed(_) => Rejected::Dropped,
        })?;
        if message.pvno != VERSION {
            return Err(Refusal::ProtocolVersion.into());
        }
        if message.msg_type == RequestType::AsReq {
            return Err(not_ours(Refusal::AsRequest));
        }
        let padata = message.padata.filter(|padata| !padata.is_empty()).ok_or(Refusal::NoPadata)?;
        let padata = KnownPadata::find(padata);
        let ap_req_der = padata.tgs_req.only()?.ok_or(Refusal::NoTgsReq)?;
        let ap_req = ApReq::parse(ap_req_der).map_err(|_| Rejected::Dropped)?;
        let fast = match padata.fx_fast.only()? {
            Some(value) => Some(PaFxFastRequest::parse(value).map_err(|_| Refusal::MalformedPadata)?),
            None => None,
        };
        if padata.fx_fast_armor.is_any() {
            return Err(Refusal::FastArmor.into());
        }
        Ok(Self { message, padata, ap_req, ap_req_der, fast })
    }

    /// Finds the domain and the branch that the request is for, or says that it is not ours: the one
    /// definition of what is exchanged here. Of an armoured request the ticket alone says so: what stands beside it
    /// outside of the armour is there for a KDC without FAST, and anybody can write it.
    ///
    /// # Errors
    /// [`Rejected::NotOurs`] for everything that a domain controller would answer with something
    /// other than an exchange.
    pub fn claim<'s>(self, snapshot: &Snapshot<'s>) -> Result<ClaimedRequest<'r, 's>, Rejected> {
        let body = self.message.body();
        let ticket = &self.ap_req.ticket;
        let domain = snapshot.domains.find(ticket.realm).ok_or(not_ours(Refusal::WrongRealm))?;
        if self.fast.is_none() && !domain.is_realm(body.realm) {
            return Err(not_ours(Refusal::WrongRealm));
        }
        if !domain.is_krbtgt(&ticket.sname) {
            return Err(not_ours(Refusal::TicketNotKrbtgt));
        }
        // [MS-KILE] 3.1.5.8: the branch number is the high half of the kvno, read as unsigned.
        let kvno = ticket.enc_part.kvno.map_or(0, |kvno| kvno.as_u32());
        let [number_high, number_low, version_high, version_low] = kvno.to_be_bytes();
        let number = u16::from_be_bytes([number_high, number_low]);
        if number == 0 {
            return Err(not_ours(Refusal::NotPartial));
        }
        let branch = domain.keys.branch(number).ok_or(not_ours(Refusal::UnknownBranch))?;
        let asked = match self.fast {
            Some(fast) => Asked::Armored { fast, ap_req: self.ap_req_der },
            None => {
                check_exchange(body, &self.padata, domain, snapshot.now.seconds).map_err(not_ours)?;
                Asked::Openly(Wishes::read(body, &self.padata)?)
            }
        };
        Ok(ClaimedRequest {
            ticket: ticket.enc_part,
            ticket_version: u16::from_be_bytes([version_high, version_low]),
            authenticator: self.ap_req.authenticator,
            body_der: self.message.body_der(),
            asked,
            domain,
            branch,
        })
    }
}

fn not_ours(reason: Refusal) -> Rejected {
    Rejected::NotOurs(reason.into())
}

/// A request for an exchange with one of our domains, its ticket still sealed.
#[derive(Debug)]
pub struct ClaimedRequest<'r, 's> {
    pub(super) ticket: EncryptedData<'r>,
    /// The low half of the kvno: a hint, not a selector. Tools send 0, Entra ID a number of its own.
    pub(super) ticket_version: u16,
    pub(super) authenticator: EncryptedData<'r>,
    /// The body's octets as received: what the authenticator's checksum covers.
    pub(super) body_der: &'r [u8],
    pub(super) asked: Asked<'r>,
    pub(super) domain: &'s Domain,
    pub(super) branch: &'s BranchKeys,
}

/// Where it is said what is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'r> {
    /// In the message, for everybody to read.
    Openly(Wishes),
    /// In an armour, in place of the message's own body and padata.
    Armored {
        /// PA-FX-FAST.
        fast: PaFxFastRequest<'r>,
        /// The octets of PA-TGS-REQ, which the armour is tied to.
        ap_req: &'r [u8],
    },
}

impl Asked<'_> {
    /// Whether it is in an armour.
    pub(super) const fn is_armored(&self) -> bool {
        matches!(self, Self::Armored { .. })
    }
}
