//! The good request cut, flipped and mangled in every part: no panic, and no ticket for what is protected.
//!
//! What is sealed is changed under its seal: the ticket's part, the PAC and the authenticator are mutated in clear and
//! sealed again with keys known to this test, as whoever stole them would. `EXCHANGE_MUTATIONS` sets the number.

use std::ops::Range;

use kdc::client::mint::{self, TicketData};
use kdc::client::request::Exchange;
use kdc::exchange::Rejected;
use kdc::krb::crypto::{CipherKey, KeyUsage};
use kdc::krb::der::Der;
use kdc::krb::messages::{
    ApReq, Authenticator, EncTicketPart, EncryptedData, KdcReq, PaData, PaDatas, PaFxFastRequest, Ticket,
    pa_type,
};
use tgtx_tests::scene::{BRANCH_KEY, Scene, Served};

const MUTATIONS: u64 = if cfg!(debug_assertions) { 3_000 } else { 300_000 };

fn mutations() -> u64 {
    std::env::var("EXCHANGE_MUTATIONS").map_or(MUTATIONS, |number| number.parse().unwrap())
}

#[test]
fn a_request_cut_anywhere_is_dropped() {
    let served = Scene::new().served();
    let octets = Scene::new().encode();
    for end in 0..octets.len() {
        assert!(matches!(served.exchange(&octets[..end]), Err(Rejected::Dropped)), "cut to {end}");
    }
}

/// Every bit of the request. What is not protected by ticket, authenticator or checksum is the padata beside
/// PA-TGS-REQ, and what only names: the ticket's realm and sname and the AP-REQ's options, which decide nothing
/// that is not decided again, and the kvno's low word, which is a hint.
#[test]
fn a_flipped_bit_is_refused_where_it_is_protected() {
    let served = Scene::new().served();
    let good = Scene::new().encode();
    let unprotected = unprotected(&good);
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut octets = good.clone();
            octets[position] ^= 1 << bit;
            let granted = served.exchange(&octets).is_ok();
            let may_be_granted = unprotected.iter().any(|range| range.contains(&position));
            assert!(!granted || may_be_granted, "octet {position}, bit {bit}");
        }
    }
}

/// Where the octets lie that nothing protects.
fn unprotected(octets: &[u8]) -> Vec<Range<usize>> {
    let place = |part: &[u8]| {
        let start = part.as_ptr() as usize - octets.as_ptr() as usize;
        start..start + part.len()
    };
    let request = KdcReq::parse(octets).unwrap();
    let ap_req_der = request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
    let ap_req = ApReq::parse(ap_req_der).unwrap();
    let authenticator = place(ap_req.authenticator.cipher);
    let ticket = place(ap_req.ticket.enc_part.cipher);
    let ap_req = place(ap_req_der);
    let body = place(request.body_der());
    // From the AP-REQ to its ticket's cipher; between the two ciphers; from the AP-REQ's end to the body.
    vec![ap_req.start..ticket.start, ticket.end..authenticator.start, ap_req.end..body.start]
}

/// What may be changed in a request, in clear.
struct Parts {
    ticket: Vec<u8>,
    pac: Vec<u8>,
    authenticator: Vec<u8>,
}

/// The good request's parts, and the request made of changed ones.
impl Parts {
    fn of(scene: &Scene) -> Self {
        let octets = scene.encode();
        let request = KdcReq::parse(&octets).unwrap();
        let ap_req = ApReq::parse(request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap()).unwrap();
        let ticket = BRANCH_KEY.open_ticket(ap_req.ticket.enc_part.cipher).unwrap();
        let key = scene.credential().key.encryption_key().unwrap();
        let authenticator =
            CipherKey::new(&key, KeyUsage::TgsReqAuthenticator).open(ap_req.authenticator.cipher).unwrap();
        Self {
            ticket: ticket.to_vec(),
            pac: scene.partial().pac.encode().unwrap(),
            authenticator: authenticator.to_vec(),
        }
    }
}

/// `request` with another plaintext in its ticket and its authenticator.
fn resealed(request: &[u8], ticket: &[u8], authenticator: &[u8], scene: &Scene) -> Vec<u8> {
    let request = KdcReq::parse(request).unwrap();
    let ap_req = ApReq::parse(request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap()).unwrap();
    let (mut ticket_cipher, mut authenticator_cipher) = (Vec::new(), Vec::new());
    BRANCH_KEY.seal_ticket(&[3; 16], ticket, &mut ticket_cipher);
    let key = scene.credential().key.encryption_key().unwrap();
    CipherKey::new(&key, KeyUsage::TgsReqAuthenticator).seal(
        &[4; 16],
        authenticator,
        &mut authenticator_cipher,
    );
    let sealed = |part: EncryptedData<'_>| (part.etype, part.kvno);
    let ((etype, kvno), (authenticator_etype, _)) =
        (sealed(ap_req.ticket.enc_part), sealed(ap_req.authenticator));
    let ap_req = ApReq {
        ap_options: 0,
        ticket: Ticket { enc_part: EncryptedData { etype, kvno, cipher: &ticket_cipher }, ..ap_req.ticket },
        authenticator: EncryptedData {
            etype: authenticator_etype,
            kvno: None,
            cipher: &authenticator_cipher,
        },
    }
    .to_der();
    let padata = [PaData { kind: pa_type::TGS_REQ, value: &ap_req }];
    KdcReq::new(request.msg_type, Some(PaDatas::of(&padata)), request.body_der()).unwrap().to_der()
}

/// How often a mutation went through, so that a loop that mutates nothing shows.
#[derive(Debug, Default)]
struct Tally {
    granted: u64,
    refused: u64,
    dropped: u64,
}

impl Tally {
    fn count(&mut self, served: &Served, octets: &[u8]) {
        match served.exchange(octets) {
            Ok(_) => self.granted += 1,
            Err(Rejected::Dropped) => self.dropped += 1,
            Err(Rejected::NotOurs(_) | Rejected::Refused(_)) => self.refused += 1,
        }
    }
}

#[test]
fn no_mutation_of_the_request_panics() {
    let served = Scene::new().served();
    let good = Scene::new().request(|request| request.key_list = Some(vec![23])).encode();
    let mut random = Random::new(1);
    let mut tally = Tally::default();
    for _ in 0..mutations() {
        tally.count(&served, &random.mutation(&good));
    }
    assert!(tally.dropped > 0 && tally.refused > 0, "{tally:?}");
}

#[test]
fn no_mutation_of_a_sealed_part_panics() {
    let scene = Scene::new().with_rc4();
    let served = scene.served();
    let good = scene.encode();
    let parts = Parts::of(&scene);
    assert!(served.exchange(&resealed(&good, &parts.ticket, &parts.authenticator, &scene)).is_ok());
    let mut random = Random::new(2);
    let mut tally = Tally::default();
    for turn in 0..mutations() {
        let octets = match turn % 3 {
            0 => resealed(&good, &random.mutation(&parts.ticket), &parts.authenticator, &scene),
            1 => resealed(&good, &parts.ticket, &random.mutation(&parts.authenticator), &scene),
            _ => {
                let pac = random.mutation(&parts.pac);
                let ticket = with_pac(&parts.ticket, &pac);
                resealed(&good, &ticket, &parts.authenticator, &scene)
            }
        };
        tally.count(&served, &octets);
    }
    // Fields that decide nothing, such as a flag, may be changed by whoever has the key.
    assert!(tally.refused > 0 && tally.granted > 0 && tally.dropped == 0, "{tally:?}");
}

/// What is in the armour is changed under its seal, and the armour itself outside of it.
#[test]
fn no_mutation_of_an_armoured_request_panics() {
    let scene = Scene::new().armored();
    let served = scene.served();
    let credential = scene.credential();
    let request = scene.exchange(&credential);
    let encoded = request.encode().unwrap();
    let parsed = KdcReq::parse(&encoded).unwrap();
    let key = request.fast.as_ref().unwrap().key.encryption_key().unwrap();
    let fast =
        PaFxFastRequest::parse(parsed.padata.unwrap().of_kind(pa_type::FX_FAST).next().unwrap()).unwrap();
    let inside = CipherKey::new(&key, KeyUsage::FastEnc).open(fast.enc_fast_req.cipher).unwrap().to_vec();
    let mut random = Random::new(4);
    let mut tally = Tally::default();
    for turn in 0..mutations() {
        if turn % 4 == 0 {
            tally.count(&served, &random.mutation(&encoded));
            continue;
        }
        let mut request = scene.exchange(&credential);
        request.fast.as_mut().unwrap().sealed = Some(random.mutation(&inside));
        tally.count(&served, &request.encode().unwrap());
    }
    assert!(tally.refused > 0 && tally.granted > 0 && tally.dropped > 0, "{tally:?}");
}

/// A mutated PAC that is signed again, as far as it can be: what stands behind the signatures is reached.
#[test]
fn no_mutation_of_a_signed_pac_panics() {
    let scene = Scene::new();
    let served = scene.served();
    let parts = Parts::of(&scene);
    let mut random = Random::new(3);
    let mut tally = Tally::default();
    for _ in 0..mutations() / 3 {
        let mut pac = random.mutation(&parts.pac);
        let _ = pac::sign(&mut pac, &|octets| BRANCH_KEY.pac_key().mac(octets), &|octets| {
            BRANCH_KEY.pac_key().mac(octets)
        });
        let mut ticket = scene.partial();
        ticket.authorization_data = TicketData::Octets(mint::with_pacs(&[&pac]));
        let credential = ticket.mint().unwrap();
        let octets = Exchange::new(&credential, scene.now.seconds, 1, [7; 16]).encode().unwrap();
        tally.count(&served, &octets);
    }
    assert!(tally.refused > 0 && tally.granted > 0 && tally.dropped == 0, "{tally:?}");
}

fn with_pac(ticket: &[u8], pac: &[u8]) -> Vec<u8> {
    let data = mint::with_pacs(&[pac]);
    let part = EncTicketPart::parse(ticket).unwrap();
    let authorization_data = kdc::krb::messages::AuthorizationData::parse(&data).ok();
    EncTicketPart { authorization_data, ..part }.to_der().to_vec()
}

#[test]
fn what_is_resealed_is_what_was_opened() {
    let scene = Scene::new();
    let parts = Parts::of(&scene);
    assert_eq!(EncTicketPart::parse(&parts.ticket).unwrap().to_der().to_vec(), parts.ticket);
    assert_eq!(Authenticator::parse(&parts.authenticator).unwrap().to_der().to_vec(), parts.authenticator);
    assert_eq!(with_pac(&parts.ticket, &parts.pac), parts.ticket);
}

/// xorshift64*: the same mutations in each run.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.rotate_left(seed as u32 * 7))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    /// One to three changes: a flipped bit, another octet, an octet more or some less, an end cut off.
    fn mutation(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut octets = seed.to_vec();
        for _ in 0..=self.below(3) {
            if octets.is_empty() {
                break;
            }
            let at = self.below(octets.len());
            match self.below(8) {
                0..=2 => octets[at] ^= 1 << self.below(8),
                3 | 4 => octets[at] = self.next() as u8,
                5 => octets.insert(at, self.next() as u8),
                6 => {
                    let end = octets.len().min(at + 1 + self.below(4));
                    octets.drain(at..end);
                }
                _ if self.below(4) == 0 => octets.truncate(at),
                _ => octets[at] = [0x00, 0x7f, 0x80, 0xff][self.below(4)],
            }
        }
        octets
    }
}
