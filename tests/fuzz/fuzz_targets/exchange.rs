//! A datagram to a reply, end to end, with keys known to the fuzzer.
//!
//! The first octet chooses what the rest is: the whole request; the partial TGT's encrypted part, its PAC (as it is, or
//! signed again), the authenticator or what is in the armour of an armoured request, which are then sealed as whoever
//! stole the keys would seal them; or changes to the good one of these, each of two octets of position and one of
//! value. Nothing may panic, and nobody but alice may be given a ticket.
#![no_main]

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kdc::client::mint::{PartialTgt, TicketData, with_pacs};
use kdc::client::request::Exchange;
use kdc::client::{BranchKey, Credential, SessionKey};
use kdc::directory::{Principal, SidHistory, Tree, ViewRules};
use kdc::exchange::{
    AllowedKinds, Domain, Domains, Entropy, Issued, Mode, Rejected, Snapshot, TicketRules, Timestamp,
    exchange,
};
use kdc::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, fx_cf2};
use kdc::krb::der::Der;
use kdc::krb::keys::{DomainKeys, Rc4};
use kdc::krb::keytab::{Entry, Keytab};
use kdc::krb::messages::{
    ApReq, EncryptedData, KdcReq, KerberosTime, PaData, PaDatas, PaFxFastRequest, Ticket, pa_type,
};
use libfuzzer_sys::fuzz_target;
use pac::{FileTime, Sid};
use zeroize::Zeroizing;

const REALM: &str = "LAB.EXAMPLE";
const ALICE: &str = "S-1-5-21-2718281828-3141592653-1618033988-1104";
const BRANCH_KVNO: u32 = 30_775 << 16 | 5;
const SESSION_KEY: [u8; 32] = [0x5e; 32];
const SUBKEY: [u8; 32] = [0x5b; 32];

fuzz_target!(|input: &[u8]| {
    let Some((&kind, rest)) = input.split_first() else { return };
    let good = &*GOOD;
    let changed = |seed: &[u8]| if kind & 0x80 == 0 { rest.to_vec() } else { change(seed, rest) };
    let request = match kind % 6 {
        0 => changed(&good.request),
        1 => good.resealed(&changed(&good.ticket_part), &good.authenticator),
        2 => good.resealed(&good.ticket_part, &changed(&good.authenticator)),
        3 => with_pac(&changed(&good.pac)),
        4 => armored(Some(changed(&good.inside))),
        _ => {
            let mut pac = changed(&good.pac);
            let mac = |octets: &[u8]| BRANCH_KEY.pac_key().mac(octets);
            let _ = pac::sign(&mut pac, &mac, &mac);
            with_pac(&pac)
        }
    };
    if let Ok(issued) = SITE.exchange(&request) {
        assert_eq!(issued.who.sid, Some(SITE.alice.sid()));
        assert_eq!(issued.who.branch, 30_775);
    }
});

/// The good seed with these changes: position in two octets, value in one.
fn change(seed: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut octets = seed.to_vec();
    for change in changes.chunks_exact(3) {
        let position = usize::from(u16::from_le_bytes([change[0], change[1]])) % octets.len();
        octets[position] = change[2];
    }
    octets
}

static BRANCH_KEY: LazyLock<BranchKey> = LazyLock::new(|| BranchKey::new(BRANCH_KVNO, &aes256(&[0xb5; 32])));

fn aes256(octets: &[u8]) -> EncryptionKey {
    EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, octets).unwrap()
}

fn now() -> KerberosTime {
    KerberosTime::from_unix_seconds(1_800_000_000).unwrap()
}

fn partial() -> PartialTgt<'static> {
    let session_key = SessionKey::aes256(&SESSION_KEY);
    PartialTgt::new(&BRANCH_KEY, REALM, "alice", ALICE.parse().unwrap(), now(), session_key, [1; 16])
}

fn encode(credential: &Credential) -> Vec<u8> {
    Exchange::new(credential, now(), 7, [2; 16]).encode().unwrap()
}

fn with_pac(pac: &[u8]) -> Vec<u8> {
    let mut ticket = partial();
    ticket.authorization_data = TicketData::Octets(with_pacs(&[pac]));
    encode(&ticket.mint().unwrap())
}

/// The good request in an armour, or these octets in the armour in place of it.
fn armored(inside: Option<Vec<u8>>) -> Vec<u8> {
    let credential = partial().mint().unwrap();
    let mut request = Exchange::new(&credential, now(), 7, [2; 16]);
    request.arm(SessionKey::aes256(&SUBKEY), [5; 16]).unwrap();
    request.fast.as_mut().unwrap().sealed = inside;
    request.encode().unwrap()
}

/// What is in the armour of [`armored`], in clear.
fn inside() -> Vec<u8> {
    let request = armored(None);
    let request = KdcReq::parse(&request).unwrap();
    let fast =
        PaFxFastRequest::parse(request.padata.unwrap().of_kind(pa_type::FX_FAST).next().unwrap()).unwrap();
    let key = fx_cf2(&aes256(&SUBKEY), &aes256(&SESSION_KEY), b"subkeyarmor", b"ticketarmor");
    CipherKey::new(&key, KeyUsage::FastEnc).open(fast.enc_fast_req.cipher).unwrap().to_vec()
}

/// A good request and what is sealed in it, in clear.
struct Good {
    request: Vec<u8>,
    ticket_part: Vec<u8>,
    pac: Vec<u8>,
    authenticator: Vec<u8>,
    inside: Vec<u8>,
}

static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let request = encode(&partial().mint().unwrap());
    let parsed = KdcReq::parse(&request).unwrap();
    let ap_req = ApReq::parse(parsed.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap()).unwrap();
    let ticket_part = BRANCH_KEY.open_ticket(ap_req.ticket.enc_part.cipher).unwrap().to_vec();
    let authenticator = authenticator_key().open(ap_req.authenticator.cipher).unwrap().to_vec();
    let pac = partial().pac.encode().unwrap();
    assert!(SITE.exchange(&request).is_ok());
    assert!(SITE.exchange(&armored(Some(inside()))).is_ok());
    Good { ticket_part, authenticator, pac, inside: inside(), request }
});

fn authenticator_key() -> CipherKey {
    CipherKey::new(&aes256(&SESSION_KEY), KeyUsage::TgsReqAuthenticator)
}

impl Good {
    /// The good request with other plaintexts under its two seals.
    fn resealed(&self, ticket_part: &[u8], authenticator: &[u8]) -> Vec<u8> {
        let request = KdcReq::parse(&self.request).unwrap();
        let ap_req = ApReq::parse(request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap()).unwrap();
        let (mut ticket, mut sealed) = (Vec::new(), Vec::new());
        BRANCH_KEY.seal_ticket(&[3; 16], ticket_part, &mut ticket);
        authenticator_key().seal(&[4; 16], authenticator, &mut sealed);
        let enc_part = EncryptedData { cipher: &ticket, ..ap_req.ticket.enc_part };
        let ap_req = ApReq {
            ticket: Ticket { enc_part, ..ap_req.ticket },
            authenticator: EncryptedData { cipher: &sealed, ..ap_req.authenticator },
            ..ap_req
        }
        .to_der();
        let padata = [PaData { kind: pa_type::TGS_REQ, value: &ap_req }];
        KdcReq::new(request.msg_type, Some(PaDatas::of(&padata)), request.body_der()).unwrap().to_der()
    }
}

/// The daemon's side: the domain of the exchange's tests, of which alice alone is to be had.
struct Site {
    domains: Domains,
    alice: Principal,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let tree = Tree::parse(include_str!("../../support/domain.ldif")).unwrap();
    let view = tree.view(&ViewRules::default()).unwrap();
    let time = FileTime::from_unix_seconds(now().unix_seconds());
    let entry = tree.find(&ALICE.parse().unwrap(), time).unwrap().unwrap();
    let alice = Principal::from_entry(&entry, &view, SidHistory::Omit, time).unwrap();
    let keytab = Keytab::new(vec![
        entry_of("krbtgt", 2, &[0xd2; 32]),
        entry_of("krbtgt_AzureAD", BRANCH_KVNO, &[0xb5; 32]),
    ]);
    let domain = Domain {
        realm: REALM.into(),
        keys: Arc::new(DomainKeys::from_keytabs(REALM, &[("keytab", keytab)], Rc4::Refused).unwrap()),
        rules: TicketRules {
            max_lifetime: Duration::from_secs(36_000),
            max_renew: Duration::from_secs(7 * 86_400),
            clock_skew: Duration::from_secs(300),
            max_partial_lifetime: None,
            require_body_checksum: true,
            check_addresses: false,
            allowed_kinds: AllowedKinds::default(),
            mode: Mode::Live,
        },
        user_keys: None,
        netbios_name: Some(view.netbios_name.as_str().into()),
        directory: Some(Arc::new(view)),
    };
    Site { domains: Domains::new(vec![Arc::new(domain)]), alice }
});

fn entry_of(name: &str, kvno: u32, key: &[u8]) -> Entry {
    Entry {
        realm: REALM.into(),
        components: vec![name.into()],
        name_type: 1,
        timestamp: 0,
        kvno,
        etype: 18,
        key: Zeroizing::new(key.to_vec()),
    }
}

impl Site {
    fn exchange(&self, request: &[u8]) -> Result<Issued, Rejected> {
        let now = Timestamp { seconds: now(), microseconds: 0 };
        let snapshot = Snapshot { now, source: [192, 0, 2, 7].into(), domains: &self.domains };
        let mut room = Entropy::ROOM;
        let Ok(entropy) = Entropy::drawn(&mut room, |octets| -> Result<(), Infallible> {
            octets.fill(7);
            Ok(())
        });
        exchange(request, &snapshot, |sid: &Sid| (*sid == self.alice.sid()).then_some(&self.alice), &entropy)
    }
}
