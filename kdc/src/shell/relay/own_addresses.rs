//! Which addresses are this daemon's own: relaying to them would be relaying to itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Some port to name where none is meant: discard.
const ANY_PORT: u16 = 9;

/// The addresses that are listened on.
#[derive(Debug, Clone, Default)]
pub struct OwnAddresses(Vec<SocketAddr>);

impl OwnAddresses {
    /// These, some of which may be wildcards.
    #[must_use]
    pub fn new(listening: Vec<SocketAddr>) -> Self {
        Self(listening)
    }

    /// Whether what is sent to `address` comes to us, as the host's addresses are now.
    pub(super) fn hold(&self, address: SocketAddr) -> bool {
        let asked = address.ip().to_canonical();
        self.0.iter().filter(|own| own.port() == address.port()).any(|own| {
            let own = own.ip();
            own.to_canonical() == asked
                || (own.is_unspecified() && own.is_ipv4() == asked.is_ipv4() && is_this_host(asked))
        })
    }
}

fn is_this_host(address: IpAddr) -> bool {
    // The kernel takes what is sent to the unspecified address for sent to itself.
    address.is_loopback() || address.is_unspecified() || is_of_this_host(address).unwrap_or(false)
}

/// Whether the host has the address. The kernel sends to an address of the host from that address; asking it for a list
/// would take netlink, which the unit's sandbox does not allow. Nothing is sent.
#[expect(clippy::disallowed_methods, reason = "a socket of the shell's, for a moment")]
fn is_of_this_host(address: IpAddr) -> io::Result<bool> {
    let any = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(SocketAddr::new(address, ANY_PORT))?;
    Ok(socket.local_addr()?.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_holds_every_address_of_the_host_and_an_address_only_itself() {
        let own = |listening: &[&str]| {
            OwnAddresses::new(listening.iter().map(|address| address.parse().unwrap()).collect())
        };
        let one = ["192.0.2.1:88"];
        let wildcards = ["0.0.0.0:88", "[::]:88"];
        let v6_only = ["[::]:88"];
        let cases = [
            (&one[..], "192.0.2.1:88", true),
            (&one, "192.0.2.1:1088", false),
            (&one, "127.0.0.1:88", false),
            (&one, "[::ffff:192.0.2.1]:88", true),
            (&wildcards, "127.0.0.1:88", true),
            (&wildcards, "127.5.6.7:88", true),
            (&wildcards, "0.0.0.0:88", true),
            (&wildcards, "[::1]:88", true),
            (&wildcards, "127.0.0.1:1088", false),
            (&wildcards, "192.0.2.7:88", false),
            (&v6_only, "127.0.0.1:88", false),
        ];
        for (listening, address, expected) in cases {
            assert_eq!(own(listening).hold(address.parse().unwrap()), expected, "{listening:?} {address}");
        }
    }

    #[test]
    fn the_kernel_tells_the_hosts_addresses_from_others() {
        assert!(is_of_this_host([127, 0, 0, 1].into()).unwrap());
        assert!(!is_of_this_host([192, 0, 2, 7].into()).unwrap_or(false));
    }
}
