//! The oracles themselves are right: Samba's KDC takes a request of theirs, and they read its reply.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on has failed"
)]

mod sample;

use std::io::{Read, Write};
use std::net::TcpStream;

use sample::exchange_of;
use tgtx_oracles::{BodyChecksum, Key, Reply, open_ticket, tgs_rep, tgs_req};
use tgtx_tests::lab::{Lab, aes256_key};

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn samba_trades_a_partial_tgt_of_the_oracles() {
    let (lab, tgt, request) = exchange_of("alice");
    let reply = send(&lab, &tgs_req(&tgt, &request).unwrap());

    let issued = match tgs_rep(&reply, &tgt.session_key, None).unwrap() {
        Reply::Issued(issued) => issued,
        Reply::Refused(error) => panic!("Samba refused the request: {error:?}"),
    };
    assert_eq!(issued.part.nonce, request.nonce);
    assert_eq!(issued.message.cname.to_string(), "alice");
    let krbtgt = Key::aes256(&aes256_key(&lab.keytabs.krbtgt));
    let ticket = open_ticket(&issued.message.ticket, &krbtgt).unwrap();
    assert_eq!(ticket.key.keyvalue, issued.session_key().value);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn samba_answers_under_the_subkey() {
    let (lab, tgt, mut request) = exchange_of("bob");
    request.subkey = Some(Key::aes256(&[9; 32]));
    let reply = send(&lab, &tgs_req(&tgt, &request).unwrap());
    assert!(matches!(tgs_rep(&reply, &tgt.session_key, request.subkey.as_ref()).unwrap(), Reply::Issued(_)));
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn samba_refuses_a_broken_body_checksum() {
    let (lab, tgt, mut request) = exchange_of("alice");
    request.checksum = BodyChecksum::Broken;
    let reply = send(&lab, &tgs_req(&tgt, &request).unwrap());
    let Reply::Refused(error) = tgs_rep(&reply, &tgt.session_key, None).unwrap() else {
        panic!("Samba took a broken checksum")
    };
    assert_eq!(error.error_code, 31);
}

fn send(lab: &Lab, request: &[u8]) -> Vec<u8> {
    let mut kdc = TcpStream::connect(lab.kdc).unwrap();
    kdc.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    kdc.write_all(request).unwrap();
    let mut length = [0; 4];
    kdc.read_exact(&mut length).unwrap();
    let mut reply = vec![0; u32::from_be_bytes(length) as usize];
    kdc.read_exact(&mut reply).unwrap();
    reply
}
