//! What is granted, field by field.

use std::time::Duration;

use kdc::client::reply::Granted;
use kdc::client::request::BodyChecksum;
use kdc::client::{Principal, SessionKey};
use kdc::exchange::Note;
use kdc::krb::crypto::{CipherKey, EncryptionType, KeyUsage};
use kdc::krb::der::Der;
use kdc::krb::keys::Slot;
use kdc::krb::messages::{
    EncKdcRepPart, KdcRep, WireInt, kdc_options, name_type, pa_type, pac_options, ticket_flags,
};
use pac::{AttributesInfo, FileTime, SamNameAndSid, Sid};
use tgtx_tests::scene::{
    BRANCH_KEY, BRANCH_KEY_128, BRANCH_KVNO, NONCE, NOW, OLD_BRANCH_KEY, RC4_KEY, REALM, Scene, at, sid,
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// forwardable, renewable, enc-pa-rep.
pub(crate) const FLAGS: u32 = 0x4081_0000;

#[test]
fn the_reply_has_every_field_as_windows_has_it() {
    let scene = Scene::new();
    let full = scene.full();
    let reply = KdcRep::parse(&full.issued.reply).unwrap();
    assert!(reply.padata.is_none());
    assert_eq!(reply.crealm, REALM.as_bytes());
    assert_eq!(reply.cname.to_string(), "alice");
    assert_eq!(reply.enc_part.kvno, None, "a session key has no version");
    assert_eq!(reply.ticket.realm, REALM.as_bytes());
    assert_eq!(reply.ticket.sname.name_type, name_type::SRV_INST);
    assert_eq!(reply.ticket.sname.to_string(), "krbtgt/LAB.EXAMPLE");
    assert_eq!(reply.ticket.enc_part.kvno, Some(WireInt::unsigned(2)), "the high word is zero");
    assert_eq!(reply.ticket.enc_part.etype, 18);

    let Granted { credential, .. } = &full.granted;
    assert_eq!(credential.client, Principal::user(REALM, "alice"));
    assert_eq!(credential.server, Principal::krbtgt(REALM));
    assert_eq!(credential.key.etype, 18);
    assert_eq!(credential.flags, FLAGS);
    assert_eq!(credential.times.authtime, at(0));
    assert_eq!(credential.times.starttime, Some(at(0)));
    assert_eq!(credential.times.endtime, at(10 * HOUR));
    assert_eq!(credential.times.renew_till, Some(at(7 * DAY)));
    assert_eq!(credential.addresses, []);
    assert_eq!(full.granted.reply_etype, 18);
    assert_eq!(full.granted.last_req, [(0, at(0))]);
    assert_eq!(full.granted.key_expiration, None);
    let kinds: Vec<i32> = full.granted.encrypted_padata.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [pa_type::SUPPORTED_ENCTYPES, pa_type::PAC_OPTIONS], "and no PA-REQ-ENC-PA-REP (149)");
    assert_eq!(full.granted.supported_enctypes, Some(0x10018));
    assert_eq!(full.granted.pac_options, Some(pac_options::BRANCH_AWARE));

    // What the client is told is what the ticket says.
    assert_eq!(full.ticket.kvno, Some(2));
    assert_eq!(full.ticket.client, credential.client);
    assert_eq!(full.ticket.flags, credential.flags);
    assert_eq!(full.ticket.times, credential.times);
    assert_eq!(full.ticket.key.octets, credential.key.octets);
    assert_ne!(full.ticket.key.octets, scene.credential().key.octets, "the session key is new");
    assert_eq!(full.ticket.transited, (1, Vec::new()));
    assert_eq!(full.ticket.addresses, 0);

    assert_eq!(full.issued.endtime, at(10 * HOUR));
    assert_eq!(full.issued.session_etype.as_i32(), 18);
    assert_eq!((full.issued.who.branch, full.issued.who.sid), (30_775, Some(sid(1104))));
    assert_eq!(full.issued.who.name().to_string(), "alice");
    let who = &full.issued.who;
    assert_eq!((who.ticket_version, who.key_version, who.etype), (5, 5, EncryptionType::Aes256Sha1));
    assert_eq!((who.slot, who.clock_skew), (Slot::Current, Some(Duration::from_micros(123_456))));
    assert_eq!(full.issued.slot, Slot::Current);
    assert_eq!(full.issued.allowed_by, sid(513), "Domain Users");
    assert_eq!(full.issued.notes.iter().count(), 0);
}

#[test]
fn the_pac_is_the_directorys_and_signed_twice_by_the_domain() {
    let full = Scene::new().full();
    let pac = full.pac();
    let kinds: Vec<u32> = pac.buffers.iter().map(|(kind, _)| kind.0).collect();
    assert_eq!(kinds, [1, 6, 7, 10, 12, 17, 18], "as Windows orders them, and no 16 and no 19");
    for signature in [pac.server_signature, pac.kdc_signature] {
        assert_eq!((signature.kind, signature.rodc_identifier, signature.holds), (16, None, true));
    }
    let client_info = pac.client_info.as_ref().unwrap();
    assert_eq!(client_info.client_id, FileTime::from_unix_seconds(NOW));
    assert_eq!(client_info.name, "alice");
    let upn_dns_info = pac.upn_dns_info.as_ref().unwrap();
    assert_eq!(upn_dns_info.upn, "alice.liddell@example.org");
    assert_eq!(upn_dns_info.dns_domain_name, REALM);
    assert!(!upn_dns_info.upn_constructed);
    assert_eq!(upn_dns_info.extended, Some(SamNameAndSid { sam_name: "alice".to_owned(), sid: sid(1104) }));
    assert_eq!(pac.attributes_info, Some(AttributesInfo { flags: AttributesInfo::WAS_REQUESTED }));
    assert_eq!(pac.requestor, Some(sid(1104)));

    let logon_info = pac.logon_info.as_ref().unwrap();
    assert_eq!((logon_info.user_id, logon_info.primary_group_id), (1104, 513));
    assert_eq!(logon_info.effective_name, "alice");
    assert_eq!((logon_info.logon_server.as_str(), logon_info.logon_domain_name.as_str()), ("DC1", "LAB"));
    assert_eq!(logon_info.user_account_control, 0x10);
    assert_eq!(logon_info.user_flags, 0x20);
    assert!(logon_info.resource_groups.is_none());
}

/// Global and universal groups by any number of steps, round a circle too; no domain-local or built-in group, no
/// distribution list.
#[test]
fn the_pac_names_the_groups_of_a_tgt() {
    let groups = Scene::new().full().pac().groups();
    let asserted = Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY;
    assert_eq!(groups, [sid(513), sid(1201), sid(1202), asserted]);
    let none = Scene::new().user("müller", 1105).full();
    assert_eq!(none.pac().groups(), [sid(513), asserted]);
    assert!(none.pac().upn_dns_info.as_ref().unwrap().upn_constructed);
    assert_eq!(none.pac().upn_dns_info.as_ref().unwrap().upn, "müller@lab.example");
}

#[test]
fn every_kind_of_client_is_answered_under_its_own_key() {
    let of_type =
        |etype: i32, octet: u8| SessionKey::of(etype, &vec![octet; if etype == 18 { 32 } else { 16 }]);
    for session_etype in [18, 17] {
        for subkey_etype in [None, Some(18), Some(17)] {
            for checksum in [BodyChecksum::RsaMd5, BodyChecksum::Keyed] {
                let scene = Scene::new()
                    .ticket(move |ticket| ticket.session_key = of_type(session_etype, 1))
                    .request(move |request| {
                        request.subkey = subkey_etype.map(|etype| of_type(etype, 2));
                        request.checksum = checksum.clone();
                    });
                let full = scene.full();
                assert_eq!(full.granted.reply_etype, subkey_etype.unwrap_or(session_etype));
                assert_eq!(full.granted.credential.key.etype, 18, "the client's list has AES256");
            }
        }
    }
}

/// A ticket may be under any loaded key of its branch, and the low word of its kvno is a hint (attacks A05, A06).
#[test]
fn every_key_of_the_branch_opens_whatever_the_low_word_says() {
    for low_word in [5, 4, 0, 61_200] {
        for key in [&*BRANCH_KEY, &*OLD_BRANCH_KEY, &*BRANCH_KEY_128] {
            let scene = Scene::new().ticket(move |ticket| {
                ticket.key = key;
                ticket.kvno = Some(WireInt::signed(BRANCH_KVNO & 0xffff_0000 | low_word));
                ticket.etype = key.etype().as_i32();
                ticket.pac.server.key = key.pac_key();
                ticket.pac.kdc.key = key.pac_key();
            });
            let issued = scene.run().unwrap_or_else(|refused| panic!("{low_word}, {key:?}: {refused:?}"));
            let slot = if key.version() == OLD_BRANCH_KEY.version() { Slot::Previous } else { Slot::Current };
            assert_eq!(issued.who.slot, slot, "low word {low_word}, {key:?}");
        }
    }
}

#[test]
fn a_branch_number_from_0x8000_may_come_signed_or_unsigned() {
    const KVNO: u32 = 46_673 << 16 | 1;
    for kvno in [WireInt::signed(KVNO), WireInt::unsigned(KVNO)] {
        let mut scene =
            Scene::new().set("krbtgt_AzureAD", "msDS-SecondaryKrbTgtNumber", "46673").ticket(move |ticket| {
                ticket.kvno = Some(kvno);
                ticket.pac.kdc.rodc_identifier = Some(46_673);
            });
        for entry in &mut scene.keytab {
            if entry.kvno == BRANCH_KVNO {
                entry.kvno = KVNO;
            }
        }
        assert_eq!(scene.full().issued.who.branch, 46_673);
    }
}

/// protocol.md 6.4 (attacks D20, D21): the strongest of the first 32 types listed, in our order.
#[test]
fn the_session_key_is_of_the_strongest_type_listed() {
    let mut late = vec![23; 31];
    late.push(17);
    late.push(18);
    let cases: [(Vec<i32>, i32); 5] =
        [(vec![18], 18), (vec![17], 17), (vec![23, 17, 18], 18), (vec![-135, 23, 17], 17), (late, 17)];
    for (etypes, expected) in cases {
        let full = Scene::new().request(move |request| request.etypes.clone_from(&etypes)).full();
        assert_eq!(full.granted.credential.key.etype, expected);
        assert_eq!(full.granted.ticket_etype, 18, "the ticket is the domain's business");
    }
}

/// A domain whose krbtgt has AES128 only issues under it, and says so.
#[test]
fn an_aes128_domain_signs_and_seals_with_aes128() {
    let mut scene = Scene::new();
    scene.keytab.retain(|entry| entry.kvno != 2 || entry.etype == 17);
    let full = scene.full();
    assert_eq!(full.granted.ticket_etype, 17);
    assert_eq!(full.granted.supported_enctypes, Some(0x10008));
    assert_eq!((full.pac().server_signature.kind, full.pac().kdc_signature.kind), (15, 15));
    assert!(full.pac().server_signature.holds && full.pac().kdc_signature.holds);
}

/// protocol.md 6.2 and 6.7: encrypted-pa-data only for who asks, and the flag with it.
#[test]
fn extensions_come_to_who_asks_for_them() {
    let options = [Some(pac_options::BRANCH_AWARE | pac_options::CLAIMS), Some(pac_options::CLAIMS), None];
    for canonicalize in [true, false] {
        for pac_options in options {
            let full = Scene::new()
                .request(move |request| {
                    request.pac_options = pac_options;
                    if !canonicalize {
                        request.kdc_options &= !kdc_options::CANONICALIZE;
                    }
                })
                .full();
            let branch_aware = pac_options.is_some_and(|flags| flags & pac_options::BRANCH_AWARE != 0);
            assert_eq!(full.granted.supported_enctypes.is_some(), canonicalize);
            assert_eq!(full.granted.pac_options, pac_options.filter(|_| branch_aware), "echoed whole");
            let announced = full.granted.credential.flags & ticket_flags::ENC_PA_REP != 0;
            assert_eq!(announced, canonicalize || branch_aware);
            assert_eq!(full.ticket.flags, full.granted.credential.flags);
            assert_eq!(full.granted.encrypted_padata.is_empty(), !announced);
        }
    }
}

/// Names are copied octet for octet, and compared with the account's without regard to case (RFC 6806 §6,
/// attack B24).
#[test]
fn the_name_stays_as_it_came() {
    let upn: &[u8] = b"Alice.Liddell@example.ORG";
    let full = Scene::new().named(upn, name_type::ENTERPRISE).full();
    assert_eq!(full.granted.credential.client.name_type, name_type::ENTERPRISE);
    assert_eq!(full.granted.credential.client.components, [upn]);
    assert_eq!(full.pac().client_info.as_ref().unwrap().name.as_bytes(), upn);
    assert_eq!(full.pac().logon_info.as_ref().unwrap().effective_name, "alice");

    let full = Scene::new()
        .user("müller", 1105)
        .named("MÜLLER@lab.example".as_bytes(), name_type::ENTERPRISE)
        .full();
    assert_eq!(full.pac().logon_info.as_ref().unwrap().effective_name, "müller");
    let full = Scene::new().named(b"ALICE", name_type::PRINCIPAL).full();
    assert_eq!(full.granted.credential.client, Principal::user(REALM, "ALICE"));
}

/// Attack D13: realms in any letter case, krbtgt by the NetBIOS name too; the answer has the canonical form.
#[test]
fn realms_are_canonical_in_the_answer() {
    let asked = [["lab.example", "lab.example"], ["LAB.EXAMPLE", "lab"], ["Lab.Example", "LAB"]];
    for [realm, instance] in asked {
        let scene = Scene::new().request(move |request| {
            request.server.realm = realm.into();
            request.server.components[1] = instance.into();
        });
        assert_eq!(scene.full().granted.credential.server, Principal::krbtgt(REALM));
    }
    let scene = Scene::new().ticket(|ticket| {
        ticket.server.realm = b"lab.example".to_vec();
        ticket.server.components = vec![b"krbtgt".to_vec(), b"lab".to_vec()];
        ticket.client.realm = b"lab.Example".to_vec();
    });
    let full = scene.full();
    assert_eq!(full.granted.credential.server, Principal::krbtgt(REALM));
    assert_eq!(full.ticket.client.realm, b"lab.Example", "the client's names stay as they came");
}

/// Attack D24: whichever of the two encodings the nonce came in.
#[test]
fn the_nonce_is_echoed_as_it_came() {
    let nonces = [0, 1, NONCE, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    for nonce in nonces.into_iter().flat_map(|nonce| [WireInt::unsigned(nonce), WireInt::signed(nonce)]) {
        let scene = Scene::new().request(move |request| request.nonce = nonce);
        let full = scene.full();
        let reply = KdcRep::parse(&full.issued.reply).unwrap();
        let key = scene.credential().key.encryption_key().unwrap();
        let plain = CipherKey::new(&key, KeyUsage::TgsRepSessionKey).open(reply.enc_part.cipher).unwrap();
        assert_eq!(EncKdcRepPart::parse(&plain).unwrap().nonce, nonce);
    }
}

/// Attack D17: keys are not handed out, and the ticket is.
#[test]
fn a_wish_for_keys_is_noted_and_not_granted() {
    let lists: [(&[i32], bool); 4] = [(&[23], true), (&[18, 17, 23], true), (&[], false), (&[23; 17], false)];
    for (list, noted) in lists {
        let full = Scene::new().request(move |request| request.key_list = Some(list.to_vec())).full();
        assert_eq!(full.granted.key_list.len(), 0);
        let kinds: Vec<i32> = full.granted.encrypted_padata.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [pa_type::SUPPORTED_ENCTYPES, pa_type::PAC_OPTIONS]);
        assert_eq!(full.issued.notes.iter().any(|note| note == Note::KeyListIgnored), noted);
    }
}

/// A real RODC signs the KDC signature with HMAC-MD5 under its RC4 key (`tests/vectors/windows-rodc-2021`): it is
/// verified where that key is loaded, and else noted.
#[test]
fn an_rc4_kdc_signature_is_verified_or_noted() {
    let signed = |scene: Scene| scene.ticket(|ticket| ticket.pac.kdc.key = &RC4_KEY);
    let noted = |scene: Scene| {
        let full = scene.full();
        full.issued.notes.iter().any(|note| note == Note::KdcSignatureUnverified)
    };
    assert!(noted(signed(Scene::new())));
    assert!(!noted(signed(Scene::new().with_rc4())));
    assert!(!noted(Scene::new().with_rc4()));
}

/// Attacks B03, B04, B07, B10, B16, B19, D35, A22: what is in the partial PAC beside who, and padata nobody asked
/// for, changes nothing in the answer.
#[test]
fn what_does_not_count_changes_nothing() {
    let plain = Scene::new().full();
    let harmless: Vec<(&str, Scene)> = vec![
        ("no ATTRIBUTES_INFO", Scene::new().ticket(|ticket| ticket.pac.attributes_info = None)),
        ("no RODCIdentifier", Scene::new().ticket(|ticket| ticket.pac.kdc.rodc_identifier = None)),
        (
            "unknown buffers",
            Scene::new().ticket(|ticket| {
                ticket.pac.more = vec![(pac::BufferType(99), vec![1]), (pac::BufferType(13), vec![0; 8])];
            }),
        ),
        (
            "another RID and other groups in LOGON_INFO",
            Scene::new().ticket(|ticket| {
                let info = ticket.pac.logon_info.as_mut().unwrap();
                info.user_id = 500;
                info.groups = vec![pac::GroupMembership { rid: 512, attributes: 7 }];
                let administrators = "S-1-5-32-544".parse().unwrap();
                info.extra_sids = vec![pac::SidAndAttributes { sid: administrators, attributes: 7 }];
                info.user_flags = 0x20;
            }),
        ),
        (
            "a LOGON_INFO that is no NDR",
            Scene::new().ticket(|ticket| {
                ticket.pac.logon_info = None;
                ticket.pac.more = vec![(pac::BufferType::LOGON_INFO, vec![0xff; 64])];
            }),
        ),
        (
            "padata of other kinds",
            Scene::new().request(|request| {
                request.more_padata =
                    vec![(2, vec![0; 8]), (133, vec![1]), (128, vec![0x30, 0]), (4711, Vec::new())];
            }),
        ),
        (
            "flags that only a domain controller gives",
            Scene::new().ticket(|ticket| {
                ticket.flags |= ticket_flags::OK_AS_DELEGATE
                    | ticket_flags::HW_AUTHENT
                    | ticket_flags::TRANSITED_POLICY_CHECKED
                    | ticket_flags::INITIAL;
            }),
        ),
        ("transited of type 0", Scene::new().ticket(|ticket| ticket.transited = (0, Vec::new()))),
        ("no starttime", Scene::new().ticket(|ticket| ticket.times.starttime = None)),
    ];
    for (name, scene) in harmless {
        assert_eq!(scene.full().issued.reply, plain.issued.reply, "{name}");
    }
}

/// RFC 4120 §3.2.3 (attack D23), with `check-addresses` on.
#[test]
fn addresses_of_the_ticket_hold_the_sender() {
    let address = |addr_type, octets: &[u8]| kdc::client::Address { addr_type, octets: octets.to_vec() };
    let cases = [
        vec![address(2, &[192, 0, 2, 7])],
        vec![address(2, &[198, 51, 100, 1]), address(2, &[192, 0, 2, 7])],
        vec![address(20, b"WS1             ")],
        vec![],
    ];
    for addresses in cases {
        let scene = Scene::new().rules(|rules| rules.check_addresses = true);
        let full = scene.ticket(move |ticket| ticket.addresses.clone_from(&addresses)).full();
        assert_eq!(full.ticket.addresses, 0);
    }
}

#[test]
fn what_the_operator_allows_is_admitted_where_the_lists_allow_it() {
    let admitted = [
        Scene::new().user("Administrator", 500).rules(|rules| rules.allowed_kinds.administrator = true),
        Scene::new().user("WS1$", 1114).rules(|rules| rules.allowed_kinds.computers = true),
        Scene::new().user("service$", 1115).rules(|rules| rules.allowed_kinds.service_accounts = true),
        Scene::new()
            .rules(|rules| rules.require_body_checksum = false)
            .request(|request| request.checksum = BodyChecksum::Absent),
    ];
    for scene in admitted {
        assert!(scene.run().is_ok(), "{:?}", scene.refusal());
    }
}
