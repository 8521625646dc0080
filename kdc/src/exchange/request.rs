//! First stage: from bytes to a request that is ours to answer. No key is touched here.

use super::domain::{Domain, Snapshot};
use super::refusal::{Refusal, Refused, Rejected};
use crate::krb::der::Der;
use crate::krb::keys::BranchKeys;
use crate::krb::messages::{
    ApReq, EncryptedData, KdcReq, KdcReqBody, KerbKeyListReq, KerberosTime, PaPacOptions, RequestError,
    RequestType, VERSION, kdc_options, pa_type,
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
        if message.padata.is_none_or(|padata| padata.is_empty()) {
            return Err(Refusal::NoPadata.into());
        }
        let mut tgs_reqs = message.padata_of_kind(pa_type::TGS_REQ);
        let tgs_req = tgs_reqs.next().ok_or(Refusal::NoTgsReq)?;
        if tgs_reqs.next().is_some() {
            return Err(Refusal::DuplicatePadata.into());
        }
        let ap_req = ApReq::parse(tgs_req).map_err(|_| Rejected::Dropped)?;
        Ok(Self { message, ap_req })
    }

    /// Finds the domain and the branch that the request is for, or says that it is not ours: the one
    /// definition of what is exchanged here.
    ///
    /// # Errors
    /// [`Rejected::NotOurs`] for everything that a domain controller would answer with something
    /// other than an exchange.
    pub fn claim<'s>(self, snapshot: &Snapshot<'s>) -> Result<ClaimedRequest<'r, 's>, Rejected> {
        if self.has_padata(pa_type::FX_FAST) {
            return Err(not_ours(Refusal::Fast));
        }
        if self.has_padata(pa_type::FX_FAST_ARMOR) {
            return Err(Refusal::FastArmor.into());
        }
        let body = self.message.body();
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
            body: *self.message.body(),
            body_der: self.message.body_der(),
            wishes,
            domain,
            branch,
        })
    }

    /// A ticket for krbtgt, now, with nothing that an exchange does not have.
    fn is_an_exchange(
        &self,
        body: &KdcReqBody<'_>,
        domain: &Domain,
        now: KerberosTime,
    ) -> Result<(), Rejected> {
        // A service that impersonates or asks user-to-user names itself as sname, so these come before it.
        if self.has_padata(pa_type::FOR_USER) || self.has_padata(pa_type::S4U_X509_USER) {
            return Err(not_ours(Refusal::S4u));
        }
        if body.kdc_options & kdc_options::POSTDATED != 0 {
            return Err(not_ours(Refusal::Postdated));
        }
        if body.kdc_options & !EXCHANGE_OPTIONS != 0 {
            return Err(not_ours(Refusal::KdcOption));
        }
        if !body.sname.as_ref().is_some_and(|sname| domain.is_krbtgt(sname)) {
            return Err(not_ours(Refusal::ServiceTicket));
        }
        if body.enc_authorization_data.is_some() || body.additional_tickets.is_some() {
            return Err(not_ours(Refusal::UnsupportedField));
        }
        if body.from.is_some_and(|from| from > now.saturating_add(domain.rules.clock_skew)) {
            return Err(not_ours(Refusal::Postdated));
        }
        Ok(())
    }

    fn has_padata(&self, kind: i32) -> bool {
        self.message.padata_of_kind(kind).next().is_some()
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
    pub(super) body: KdcReqBody<'r>,
    /// The body's octets as received: what the authenticator's checksum covers.
    pub(super) body_der: &'r [u8],
    pub(super) wishes: Wishes,
    pub(super) domain: &'s Domain,
    pub(super) branch: &'s BranchKeys,
}

/// What the padata ask for beside the ticket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wishes {
    /// The flags of PA-PAC-OPTIONS ([MS-KILE] 2.2.10); 0 without.
    pub(super) pac_options: u32,
    /// KERB-KEY-LIST-REQ ([MS-KILE] 2.2.11) is there and sensible.
    pub(super) key_list: bool,
}

impl Wishes {
    /// More types than this in a KERB-KEY-LIST-REQ is no wish that anybody has.
    const KEY_LIST_TYPES: usize = 16;

    fn read(message: &KdcReq<'_>) -> Result<Self, Refused> {
        let malformed = |_| Refused::from(Refusal::MalformedPadata);
        let mut wishes = Self::default();
        if let Some(value) = only(message, pa_type::PAC_OPTIONS)? {
            wishes.pac_options = PaPacOptions::parse(value).map_err(malformed)?.0;
        }
        if let Some(value) = only(message, pa_type::KERB_KEY_LIST_REQ)? {
            let types = KerbKeyListReq::parse(value).map_err(malformed)?.len();
            wishes.key_list = (1..=Self::KEY_LIST_TYPES).contains(&types);
        }
        Ok(wishes)
    }
}

/// The value of the one element of padata of this type.
fn only<'r>(message: &KdcReq<'r>, kind: i32) -> Result<Option<&'r [u8]>, Refused> {
    let mut values = message.padata_of_kind(kind);
    let first = values.next();
    if values.next().is_some() { Err(Refusal::DuplicatePadata.into()) } else { Ok(first) }
}
