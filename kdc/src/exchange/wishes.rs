//! What is asked for beside the ticket: that it is an exchange, and how the full TGT is wished to be.
//!
//! Of a plain request it stands in the message, of an armoured one in the armour, and there it counts alone (RFC 6113
//! §5.4.2).

use super::domain::Domain;
use super::padata::KnownPadata;
use super::refusal::{Refusal, Refused};
use super::requested_keys::RequestedKeys;
use super::who::Asked;
use crate::krb::crypto::EncryptionType;
use crate::krb::der::Der;
use crate::krb::messages::{
    Etypes, KdcReqBody, KerbKeyListReq, KerberosTime, PaPacOptions, WireInt, kdc_options, pac_options,
};

/// The options an exchange may have (RFC 4120 §5.4.1); any other is a domain controller's business.
const EXCHANGE_OPTIONS: u32 = kdc_options::FORWARDABLE
    | kdc_options::PROXIABLE
    | kdc_options::RENEWABLE
    | kdc_options::RENEWABLE_OK
    | kdc_options::CANONICALIZE
    | kdc_options::DISABLE_TRANSITED_CHECK;

/// A ticket for krbtgt, now, with nothing that an exchange does not have.
pub(super) fn check_exchange(
    body: &KdcReqBody<'_>,
    padata: &KnownPadata<'_>,
    domain: &Domain,
    now: KerberosTime,
) -> Result<(), Refusal> {
    // A service that impersonates or asks user-to-user names itself as sname, so these come before it.
    if padata.for_user.is_any() || padata.s4u_x509_user.is_any() {
        return Err(Refusal::S4u);
    }
    if body.kdc_options & kdc_options::POSTDATED != 0 {
        return Err(Refusal::Postdated);
    }
    if body.kdc_options & !EXCHANGE_OPTIONS != 0 {
        return Err(Refusal::KdcOption);
    }
    if !body.sname.as_ref().is_some_and(|sname| domain.is_krbtgt(sname)) {
        return Err(Refusal::ServiceTicket);
    }
    if body.enc_authorization_data.is_some() || body.additional_tickets.is_some() {
        return Err(Refusal::UnsupportedField);
    }
    if body.from.is_some_and(|from| from > now.saturating_add(domain.rules.clock_skew)) {
        return Err(Refusal::Postdated);
    }
    Ok(())
}

/// How the full TGT is wished to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes {
    /// Bits of [`kdc_options`].
    pub(super) kdc_options: u32,
    /// Wanted end.
    pub(super) till: KerberosTime,
    /// Wanted end of renewal.
    pub(super) rtime: Option<KerberosTime>,
    /// Echoed in the reply.
    pub(super) nonce: WireInt,
    /// Types that the session key may have.
    pub(super) etypes: ListedEtypes,
    /// The flags of PA-PAC-OPTIONS ([MS-KILE] 2.2.10); 0 without.
    pub(super) pac_options: u32,
    /// KERB-KEY-LIST-REQ ([MS-KILE] 2.2.11), if there is one that makes sense.
    pub(super) key_list: Option<RequestedKeys>,
}

impl Wishes {
    pub(super) fn read(body: &KdcReqBody<'_>, padata: &KnownPadata<'_>) -> Result<Self, Refused> {
        let malformed = |_| Refused::from(Refusal::MalformedPadata);
        let pac_options = match padata.pac_options.only()? {
            Some(value) => PaPacOptions::parse(value).map_err(malformed)?.0,
            None => 0,
        };
        let key_list = match padata.key_list.only()? {
            Some(value) => RequestedKeys::read(&KerbKeyListReq::parse(value).map_err(malformed)?),
            None => None,
        };
        Ok(Self {
            kdc_options: body.kdc_options,
            till: body.till,
            rtime: body.rtime,
            nonce: body.nonce,
            etypes: ListedEtypes::read(body.etypes),
            pac_options,
            key_list,
        })
    }

    /// What of it is told.
    pub(super) const fn asked(&self) -> Asked {
        Asked { kdc_options: self.kdc_options, key_list: self.key_list.is_some() }
    }

    /// Whether the client knows branches ([MS-KILE] 2.2.10).
    pub(super) const fn is_branch_aware(&self) -> bool {
        self.pac_options & pac_options::BRANCH_AWARE != 0
    }

    /// Whether the client takes the server's name as the KDC writes it (RFC 6806 §5).
    pub(super) const fn canonicalizes(&self) -> bool {
        self.kdc_options & kdc_options::CANONICALIZE != 0
    }
}

/// Which encryption types a client lists, of those there are here, a bit for each: the order is ours (CVE-2022-37966).
#[derive(Debug, Clone, Copy)]
pub(super) struct ListedEtypes(u32);

impl ListedEtypes {
    /// Types that a client can list before the rest is ignored.
    const READ: usize = 32;

    fn read(listed: Etypes<'_>) -> Self {
        let known = listed.iter().take(Self::READ).filter_map(EncryptionType::from_i32);
        Self(known.fold(0, |bits, etype| bits | Self::bit(etype)))
    }

    /// Whether the client lists this type.
    pub(super) fn contains(self, etype: EncryptionType) -> bool {
        self.0 & Self::bit(etype) != 0
    }

    /// That of its number: none is above 31.
    const fn bit(etype: EncryptionType) -> u32 {
        1_u32.wrapping_shl(etype as u32)
    }
}
