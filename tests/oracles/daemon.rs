//! The daemon serves and refuses clients that share no code with it, and what it sends is read alike by three
//! other codecs.
//!
//! Known disagreements of those with ours, beside the ones `tgtx_oracles` lists: picky-krb takes no name beyond
//! ASCII, so that it is not asked about such users; rasn-kerberos takes no negative kvno, which a full TGT never has.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on has failed"
)]

mod sample;

use std::fmt::Debug;

use kdc::client::transport::{Kdc, Protocol};
use sample::{exchange_of, now, signed_pac};
use tgtx_oracles::kerberos_asn1::{AuthorizationData, EncTicketPart};
use tgtx_oracles::{
    Asn1Object, BodyChecksum, Issued, Key, PartialTgt, Reply, TgsRequest, open, tgs_rep, tgs_req,
};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::lab::{Lab, aes256_key};
use tgtx_tests::settings::Settings;

// RFC 4120 §7.5.1
const TICKET: i32 = 2;
const TGS_REP_SESSION_KEY: i32 = 8;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_client_of_the_oracles_gets_a_full_tgt() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings { udp_reply_limit: 65_507, ..Settings::of(&lab) });
    let krbtgt = Key::aes256(&aes256_key(&lab.keytabs.krbtgt));
    let subkey = Key::aes256(&[9; 32]);
    for user in ["alice", "many", "mueller"] {
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            for subkey in [None, Some(&subkey)] {
                let (_, tgt, mut request) = exchange_of(user);
                request.subkey = subkey.cloned();
                let (_, reply) = ask(&daemon.kdc(protocol), &tgt, &request);
                let issued = issued(reply);
                assert_eq!(
                    (issued.part.nonce, &issued.message.cname.to_string()),
                    (request.nonce, &tgt.client)
                );
                let plain = open(&krbtgt, TICKET, &issued.message.ticket.enc_part.cipher).unwrap();
                let (_, ticket) = EncTicketPart::parse(&plain).unwrap();
                assert_eq!(ticket.key.keyvalue, issued.session_key().value);
                assert_eq!(ticket.cname.to_string(), tgt.client);
                assert_eq!(pacs(ticket.authorization_data.as_ref().unwrap()), 1);
            }
        }
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn three_codecs_read_a_reply_and_write_the_same_octets() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let krbtgt = Key::aes256(&aes256_key(&lab.keytabs.krbtgt));
    for user in ["alice", "many", "bob"] {
        let (_, tgt, request) = exchange_of(user);
        let (octets, reply) = ask(&daemon.kdc(Protocol::Tcp), &tgt, &request);
        let issued = issued(reply);
        let part = open(&tgt.session_key, TGS_REP_SESSION_KEY, &issued.message.enc_part.cipher).unwrap();
        let ticket = open(&krbtgt, TICKET, &issued.message.ticket.enc_part.cipher).unwrap();

        rasn_agrees::<rasn_kerberos::TgsRep>(&octets);
        rasn_agrees::<rasn_kerberos::EncTgsRepPart>(&part);
        rasn_agrees::<rasn_kerberos::EncTicketPart>(&ticket);
        picky_agrees::<picky_krb::messages::TgsRep>(&octets);
        picky_agrees::<picky_krb::messages::EncTgsRepPart>(&part);
        picky_agrees::<picky_krb::data_types::EncTicketPart>(&ticket);
        assert_eq!(issued.message.build(), octets, "kerberos_asn1");
    }

    let (_, tgt, request) = exchange_of("disabled");
    let (octets, _) = ask(&daemon.kdc(Protocol::Tcp), &tgt, &request);
    rasn_agrees::<rasn_kerberos::KrbError>(&octets);
    picky_agrees::<picky_krb::messages::KrbError>(&octets);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_client_of_the_oracles_is_refused_for_the_same_reasons() {
    type Break = fn(&mut PartialTgt, &mut TgsRequest, &Lab);
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let cases: [(&str, &str, i32, Break); 16] = [
        ("nothing", "nested_da", 20, |_, _, _| {}),
        ("nothing", "denied", 20, |_, _, _| {}),
        ("nothing", "unlisted", 20, |_, _, _| {}),
        ("nothing", "locked", 18, |_, _, _| {}),
        ("nothing", "must_change", 23, |_, _, _| {}),
        ("body checksum", "alice", 41, |_, request, _| request.checksum = BodyChecksum::Broken),
        ("no body checksum", "alice", 50, |_, request, _| request.checksum = BodyChecksum::Absent),
        ("clock", "alice", 37, |_, request, _| request.ctime -= 600),
        ("service", "alice", 7, |_, request, _| request.sname = vec!["cifs".to_owned(), "dc1".to_owned()]),
        ("no PAC", "alice", 20, |tgt, _, _| tgt.pac = None),
        ("PAC", "alice", 41, |tgt, _, _| {
            // Within LOGON_INFO, of which nothing but the signature is looked at.
            *tgt.pac.as_mut().unwrap().get_mut(90).unwrap() ^= 1;
        }),
        ("requestor", "alice", 20, |tgt, _, lab| {
            tgt.pac = Some(signed_pac(&tgt.key, tgt.authtime, "alice", &lab.user("bob").sid));
        }),
        ("branch", "alice", 7, |tgt, _, _| tgt.kvno = Some(4711 << 16 | 1)),
        ("key", "alice", 31, |tgt, _, _| tgt.key = Key::aes256(&[1; 32])),
        ("end", "alice", 32, |tgt, _, _| {
            tgt.starttime = Some(now() - 7200);
            tgt.endtime = now() - 3600;
        }),
        ("start", "alice", 33, |tgt, _, _| tgt.starttime = Some(now() + 600)),
    ];
    for (what, user, code, change) in cases {
        let (lab, mut tgt, mut request) = exchange_of(user);
        change(&mut tgt, &mut request, &lab);
        match ask(&daemon.kdc(Protocol::Tcp), &tgt, &request).1 {
            Reply::Refused(error) => assert_eq!(error.error_code, code, "{user}, {what} broken"),
            Reply::Issued(_) => panic!("{user}, {what} broken: a ticket"),
        }
    }
}

/// The reply's octets, and the reply.
fn ask(kdc: &Kdc, tgt: &PartialTgt, request: &TgsRequest) -> (Vec<u8>, Reply) {
    let octets = kdc.ask(&tgs_req(tgt, request).unwrap()).unwrap();
    let reply = tgs_rep(&octets, &tgt.session_key, request.subkey.as_ref()).unwrap();
    (octets, reply)
}

fn issued(reply: Reply) -> Box<Issued> {
    match reply {
        Reply::Issued(issued) => issued,
        Reply::Refused(error) => panic!("refused: {error:?}"),
    }
}

/// How many PACs there are within AD-IF-RELEVANT.
fn pacs(data: &AuthorizationData) -> usize {
    const AD_IF_RELEVANT: i32 = 1;
    const AD_WIN2K_PAC: i32 = 128;
    let relevant = data.iter().filter(|element| element.ad_type == AD_IF_RELEVANT);
    let inner = relevant.flat_map(|element| AuthorizationData::parse(&element.ad_data).unwrap().1);
    inner.filter(|element| element.ad_type == AD_WIN2K_PAC).count()
}

fn rasn_agrees<T: rasn::Decode + rasn::Encode + Debug>(octets: &[u8]) {
    let value: T = rasn::der::decode(octets).unwrap();
    assert_eq!(rasn::der::encode(&value).unwrap(), octets, "{value:?}");
}

fn picky_agrees<T: serde::de::DeserializeOwned + serde::Serialize + Debug>(octets: &[u8]) {
    let value: T = picky_asn1_der::from_bytes(octets).unwrap();
    assert_eq!(picky_asn1_der::to_vec(&value).unwrap(), octets, "{value:?}");
}
