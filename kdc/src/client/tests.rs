//! Mint, request and reply against the daemon's own reader of messages and against Windows' messages.

use pac::{BufferType, ClientInfo, Sid};

use super::inspect::OpenedTicket;
use super::mint::{FLAGS, PartialTgt, TicketData, with_pacs};
use super::reply::{Outcome, ReplyError};
use super::request::{BodyChecksum, Exchange};
use super::{BranchKey, Credential, Principal, SessionKey, Times, keys};
use crate::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, MacKey, md5_matches};
use crate::krb::der::{Der, SequenceOf};
use crate::krb::keytab::Keytab;
use crate::krb::messages::{
    ApReq, Authenticator, AuthorizationData, EncKdcRepPart, EncPartTag, EncryptedData, KdcRep, KdcReq,
    KerbKeyListReq, KerberosTime, KrbError, LastReqEntry, PaData, PaPacOptions, ReplyType, RequestType,
    Ticket, WireInt, pa_type,
};

const BRANCH: u32 = 46_673 << 16 | 1;

fn now() -> KerberosTime {
    KerberosTime::from_unix_seconds(1_800_000_000).unwrap()
}

fn sid() -> Sid {
    "S-1-5-21-1-2-3-1107".parse().unwrap()
}

fn branch_key(octet: u8) -> BranchKey {
    let key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[octet; 32]).unwrap();
    BranchKey::new(BRANCH, &key)
}

fn partial(key: &BranchKey) -> PartialTgt<'_> {
    let session_key = SessionKey::aes256(&[1; 32]);
    PartialTgt::new(key, "LAB.EXAMPLE", "müller", sid(), now(), session_key, [2; 16])
}

/// A partial TGT with its session key.
pub(super) fn credential() -> Credential {
    partial(&branch_key(7)).mint().unwrap()
}

#[test]
fn a_minted_ticket_says_who_and_is_signed_twice() {
    let key = branch_key(7);
    let credential = partial(&key).mint().unwrap();
    let ticket = Ticket::parse(&credential.ticket).unwrap();
    assert_eq!(ticket.enc_part.kvno, Some(WireInt::signed(BRANCH)));
    assert_eq!(ticket.sname.to_string(), "krbtgt/LAB.EXAMPLE");

    let opened = OpenedTicket::open(&credential.ticket, &[branch_key(8), key]).unwrap();
    assert_eq!(opened.flags, FLAGS);
    assert_eq!(opened.client, Principal::user("LAB.EXAMPLE", "müller"));
    assert_eq!(*opened.key.octets, *credential.key.octets);
    let pac = opened.pac.unwrap();
    let kinds: Vec<u32> = pac.buffers.iter().map(|(kind, _)| kind.0).collect();
    assert_eq!(kinds, [1, 10, 6, 7, 17, 18]);
    assert_eq!(pac.requestor, Some(sid()));
    assert_eq!(pac.client_info.clone().unwrap().name, "müller");
    assert!(pac.server_signature.holds && pac.kdc_signature.holds);
    assert_eq!(pac.server_signature.rodc_identifier, None);
    assert_eq!(pac.kdc_signature.rodc_identifier, Some(46_673));
    assert_eq!(pac.groups(), []);
}

#[test]
fn one_thing_changed_changes_nothing_else() {
    let key = branch_key(7);
    let open = |changed: PartialTgt<'_>| {
        let ticket = changed.mint().unwrap().ticket;
        OpenedTicket::open(&ticket, &[branch_key(7)]).unwrap()
    };

    let mut changed = partial(&key);
    changed.pac.requestor = None;
    let pac = open(changed).pac.unwrap();
    assert_eq!(pac.requestor, None);
    assert!(pac.server_signature.holds && pac.kdc_signature.holds);

    let mut changed = partial(&key);
    changed.authorization_data = TicketData::Absent;
    assert!(open(changed).pac.is_none());

    let other = branch_key(9);
    let mut changed = partial(&key);
    changed.pac.server.key = other.pac_key();
    let pac = open(changed).pac.unwrap();
    assert!(!pac.server_signature.holds && pac.kdc_signature.holds);

    let rc4 = MacKey::rc4_hmac(&[3; 16], KeyUsage::PacSignature);
    let mut changed = partial(&key);
    changed.pac.kdc.key = &rc4;
    let pac = open(changed).pac.unwrap();
    assert!(pac.server_signature.holds && !pac.kdc_signature.holds);
    assert_eq!(pac.kdc_signature.kind, -138);

    let mut changed = partial(&key);
    changed.set_times(now(), KerberosTime::MAX);
    assert_eq!(open(changed).times.endtime, KerberosTime::MAX);
}

#[test]
fn authorization_data_of_any_octets_for_pacs() {
    let pacs: [&[u8]; 2] = [b"one", b"two"];
    let data = with_pacs(&pacs);
    let found = AuthorizationData::parse(&data).unwrap().pacs().unwrap();
    assert_eq!((found.count, found.if_relevant), (2, Some(&b"one"[..])));

    let key = branch_key(7);
    let mut changed = partial(&key);
    changed.authorization_data = TicketData::Octets(data);
    assert!(changed.mint().is_ok());
    let mut changed = partial(&key);
    changed.authorization_data = TicketData::Octets(b"no DER".to_vec());
    assert!(changed.mint().is_err());
}

#[test]
fn a_pac_with_two_buffers_of_one_type_is_for_the_caller_to_lay_out() {
    let key = branch_key(7);
    let mut changed = partial(&key);
    let second = ClientInfo { client_id: pac::FileTime::ZERO, name: "eve".to_owned() };
    changed.pac.more = vec![(BufferType::CLIENT_INFO, second.encode().unwrap())];
    assert!(changed.pac.encode().is_err());
    assert_eq!(changed.pac.buffers().unwrap().len(), 7);
}

#[test]
fn the_request_is_the_windows_clients() {
    let credential = credential();
    let mut exchange = Exchange::new(&credential, now(), 0xffff_fff0, [3; 16]);
    exchange.key_list = Some(vec![23]);
    let encoded = exchange.encode().unwrap();
    let request = KdcReq::parse(&encoded).unwrap();
    assert_eq!(request.msg_type, RequestType::TgsReq);
    assert_eq!(request.body().kdc_options, 0x4081_0010);
    assert_eq!(request.body().realm, b"LAB.EXAMPLE");
    assert_eq!(request.body().sname.unwrap().to_string(), "krbtgt/LAB.EXAMPLE");
    let kinds: Vec<i32> = request.padata.unwrap().iter().map(|padata| padata.kind).collect();
    assert_eq!(kinds, [1, 167, 161]);
    let of_kind = |kind| request.padata.unwrap().of_kind(kind).next().unwrap();
    let options = PaPacOptions::parse(of_kind(pa_type::PAC_OPTIONS)).unwrap();
    assert_eq!(options, PaPacOptions(0x4000_0000));
    let list = KerbKeyListReq::parse(of_kind(pa_type::KERB_KEY_LIST_REQ)).unwrap();
    assert_eq!(list.iter().collect::<Vec<_>>(), [23]);

    let ap_req = ApReq::parse(of_kind(pa_type::TGS_REQ)).unwrap();
    let key = credential.key.encryption_key().unwrap();
    let plain =
        CipherKey::new(&key, KeyUsage::TgsReqAuthenticator).open(ap_req.authenticator.cipher).unwrap();
    let authenticator = Authenticator::parse(&plain).unwrap();
    let checksum = authenticator.cksum.unwrap();
    assert_eq!(checksum.kind, 7);
    assert!(md5_matches(request.body_der(), checksum.value));
    assert_eq!(authenticator.seq_number, Some(request.body().nonce));
    assert!(authenticator.subkey.is_none());
}

#[test]
fn checksums_and_subkeys_vary() {
    let credential = credential();
    let authenticator_of = |exchange: &Exchange<'_>| {
        let encoded = exchange.encode().unwrap();
        let request = KdcReq::parse(&encoded).unwrap();
        let ap_req = request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
        let ap_req = ApReq::parse(ap_req).unwrap();
        let key = credential.key.encryption_key().unwrap();
        let key = CipherKey::new(&key, KeyUsage::TgsReqAuthenticator);
        key.open(ap_req.authenticator.cipher).unwrap()
    };
    for (checksum, expected) in [
        (BodyChecksum::RsaMd5, Some(7)),
        (BodyChecksum::Keyed, Some(16)),
        (BodyChecksum::Absent, None),
        (BodyChecksum::Other(14, vec![1]), Some(14)),
    ] {
        let mut exchange = Exchange::new(&credential, now(), 1, [3; 16]);
        exchange.checksum = checksum;
        exchange.subkey = Some(SessionKey::aes128(&[4; 16]));
        let plain = authenticator_of(&exchange);
        let authenticator = Authenticator::parse(&plain).unwrap();
        assert_eq!(authenticator.cksum.map(|checksum| checksum.kind), expected);
        assert_eq!(authenticator.subkey.unwrap().value, [4; 16]);
    }
}

/// A reply with this TGT, under this key.
pub(super) fn sealed(
    msg_type: ReplyType,
    tgt: &Credential,
    (key, usage): (&EncryptionKey, KeyUsage),
    nonce: u32,
    encrypted_pa_data: Option<SequenceOf<'_, PaData<'_>>>,
) -> Vec<u8> {
    let ticket = Ticket::parse(&tgt.ticket).unwrap();
    let plain = EncKdcRepPart {
        tag: match msg_type {
            ReplyType::AsRep => EncPartTag::EncAsRepPart,
            ReplyType::TgsRep => EncPartTag::EncTgsRepPart,
        },
        key: tgt.key.to_wire(),
        last_req: SequenceOf::of(&[LastReqEntry { lr_type: 0, lr_value: tgt.times.authtime }]),
        nonce: WireInt::unsigned(nonce),
        key_expiration: None,
        flags: tgt.flags,
        authtime: tgt.times.authtime,
        starttime: tgt.times.starttime,
        endtime: tgt.times.endtime,
        renew_till: tgt.times.renew_till,
        srealm: ticket.realm,
        sname: ticket.sname,
        caddr: None,
        encrypted_pa_data,
    }
    .to_der();
    let mut cipher = Vec::new();
    CipherKey::new(key, usage).seal(&[5; 16], &plain, &mut cipher);
    KdcRep {
        msg_type,
        padata: None,
        crealm: &tgt.client.realm,
        cname: tgt.client.to_wire().as_name(),
        ticket,
        enc_part: EncryptedData { etype: key.etype().as_i32(), kvno: None, cipher: &cipher },
    }
    .to_der()
}

/// A TGS-REP as a KDC would make it, under this key and with this nonce.
fn reply(key: &SessionKey, usage: KeyUsage, nonce: u32) -> Vec<u8> {
    let key_list = [0x30, 0x17, 0x30, 0x15, 0xa0, 0x03, 2, 1, 23, 0xa1, 0x0e, 4, 12]
        .into_iter()
        .chain([9; 12])
        .collect::<Vec<u8>>();
    let padata = [
        PaData { kind: pa_type::SUPPORTED_ENCTYPES, value: &[0x1f, 0, 0, 0] },
        PaData { kind: pa_type::KERB_KEY_LIST_REP, value: &key_list },
    ];
    let key = key.encryption_key().unwrap();
    sealed(ReplyType::TgsRep, &credential(), (&key, usage), nonce, Some(SequenceOf::of(&padata)))
}

#[test]
fn a_reply_opens_under_the_session_key_or_the_subkey() {
    let credential = credential();
    let mut exchange = Exchange::new(&credential, now(), 7, [3; 16]);
    let sealed = reply(&credential.key, KeyUsage::TgsRepSessionKey, 7);
    let granted = Outcome::read(&sealed, &exchange).unwrap().granted().unwrap();
    assert_eq!(granted.credential.times, credential.times);
    assert_eq!(granted.supported_enctypes, Some(0x1f));
    assert_eq!(granted.key_list[0].etype, 23);

    let subkey = SessionKey::aes128(&[4; 16]);
    let under_subkey = reply(&subkey, KeyUsage::TgsRepSubkey, 7);
    exchange.subkey = Some(subkey);
    assert!(Outcome::read(&under_subkey, &exchange).unwrap().granted().is_some());
    assert_eq!(Outcome::read(&sealed, &exchange).unwrap_err(), ReplyError::KeyType(18));
}

#[test]
fn an_answer_to_another_request_is_none() {
    let credential = credential();
    let exchange = Exchange::new(&credential, now(), 7, [3; 16]);
    let other = reply(&credential.key, KeyUsage::TgsRepSessionKey, 8);
    assert_eq!(Outcome::read(&other, &exchange).unwrap_err(), ReplyError::Nonce);
    let other = reply(&SessionKey::aes256(&[9; 32]), KeyUsage::TgsRepSessionKey, 7);
    assert!(matches!(Outcome::read(&other, &exchange), Err(ReplyError::Integrity(_))));
    assert!(matches!(Outcome::read(b"", &exchange), Err(ReplyError::Malformed(_))));
}

#[test]
fn a_refusal_carries_its_code_and_nt_status() {
    let credential = credential();
    let exchange = Exchange::new(&credential, now(), 7, [3; 16]);
    let e_data = crate::krb::messages::KerbExtError { status: 0xc000_0072, flags: 3 }.to_e_data();
    let server = Principal::krbtgt("LAB.EXAMPLE");
    let error = KrbError {
        ctime: None,
        cusec: None,
        stime: now(),
        susec: 0,
        error_code: 18,
        crealm: None,
        cname: None,
        realm: &server.realm,
        sname: server.to_wire().as_name(),
        e_text: None,
        e_data: Some(&e_data),
    }
    .to_der();
    let outcome = Outcome::read(&error, &exchange).unwrap();
    let denied = outcome.denied().unwrap();
    assert_eq!((denied.code, denied.nt_status), (18, Some(0xc000_0072)));
    assert_eq!(denied.server, server);
}

/// The exchange of `windows-server-2022` that is nearest to ours: a TGT for a forwarded TGT.
#[test]
fn reads_windows_reply_and_looks_into_its_ticket() {
    const REQUEST: &[u8] =
        include_bytes!("../../../tests/vectors/windows-server-2022/tgs-req-krbtgt-forwarded.bin");
    const REPLY: &[u8] =
        include_bytes!("../../../tests/vectors/windows-server-2022/tgs-rep-krbtgt-forwarded.bin");
    const KEYTAB: &[u8] = include_bytes!("../../../tests/vectors/windows-server-2022/keytab");
    let keys = keys::all_keys(&Keytab::parse(KEYTAB).unwrap());
    let request = KdcReq::parse(REQUEST).unwrap();
    let ap_req = request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
    let presented = ApReq::parse(ap_req).unwrap().ticket.to_der();
    let opened = OpenedTicket::open(&presented, &keys).unwrap();
    let credential = Credential {
        client: opened.client,
        server: Principal::krbtgt("AFOREST.AD"),
        key: opened.key,
        times: opened.times,
        flags: opened.flags,
        addresses: Vec::new(),
        ticket: presented,
    };
    let nonce = request.body().nonce.as_u32();
    let exchange = Exchange::new(&credential, now(), nonce, [0; 16]);

    let granted = Outcome::read(REPLY, &exchange).unwrap().granted().unwrap();
    assert_eq!(granted.last_req, [(0, credential.times.authtime)]);
    assert_eq!(granted.supported_enctypes, Some(0x1f));
    assert_eq!(granted.ticket_kvno.map(WireInt::as_u32), Some(2));
    let inside = OpenedTicket::open(&granted.credential.ticket, &keys).unwrap();
    let Times { authtime, .. } = inside.times;
    assert_eq!(authtime, credential.times.authtime);
    let pac = inside.pac.unwrap();
    assert!(pac.server_signature.holds && pac.kdc_signature.holds);
    assert_eq!(pac.logon_info.as_ref().unwrap().effective_name, "testuser");
    assert_eq!(pac.requestor.and_then(|sid| sid.rid()), Some(1107));
    let groups: Vec<String> = pac.groups().iter().map(Sid::to_string).collect();
    assert!(groups.contains(&"S-1-18-1".to_owned()), "{groups:?}");
}
