//! What comes in and what goes out: how many messages, of what kind and of what size.

use metrics::{Counter, Histogram, counter, histogram};

use super::per_label::PerLabel;
use crate::krb::messages::RequestType;
use crate::shell::origin::{Origin, Protocol, Transport};

/// What a message is to be, by its port and its first octet: it is counted before anything else of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tgs,
    As,
    /// A password change, a frame that is too long to be read, or what is no Kerberos.
    Other,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Tgs, Self::As, Self::Other];

    fn of(protocol: Protocol, octets: &[u8]) -> Self {
        match (protocol, RequestType::claimed_by(octets)) {
            (Protocol::Kerberos, Some(RequestType::TgsReq)) => Self::Tgs,
            (Protocol::Kerberos, Some(RequestType::AsReq)) => Self::As,
            (Protocol::Kerberos, None) | (Protocol::Kpasswd, _) => Self::Other,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Tgs => "tgs",
            Self::As => "as",
            Self::Other => "other",
        }
    }
}

/// The handles.
pub(super) struct Messages {
    requests: PerLabel<(Transport, Kind)>,
    request_sizes: PerLabel<Transport, Histogram>,
    reply_sizes: PerLabel<Transport, Histogram>,
}

impl Messages {
    /// Takes the handles from the installed recorder.
    pub(super) fn register() -> Self {
        let all: Vec<(Transport, Kind)> = Transport::ALL
            .into_iter()
            .flat_map(|transport| Kind::ALL.map(|kind| (transport, kind)))
            .collect();
        Self {
            requests: PerLabel::new(&all, |(transport, kind)| requests(transport, kind)),
            request_sizes: PerLabel::new(
                &Transport::ALL,
                |transport| histogram!("tgtx_request_size_bytes", "transport" => transport.label()),
            ),
            reply_sizes: PerLabel::new(
                &Transport::ALL,
                |transport| histogram!("tgtx_reply_size_bytes", "transport" => transport.label()),
            ),
        }
    }

    /// A message arrived, whole or, where it is too long to be read, as no octets.
    pub(super) fn request(&self, origin: Origin, octets: &[u8]) {
        self.requests.increment((origin.transport, Kind::of(origin.protocol, octets)));
    }

    /// A request of so many octets got a TGS-REP of so many. Others are not measured: a sample takes room until it is
    /// drained, and strangers could send many.
    pub(super) fn exchanged(&self, transport: Transport, request: usize, reply: usize) {
        self.request_sizes.record(transport, size(request));
        self.reply_sizes.record(transport, size(reply));
    }
}

fn requests(transport: Transport, kind: Kind) -> Counter {
    counter!("tgtx_requests_total", "transport" => transport.label(), "kind" => kind.label())
}

fn size(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_its_port_and_first_octet_say() {
        for (protocol, octets, kind) in [
            (Protocol::Kerberos, &[0x6c, 0x82][..], Kind::Tgs),
            (Protocol::Kerberos, &[0x6a], Kind::As),
            (Protocol::Kerberos, &[0x6e], Kind::Other),
            (Protocol::Kerberos, &[], Kind::Other),
            (Protocol::Kpasswd, &[0x6c], Kind::Other),
        ] {
            assert_eq!(Kind::of(protocol, octets), kind, "{protocol:?} {octets:02x?}");
        }
    }
}
