//! Puts buffers into a PAC, and signs one: for any buffers and any two keys.
//!
//! The daemon issues from a [`PreparedPac`](crate::PreparedPac). This is the way for whoever makes other PACs:
//! partial TGTs with an RODCIdentifier, or broken ones to test with.

use crate::buffer_type::BufferType;
use crate::error::PacError;
use crate::pac::{ENTRY_LEN, HEADER_LEN, Pac};
use crate::signatures::{Mac, Signature};
use crate::wire::{pad, padded};

/// A PAC of these buffers in this order, each at a multiple of 8 octets with zeros between, as Windows lays
/// them out. Nothing is checked, so that what a reader must refuse can be written too.
///
/// # Errors
/// [`PacError::TooLong`] if a size exceeds 32 bits.
pub fn lay_out(buffers: &[(BufferType, &[u8])]) -> Result<Vec<u8>, PacError> {
    let mut out = Vec::new();
    write_directory(&mut out, buffers.iter().map(|&(kind, contents)| (kind, contents.len())))?;
    for (_, contents) in buffers {
        out.extend_from_slice(contents);
        pad(&mut out, 0, 8);
    }
    Ok(out)
}

/// Appends header and directory for buffers of these types and sizes, laid out one after the other.
pub(crate) fn write_directory(
    out: &mut Vec<u8>,
    buffers: impl ExactSizeIterator<Item = (BufferType, usize)>,
) -> Result<(), PacError> {
    let mut offset = directory_len(buffers.len());
    let count = u32::try_from(buffers.len()).map_err(|_| PacError::TooLong(offset))?;
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    for (kind, len) in buffers {
        let too_long = PacError::TooLong(len);
        let size = u32::try_from(len).map_err(|_| too_long)?;
        let position = u64::try_from(offset).map_err(|_| too_long)?;
        // Type, size and offset, one after the other.
        let entry = u128::from(kind.0) | (u128::from(size) << 32) | (u128::from(position) << 64);
        out.extend_from_slice(&entry.to_le_bytes());
        offset = offset.saturating_add(padded(len));
    }
    Ok(())
}

/// Octets of header and directory for so many buffers: where the first buffer begins.
pub(crate) fn directory_len(buffers: usize) -> usize {
    buffers.saturating_mul(ENTRY_LEN).saturating_add(HEADER_LEN)
}

/// Signs a PAC in place: first `server` over the PAC without its signatures, then `kdc` over the server's
/// signature ([MS-PAC] 2.8). The buffers must be there, as [`Signature::blank`] makes them; type and
/// RODCIdentifier stay as they are.
///
/// # Errors
/// What [`Pac::parse`] and [`Pac::signature`] give; [`PacError::MacLength`] if a function's checksum is not of
/// its buffer's type. The PAC is then as it was.
pub fn sign(
    pac: &mut [u8],
    server: &dyn Fn(&[u8]) -> Mac,
    kdc: &dyn Fn(&[u8]) -> Mac,
) -> Result<(), PacError> {
    let view = Pac::parse(pac)?;
    let server_mac = server(&view.unsigned());
    let kdc_mac = kdc(server_mac.as_bytes());
    let server_at = place(&view, BufferType::SERVER_CHECKSUM, &server_mac)?;
    let kdc_at = place(&view, BufferType::KDC_CHECKSUM, &kdc_mac)?;
    write_mac(pac, server_at, &server_mac);
    write_mac(pac, kdc_at, &kdc_mac);
    Ok(())
}

/// Where the signature of that type begins, if `mac` is as long as its checksum.
fn place(pac: &Pac<'_>, kind: BufferType, mac: &Mac) -> Result<usize, PacError> {
    let buffer = pac.located(kind).ok_or(PacError::MissingSignature(kind))?;
    if Signature::decode(buffer.contents)?.mac.len() == mac.as_bytes().len() {
        Ok(buffer.offset)
    } else {
        Err(PacError::MacLength)
    }
}

/// Writes a checksum behind the type of the signature at `offset`.
pub(crate) fn write_mac(pac: &mut [u8], offset: usize, mac: &Mac) {
    let area = pac.get_mut(offset.saturating_add(4)..).and_then(|tail| tail.get_mut(..mac.as_bytes().len()));
    if let Some(area) = area {
        area.copy_from_slice(mac.as_bytes());
    }
}
