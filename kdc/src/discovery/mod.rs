//! Discovery: the LDAP ping by which clients find a domain controller ([MS-ADTS] 6.3.3), over UDP.
//!
//! Pure: a datagram, what the directory said last and the addresses it came from and to are arguments, the answer's octets
//! come back. [`request`] reads what is asked, [`answer`] decides, [`netlogon`] and [`message`] write it. The client's side, of
//! `tgtx dsgetdc`, is [`message::ping`] and [`message::PingAnswer`].
//!
//! ```
//! use kdc::discovery::message::ping;
//! use kdc::discovery::request::{Asked, Request};
//!
//! let datagram = ping(1, &[("DnsDomain", b"lab.example"), ("NtVer", &[0x06, 0, 0, 0])]);
//! let request = Request::parse(&datagram).unwrap();
//! assert!(matches!(request.asked, Asked::Netlogon(Ok(ping)) if ping.dns_domain == Some("lab.example")));
//! ```

pub mod answer;
pub(crate) mod ber;
pub mod ds_flags;
mod ldap;
pub mod message;
pub mod names;
pub mod netlogon;
pub mod request;

pub use answer::{
    Account, Addresses, Announcement, Decision, DiscoveredDomain, Kind, addressed, decide, own_site,
};
pub use ber::BerError;
pub use ds_flags::DsFlags;
pub use message::{PingAnswer, announce_key_list, ping};
pub use netlogon::{Form, Opcode, SamLogonResponse};
pub use request::{Asked, InvalidFilter, Request};
