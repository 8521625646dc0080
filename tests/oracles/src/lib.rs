//! An independent client of the exchange, to test the daemon against: every octet of a request is built by
//! `kerberos_asn1` and `kerberos_crypto`, and replies are read with them.
//!
//! Both libraries are AGPL-3.0, and `kerberos_asn1` panics on some hostile input (a `till` in month 13), so
//! this crate is never published, nothing of the product depends on it, and it is only ever given replies of a
//! KDC under test. The tests that use it live beside it, not in `tgtx-tests`.
//!
//! Known disagreements with the daemon's own codec: a nonce, sequence number or kvno from 2³¹ on that is
//! encoded in five octets is refused here, while its negative four-octet form is read as what it means; names
//! must be UTF-8; a BER length in more octets than needed is accepted.

mod cipher;
mod reply;
mod request;

pub use cipher::{Key, mac, open, seal};
pub use kerberos_asn1;
pub use red_asn1::Asn1Object;
pub use reply::{Issued, KrbError, Reply, open_ticket, tgs_rep};
pub use request::{BodyChecksum, PartialTgt, TgsRequest, tgs_req};

/// What an oracle could not do.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// `kerberos_crypto` does not know the encryption type, or the checksum of a ciphertext is wrong.
    #[error("kerberos_crypto: {0}")]
    Crypto(String),
    /// `kerberos_asn1` cannot read the message.
    #[error("kerberos_asn1: {0}")]
    Decode(String),
    /// The message is read, but octets follow it.
    #[error("{0} octets after the message")]
    Trailing(usize),
    /// A time that `chrono` has no value for.
    #[error("no such time: {0}")]
    Time(i64),
}

/// Reads one whole message.
fn parse<T: Asn1Object>(message: &[u8]) -> Result<T, OracleError> {
    let (rest, value) = T::parse(message).map_err(|error| OracleError::Decode(format!("{error:?}")))?;
    if rest.is_empty() { Ok(value) } else { Err(OracleError::Trailing(rest.len())) }
}
