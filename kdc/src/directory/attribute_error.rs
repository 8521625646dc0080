//! What can be wrong with an attribute of an object.

use std::fmt;

use super::security_descriptor::DescriptorError;

/// An attribute that is absent or is not what its syntax says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeError {
    /// Distinguished name of the object.
    pub object: String,
    /// Name of the attribute, as the reader asked for it.
    pub attribute: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: attribute {} {}", self.object, self.attribute, self.fault)
    }
}

impl std::error::Error for AttributeError {}

/// What can be wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Absent, or the directory does not let us read it: LDAP shows both alike.
    #[error("is absent, or may not be read by the account that asks")]
    Absent,
    /// Only a range of the values came.
    #[error("came in part only")]
    Partial,
    /// More than one value where the schema allows one.
    #[error("has several values where one is expected")]
    Several,
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// Not a Boolean.
    #[error("is neither TRUE nor FALSE")]
    NotBoolean,
    /// Not a decimal number that fits.
    #[error("is not a decimal number in range")]
    NotInteger,
    /// A negative time.
    #[error("is not a time")]
    NotTime,
    /// Not a SID.
    #[error("is not a SID")]
    NotSid,
    /// Not a GUID.
    #[error("is not a GUID")]
    NotGuid,
    /// Replication metadata of another form than the two there are.
    #[error("is no replication metadata")]
    NotMetadata,
    /// `logonHours` of another length than 21 octets.
    #[error("is not 21 octets of logon hours")]
    NotLogonHours,
    /// A security descriptor that does not say who is granted what.
    #[error("{0}")]
    Descriptor(DescriptorError),
    /// A group of the account that is no group of a domain, where only those can be.
    #[error("holds a SID that is no group of a domain")]
    NotGroupOfDomain,
}
