//! Why `tgtx ticket decode` cannot tell what is in a file.

use pac::PacError;

use crate::client::ccache::CcacheError;
use crate::krb::der::DerError;
use crate::krb::messages::RequestError;

/// Why a file cannot be decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecodeError {
    #[error("is empty")]
    Empty,
    #[error("is no Kerberos message, ticket, PAC or credential cache of version 4")]
    Unknown,
    #[error("begins as a {0} and is none: {1}")]
    Malformed(&'static str, DerError),
    #[error("begins as a KDC-REQ and is none: {0}")]
    Request(#[from] RequestError),
    #[error("begins as a PAC and is none: {0}")]
    Pac(#[from] PacError),
    #[error(transparent)]
    Ccache(#[from] CcacheError),
}
