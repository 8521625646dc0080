//! A look at what a message is and whose it is. Nothing in it is believed for more than where it goes.

use super::{KPASSWD_HEADER, Kind};
use crate::exchange::{Domain, Domains};
use crate::krb::der::Der;
use crate::krb::messages::{ApReq, KdcReq, RequestType, pa_type};

/// The protocol's versions: the old one, which only changes one's own password, and RFC 3244's.
const KPASSWD_VERSIONS: [u16; 2] = [0x0001, 0xff80];

/// What decides where a message is relayed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peeked<'r> {
    /// What it is.
    pub kind: Kind,
    /// The realm that is asked.
    body: Option<&'r [u8]>,
    /// The realm that issued the ticket presented.
    ticket: Option<&'r [u8]>,
}

impl<'r> Peeked<'r> {
    /// Of a request to a KDC; `None` for what is none.
    #[must_use]
    pub fn at_request(octets: &'r [u8]) -> Option<Self> {
        let message = KdcReq::parse(octets).ok()?;
        let body = Some(message.body().realm);
        if message.msg_type == RequestType::AsReq {
            return Some(Self { kind: Kind::As, body, ticket: None });
        }
        let ap_req = message.padata.and_then(|padata| padata.of_kind(pa_type::TGS_REQ).next());
        let ticket = ap_req.and_then(|ap_req| ApReq::parse(ap_req).ok()).map(|ap_req| ap_req.ticket.realm);
        Some(Self { kind: Kind::Tgs, body, ticket })
    }

    /// Of a password change (RFC 3244 §2); `None` for what is none:
    ///
    /// ```text
    /// message length   2 octets, big-endian, of all of this
    /// protocol version 2 octets
    /// AP-REQ length    2 octets
    /// AP-REQ, KRB-PRIV
    /// ```
    #[must_use]
    pub fn at_kpasswd(octets: &'r [u8]) -> Option<Self> {
        let (header, rest) = octets.split_first_chunk::<KPASSWD_HEADER>()?;
        let [length_high, length_low, version_high, version_low, ap_req_high, ap_req_low] = *header;
        let length = u16::from_be_bytes([length_high, length_low]);
        let version = u16::from_be_bytes([version_high, version_low]);
        let (ap_req, krb_priv) =
            rest.split_at_checked(usize::from(u16::from_be_bytes([ap_req_high, ap_req_low])))?;
        // Nobody answers a message without the new password, and who is waited for takes a place.
        if usize::from(length) != octets.len() || !KPASSWD_VERSIONS.contains(&version) || krb_priv.is_empty()
        {
            return None;
        }
        let ticket = ApReq::parse(ap_req).ok()?.ticket.realm;
        Some(Self { kind: Kind::Kpasswd, body: None, ticket: Some(ticket) })
    }

    /// The domain whose KDCs are to answer: that of the body's realm, else of the ticket's, else the only one. A realm
    /// may be written as its DNS or its NetBIOS name.
    #[must_use]
    pub fn domain<'d>(&self, domains: &'d Domains) -> Option<&'d Domain> {
        let named = [self.body, self.ticket].into_iter().flatten();
        let mut found = named.filter_map(|realm| domains.iter().find(|domain| domain.is_called(realm)));
        let only = || {
            let mut all = domains.iter();
            all.next().filter(|_| all.next().is_none())
        };
        found.next().or_else(only).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests;
