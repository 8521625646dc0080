//! The first message of a password sign-in, which is no exchange.

use kdc::client::Principal;
use kdc::krb::der::Der;
use kdc::krb::messages::{Etypes, KdcReq, KdcReqBody, PaData, PaDatas, RequestType, WireInt};

use crate::device::now;

/// An AS-REQ of `client` for `server`, in the server's realm, with these padata.
///
/// # Panics
/// Where the padata are too large to encode.
pub fn as_req(client: &Principal, server: &Principal, padata: &[(i32, &[u8])]) -> Vec<u8> {
    let (client, server_name) = (client.to_wire(), server.to_wire());
    let body = KdcReqBody {
        kdc_options: 0x4080_0010,
        cname: Some(client.as_name()),
        realm: &server.realm,
        sname: Some(server_name.as_name()),
        from: None,
        till: now(),
        rtime: None,
        nonce: WireInt::unsigned(42),
        etypes: Etypes::of(&[18, 17]),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    }
    .to_der();
    let padata: Vec<PaData<'_>> = padata.iter().map(|&(kind, value)| PaData { kind, value }).collect();
    let padata = (!padata.is_empty()).then(|| PaDatas::of(&padata));
    KdcReq::new(RequestType::AsReq, padata, &body).expect("a request").to_der()
}
