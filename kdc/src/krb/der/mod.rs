//! The Distinguished Encoding Rules (X.690) as far as RFC 4120 needs them: a strict reader that borrows
//! from its input, and a writer that works from the last octet to the first.
//!
//! Strict means that a value has one encoding: lengths and integers are minimal, lengths are definite,
//! padding bits are zero, fields stand in order and once, and nothing trails. Whatever was read can
//! therefore be written again to the same octets. Depth is that of the schema; nothing here recurses on
//! its input, and reading allocates nothing.
//!
//! Tags are one octet: RFC 4120 has no number above 30.

mod error;
mod reader;
mod sequence_of;
mod writer;

pub use error::DerError;
pub use reader::Reader;
pub use sequence_of::{Iter, SequenceOf};
pub use writer::Writer;

/// The identifier octet of an encoding: class, constructed bit and a number up to 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(u8);

impl Tag {
    /// INTEGER.
    pub const INTEGER: Self = Self(0x02);
    /// BIT STRING, primitive.
    pub const BIT_STRING: Self = Self(0x03);
    /// OCTET STRING, primitive.
    pub const OCTET_STRING: Self = Self(0x04);
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: Self = Self(0x18);
    /// GeneralString.
    pub const GENERAL_STRING: Self = Self(0x1b);
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: Self = Self(0x30);

    /// The explicit tag `[number]`, `number` at most 30.
    #[must_use]
    pub const fn context(number: u8) -> Self {
        Self(0xa0 | (number & 0x1f))
    }

    /// `[APPLICATION number]`, `number` at most 30.
    #[must_use]
    pub const fn application(number: u8) -> Self {
        Self(0x60 | (number & 0x1f))
    }

    /// The octet itself.
    #[must_use]
    pub const fn octet(self) -> u8 {
        self.0
    }
}

/// A type with one DER encoding.
pub trait Der<'a>: Sized {
    /// What [`to_der`](Self::to_der) returns: [`Secret`](crate::krb::Secret) for types that hold keys.
    type Encoded: From<Vec<u8>>;

    /// Reads one value and leaves the reader behind it.
    ///
    /// # Errors
    /// [`DerError`] names the first rule the octets break.
    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError>;

    /// Puts the encoding in front of what the writer holds.
    fn write(&self, writer: &mut Writer);

    /// The same as the field `[number]`.
    fn write_field(&self, number: u8, writer: &mut Writer) {
        writer.field(number, |field| self.write(field));
    }

    /// Reads a value that fills the whole input.
    ///
    /// # Errors
    /// [`DerError`] names the first rule the octets break; [`DerError::TrailingOctets`] if some are left.
    fn parse(input: &'a [u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(input);
        let value = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    /// The encoding.
    #[must_use]
    fn to_der(&self) -> Self::Encoded {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_octets().into()
    }
}
