//! Why a domain or an account could not be made out of the objects that were read.

use super::attribute_error::AttributeError;
use super::ldif::LdifError;

/// What is wrong with the objects of a directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// An attribute is absent or malformed.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// The text is no LDIF.
    #[error(transparent)]
    Ldif(#[from] LdifError),
    /// An object that every domain has is not there.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// Two objects where there can be only one.
    #[error("{first} and {second} {both}")]
    Ambiguous {
        /// Distinguished name of one.
        first: String,
        /// Distinguished name of the other.
        second: String,
        /// What both claim, completing the sentence.
        both: &'static str,
    },
    /// The PAC of an account cannot be encoded.
    #[error("{object}: the PAC cannot be encoded: {reason}")]
    Pac {
        /// Distinguished name of the account.
        object: String,
        /// What the encoder says.
        reason: pac::PacError,
    },
}
