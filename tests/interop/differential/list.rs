//! `differences.toml`: which differences are known, and why they are as they are.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Deserialize;

use super::cases;
use super::observed::Observed;

/// The list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    difference: Vec<Known>,
}

/// One difference, in some cases or in all that have the field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// Names of cases, or `*` alone: wherever it occurs.
    cases: Vec<String>,
    field: String,
    /// `*`: whatever it is.
    ours: String,
    /// Likewise.
    samba: String,
    why: String,
}

/// One field in which the answers to a case differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    field: &'static str,
    ours: String,
    samba: String,
    case: &'static str,
}

impl Difference {
    /// What differs between two answers: where their outcomes do, nothing else is compared.
    pub(super) fn between(case: &'static str, ours: &Observed, samba: &Observed) -> Vec<Self> {
        let fields: BTreeSet<&&str> = if ours["outcome"] == samba["outcome"] {
            ours.keys().chain(samba.keys()).collect()
        } else {
            BTreeSet::from([&"outcome"])
        };
        let value = |seen: &Observed, field| seen.get(field).cloned().unwrap_or_else(|| "absent".to_owned());
        fields
            .into_iter()
            .map(|&field| Self { field, ours: value(ours, field), samba: value(samba, field), case })
            .filter(|difference| difference.ours != difference.samba)
            .collect()
    }
}

impl Known {
    fn is(&self, difference: &Difference) -> bool {
        let any_or = |known: &str, seen: &str| known == "*" || known == seen;
        self.field == difference.field
            && any_or(&self.ours, &difference.ours)
            && any_or(&self.samba, &difference.samba)
            && (self.everywhere() || self.cases.iter().any(|case| case == difference.case))
    }

    fn everywhere(&self) -> bool {
        self.cases == ["*"]
    }

    /// The cases in which it is said to occur and does not.
    fn missing(&self, differences: &[Difference]) -> Vec<&str> {
        let seen: BTreeSet<&str> =
            differences.iter().filter(|difference| self.is(difference)).map(|d| d.case).collect();
        match self.everywhere() {
            true if seen.is_empty() => vec!["*"],
            true => Vec::new(),
            false => self.cases.iter().map(String::as_str).filter(|case| !seen.contains(case)).collect(),
        }
    }
}

impl List {
    /// Reads the list.
    pub(super) fn read() -> Self {
        let list: Self = toml::from_str(include_str!("../differences.toml")).expect("differences.toml");
        let names: BTreeSet<&str> = cases::all().iter().map(|case| case.name).collect();
        for Known { cases, field, why, .. } in &list.difference {
            assert!(!cases.is_empty() && why.len() > 20, "{field} of {cases:?} is not justified");
            let unknown = |case: &&String| *case != "*" && !names.contains(case.as_str());
            assert!(!cases.iter().any(|case| unknown(&case)), "{field}: {cases:?} names no case");
        }
        list
    }

    /// Which of the differences seen are not listed, and which of those listed were not seen.
    pub(super) fn against(&self, differences: &[Difference]) -> (Vec<Difference>, Vec<String>) {
        let listed = |difference: &&Difference| self.difference.iter().any(|known| known.is(difference));
        let unlisted = differences.iter().filter(|difference| !listed(difference)).cloned().collect();
        let gone = self.difference.iter().filter_map(|known| {
            let missing = known.missing(differences);
            let Known { field, ours, samba, .. } = known;
            (!missing.is_empty())
                .then(|| format!("{field}: ours {ours:?}, Samba's {samba:?}: in {missing:?}"))
        });
        (unlisted, gone.collect())
    }
}

/// Entries for these differences, cases of one kind together.
pub(super) fn entries(differences: &[Difference]) -> String {
    let mut sorted = differences.to_vec();
    sorted.sort();
    let mut text = String::new();
    for alike in sorted.chunk_by(|a, b| (a.field, &a.ours, &a.samba) == (b.field, &b.ours, &b.samba)) {
        let cases: Vec<&str> = alike.iter().map(|difference| difference.case).collect();
        let Difference { field, ours, samba, .. } = &alike[0];
        let _ = write!(
            text,
            "\n[[difference]]\ncases = {cases:?}\nfield = {field:?}\nours = {ours:?}\nsamba = {samba:?}\nwhy = \"\"\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::{Difference, List};

    const LIST: &str = r#"
        [[difference]]
        cases = ["denied", "disabled"]
        field = "outcome"
        ours = "20"
        samba = "12"
        why = "The directory's lists decide, not the account's state."

        [[difference]]
        cases = ["*"]
        field = "e-text"
        ours = "none"
        samba = "*"
        why = "Windows' errors have no text: whatever it would say."
    "#;

    fn difference(case: &'static str, field: &'static str, ours: String, samba: String) -> Difference {
        Difference { field, ours, samba, case }
    }

    #[test]
    fn what_is_not_listed_is_told_and_what_no_longer_occurs_too() {
        let list: List = toml::from_str(LIST).unwrap();
        let outcome = |case, samba: &str| difference(case, "outcome", "20".to_owned(), samba.to_owned());
        let text = difference("anything", "e-text", "none".to_owned(), "there".to_owned());
        let (denied, disabled) = (outcome("denied", "12"), outcome("disabled", "12"));
        let all = [denied.clone(), disabled.clone(), text.clone()];
        assert_eq!(list.against(&all), (vec![], vec![]));

        let [another_value, another_case] = [outcome("denied", "18"), outcome("bob", "12")];
        for unlisted in [another_value, another_case] {
            let seen = [&all[..], slice::from_ref(&unlisted)].concat();
            assert_eq!(list.against(&seen), (vec![unlisted], vec![]));
        }
        let gone = |differences: &[Difference]| list.against(differences).1;
        assert_eq!(gone(&[denied, text]), [r#"outcome: ours "20", Samba's "12": in ["disabled"]"#]);
        assert_eq!(gone(&all[..2]), [r#"e-text: ours "none", Samba's "*": in ["*"]"#]);
    }
}
