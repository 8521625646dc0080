//! The device's side of an exchange, and Entra's: what `tgtx mint`, `exchange` and `demo` do, and what tests are
//! made of.
//!
//! Entra mints a partial TGT ([`mint`]), which a device holds as a [`Credential`], in memory or in a credential
//! cache ([`ccache`]). The device asks for a full TGT ([`request`]), sends that to a KDC ([`transport`]) and
//! reads the answer ([`reply`]). Whoever has the domain's key can look into the ticket ([`inspect`]).
//!
//! What Entra ID answers a device with, and where the partial TGT is in that: [`prt`].
//!
//! It shares the codec, the encryption layer and the PAC with the daemon, and nothing of the pipeline. Only
//! [`transport`] touches the system, for no longer than it is told ([`until`]): random octets and the time that goes into
//! messages are arguments. What is sent need not be right, since
//! tests send wrong things: every part of a ticket and of a request is a public field.
//!
//! ```
//! use kdc::client::{BranchKey, SessionKey, mint::PartialTgt, request::Exchange};
//! use kdc::krb::crypto::{EncryptionKey, EncryptionType};
//! use kdc::krb::messages::KerberosTime;
//!
//! let key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[7; 32]).unwrap();
//! let key = BranchKey::new(30_775 << 16 | 1, &key);
//! let now = KerberosTime::from_unix_seconds(1_800_000_000).unwrap();
//! let sid = "S-1-5-21-1-2-3-1107".parse().unwrap();
//! let session_key = SessionKey::aes256(&[1; 32]);
//! let partial = PartialTgt::new(&key, "LAB.EXAMPLE", "alice", sid, now, session_key, [2; 16]);
//! let credential = partial.mint().unwrap();
//! let request = Exchange::new(&credential, now, 42, [3; 16]).encode().unwrap();
//! assert!(request.len() > 1000);
//! ```

pub mod ccache;
pub mod checksum;
mod credential;
pub mod failure;
pub mod fast;
pub mod inspect;
pub mod keys;
pub mod mint;
pub mod prt;
pub mod reply;
pub mod request;
pub mod transport;
pub mod until;

pub use credential::{Address, Credential, KeyUnusable, Principal, SessionKey, Times};
pub use keys::BranchKey;

#[cfg(test)]
mod tests;
