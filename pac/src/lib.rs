//! The Privilege Attribute Certificate of Active Directory's tickets ([MS-PAC]): encode, decode, sign.
//!
//! Knows the layout of every buffer a ticket-granting ticket holds, where its two signatures lie, what they
//! cover and how long they are. It never holds a key: the keyed function is an argument. It never reads a
//! clock, a file or a socket, and depends on nothing. Octets from elsewhere never make it panic.
//!
//! ```
//! let requestor: pac::Sid = "S-1-5-21-1-2-3-1107".parse().unwrap();
//! let blank = pac::Signature::blank(pac::SignatureType::HmacSha1Aes256, None);
//! let mut bytes = pac::lay_out(&[
//!     (pac::BufferType::REQUESTOR, &requestor.to_bytes()),
//!     (pac::BufferType::SERVER_CHECKSUM, &blank),
//!     (pac::BufferType::KDC_CHECKSUM, &blank),
//! ]).unwrap();
//! pac::sign(&mut bytes, &|_covered| [1; 12].into(), &|_server| [2; 12].into()).unwrap();
//! assert_eq!(pac::Pac::parse(&bytes).unwrap().kdc_signature().unwrap().mac, [2; 12]);
//! ```
//!
//! [MS-PAC]: https://learn.microsoft.com/openspecs/windows_protocols/ms-pac/

mod buffer_type;
mod error;
mod filetime;
mod layout;
mod logon_info;
mod ndr;
mod pac;
mod prepared;
mod sid;
mod signatures;
mod small_buffers;
mod wire;

#[cfg(test)]
mod tests;

pub use buffer_type::BufferType;
pub use error::PacError;
pub use filetime::FileTime;
pub use layout::{lay_out, sign};
pub use logon_info::{
    GROUP_ENABLED, GroupMembership, LOGON_EXTRA_SIDS, LOGON_RESOURCE_GROUPS, LogonInfo, ResourceGroups,
    SidAndAttributes,
};
pub use ndr::NdrError;
pub use pac::{Buffer, Pac};
pub use prepared::PreparedPac;
pub use sid::{MAX_SUB_AUTHORITIES, Sid, SidError};
pub use signatures::{Mac, Signature, SignatureType};
pub use small_buffers::{AttributesInfo, BufferError, ClientInfo, SamNameAndSid, UpnDnsInfo};
