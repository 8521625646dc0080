//! The buffers that are not NDR: CLIENT_INFO, UPN_DNS_INFO, ATTRIBUTES_INFO.

use std::error::Error;
use std::fmt;

use crate::filetime::FileTime;
use crate::sid::{Sid, SidError};
use crate::wire::{Cursor, pad, push_utf16, utf16_len, utf16_text};

/// PAC_CLIENT_INFO ([MS-PAC] 2.7), type 10: which ticket the PAC belongs to.
///
/// Layout: authtime (FILETIME, 8 octets), length of the name in octets (2), the name in UTF-16LE, no NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The ticket's authtime, in whole seconds.
    pub client_id: FileTime,
    /// The ticket's cname, without realm.
    pub name: String,
}

impl ClientInfo {
    /// Octets before the name.
    pub(crate) const HEADER_LEN: usize = 10;

    /// The buffer, 10 octets and the name's.
    ///
    /// # Errors
    /// [`BufferError::TooLong`] for a name of more than 65,535 octets.
    pub fn encode(&self) -> Result<Vec<u8>, BufferError> {
        let mut out = Vec::with_capacity(Self::HEADER_LEN.saturating_add(utf16_len(&self.name)));
        Self::write(self.client_id, &self.name, &mut out)?;
        Ok(out)
    }

    /// Appends the buffer of such an authtime and name to `out`, which an error leaves as it was.
    pub(crate) fn write(client_id: FileTime, name: &str, out: &mut Vec<u8>) -> Result<(), BufferError> {
        let name_len = u16::try_from(utf16_len(name)).map_err(|_| BufferError::TooLong)?;
        out.extend_from_slice(&client_id.as_u64().to_le_bytes());
        out.extend_from_slice(&name_len.to_le_bytes());
        push_utf16(out, name);
        Ok(())
    }

    /// Whether the buffer says this, and nothing else: as if it were decoded, but in place.
    #[must_use]
    pub fn says(buffer: &[u8], client_id: FileTime, name: &str) -> bool {
        let mut cursor = Cursor::new(buffer);
        let same_time = cursor.u64() == Some(client_id.as_u64());
        let same_len = cursor.u16().map(usize::from) == Some(cursor.remaining());
        let (units, odd) = cursor.rest().as_chunks::<2>();
        let same_name = units.iter().map(|unit| u16::from_le_bytes(*unit)).eq(name.encode_utf16());
        same_time && same_len && same_name && odd.is_empty() && !name.contains('\0')
    }

    /// Reads the buffer, which the name must fill exactly. A NUL is refused: it would end the name for some
    /// readers and not for others.
    ///
    /// # Errors
    /// [`BufferError`] names the first rule the octets break.
    pub fn decode(buffer: &[u8]) -> Result<Self, BufferError> {
        let mut cursor = Cursor::new(buffer);
        let client_id = cursor.u64().map(FileTime::from_u64).ok_or(BufferError::Truncated)?;
        let name_len = cursor.u16().ok_or(BufferError::Truncated)?;
        let name = cursor.take(usize::from(name_len)).ok_or(BufferError::Truncated)?;
        if cursor.remaining() > 0 {
            return Err(BufferError::TrailingBytes);
        }
        let name = text(name)?;
        if name.contains('\0') {
            return Err(BufferError::NulInName);
        }
        Ok(Self { client_id, name })
    }
}

/// UPN_DNS_INFO ([MS-PAC] 2.10), type 12: the user by name, and in its extended form by SID.
///
/// Layout: length and offset (2 octets each) of the UPN and of the DNS domain name, flags (4); in the extended
/// form length and offset of the SAM name and of the SID. Offsets count from the buffer's start; each item
/// begins at a multiple of 8 and has no NUL; zeros fill the buffer up to a multiple of 8. The extended form is
/// in `windows-server-2022/tgt-pac.bin`, the short one in the older captures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpnDnsInfo {
    /// The user principal name.
    pub upn: String,
    /// The DNS name of the domain; Windows writes it in upper case.
    pub dns_domain_name: String,
    /// Flag U: the account has no userPrincipalName, so `upn` was made of its SAM name and the domain's name.
    pub upn_constructed: bool,
    /// Flag S and what it announces.
    pub extended: Option<SamNameAndSid>,
}

/// What the extended form of [`UpnDnsInfo`] adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamNameAndSid {
    /// sAMAccountName.
    pub sam_name: String,
    /// objectSid.
    pub sid: Sid,
}

impl UpnDnsInfo {
    const CONSTRUCTED: u32 = 0x1;
    const EXTENDED: u32 = 0x2;

    /// The buffer, a multiple of 8 octets.
    ///
    /// # Errors
    /// [`BufferError::TooLong`] if an item's length or offset exceeds 65,535.
    pub fn encode(&self) -> Result<Vec<u8>, BufferError> {
        let constructed = if self.upn_constructed { Self::CONSTRUCTED } else { 0 };
        let (extended, header_len) = if self.extended.is_some() { (Self::EXTENDED, 24) } else { (0, 16) };
        let mut header = Vec::with_capacity(128);
        let mut items = Vec::with_capacity(128);

        let mut item = |header: &mut Vec<u8>, append: &dyn Fn(&mut Vec<u8>)| {
            let offset = items.len();
            append(&mut items);
            let len = items.len().saturating_sub(offset);
            pad(&mut items, 0, 8);
            for number in [len, offset.saturating_add(header_len)] {
                let number = u16::try_from(number).map_err(|_| BufferError::TooLong)?;
                header.extend_from_slice(&number.to_le_bytes());
            }
            Ok(())
        };
        item(&mut header, &|out| push_utf16(out, &self.upn))?;
        item(&mut header, &|out| push_utf16(out, &self.dns_domain_name))?;
        header.extend_from_slice(&(constructed | extended).to_le_bytes());
        if let Some(extended) = &self.extended {
            item(&mut header, &|out| push_utf16(out, &extended.sam_name))?;
            item(&mut header, &|out| extended.sid.write(out))?;
        }
        pad(&mut header, 0, 8);
        header.append(&mut items);
        Ok(header)
    }

    /// Reads the buffer. Items may lie anywhere in it; flags beyond U and S are not kept.
    ///
    /// # Errors
    /// [`BufferError`] names the first rule the octets break.
    pub fn decode(buffer: &[u8]) -> Result<Self, BufferError> {
        let mut cursor = Cursor::new(buffer);
        let upn = text(located(&mut cursor, buffer)?)?;
        let dns_domain_name = text(located(&mut cursor, buffer)?)?;
        let flags = cursor.u32().ok_or(BufferError::Truncated)?;
        let extended = if flags & Self::EXTENDED == 0 {
            None
        } else {
            let sam_name = text(located(&mut cursor, buffer)?)?;
            let sid = Sid::from_bytes(located(&mut cursor, buffer)?).map_err(BufferError::Sid)?;
            Some(SamNameAndSid { sam_name, sid })
        };
        Ok(Self { upn, dns_domain_name, upn_constructed: flags & Self::CONSTRUCTED != 0, extended })
    }
}

/// PAC_ATTRIBUTES_INFO ([MS-PAC] 2.14), type 17: how the PAC came to be asked for.
///
/// Layout: number of flag bits (4 octets, always 2), flags (4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributesInfo {
    /// The flags.
    pub flags: u32,
}

impl AttributesInfo {
    /// Flag: the client asked for a PAC. The only one in `windows-server-2022/tgt-pac.bin`.
    pub const WAS_REQUESTED: u32 = 0x1;

    /// Flag: the client did not say, so it got one.
    pub const WAS_GIVEN_IMPLICITLY: u32 = 0x2;

    /// The buffer, 8 octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [2, self.flags].into_iter().flat_map(u32::to_le_bytes).collect()
    }

    /// Reads the buffer, which must hold one word of flags.
    ///
    /// # Errors
    /// [`BufferError::Truncated`] or [`BufferError::TrailingBytes`] unless it is 8 octets and 1 to 32 flags long.
    pub fn decode(buffer: &[u8]) -> Result<Self, BufferError> {
        let mut cursor = Cursor::new(buffer);
        let bits = cursor.u32().ok_or(BufferError::Truncated)?;
        let flags = cursor.u32().ok_or(BufferError::Truncated)?;
        match (bits, cursor.remaining()) {
            (1..=32, 0) => Ok(Self { flags }),
            _ => Err(BufferError::TrailingBytes),
        }
    }
}

/// The part of `buffer` whose length and offset `cursor` reads.
fn located<'a>(cursor: &mut Cursor<'_>, buffer: &'a [u8]) -> Result<&'a [u8], BufferError> {
    let len = cursor.u16().ok_or(BufferError::Truncated)?;
    let offset = cursor.u16().ok_or(BufferError::Truncated)?;
    let tail = buffer.get(usize::from(offset)..).ok_or(BufferError::Truncated)?;
    tail.get(..usize::from(len)).ok_or(BufferError::Truncated)
}

fn text(bytes: &[u8]) -> Result<String, BufferError> {
    utf16_text(bytes).ok_or(BufferError::NotUtf16)
}

/// Why octets are not the buffer they should be, or it cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferError {
    /// An item reaches past the end.
    Truncated,
    /// Octets after the last item.
    TrailingBytes,
    /// A text is not UTF-16, or of an odd number of octets.
    NotUtf16,
    /// The client's name holds a NUL.
    NulInName,
    /// A SID breaks a rule.
    Sid(SidError),
    /// A length or an offset exceeds 65,535: not to be encoded.
    TooLong,
}

impl fmt::Display for BufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "buffer is cut short",
            Self::TrailingBytes => "buffer is longer than its contents",
            Self::NotUtf16 => "text is not UTF-16",
            Self::NulInName => "name holds a NUL",
            Self::Sid(error) => return fmt::Display::fmt(error, f),
            Self::TooLong => "text is too long for its buffer",
        })
    }
}

impl Error for BufferError {}
