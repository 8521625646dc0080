//! PACTYPE ([MS-PAC] 2.3): the frame around the buffers.
//!
//! Layout, little-endian: number of buffers (4 octets), version (4, zero), then for each buffer its type (4),
//! size (4) and offset from the PAC's start (8, a multiple of 8); then the buffers with zeros between them.

use crate::buffer_type::BufferType;
use crate::error::PacError;
use crate::signatures::Signature;
use crate::wire::Cursor;

/// More buffers than this are refused, so that checking each against each stays cheap. [MS-PAC] 2.4 knows
/// fewer than 20 types, and none may occur twice.
const MAX_BUFFERS: usize = 64;

/// Octets of the frame before the directory of buffers, and of each of its entries.
pub(crate) const HEADER_LEN: usize = 8;
pub(crate) const ENTRY_LEN: usize = 16;

/// A buffer where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer<'a> {
    /// What it holds.
    pub kind: BufferType,
    /// Octets from the PAC's start, a multiple of 8.
    pub offset: usize,
    /// Its octets, without those that fill the gap after it.
    pub contents: &'a [u8],
}

impl Buffer<'_> {
    pub(crate) fn end(&self) -> usize {
        self.offset.saturating_add(self.contents.len())
    }

    fn overlaps(&self, other: &Self) -> bool {
        let both_hold_octets = !self.contents.is_empty() && !other.contents.is_empty();
        both_hold_octets && self.offset < other.end() && other.offset < self.end()
    }
}

/// A PAC whose frame holds: every buffer lies inside, aligned, apart from the others, and no type occurs twice.
/// What is in the buffers has not been looked at. Octets between and after them are kept; the server's
/// signature covers them.
#[derive(Clone, Debug)]
pub struct Pac<'a> {
    bytes: &'a [u8],
    buffers: Vec<Buffer<'a>>,
}

impl<'a> Pac<'a> {
    /// Reads the frame. Unknown types are kept. Allocates 40 octets for each buffer, once there is room for its
    /// entry.
    ///
    /// # Errors
    /// [`PacError`] names the first rule the octets break.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacError> {
        let mut directory = Cursor::new(bytes);
        let count = directory.u32().ok_or(PacError::Truncated)?;
        let version = directory.u32().ok_or(PacError::Truncated)?;
        if version != 0 {
            return Err(PacError::Version(version));
        }
        let count = usize::try_from(count).ok().filter(|&count| count <= MAX_BUFFERS);
        let count = count.ok_or(PacError::TooManyBuffers)?;
        let directory_end = count.saturating_mul(ENTRY_LEN).saturating_add(HEADER_LEN);
        if directory_end > bytes.len() {
            return Err(PacError::Truncated);
        }

        let mut buffers: Vec<Buffer<'a>> = Vec::with_capacity(count);
        for _ in 0..count {
            let buffer = read_entry(&mut directory, bytes, directory_end)?;
            for earlier in &buffers {
                if earlier.kind == buffer.kind {
                    return Err(PacError::Duplicate(buffer.kind));
                }
                if earlier.overlaps(&buffer) {
                    return Err(PacError::Overlap(earlier.kind, buffer.kind));
                }
            }
            buffers.push(buffer);
        }

        // [MS-KILE] 3.3.5.6.4: the PAC must not end with a zero-length buffer, neither last in the directory
        // nor at the end of the octets.
        let is_last = |buffer: &&Buffer<'_>| buffer.offset >= bytes.len() || Some(*buffer) == buffers.last();
        match buffers.iter().filter(|buffer| buffer.contents.is_empty()).find(is_last) {
            Some(buffer) => Err(PacError::EmptyLastBuffer(buffer.kind)),
            None => Ok(Self { bytes, buffers }),
        }
    }

    /// All buffers, in the order of the directory.
    #[must_use]
    pub fn buffers(&self) -> &[Buffer<'a>] {
        &self.buffers
    }

    /// The contents of the buffer of that type.
    #[must_use]
    pub fn buffer(&self, kind: BufferType) -> Option<&'a [u8]> {
        self.located(kind).map(|buffer| buffer.contents)
    }

    /// The server's signature, type 6: over [`Pac::unsigned`].
    ///
    /// # Errors
    /// [`PacError::MissingSignature`], or what [`Signature::decode`] gives.
    pub fn server_signature(&self) -> Result<Signature<'a>, PacError> {
        self.signature(BufferType::SERVER_CHECKSUM)
    }

    /// The KDC's signature, type 7: over the `mac` of [`Pac::server_signature`].
    ///
    /// # Errors
    /// [`PacError::MissingSignature`], or what [`Signature::decode`] gives.
    pub fn kdc_signature(&self) -> Result<Signature<'a>, PacError> {
        self.signature(BufferType::KDC_CHECKSUM)
    }

    /// The signature in the buffer of that type: 6, 7, 16 or 19.
    ///
    /// # Errors
    /// [`PacError::MissingSignature`], or what [`Signature::decode`] gives.
    pub fn signature(&self, kind: BufferType) -> Result<Signature<'a>, PacError> {
        Signature::decode(self.buffer(kind).ok_or(PacError::MissingSignature(kind))?)
    }

    /// What the server's signature is made over: the whole PAC, in which the signatures of types 6 and 7 are
    /// zero, their RODCIdentifiers included, but not their types ([MS-PAC] 2.8). Of the captures,
    /// `windows-rodc-2021/tgt_rodc.pac.bin` has such an identifier.
    #[must_use]
    pub fn unsigned(&self) -> Vec<u8> {
        let mut bytes = self.bytes.to_vec();
        for kind in [BufferType::SERVER_CHECKSUM, BufferType::KDC_CHECKSUM] {
            if let Some(buffer) = self.located(kind)
                && let Some(area) = bytes.get_mut(buffer.offset.saturating_add(4)..buffer.end())
            {
                area.fill(0);
            }
        }
        bytes
    }

    pub(crate) fn located(&self, kind: BufferType) -> Option<&Buffer<'a>> {
        self.buffers.iter().find(|buffer| buffer.kind == kind)
    }
}

fn read_entry<'a>(
    directory: &mut Cursor<'_>,
    bytes: &'a [u8],
    directory_end: usize,
) -> Result<Buffer<'a>, PacError> {
    let kind = directory.u32().map(BufferType).ok_or(PacError::Truncated)?;
    let size = directory.u32().ok_or(PacError::Truncated)?;
    let offset = directory.u64().ok_or(PacError::Truncated)?;
    if offset % 8 != 0 {
        return Err(PacError::Unaligned(kind));
    }
    let outside = PacError::OutOfBounds(kind);
    let offset = usize::try_from(offset).map_err(|_| outside)?;
    let size = usize::try_from(size).map_err(|_| outside)?;
    if offset < directory_end {
        return Err(outside);
    }
    let contents = bytes.get(offset..).and_then(|tail| tail.get(..size)).ok_or(outside)?;
    Ok(Buffer { kind, offset, contents })
}
