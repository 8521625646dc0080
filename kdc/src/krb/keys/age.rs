//! How old the domain's key is: its version in the keytab beside the one in the directory.

use std::fmt;

/// How the key that full TGTs are issued under stands to the domain's current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAge {
    /// It is the current one, or one that the directory has not heard of yet.
    Current,
    /// It is the one before: domain controllers take it until the next change.
    Previous {
        /// The version in the directory.
        current: u32,
    },
    /// It is older, and domain controllers no longer take it: they keep the current key and the previous one.
    Outdated {
        /// The version in the directory.
        current: u32,
        /// How many versions ours is behind it.
        behind: u32,
    },
    /// The version in the directory cannot be read, so that nobody would notice.
    Unknown,
}

impl KeyAge {
    /// Of the version that is issued under and the one in the directory.
    pub(super) const fn of(ours: u32, current: Option<u32>) -> Self {
        let Some(current) = current else { return Self::Unknown };
        match current.saturating_sub(ours) {
            0 => Self::Current,
            1 => Self::Previous { current },
            behind => Self::Outdated { current, behind },
        }
    }

    /// How many versions ours is behind; `None` where that cannot be known.
    #[must_use]
    pub const fn versions_behind(self) -> Option<u32> {
        match self {
            Self::Current => Some(0),
            Self::Previous { .. } => Some(1),
            Self::Outdated { behind, .. } => Some(behind),
            Self::Unknown => None,
        }
    }

    /// Whether full TGTs may be issued under it.
    #[must_use]
    pub const fn may_issue(self) -> bool {
        matches!(self, Self::Current | Self::Previous { .. })
    }
}

/// What is wrong, and how to mend it.
impl fmt::Display for KeyAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("the krbtgt key is the domain's current one"),
            Self::Previous { current } => write!(
                f,
                "krbtgt has version {current} in the directory, one ahead of ours; load its keytab before the next change"
            ),
            Self::Outdated { current, behind } => write!(
                f,
                "nobody is served: krbtgt has version {current} in the directory, {behind} ahead of ours; load the keytab \
                 of the newest"
            ),
            Self::Unknown => f.write_str(
                "nobody is served: the version of krbtgt (msDS-KeyVersionNumber) cannot be read, so a key that is too old \
                 would not be noticed; grant the right to read it",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_one_version_behind_and_not_two_and_not_unknown() {
        let cases = [
            (Some(1), KeyAge::Current, Some(0), true),
            (Some(2), KeyAge::Current, Some(0), true),
            (Some(3), KeyAge::Previous { current: 3 }, Some(1), true),
            (Some(4), KeyAge::Outdated { current: 4, behind: 2 }, Some(2), false),
            (
                Some(u32::MAX),
                KeyAge::Outdated { current: u32::MAX, behind: u32::MAX - 2 },
                Some(u32::MAX - 2),
                false,
            ),
            (None, KeyAge::Unknown, None, false),
        ];
        for (current, expected, behind, may_issue) in cases {
            let age = KeyAge::of(2, current);
            assert_eq!(age, expected, "directory is at {current:?}");
            assert_eq!((age.versions_behind(), age.may_issue()), (behind, may_issue), "{age}");
        }
    }
}
