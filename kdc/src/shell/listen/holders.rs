//! Which process holds a port, by what the kernel tells of sockets and of the open files of processes. Only root sees
//! those of others.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A process that has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What it calls itself.
    pub name: String,
    /// Its id.
    pub process: u32,
}

impl Holder {
    /// Whether it calls itself what we call ourselves: another instance of this daemon.
    #[must_use]
    pub fn is_like_us(&self) -> bool {
        name_of("self").is_some_and(|name| name == self.name)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name.escape_default(), self.process)
    }
}

/// Who listens at this address over `"TCP"` or `"UDP"`; `None` where nobody does, or we may not know.
#[must_use]
pub fn of(transport: &str, address: SocketAddr) -> Option<Holder> {
    let tables = match transport {
        "TCP" => ["/proc/self/net/tcp", "/proc/self/net/tcp6"],
        _ => ["/proc/self/net/udp", "/proc/self/net/udp6"],
    };
    let sockets: Vec<Listening> =
        tables.into_iter().filter_map(read).flat_map(|table| listening(&table)).collect();
    let exact = sockets.iter().find(|socket| socket.address == address);
    let inode = exact.or_else(|| sockets.iter().find(|socket| socket.overlaps(address)))?.inode;
    owner(inode)
}

/// A line of one of the tables.
#[derive(Debug, PartialEq, Eq)]
struct Listening {
    address: SocketAddr,
    inode: u64,
}

impl Listening {
    /// A wildcard takes a port from every address, that of IPv6 from those of IPv4 too unless it says otherwise, which
    /// the tables do not show.
    fn overlaps(&self, other: SocketAddr) -> bool {
        let (ours, theirs) = (self.address.ip(), other.ip());
        self.address.port() == other.port()
            && (ours == theirs || ours.is_unspecified() || theirs.is_unspecified())
    }
}

/// The sockets of a table (`proc_net_tcp(5)`) that nobody is connected to.
fn listening(table: &str) -> Vec<Listening> {
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = fields.as_slice() else { return None };
        // TCP_LISTEN, and TCP_CLOSE, which a UDP socket is in until it is connected.
        let is_listening = ["0A", "07"].contains(state);
        let inode = inode.parse().ok().filter(|inode| is_listening && *inode != 0)?;
        Some(Listening { address: socket_address(local)?, inode })
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// `0100007F:0058`: words of 32 bits, each in the order of the machine.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words = [0, 8, 16, 24].map(|start: usize| {
        let word = address.get(start..start.saturating_add(8))?;
        Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
    });
    let address: IpAddr = match words {
        [Some(only), None, None, None] => Ipv4Addr::from(only).into(),
        [Some(one), Some(two), Some(three), Some(four)] => {
            let octets: [u8; 16] = [one, two, three, four].concat().try_into().ok()?;
            Ipv6Addr::from(octets).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// The first process that has this socket open.
fn owner(inode: u64) -> Option<Holder> {
    let wanted = format!("socket:[{inode}]");
    let mut processes: Vec<u32> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    processes.sort_unstable();
    let has_it = |process: &u32| {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
        descriptors.flatten().any(|entry| {
            fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str())
        })
    };
    let process = processes.into_iter().find(has_it)?;
    Some(Holder { name: name_of(&process.to_string())?, process })
}

fn name_of(process: &str) -> Option<String> {
    Some(read(&format!("/proc/{process}/comm"))?.trim_end().to_owned())
}

fn read(path: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "what the kernel tells of sockets and processes")]
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "ports to be found again")]
    fn a_port_that_we_hold_is_ours() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        for (transport, address) in [("TCP", tcp.local_addr().unwrap()), ("UDP", udp.local_addr().unwrap())] {
            assert_eq!(of(transport, address).unwrap().process, std::process::id());
            let anywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
            assert_eq!(of(transport, anywhere).unwrap().process, std::process::id());
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn reads_the_kernels_tables() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0A00007F:0058 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n   \
                     1: 0A00007F:0058 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0\n   \
                     2: 00000000000000000000000001000000:0185 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 4713 2 0\n   \
                     3: nonsense\n";
        let expected = [("127.0.0.10:88", 4711), ("[::1]:389", 4713)]
            .map(|(address, inode)| Listening { address: address.parse().unwrap(), inode });
        assert_eq!(listening(table), expected);
    }
}
