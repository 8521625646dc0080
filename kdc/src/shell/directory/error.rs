//! Why the directory gave no usable answer.

use crate::directory::AttributeError;
use crate::exchange::{Refusal, Refused};

/// A read that decides nothing. Both kinds refuse: an answer that is not complete is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nobody answered in time, or what answered is not our directory: `KDC_ERR_SVC_UNAVAILABLE` (29), and the
    /// client asks another KDC.
    #[error("directory unavailable: {0}")]
    Unavailable(String),
    /// The directory answered, but the object is ambiguous, cut short or contradicts itself.
    #[error("{object}: {problem}")]
    Data {
        /// The object, by distinguished name or by what was searched for.
        object: String,
        /// What is wrong with it, naming the attribute where it is one.
        problem: String,
    },
}

impl ReadError {
    pub(super) fn data(object: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Data { object: object.into(), problem: problem.into() }
    }
}

/// What the exchange makes of it.
impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(why) => Refusal::DirectoryUnavailable.because(why),
            ReadError::Data { .. } => Refusal::DirectoryData.because(error.to_string()),
        }
    }
}

impl From<AttributeError> for ReadError {
    fn from(error: AttributeError) -> Self {
        Self::data(error.object, format!("attribute {} {}", error.attribute, error.fault))
    }
}

impl From<crate::directory::DirectoryError> for ReadError {
    fn from(error: crate::directory::DirectoryError) -> Self {
        match error {
            crate::directory::DirectoryError::Attribute(error) => error.into(),
            other => Self::data("directory", other.to_string()),
        }
    }
}
