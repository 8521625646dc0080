//! The shortest form of a request.

use kdc::krb::messages::{KdcReq, pa_type};
use tgtx_tests::der::{Content, Node};

/// The request with as few octets as its fields allow: no ciphers, no encryption types, shortest numbers.
pub(super) fn of(request: &[u8]) -> Vec<u8> {
    let Ok(parsed) = KdcReq::parse(request) else { return request.to_vec() };
    let has_padata = parsed.padata.is_some();
    let mut node = Node::parse(request);
    set(node.at(&[4, 7]), &[0]);
    node.at(&[4, 8]).elements().clear();
    if has_padata {
        for padata in node.at(&[3]).elements() {
            let [kind, value] = &mut padata.elements()[..] else { continue };
            let Content::Octets(kind) = &kind.elements()[0].content else { continue };
            let value = &mut value.elements()[0];
            let Content::Octets(ap_req) = &value.content else { continue };
            // PA-TGS-REQ is 1, in one octet.
            if kind[..] == [pa_type::TGS_REQ as u8] {
                let mut ap_req = Node::parse(ap_req);
                set(ap_req.at(&[4, 2]), &[]);
                set(ap_req.at(&[3]).at(&[3, 2]), &[]);
                set(value, &ap_req.to_der());
            }
        }
    }
    node.to_der()
}

fn set(node: &mut Node, octets: &[u8]) {
    node.content = Content::Octets(octets.to_vec());
}
