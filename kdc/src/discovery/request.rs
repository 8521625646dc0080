//! What a datagram asks: an LDAP search at the root ([MS-ADTS] 6.3.3), for `Netlogon` or for something else.
//!
//! ```text
//! LDAPMessage   ::= SEQUENCE { messageID INTEGER, searchRequest [APPLICATION 3], controls [0] OPTIONAL }
//! SearchRequest ::= [APPLICATION 3] SEQUENCE { baseObject, scope, derefAliases, sizeLimit, timeLimit, typesOnly, filter, attributes }
//! ```
//! RFC 4511 §4.1.1, §4.5.1. The filter of a ping is one AND of equality tests; ANDs within it are taken too. Whatever is read
//! borrows from the datagram, and nothing is kept of more clauses, attributes or levels than a client has use for.

use pac::Sid;

use super::ber::{self, BerError, Reader};
use super::ldap::{AND, CONTROLS, EQUALITY, NETLOGON, PRESENT, SEARCH_REQUEST};

/// Octets of the longest datagram that is looked at; real pings have less than 400.
pub const LONGEST_REQUEST: usize = 4096;
/// ANDs within each other.
const DEPTH: usize = 4;
/// Equality tests of one filter.
const CLAUSES: usize = 32;
/// Attributes of one search.
const ATTRIBUTES: usize = 32;

/// NETLOGON_NT_VERSION ([MS-ADTS] 6.3.1.1).
pub mod nt_version {
    /// Structures without anything of later versions.
    pub const V1: u32 = 0x1;
    /// NETLOGON_SAM_LOGON_RESPONSE.
    pub const V5: u32 = 0x2;
    /// NETLOGON_SAM_LOGON_RESPONSE_EX.
    pub const V5EX: u32 = 0x4;
    /// The same with the server's address.
    pub const V5EX_WITH_IP: u32 = 0x8;
    /// The same with the site next to the client's.
    pub const WITH_CLOSEST_SITE: u32 = 0x10;
    /// No answer made for Windows NT 4.0.
    pub const AVOID_NT4EMUL: u32 = 0x0100_0000;
    /// A primary domain controller is wanted.
    pub const PDC: u32 = 0x1000_0000;
    /// Addresses of the domain controller are wanted.
    pub const IP: u32 = 0x2000_0000;
    /// From the host itself.
    pub const LOCAL: u32 = 0x4000_0000;
    /// A global catalog is wanted.
    pub const GC: u32 = 0x8000_0000;

    pub(super) const KNOWN: u32 =
        V1 | V5 | V5EX | V5EX_WITH_IP | WITH_CLOSEST_SITE | AVOID_NT4EMUL | PDC | IP | LOCAL | GC;
}

/// USER_ACCOUNT codes ([MS-SAMR] 2.2.1.12), as the AAC of a ping has them: those that the table defines.
const KNOWN_AAC: u32 = 0x003f_ffff;

/// A search that was understood as far as LDAP goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Which every answer repeats.
    pub message_id: u32,
    /// What it is after.
    pub asked: Asked<'a>,
}

/// What a search is after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// `Netlogon` at the root: an LDAP ping.
    Netlogon(Result<Ping<'a>, InvalidFilter>),
    /// These attributes of the rootDSE, all if there are none.
    RootDse(Vec<&'a [u8]>),
    /// Something else than the rootDSE.
    Elsewhere,
}

/// A ping's filter. Elements without a meaning for the answer are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ping<'a> {
    /// `DnsDomain`: of which domain, in UTF-8.
    pub dns_domain: Option<&'a str>,
    /// `DomainGuid`: of which domain, in the order a GUID is stored.
    pub domain_guid: Option<[u8; 16]>,
    /// `DomainSid`: which must be the domain's.
    pub domain_sid: Option<Sid>,
    /// `User`: the account that must be there.
    pub user: Option<&'a str>,
    /// `AAC`: kinds of accounts it may be of, [MS-SAMR] 2.2.1.12.
    pub aac: Option<u32>,
    /// `NtVer`: [`nt_version`], 0 if absent.
    pub nt_version: u32,
}

/// A filter that [MS-ADTS] 6.3.3.1 does not allow: the answer is an entry without attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidFilter {
    /// More than ANDs of equality tests: OR, NOT, a comparison.
    Operator,
    /// An element that is there twice, or has a value that it cannot have.
    Element,
}

impl<'a> Request<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// It is no search, or beyond the limits here: nobody is told anything.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, BerError> {
        if datagram.len() > LONGEST_REQUEST {
            return Err(BerError);
        }
        let mut outside = Reader::new(datagram);
        let mut message = outside.enter(ber::SEQUENCE)?;
        outside.end()?;
        let message_id = message.number(ber::INTEGER)?;
        let mut search = message.enter(SEARCH_REQUEST)?;
        if !message.is_empty() {
            // None changes what is answered.
            message.expect(CONTROLS)?;
            message.end()?;
        }
        let base = search.expect(ber::OCTET_STRING)?;
        let scope = search.number(ber::ENUMERATED)?;
        let _deref_aliases = search.number(ber::ENUMERATED)?;
        let _size_limit = search.number(ber::INTEGER)?;
        let _time_limit = search.number(ber::INTEGER)?;
        let _types_only = search.expect(ber::BOOLEAN)?;
        let filter = Filter::parse(&mut search)?;
        let attributes = attributes(search.enter(ber::SEQUENCE)?)?;
        search.end()?;

        let is_netlogon = |name: &&[u8]| name.eq_ignore_ascii_case(NETLOGON.as_bytes());
        let asked = if !base.is_empty() || scope != 0 {
            Asked::Elsewhere
        } else if attributes.iter().any(is_netlogon) {
            Asked::Netlogon(filter.ping())
        } else {
            Asked::RootDse(attributes)
        };
        Ok(Self { message_id, asked })
    }
}

fn attributes(mut list: Reader<'_>) -> Result<Vec<&[u8]>, BerError> {
    let mut attributes = Vec::new();
    while !list.is_empty() {
        if attributes.len() == ATTRIBUTES {
            return Err(BerError);
        }
        attributes.push(list.expect(ber::OCTET_STRING)?);
    }
    Ok(attributes)
}

/// A filter's equality tests.
struct Filter<'a> {
    clauses: Vec<(&'a [u8], &'a [u8])>,
    /// Whether there is something in it that is neither AND, equality nor presence.
    foreign: bool,
}

impl<'a> Filter<'a> {
    fn parse(search: &mut Reader<'a>) -> Result<Self, BerError> {
        let mut filter = Self { clauses: Vec::new(), foreign: false };
        filter.read(search, DEPTH)?;
        Ok(filter)
    }

    /// One element of the filter, of at most so many levels.
    fn read(&mut self, reader: &mut Reader<'a>, depth: usize) -> Result<(), BerError> {
        let (tag, contents) = reader.element()?;
        let mut inside = Reader::new(contents);
        match tag {
            AND => {
                let depth = depth.checked_sub(1).ok_or(BerError)?;
                while !inside.is_empty() {
                    self.read(&mut inside, depth)?;
                }
            }
            EQUALITY => {
                if self.clauses.len() == CLAUSES {
                    return Err(BerError);
                }
                let name = inside.expect(ber::OCTET_STRING)?;
                self.clauses.push((name, inside.expect(ber::OCTET_STRING)?));
                inside.end()?;
            }
            // Of a class, or of an element that is not recognised: "MUST be ignored".
            PRESENT => {}
            _ => self.foreign = true,
        }
        Ok(())
    }

    fn ping(&self) -> Result<Ping<'a>, InvalidFilter> {
        if self.foreign {
            return Err(InvalidFilter::Operator);
        }
        let text =
            |name| self.only(name)?.map(str::from_utf8).transpose().map_err(|_| InvalidFilter::Element);
        Ok(Ping {
            dns_domain: text("DnsDomain")?,
            domain_guid: match self.only("DomainGuid")? {
                Some(guid) => Some(guid.try_into().map_err(|_| InvalidFilter::Element)?),
                None => None,
            },
            domain_sid: match self.only("DomainSid")? {
                Some(sid) => Some(Sid::from_bytes(sid).map_err(|_| InvalidFilter::Element)?),
                None => None,
            },
            user: text("User")?,
            aac: self.bits("AAC", KNOWN_AAC)?,
            nt_version: self.bits("NtVer", nt_version::KNOWN)?.unwrap_or(0),
        })
    }

    /// The value of an element, which must not be there twice.
    fn only(&self, name: &str) -> Result<Option<&'a [u8]>, InvalidFilter> {
        let mut values = self.clauses.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
        match (values.next(), values.next()) {
            (value, None) => Ok(value.map(|(_, value)| *value)),
            (_, Some(_)) => Err(InvalidFilter::Element),
        }
    }

    /// Up to four octets, the least significant first, with no bit that is not known.
    fn bits(&self, name: &str, known: u32) -> Result<Option<u32>, InvalidFilter> {
        let Some(octets) = self.only(name)? else { return Ok(None) };
        if octets.len() > 4 {
            return Err(InvalidFilter::Element);
        }
        let bits = octets.iter().rev().fold(0, |bits, &octet| bits << 8 | u32::from(octet));
        if bits & !known == 0 { Ok(Some(bits)) } else { Err(InvalidFilter::Element) }
    }
}

#[cfg(test)]
mod tests;
