//! What Windows sent decodes, and encodes to the octets Windows sent.

use super::{after_record_mark, vector};
use crate::krb::{
    crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, Opened},
    der::Der,
    messages::*,
};

fn requests() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("as-req-no-preauth", vector!("windows-server-2022/as-req-no-preauth.bin")),
        ("as-req", vector!("windows-server-2022/as-req.bin")),
        ("tgs-req-cifs", vector!("windows-server-2022/tgs-req-cifs.bin")),
        ("tgs-req-krbtgt-forwarded", vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin")),
        ("host-app03", after_record_mark(vector!("windows-2019/msg-tgs-req-testuser-host-app03.bin"))),
        ("krbtgt-renew", after_record_mark(vector!("windows-2019/msg-tgs-req-testuser-krbtgt-renew.bin"))),
    ]
}

fn replies() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("as-rep", vector!("windows-server-2022/as-rep.bin")),
        ("tgs-rep-cifs", vector!("windows-server-2022/tgs-rep-cifs.bin")),
        ("tgs-rep-krbtgt-forwarded", vector!("windows-server-2022/tgs-rep-krbtgt-forwarded.bin")),
        ("msg-as-rep", after_record_mark(vector!("windows-2019/msg-as-rep.bin"))),
        ("host-app03", after_record_mark(vector!("windows-2019/msg-tgs-rep-testuser-host-app03.bin"))),
        ("krbtgt-renew", after_record_mark(vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin"))),
    ]
}

fn tickets() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("tgt_rodc", vector!("windows-rodc-2021/tgt_rodc.bin")),
        ("tgt_ticket", vector!("windows-rodc-2021/tgt_ticket.bin")),
        ("service_rodc", vector!("windows-rodc-2021/service_rodc.bin")),
        ("service_ticket", vector!("windows-rodc-2021/service_ticket.bin")),
    ]
}

const PREAUTH_REQUIRED: &[u8] = vector!("windows-server-2022/krb-error-preauth-required.bin");

#[test]
fn requests_encode_to_the_same_octets() {
    for (name, octets) in requests() {
        let request = KdcReq::parse(octets).unwrap();
        assert_eq!(request.to_der(), octets, "{name}");
        assert_eq!(request.body().to_der(), request.body_der(), "{name}: body");
        assert_eq!(request.pvno, 5, "{name}");
        for ap_req in request.padata.into_iter().flat_map(|padata| padata.of_kind(pa_type::TGS_REQ)) {
            assert_eq!(ApReq::parse(ap_req).unwrap().to_der(), ap_req, "{name}: AP-REQ");
        }
        for options in request.padata.into_iter().flat_map(|padata| padata.of_kind(pa_type::PAC_OPTIONS)) {
            assert_eq!(PaPacOptions::parse(options).unwrap().to_der(), options, "{name}: 167");
        }
    }
}

#[test]
fn replies_encode_to_the_same_octets() {
    for (name, octets) in replies() {
        assert_eq!(KdcRep::parse(octets).unwrap().to_der(), octets, "{name}");
    }
}

#[test]
fn tickets_encode_to_the_same_octets() {
    for (name, octets) in tickets() {
        assert_eq!(Ticket::parse(octets).unwrap().to_der(), octets, "{name}");
    }
}

#[test]
fn errors_encode_to_the_same_octets() {
    let error = KrbError::parse(PREAUTH_REQUIRED).unwrap();
    assert_eq!(error.to_der(), PREAUTH_REQUIRED);
    let method_data = error.e_data.unwrap();
    assert_eq!(PaDatas::parse(method_data).unwrap().to_der(), method_data);
}

#[test]
fn a_message_cut_at_any_length_is_refused() {
    for (name, octets) in requests() {
        for end in 0..octets.len() {
            assert!(KdcReq::parse(&octets[..end]).is_err(), "{name} cut to {end}");
        }
    }
    for (name, octets) in replies() {
        for end in 0..octets.len() {
            assert!(KdcRep::parse(&octets[..end]).is_err(), "{name} cut to {end}");
        }
    }
    for (name, octets) in tickets() {
        for end in 0..octets.len() {
            assert!(Ticket::parse(&octets[..end]).is_err(), "{name} cut to {end}");
        }
    }
    for end in 0..PREAUTH_REQUIRED.len() {
        assert!(KrbError::parse(&PREAUTH_REQUIRED[..end]).is_err(), "KRB-ERROR cut to {end}");
    }
}

#[test]
fn reads_a_windows_request_for_krbtgt() {
    let request = KdcReq::parse(vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin")).unwrap();
    let body = request.body();
    assert_eq!(request.msg_type, RequestType::TgsReq);
    assert_eq!(body.kdc_options, 0x6081_0010);
    assert_eq!(body.realm, b"AFOREST.AD");
    let sname = body.sname.unwrap();
    assert_eq!(sname.name_type, name_type::SRV_INST);
    assert!(sname.components().eq([b"krbtgt".as_slice(), b"AFOREST.AD"]));
    assert_eq!(body.till.to_string(), "2037-09-13T02:48:05Z");
    assert_eq!(body.nonce.as_u32(), 0x2451_34c8);
    assert!(body.etypes.iter().eq([18]));
    assert_eq!((body.cname, body.from, body.rtime, body.addresses), (None, None, None, None));
}

#[test]
fn reads_the_branch_number_from_a_negative_kvno() {
    let ticket = Ticket::parse(vector!("windows-rodc-2021/tgt_rodc.bin")).unwrap();
    assert_eq!(ticket.enc_part.kvno, Some(WireInt::signed(0xb651_0001)));
    assert_eq!(ticket.enc_part.kvno.unwrap().as_u32() >> 16, 46673);
}

/// A key of one of the `keys.json` files, by its name there.
fn key(json: &str, name: &str) -> EncryptionKey {
    let (_, after) = json.split_once(&format!("\"{name}\": \"")).unwrap();
    let (hex, _) = after.split_once('"').unwrap();
    let octets: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..][..2], 16).unwrap()).collect();
    EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &octets).unwrap()
}

fn open(key: &EncryptionKey, usage: KeyUsage, data: &EncryptedData<'_>) -> Opened {
    CipherKey::new(key, usage).open(data.cipher).unwrap()
}

const KEYS_2019: &str = include_str!("../../../../../tests/vectors/windows-2019/keys.json");
const KEYS_RODC: &str = include_str!("../../../../../tests/vectors/windows-rodc-2021/keys.json");

#[test]
fn encrypted_parts_encode_to_the_same_octets() {
    let krbtgt = key(KEYS_2019, "krbtgt/CORP.IDENTITYINTERVENTION.COM aes256 kvno 2");
    let user = key(KEYS_2019, "testuser aes256 (from the password in the tests)");

    let as_rep = KdcRep::parse(after_record_mark(vector!("windows-2019/msg-as-rep.bin"))).unwrap();
    let octets = open(&user, KeyUsage::AsRepEncPart, &as_rep.enc_part);
    let part = EncKdcRepPart::parse(&octets).unwrap();
    assert_eq!(*part.to_der(), *octets, "EncASRepPart");

    let octets = open(&krbtgt, KeyUsage::Ticket, &as_rep.ticket.enc_part);
    let tgt = EncTicketPart::parse(&octets).unwrap();
    assert_eq!(*tgt.to_der(), *octets, "EncTicketPart");
    assert_eq!(tgt.key.value, part.key.value);
    let session = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, tgt.key.value).unwrap();

    let request = after_record_mark(vector!("windows-2019/msg-tgs-req-testuser-krbtgt-renew.bin"));
    let request = KdcReq::parse(request).unwrap();
    let ap_req = ApReq::parse(request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap()).unwrap();
    let octets = open(&session, KeyUsage::TgsReqAuthenticator, &ap_req.authenticator);
    let authenticator = Authenticator::parse(&octets).unwrap();
    assert_eq!(*authenticator.to_der(), *octets, "Authenticator");
    assert_eq!(authenticator.seq_number, Some(request.body().nonce));

    let reply = after_record_mark(vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin"));
    let reply = KdcRep::parse(reply).unwrap();
    let octets = open(&session, KeyUsage::TgsRepSessionKey, &reply.enc_part);
    let part = EncKdcRepPart::parse(&octets).unwrap();
    assert_eq!(*part.to_der(), *octets, "EncTGSRepPart");
    assert_eq!(part.tag, EncPartTag::EncTgsRepPart);
    assert_eq!(part.nonce, request.body().nonce);
    let enctypes = part.encrypted_pa_data.unwrap().of_kind(pa_type::SUPPORTED_ENCTYPES).next().unwrap();
    assert_eq!(PaSupportedEnctypes::from_octets(enctypes), Some(PaSupportedEnctypes(0x1f)));
}

#[test]
fn finds_the_pac_of_a_ticket_and_wraps_it_the_same_way() {
    let key = key(KEYS_RODC, "rodc_tgt_key");
    let ticket = Ticket::parse(vector!("windows-rodc-2021/tgt_rodc.bin")).unwrap();
    let octets = open(&key, KeyUsage::Ticket, &ticket.enc_part);
    let part = EncTicketPart::parse(&octets).unwrap();
    assert_eq!(*part.to_der(), *octets);
    assert_eq!(part.flags, 0x40e1_0000);

    let data = part.authorization_data.unwrap();
    let pac = data.pacs().unwrap().only().unwrap();
    assert_eq!(pac, vector!("windows-rodc-2021/tgt_rodc.pac.bin"));
    let mut elements = Vec::new();
    data.each(|inside, element| elements.push((inside, element.ad_type))).unwrap();
    assert_eq!(elements, [(false, ad_type::IF_RELEVANT), (true, ad_type::WIN2K_PAC)]);
    assert_eq!(if_relevant_pac(pac), data.to_der());
}
