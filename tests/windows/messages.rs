//! Messages, tickets, authenticators and PACs decode, open, verify and are written again in the same octets.

use kdc::client::BranchKey;
use kdc::client::inspect::OpenedPac;
use kdc::client::keys::all_keys;
use kdc::directory::{Principal, SidHistory, Tree, ViewRules};
use kdc::krb::crypto::{CipherKey, EncryptionKey, KeyUsage, MacKey};
use kdc::krb::der::Der;
use kdc::krb::keytab::Keytab;
use kdc::krb::messages::{
    ApReq, Authenticator, EncKdcRepPart, EncTicketPart, KdcRep, KdcReq, KrbError, RequestType, Ticket,
    pa_type,
};
use pac::{BufferType, FileTime, Pac, SignatureType};

use super::{
    CIFS_REQUEST_2022, KEYS_2019, KEYS_RODC, KEYTAB_2022, KRBTGT_REQUEST_2022, LDIF_2022, PAC_2022, TGT_RODC,
    aes256, key_octets, krbtgt_2022, lab_key, open_ticket, pac_of, same_octets,
};

// The first thing that must be shown: bit-exact Windows.

#[test]
fn the_pac_of_windows_server_2022_is_rebuilt_from_attributes_authtime_and_key() {
    let krbtgt = krbtgt_2022();
    let as_rep = KdcRep::parse(vector!("windows-server-2022/as-rep.bin")).unwrap();
    let (part, _) = open_ticket(&as_rep.ticket, std::slice::from_ref(&krbtgt));
    let part = EncTicketPart::parse(&part).unwrap();
    assert_eq!(part.authtime.to_string(), "2025-07-18T16:22:24Z");
    assert_eq!(pac_of(&part, "as-rep"), PAC_2022);

    let authtime = FileTime::from_unix_seconds(part.authtime.unix_seconds());
    let tree = Tree::parse(LDIF_2022).unwrap();
    let view = tree.view(&ViewRules::default()).unwrap();
    let sid = view.domain_sid.with_rid(1107).unwrap();
    let entry = tree.find(&sid, authtime).unwrap().unwrap();
    let testuser = Principal::from_entry(&entry, &view, SidHistory::Omit, authtime).unwrap();
    let mut rebuilt = Vec::new();
    let mac = |octets: &[u8]| krbtgt.pac_key().mac(octets);
    testuser.pac.compose(authtime, "testuser", SignatureType::HmacSha1Aes256, &mac, &mut rebuilt).unwrap();
    assert_eq!(rebuilt, PAC_2022);
}

// Every message, ticket, authenticator and PAC.

#[test]
fn the_messages_of_windows_server_2022_open_and_are_written_again() {
    let keys = all_keys(&Keytab::parse(KEYTAB_2022).unwrap());
    for (name, octets) in [
        ("as-req-no-preauth", vector!("windows-server-2022/as-req-no-preauth.bin")),
        ("as-req", vector!("windows-server-2022/as-req.bin")),
        ("tgs-req-cifs", CIFS_REQUEST_2022),
        ("tgs-req-krbtgt-forwarded", KRBTGT_REQUEST_2022),
    ] {
        request_opens(name, octets, &keys);
    }
    for (name, octets) in [
        ("as-rep", vector!("windows-server-2022/as-rep.bin")),
        ("tgs-rep-cifs", vector!("windows-server-2022/tgs-rep-cifs.bin")),
        ("tgs-rep-krbtgt-forwarded", vector!("windows-server-2022/tgs-rep-krbtgt-forwarded.bin")),
    ] {
        reply_opens(name, octets, &keys, &krbtgt_2022());
    }
    let error = vector!("windows-server-2022/krb-error-preauth-required.bin");
    same_octets::<KrbError<'_>>(error, "krb-error");
}

#[test]
fn the_messages_of_the_older_windows_open_and_are_written_again() {
    let krbtgt = || lab_key(KEYS_2019, "krbtgt/CORP.IDENTITYINTERVENTION.COM aes256 kvno 2");
    for (name, octets) in [
        ("host-app03", vector!("windows-2019/msg-tgs-req-testuser-host-app03.bin")),
        ("krbtgt-renew", vector!("windows-2019/msg-tgs-req-testuser-krbtgt-renew.bin")),
    ] {
        request_opens(name, &octets[4..], &[krbtgt()]);
    }
    for (name, octets) in [
        ("as-rep", vector!("windows-2019/msg-as-rep.bin")),
        ("krbtgt-renew", vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin")),
    ] {
        reply_opens(name, &octets[4..], &[krbtgt()], &krbtgt());
    }
    // A service ticket under RC4, whose key is not among the captured ones.
    same_octets::<KdcRep<'_>>(
        &vector!("windows-2019/msg-tgs-rep-testuser-host-app03.bin")[4..],
        "host-app03",
    );

    let user = aes256(&key_octets(KEYS_2019, "testuser aes256 (from the password in the tests)"));
    let session = aes256(&key_octets(
        KEYS_2019,
        "session of the TGT in msg-as-rep (also presented in the testuser requests)",
    ));
    let parts: [(&[u8], &EncryptionKey, KeyUsage); 3] = [
        (vector!("windows-2019/msg-as-rep.bin"), &user, KeyUsage::AsRepEncPart),
        (vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin"), &session, KeyUsage::TgsRepSessionKey),
        (vector!("windows-2019/msg-tgs-rep-testuser-host-app03.bin"), &session, KeyUsage::TgsRepSessionKey),
    ];
    for (octets, key, usage) in parts {
        let reply = KdcRep::parse(&octets[4..]).unwrap();
        let plain = CipherKey::new(key, usage).open(reply.enc_part.cipher).unwrap();
        same_octets::<EncKdcRepPart<'_>>(&plain, "encrypted part of a reply");
    }
    let pac = vector!("windows-2019/as-rep.pac.bin");
    let opened = OpenedPac::read(pac, &krbtgt()).unwrap();
    assert!(opened.server_signature.holds && opened.kdc_signature.holds);
    assert_eq!(pac, vector!("windows-2019/tgs-rep-testuser-krbtgt-renew.pac.bin"));
}

/// A request; for a TGS-REQ its ticket, its authenticator and the checksum in that too.
fn request_opens(name: &str, octets: &[u8], keys: &[BranchKey]) {
    let request = KdcReq::parse(octets).unwrap();
    assert_eq!(request.to_der(), octets, "{name}");
    let Some(ap_req) = request.padata.and_then(|padata| padata.of_kind(pa_type::TGS_REQ).next()) else {
        assert_eq!(request.msg_type, RequestType::AsReq);
        return;
    };
    let ap_req = same_octets::<ApReq<'_>>(ap_req, name);
    let (part, _) = open_ticket(&ap_req.ticket, keys);
    let part = same_octets::<EncTicketPart<'_>>(&part, name);
    let session_key = CipherKey::new(&aes256(part.key.value), KeyUsage::TgsReqAuthenticator);
    let plain = session_key.open(ap_req.authenticator.cipher).unwrap();
    let authenticator = same_octets::<Authenticator<'_>>(&plain, name);
    let checksum = authenticator.cksum.expect("a checksum");
    assert_eq!(checksum.kind, 7, "{name}");
    assert!(kdc::krb::crypto::md5_matches(request.body_der(), checksum.value), "{name}");
    assert!(authenticator.subkey.is_none(), "{name}");
    assert_eq!(authenticator.seq_number, Some(request.body().nonce), "{name}");
}

/// A reply, its ticket and that ticket's PAC, signed by the service and by krbtgt.
fn reply_opens(name: &str, octets: &[u8], keys: &[BranchKey], krbtgt: &BranchKey) {
    let reply = same_octets::<KdcRep<'_>>(octets, name);
    let (part, key) = open_ticket(&reply.ticket, keys);
    let part = same_octets::<EncTicketPart<'_>>(&part, name);
    let octets = pac_of(&part, name);
    let pac = Pac::parse(&octets).unwrap();
    let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
    assert!(key.pac_verifier().verify(&pac.unsigned(), server.mac), "{name}: server signature");
    assert!(krbtgt.pac_verifier().verify(server.mac, kdc.mac), "{name}: KDC signature");
}

/// Both domain controllers sign with two types: AES over the PAC, HMAC-MD5 under krbtgt's RC4 key over that.
#[test]
fn the_tickets_of_2021_open_verify_and_are_written_again() {
    let aes = |name: &str| key_octets(KEYS_RODC, name);
    let rc4 = |name: &str| MacKey::rc4_hmac(&aes(name).try_into().unwrap(), KeyUsage::PacSignature);
    let tickets = [
        (
            "tgt_rodc",
            TGT_RODC,
            vector!("windows-rodc-2021/tgt_rodc.pac.bin"),
            "rodc_tgt_key",
            "rodc_tgt_pac_key",
        ),
        (
            "tgt_ticket",
            vector!("windows-rodc-2021/tgt_ticket.bin"),
            vector!("windows-rodc-2021/tgt_ticket.pac.bin"),
            "rwdc_tgt_key",
            "rwdc_tgt_pac_key",
        ),
    ];
    for (name, octets, pac, key, pac_key) in tickets {
        let ticket = same_octets::<Ticket<'_>>(octets, name);
        let key = BranchKey::new(1, &aes256(&aes(key)));
        let (part, _) = open_ticket(&ticket, std::slice::from_ref(&key));
        let part = same_octets::<EncTicketPart<'_>>(&part, name);
        assert_eq!(pac_of(&part, name), pac, "{name}");
        let pac = Pac::parse(pac).unwrap();
        let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
        assert_eq!(
            (server.kind, kdc.kind),
            (SignatureType::HmacSha1Aes256, SignatureType::HmacMd5),
            "{name}"
        );
        assert!(key.pac_verifier().verify(&pac.unsigned(), server.mac), "{name}");
        assert!(rc4(pac_key).verify(server.mac, kdc.mac), "{name}");
        let identifier = (name == "tgt_rodc").then_some(46_673);
        assert_eq!((server.rodc_identifier, kdc.rodc_identifier), (None, identifier), "{name}");
    }
    let services = [
        (
            "service_rodc",
            vector!("windows-rodc-2021/service_rodc.bin"),
            vector!("windows-rodc-2021/service_rodc.pac.bin"),
            "rodc_tgt_pac_key",
        ),
        (
            "service_ticket",
            vector!("windows-rodc-2021/service_ticket.bin"),
            vector!("windows-rodc-2021/service_ticket.pac.bin"),
            "rwdc_tgt_pac_key",
        ),
    ];
    for (name, octets, pac, krbtgt) in services {
        same_octets::<Ticket<'_>>(octets, name);
        let pac = Pac::parse(pac).unwrap();
        let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
        assert!(rc4(krbtgt).verify(server.mac, kdc.mac), "{name}: KDC signature");
        assert!(pac.buffer(BufferType::TICKET_CHECKSUM).is_some(), "{name}");
    }
}
