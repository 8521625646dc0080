//! A server as it is written: `HOST`, `HOST:PORT`, `ADDRESS` or `[IPv6]:PORT`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// DNS name or address; an IPv6 address without its brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
}

impl HostPort {
    /// Reads one; `port` where the text has none. The fault is told without the text and without a mend.
    pub(crate) fn parse(text: &str, port: u16) -> Result<Self, &'static str> {
        let (host, given) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (address, after) = bracketed.split_once(']').ok_or("has an unclosed bracket")?;
                if address.parse::<Ipv6Addr>().is_err() {
                    return Err("has no IPv6 address between its brackets");
                }
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err("has something after its bracket"),
                };
                (address, port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || "-._:".contains(character);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err("has no valid host name");
        }
        let port = match given {
            None => port,
            Some(given) => given.parse().ok().filter(|&port| port != 0).ok_or("has no valid port")?,
        };
        Ok(Self { host: host.to_owned(), port })
    }

    /// Where it is, if it is written as an address.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        let address: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(address, self.port))
    }
}

/// Reads an address, with a port or without: `port` then, and an IPv6 address may stand without brackets.
pub(crate) fn socket_address(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = |text: &str| Some(SocketAddr::new(text.parse().ok()?, port));
    text.parse().ok().or_else(|| bare(text))
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => address.fmt(f),
            None => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses_and_writes_them_again() {
        let cases = [
            ("dc1", "dc1", 88, "dc1:88"),
            ("dc1.lab.example:1088", "dc1.lab.example", 1088, "dc1.lab.example:1088"),
            ("192.0.2.1", "192.0.2.1", 88, "192.0.2.1:88"),
            ("[2001:db8::1]", "2001:db8::1", 88, "[2001:db8::1]:88"),
            ("[2001:db8::1]:1088", "2001:db8::1", 1088, "[2001:db8::1]:1088"),
        ];
        for (text, host, port, written) in cases {
            let read = HostPort::parse(text, 88).unwrap();
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
            assert_eq!(read.to_string(), written);
            assert_eq!(read.address().is_some(), host.starts_with(char::is_numeric), "{text}");
        }
    }

    #[test]
    fn an_address_has_a_port_or_gets_one() {
        let cases = [
            ("192.0.2.1", Some("192.0.2.1:53")),
            ("192.0.2.1:5353", Some("192.0.2.1:5353")),
            ("2001:db8::1", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]:5353", Some("[2001:db8::1]:5353")),
            ("dns.example", None),
        ];
        for (text, expected) in cases {
            assert_eq!(socket_address(text, 53), expected.map(|address| address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_server() {
        for text in ["", ":88", "dc1:0", "dc1:x", "a b", "[::1", "[dc1]:88", "[::1]x", "2001:db8::1", "a/b"] {
            assert!(HostPort::parse(text, 88).is_err(), "{text}");
        }
    }
}
