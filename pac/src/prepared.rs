//! The PAC of a full TGT, all but the request's part of it made beforehand.

use crate::buffer_type::BufferType;
use crate::error::PacError;
use crate::filetime::FileTime;
use crate::layout::{directory_len, write_directory, write_mac};
use crate::logon_info::LogonInfo;
use crate::sid::Sid;
use crate::signatures::{Mac, SignatureType};
use crate::small_buffers::{AttributesInfo, ClientInfo, UpnDnsInfo};
use crate::wire::{pad, padded, utf16_len};

/// The longest PAC issued. A longer one would be refused by those that must read it, and never is one cut.
const MAX_LEN: usize = 65_535;

/// A TGT's buffers, as ordered in `windows-server-2022/tgt-pac.bin`. The first and the last three are the same
/// for all tickets of a principal.
const ORDER: [BufferType; 7] = [
    BufferType::LOGON_INFO,
    BufferType::SERVER_CHECKSUM,
    BufferType::KDC_CHECKSUM,
    BufferType::CLIENT_INFO,
    BufferType::UPN_DNS_INFO,
    BufferType::ATTRIBUTES_INFO,
    BufferType::REQUESTOR,
];

/// A principal's part of its TGTs' PACs, encoded once. Composing one is a few copies and two checksums.
#[derive(Clone, Debug)]
pub struct PreparedPac {
    /// LOGON_INFO, UPN_DNS_INFO, ATTRIBUTES_INFO and REQUESTOR, each padded: to the octet, since caches are full of
    /// these.
    buffers: Box<[u8]>,
    /// Octets of each of the four without padding.
    lens: [u32; 4],
    /// How many groups LOGON_INFO names.
    groups: u32,
}

impl PreparedPac {
    /// Encodes the principal's buffers.
    ///
    /// # Errors
    /// [`PacError::LogonInfo`] or [`PacError::Contents`] if one cannot be encoded, [`PacError::TooLong`] if its size
    /// exceeds 32 bits.
    pub fn new(
        logon_info: &LogonInfo,
        upn_dns_info: &UpnDnsInfo,
        requestor: &Sid,
        attributes_info: AttributesInfo,
    ) -> Result<Self, PacError> {
        let groups = logon_info.groups.len().saturating_add(logon_info.extra_sids.len());
        let logon_info = logon_info.encode().map_err(PacError::LogonInfo)?;
        let upn_dns_info =
            upn_dns_info.encode().map_err(|error| PacError::Contents(BufferType::UPN_DNS_INFO, error))?;
        let encoded = [logon_info, upn_dns_info, attributes_info.encode(), requestor.to_bytes()];
        let mut lens = [0; 4];
        let mut buffers = Vec::with_capacity(
            encoded.iter().fold(0, |sum: usize, buffer| sum.saturating_add(padded(buffer.len()))),
        );
        for (len, buffer) in lens.iter_mut().zip(&encoded) {
            *len = u32::try_from(buffer.len()).map_err(|_| PacError::TooLong(buffer.len()))?;
            buffers.extend_from_slice(buffer);
            pad(&mut buffers, 0, 8);
        }
        let groups = u32::try_from(groups).unwrap_or(u32::MAX);
        Ok(Self { buffers: buffers.into_boxed_slice(), lens, groups })
    }

    /// How many groups and other SIDs the PAC names beside the user's own.
    #[must_use]
    pub fn groups(&self) -> u32 {
        self.groups
    }

    /// Octets of the PAC of a ticket with this client name and signatures of this type, also where that is too long to
    /// be composed.
    #[must_use]
    pub fn composed_len(&self, name: &str, kind: SignatureType) -> usize {
        sum(&self.buffer_lens(name, kind))
    }

    /// Octets of each buffer without padding, in their [`ORDER`].
    fn buffer_lens(&self, name: &str, kind: SignatureType) -> [usize; ORDER.len()] {
        let signature_len = kind.mac_len().saturating_add(4);
        let client_info_len = ClientInfo::HEADER_LEN.saturating_add(utf16_len(name));
        let [logon_info_len, upn_dns_info_len, attributes_info_len, requestor_len] =
            self.lens.map(|len| usize::try_from(len).unwrap_or(usize::MAX));
        [
            logon_info_len,
            signature_len,
            signature_len,
            client_info_len,
            upn_dns_info_len,
            attributes_info_len,
            requestor_len,
        ]
    }

    /// Appends to `out` the PAC of a TGT with this authtime and client name, signed twice with the one key
    /// behind `mac`: for a TGT the server is the KDC ([MS-PAC] 2.8). No RODCIdentifier: the key is the domain's.
    ///
    /// # Errors
    /// [`PacError::TooLong`] past 65,535 octets, [`PacError::Contents`] for too long a name,
    /// [`PacError::MacLength`] if `mac` is not of type `kind`. `out` is then as it was.
    pub fn compose(
        &self,
        authtime: FileTime,
        name: &str,
        kind: SignatureType,
        mac: &dyn Fn(&[u8]) -> Mac,
        out: &mut Vec<u8>,
    ) -> Result<(), PacError> {
        let start = out.len();
        let composed = self.append(authtime, name, kind, mac, out);
        if composed.is_err() {
            out.truncate(start);
        }
        composed
    }

    fn append(
        &self,
        authtime: FileTime,
        name: &str,
        kind: SignatureType,
        mac: &dyn Fn(&[u8]) -> Mac,
        out: &mut Vec<u8>,
    ) -> Result<(), PacError> {
        let lens = self.buffer_lens(name, kind);
        let [logon_info_len, signature_len, ..] = lens;
        let len = sum(&lens);
        if len > MAX_LEN {
            return Err(PacError::TooLong(len));
        }

        let start = out.len();
        out.reserve(len);
        write_directory(out, ORDER.into_iter().zip(lens))?;
        let (head, tail) = self.buffers.split_at_checked(padded(logon_info_len)).unwrap_or_default();
        out.extend_from_slice(head);
        let server_at = out.len().saturating_sub(start);
        let kdc_at = server_at.saturating_add(padded(signature_len));
        for _ in 0..2 {
            out.extend_from_slice(&kind.as_i32().to_le_bytes());
            out.resize(out.len().saturating_add(kind.mac_len()), 0);
            pad(out, start, 8);
        }
        ClientInfo::write(authtime, name, out)
            .map_err(|error| PacError::Contents(BufferType::CLIENT_INFO, error))?;
        pad(out, start, 8);
        out.extend_from_slice(tail);

        let pac = out.get_mut(start..).unwrap_or_default();
        let server = mac(pac);
        let kdc = mac(server.as_bytes());
        if [server, kdc].iter().any(|mac| mac.as_bytes().len() != kind.mac_len()) {
            return Err(PacError::MacLength);
        }
        write_mac(pac, server_at, &server);
        write_mac(pac, kdc_at, &kdc);
        Ok(())
    }
}

/// Octets of a PAC with buffers of so many octets each.
fn sum(lens: &[usize]) -> usize {
    lens.iter().fold(directory_len(lens.len()), |sum, &len| sum.saturating_add(padded(len)))
}
