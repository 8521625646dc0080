//! The PAC's frame.

/// Why octets are not a PAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacError {
    /// A signature's type does not sign PACs.
    SignatureType(i32),
    /// A signature's buffer has another length than its type asks for.
    SignatureLength,
}
