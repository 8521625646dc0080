//! Descriptors, well-formed and not; the builder serves the tests of what is made of them too.

use super::*;

/// `nTSecurityDescriptor` of the head of a domain that Samba 4.17 provisioned, owner and DACL.
pub(crate) const DOMAIN_HEAD: &[u8] =
    include_bytes!("../../../../tests/vectors/samba-4.17/domain-head-descriptor.bin");

const ALICE: &str = "S-1-5-21-1-2-3-1104";
const ADMINISTRATORS: &str = "S-1-5-32-544";

pub(crate) fn sid(text: &str) -> Sid {
    text.parse().expect("a SID")
}

/// An entry of this type and these flags.
pub(crate) fn ace(kind: u8, flags: u8, mask: u32, object_type: Option<[u8; 16]>, trustee: &str) -> Vec<u8> {
    let mut body = mask.to_le_bytes().to_vec();
    if matches!(kind, ALLOWED_OBJECT | ALLOWED_CALLBACK_OBJECT | 0x06) {
        body.extend(u32::from(object_type.is_some()).to_le_bytes());
        body.extend(object_type.into_iter().flatten());
    }
    body.extend(sid(trustee).to_bytes());
    let size = u16::try_from(body.len().saturating_add(4)).expect("a small entry").to_le_bytes();
    [&[kind, flags], &size[..], &body].concat()
}

/// A descriptor with this owner and these entries.
pub(crate) fn descriptor(owner: &str, entries: &[Vec<u8>]) -> Vec<u8> {
    let owner = sid(owner).to_bytes();
    let entries_length: usize = entries.iter().map(Vec::len).sum();
    let [size, count] = [entries_length.saturating_add(8), entries.len()]
        .map(|number| u16::try_from(number).expect("a small list").to_le_bytes());
    let dacl = u32::try_from(owner.len().saturating_add(20)).expect("a small descriptor").to_le_bytes();
    [
        &[1, 0, 0x04, 0x80],
        &[20, 0, 0, 0][..],
        &[0; 8],
        &dacl,
        &owner,
        &[4, 0],
        &size,
        &count,
        &[0, 0],
        &entries.concat(),
    ]
    .concat()
}

fn grant_of(mask: u32, object_type: Option<[u8; 16]>, trustee: &str) -> Grant {
    Grant { trustee: sid(trustee), mask, object_type }
}

#[test]
fn reads_the_owner_and_what_allows_something_on_the_object_itself() {
    let right = Some([7; 16]);
    let mut conditional = ace(ALLOWED_CALLBACK, 0, 8, None, ALICE);
    conditional.extend(b"artx");
    conditional[2] += 4;
    let octets = descriptor(
        ADMINISTRATORS,
        &[
            ace(ALLOWED, 0, 1, None, ALICE),
            ace(ALLOWED_OBJECT, 0x02, 2, right, ALICE),
            ace(ALLOWED_OBJECT, 0, 4, None, ALICE),
            conditional,
            ace(ALLOWED_CALLBACK_OBJECT, 0, 16, right, ALICE),
            ace(ALLOWED, INHERIT_ONLY | 0x02, 32, None, ALICE),
            ace(0x01, 0, 64, None, ALICE),
            ace(0x06, 0, 64, right, ALICE),
            ace(0x77, 0, 64, None, ALICE),
        ],
    );
    let read = SecurityDescriptor::parse(&octets).expect("a descriptor");
    assert_eq!(read.owner, sid(ADMINISTRATORS));
    let expected = [
        grant_of(1, None, ALICE),
        grant_of(2, right, ALICE),
        grant_of(4, None, ALICE),
        grant_of(8, None, ALICE),
        grant_of(16, right, ALICE),
    ];
    assert_eq!(read.grants, expected);
}

#[test]
fn reads_what_a_directory_server_writes() {
    let read = SecurityDescriptor::parse(DOMAIN_HEAD).expect("a descriptor");
    assert_eq!(read.owner, sid(ADMINISTRATORS));
    // It has 46 entries, 17 of them for inheritance only.
    assert_eq!(read.grants.len(), 29);
    let everyone = read.grants.iter().find(|grant| grant.trustee == Sid::EVERYONE);
    assert_eq!(everyone.map(|grant| (grant.mask, grant.object_type)), Some((0x10, None)), "read property");
}

#[test]
fn what_says_nothing_of_its_grants_is_refused() {
    let good = descriptor(ADMINISTRATORS, &[ace(ALLOWED, 0, 1, None, ALICE)]);
    let with = |at: usize, octets: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + octets.len()].copy_from_slice(octets);
        SecurityDescriptor::parse(&changed)
    };
    let dacl = good[16..20].to_vec();
    let at = usize::from(dacl[0]);
    let cases = [
        (with(0, &[2]), DescriptorError::NotSelfRelative),
        (with(2, &[0x04, 0x00]), DescriptorError::NotSelfRelative),
        (with(2, &[0x00, 0x80]), DescriptorError::NoDacl),
        (with(16, &[0; 4]), DescriptorError::NoDacl),
        (with(4, &[0; 4]), DescriptorError::NoOwner),
        (with(4, &[0xff; 4]), DescriptorError::Truncated),
        (with(16, &[0xff; 4]), DescriptorError::Truncated),
        (with(at + 2, &[7, 0]), DescriptorError::Truncated),
        (with(at + 2, &[0xff, 0xff]), DescriptorError::Truncated),
        (with(at + 4, &[2, 0]), DescriptorError::Truncated),
        (with(at + 10, &[3, 0]), DescriptorError::Truncated),
        (with(at + 10, &[0xff, 0]), DescriptorError::Truncated),
        (with(at + 16, &[9]), DescriptorError::Sid(SidError::Revision(9))),
    ];
    for (index, (outcome, expected)) in cases.into_iter().enumerate() {
        assert_eq!(outcome, Err(expected), "case {index}");
    }
}

#[test]
fn nothing_cut_off_is_read_and_no_flipped_bit_panics() {
    for good in [DOMAIN_HEAD.to_vec(), descriptor(ADMINISTRATORS, &[ace(ALLOWED_OBJECT, 0, 1, None, ALICE)])]
    {
        let whole = SecurityDescriptor::parse(&good).expect("a descriptor");
        for length in 0..good.len() {
            // What follows the last part may be absent; nothing may be read differently.
            let cut = SecurityDescriptor::parse(&good[..length]);
            assert!(cut.is_err() || cut == Ok(whole.clone()), "{length} octets");
        }
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = SecurityDescriptor::parse(&flipped) {
                assert!(read.grants.len() <= good.len() / 16, "bit {bit}");
            }
        }
    }
}
