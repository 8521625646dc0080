//! Where a message comes from, and how.

use std::net::SocketAddr;

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One message a datagram; replies over the limit become KRB_ERR_RESPONSE_TOO_BIG.
    Udp,
    /// Framed by RFC 4120 §7.2.2.
    Tcp,
}

impl Transport {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Udp, Self::Tcp];

    /// The stable name used in metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// What is spoken at the port that a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Requests to a KDC, port 88.
    Kerberos,
    /// Password changes (RFC 3244), port 464: only ever relayed.
    Kpasswd,
}

/// Where a message came from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The sender.
    pub peer: SocketAddr,
    /// The transport.
    pub transport: Transport,
    /// The port's protocol.
    pub protocol: Protocol,
}
