//! Mutated messages: nothing panics, and what is accepted is written again to the same octets.
//!
//! `cargo test --release -p tgtx-tests --test codec_mutations` feeds five million inputs to every message type;
//! a debug build feeds fewer, and `CODEC_MUTATIONS` sets another number. Inputs follow from a fixed seed, so a
//! failure repeats itself.

use kdc::discovery::{Request, announce_key_list};
use kdc::krb::{
    der::{Der, SequenceOf},
    messages::*,
};
use kdc::relay::{Kind, Peeked, Reply};
use std::thread;

const INPUTS_PER_TYPE: u64 = if cfg!(debug_assertions) { 50_000 } else { 5_000_000 };

/// A captured message, or `$skip` octets into one.
macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("vectors/", $name)).to_vec()
    };
    ($name:literal after $skip:literal) => {
        include_bytes!(concat!("vectors/", $name))[$skip..].to_vec()
    };
}

#[test]
fn requests_survive_mutation() {
    let seeds = [
        vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin"),
        vector!("windows-server-2022/tgs-req-cifs.bin"),
        vector!("windows-server-2022/as-req.bin"),
        vector!("windows-2019/msg-tgs-req-testuser-krbtgt-renew.bin" after 4),
    ];
    mutate(&seeds, |input| {
        let Ok(request) = KdcReq::parse(input) else {
            return;
        };
        assert_eq!(request.to_der().len(), input.len());
        same_but_for_flags(request.body(), request.body_der());
        let _ = format!("{request:?}");
        for padata in request.padata.into_iter().flatten() {
            match padata.kind {
                pa_type::TGS_REQ => reads_as::<ApReq<'_>>(padata.value),
                pa_type::PAC_OPTIONS => reads_as::<PaPacOptions>(padata.value),
                pa_type::KERB_KEY_LIST_REQ => reads_as::<KerbKeyListReq<'_>>(padata.value),
                _ => {}
            }
        }
    });
}

#[test]
fn ap_requests_survive_mutation() {
    let requests = [
        vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin"),
        vector!("windows-2019/msg-tgs-req-testuser-host-app03.bin" after 4),
    ];
    let seeds = requests.map(|request| {
        let request = KdcReq::parse(&request).unwrap();
        request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap().to_vec()
    });
    mutate(&seeds, |input| reads_as::<ApReq<'_>>(input));
}

#[test]
fn relayed_messages_and_answers_survive_mutation() {
    let request = vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin");
    let parsed = KdcReq::parse(&request).unwrap();
    let ap_req = parsed.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
    // RFC 3244 §2, with one octet for the KRB-PRIV, which is not looked at.
    let lengths = [ap_req.len() + 7, 0xff80, ap_req.len()].map(|length| (length as u16).to_be_bytes());
    let password_change = [&lengths.concat(), ap_req, &[0x75]].concat();
    assert!(Peeked::at_kpasswd(&password_change).is_some());
    let answer = vector!("windows-server-2022/as-rep.bin");
    mutate(&[request.clone(), password_change, answer], |input| {
        let _ = (Peeked::at_request(input), Peeked::at_kpasswd(input));
        for kind in Kind::ALL {
            let _ = Reply::judge(kind, input);
        }
    });
}

#[test]
fn tickets_survive_mutation() {
    let seeds = [vector!("windows-rodc-2021/tgt_rodc.bin"), vector!("windows-rodc-2021/service_ticket.bin")];
    mutate(&seeds, |input| reads_as::<Ticket<'_>>(input));
}

#[test]
fn replies_survive_mutation() {
    let seeds = [
        vector!("windows-server-2022/tgs-rep-krbtgt-forwarded.bin"),
        vector!("windows-server-2022/as-rep.bin"),
    ];
    mutate(&seeds, |input| reads_as::<KdcRep<'_>>(input));
}

#[test]
fn pings_and_their_answers_survive_mutation() {
    mutate(&[vector!("windows-server-2022/cldap-netlogon-request.bin")], |input| {
        let _ = Request::parse(input);
    });
    mutate(&[vector!("windows-server-2022/cldap-netlogon-response.bin")], |input| {
        let mut answer = input.to_vec();
        announce_key_list(&mut answer, |_| true);
        let changed = input.iter().zip(&answer).filter(|(before, after)| before != after);
        assert!(changed.count() <= 1, "more than a flag changed");
    });
}

#[test]
fn errors_survive_mutation() {
    let status = KerbExtError { status: 0xc000_0072, flags: KerbExtError::TGS_FLAGS };
    let seeds = [vector!("windows-server-2022/krb-error-preauth-required.bin"), status.to_e_data()];
    mutate(&seeds, |input| {
        reads_as::<KrbError<'_>>(input);
        reads_as::<KerbErrorData<'_>>(input);
        let _ = KerbExtError::from_octets(input);
    });
}

#[test]
fn ticket_parts_survive_mutation() {
    let pac = vector!("windows-server-2022/tgt-pac.bin");
    let authorization_data = if_relevant_pac(&pac);
    let addresses = [HostAddress { addr_type: 20, address: b"DESKTOP-0O2FKRO " }];
    let full = EncTicketPart {
        flags: ticket_flags::RENEWABLE | ticket_flags::ENC_PA_REP,
        key: EncryptionKeyView { etype: 18, value: &[7; 32] },
        crealm: b"EXAMPLE.COM",
        cname: PrincipalName::new(name_type::PRINCIPAL, &[KerberosString(b"alice")]),
        transited: TransitedEncoding { tr_type: 1, contents: &[] },
        authtime: KerberosTime::EPOCH,
        starttime: Some(KerberosTime::EPOCH),
        endtime: KerberosTime::MAX,
        renew_till: Some(KerberosTime::MAX),
        caddr: Some(SequenceOf::of(&addresses)),
        authorization_data: Some(AuthorizationData::parse(&authorization_data).unwrap()),
    };
    let bare =
        EncTicketPart { starttime: None, renew_till: None, caddr: None, authorization_data: None, ..full };
    mutate(&[full.to_der().to_vec(), bare.to_der().to_vec()], |input| {
        reads_as::<EncTicketPart<'_>>(input);
        let data = EncTicketPart::parse(input).ok().and_then(|part| part.authorization_data);
        let _ = data.map(|data| (data.pacs(), data.each(|_, _| {})));
    });
}

#[test]
fn authenticators_survive_mutation() {
    let restrictions = [AuthorizationElement { ad_type: 141, data: &[0; 40] }];
    let full = Authenticator {
        crealm: b"EXAMPLE.COM",
        cname: PrincipalName::new(name_type::PRINCIPAL, &[KerberosString(b"alice")]),
        cksum: Some(Checksum { kind: 7, value: &[9; 16] }),
        cusec: 999_999,
        ctime: KerberosTime::EPOCH,
        subkey: Some(EncryptionKeyView { etype: 18, value: &[7; 32] }),
        seq_number: Some(WireInt::unsigned(u32::MAX)),
        authorization_data: Some(AuthorizationData::of(&restrictions)),
    };
    let bare =
        Authenticator { cksum: None, subkey: None, seq_number: None, authorization_data: None, ..full };
    mutate(&[full.to_der().to_vec(), bare.to_der().to_vec()], |input| reads_as::<Authenticator<'_>>(input));
}

#[test]
fn fast_requests_survive_mutation() {
    let sealed = EncryptedData { etype: 18, kvno: None, cipher: &[3; 60] };
    let implicit = PaFxFastRequest {
        armor: None,
        req_checksum: Checksum { kind: 16, value: &[9; 12] },
        enc_fast_req: sealed,
    };
    let armor = FastArmor { armor_type: 1, armor_value: &[0x6e, 0] };
    let explicit = PaFxFastRequest { armor: Some(armor), ..implicit };
    let request = vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin");
    let request = KdcReq::parse(&request).unwrap();
    let options = PaPacOptions(pac_options::BRANCH_AWARE).to_der();
    let padata = [PaData { kind: pa_type::PAC_OPTIONS, value: &options }];
    let inside = KrbFastReq {
        fast_options: fast_options::HIDE_CLIENT_NAMES,
        padata: PaDatas::of(&padata),
        req_body: *request.body(),
    };
    mutate(&[implicit.to_der(), explicit.to_der()], |input| reads_as::<PaFxFastRequest<'_>>(input));
    mutate(&[inside.to_der()], |input| {
        if let Ok(request) = KrbFastReq::parse(input) {
            let _ = format!("{request:?}");
            // Flags may come with more bits than are kept.
            assert!(KrbFastReq::parse(&request.to_der()).is_ok());
        }
    });
}

#[test]
fn fast_replies_survive_mutation() {
    let reply = PaFxFastReply { enc_fast_rep: EncryptedData { etype: 18, kvno: None, cipher: &[3; 60] } };
    mutate(&[reply.to_der()], |input| reads_as::<PaFxFastReply<'_>>(input));
    let padata = [PaData { kind: pa_type::FX_COOKIE, value: b"tgtx" }];
    let full = KrbFastResponse {
        padata: PaDatas::of(&padata),
        strengthen_key: Some(EncryptionKeyView { etype: 18, value: &[7; 32] }),
        finished: Some(KrbFastFinished {
            timestamp: KerberosTime::MAX,
            usec: 999_999,
            crealm: anonymous::REALM,
            cname: anonymous::NAME,
            ticket_checksum: Checksum { kind: 16, value: &[9; 12] },
        }),
        nonce: WireInt::signed(u32::MAX),
    };
    let bare = KrbFastResponse { strengthen_key: None, finished: None, ..full };
    mutate(&[full.to_der().to_vec(), bare.to_der().to_vec()], |input| {
        reads_as::<KrbFastResponse<'_>>(input);
    });
}

#[test]
fn reply_parts_survive_mutation() {
    let keys = [EncryptionKeyView { etype: 23, value: &[5; 16] }];
    let keys = KerbKeyListRep::of(&keys).to_der();
    let enctypes = PaSupportedEnctypes(0x1f).to_octets();
    let padata = [
        PaData { kind: pa_type::KERB_KEY_LIST_REP, value: &keys },
        PaData { kind: pa_type::SUPPORTED_ENCTYPES, value: &enctypes },
    ];
    let last_req = [LastReqEntry { lr_type: 0, lr_value: KerberosTime::EPOCH }];
    let part = EncKdcRepPart {
        tag: EncPartTag::EncTgsRepPart,
        key: EncryptionKeyView { etype: 18, value: &[7; 32] },
        last_req: LastReq::of(&last_req),
        nonce: WireInt::signed(u32::MAX),
        key_expiration: Some(KerberosTime::MAX),
        flags: ticket_flags::FORWARDABLE,
        authtime: KerberosTime::EPOCH,
        starttime: Some(KerberosTime::EPOCH),
        endtime: KerberosTime::MAX,
        renew_till: Some(KerberosTime::MAX),
        srealm: b"EXAMPLE.COM",
        sname: PrincipalName::new(2, &[KerberosString(b"krbtgt"), KerberosString(b"EXAMPLE.COM")]),
        caddr: None,
        encrypted_pa_data: Some(PaDatas::of(&padata)),
    };
    mutate(&[part.to_der().to_vec()], |input| {
        reads_as::<EncKdcRepPart<'_>>(input);
        let padata = EncKdcRepPart::parse(input).ok().and_then(|part| part.encrypted_pa_data);
        for keys in padata.iter().flat_map(|list| list.of_kind(pa_type::KERB_KEY_LIST_REP)) {
            reads_as::<KerbKeyListRep<'_>>(keys);
        }
    });
}

/// Reads a value; what was accepted must be written to the octets it came from.
fn reads_as<'a, T: Der<'a> + std::fmt::Debug>(input: &'a [u8])
where
    T::Encoded: AsRef<[u8]>,
{
    if let Ok(value) = T::parse(input) {
        same_but_for_flags(&value, input);
        let _ = format!("{value:?}");
    }
}

/// Flags are the one thing that is not always written as it came: always in 32 bits, none of them unused.
fn same_but_for_flags<'a, T: Der<'a>>(value: &T, input: &[u8])
where
    T::Encoded: AsRef<[u8]>,
{
    let encoded = value.to_der();
    let encoded = encoded.as_ref();
    if encoded == input || encoded.len() != input.len() {
        return;
    }
    // Tag 3 and length 5 of the BIT STRING, then its unused-bits octet.
    let with_header = |at: usize| input.get(at.saturating_sub(2)..=at);
    for (at, (new, old)) in encoded.iter().zip(input).enumerate() {
        let is_unused_bits = *new == 0 && matches!(with_header(at), Some([0x03, 0x05, _]));
        assert!(new == old || is_unused_bits, "octet {at} of {input:02x?} became {new:02x}");
    }
}

/// Feeds mutations of the seeds to `read`, on every core.
#[expect(clippy::expect_used, reason = "a setting that is no number fails the test")]
fn mutate(seeds: &[Vec<u8>], read: impl Fn(&[u8]) + Sync) {
    let inputs = match std::env::var("CODEC_MUTATIONS") {
        Ok(number) => number.parse().expect("CODEC_MUTATIONS is a number"),
        Err(_) => INPUTS_PER_TYPE,
    };
    for seed in seeds {
        read(seed);
    }
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    thread::scope(|scope| {
        for thread in 0..threads {
            let read = &read;
            scope.spawn(move || {
                let mut mutator = Mutator::new(seeds, thread);
                for _ in 0..inputs.div_ceil(threads) {
                    read(mutator.next_input());
                }
            });
        }
    });
}

/// Octets that sit on an edge: of lengths, of signs, and the tags of DER.
const INTERESTING: [u8; 16] =
    [0x00, 0x01, 0x02, 0x03, 0x04, 0x18, 0x1b, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa3, 0xff];

struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    input: Vec<u8>,
    state: u64,
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "positions are drawn below the length they index"
)]
impl<'a> Mutator<'a> {
    fn new(seeds: &'a [Vec<u8>], thread: u64) -> Self {
        Self { seeds, input: Vec::new(), state: 0x9e37_79b9_7f4a_7c15_u64.rotate_left(thread as u32 * 7 + 1) }
    }

    /// A seed with one to four changes, or now and then noise.
    fn next_input(&mut self) -> &[u8] {
        self.input.clear();
        if self.below(64) == 0 {
            for _ in 0..self.below(64) {
                let octet = self.random() as u8;
                self.input.push(octet);
            }
            return &self.input;
        }
        let seed = &self.seeds[self.below(self.seeds.len())];
        self.input.extend_from_slice(seed);
        for _ in 0..=self.below(4) {
            self.change();
        }
        &self.input
    }

    /// Most of a message is ciphertext that no rule touches, so most changes go near its ends.
    fn position(&mut self) -> usize {
        let length = self.input.len().max(1);
        match self.below(4) {
            0 => self.below(length),
            1 => length - 1 - self.below(length.min(160)),
            _ => self.below(length.min(160)),
        }
    }

    fn change(&mut self) {
        let at = self.position();
        if self.input.is_empty() {
            return;
        }
        match self.below(8) {
            0 => self.input[at] ^= 1 << self.below(8),
            1 => self.input[at] = self.random() as u8,
            2 => self.input[at] = INTERESTING[self.below(INTERESTING.len())],
            3 => self.input[at] = self.input[at].wrapping_add(1),
            4 => self.input[at] = self.input[at].wrapping_sub(1),
            5 => {
                let octet = INTERESTING[self.below(INTERESTING.len())];
                self.input.insert(at, octet);
            }
            6 => {
                let end = self.input.len().min(at + 1 + self.below(8));
                self.input.drain(at..end);
            }
            _ => self.input.truncate(at),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random() >> 33) as usize % bound
    }

    /// xorshift64*: fast, and the same everywhere.
    fn random(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
