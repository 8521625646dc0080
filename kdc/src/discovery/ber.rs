//! BER as far as LDAP uses it (RFC 4511 §5.1): definite lengths, tags below 31.
//!
//! Not the DER of `krb`: Windows writes the lengths of constructed elements in five octets (`84 00 00 00 a1`), which DER
//! forbids. The reader borrows and takes either form; the writer writes as Windows does, so that an answer can be
//! compared with a captured one octet by octet.

/// BOOLEAN.
pub(crate) const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// ENUMERATED.
pub(crate) const ENUMERATED: u8 = 0x0a;
/// SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
/// SET.
pub(crate) const SET: u8 = 0x31;

/// Octets that are not the BER expected here. Why is nobody's business on the network, and all of it is one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the BER that is expected here")]
pub struct BerError;

/// What is left to read of an element's contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first octet.
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Whether everything was read.
    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may follow.
    pub(crate) const fn end(self) -> Result<(), BerError> {
        if self.0.is_empty() { Ok(()) } else { Err(BerError) }
    }

    /// The next element: its tag and its contents.
    pub(crate) fn element(&mut self) -> Result<(u8, &'a [u8]), BerError> {
        let (&tag, rest) = self.0.split_first().ok_or(BerError)?;
        if tag & 0x1f == 0x1f {
            return Err(BerError);
        }
        let (&first, rest) = rest.split_first().ok_or(BerError)?;
        let (length, rest) = match first {
            0..=0x7f => (u32::from(first), rest),
            // The long form in up to four octets, leading zeros allowed; 0x80 alone is the indefinite form.
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or(BerError)?;
                (octets.iter().fold(0, |length, &octet| length << 8 | u32::from(octet)), rest)
            }
            _ => return Err(BerError),
        };
        let length = usize::try_from(length).map_err(|_| BerError)?;
        let (contents, rest) = rest.split_at_checked(length).ok_or(BerError)?;
        self.0 = rest;
        Ok((tag, contents))
    }

    /// The contents of the next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], BerError> {
        match self.element()? {
            (found, contents) if found == tag => Ok(contents),
            _ => Err(BerError),
        }
    }

    /// A reader of the next element, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, BerError> {
        self.expect(tag).map(Self)
    }

    /// An INTEGER or ENUMERATED from 0 to 2^31 - 1: all that LDAP has are (`maxInt`, RFC 4511 §4.1.1).
    pub(crate) fn number(&mut self, tag: u8) -> Result<u32, BerError> {
        let contents = self.expect(tag)?;
        if contents.is_empty()
            || contents.len() > 4
            || contents.first().is_some_and(|first| first & 0x80 != 0)
        {
            return Err(BerError);
        }
        Ok(contents.iter().fold(0, |number, &octet| number << 8 | u32::from(octet)))
    }
}

/// Octets being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// What was written.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// A constructed element with what `contents` writes, its length in five octets.
    pub(crate) fn constructed(&mut self, tag: u8, contents: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        contents(&mut inner);
        // An answer is some hundred octets.
        let length = u32::try_from(inner.0.len()).unwrap_or(u32::MAX);
        self.0.extend([tag, 0x84]);
        self.0.extend(length.to_be_bytes());
        self.0.append(&mut inner.0);
    }

    /// A primitive element.
    pub(crate) fn primitive(&mut self, tag: u8, contents: &[u8]) {
        self.0.push(tag);
        match u8::try_from(contents.len()) {
            Ok(length) if length < 0x80 => self.0.push(length),
            _ => {
                let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
                self.0.push(0x84);
                self.0.extend(length.to_be_bytes());
            }
        }
        self.0.extend_from_slice(contents);
    }

    /// An INTEGER or ENUMERATED, in as few octets as it takes.
    pub(crate) fn number(&mut self, tag: u8, number: u32) {
        let octets = [&[0], &number.to_be_bytes()[..]].concat();
        // A leading zero stays where the next octet would read as a sign.
        let needless =
            octets.windows(2).take_while(|pair| matches!(pair, [0, next] if next & 0x80 == 0)).count();
        self.primitive(tag, octets.get(needless..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_form_of_a_length() {
        for octets in
            [&[4, 2, 7, 8][..], &[4, 0x81, 2, 7, 8], &[4, 0x82, 0, 2, 7, 8], &[4, 0x84, 0, 0, 0, 2, 7, 8]]
        {
            let mut reader = Reader::new(octets);
            assert_eq!(reader.element(), Ok((4, &[7, 8][..])), "{octets:02x?}");
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn refuses_what_ldap_does_not_write() {
        let cases: [(&str, &[u8]); 8] = [
            ("nothing", &[]),
            ("a tag alone", &[4]),
            ("fewer octets than told", &[4, 3, 1, 2]),
            ("the indefinite form", &[0x30, 0x80, 0, 0]),
            ("a length of five octets", &[4, 0x85, 0, 0, 0, 0, 0]),
            ("a length without its octets", &[4, 0x82, 1]),
            ("a length beyond all memory", &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 1]),
            ("a tag of several octets", &[0x1f, 1, 0]),
        ];
        for (what, octets) in cases {
            assert_eq!(Reader::new(octets).element(), Err(BerError), "{what}");
        }
        for number in [&[2, 0][..], &[2, 1, 0x80], &[2, 5, 0, 0, 0, 0, 1], &[4, 1, 1]] {
            assert_eq!(Reader::new(number).number(INTEGER), Err(BerError), "{number:02x?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 0..=i32::MAX.unsigned_abs(), octets: Vec<u8>) {
            let mut writer = Writer::default();
            writer.constructed(SEQUENCE, |writer| {
                writer.number(INTEGER, number);
                writer.primitive(OCTET_STRING, &octets);
            });
            let written = writer.finish();
            let mut outside = Reader::new(&written);
            let mut inside = outside.enter(SEQUENCE).unwrap();
            prop_assert_eq!(inside.number(INTEGER), Ok(number));
            prop_assert_eq!(inside.expect(OCTET_STRING), Ok(&octets[..]));
            prop_assert!(inside.is_empty() && outside.is_empty());
        }

        #[test]
        fn any_octets_end_in_an_element_or_an_error(octets: Vec<u8>) {
            let mut reader = Reader::new(&octets);
            while reader.element().is_ok() {}
        }
    }
}
