//! The INTEGER types of RFC 4120 §5.2.4.

use crate::krb::der::{Der, DerError, Reader, Writer};

/// ```asn1
/// Int32 ::= INTEGER (-2147483648..2147483647)
/// ```
impl Der<'_> for i32 {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        reader.int32()
    }

    fn write(&self, writer: &mut Writer) {
        writer.integer(i64::from(*self));
    }
}

/// A number that RFC 4120 calls `UInt32` and some senders encode as the `Int32` of the same 32 bits: kvno,
/// nonce and seq-number. Both forms are read, and the one that was read is written again.
///
/// ```asn1
/// UInt32 ::= INTEGER (0..4294967295)
/// ```
/// [MS-KILE] 3.1.5.8 makes the kvno of a branch from 0x8000 up negative; the Windows ticket
/// `windows-rodc-2021/tgt_rodc.bin` among the test vectors shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WireInt(i64);

impl WireInt {
    /// The encoding RFC 4120 prescribes.
    #[must_use]
    pub const fn unsigned(value: u32) -> Self {
        // Widening; `From` is not `const`.
        Self(value as i64)
    }

    /// The encoding Windows uses for a kvno: the same 32 bits as a signed number.
    #[must_use]
    pub const fn signed(value: u32) -> Self {
        Self(value.cast_signed() as i64)
    }

    /// The 32 bits, whichever way they came.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        // -2^31..2^32-1 by construction: what is cut off is the sign.
        (self.0 & 0xffff_ffff) as u32
    }
}

impl Der<'_> for WireInt {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        match reader.integer()? {
            value @ -0x8000_0000..=0xffff_ffff => Ok(Self(value)),
            _ => Err(DerError::IntegerRange),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.integer(self.0);
    }
}
