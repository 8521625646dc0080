//! Octets that were never meant to be read. None may panic, recurse, or be taken for something else.

use super::{CAPTURES, TGT_2022};
use crate::{
    AttributesInfo, BufferError, BufferType, ClientInfo, FileTime, LogonInfo, NdrError, Pac, PacError, Sid,
    SidError, UpnDnsInfo,
};

/// Octets to be put somewhere, counted from the start.
type Change<'a> = (usize, &'a [u8]);

/// A `u32` to be put somewhere, counted from the start.
type Word = (usize, u32);

/// Where the directory keeps type, size and offset of a PAC's buffers, first to last.
const ENTRIES: [usize; 7] = [8, 24, 40, 56, 72, 88, 104];

fn parse_with(changes: &[Change<'_>]) -> Result<usize, PacError> {
    let mut bytes = TGT_2022.to_vec();
    for (at, octets) in changes {
        bytes[*at..][..octets.len()].copy_from_slice(octets);
    }
    Pac::parse(&bytes).map(|pac| pac.buffers().len())
}

#[test]
fn refuses_every_broken_frame() {
    use BufferType as Type;
    let word = u32::to_le_bytes;
    let long = u64::to_le_bytes;
    let rows: [(&str, &[Change<'_>], PacError); 14] = [
        ("a count of 2^32 - 1", &[(0, &word(u32::MAX))], PacError::TooManyBuffers),
        ("a count without entries", &[(0, &word(64))], PacError::Truncated),
        ("a version", &[(4, &word(1))], PacError::Version(1)),
        ("two of a type", &[(ENTRIES[6], &word(1))], PacError::Duplicate(Type::LOGON_INFO)),
        (
            "two of an unknown type",
            &[(ENTRIES[0], &word(99)), (ENTRIES[6], &word(99))],
            PacError::Duplicate(Type(99)),
        ),
        ("an odd offset", &[(ENTRIES[3] + 8, &long(625))], PacError::Unaligned(Type::CLIENT_INFO)),
        ("an offset of half of 8", &[(ENTRIES[3] + 8, &long(628))], PacError::Unaligned(Type::CLIENT_INFO)),
        ("an offset past the end", &[(ENTRIES[3] + 8, &long(840))], PacError::OutOfBounds(Type::CLIENT_INFO)),
        (
            "an offset of 2^64 - 8",
            &[(ENTRIES[3] + 8, &long(u64::MAX - 7))],
            PacError::OutOfBounds(Type::CLIENT_INFO),
        ),
        (
            "an offset into the directory",
            &[(ENTRIES[3] + 8, &long(112))],
            PacError::OutOfBounds(Type::CLIENT_INFO),
        ),
        ("a size of 2^32 - 1", &[(ENTRIES[0] + 4, &word(u32::MAX))], PacError::OutOfBounds(Type::LOGON_INFO)),
        ("a size past the end", &[(ENTRIES[6] + 4, &word(33))], PacError::OutOfBounds(Type::REQUESTOR)),
        (
            "two buffers in one place",
            &[(ENTRIES[5] + 8, &long(120))],
            PacError::Overlap(Type::LOGON_INFO, Type::ATTRIBUTES_INFO),
        ),
        ("an empty last buffer", &[(ENTRIES[6] + 4, &word(0))], PacError::EmptyLastBuffer(Type::REQUESTOR)),
    ];
    for (what, changes, error) in rows {
        assert_eq!(parse_with(changes), Err(error), "{what}");
    }
    let at_end: &[Change<'_>] = &[(ENTRIES[5] + 4, &[0; 4]), (ENTRIES[5] + 8, &long(832))];
    assert_eq!(parse_with(at_end), Err(PacError::EmptyLastBuffer(Type::ATTRIBUTES_INFO)));
}

#[test]
fn takes_what_is_unusual_but_allowed() {
    assert_eq!(parse_with(&[(ENTRIES[5], &99_u32.to_le_bytes())]), Ok(7), "an unknown type");
    assert_eq!(parse_with(&[(ENTRIES[5] + 4, &[0; 4])]), Ok(7), "an empty buffer in the middle");
    assert_eq!(Pac::parse(&[0; 8]).map(|pac| pac.buffers().len()), Ok(0), "no buffers at all");
}

#[test]
fn refuses_a_pac_cut_anywhere() {
    for (name, bytes) in CAPTURES {
        let last = Pac::parse(bytes).unwrap().buffers().last().unwrap().end();
        for cut in 0..last {
            assert!(Pac::parse(&bytes[..cut]).is_err(), "{name} cut to {cut}");
        }
    }
}

#[test]
fn names_the_signature_that_is_missing() {
    for (index, kind) in [(1, BufferType::SERVER_CHECKSUM), (2, BufferType::KDC_CHECKSUM)] {
        let mut bytes = TGT_2022.to_vec();
        bytes[ENTRIES[index]] = 99;
        let pac = Pac::parse(&bytes).unwrap();
        assert_eq!(pac.signature(kind), Err(PacError::MissingSignature(kind)));
    }
}

/// The captured logon information with words replaced.
fn decode_with(changes: &[Word]) -> Result<LogonInfo, NdrError> {
    let mut bytes = Pac::parse(TGT_2022).unwrap().buffer(BufferType::LOGON_INFO).unwrap().to_vec();
    for (at, word) in changes {
        bytes[*at..][..4].copy_from_slice(&word.to_le_bytes());
    }
    LogonInfo::decode(&bytes)
}

#[test]
fn refuses_ndr_bombs() {
    const BOMB: u32 = 1 << 31;
    let rows: [(&str, &[Word], NdrError); 17] = [
        ("version 2", &[(0, 0x0008_1002)], NdrError::Header),
        ("big-endian", &[(0, 0x0008_0001)], NdrError::Header),
        ("an object length of 2^31", &[(8, BOMB)], NdrError::ObjectLength),
        ("an object length too small", &[(8, 448)], NdrError::ObjectLength),
        ("no structure", &[(16, 0)], NdrError::NullPointer),
        ("an odd string", &[(68, 0x005_000f)], NdrError::StringLength),
        ("a string longer than its maximum", &[(68, 0x000e_0010)], NdrError::StringLength),
        ("a string of 2^31 characters", &[(0xEC, BOMB), (0xF4, BOMB)], NdrError::CountMismatch),
        ("a string that begins elsewhere", &[(0xF0, 1)], NdrError::CountMismatch),
        (
            "a string of 65,534 octets",
            &[(68, 0xfffe_fffe), (0xEC, 32_767), (0xF4, 32_767)],
            NdrError::Truncated,
        ),
        ("a string without a pointer", &[(72, 0)], NdrError::NullPointer),
        ("2^31 groups in the field", &[(128, BOMB)], NdrError::CountMismatch),
        ("2^31 groups", &[(128, BOMB), (0x154, BOMB)], NdrError::Truncated),
        ("groups without a pointer", &[(132, 0)], NdrError::NullPointer),
        ("2^31 SIDs", &[(216, BOMB), (0x1B8, BOMB)], NdrError::Truncated),
        ("a SID without a pointer", &[(0x1BC, 0)], NdrError::NullPointer),
        ("a SID of 2^31 parts", &[(0x19C, BOMB)], NdrError::Sid(SidError::TooManySubAuthorities)),
    ];
    for (what, changes, error) in rows {
        assert_eq!(decode_with(changes), Err(error), "{what}");
    }
}

#[test]
fn pointers_that_alias_or_form_a_cycle_lead_nowhere_else() {
    let honest = decode_with(&[]).unwrap();
    // Every pointer of the structure, all to the structure itself.
    let pointers = [72, 80, 88, 96, 104, 112, 132, 160, 168, 172, 220, 0x1BC];
    assert_eq!(decode_with(&pointers.map(|at| (at, 0x0002_0000))), Ok(honest));
}

#[test]
fn refuses_logon_info_cut_anywhere() {
    for (name, bytes) in CAPTURES {
        let whole = Pac::parse(bytes).unwrap().buffer(BufferType::LOGON_INFO).unwrap();
        for cut in 0..whole.len() {
            let mut bytes = whole[..cut].to_vec();
            if let Some(length) = bytes.get_mut(8..12) {
                length.copy_from_slice(&u32::try_from(cut.saturating_sub(16)).unwrap().to_le_bytes());
            }
            let only_padding =
                whole[cut..].len() < 8 && cut % 8 == 0 && whole[cut..].iter().all(|&octet| octet == 0);
            assert!(only_padding || LogonInfo::decode(&bytes).is_err(), "{name} cut to {cut}");
        }
        let mut longer = whole.to_vec();
        longer.extend([0; 8]);
        assert_eq!(LogonInfo::decode(&longer), Err(NdrError::ObjectLength), "{name}");
        let length = u32::try_from(longer.len() - 16).unwrap();
        longer[8..12].copy_from_slice(&length.to_le_bytes());
        assert_eq!(LogonInfo::decode(&longer), Err(NdrError::TrailingBytes), "{name}");
    }
}

#[test]
fn refuses_every_broken_client_info() {
    let client_info = |name_len: u16, name: &[u8]| {
        let mut bytes = vec![0; 8];
        bytes.extend(name_len.to_le_bytes());
        bytes.extend(name);
        for name in ["", "a", "ab", "a\0"] {
            let decodes = ClientInfo::decode(&bytes).is_ok_and(|client_info| client_info.name == name);
            assert_eq!(ClientInfo::says(&bytes, FileTime::ZERO, name), decodes, "{name} in {bytes:?}");
            assert!(!ClientInfo::says(&bytes, FileTime::NEVER, name), "at another time");
        }
        ClientInfo::decode(&bytes).map(|client_info| client_info.name)
    };
    let rows: [(u16, &[u8], Result<&str, BufferError>); 9] = [
        (4, b"a\0b\0", Ok("ab")),
        (0, b"", Ok("")),
        (3, b"a\0b", Err(BufferError::NotUtf16)),
        (4, b"a\0b", Err(BufferError::Truncated)),
        (u16::MAX, b"a\0", Err(BufferError::Truncated)),
        (2, b"a\0b\0", Err(BufferError::TrailingBytes)),
        (4, b"a\0\0\0", Err(BufferError::NulInName)),
        (2, b"\x00\xd8", Err(BufferError::NotUtf16)),
        (4, b"\x00\xdc\x00\xd8", Err(BufferError::NotUtf16)),
    ];
    for (name_len, name, expected) in rows {
        assert_eq!(client_info(name_len, name), expected.map(str::to_owned), "{name:?}");
    }
    assert_eq!(ClientInfo::decode(&[0; 7]), Err(BufferError::Truncated));
    assert_eq!(ClientInfo::decode(&[0; 9]), Err(BufferError::Truncated));
}

#[test]
fn refuses_every_broken_upn_dns_info() {
    let captured = Pac::parse(TGT_2022).unwrap().buffer(BufferType::UPN_DNS_INFO).unwrap();
    let rows: [(usize, u16, BufferError); 6] = [
        (0, u16::MAX, BufferError::Truncated),
        (2, 137, BufferError::Truncated),
        (4, 19, BufferError::NotUtf16),
        (14, u16::MAX, BufferError::Truncated),
        (16, 27, BufferError::Sid(SidError::Truncated)),
        (16, 29, BufferError::Sid(SidError::TrailingBytes)),
    ];
    for (at, value, error) in rows {
        let mut bytes = captured.to_vec();
        bytes[at..][..2].copy_from_slice(&value.to_le_bytes());
        assert_eq!(UpnDnsInfo::decode(&bytes), Err(error), "{value} at {at}");
    }
    for cut in 0..132 {
        assert!(UpnDnsInfo::decode(&captured[..cut]).is_err(), "cut to {cut}");
    }
}

#[test]
fn attributes_info_is_one_word_of_flags() {
    let decode = |bits: u32, flags: &[u8]| AttributesInfo::decode(&[&bits.to_le_bytes(), flags].concat());
    assert_eq!(decode(2, &[1, 0, 0, 0]), Ok(AttributesInfo { flags: AttributesInfo::WAS_REQUESTED }));
    assert_eq!(decode(2, &[1, 0, 0]), Err(BufferError::Truncated));
    assert_eq!(decode(2, &[1, 0, 0, 0, 0]), Err(BufferError::TrailingBytes));
    assert_eq!(decode(33, &[1, 0, 0, 0]), Err(BufferError::TrailingBytes));
    assert_eq!(decode(0, &[1, 0, 0, 0]), Err(BufferError::TrailingBytes));
}

/// Marsaglia's xorshift64: the same mutations on every run.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap().checked_rem(bound).unwrap()
    }
}

#[test]
fn no_mutation_of_a_captured_pac_panics() {
    // Each one reads and writes a PAC: a tenth of a millisecond unless optimised.
    const MUTATIONS: usize = if cfg!(debug_assertions) { 5_000 } else { 200_000 };
    const EXTREMES: [u8; 8] = [0x00, 0x01, 0x02, 0x07, 0x7F, 0x80, 0xFE, 0xFF];
    for (name, captured) in CAPTURES {
        let mut random = Xorshift(0x9E37_79B9_7F4A_7C15);
        let mut bytes = captured.to_vec();
        for _ in 0..MUTATIONS {
            bytes.copy_from_slice(captured);
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] = match random.below(3) {
                    0 => EXTREMES[random.below(EXTREMES.len())],
                    1 => bytes[at] ^ (1 << random.below(8)),
                    _ => u8::try_from(random.below(256)).unwrap(),
                };
            }
            let len = if random.below(16) == 0 { random.below(bytes.len()) } else { bytes.len() };
            read_everything(&bytes[..len], name);
        }
    }
}

/// Reads all there is, and demands that what was understood can be written and read again.
fn read_everything(bytes: &[u8], name: &str) {
    let Ok(pac) = Pac::parse(bytes) else { return };
    assert_eq!(pac.unsigned().len(), bytes.len(), "{name}");
    for buffer in pac.buffers() {
        let octets = buffer.contents;
        match buffer.kind {
            BufferType::LOGON_INFO => {
                if let Ok(logon_info) = LogonInfo::decode(octets) {
                    let encoded = logon_info.encode().unwrap();
                    assert_eq!(LogonInfo::decode(&encoded).unwrap().encode(), Ok(encoded), "{name}");
                }
            }
            BufferType::UPN_DNS_INFO => {
                if let Ok(upn_dns_info) = UpnDnsInfo::decode(octets) {
                    assert_eq!(
                        UpnDnsInfo::decode(&upn_dns_info.encode().unwrap()),
                        Ok(upn_dns_info),
                        "{name}"
                    );
                }
            }
            BufferType::CLIENT_INFO => {
                if let Ok(client_info) = ClientInfo::decode(octets) {
                    assert_eq!(client_info.encode().unwrap(), octets, "{name}");
                    assert!(ClientInfo::says(octets, client_info.client_id, &client_info.name), "{name}");
                }
            }
            BufferType::ATTRIBUTES_INFO => {
                let _ = AttributesInfo::decode(octets);
            }
            BufferType::REQUESTOR => {
                if let Ok(sid) = Sid::from_bytes(octets) {
                    assert_eq!(sid.to_bytes(), octets, "{name}");
                }
            }
            kind => {
                let _ = pac.signature(kind);
            }
        }
    }
}
