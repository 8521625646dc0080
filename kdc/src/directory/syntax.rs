//! What one value of an attribute says, by the attribute's syntax ([MS-ADTS] 3.1.1.2.2).

use std::str;

use pac::{FileTime, Sid};

use super::attribute_error::Fault;

/// UTF-8.
pub(super) fn text(value: &[u8]) -> Result<&str, Fault> {
    str::from_utf8(value).map_err(|_| Fault::NotText)
}

/// RFC 4517 §3.3.3.
pub(super) fn boolean(value: &[u8]) -> Result<bool, Fault> {
    match value {
        b"TRUE" => Ok(true),
        b"FALSE" => Ok(false),
        _ => Err(Fault::NotBoolean),
    }
}

/// Signed decimal digits.
pub(super) fn integer(value: &[u8]) -> Result<i64, Fault> {
    str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(Fault::NotInteger)
}

/// 32 bits. LDAP writes the highest one as a minus sign; both spellings are read.
pub(super) fn flags(value: &[u8]) -> Result<u32, Fault> {
    let number = integer(value)?;
    u32::try_from(number)
        .or_else(|_| i32::try_from(number).map(i32::cast_unsigned))
        .map_err(|_| Fault::NotInteger)
}

/// 100 ns since 1601.
pub(super) fn file_time(value: &[u8]) -> Result<FileTime, Fault> {
    u64::try_from(integer(value)?).map(FileTime::from_u64).map_err(|_| Fault::NotTime)
}

/// The packet form, or the string form in which Samba's tools print it; the first octet tells them apart.
pub(super) fn sid(value: &[u8]) -> Result<Sid, Fault> {
    let sid = match str::from_utf8(value) {
        Ok(text) if text.starts_with("S-") => text.parse().ok(),
        _ => Sid::from_bytes(value).ok(),
    };
    sid.ok_or(Fault::NotSid)
}

/// 16 octets, or the string form in which Samba's tools print it ([MS-DTYP] 2.3.4.3): its first three groups
/// are numbers and lie in the octets with the least significant one first.
pub(super) fn guid(value: &[u8]) -> Result<[u8; 16], Fault> {
    if let Ok(octets) = value.try_into() {
        return Ok(octets);
    }
    let string_form = || {
        let groups: Vec<&str> = str::from_utf8(value).ok()?.split('-').collect();
        let &[a, b, c, d, e] = groups.as_slice() else {
            return None;
        };
        if [a, b, c, d, e].map(str::len) != [8, 4, 4, 4, 12] {
            return None;
        }
        let (a, b, c) = (u32::from_str_radix(a, 16), u16::from_str_radix(b, 16), u16::from_str_radix(c, 16));
        let rest = u64::from_str_radix(&format!("{d}{e}"), 16).ok()?;
        let octets =
            [&a.ok()?.to_le_bytes()[..], &b.ok()?.to_le_bytes(), &c.ok()?.to_le_bytes(), &rest.to_be_bytes()];
        octets.concat().try_into().ok()
    };
    string_form().ok_or(Fault::NotGuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_read_both_spellings_of_bit_31() {
        for spelling in ["-2147483646", "2147483650"] {
            assert_eq!(flags(spelling.as_bytes()), Ok(0x8000_0002));
        }
        assert_eq!(flags(b"4294967296"), Err(Fault::NotInteger));
    }

    #[test]
    fn sids_and_guids_are_read_from_both_of_their_forms() {
        let packet = [1, 1, 0, 0, 0, 0, 0, 18, 1, 0, 0, 0];
        for form in [&packet[..], b"S-1-18-1"] {
            assert_eq!(sid(form).map(|sid| sid.to_bytes()), Ok(packet.to_vec()));
        }
        let octets =
            [0x52, 0xce, 0x02, 0x3f, 0x79, 0x75, 0x97, 0x45, 0x94, 0x54, 0xd9, 0xf3, 0x2d, 0x98, 0xf1, 0x6e];
        for form in [&octets[..], b"3f02ce52-7579-4597-9454-d9f32d98f16e"] {
            assert_eq!(guid(form), Ok(octets));
        }
    }
}
