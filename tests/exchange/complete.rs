//! Every row of the specification has its case here, or is shown elsewhere and said where.

use std::collections::BTreeSet;

use crate::cases;

/// The protocol's table of checks (`r`) in its order, and parts 4.1 to 4.5 of the attack catalogue (`a` to `e`).
pub(crate) const ROWS: &str = "
    r01 r01a r02 r02a r02b r03 r05 r04 r06 r18 r07 r08 r08a r09 r09a r10 r11 r11a r12 r13 r14 r16 r17 r19 r20 r21
    r22 r23 r15 r41 r24 r25 r26 r27 r29 r28 r30 r31 r32 r33 r34 r35 r36 r37 r38 r39 r40
    a01 a02 a03 a05 a06 a07 a09 a10 a11 a13 a14 a15 a17 a18 a19 a21 a22 a23
    b02 b03 b04 b06 b07 b08 b10 b11 b12 b14 b15 b16 b18 b19 b20 b22 b23 b24 b26 b27
    c01 c03 c04 c05 c07 c08 c09 c11 c12 c13 c15 c16 c17 c19 c20 c21 c23 c24 c25 c27 c28
    d01 d03 d04 d05 d07 d08 d09 d11 d12 d13 d15 d16 d17 d19 d20 d21 d23 d24 d25 d27 d28 d29 d31 d32 d33 d35
    e01 e02 e04 e05 e06 e08 e09 e10 e12 e13 e14 e16 e17 e18 e20
";

/// What no single request shows, and the file and the test that show it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("r15", "tests/shell/replays.rs", "from_another_address_it_is_a_replay_over_either_transport"),
    ("e02", "tests/shell/replays.rs", "other_padata_are_a_replay_and_another_body_is_a_modified_message"),
    (
        "c25",
        "tests/shell/changes.rs",
        "who_was_moved_into_a_denied_group_is_refused_as_soon_as_the_directory_is_read_again",
    ),
    ("c25", "tests/interop/changes.rs", "who_was_moved_into_a_denied_group_is_refused_when_ttl_is_over"),
];

/// The rows that a name begins with: a letter, two digits and sometimes a letter each.
pub(crate) fn rows_of(name: &str) -> impl Iterator<Item = &str> {
    let is_row = |part: &&str| {
        let mut letters = part.chars();
        letters.next().is_some_and(|c| c.is_ascii_lowercase())
            && letters.next().is_some_and(|c| c.is_ascii_digit())
            && letters.next().is_some_and(|c| c.is_ascii_digit())
            && letters.next().is_none_or(|c| c.is_ascii_lowercase())
            && letters.next().is_none()
    };
    name.split('_').take_while(is_row)
}

#[test]
fn every_row_of_the_specification_has_a_case() {
    let covered: BTreeSet<&str> = cases::all().flat_map(|case| rows_of(case.name)).collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(row, ..)| *row).collect();
    let missing: Vec<&str> =
        ROWS.split_whitespace().filter(|row| !covered.contains(row) && !elsewhere.contains(row)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    let twice: Vec<_> = covered.intersection(&elsewhere).collect();
    assert!(twice.is_empty(), "{twice:?} are cases, and need no other place");
}

#[test]
fn every_case_has_a_row_and_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for case in cases::all() {
        assert!(rows_of(case.name).next().is_some(), "{}", case.name);
        assert!(names.insert(case.name), "{} twice", case.name);
    }
}

/// `docs/refusals.md` names the rows that each reason answers.
#[test]
fn the_documentation_names_the_rows_of_each_reason() {
    let documentation = include_str!("../../docs/refusals.md");
    for line in documentation.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let label = cells[0].trim_end_matches('`');
        let documented: BTreeSet<&str> = cells[2].split(' ').filter(|row| !row.is_empty()).collect();
        let reasons =
            cases::all().filter(|case| case.refused().is_some_and(|expected| expected.label == label));
        let shown: BTreeSet<&str> = reasons.flat_map(|case| rows_of(case.name)).collect();
        // What no case shows is the shell's: `refused.rs` has the list.
        assert!(
            shown.is_empty() || documented == shown,
            "{label}: {documented:?} documented, {shown:?} shown"
        );
    }
}

/// A test that a list names is there.
#[test]
fn elsewhere_exists() {
    for (row, file, test) in ELSEWHERE {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        assert!(text.contains(&format!("fn {test}()")), "{row}: {file}: {test}");
    }
}
