//! Why octets are not a PAC, or a PAC cannot be written.

use std::error::Error;
use std::fmt;

use crate::buffer_type::BufferType;
use crate::ndr::NdrError;
use crate::small_buffers::BufferError;

/// Why octets are not a PAC, or a PAC cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacError {
    /// Fewer octets than the header and its directory need.
    Truncated,
    /// The version is not zero.
    Version(u32),
    /// More buffers than there are types: above 64.
    TooManyBuffers,
    /// A type occurs twice.
    Duplicate(BufferType),
    /// A buffer does not begin at a multiple of 8 octets.
    Unaligned(BufferType),
    /// A buffer reaches past the end or into the directory.
    OutOfBounds(BufferType),
    /// Two buffers share octets.
    Overlap(BufferType, BufferType),
    /// The last buffer is empty.
    EmptyLastBuffer(BufferType),
    /// The signature of this type is absent.
    MissingSignature(BufferType),
    /// A signature's checksum type does not sign PACs.
    SignatureType(i32),
    /// A signature's buffer has another length than its type asks for.
    SignatureLength,
    /// The keyed function gave a checksum of another length than its type asks for.
    MacLength,
    /// The logon information cannot be encoded.
    LogonInfo(NdrError),
    /// A buffer of this type cannot be encoded.
    Contents(BufferType, BufferError),
    /// The PAC would be of so many octets, and a ticket takes 65,535.
    TooLong(usize),
}

impl fmt::Display for PacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("PAC is cut short"),
            Self::Version(version) => write!(f, "PAC has version {version}, not 0"),
            Self::TooManyBuffers => f.write_str("PAC has more buffers than there are types"),
            Self::Duplicate(kind) => write!(f, "PAC has two buffers of {kind}"),
            Self::Unaligned(kind) => write!(f, "PAC buffer {kind} is not aligned to 8 octets"),
            Self::OutOfBounds(kind) => write!(f, "PAC buffer {kind} lies outside"),
            Self::Overlap(one, other) => write!(f, "PAC buffers {one} and {other} overlap"),
            Self::EmptyLastBuffer(kind) => write!(f, "PAC ends with the empty buffer {kind}"),
            Self::MissingSignature(kind) => write!(f, "PAC has no {kind}"),
            Self::SignatureType(number) => write!(f, "checksum type {number} does not sign PACs"),
            Self::SignatureLength => f.write_str("PAC signature has the wrong length for its type"),
            Self::MacLength => f.write_str("checksum has the wrong length for its type"),
            Self::LogonInfo(error) => write!(f, "LOGON_INFO: {error}"),
            Self::Contents(kind, error) => write!(f, "{kind}: {error}"),
            Self::TooLong(len) => write!(f, "PAC of {len} octets does not fit into a ticket"),
        }
    }
}

impl Error for PacError {}
