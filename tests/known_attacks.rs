//! One test for each published attack on a KDC or a PAC that an exchanger could fall to, named by its CVE.
//!
//! What the attack did elsewhere stands above each test; what must come of it here is the assertion.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use kdc::client::mint::{PartialTgt, TicketData, with_pacs};
use kdc::client::request::{BodyChecksum, Exchange};
use kdc::client::{Credential, Principal, SessionKey};
use kdc::exchange::{Note, Refusal, Rejected, error_reply};
use kdc::krb::crypto::EncryptionType;
use kdc::krb::der::Der;
use kdc::krb::messages::{EncryptedData, Ticket, WireInt, kdc_options, name_type, pa_type, ticket_flags};
use pac::{BufferType, GroupMembership, SidAndAttributes};
use tgtx_tests::scene::{RC4_KEY, REALM, Scene, at, sid};

/// MIT: UDP ping-pong. An answer to an answer can go on for ever between two KDCs.
#[test]
fn cve_2002_2443_no_answer_is_answered() {
    let served = Scene::new().served();
    let request = Scene::new().encode();
    let reply = served.exchange(&request).unwrap().reply;
    let error = error_reply(&request, Refusal::ClockSkew, REALM, Scene::new().now);
    for answer in [reply, error] {
        assert!(matches!(served.exchange(&answer), Err(Rejected::Dropped)));
    }
}

/// MIT: checksums without a key, or of too little entropy, where one with a key was called for.
#[test]
fn cve_2010_1324_weak_checksums_of_the_body_are_refused() {
    for (kind, length) in [(1, 4), (2, 16)] {
        let checksum = BodyChecksum::Other(kind, vec![0; length]);
        let scene = Scene::new().request(move |request| request.checksum = checksum.clone());
        assert_eq!(scene.refusal(), Refusal::ChecksumWeak, "type {kind}");
    }
}

/// MIT: a request for a realm that the KDC serves none of the keys of.
#[test]
fn cve_2013_1418_another_realm_is_not_ours() {
    let scene = Scene::new().request(|request| request.server.realm = b"OTHER.EXAMPLE".to_vec());
    assert_eq!(scene.refusal(), Refusal::WrongRealm);
}

/// Windows (MS14-068): a PAC of one's own making, "signed" with plain MD5 or a CRC.
#[test]
fn cve_2014_6324_a_pac_under_an_unkeyed_checksum_is_refused() {
    for (kind, length) in [(7_i32, 16), (1, 4), (2, 16), (0, 0), (-1, 12)] {
        let scene = with_pac(Scene::new(), move |mut buffers| {
            for (buffer, contents) in &mut buffers {
                if matches!(*buffer, BufferType::SERVER_CHECKSUM | BufferType::KDC_CHECKSUM) {
                    *contents = [&kind.to_le_bytes()[..], &vec![0; length]].concat();
                }
            }
            laid_out(&buffers)
        });
        assert_eq!(scene.refusal(), Refusal::PacSignature, "type {kind}");
    }
}

/// MIT, several: crashes on options, types and tickets that a user-to-user request brings.
#[test]
fn cve_2018_20217_user_to_user_is_refused_before_a_key_is_touched() {
    let scene = Scene::new().request(|request| request.kdc_options |= kdc_options::ENC_TKT_IN_SKEY);
    assert_eq!(scene.refusal(), Refusal::KdcOption);
    let scene = Scene::new().request(|request| {
        request.additional_tickets =
            vec![request.credential.ticket.clone(), request.credential.ticket.clone()];
    });
    assert_eq!(scene.refusal(), Refusal::UnsupportedField);
}

/// Bronze bit: a flag made forwardable where the account must not be. The exchanger gives no flag that was not held,
/// and none that the account must not have, whoever says so.
#[test]
fn cve_2020_17049_forwardable_is_the_accounts_business() {
    let not_held = Scene::new().ticket(|ticket| ticket.flags &= !ticket_flags::FORWARDABLE);
    let forbidden =
        Scene::new().user("nina", 1107).ticket(|ticket| ticket.flags |= ticket_flags::FORWARDABLE);
    let protected =
        Scene::new().user("paula", 1106).ticket(|ticket| ticket.flags |= ticket_flags::FORWARDABLE);
    for scene in [not_held, forbidden, protected] {
        assert_eq!(scene.full().ticket.flags & ticket_flags::FORWARDABLE, 0);
    }
}

/// Samba: a ticket of a read-only domain controller was believed for accounts that it may not serve, and whatever
/// its object looked like.
#[test]
fn cve_2020_25718_the_branchs_own_lists_decide() {
    for (user, rid) in [("dora", 1108), ("pierre", 1109), ("oscar", 1110), ("denise", 1111)] {
        assert_eq!(Scene::new().user(user, rid).refusal(), Refusal::NeverReveal, "{user}");
    }
    assert_eq!(Scene::new().user("guido", 1112).refusal(), Refusal::NotOnAllowList);
    let unsound = Scene::new().set("AzureADKerberos", "userAccountControl", "4096");
    assert_eq!(unsound.refusal(), Refusal::BranchUnusable);
    assert_eq!(Refusal::BranchUnusable.code(), 12);
}

/// Samba: services that go by the name alone, because tickets had no SID, or no PAC at all.
#[test]
fn cve_2020_25719_and_25721_what_is_issued_says_who_by_sid() {
    let without = Scene::new().ticket(|ticket| ticket.authorization_data = TicketData::Absent);
    assert_eq!(without.refusal(), Refusal::NoPac);
    let full = Scene::new().full();
    assert_eq!(full.pac().requestor, Some(sid(1104)));
    let extended = full.pac().upn_dns_info.clone().unwrap().extended.unwrap();
    assert_eq!((extended.sam_name.as_str(), extended.sid), ("alice", sid(1104)));
}

/// MIT: a null pointer where a request, or the FAST request in it, names no server.
#[test]
fn cve_2021_36222_and_37750_and_3671_a_request_without_sname_is_answered() {
    let scene = Scene::new().request(|request| request.names_server = false);
    assert_eq!(scene.refusal(), Refusal::ServiceTicket);
    let fast = Scene::new().inside(|request| request.names_server = false);
    assert_eq!(fast.refusal(), Refusal::ServiceTicket);
}

/// noPac, first half: an account renamed to a domain controller's name without its `$`.
#[test]
fn cve_2021_42278_no_dollar_is_added_to_a_name() {
    let scene = Scene::new().named(b"DC1", name_type::PRINCIPAL);
    assert_eq!(scene.refusal(), Refusal::RequestorMismatch);
    let both = scene.ticket(|ticket| ticket.pac.requestor = Some(sid(1000)));
    assert_eq!(both.refusal(), Refusal::RequestorMismatch, "nor with the domain controller's SID");
    let computer = Scene::new().user("WS1", 1114).rules(|rules| rules.allowed_kinds.computers = true);
    assert_eq!(computer.refusal(), Refusal::RequestorMismatch);
}

/// noPac, second half: a ticket without requestor, or of one who has another name by now.
#[test]
fn cve_2021_42287_name_and_sid_are_one_accounts() {
    let nameless = Scene::new().ticket(|ticket| ticket.pac.requestor = None);
    assert_eq!(nameless.refusal(), Refusal::RequestorMissing);
    let renamed =
        Scene::new().set("Alice", "sAMAccountName", "alice2").set("Paula", "sAMAccountName", "alice");
    assert_eq!(renamed.refusal(), Refusal::RequestorMismatch);
    let deleted = Scene::new().set("Alice", "objectSid", "S-1-5-21-2718281828-3141592653-1618033988-4711");
    assert_eq!(deleted.refusal(), Refusal::RequestorUnknown);
    for refusal in [Refusal::RequestorMissing, Refusal::RequestorMismatch, Refusal::RequestorUnknown] {
        assert_eq!(refusal.code(), 20);
    }
}

/// Samba: a ticket for changing one's password, which lives two minutes, taken for a TGT.
#[test]
fn cve_2022_2031_and_32744_a_password_ticket_is_no_tgt() {
    let by_name = Scene::new()
        .ticket(|ticket| ticket.server.components = vec![b"kadmin".to_vec(), b"changepw".to_vec()])
        .request(|request| request.server = Principal::krbtgt(REALM));
    assert_eq!(by_name.refusal(), Refusal::TicketNotKrbtgt);
    let by_life = Scene::new().ticket(|ticket| ticket.times.endtime = at(120));
    assert_eq!(by_life.refusal(), Refusal::TicketExpired);
}

/// Heimdal: reads beyond the end of an encrypted part too short for what must be in it.
#[test]
fn cve_2022_3437_a_short_cipher_is_refused() {
    let credential = Scene::new().credential();
    for length in [0, 1, 15, 16, 27, 28, 29] {
        let ticket = Ticket::parse(&credential.ticket).unwrap();
        let enc_part = EncryptedData { cipher: &ticket.enc_part.cipher[..length], ..ticket.enc_part };
        let cut = Credential { ticket: Ticket { enc_part, ..ticket }.to_der(), ..Scene::new().credential() };
        let request = Exchange::new(&cut, at(0), 1, [0; 16]).encode().unwrap();
        let Err(Rejected::Refused(refused)) = Scene::new().served().exchange(&request) else {
            panic!("{length} octets are not refused")
        };
        assert_eq!(refused.why.reason, Refusal::TicketIntegrity, "{length}");
    }
}

/// RC4-MD4 and other session keys that can be guessed, and a client that lists RC4 first.
#[test]
fn cve_2022_33679_and_33647_and_37966_rc4_is_neither_taken_nor_given() {
    for etype in [23, 24, -128, -135] {
        let scene = Scene::new()
            .ticket(move |ticket| ticket.session_key = SessionKey::of(etype, &[1; 16]))
            .request(|request| request.session_key = SessionKey::aes256(&[1; 32]));
        assert_eq!(scene.refusal(), Refusal::SessionKeyType, "{etype}");
        assert_eq!(Scene::new().ticket(move |ticket| ticket.etype = etype).refusal(), Refusal::NoKey);
        let only = Scene::new().request(move |request| request.etypes = vec![etype]);
        assert_eq!(only.refusal(), Refusal::NoCommonEtype, "{etype}");
    }
    let first = Scene::new().request(|request| request.etypes = vec![23, 17, 18]);
    assert_eq!(first.full().ticket.key.etype, 18);
}

/// A PAC changed under HMAC-MD5 signatures: neither signature of an AES branch is believed under its RC4 key alone.
#[test]
fn cve_2022_37967_an_hmac_md5_server_signature_is_refused() {
    let scene = Scene::new().with_rc4().ticket(|ticket| {
        ticket.pac.server.key = &RC4_KEY;
        ticket.pac.kdc.key = &RC4_KEY;
    });
    assert_eq!(scene.refusal(), Refusal::PacSignature);
}

/// MIT and Heimdal: sizes of PAC buffers that overflow 32 bits.
#[test]
fn cve_2022_42898_no_size_in_a_pac_overflows() {
    let directory = |buffers: u32, kind: u32, size: u32, offset: u64| {
        let mut pac = [buffers.to_le_bytes(), [0; 4], kind.to_le_bytes(), size.to_le_bytes()].concat();
        pac.extend(offset.to_le_bytes());
        pac.resize(256, 0);
        pac
    };
    let pacs = [
        ("count of 2^32-1", directory(u32::MAX, 1, 8, 24)),
        ("count whose directory wraps", directory(0x1000_0001, 1, 8, 24)),
        ("size of 2^32-1", directory(1, 1, u32::MAX, 24)),
        ("offset that wraps with its size", directory(1, 1, 16, u64::MAX - 7)),
        ("offset beyond the end", directory(1, 1, 8, 256)),
        ("offset in the directory", directory(1, 1, 8, 8)),
        ("offset off its alignment", directory(1, 1, 8, 25)),
        ("empty last buffer", directory(1, 1, 0, 256)),
        ("version 1", [&1_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0; 64]].concat()),
        ("nothing", Vec::new()),
    ];
    for (name, pac) in pacs {
        let scene = with_pac(Scene::new(), move |_| pac.clone());
        assert_eq!(scene.refusal(), Refusal::PacStructure, "{name}");
    }
    let overlapping = with_pac(Scene::new(), |buffers| {
        let mut pac = laid_out(&buffers);
        let first_offset = pac[16..24].to_vec();
        pac[32..40].copy_from_slice(&first_offset);
        pac
    });
    assert_eq!(overlapping.refusal(), Refusal::PacStructure);
}

/// Groups and SIDs of another domain, or of this one's administrators, in a PAC that comes in.
#[test]
fn cve_2024_26248_and_29056_no_sid_of_the_partial_pac_is_passed_on() {
    let scene = Scene::new().ticket(|ticket| {
        let info = ticket.pac.logon_info.as_mut().unwrap();
        info.groups = [512, 518, 519].map(|rid| GroupMembership { rid, attributes: 7 }).to_vec();
        info.extra_sids = ["S-1-5-21-1-2-3-519", "S-1-5-32-544", "S-1-5-9"]
            .map(|sid| SidAndAttributes { sid: sid.parse().unwrap(), attributes: 7 })
            .to_vec();
        info.user_flags = 0x20;
        info.user_id = 500;
    });
    assert_eq!(scene.full().issued.reply, Scene::new().full().issued.reply);
    let foreign =
        Scene::new().ticket(|ticket| ticket.pac.requestor = Some("S-1-5-21-1-2-3-1104".parse().unwrap()));
    assert_eq!(foreign.refusal(), Refusal::RequestorForeign);
}

/// MIT: a malformed client name in a PAC.
#[test]
fn cve_2026_107708_a_malformed_client_name_is_refused() {
    let malformed: [&[u8]; 5] = [b"", &[0; 9], &[0; 10], &[0xff; 12], b"\0\0\0\0\0\0\0\0\x03\0a\0l"];
    for contents in malformed {
        let scene = Scene::new().ticket(move |ticket| {
            ticket.pac.client_info = None;
            // Not last: an empty last buffer is another fault.
            ticket.pac.more =
                vec![(BufferType::CLIENT_INFO, contents.to_vec()), (BufferType(99), vec![0; 8])];
        });
        assert_eq!(scene.refusal(), Refusal::PacClientInfo, "{contents:02x?}");
    }
}

// Attacks without a number.

/// dirkjanm.io, 2023: whoever controls Entra names any account of the domain. What keeps them from the domain are
/// the branch's lists, and the accounts that no list allows.
#[test]
fn azure_ad_to_domain_admin_no_denied_account_is_issued_by_naming_it() {
    let named = [
        ("Administrator", 500, Refusal::Administrator),
        ("krbtgt", 502, Refusal::KrbtgtAccount),
        ("krbtgt_30775", 1101, Refusal::KrbtgtAccount),
        ("AzureADKerberos$", 1102, Refusal::DomainController),
        ("DC1$", 1000, Refusal::DomainController),
        ("dora", 1108, Refusal::NeverReveal),
    ];
    for (user, rid, expected) in named {
        assert_eq!(Scene::new().user(user, rid).refusal(), expected, "{user}");
    }
}

/// The key list attack: NT hashes for whoever has the branch key.
#[test]
fn key_list_attack_no_key_is_handed_out() {
    let full = Scene::new().request(|request| request.key_list = Some(vec![23, 18, 17])).full();
    assert!(full.granted.key_list.is_empty());
    assert!(full.granted.encrypted_padata.iter().all(|(kind, _)| *kind != pa_type::KERB_KEY_LIST_REP));
    assert!(full.issued.notes.iter().any(|note| note == Note::KeyListIgnored));
}

/// Where the key list is on, the branch key still buys no key of whom the lists deny, nor of a Protected User.
#[test]
fn key_list_attack_where_keys_are_released_stops_at_the_lists_and_at_protected_users() {
    let attack = || Scene::new().releasing(&EncryptionType::ALL).asking_keys(&[23, 18, 17]);
    assert_eq!(attack().user("dora", 1108).refusal(), Refusal::NeverReveal);
    let protected = attack().user("paula", 1106).full();
    assert!(protected.granted.key_list.is_empty());
    assert_eq!(attack().full().granted.key_list.len(), 3, "alice's, which the lists allow");
}

/// A golden partial TGT of ten years buys ten hours, and says so in the log.
#[test]
fn golden_partial_tgt_lives_no_longer_than_any() {
    const TEN_YEARS: i64 = 10 * 365 * 86_400;
    let full = Scene::new().ticket(|ticket| ticket.set_times(at(0), at(TEN_YEARS))).full();
    assert_eq!(full.ticket.times.endtime, at(36_000));
    assert_eq!(full.ticket.times.renew_till, Some(at(7 * 86_400)));
    assert!(full.issued.notes.iter().any(|note| note == Note::LongPartial));
}

/// A full TGT, the domain's own or another branch's, is not made into anything.
#[test]
fn full_tgts_and_other_branches_tickets_are_not_upgraded() {
    let full = Scene::new().ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(2)));
    assert_eq!(full.refusal(), Refusal::NotPartial);
    let other = Scene::new().ticket(|ticket| ticket.kvno = Some(WireInt::signed(46_673 << 16 | 1)));
    assert_eq!(other.refusal(), Refusal::UnknownBranch);
}

type Buffers = Vec<(BufferType, Vec<u8>)>;

/// The usual buffers, laid out by `lay_out`.
fn with_pac(scene: Scene, lay_out: impl Fn(Buffers) -> Vec<u8> + 'static) -> Scene {
    scene.ticket(move |ticket: &mut PartialTgt<'static>| {
        let pac = lay_out(ticket.pac.buffers().unwrap());
        ticket.authorization_data = TicketData::Octets(with_pacs(&[&pac]));
    })
}

fn laid_out(buffers: &[(BufferType, Vec<u8>)]) -> Vec<u8> {
    let buffers: Vec<(BufferType, &[u8])> =
        buffers.iter().map(|(kind, octets)| (*kind, octets.as_slice())).collect();
    pac::lay_out(&buffers).unwrap()
}
