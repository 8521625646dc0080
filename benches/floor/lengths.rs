//! How many octets of an exchange are encrypted and signed, read off its messages.
#![expect(clippy::expect_used, reason = "a bench without its fixture measures nothing")]

use std::slice;

use kdc::client::inspect::OpenedTicket;
use kdc::krb::der::Der;
use kdc::krb::messages::{ApReq, KdcRep, KdcReq, pa_type};
use tgtx_tests::scene::{BRANCH_KEY, KRBTGT_KEYS, Scene};

/// Octets of HMAC-SHA1-96.
pub(crate) const MAC_LEN: usize = 12;

/// Octets of encrypted parts without their MACs, of what is hashed, and of PACs.
pub(crate) struct Lengths {
    pub(crate) partial_ticket: usize,
    pub(crate) authenticator: usize,
    pub(crate) body: usize,
    pub(crate) partial_pac: usize,
    pub(crate) full_pac: usize,
    pub(crate) full_ticket: usize,
    pub(crate) reply: usize,
}

impl Lengths {
    pub(crate) fn of(scene: &Scene) -> Self {
        let octets = scene.encode();
        let request = KdcReq::parse(&octets).expect("a request");
        let ap_req = request.padata.into_iter().flat_map(|padata| padata.of_kind(pa_type::TGS_REQ)).next();
        let ap_req = ApReq::parse(ap_req.expect("PA-TGS-REQ")).expect("an AP-REQ");

        let full = scene.full();
        let reply = KdcRep::parse(&full.issued.reply).expect("a reply");
        let partial = &scene.credential().ticket;
        let pac_len = |ticket: OpenedTicket| ticket.pac.map(|pac| pac.octets.len()).expect("a PAC");
        let open = |ticket: &[u8], keys| OpenedTicket::open(ticket, keys).expect("a ticket");
        Self {
            partial_ticket: without_mac(ap_req.ticket.enc_part.cipher),
            authenticator: without_mac(ap_req.authenticator.cipher),
            body: request.body_der().len(),
            partial_pac: pac_len(open(partial, slice::from_ref(&*BRANCH_KEY))),
            full_pac: pac_len(open(&full.granted.credential.ticket, &*KRBTGT_KEYS)),
            full_ticket: without_mac(reply.ticket.enc_part.cipher),
            reply: without_mac(reply.enc_part.cipher),
        }
    }
}

fn without_mac(cipher: &[u8]) -> usize {
    cipher.len().saturating_sub(MAC_LEN)
}
