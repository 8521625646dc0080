//! Keytab files in MIT's format 0x0502.
//!
//! ```text
//! keytab = 05 02, record*                      all integers big-endian
//! record = length (i32), |length| octets       negative: a hole; zero: the end of the entries
//! entry  = number of components (u16), realm, component*, name type (u32), timestamp (u32),
//!          kvno (u8), etype (i16), key, [kvno (u32), [octets that later versions may define]]
//! realm, component, key = length (u16), that many octets
//! ```
//!
//! Where the 32-bit kvno is there and not zero, it is the kvno. For the krbtgt account of a read-only domain
//! controller, krbtgt_AzureAD among them, its high word is the branch number and its low word the version.

use std::fmt;

use zeroize::Zeroizing;

const MAGIC: u8 = 5;
const VERSION: u8 = 2;

/// The entries of a keytab, in the file's order.
#[derive(Debug, Default)]
pub struct Keytab {
    entries: Vec<Entry>,
}

/// One key as a keytab names it. Nothing about it has been judged yet.
pub struct Entry {
    /// The realm's octets.
    pub realm: Vec<u8>,
    /// The components of the principal's name, as octets.
    pub components: Vec<Vec<u8>>,
    /// Name type (RFC 4120 §6.2).
    pub name_type: u32,
    /// When the entry was written, in Unix seconds.
    pub timestamp: u32,
    /// Key version number, all 32 bits of it.
    pub kvno: u32,
    /// Encryption type, whether known or not.
    pub etype: i32,
    /// The key's octets, as many as there are.
    pub key: Zeroizing<Vec<u8>>,
}

impl Keytab {
    /// A keytab of these entries.
    #[must_use]
    pub const fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Reads a keytab file. Any octets are answered, none with a panic, and no more is allocated than they
    /// hold.
    ///
    /// # Errors
    /// [`KeytabError`] with the place and the first rule the file breaks. One bad record refuses the whole
    /// file: a damaged keytab is replaced, not half used.
    pub fn parse(file: &[u8]) -> Result<Self, KeytabError> {
        let mut reader = Reader { rest: file, offset: 0 };
        if reader.array("file header")? != [MAGIC, VERSION] {
            return Err(KeytabError { offset: 0, rule: KeytabRule::Format });
        }
        let mut entries = Vec::new();
        while !reader.rest.is_empty() {
            let length = i32::from_be_bytes(reader.array("record length")?);
            if length == 0 {
                break;
            }
            let record = reader.take(length.unsigned_abs(), "record")?;
            if length > 0 {
                entries.push(record.entry()?);
            }
        }
        Ok(Self { entries })
    }

    /// The entries, in the file's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Writes the file, each kvno in both widths.
    ///
    /// # Errors
    /// [`TooLong`] for a name, key or number of components that its length field cannot hold.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, TooLong> {
        let mut file = Zeroizing::new(vec![MAGIC, VERSION]);
        for entry in &self.entries {
            let record = entry.to_bytes()?;
            file.extend(i32::try_from(record.len()).map_err(|_| TooLong)?.to_be_bytes());
            file.extend_from_slice(&record);
        }
        Ok(file)
    }
}

impl Entry {
    /// The principal as people write it, `component/component@REALM`, with anything unprintable escaped.
    #[must_use]
    pub fn principal(&self) -> String {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).escape_debug().to_string();
        let components: Vec<String> = self.components.iter().map(|octets| text(octets)).collect();
        format!("{}@{}", components.join("/"), text(&self.realm))
    }

    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, TooLong> {
        let counted = |record: &mut Vec<u8>, octets: &[u8]| {
            record.extend(u16::try_from(octets.len()).map_err(|_| TooLong)?.to_be_bytes());
            record.extend_from_slice(octets);
            Ok(())
        };
        let [.., kvno_octet] = self.kvno.to_be_bytes();
        let mut record = Zeroizing::new(Vec::new());
        record.extend(u16::try_from(self.components.len()).map_err(|_| TooLong)?.to_be_bytes());
        counted(&mut record, &self.realm)?;
        for component in &self.components {
            counted(&mut record, component)?;
        }
        record.extend(self.name_type.to_be_bytes());
        record.extend(self.timestamp.to_be_bytes());
        record.push(kvno_octet);
        record.extend(i16::try_from(self.etype).map_err(|_| TooLong)?.to_be_bytes());
        counted(&mut record, &self.key)?;
        record.extend(self.kvno.to_be_bytes());
        Ok(record)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}, kvno {}, etype {}, redacted)", self.principal(), self.kvno, self.etype)
    }
}

/// The octets that are left, and where in the file they are.
struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn entry(mut self) -> Result<Entry, KeytabError> {
        let offset = self.offset;
        let count = u16::from_be_bytes(self.array("number of components")?);
        if count == 0 {
            return Err(KeytabError { offset, rule: KeytabRule::NoName });
        }
        let realm = self.counted("realm")?.to_vec();
        let mut components = Vec::new();
        for _ in 0..count {
            components.push(self.counted("name component")?.to_vec());
        }
        let name_type = u32::from_be_bytes(self.array("name type")?);
        let timestamp = u32::from_be_bytes(self.array("timestamp")?);
        let [kvno_octet] = self.array("kvno")?;
        let etype = i16::from_be_bytes(self.array("encryption type")?).into();
        let key = Zeroizing::new(self.counted("key")?.to_vec());
        let kvno = self.rest.first_chunk().map_or(0, |octets| u32::from_be_bytes(*octets));
        let kvno = if kvno == 0 { kvno_octet.into() } else { kvno };
        Ok(Entry { realm, components, name_type, timestamp, kvno, etype, key })
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], KeytabError> {
        let (octets, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(field))?;
        self.advance(rest);
        Ok(*octets)
    }

    fn counted(&mut self, field: &'static str) -> Result<&'a [u8], KeytabError> {
        let length = u16::from_be_bytes(self.array(field)?);
        Ok(self.take(length.into(), field)?.rest)
    }

    fn take(&mut self, length: u32, field: &'static str) -> Result<Self, KeytabError> {
        let (octets, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or_else(|| self.truncated(field))?;
        let taken = Self { rest: octets, offset: self.offset };
        self.advance(rest);
        Ok(taken)
    }

    fn advance(&mut self, rest: &'a [u8]) {
        self.offset = self.offset.saturating_add(self.rest.len().saturating_sub(rest.len()));
        self.rest = rest;
    }

    const fn truncated(&self, field: &'static str) -> KeytabError {
        KeytabError { offset: self.offset, rule: KeytabRule::Truncated(field) }
    }
}

/// Why a file is no keytab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a usable keytab: at octet {offset}, {rule}")]
pub struct KeytabError {
    /// Where, in octets from the beginning of the file.
    pub offset: usize,
    /// What is wrong there.
    pub rule: KeytabRule,
}

/// A rule that a keytab keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeytabRule {
    /// The file begins with 05 02.
    #[error("it does not begin with 05 02, the mark of a keytab")]
    Format,
    /// A field ends before its record does, and a record before the file does.
    #[error("the {0} is cut short")]
    Truncated(&'static str),
    /// A principal has a name.
    #[error("the entry's principal has no name component")]
    NoName,
}

/// A name, key or number that its field in the file cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entry does not fit the keytab format")]
pub struct TooLong;

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTURED: &[u8] = include_bytes!("../../../tests/vectors/windows-server-2022/keytab");

    fn entry(kvno: u32) -> Entry {
        Entry {
            realm: b"LAB.EXAMPLE".to_vec(),
            components: vec![b"krbtgt".to_vec(), b"LAB.EXAMPLE".to_vec()],
            name_type: 2,
            timestamp: 1_700_000_000,
            kvno,
            etype: 18,
            key: Zeroizing::new(vec![0x5a; 32]),
        }
    }

    fn file(entry: Entry) -> Vec<u8> {
        Keytab::new(vec![entry]).to_bytes().unwrap().to_vec()
    }

    #[test]
    fn captured_keytab_reads_and_writes_the_same() {
        let keytab = Keytab::parse(CAPTURED).unwrap();
        let krbtgt: Vec<(u32, i32, usize)> = keytab
            .entries()
            .iter()
            .filter(|entry| entry.principal() == "krbtgt@AFOREST.AD")
            .map(|entry| (entry.kvno, entry.etype, entry.key.len()))
            .collect();
        assert!(krbtgt.contains(&(2, 18, 32)), "{krbtgt:?}");
        assert!(krbtgt.contains(&(2, 23, 16)), "{krbtgt:?}");
        assert_eq!(*keytab.to_bytes().unwrap(), CAPTURED);
    }

    #[test]
    fn all_32_bits_of_a_kvno_survive() {
        for kvno in [0, 1, 255, 256, 65_535, 7 << 16 | 3, 46673 << 16 | 1, u32::MAX] {
            let keytab = Keytab::parse(&file(entry(kvno))).unwrap();
            assert_eq!(keytab.entries()[0].kvno, kvno);
        }
    }

    #[test]
    fn a_missing_or_zero_wide_kvno_leaves_the_narrow_one() {
        let mut zero = file(entry(7));
        let end = zero.len();
        zero[end - 1] = 0;
        assert_eq!(Keytab::parse(&zero).unwrap().entries()[0].kvno, 7);

        let mut missing = zero[..end - 4].to_vec();
        missing[5] -= 4;
        assert_eq!(Keytab::parse(&missing).unwrap().entries()[0].kvno, 7);
    }

    #[test]
    fn unknown_octets_after_the_kvno_are_passed_over() {
        let mut longer = file(entry(7));
        longer.extend([1, 2, 3, 4, 5]);
        longer[5] += 5;
        assert_eq!(Keytab::parse(&longer).unwrap().entries()[0].kvno, 7);
    }

    #[test]
    fn holes_are_passed_over_and_a_zero_length_ends_the_entries() {
        let mut bytes = vec![5, 2];
        bytes.extend((-3_i32).to_be_bytes());
        bytes.extend([0xff; 3]);
        bytes.extend(&file(entry(7))[2..]);
        bytes.extend([0; 4]);
        bytes.extend([0xff; 9]);
        assert_eq!(Keytab::parse(&bytes).unwrap().entries().len(), 1);
    }

    #[test]
    fn errors_name_place_and_rule() {
        let mut nameless = file(entry(7));
        nameless[7] = 0;
        let mut longer_realm = file(entry(7));
        longer_realm[8] = 0xff;
        let cases: [(&[u8], &str); 6] = [
            (b"", "at octet 0, the file header is cut short"),
            (&[5, 1, 0, 0], "at octet 0, it does not begin with 05 02, the mark of a keytab"),
            (&[5, 2, 0, 0], "at octet 2, the record length is cut short"),
            (&[5, 2, 0x80, 0, 0, 0], "at octet 6, the record is cut short"),
            (&nameless, "at octet 6, the entry's principal has no name component"),
            (&longer_realm, "at octet 10, the realm is cut short"),
        ];
        for (bytes, expected) in cases {
            let error = Keytab::parse(bytes).unwrap_err().to_string();
            assert_eq!(error, format!("not a usable keytab: {expected}"));
        }
    }

    #[test]
    fn a_keytab_cut_anywhere_is_refused_or_ends_at_a_record() {
        let whole = Keytab::parse(CAPTURED).unwrap().entries().len();
        let mut accepted = 0;
        for length in 0..CAPTURED.len() {
            accepted += usize::from(Keytab::parse(&CAPTURED[..length]).is_ok());
        }
        assert_eq!(accepted, whole, "one prefix per record boundary before the end");
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", entry(7)),
            "Entry(krbtgt/LAB.EXAMPLE@LAB.EXAMPLE, kvno 7, etype 18, redacted)"
        );
    }
}
