//! Captured messages of Windows and a cache of MIT's, decoded with their keys.

use super::*;
use crate::client::SessionKey;
use crate::client::mint::PartialTgt;
use crate::krb::crypto::{EncryptionKey, EncryptionType};
use crate::krb::keys::Key;
use crate::krb::keytab::{Entry, Keytab};
use crate::krb::messages::KerberosTime;
use zeroize::Zeroizing;

macro_rules! vector {
    ($path:literal) => {
        include_bytes!(concat!("../../../../tests/vectors/", $path)).as_slice()
    };
}

const TGT_PAC: &[u8] = vector!("windows-server-2022/tgt-pac.bin");

fn server_2022() -> Keyring {
    Keyring::new(Some(&Keytab::parse(vector!("windows-server-2022/keytab")).unwrap()), false)
}

/// The keys of the RODC capture: an AES256 key that seals, and the same account's RC4 key, which signs.
fn rodc(show: bool) -> Keyring {
    let entry = |etype, key: &str| Entry {
        realm: b"ACME.COM".to_vec(),
        components: vec![b"krbtgt".to_vec()],
        name_type: 1,
        timestamp: 0,
        kvno: 0xb651_0001,
        etype,
        key: Zeroizing::new(octets(key)),
    };
    let entries = vec![
        entry(18, "0c7e6347c8707f587c9159bac9bf50b4e2d649b685d3d9f380bae9024651ab23"),
        entry(23, "805d66b95f66d680c35a0741e897cc66"),
    ];
    Keyring::new(Some(&Keytab::new(entries)), show)
}

fn octets(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn decoded(octets: &[u8], keyring: &Keyring) -> (String, serde_json::Value) {
    let fields = message::decode(octets, keyring).unwrap();
    let text = fields.to_string();
    (text, serde_json::to_value(versioned(fields)).unwrap())
}

fn buffer(pac: &serde_json::Value, number: u32) -> &serde_json::Value {
    let buffers = pac["buffers"].as_array().unwrap();
    &buffers.iter().find(|buffer| buffer["type"]["number"] == number).unwrap()["contents"]
}

#[test]
fn a_branch_ticket_shows_its_branch_and_both_of_its_signatures_hold() {
    let (text, json) = decoded(vector!("windows-rodc-2021/tgt_rodc.bin"), &rodc(false));
    assert_eq!(json["version"], 1);
    assert_eq!(json["kind"], "ticket");
    assert_eq!(json["sealed_with"]["kvno"]["branch"], 46673);
    assert_eq!(json["sealed_with"]["kvno"]["version"], 1);
    let pac = &json["contents"]["pac"];
    for (number, kind) in [(6, 16), (7, -138)] {
        let contents = buffer(pac, number);
        assert_eq!(contents["signature_type"]["number"], kind);
        assert_eq!(contents["check"]["verdict"], "holds", "{number}");
    }
    assert_eq!(buffer(pac, 7)["rodc_identifier"], 46673);
    assert!(text.contains("branch 46673, version 1"), "{text}");
}

#[test]
fn a_ticket_of_each_encryption_type_opens_and_its_signatures_hold() {
    let sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
    let now = KerberosTime::from_unix_seconds(1_780_272_000).unwrap();
    for etype in EncryptionType::ALL {
        let octets = vec![7; etype.key_len()];
        let key = Key::new(0x7837_0001, &EncryptionKey::from_bytes(etype, &octets).unwrap());
        let session_key = SessionKey::of(etype.as_i32(), &octets);
        let partial = PartialTgt::new(&key, "DEMO.EXAMPLE", "alice", sid, now, session_key, [1; 16]);
        let entry = Entry {
            realm: b"DEMO.EXAMPLE".to_vec(),
            components: vec![b"krbtgt_AzureAD".to_vec()],
            name_type: 1,
            timestamp: 0,
            kvno: key.kvno(),
            etype: etype.as_i32(),
            key: Zeroizing::new(octets),
        };
        let keyring = Keyring::new(Some(&Keytab::new(vec![entry])), false);
        let (text, json) = decoded(&partial.mint().unwrap().ticket, &keyring);
        assert_eq!(json["contents"]["session_key"]["etype"]["name"], etype.to_string());
        for number in [6, 7] {
            let contents = buffer(&json["contents"]["pac"], number);
            assert_eq!(contents["signature_type"]["number"], etype.checksum_type(), "{etype}");
            assert!(contents["signature_type"]["name"].is_string(), "{etype}");
            assert_eq!(contents["check"]["verdict"], "holds", "{etype}: {text}");
        }
    }
}

#[test]
fn every_buffer_of_a_pac_is_told_with_its_fields() {
    let (text, json) = decoded(TGT_PAC, &server_2022());
    let logon_info = buffer(&json, 1);
    assert_eq!(logon_info["effective_name"], "testuser");
    assert_eq!(logon_info["user_id"], 1107);
    assert_eq!(logon_info["extra_sids"][0]["sid"], "S-1-18-1");
    assert_eq!(logon_info["user_account_control"]["names"][0], "normal-account");
    assert_eq!(logon_info["password_must_change"].as_str().map(str::len), Some(20));
    assert_eq!(buffer(&json, 10)["name"], "testuser");
    assert_eq!(buffer(&json, 12)["sam_name"], "testuser");
    assert_eq!(buffer(&json, 17)["flags"]["names"][0], "pac-was-requested");
    assert!(buffer(&json, 18)["sid"].as_str().unwrap().ends_with("-1107"));
    for number in [6, 7] {
        assert_eq!(buffer(&json, number)["check"]["verdict"], "holds", "{number}");
    }
    for name in
        ["LOGON_INFO", "SERVER_CHECKSUM", "CLIENT_INFO", "UPN_DNS_INFO", "REQUESTOR", "ATTRIBUTES_INFO"]
    {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn the_further_signatures_of_service_tickets_hold_too() {
    let (_, json) = decoded(vector!("windows-server-2022/tgs-rep-cifs.bin"), &server_2022());
    assert_eq!(json["kind"], "tgs_rep");
    let pac = &json["ticket"]["contents"]["pac"];
    for number in [6, 7, 16, 19] {
        assert_eq!(buffer(pac, number)["check"]["verdict"], "holds", "{number}");
    }
}

#[test]
fn a_request_shows_its_authenticator_and_whether_the_body_is_its_own() {
    let request = vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin");
    let (_, json) = decoded(request, &server_2022());
    assert_eq!(json["kind"], "tgs_req");
    let presented = &json["padata"][0]["ap_req"];
    assert_eq!(presented["authenticator"]["body_checksum"]["type"]["name"], "rsa-md5");
    assert_eq!(presented["authenticator"]["body_checksum"]["verdict"], "holds");
    assert_eq!(json["body"]["server"]["name"], "krbtgt/AFOREST.AD@AFOREST.AD");
    let (_, closed) = decoded(request, &Keyring::new(None, false));
    assert_eq!(closed["padata"][0]["ap_req"]["ticket"]["closed"], "no keytab with a usable key was given");
}

#[test]
fn replies_errors_and_caches_are_told_apart_by_their_content() {
    let cases = [
        (vector!("windows-server-2022/as-rep.bin"), "as_rep"),
        (vector!("windows-server-2022/as-req.bin"), "as_req"),
        (vector!("windows-server-2022/krb-error-preauth-required.bin"), "krb_error"),
        (vector!("mit-1.20/kinit.ccache"), "ccache"),
        (vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin"), "tgs_rep"),
        (TGT_PAC, "pac"),
    ];
    for (octets, kind) in cases {
        assert_eq!(decoded(octets, &server_2022()).1["kind"], kind);
    }
    let framed = decoded(vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin"), &server_2022()).1;
    assert!(framed["tcp_length"].is_number());
    let as_rep = decoded(vector!("windows-server-2022/as-rep.bin"), &server_2022()).1;
    assert!(as_rep["enc_part"]["contents"]["endtime"].is_string(), "{as_rep}");
    let error = decoded(vector!("windows-server-2022/krb-error-preauth-required.bin"), &server_2022()).1;
    assert_eq!(error["error"]["name"], "KDC_ERR_PREAUTH_REQUIRED");
    assert_eq!(error["method_data"][0]["type"]["name"], "PA-ETYPE-INFO2");
}

#[test]
fn keys_are_shown_only_where_asked_for() {
    let ticket = vector!("windows-rodc-2021/tgt_rodc.bin");
    let shown = decoded(ticket, &rodc(true)).1;
    let key = shown["contents"]["session_key"]["key"].as_str().unwrap().to_owned();
    let (text, json) = decoded(ticket, &rodc(false));
    for form in [text, json.to_string()] {
        assert!(!form.contains(&key));
    }
}

#[test]
fn a_changed_pac_is_no_longer_signed_by_a_key_that_is_there() {
    let mut pac = TGT_PAC.to_vec();
    let name = pac.windows(4).rposition(|window| window == b"t\0e\0").unwrap();
    pac[name] = b'x';
    let (_, json) = decoded(&pac, &server_2022());
    assert_eq!(buffer(&json, 6)["check"]["verdict"], "no_key_fits");
    assert_eq!(buffer(&json, 7)["check"]["verdict"], "holds");
    let (_, json) = decoded(&pac, &Keyring::new(None, false));
    assert_eq!(buffer(&json, 6)["check"]["verdict"], "not_checked");
}

#[test]
fn what_is_nothing_of_this_says_so_and_nothing_panics() {
    let keyring = server_2022();
    let cases: [(&[u8], &str); 4] = [
        (b"", "is empty"),
        (b"hello", "is no Kerberos message, ticket, PAC or credential cache of version 4"),
        (&[0x61, 0], "begins as a ticket and is none"),
        (&[5, 4, 0], "the credential cache is cut short in the header"),
    ];
    for (octets, expected) in cases {
        let error = message::decode(octets, &keyring).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    for whole in [TGT_PAC, vector!("windows-server-2022/tgs-rep-cifs.bin"), vector!("mit-1.20/kinit.ccache")]
    {
        for length in (0..whole.len()).step_by(17) {
            let _ = message::decode(&whole[..length], &keyring);
        }
    }
}
