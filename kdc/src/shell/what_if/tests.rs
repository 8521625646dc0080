//! Consequences over the directory of the demonstration.

use super::super::explain::tests::{BRANCH, DEMO, now, prepared};
use super::*;

async fn ask(changes: &[(Action, List, &str)]) -> Result<Consequences, WhatIfError> {
    let change = |(action, list, group): &(Action, List, &str)| Change {
        list: *list,
        action: *action,
        group: group.parse().unwrap(),
    };
    let changes: Vec<Change> = changes.iter().map(change).collect();
    let mut seen = 0;
    let told = what_if(prepared(DEMO, &[BRANCH]), None, &changes, now(), &mut |count| seen = count).await?;
    assert_eq!(seen, told.accounts);
    Ok(told)
}

/// `alice: allowed -> never_reveal by alice > Engineering on LIST`, one for each account that changes side.
fn told(consequences: &Consequences) -> Vec<String> {
    let reason = |reason: Option<Refusal>| reason.map_or("allowed", Refusal::label);
    let line = |Changed { object, now, then, path: (list, steps) }: &Changed| {
        let names: Vec<&str> = steps.iter().map(|step| &*step.name).collect();
        format!("{}: {} -> {} by {} on {list}", object.name, reason(*now), reason(*then), names.join(" > "))
    };
    consequences.changed.iter().map(line).collect()
}

#[tokio::test]
async fn those_who_change_side_are_told_with_the_way_they_come_by_it() {
    use Action::{Add, Remove};
    use List::{NeverReveal, RevealOnDemand};
    let cases = [
        (
            vec![(Add, NeverReveal, "All Staff")],
            vec![
                "alice: allowed -> never_reveal by alice > Engineering > All Staff on msDS-NeverRevealGroup",
                "zoë.müller: allowed -> never_reveal by zoë.müller > All Staff on msDS-NeverRevealGroup",
            ],
        ),
        (
            vec![(Remove, RevealOnDemand, "Domain Users")],
            vec![
                "alice: allowed -> not_on_allow_list by alice > Domain Users on msDS-RevealOnDemandGroup",
                "zoë.müller: allowed -> not_on_allow_list by zoë.müller > Domain Users on msDS-RevealOnDemandGroup",
            ],
        ),
        (
            vec![
                (Remove, RevealOnDemand, "Domain Users"),
                (Add, RevealOnDemand, "CN=Engineering,OU=Staff,DC=demo,DC=example"),
            ],
            vec![
                "zoë.müller: allowed -> not_on_allow_list by zoë.müller > Domain Users on msDS-RevealOnDemandGroup",
            ],
        ),
        (
            vec![(Add, RevealOnDemand, "guido")],
            vec!["guido: not_on_allow_list -> allowed by guido on msDS-RevealOnDemandGroup"],
        ),
        (
            vec![
                (Remove, NeverReveal, "S-1-5-32-544"),
                (Remove, NeverReveal, "Denied RODC Password Replication Group"),
            ],
            vec![
                "dora: never_reveal -> allowed by dora > Helpdesk Tier 0 > Domain Admins > Administrators on msDS-NeverRevealGroup",
            ],
        ),
        (vec![(Add, NeverReveal, "S-1-5-21-9-9-9-1")], vec![]),
    ];
    for (changes, expected) in cases {
        let consequences = ask(&changes).await.unwrap();
        assert_eq!(told(&consequences), expected, "{changes:?}");
        assert_eq!(consequences.undecidable, 0);
    }
}

#[tokio::test]
async fn a_change_that_is_none_and_one_that_leaves_nobody_served_are_errors() {
    use Action::{Add, Remove};
    use List::{NeverReveal, RevealOnDemand};
    let cases = [
        (vec![(Add, RevealOnDemand, "Domain Users")], "Domain Users is on msDS-RevealOnDemandGroup already"),
        (vec![(Remove, NeverReveal, "Engineering")], "Engineering is not on msDS-NeverRevealGroup itself"),
        (vec![(Add, NeverReveal, "gone")], "gone: not the name of one object"),
    ];
    for (changes, expected) in cases {
        let error = ask(&changes).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let view = prepared(DEMO, &[BRANCH]).connect();
    let (view, _) = view.0.view(&[BRANCH], &view.1.view).await.unwrap();
    let Some(Branch::Serving { policy, .. }) = view.branches.get(&BRANCH) else { panic!("a branch") };
    let all: Vec<String> = policy.never_reveal().iter().map(ToString::to_string).collect();
    let changes: Vec<_> = all.iter().map(|sid| (Remove, NeverReveal, sid.as_str())).collect();
    assert!(matches!(ask(&changes).await, Err(WhatIfError::NoDenials)));
}
