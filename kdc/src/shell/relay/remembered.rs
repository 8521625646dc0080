//! What names stood for when they last stood for something: who worked a moment ago is asked on while DNS is away, or
//! has lost a zone.

use std::collections::{HashMap, HashSet};

use crate::shell::resolver::LookupError;

/// Why nothing new is known of a name.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfound {
    /// The question was not answered.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It was: there is nothing.
    #[error("{0}: no such record")]
    Nothing(String),
}

/// The records of each name.
#[derive(Debug)]
pub(super) struct Remembered<T>(HashMap<String, Vec<T>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Remembered<T> {
    /// What is found now; where that is nothing, what was found last, and why.
    pub(super) fn latest(
        &mut self,
        name: &str,
        found: Result<Vec<T>, LookupError>,
    ) -> (Vec<T>, Option<Unfound>) {
        let fault = match found {
            Ok(records) if !records.is_empty() => {
                self.0.insert(name.to_owned(), records.clone());
                return (records, None);
            }
            Ok(_) => Unfound::Nothing(name.to_owned()),
            Err(error) => error.into(),
        };
        (self.0.get(name).cloned().unwrap_or_default(), Some(fault))
    }

    /// Forgets all but these.
    pub(super) fn keep(&mut self, names: &HashSet<&str>) {
        self.0.retain(|name, _| names.contains(name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unanswered(name: &str) -> LookupError {
        LookupError::Unanswered { name: name.to_owned(), fault: "timed out".into() }
    }

    #[test]
    fn what_was_found_last_stays_until_something_else_is_found() {
        let mut remembered = Remembered::default();
        let nothing = |fault: Option<Unfound>| matches!(fault, Some(Unfound::Nothing(name)) if name == "dc1");
        let (records, fault) = remembered.latest("dc1", Ok(Vec::new()));
        assert!(records.is_empty() && nothing(fault));
        assert_eq!(remembered.latest("dc1", Ok(vec![1, 2])).0, [1, 2]);

        let (records, fault) = remembered.latest("dc1", Ok(Vec::new()));
        assert!(records == [1, 2] && nothing(fault), "the zone is gone");
        let (records, fault) = remembered.latest("dc1", Err(unanswered("dc1")));
        assert!(records == [1, 2] && matches!(fault, Some(Unfound::Lookup(_))), "DNS is away");
        assert!(remembered.latest("dc2", Err(unanswered("dc2"))).0.is_empty(), "another name");

        let (records, fault) = remembered.latest("dc1", Ok(vec![3]));
        assert!(records == [3] && fault.is_none());
        remembered.keep(&["dc2"].into());
        assert!(remembered.latest("dc1", Ok(Vec::new())).0.is_empty());
    }
}
