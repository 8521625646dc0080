//! A server that is away.

use std::net::SocketAddr;

/// Where nobody listens, over UDP or TCP: no port that a socket of another test could be given.
#[must_use]
pub fn nobody() -> SocketAddr {
    ([127, 9, 9, 9], 9).into()
}
