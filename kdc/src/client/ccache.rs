//! Credential caches in MIT's file format, version 4.
//!
//! ```text
//! file       = 05 04, header, principal, credential*          all integers big-endian
//! header     = length (u16), [tag (u16), length (u16), value]*
//! principal  = name type (u32), number of components (u32), realm, component*
//! credential = client (principal), server (principal), key, times, is_skey (u8), flags (u32),
//!              addresses, authorization data, ticket (counted), second ticket (counted)
//! key        = encryption type (u16), octets (counted)
//! times      = authtime, starttime, endtime, renew_till (u32 each, Unix seconds, 0: none)
//! addresses  = count (u32), [type (u16), octets (counted)]*; authorization data likewise
//! counted    = length (u32), that many octets; realm and component are counted
//! ```
//!
//! MIT stores settings as credentials of a server in the realm `X-CACHECONF:`. They are passed over, and a
//! cache written has none. Authorization data and second tickets, which no TGT has, are passed over too.

use zeroize::Zeroizing;

use super::{Address, Credential, Principal, SessionKey, Times};
use crate::krb::messages::KerberosTime;

const FORMAT: [u8; 2] = [5, 4];

/// Header tag of the KDC's clock offset, which MIT writes even when it is zero: seconds, microseconds.
const DELTA_TIME: [u8; 12] = [0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];

/// Realm of the entries that are settings.
const CONFIGURATION: &[u8] = b"X-CACHECONF:";

/// A credential cache: whose, and what tickets.
#[derive(Debug)]
pub struct Ccache {
    /// The default principal.
    pub principal: Principal,
    /// Its tickets.
    pub credentials: Vec<Credential>,
}

impl Ccache {
    /// A cache of the client's own with this one ticket.
    #[must_use]
    pub fn of(credential: Credential) -> Self {
        Self { principal: credential.client.clone(), credentials: vec![credential] }
    }

    /// Reads a file. Any octets are answered, none with a panic, and no more is allocated than they hold.
    ///
    /// # Errors
    /// [`CcacheError`] with the first rule the file breaks.
    pub fn parse(file: &[u8]) -> Result<Self, CcacheError> {
        let mut reader = Reader { rest: file };
        if reader.array("the format")? != FORMAT {
            return Err(CcacheError::Format);
        }
        let header = u16::from_be_bytes(reader.array("the header")?);
        reader.take(u32::from(header), "the header")?;
        let principal = reader.principal("the default principal")?;
        let mut credentials = Vec::new();
        while !reader.rest.is_empty() {
            let credential = reader.credential()?;
            if credential.server.realm != CONFIGURATION {
                credentials.push(credential);
            }
        }
        Ok(Self { principal, credentials })
    }

    /// The first ticket for a ticket-granting service, taken out.
    #[must_use]
    pub fn into_tgt(self) -> Option<Credential> {
        self.credentials.into_iter().find(
            |credential| matches!(credential.server.components.as_slice(), [name, _] if name == b"krbtgt"),
        )
    }

    /// The file. Times before 1970 or past 2106, which its 32 bits cannot hold, become the nearest that they can.
    ///
    /// # Errors
    /// [`CcacheError::TooLong`] for a name, key or ticket beyond 32 bits of length, or a type beyond 16.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, CcacheError> {
        // Room for everything at once: growing would leave copies of session keys behind.
        let tickets = self.credentials.iter().map(|c| c.ticket.len());
        let room = tickets.fold(4096_usize, |sum, length| sum.saturating_add(length).saturating_add(4096));
        let mut file = Writer(Zeroizing::new(Vec::with_capacity(room)));
        file.0.extend_from_slice(&FORMAT);
        file.short(DELTA_TIME.len())?;
        file.0.extend_from_slice(&DELTA_TIME);
        file.principal(&self.principal)?;
        for credential in &self.credentials {
            file.credential(credential)?;
        }
        Ok(file.0)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn credential(&mut self) -> Result<Credential, CcacheError> {
        let client = self.principal("a client")?;
        let server = self.principal("a server")?;
        // Sixteen bits of a signed number: -135 is stored as 0xff79.
        let etype = i16::from_be_bytes(self.array("a key")?);
        let key = SessionKey::of(i32::from(etype), self.counted("a key")?);
        let [authtime, starttime, endtime, renew_till] =
            [self.time()?, self.time()?, self.time()?, self.time()?];
        let [_is_skey] = self.array("is_skey")?;
        let flags = self.number("the flags")?;
        let addresses = self
            .typed_list("an address")?
            .into_iter()
            .map(|(addr_type, octets)| Address { addr_type: i32::from(addr_type), octets: octets.to_vec() })
            .collect();
        self.typed_list("authorization data")?;
        let ticket = self.counted("a ticket")?.to_vec();
        self.counted("a second ticket")?;
        Ok(Credential {
            client,
            server,
            key,
            times: Times {
                authtime: authtime.unwrap_or(KerberosTime::EPOCH),
                starttime,
                endtime: endtime.unwrap_or(KerberosTime::EPOCH),
                renew_till,
            },
            flags,
            addresses,
            ticket,
        })
    }

    fn principal(&mut self, what: &'static str) -> Result<Principal, CcacheError> {
        let name_type = i32::from_be_bytes(self.array(what)?);
        let count = self.number(what)?;
        let realm = self.counted(what)?.to_vec();
        let mut components = Vec::new();
        for _ in 0..count {
            components.push(self.counted(what)?.to_vec());
        }
        Ok(Principal { name_type, realm, components })
    }

    fn typed_list(&mut self, what: &'static str) -> Result<Vec<(i16, &'a [u8])>, CcacheError> {
        let count = self.number(what)?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push((i16::from_be_bytes(self.array(what)?), self.counted(what)?));
        }
        Ok(list)
    }

    fn time(&mut self) -> Result<Option<KerberosTime>, CcacheError> {
        let seconds = self.number("a time")?;
        Ok(KerberosTime::from_unix_seconds(seconds.into()).filter(|_| seconds != 0))
    }

    fn number(&mut self, what: &'static str) -> Result<u32, CcacheError> {
        self.array(what).map(u32::from_be_bytes)
    }

    fn counted(&mut self, what: &'static str) -> Result<&'a [u8], CcacheError> {
        let length = self.number(what)?;
        self.take(length, what)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], CcacheError> {
        let (octets, rest) = self.rest.split_first_chunk().ok_or(CcacheError::Truncated(what))?;
        self.rest = rest;
        Ok(*octets)
    }

    fn take(&mut self, length: u32, what: &'static str) -> Result<&'a [u8], CcacheError> {
        let (octets, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or(CcacheError::Truncated(what))?;
        self.rest = rest;
        Ok(octets)
    }
}

struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn credential(&mut self, credential: &Credential) -> Result<(), CcacheError> {
        let times = &credential.times;
        self.principal(&credential.client)?;
        self.principal(&credential.server)?;
        self.typed(credential.key.etype, &credential.key.octets)?;
        self.time(Some(times.authtime));
        self.time(times.starttime);
        self.time(Some(times.endtime));
        self.time(times.renew_till);
        self.0.push(0); // is_skey: the ticket is not a user-to-user one
        self.0.extend_from_slice(&credential.flags.to_be_bytes());
        self.number(credential.addresses.len())?;
        for address in &credential.addresses {
            self.typed(address.addr_type, &address.octets)?;
        }
        self.number(0)?; // authorization data
        self.counted(&credential.ticket)?;
        self.counted(&[]) // second ticket
    }

    fn principal(&mut self, principal: &Principal) -> Result<(), CcacheError> {
        self.0.extend_from_slice(&principal.name_type.to_be_bytes());
        self.number(principal.components.len())?;
        self.counted(&principal.realm)?;
        for component in &principal.components {
            self.counted(component)?;
        }
        Ok(())
    }

    fn typed(&mut self, kind: i32, octets: &[u8]) -> Result<(), CcacheError> {
        let kind = i16::try_from(kind).map_err(|_| CcacheError::TooLong)?;
        self.0.extend_from_slice(&kind.to_be_bytes());
        self.counted(octets)
    }

    fn time(&mut self, time: Option<KerberosTime>) {
        let seconds = time.map_or(0, KerberosTime::unix_seconds).max(0);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&seconds.to_be_bytes());
    }

    fn counted(&mut self, octets: &[u8]) -> Result<(), CcacheError> {
        self.number(octets.len())?;
        self.0.extend_from_slice(octets);
        Ok(())
    }

    fn number(&mut self, number: usize) -> Result<(), CcacheError> {
        let number = u32::try_from(number).map_err(|_| CcacheError::TooLong)?;
        self.0.extend_from_slice(&number.to_be_bytes());
        Ok(())
    }

    fn short(&mut self, number: usize) -> Result<(), CcacheError> {
        let number = u16::try_from(number).map_err(|_| CcacheError::TooLong)?;
        self.0.extend_from_slice(&number.to_be_bytes());
        Ok(())
    }
}

/// Why octets are no credential cache, or a cache cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CcacheError {
    /// The file does not begin with 05 04.
    #[error("not a credential cache of format version 4: it does not begin with 05 04")]
    Format,
    /// A field ends before its length does.
    #[error("the credential cache is cut short in {0}")]
    Truncated(&'static str),
    /// A length or number that its field cannot hold.
    #[error("the credential does not fit the credential cache format")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two settings and one TGT.
    const MIT: &[u8] = include_bytes!("../../../tests/vectors/mit-1.20/kinit.ccache");

    fn credential() -> Credential {
        Credential {
            client: Principal::enterprise("LAB.EXAMPLE", "müller@lab.example"),
            server: Principal::krbtgt("LAB.EXAMPLE"),
            key: SessionKey::of(-135, &[7; 16]),
            times: Times {
                authtime: KerberosTime::from_unix_seconds(4_000_000_000).unwrap(),
                starttime: None,
                endtime: KerberosTime::from_unix_seconds(i64::from(u32::MAX)).unwrap(),
                renew_till: Some(KerberosTime::from_unix_seconds(1).unwrap()),
            },
            flags: 0x4081_0000,
            addresses: vec![Address { addr_type: 2, octets: vec![127, 0, 0, 1] }],
            ticket: vec![0x61, 0],
        }
    }

    fn same(one: &Credential, other: &Credential) -> bool {
        (&one.client, &one.server, one.key.etype, &one.key.octets, one.times)
            == (&other.client, &other.server, other.key.etype, &other.key.octets, other.times)
            && (one.flags, &one.addresses, &one.ticket) == (other.flags, &other.addresses, &other.ticket)
    }

    #[test]
    fn a_cache_reads_as_it_was_written() {
        let file = Ccache::of(credential()).to_bytes().unwrap();
        let read = Ccache::parse(&file).unwrap();
        assert_eq!(read.principal, credential().client);
        assert!(same(&read.into_tgt().unwrap(), &credential()));
    }

    #[test]
    fn times_beyond_32_bits_become_the_last_that_fits() {
        let mut late = credential();
        late.times.endtime = KerberosTime::MAX;
        late.times.authtime = KerberosTime::MIN;
        let file = Ccache::of(late).to_bytes().unwrap();
        let times = Ccache::parse(&file).unwrap().into_tgt().unwrap().times;
        assert_eq!(times.endtime.unix_seconds(), i64::from(u32::MAX));
        assert_eq!(times.authtime, KerberosTime::EPOCH);
    }

    #[test]
    fn reads_what_mit_wrote_and_passes_over_its_settings() {
        let cache = Ccache::parse(MIT).unwrap();
        assert_eq!(cache.principal.to_string(), "alice@LAB.EXAMPLE");
        assert_eq!(cache.credentials.len(), 1);
        let tgt = cache.into_tgt().unwrap();
        assert_eq!(tgt.server, Principal::krbtgt("LAB.EXAMPLE"));
        assert!(tgt.key.encryption_key().is_ok());
        let file = Ccache::of(tgt).to_bytes().unwrap();
        let again = Ccache::parse(&file).unwrap().into_tgt().unwrap();
        let first = Ccache::parse(MIT).unwrap().into_tgt().unwrap();
        assert!(same(&first, &again));
    }

    #[test]
    fn a_cache_cut_anywhere_is_refused_or_ends_at_a_credential() {
        let mut accepted = 0;
        for length in 0..MIT.len() {
            accepted += usize::from(Ccache::parse(&MIT[..length]).is_ok());
        }
        assert!(accepted <= 3, "{accepted}: one per credential before the last");
    }

    #[test]
    fn flipped_bits_never_panic() {
        let mut file = MIT.to_vec();
        for bit in 0..file.len() * 8 {
            file[bit / 8] ^= 1 << (bit % 8);
            let _ = Ccache::parse(&file);
            file[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn other_formats_are_refused_by_name() {
        for file in [&b""[..], &[5], &[5, 3, 0, 0], &[5, 2]] {
            assert!(Ccache::parse(file).is_err());
        }
        assert_eq!(Ccache::parse(&[5, 3]).unwrap_err(), CcacheError::Format);
    }
}
