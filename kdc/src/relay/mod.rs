//! What is not ours to answer and is passed on to a real KDC, byte for byte: which domain's KDCs it belongs to, in
//! which order they are asked, and what counts as their answer.
//!
//! Pure: no socket, no clock, no randomness. `shell::relay` moves the octets.

mod circles;
mod health;
mod order;
mod peek;
mod reply;

pub use circles::Circles;
pub use health::Health;
pub use order::{Upstream, order};
pub use peek::Peeked;
pub use reply::Reply;

/// Octets before the AP-REQ of a password change and before the AP-REP of its answer: length of all, version, length of
/// what follows (RFC 3244 §2).
const KPASSWD_HEADER: usize = 6;

/// What is relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// AS-REQ: a first ticket is asked for.
    As,
    /// TGS-REQ other than an exchange.
    Tgs,
    /// A password change (RFC 3244).
    Kpasswd,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::As, Self::Tgs, Self::Kpasswd];

    /// The stable name used in metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::As => "as",
            Self::Tgs => "tgs",
            Self::Kpasswd => "kpasswd",
        }
    }
}
