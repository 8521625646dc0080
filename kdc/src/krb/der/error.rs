//! Why octets are not the DER encoding of the type they were read as.

use std::fmt;

/// The first rule that the octets break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerError {
    /// The input ends inside a value, or a length claims more than is left.
    Truncated,
    /// Another tag stands where a mandatory field is due.
    UnexpectedTag,
    /// Octets follow where the value should end: unknown, repeated or misplaced fields among them.
    TrailingOctets,
    /// A length is indefinite, in more octets than needed, or beyond 32 bits.
    Length,
    /// An INTEGER is empty or has more octets than needed.
    IntegerForm,
    /// An INTEGER lies outside the range of its type.
    IntegerRange,
    /// A BIT STRING has no bits, claims more than seven unused ones, or sets an unused one.
    BitString,
    /// A `KerberosTime` is not `YYYYMMDDHHMMSSZ`, or names no date of the calendar.
    Time,
    /// `msg-type` does not agree with the tag of the message.
    MessageType,
}

impl fmt::Display for DerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Truncated => "input ends inside a value",
            Self::UnexpectedTag => "a mandatory field is missing",
            Self::TrailingOctets => "octets where the value should end",
            Self::Length => "length is not definite and minimal",
            Self::IntegerForm => "integer is empty or not minimal",
            Self::IntegerRange => "integer is out of range",
            Self::BitString => "malformed bit string",
            Self::Time => "malformed time",
            Self::MessageType => "msg-type disagrees with the tag",
        })
    }
}

impl std::error::Error for DerError {}
