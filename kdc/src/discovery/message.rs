//! LDAP messages around a `Netlogon` value: what a server sends, and what a client sends and reads (RFC 4511 §4.5).
//!
//! Both messages of an answer, entry and done, travel in one datagram, as Windows sends them.

use std::ops::Range;

use super::ber::{self, BerError, Reader, Writer};
use super::ds_flags::DsFlags;
use super::ldap::{
    AND, CONTROLS, EQUALITY, NETLOGON, SEARCH_REQUEST, SEARCH_RESULT_DONE, SEARCH_RESULT_ENTRY,
};
use super::netlogon::{FLAGS_OFFSET, SamLogonResponse};

/// LDAP result codes (RFC 4511 §4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultCode {
    /// success
    Success = 0,
    /// operationsError
    OperationsError = 1,
}

/// An entry without a name and with these attributes, one value each, and the end of the search.
pub(super) fn entry(message_id: u32, attributes: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::default();
    message(&mut writer, message_id, SEARCH_RESULT_ENTRY, |entry| {
        entry.primitive(ber::OCTET_STRING, b"");
        entry.constructed(ber::SEQUENCE, |list| {
            for (name, value) in attributes {
                list.constructed(ber::SEQUENCE, |attribute| {
                    attribute.primitive(ber::OCTET_STRING, name.as_bytes());
                    attribute.constructed(ber::SET, |values| values.primitive(ber::OCTET_STRING, value));
                });
            }
        });
    });
    let mut octets = writer.finish();
    octets.extend(done(message_id, ResultCode::Success));
    octets
}

/// An entry with a `Netlogon` value.
pub(crate) fn netlogon(message_id: u32, value: &[u8]) -> Vec<u8> {
    entry(message_id, &[(NETLOGON, value)])
}

/// The end of a search.
pub(super) fn done(message_id: u32, code: ResultCode) -> Vec<u8> {
    let mut writer = Writer::default();
    message(&mut writer, message_id, SEARCH_RESULT_DONE, |done| {
        done.number(ber::ENUMERATED, code as u32);
        done.primitive(ber::OCTET_STRING, b"");
        done.primitive(ber::OCTET_STRING, b"");
    });
    writer.finish()
}

/// A ping with these elements of its filter.
#[must_use]
pub fn ping(message_id: u32, elements: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::default();
    message(&mut writer, message_id, SEARCH_REQUEST, |search| {
        search.primitive(ber::OCTET_STRING, b"");
        search.number(ber::ENUMERATED, 0);
        search.number(ber::ENUMERATED, 0);
        search.number(ber::INTEGER, 0);
        search.number(ber::INTEGER, 0);
        search.primitive(ber::BOOLEAN, &[0]);
        search.constructed(AND, |and| {
            for (name, value) in elements {
                and.constructed(EQUALITY, |test| {
                    test.primitive(ber::OCTET_STRING, name.as_bytes());
                    test.primitive(ber::OCTET_STRING, value);
                });
            }
        });
        search.constructed(ber::SEQUENCE, |attributes| {
            attributes.primitive(ber::OCTET_STRING, NETLOGON.as_bytes())
        });
    });
    writer.finish()
}

fn message(writer: &mut Writer, message_id: u32, operation: u8, contents: impl FnOnce(&mut Writer)) {
    writer.constructed(ber::SEQUENCE, |message| {
        message.number(ber::INTEGER, message_id);
        message.constructed(operation, contents);
    });
}

/// A server's answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingAnswer<'a> {
    /// That of the ping.
    pub message_id: u32,
    /// The value of `Netlogon`; `None` if there is none, which says that the server has no part in the domain.
    pub value: Option<&'a [u8]>,
}

impl<'a> PingAnswer<'a> {
    /// Reads a datagram: an entry and its end, or the end alone.
    ///
    /// # Errors
    /// It is no answer to a search.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, BerError> {
        let mut outside = Reader::new(datagram);
        let (message_id, operation, contents) = result(&mut outside)?;
        match operation {
            SEARCH_RESULT_ENTRY => {
                let mut entry = Reader::new(contents);
                entry.expect(ber::OCTET_STRING)?;
                let value = value(entry.enter(ber::SEQUENCE)?)?;
                match result(&mut outside)? {
                    (same, SEARCH_RESULT_DONE, _) if same == message_id => outside.end()?,
                    _ => return Err(BerError),
                }
                Ok(Self { message_id, value })
            }
            SEARCH_RESULT_DONE => Ok(Self { message_id, value: None }),
            _ => Err(BerError),
        }
    }

    /// The value, if it is a NETLOGON_SAM_LOGON_RESPONSE_EX.
    #[must_use]
    pub fn extended(&self) -> Option<SamLogonResponse> {
        self.value.and_then(SamLogonResponse::decode_extended)
    }
}

/// Number, operation and contents of the next message.
fn result<'a>(outside: &mut Reader<'a>) -> Result<(u32, u8, &'a [u8]), BerError> {
    let mut message = outside.enter(ber::SEQUENCE)?;
    let message_id = message.number(ber::INTEGER)?;
    let (operation, contents) = message.element()?;
    if !message.is_empty() {
        message.expect(CONTROLS)?;
        message.end()?;
    }
    Ok((message_id, operation, contents))
}

/// The one value of `Netlogon` in a list of attributes.
fn value<'a>(mut attributes: Reader<'a>) -> Result<Option<&'a [u8]>, BerError> {
    let mut found = None;
    while !attributes.is_empty() {
        let mut attribute = attributes.enter(ber::SEQUENCE)?;
        let name = attribute.expect(ber::OCTET_STRING)?;
        let mut values = attribute.enter(ber::SET)?;
        if name.eq_ignore_ascii_case(NETLOGON.as_bytes()) {
            found = Some(values.expect(ber::OCTET_STRING)?);
            values.end()?;
        }
    }
    Ok(found)
}

/// Sets KEY_LIST, and no other bit, in another server's answer in place, if it is a NETLOGON_SAM_LOGON_RESPONSE_EX that
/// `is_ours`. Says whether it did.
pub fn announce_key_list(datagram: &mut [u8], is_ours: impl FnOnce(&SamLogonResponse) -> bool) -> bool {
    let Some(place) = flags_of_extended(datagram, is_ours) else { return false };
    let Some(flags) = datagram.get_mut(place).and_then(|octets| octets.first_chunk_mut::<4>()) else {
        return false;
    };
    let announced = DsFlags::from_bits(u32::from_le_bytes(*flags)).with(DsFlags::KEY_LIST);
    *flags = announced.bits().to_le_bytes();
    true
}

/// Where the flags of such an answer stand.
fn flags_of_extended(
    datagram: &[u8],
    is_ours: impl FnOnce(&SamLogonResponse) -> bool,
) -> Option<Range<usize>> {
    let answer = PingAnswer::parse(datagram).ok()?;
    answer.extended().filter(is_ours)?;
    // The value is a piece of the datagram: where it begins is the distance between the two.
    let value = answer.value?.as_ptr().addr().checked_sub(datagram.as_ptr().addr())?;
    let start = value.checked_add(FLAGS_OFFSET)?;
    Some(start..start.checked_add(4)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::discovery::request::{Asked, Ping, Request};

    const CAPTURED: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/windows-server-2022/cldap-netlogon-response.bin"
    ));

    #[test]
    fn a_captured_answer_is_read_and_written_again_to_the_same_octets() {
        let answer = PingAnswer::parse(CAPTURED).unwrap();
        assert_eq!(answer.message_id, 1);
        let response = answer.extended().unwrap();
        assert_eq!(response.dns_host_name, "win2k22-1.aforest.ad");
        assert_eq!(response.flags.bits(), 0x0003_f3fd);
        assert_eq!(netlogon(1, &response.encode().unwrap()), CAPTURED);
    }

    #[test]
    fn a_ping_is_written_as_windows_writes_it() {
        let captured = include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/windows-server-2022/cldap-netlogon-request.bin"
        ));
        let elements: [(&str, &[u8]); 4] = [
            ("DnsDomain", b"AFOREST.AD"),
            ("Host", b"DESKTOP-0O2FKRO"),
            ("NtVer", &[0x16, 0, 0, 0x20]),
            ("DnsHostName", b"DESKTOP-0O2FKRO"),
        ];
        assert_eq!(ping(1, &elements), captured);
    }

    #[test]
    fn an_entry_without_attributes_says_that_the_domain_is_not_served() {
        let empty = entry(9, &[]);
        assert_eq!(PingAnswer::parse(&empty), Ok(PingAnswer { message_id: 9, value: None }));
        let refused = done(9, ResultCode::OperationsError);
        assert_eq!(PingAnswer::parse(&refused), Ok(PingAnswer { message_id: 9, value: None }));
    }

    #[test]
    fn key_list_is_set_and_nothing_else() {
        let mut without = CAPTURED.to_vec();
        let flags = flags_of_extended(CAPTURED, |_| true).unwrap();
        assert_eq!(CAPTURED[flags.clone()], [0xfd, 0xf3, 0x03, 0x00]);
        without[flags.start + 2] = 0x01;
        let before = without.clone();
        assert!(!announce_key_list(&mut without, |response| response.dns_domain_name == "lab.example"));
        assert_eq!(without, before);
        assert!(announce_key_list(&mut without, |response| response.dns_domain_name == "aforest.ad"));
        assert_eq!(without, CAPTURED);
        assert!(announce_key_list(&mut without, |_| true));
        assert_eq!(without, CAPTURED);
    }

    #[test]
    fn answers_of_another_form_are_left_alone() {
        let mut response = PingAnswer::parse(CAPTURED).unwrap().extended().unwrap();
        response.form = crate::discovery::netlogon::Form::Nt40;
        for mut datagram in
            [netlogon(1, &response.encode().unwrap()), entry(1, &[]), CAPTURED[..100].to_vec()]
        {
            let before = datagram.clone();
            assert!(!announce_key_list(&mut datagram, |_| true));
            assert_eq!(datagram, before);
        }
    }

    proptest! {
        #[test]
        fn pings_come_back(id in 0..0x7fff_ffff_u32, domain in "\\PC{0,40}", version in 0..0x20_u32) {
            let datagram = ping(id, &[("DnsDomain", domain.as_bytes()), ("NtVer", &version.to_le_bytes())]);
            let ping = Ping { dns_domain: Some(&domain), nt_version: version, ..Ping::default() };
            prop_assert_eq!(Request::parse(&datagram), Ok(Request { message_id: id, asked: Asked::Netlogon(Ok(ping)) }));
        }

        #[test]
        fn whatever_is_done_to_an_answer_only_its_flags_change(changes: Vec<(prop::sample::Index, u8)>) {
            let mut datagram = CAPTURED.to_vec();
            for (index, octet) in changes {
                let at = index.index(datagram.len());
                datagram[at] = octet;
            }
            let before = datagram.clone();
            announce_key_list(&mut datagram, |_| true);
            let differing: Vec<usize> = (0..before.len()).filter(|&at| before[at] != datagram[at]).collect();
            prop_assert!(differing.len() <= 1, "{:?}", differing);
            for at in differing {
                prop_assert_eq!(before[at] | 0x02, datagram[at]);
            }
        }
    }
}
