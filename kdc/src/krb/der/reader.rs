//! The strict reader.

use super::{DerError, Tag};

/// A position in borrowed input. Every value it returns is a part of that input.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends the reading of a value.
    ///
    /// # Errors
    /// [`DerError::TrailingOctets`] if something is left.
    pub fn finish(self) -> Result<(), DerError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DerError::TrailingOctets) }
    }

    /// Whether the next value carries `tag`.
    #[must_use]
    pub fn is_next(&self, tag: Tag) -> bool {
        self.rest.first() == Some(&tag.octet())
    }

    /// The content octets of the next value, which must carry `tag`.
    ///
    /// # Errors
    /// [`DerError::UnexpectedTag`], [`DerError::Truncated`] or [`DerError::Length`].
    #[inline]
    pub fn content(&mut self, tag: Tag) -> Result<&'a [u8], DerError> {
        let (length, after_length) = match *self.rest {
            // Most values: fewer than 128 octets.
            [found, length @ 0x00..=0x7f, ref rest @ ..] if found == tag.octet() => {
                (usize::from(length), rest)
            }
            [found, ref rest @ ..] if found == tag.octet() => long_length(rest)?,
            [] => return Err(DerError::Truncated),
            _ => return Err(DerError::UnexpectedTag),
        };
        let (content, rest) = after_length.split_at_checked(length).ok_or(DerError::Truncated)?;
        self.rest = rest;
        Ok(content)
    }

    /// Reads with `read` inside the value tagged `tag`, which it must use up.
    ///
    /// # Errors
    /// Those of [`content`](Self::content) and of `read`; [`DerError::TrailingOctets`].
    #[inline]
    pub fn inside<T>(
        &mut self,
        tag: Tag,
        read: impl FnOnce(&mut Self) -> Result<T, DerError>,
    ) -> Result<T, DerError> {
        let mut inner = Self::new(self.content(tag)?);
        let value = read(&mut inner)?;
        inner.finish()?;
        Ok(value)
    }

    /// A SEQUENCE whose fields `read` reads.
    ///
    /// # Errors
    /// Those of [`inside`](Self::inside).
    pub fn sequence<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DerError>,
    ) -> Result<T, DerError> {
        self.inside(Tag::SEQUENCE, read)
    }

    /// `[APPLICATION number] SEQUENCE`, whose fields `read` reads.
    ///
    /// # Errors
    /// Those of [`inside`](Self::inside).
    pub fn application<T>(
        &mut self,
        number: u8,
        read: impl FnOnce(&mut Self) -> Result<T, DerError>,
    ) -> Result<T, DerError> {
        self.inside(Tag::application(number), |message| message.sequence(read))
    }

    /// The mandatory field `[number]`.
    ///
    /// # Errors
    /// Those of [`inside`](Self::inside).
    pub fn field<T>(
        &mut self,
        number: u8,
        read: impl FnOnce(&mut Self) -> Result<T, DerError>,
    ) -> Result<T, DerError> {
        self.inside(Tag::context(number), read)
    }

    /// The mandatory field `[number]` of type `Int32`. Nearly all have one octet and are read at once.
    ///
    /// # Errors
    /// Those of [`field`](Self::field) and of [`int32`](Self::int32).
    #[inline]
    pub fn int32_field(&mut self, number: u8) -> Result<i32, DerError> {
        const INTEGER: u8 = Tag::INTEGER.octet();
        match *self.rest {
            [found, 3, INTEGER, 1, octet, ref rest @ ..] if found == Tag::context(number).octet() => {
                self.rest = rest;
                Ok(i32::from(octet.cast_signed()))
            }
            _ => self.field(number, Self::int32),
        }
    }

    /// The OPTIONAL field `[number]`.
    ///
    /// # Errors
    /// Those of [`inside`](Self::inside), unless another tag or the end comes next.
    pub fn optional<T>(
        &mut self,
        number: u8,
        read: impl FnOnce(&mut Self) -> Result<T, DerError>,
    ) -> Result<Option<T>, DerError> {
        if self.is_next(Tag::context(number)) { self.field(number, read).map(Some) } else { Ok(None) }
    }

    /// An INTEGER of at most eight octets.
    ///
    /// # Errors
    /// [`DerError::IntegerForm`] unless it is minimal, [`DerError::IntegerRange`] if it is longer.
    #[inline]
    pub fn integer(&mut self) -> Result<i64, DerError> {
        match *self.content(Tag::INTEGER)? {
            [octet] => Ok(i64::from(octet.cast_signed())),
            ref octets => long_integer(octets),
        }
    }

    /// `Int32 ::= INTEGER (-2147483648..2147483647)`.
    ///
    /// # Errors
    /// Those of [`integer`](Self::integer); [`DerError::IntegerRange`].
    pub fn int32(&mut self) -> Result<i32, DerError> {
        i32::try_from(self.integer()?).map_err(|_| DerError::IntegerRange)
    }

    /// `Microseconds ::= INTEGER (0..999999)`.
    ///
    /// # Errors
    /// Those of [`integer`](Self::integer); [`DerError::IntegerRange`].
    pub fn microseconds(&mut self) -> Result<u32, DerError> {
        match u32::try_from(self.integer()?) {
            Ok(value @ 0..=999_999) => Ok(value),
            _ => Err(DerError::IntegerRange),
        }
    }

    /// An OCTET STRING.
    ///
    /// # Errors
    /// Those of [`content`](Self::content).
    pub fn octet_string(&mut self) -> Result<&'a [u8], DerError> {
        self.content(Tag::OCTET_STRING)
    }

    /// A GeneralString. Its octets are kept as they are: Active Directory puts UTF-8 there.
    ///
    /// # Errors
    /// Those of [`content`](Self::content).
    pub fn general_string(&mut self) -> Result<&'a [u8], DerError> {
        self.content(Tag::GENERAL_STRING)
    }

    /// `KerberosFlags ::= BIT STRING (SIZE (32..MAX))`, the first 32 bits with bit 0 the most significant.
    /// Shorter strings are taken for their missing bits clear: RFC 4120 §5.2.8 warns that senders leave
    /// trailing zeroes out. Bits after the first 32 have no meaning yet and are passed over.
    ///
    /// # Errors
    /// [`DerError::BitString`] for an empty string or bad padding.
    pub fn flags(&mut self) -> Result<u32, DerError> {
        let (&unused, bits) = self.content(Tag::BIT_STRING)?.split_first().ok_or(DerError::BitString)?;
        let last = bits.last().ok_or(DerError::BitString)?;
        let padding = 1_u8.checked_shl(u32::from(unused)).and_then(|bit| bit.checked_sub(1));
        if padding.is_none_or(|mask| last & mask != 0) {
            return Err(DerError::BitString);
        }
        let first_four = bits.iter().chain(std::iter::repeat(&0)).take(4);
        Ok(first_four.fold(0, |flags, &octet| (flags << 8) | u32::from(octet)))
    }
}

/// The value of an INTEGER that is not of one octet.
fn long_integer(octets: &[u8]) -> Result<i64, DerError> {
    match *octets {
        [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(DerError::IntegerForm),
        _ if octets.len() > 8 => Err(DerError::IntegerRange),
        [first, ..] => {
            let sign = if first & 0x80 == 0 { 0 } else { -1 };
            Ok(octets.iter().fold(sign, |value: i64, &octet| (value << 8) | i64::from(octet)))
        }
    }
}

/// Reads a definite, minimal length of two to five octets: the length, and what follows it.
fn long_length(input: &[u8]) -> Result<(usize, &[u8]), DerError> {
    let (length, rest) = match *input {
        [] => return Err(DerError::Truncated),
        [0x81, a @ 0x80..=0xff, ref rest @ ..] => (u32::from(a), rest),
        [0x82, a @ 0x01..=0xff, b, ref rest @ ..] => (u32::from_be_bytes([0, 0, a, b]), rest),
        [0x83, a @ 0x01..=0xff, b, c, ref rest @ ..] => (u32::from_be_bytes([0, a, b, c]), rest),
        [0x84, a @ 0x01..=0xff, b, c, d, ref rest @ ..] => (u32::from_be_bytes([a, b, c, d]), rest),
        // Indefinite (0x80), not minimal, longer than any message, or cut inside the length itself.
        _ => return Err(DerError::Length),
    };
    let length = usize::try_from(length).map_err(|_| DerError::Length)?;
    Ok((length, rest))
}
