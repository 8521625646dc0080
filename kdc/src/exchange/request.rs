//! First stage: from bytes to a request that is ours to answer. No key is touched here.

use std::time::Duration;

use super::domain::{Domain, Snapshot};
use super::refusal::{Dropped, Refusal, Refused, Rejected};
use crate::krb::keys::BranchKeys;
use crate::krb::messages::{
    ApReq, EncryptedData, KdcReq, KdcReqBody, KerberosTime, PaData, RequestError, kdc_options, msg_type, padata,
};

/// The options an exchange may have (RFC 4120 §5.4.1); any other is a domain controller's business.
const EXCHANGE_OPTIONS: u32 = kdc_options::FORWARDABLE
    | kdc_options::PROXIABLE
    | kdc_options::RENEWABLE
    | kdc_options::RENEWABLE_OK
    | kdc_options::CANONICALIZE
    | kdc_options::DISABLE_TRANSITED_CHECK;

/// A message that decodes as a TGS-REQ with one AP-REQ in it.
#[derive(Debug)]
pub struct TgsRequest<'r> {
    message: KdcReq<'r>,
    ap_req: ApReq<'r>,
}

impl<'r> TgsRequest<'r> {
    /// Reads a TGS-REQ (RFC 4120 §5.4.1) and the AP-REQ in its PA-TGS-REQ.
    ///
    /// # Errors
    /// What does not decode or is no request is dropped; an AS-REQ is not ours.
    pub fn parse(bytes: &'r [u8]) -> Result<Self, Rejected> {
        let message = KdcReq::parse(bytes).map_err(|error| match error {
            RequestError::TooLarge => Rejected::from(Refusal::MessageTooLarge),
            RequestError::NotARequest => Rejected::Dropped(Dropped::NotARequest),
            RequestError::Malformed(_) => Rejected::Dropped(Dropped::Malformed),
        })?;
        if message.pvno != 5 {
            return Err(Refusal::ProtocolVersion.into());
        }
        if message.msg_type == msg_type::AS_REQ {
            return Err(Rejected::NotOurs(Refusal::AsRequest.into()));
        }
        if message.padata.is_empty() {
            return Err(Refusal::NoPadata.into());
        }
        let mut tgs_reqs = message.padata.iter().filter(|padata| padata.kind == padata::TGS_REQ);
        let (Some(tgs_req), None) = (tgs_reqs.next(), tgs_reqs.next()) else {
            let several = message.padata.iter().any(|padata| padata.kind == padata::TGS_REQ);
            return Err(if several { Refusal::DuplicatePadata } else { Refusal::NoTgsReq }.into());
        };
        let ap_req = ApReq::parse(tgs_req.value).map_err(|_| Rejected::Dropped(Dropped::Malformed))?;
        Ok(Self { message, ap_req })
    }

    /// Finds the domain and the branch that the request is for, or says that it is not ours: the one
    /// definition of what is exchanged here.
    ///
    /// # Errors
    /// [`Rejected::NotOurs`] for everything that a domain controller would answer with something
    /// other than an exchange.
    pub fn claim<'s>(self, snapshot: &Snapshot<'s>) -> Result<ClaimedRequest<'r, 's>, Rejected> {
        if self.has_padata(padata::FX_FAST) {
            return Err(not_ours(Refusal::Fast));
        }
        if self.has_padata(padata::FX_FAST_ARMOR) {
            return Err(Refusal::FastArmor.into());
        }
        let body = &self.message.body;
        let ticket = &self.ap_req.ticket;
        let domain = snapshot.domains.find(ticket.realm).ok_or(not_ours(Refusal::WrongRealm))?;
        if !domain.is_realm(body.realm) {
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
        self.is_an_exchange(body, domain, snapshot.now.seconds)?;

        let wishes = Wishes::read(&self.message)?;
        Ok(ClaimedRequest {
            ticket: ticket.enc_part,
            ticket_version: u16::from_be_bytes([version_high, version_low]),
            authenticator: self.ap_req.authenticator,
            body: self.message.body,
            body_raw: self.message.body_raw,
            wishes,
            domain,
            branch,
        })
    }

    /// A ticket for krbtgt, now, with nothing that an exchange does not have.
    fn is_an_exchange(&self, body: &KdcReqBody<'_>, domain: &Domain, now: KerberosTime) -> Result<(), Rejected> {
        if !body.sname.as_ref().is_some_and(|sname| domain.is_krbtgt(sname)) {
            return Err(not_ours(Refusal::ServiceTicket));
        }
        if body.kdc_options & kdc_options::POSTDATED != 0 {
            return Err(not_ours(Refusal::Postdated));
        }
        if body.kdc_options & !EXCHANGE_OPTIONS != 0 {
            return Err(not_ours(Refusal::KdcOption));
        }
        if body.enc_authorization_data.is_some() || body.additional_tickets {
            return Err(not_ours(Refusal::UnsupportedField));
        }
        if self.has_padata(padata::FOR_USER) || self.has_padata(padata::S4U_X509_USER) {
            return Err(not_ours(Refusal::S4u));
        }
        if body.from.is_some_and(|from| from > now.saturating_add(domain.rules.clock_skew)) {
            return Err(not_ours(Refusal::Postdated));
        }
        Ok(())
    }

    fn has_padata(&self, kind: i32) -> bool {
        self.message.padata.iter().any(|padata| padata.kind == kind)
    }
}

fn not_ours(reason: Refusal) -> Rejected {
    Rejected::NotOurs(reason.into())
}
