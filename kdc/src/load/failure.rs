//! Why no load can be made.

use std::io;
use std::net::SocketAddr;

use nix::errno::Errno;

use crate::client::mint::MintError;
use crate::client::request::BuildError;
use crate::shell::entropy::EntropyError;

/// Why no load can be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is nobody to ask for.
    #[error("no users")]
    NoTickets,
    /// A ticket cannot be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// A request cannot be made of a ticket.
    #[error(transparent)]
    Request(#[from] BuildError),
    /// No random octets.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A socket cannot be opened.
    #[error("a socket to {kdc}: {}", describe(.error))]
    Open {
        /// Whom it was for.
        kdc: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// Waiting for sockets failed.
    #[error("waiting for answers: {0}")]
    System(io::Error),
    /// A thread ended on a defect.
    #[error("a thread of the load generator panicked")]
    Thread,
}

impl LoadError {
    pub(super) fn system(error: Errno) -> Self {
        Self::System(error.into())
    }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        // Closed connections keep their port for a second or a minute, and one address has some 28,000.
        io::ErrorKind::AddrNotAvailable => "no free port left; give more --source addresses".to_owned(),
        _ => error.to_string(),
    }
}
