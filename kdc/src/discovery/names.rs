//! Names in netlogon structures: labels with their lengths, the ends of earlier names as pointers (RFC 1035 §4.1.4, [MS-ADTS]
//! 6.3.7). Offsets count from the first octet of the structure.

/// Labels are at most this long; two high bits of the length mark a pointer.
pub const LONGEST_LABEL: usize = 63;
/// And names, in octets on the wire and without pointers.
const LONGEST_NAME: usize = 255;
const POINTER: u8 = 0xc0;

/// A name that has an empty label or one longer than 63 octets, or is longer than 255 as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name that cannot be written in labels")]
pub struct NameTooLong;

/// Writes names at the end of a structure, and remembers where each end of a name stands.
#[derive(Debug, Default)]
pub(super) struct NameWriter {
    /// Ends of names, in labels, with their offsets.
    known: Vec<(Vec<u8>, u16)>,
}

impl NameWriter {
    /// A DNS name: a label for each part between dots.
    pub(super) fn dns(&mut self, structure: &mut Vec<u8>, name: &str) -> Result<(), NameTooLong> {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            self.labels(structure, &[])
        } else {
            self.labels(structure, &name.split('.').collect::<Vec<_>>())
        }
    }

    /// Any other name: one label, dots and all, none if it is empty.
    pub(super) fn single(&mut self, structure: &mut Vec<u8>, name: &str) -> Result<(), NameTooLong> {
        if name.is_empty() { self.labels(structure, &[]) } else { self.labels(structure, &[name]) }
    }

    fn labels(&mut self, structure: &mut Vec<u8>, labels: &[&str]) -> Result<(), NameTooLong> {
        let mut whole = Vec::new();
        for label in labels {
            let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length));
            whole.push(length.ok_or(NameTooLong)?);
            whole.extend_from_slice(label.as_bytes());
        }
        if whole.len() >= LONGEST_NAME {
            return Err(NameTooLong);
        }
        let mut end = whole.as_slice();
        while let Some((&length, rest)) = end.split_first() {
            // Compared octet by octet: letter case survives, as in captured answers.
            if let Some((_, offset)) = self.known.iter().find(|(known, _)| known == end) {
                structure.extend((u16::from(POINTER) << 8 | offset).to_be_bytes());
                return Ok(());
            }
            if let Ok(offset @ ..0x4000) = u16::try_from(structure.len()) {
                self.known.push((end.to_vec(), offset));
            }
            let (label, rest) = rest.split_at_checked(length.into()).ok_or(NameTooLong)?;
            structure.push(length);
            structure.extend_from_slice(label);
            end = rest;
        }
        structure.push(0);
        Ok(())
    }
}

/// The name at `offset` of a structure, its labels joined by dots, and the offset behind it. Pointers lead backwards
/// only. `None` if there is none, or if it is longer than names are.
pub(super) fn read_name(structure: &[u8], offset: usize) -> Option<(String, usize)> {
    let mut name = Vec::new();
    let mut behind = None;
    // No pointer may lead to where reading began or beyond, so that each is followed once.
    let (mut at, mut limit) = (offset, offset);
    loop {
        let &length = structure.get(at)?;
        at = at.checked_add(1)?;
        match length {
            0 => {
                let text = String::from_utf8(name).ok()?;
                return Some((text, behind.unwrap_or(at)));
            }
            1..=63 => {
                let end = at.checked_add(length.into())?;
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(structure.get(at..end)?);
                if name.len() > LONGEST_NAME {
                    return None;
                }
                at = end;
            }
            POINTER.. => {
                let target = usize::from(length & 0x3f) << 8 | usize::from(*structure.get(at)?);
                behind = behind.or(at.checked_add(1));
                if target >= limit {
                    return None;
                }
                (at, limit) = (target, target);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_of_earlier_names_become_pointers() {
        let (mut structure, mut names) = (vec![0; 4], NameWriter::default());
        names.dns(&mut structure, "lab.example").unwrap();
        names.dns(&mut structure, "lab.example.").unwrap();
        names.dns(&mut structure, "dc1.lab.example").unwrap();
        names.single(&mut structure, "LAB").unwrap();
        names.single(&mut structure, "a.b").unwrap();
        names.single(&mut structure, "").unwrap();
        assert_eq!(
            structure[4..],
            *b"\x03lab\x07example\x00\xc0\x04\x03dc1\xc0\x04\x03LAB\x00\x03a.b\x00\x00"
        );
        let mut at = 4;
        for expected in ["lab.example", "lab.example", "dc1.lab.example", "LAB", "a.b", ""] {
            let (name, behind) = read_name(&structure, at).unwrap();
            assert_eq!(name, expected);
            at = behind;
        }
        assert_eq!(at, structure.len());
    }

    #[test]
    fn what_no_label_holds_is_refused() {
        let mut names = NameWriter::default();
        for name in ["a..b", ".", "a".repeat(64).as_str(), ["a"; 128].join(".").as_str()] {
            let mut structure = Vec::new();
            let refused = names.dns(&mut structure, name).is_err();
            assert!(refused || name == ".", "{name}");
        }
        assert_eq!(names.single(&mut Vec::new(), &"a".repeat(64)), Err(NameTooLong));
    }

    #[test]
    fn pointers_forwards_in_circles_or_out_of_bounds_are_no_names() {
        let cases: [&[u8]; 7] =
            [b"", b"\x01", b"\xc0", b"\xc0\x00", b"\x01a\xc0\x00", b"\x40a\x00", b"\x01a\xc0\x09\x00"];
        for octets in cases {
            assert_eq!(read_name(octets, 0), None, "{octets:02x?}");
        }
        // Two that lead to each other.
        assert_eq!(read_name(b"\xc0\x02\xc0\x00", 2), None);
    }

    proptest! {
        #[test]
        fn any_octets_end_in_a_name_or_none(octets: Vec<u8>, offset in 0..300_usize) {
            let _ = read_name(&octets, offset);
        }

        #[test]
        fn names_come_back(first in "[a-z]{1,9}(\\.[a-z]{1,3}){0,4}", second in "[a-z]{1,2}(\\.[a-z]{1,2}){0,3}") {
            let (mut structure, mut names) = (Vec::new(), NameWriter::default());
            for name in [&first, &second, &first] {
                names.dns(&mut structure, name).unwrap();
            }
            let mut at = 0;
            for name in [&first, &second, &first] {
                let (read, behind) = read_name(&structure, at).unwrap();
                prop_assert_eq!(&read, name);
                at = behind;
            }
        }
    }
}
