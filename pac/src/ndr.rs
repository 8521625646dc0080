//! NDR, as far as a PAC uses it: type serialization version 1 ([MS-RPCE] 2.2.6) of one structure.
//!
//! The octets are a header of 16, a pointer to the structure, the structure's own fields, and then, in field
//! order, what its pointers lead to. Only little-endian octets and alignment to 4 occur.
//!
//! The reader is made for hostile input. A pointer is only ever asked whether it is null: what it leads to is
//! always what comes next, so that cycles and aliases cannot exist. Counts are held against the octets that are
//! left before anything is allocated, and nothing recurses.

use std::error::Error;
use std::fmt;

use crate::filetime::FileTime;
use crate::sid::{MAX_SUB_AUTHORITIES, Sid, SidError};
use crate::wire::{Cursor, pad, push_utf16, utf16_len, utf16_text};

/// Version 1, little-endian, header of 8 octets; then filler.
const COMMON_HEADER: [u8; 8] = [0x01, 0x10, 0x08, 0x00, 0xCC, 0xCC, 0xCC, 0xCC];

/// Octets of the common and the private header, before the structure.
const HEADERS_LEN: usize = 16;

/// The first pointer's value; each further pointer's is 4 more, as Windows numbers them in every capture.
const FIRST_REFERENT: u32 = 0x0002_0000;

/// What a RPC_UNICODE_STRING says of a string before the string comes ([MS-DTYP] 2.3.10).
pub(crate) struct StringHeader {
    len: u16,
    present: bool,
}

/// Reads one serialized structure.
pub(crate) struct Reader<'a>(Cursor<'a>);

impl<'a> Reader<'a> {
    /// Checks the headers and the pointer to the structure; the structure's first field is next.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, NdrError> {
        let mut reader = Self(Cursor::new(bytes));
        // The filler may hold anything ([MS-RPCE] 2.2.6.1).
        let [version, endianness, header_len, zero, ..] = reader.array::<8>()?;
        if [version, endianness, header_len, zero] != [0x01, 0x10, 0x08, 0x00] {
            return Err(NdrError::Header);
        }
        let object_len = reader.u32()?;
        reader.u32()?;
        if usize::try_from(object_len) != Ok(reader.0.remaining()) || object_len % 8 != 0 {
            return Err(NdrError::ObjectLength);
        }
        if !reader.pointer()? {
            return Err(NdrError::NullPointer);
        }
        Ok(reader)
    }

    /// Nothing but the padding to 8 octets may be left.
    pub(crate) fn finish(self) -> Result<(), NdrError> {
        if self.0.remaining() < 8 { Ok(()) } else { Err(NdrError::TrailingBytes) }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], NdrError> {
        self.0.array().ok_or(NdrError::Truncated)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, NdrError> {
        self.0.u16().ok_or(NdrError::Truncated)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, NdrError> {
        self.0.u32().ok_or(NdrError::Truncated)
    }

    /// Two `u32`, low first: aligned to 4 octets, unlike a 64-bit integer ([MS-DTYP] 2.3.3).
    pub(crate) fn file_time(&mut self) -> Result<FileTime, NdrError> {
        self.0.u64().map(FileTime::from_u64).ok_or(NdrError::Truncated)
    }

    /// Whether a pointer leads anywhere.
    pub(crate) fn pointer(&mut self) -> Result<bool, NdrError> {
        self.u32().map(|referent| referent != 0)
    }

    pub(crate) fn string_header(&mut self) -> Result<StringHeader, NdrError> {
        let (len, maximum) = (self.u16()?, self.u16()?);
        if len % 2 != 0 || len > maximum {
            return Err(NdrError::StringLength);
        }
        Ok(StringHeader { len, present: self.pointer()? })
    }

    /// The string that `header` announced. A null pointer is the empty string too.
    pub(crate) fn string(&mut self, header: &StringHeader) -> Result<String, NdrError> {
        if !header.present {
            return if header.len == 0 { Ok(String::new()) } else { Err(NdrError::NullPointer) };
        }
        self.align()?;
        let (capacity, offset, units) = (self.u32()?, self.u32()?, self.u32()?);
        if offset != 0 || units > capacity || u32::from(header.len / 2) != units {
            return Err(NdrError::CountMismatch);
        }
        let octets = self.0.take(usize::from(header.len)).ok_or(NdrError::Truncated)?;
        utf16_text(octets).ok_or(NdrError::NotUtf16)
    }

    /// The count before an array, which repeats `count`, as elements that can still fit in at `element_len`
    /// octets each.
    pub(crate) fn array_count(&mut self, count: u32, element_len: usize) -> Result<usize, NdrError> {
        self.align()?;
        if self.u32()? != count {
            return Err(NdrError::CountMismatch);
        }
        let count = usize::try_from(count).map_err(|_| NdrError::Truncated)?;
        match count.checked_mul(element_len) {
            Some(len) if len <= self.0.remaining() => Ok(count),
            _ => Err(NdrError::Truncated),
        }
    }

    /// A SID: its count of sub-authorities, then its packet form ([MS-DTYP] 2.4.2.3).
    pub(crate) fn sid(&mut self) -> Result<Sid, NdrError> {
        self.align()?;
        let count = usize::try_from(self.u32()?).ok().filter(|&count| count <= MAX_SUB_AUTHORITIES);
        let count = count.ok_or(NdrError::Sid(SidError::TooManySubAuthorities))?;
        let octets = self.0.take(count.saturating_mul(4).saturating_add(8)).ok_or(NdrError::Truncated)?;
        Sid::from_bytes(octets).map_err(NdrError::Sid)
    }

    fn align(&mut self) -> Result<(), NdrError> {
        self.0.align(4).ok_or(NdrError::Truncated)
    }
}

/// Writes one structure, in the octets Windows writes.
pub(crate) struct Writer {
    out: Vec<u8>,
    next_referent: u32,
}

impl Writer {
    /// Writes the headers and the pointer to the structure.
    pub(crate) fn new() -> Self {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(&COMMON_HEADER);
        out.extend_from_slice(&[0; 8]);
        let mut writer = Self { out, next_referent: FIRST_REFERENT };
        writer.pointer(true);
        writer
    }

    /// Pads to 8 octets and fills in the length.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, NdrError> {
        pad(&mut self.out, 0, 8);
        let object_len = length(self.out.len().saturating_sub(HEADERS_LEN))?;
        if let Some(slot) = self.out.get_mut(8..12) {
            slot.copy_from_slice(&object_len.to_le_bytes());
        }
        Ok(self.out)
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.octets(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.octets(&value.to_le_bytes());
    }

    pub(crate) fn file_time(&mut self, value: FileTime) {
        self.octets(&value.as_u64().to_le_bytes());
    }

    /// A pointer to something that will follow, or null.
    pub(crate) fn pointer(&mut self, present: bool) {
        if present {
            let referent = self.next_referent;
            self.next_referent = referent.wrapping_add(4);
            self.u32(referent);
        } else {
            self.u32(0);
        }
    }

    /// Announces a string with `spare` octets of room behind it. An empty one keeps its pointer: every capture
    /// has LogonScript and the like so.
    pub(crate) fn string_header(&mut self, text: &str, spare: u16) -> Result<(), NdrError> {
        let len = u16::try_from(utf16_len(text)).map_err(|_| NdrError::TooLong)?;
        let maximum = len.checked_add(spare).ok_or(NdrError::TooLong)?;
        self.u16(len);
        self.u16(maximum);
        self.pointer(true);
        Ok(())
    }

    /// The string that a header with the same `text` and `spare` announced.
    pub(crate) fn string(&mut self, text: &str, spare: u16) -> Result<(), NdrError> {
        self.align();
        let len = utf16_len(text);
        self.u32(length(len.saturating_add(usize::from(spare)) / 2)?);
        self.u32(0);
        self.u32(length(len / 2)?);
        push_utf16(&mut self.out, text);
        Ok(())
    }

    /// The count before an array, or in a field.
    pub(crate) fn count(&mut self, count: usize) -> Result<(), NdrError> {
        self.align();
        self.u32(length(count)?);
        Ok(())
    }

    pub(crate) fn sid(&mut self, sid: &Sid) -> Result<(), NdrError> {
        self.count(sid.sub_authorities().len())?;
        sid.write(&mut self.out);
        Ok(())
    }

    fn align(&mut self) {
        pad(&mut self.out, 0, 4);
    }
}

fn length(value: usize) -> Result<u32, NdrError> {
    u32::try_from(value).map_err(|_| NdrError::TooLong)
}

/// Why octets are not the structure, or the structure cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdrError {
    /// Fewer octets than a field, a string or an array needs.
    Truncated,
    /// Octets after the structure.
    TrailingBytes,
    /// Not version 1, or not little-endian.
    Header,
    /// The length in the header is not that of the octets, or no multiple of 8.
    ObjectLength,
    /// A pointer is null although what it leads to is required.
    NullPointer,
    /// An array or a string holds another number of elements than its structure says.
    CountMismatch,
    /// A string's length is odd or exceeds its maximum.
    StringLength,
    /// A string is not UTF-16.
    NotUtf16,
    /// A SID breaks a rule.
    Sid(SidError),
    /// A string exceeds 65,535 octets, or an array 2^32 - 1 elements: not to be encoded.
    TooLong,
}

impl fmt::Display for NdrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "NDR structure is cut short",
            Self::TrailingBytes => "NDR structure is followed by more octets",
            Self::Header => "NDR header is not that of version 1, little-endian",
            Self::ObjectLength => "NDR header has another length than the structure",
            Self::NullPointer => "required NDR pointer is null",
            Self::CountMismatch => "NDR counts contradict each other",
            Self::StringLength => "NDR string length is odd or exceeds its maximum",
            Self::NotUtf16 => "NDR string is not UTF-16",
            Self::Sid(error) => return fmt::Display::fmt(error, f),
            Self::TooLong => "string or array is too long for NDR",
        })
    }
}

impl Error for NdrError {}
