//! Privilege attribute certificates.

mod filetime;
mod pac;
mod sid;
mod signatures;

pub use filetime::FileTime;
pub use pac::PacError;
pub use sid::{MAX_SUB_AUTHORITIES, Sid, SidError};
pub use signatures::{Mac, Signature, SignatureType};
