//! Security identifiers ([MS-DTYP] 2.4.2): who an account or a group is, across renames.

use std::cmp::Ordering;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The most sub-authorities a SID can hold ([MS-DTYP] 2.4.2.2).
pub const MAX_SUB_AUTHORITIES: usize = 15;

/// A security identifier: an authority and at most 15 sub-authorities, held by value.
///
/// Ordered by authority, then number of sub-authorities, then sub-authorities: within one domain that is the
/// order of the RIDs.
///
/// The packet form is: revision (1 octet, always 1), count (1 octet), authority (6 octets, big-endian), then
/// `count` sub-authorities of 4 octets each, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid {
    authority: [u8; 6],
    count: u8,
    // Those from `count` on are zero, so that the derived comparisons hold.
    sub_authorities: [u32; MAX_SUB_AUTHORITIES],
}

impl Ord for Sid {
    fn cmp(&self, other: &Self) -> Ordering {
        let head = |Self { authority: [a, b, c, d, e, f], count, .. }: &Self| {
            u64::from_be_bytes([0, *a, *b, *c, *d, *e, *f, *count])
        };
        head(self).cmp(&head(other)).then_with(|| self.sub_authorities.cmp(&other.sub_authorities))
    }
}

impl PartialOrd for Sid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Sid {
    /// S-1-18-1, authentication authority asserted identity ([MS-DTYP] 2.4.2.4): the domain controller itself
    /// verified the client's credentials.
    pub const AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY: Self = Self::single(18, 1);

    /// S-1-1-0, Everyone.
    pub const EVERYONE: Self = Self::single(1, 0);

    /// S-1-5-2, Network: whoever came over it.
    pub const NETWORK: Self = Self::single(5, 2);

    /// S-1-5-4, Interactive: whoever logged on at the computer itself.
    pub const INTERACTIVE: Self = Self::single(5, 4);

    /// S-1-5-11, Authenticated Users.
    pub const AUTHENTICATED_USERS: Self = Self::single(5, 11);

    /// S-1-5-15, This Organization: whoever is not from across a trust with selective authentication.
    pub const THIS_ORGANIZATION: Self = Self::single(5, 15);

    /// A SID of one sub-authority, such as S-1-18-1.
    const fn single(authority: u8, sub_authority: u32) -> Self {
        let mut sub_authorities = [0; MAX_SUB_AUTHORITIES];
        let [first, ..] = &mut sub_authorities;
        *first = sub_authority;
        Self { authority: [0, 0, 0, 0, 0, authority], count: 1, sub_authorities }
    }

    /// A SID of this authority (48 bits) and these sub-authorities, first to last.
    ///
    /// # Errors
    /// [`SidError::TooManySubAuthorities`] past 15 of them, [`SidError::Authority`] past 48 bits.
    pub fn new(authority: u64, sub_authorities: &[u32]) -> Result<Self, SidError> {
        let [0, 0, authority @ ..] = authority.to_be_bytes() else {
            return Err(SidError::Authority);
        };
        let mut all = [0; MAX_SUB_AUTHORITIES];
        let own = all.get_mut(..sub_authorities.len()).ok_or(SidError::TooManySubAuthorities)?;
        own.copy_from_slice(sub_authorities);
        let count = u8::try_from(sub_authorities.len()).map_err(|_| SidError::TooManySubAuthorities)?;
        Ok(Self { authority, count, sub_authorities: all })
    }

    /// Reads a SID's packet form, and nothing after it.
    ///
    /// # Errors
    /// [`SidError`] names the first rule the bytes break.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SidError> {
        let [revision, count, a, b, c, d, e, f, rest @ ..] = bytes else {
            return Err(SidError::Truncated);
        };
        if *revision != 1 {
            return Err(SidError::Revision(*revision));
        }
        if usize::from(*count) > MAX_SUB_AUTHORITIES {
            return Err(SidError::TooManySubAuthorities);
        }
        let (words, odd) = rest.as_chunks::<4>();
        if words.len() < usize::from(*count) {
            return Err(SidError::Truncated);
        }
        if words.len() > usize::from(*count) || !odd.is_empty() {
            return Err(SidError::TrailingBytes);
        }
        let mut sub_authorities = [0; MAX_SUB_AUTHORITIES];
        for (slot, word) in sub_authorities.iter_mut().zip(words) {
            *slot = u32::from_le_bytes(*word);
        }
        Ok(Self { authority: [*a, *b, *c, *d, *e, *f], count: *count, sub_authorities })
    }

    /// The packet form: 8 octets and 4 for each sub-authority; 28 for an account of a domain.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        self.write(&mut bytes);
        bytes
    }

    /// Appends the packet form to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[1, self.count]);
        out.extend_from_slice(&self.authority);
        for sub_authority in self.sub_authorities() {
            out.extend_from_slice(&sub_authority.to_le_bytes());
        }
    }

    /// Octets of the packet form, 8 to 68.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        usize::from(self.count).saturating_mul(4).saturating_add(8)
    }

    /// The identifier authority, a 48-bit number; 5 is NT.
    #[must_use]
    pub fn authority(&self) -> u64 {
        self.authority.iter().fold(0, |value, &octet| (value << 8) | u64::from(octet))
    }

    /// The sub-authorities, first to last.
    #[must_use]
    pub fn sub_authorities(&self) -> &[u32] {
        self.sub_authorities.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// The last sub-authority: the relative identifier, where the SID is an account's or a group's.
    #[must_use]
    pub fn rid(&self) -> Option<u32> {
        self.sub_authorities().last().copied()
    }

    /// The SID without its last sub-authority: the domain, where the SID is an account's or a group's.
    #[must_use]
    pub fn domain(&self) -> Option<Self> {
        let count = self.count.checked_sub(1)?;
        let mut domain = Self { count, ..*self };
        *domain.sub_authorities.get_mut(usize::from(count))? = 0;
        Some(domain)
    }

    /// The SID with one more sub-authority: in a domain's SID, its account of that RID. `None` if it has 15.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Option<Self> {
        let mut sid = *self;
        *sid.sub_authorities.get_mut(usize::from(self.count))? = rid;
        sid.count = self.count.checked_add(1)?;
        Some(sid)
    }

    /// Whether this is an account or group of another domain than that one: S-1-5-21, three numbers of a domain, and a
    /// RID. SIDs that are the same everywhere (S-1-5-32-544, S-1-5-11) are no domain's.
    #[must_use]
    pub fn is_of_another_domain(&self, domain: &Self) -> bool {
        // SECURITY_NT_NON_UNIQUE ([MS-DTYP] 2.4.2.4): what the SIDs of all domains begin with.
        self.authority() == 5
            && matches!(self.sub_authorities(), [21, _, _, _, _])
            && !self.is_in_domain(domain)
    }

    /// Whether this is an account or group of that domain: its SID and exactly one RID.
    #[must_use]
    pub fn is_in_domain(&self, domain: &Self) -> bool {
        self.domain() == Some(*domain)
    }
}

/// The string form, `S-1-5-21-…`: the authority in decimal below 2^32, else as `0x` and 12 hexadecimal digits
/// ([MS-DTYP] 2.4.2.1).
impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.authority() {
            authority if authority <= u64::from(u32::MAX) => write!(f, "S-1-{authority}")?,
            authority => write!(f, "S-1-0x{authority:012X}")?,
        }
        self.sub_authorities().iter().try_for_each(|sub_authority| write!(f, "-{sub_authority}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the string form. `S-1-5`, of no sub-authority, is taken too: its packet form is valid, and it must be
/// readable again once printed.
impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let mut parts = text.split('-');
        if !parts.next().is_some_and(|part| part.eq_ignore_ascii_case("S")) {
            return Err(SidError::Syntax);
        }
        match parts.next() {
            Some("1") => {}
            Some(revision) => {
                return Err(revision.parse().map_or(SidError::Syntax, SidError::Revision));
            }
            None => return Err(SidError::Syntax),
        }
        let mut sid = Self::new(authority(parts.next().ok_or(SidError::Syntax)?)?, &[])?;
        for part in parts {
            let sub_authority = digits(part)?.parse().map_err(|_| SidError::Syntax)?;
            sid = sid.with_rid(sub_authority).ok_or(SidError::TooManySubAuthorities)?;
        }
        Ok(sid)
    }
}

fn authority(text: &str) -> Result<u64, SidError> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.len() == 12 && hex.bytes().all(|octet| octet.is_ascii_hexdigit()) => {
            u64::from_str_radix(hex, 16).map_err(|_| SidError::Syntax)
        }
        Some(_) => Err(SidError::Syntax),
        None => digits(text)?.parse::<u32>().map(u64::from).map_err(|_| SidError::Syntax),
    }
}

/// At most ten decimal digits and no sign, which `str::parse` would let pass.
fn digits(text: &str) -> Result<&str, SidError> {
    let plain = (1..=10).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    if plain { Ok(text) } else { Err(SidError::Syntax) }
}

/// Why octets or text are not a SID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidError {
    /// Fewer octets than the header and its count ask for.
    Truncated,
    /// Octets after the last sub-authority.
    TrailingBytes,
    /// The revision is not 1.
    Revision(u8),
    /// More than 15 sub-authorities.
    TooManySubAuthorities,
    /// The authority does not fit into 48 bits.
    Authority,
    /// Not of the form `S-1-authority-sub-authority…`.
    Syntax,
}

impl fmt::Display for SidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("SID is cut short"),
            Self::TrailingBytes => f.write_str("SID is followed by more octets"),
            Self::Revision(revision) => write!(f, "SID has revision {revision}, not 1"),
            Self::TooManySubAuthorities => f.write_str("SID has more than 15 sub-authorities"),
            Self::Authority => f.write_str("SID authority exceeds 48 bits"),
            Self::Syntax => f.write_str("not a SID of the form S-1-5-21-…"),
        }
    }
}

impl Error for SidError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Domain Users of the domain in `windows-server-2022`.
    const DOMAIN_USERS: &str = "S-1-5-21-3661267520-3940350627-3661189989-513";

    #[test]
    fn packet_and_string_form_agree() {
        let fifteen = "-4294967295".repeat(15);
        let rows: [(&str, &[u8]); 7] = [
            ("S-1-5", &[1, 0, 0, 0, 0, 0, 0, 5]),
            ("S-1-0-0", &[1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("S-1-18-1", &[1, 1, 0, 0, 0, 0, 0, 18, 1, 0, 0, 0]),
            ("S-1-4294967295-7", &[1, 1, 0, 0, 255, 255, 255, 255, 7, 0, 0, 0]),
            ("S-1-0x000100000000-7", &[1, 1, 0, 1, 0, 0, 0, 0, 7, 0, 0, 0]),
            ("S-1-0xFFFFFFFFFFFF-7", &[1, 1, 255, 255, 255, 255, 255, 255, 7, 0, 0, 0]),
            (
                DOMAIN_USERS,
                b"\x01\x05\0\0\0\0\0\x05\x15\0\0\0\x40\x82\x3a\xda\xa3\xfa\xdc\xea\x65\x53\x39\xda\x01\x02\0\0",
            ),
        ];
        for (text, bytes) in rows {
            let sid = Sid::from_bytes(bytes).expect(text);
            assert_eq!(sid.to_string(), text);
            assert_eq!(text.parse(), Ok(sid));
            assert_eq!(sid.to_bytes(), bytes);
            assert_eq!(sid.encoded_len(), bytes.len());
        }
        let longest = Sid::new(5, &[u32::MAX; 15]).unwrap();
        assert_eq!(longest.to_string(), format!("S-1-5{fifteen}"));
        assert_eq!(Sid::from_bytes(&longest.to_bytes()), Ok(longest));
        assert_eq!(longest.to_bytes().len(), 68);
    }

    #[test]
    fn reads_strings_of_either_case_and_leading_zeros() {
        assert_eq!("s-1-5-32-544".parse::<Sid>().unwrap().to_string(), "S-1-5-32-544");
        assert_eq!("S-1-0X00000000000a-01".parse::<Sid>().unwrap().to_string(), "S-1-10-1");
    }

    #[test]
    fn refuses_what_is_not_a_packet_form() {
        let rows: [(&[u8], SidError); 8] = [
            (b"", SidError::Truncated),
            (b"\x01\x01\0\0\0\0\0", SidError::Truncated),
            (b"\x01\x01\0\0\0\0\0\x05\x01\0\0", SidError::Truncated),
            (b"\x01\xff\0\0\0\0\0\x05", SidError::TooManySubAuthorities),
            (b"\x01\x10\0\0\0\0\0\x05", SidError::TooManySubAuthorities),
            (b"\x02\x00\0\0\0\0\0\x05", SidError::Revision(2)),
            (b"\x01\x00\0\0\0\0\0\x05\0", SidError::TrailingBytes),
            (b"\x01\x00\0\0\0\0\0\x05\0\0\0\0", SidError::TrailingBytes),
        ];
        for (bytes, error) in rows {
            assert_eq!(Sid::from_bytes(bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_string_form() {
        let sixteen = format!("S-1-5{}", "-1".repeat(16));
        let rows = [
            ("", SidError::Syntax),
            ("S", SidError::Syntax),
            ("S-1", SidError::Syntax),
            ("S-1-", SidError::Syntax),
            ("S-1-5-", SidError::Syntax),
            ("S-1-5--21", SidError::Syntax),
            ("S-1-5-+21", SidError::Syntax),
            ("S-1-5-4294967296", SidError::Syntax),
            ("S-1-4294967296-1", SidError::Syntax),
            ("S-1-0x1-1", SidError::Syntax),
            ("S-1-0x+00000000001-1", SidError::Syntax),
            ("S-1-5-21 ", SidError::Syntax),
            ("S-2-5-21", SidError::Revision(2)),
            ("X-1-5-21", SidError::Syntax),
            (&sixteen, SidError::TooManySubAuthorities),
        ];
        for (text, error) in rows {
            assert_eq!(text.parse::<Sid>(), Err(error), "{text:?}");
        }
        assert_eq!(Sid::new(1 << 48, &[]), Err(SidError::Authority));
    }

    #[test]
    fn splits_into_domain_and_rid() {
        let group: Sid = DOMAIN_USERS.parse().unwrap();
        let domain = group.domain().unwrap();
        assert_eq!(group.rid(), Some(513));
        assert_eq!(domain.to_string(), "S-1-5-21-3661267520-3940350627-3661189989");
        assert_eq!(domain.with_rid(513), Some(group));
        assert!(group.is_in_domain(&domain));
        assert!(!domain.is_in_domain(&domain));
        assert!(!group.with_rid(1).unwrap().is_in_domain(&domain));
        assert_eq!(Sid::new(5, &[]).unwrap().domain(), None);
        assert_eq!(Sid::new(5, &[]).unwrap().rid(), None);
        assert_eq!(Sid::new(5, &[0; 15]).unwrap().with_rid(1), None);
    }

    #[test]
    fn tells_other_domains_from_what_is_no_domains() {
        let domain: Sid = "S-1-5-21-1-2-3".parse().unwrap();
        let cases = [
            ("S-1-5-21-1-2-4-513", true),
            ("S-1-5-21-9-2-3-513", true),
            ("S-1-5-21-1-2-3-513", false),
            ("S-1-5-21-1-2-3", false),
            ("S-1-5-21-1-2-3-4-5", false),
            ("S-1-5-21-9-513", false),
            ("S-1-5-32-544", false),
            ("S-1-5-22-9-2-3-513", false),
            ("S-1-6-21-9-2-3-513", false),
            ("S-1-5-11", false),
            ("S-1-5", false),
        ];
        for (sid, expected) in cases {
            assert_eq!(sid.parse::<Sid>().unwrap().is_of_another_domain(&domain), expected, "{sid}");
        }
    }

    #[test]
    fn orders_a_domains_accounts_by_rid() {
        let domain = Sid::new(5, &[21, 1, 2, 3]).unwrap();
        let [low, high] = [513, 1107].map(|rid| domain.with_rid(rid).unwrap());
        assert!(low < high && domain < low);
    }
}
