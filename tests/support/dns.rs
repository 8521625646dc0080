//! A server of DNS over UDP that knows a few records.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often it looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(20);

const A: u16 = 1;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const IN: u16 = 1;

/// A record that the server knows; names are whole, in lower case and without a dot at the end.
#[derive(Clone, Debug)]
pub enum Record {
    /// An address of a host.
    Address(String, IpAddr),
    /// Name, priority, weight, port, target.
    Srv(String, u16, u16, u16, String),
}

/// A server, until it is dropped.
#[derive(Debug)]
pub struct DnsServer {
    /// Where it is.
    pub address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl DnsServer {
    /// Serves these records on a free port of 127.0.0.1, and says of every other name that it does not exist.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn start(records: Vec<Record>) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), records)
    }

    /// As above, at this address.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn start_at(address: SocketAddr, records: Vec<Record>) -> Self {
        let socket = UdpSocket::bind(address).expect("a port");
        socket.set_read_timeout(Some(GLANCE)).expect("a time-out");
        let server = Self { address: socket.local_addr().expect("an address"), is_over: Arc::default() };
        let is_over = Arc::clone(&server.is_over);
        thread::spawn(move || {
            let mut query = [0; 512];
            while !is_over.load(Ordering::Relaxed) {
                if let Ok((length, peer)) = socket.recv_from(&mut query)
                    && let Some(answer) = query.get(..length).and_then(|query| answer(query, &records))
                {
                    let _ = socket.send_to(&answer, peer);
                }
            }
        });
        server
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The answer to a query with one question (RFC 1035 §4).
fn answer(query: &[u8], records: &[Record]) -> Option<Vec<u8>> {
    let id = query.get(..2)?;
    let mut rest = query.get(12..)?;
    let mut labels = Vec::new();
    loop {
        let (length, after) = rest.split_first()?;
        rest = after;
        if *length == 0 {
            break;
        }
        let (label, after) = rest.split_at_checked(usize::from(*length))?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        rest = after;
    }
    let asked = labels.join(".");
    let kind = u16::from_be_bytes(*rest.first_chunk()?);
    let question_length = query.len().checked_sub(rest.len())?.checked_add(4)?;
    let question = query.get(12..question_length)?;

    let mut answers = Vec::new();
    let mut exists = false;
    for record in records {
        let (name, record_kind, data) = match record {
            Record::Address(name, IpAddr::V4(address)) => (name, A, address.octets().to_vec()),
            Record::Address(name, IpAddr::V6(address)) => (name, AAAA, address.octets().to_vec()),
            Record::Srv(name, priority, weight, port, target) => {
                let numbers = [*priority, *weight, *port].map(u16::to_be_bytes).concat();
                (name, SRV, [numbers, encode_name(target)].concat())
            }
        };
        exists |= *name == asked;
        if *name == asked && record_kind == kind {
            let length = u16::try_from(data.len()).ok()?;
            let head = [[0xc0, 0x0c], kind.to_be_bytes(), IN.to_be_bytes()].concat();
            answers.push([&head[..], &600_u32.to_be_bytes(), &length.to_be_bytes(), &data].concat());
        }
    }
    let count = u16::try_from(answers.len()).ok()?;
    // Response, authoritative, recursion available; NXDOMAIN where there is no such name.
    let flags = if exists { 0x8580_u16 } else { 0x8583 };
    let counts = [1_u16, count, 0, 0].map(u16::to_be_bytes).concat();
    Some([id, &flags.to_be_bytes(), &counts, question, &answers.concat()].concat())
}

fn encode_name(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        octets.push(u8::try_from(label.len()).expect("a label of at most 63 octets"));
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}
