//! The order of the checks: of two rules broken, the one that stands first decides.

use std::sync::atomic::{AtomicUsize, Ordering};

use kdc::exchange::{Refusal, Rejected};
use tgtx_tests::scene::Scene;

use crate::cases::{self, Case};
use crate::complete::{ROWS, rows_of};
use crate::wire;

/// The rows that are refused, each with its reason, in the order of the checks. Without those whose reason only the
/// directory knows: the core cannot ask it about a name.
pub(crate) fn refusals() -> Vec<(&'static Case, Refusal)> {
    let refused = |case: &'static Case| {
        let expected = case.refused().filter(|expected| !expected.depends_on_the_directory())?;
        Some((case, expected.refusal()))
    };
    cases::all().filter_map(refused).collect()
}

/// Checks that do not stand in the protocol's order, the one done first first, and why.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("r01a", "r01", "a message is measured while it is decoded"),
    ("r26", "r25", "a SID of another domain is no account's here: said second, it would never be said"),
];

#[test]
fn refusals_stand_in_the_protocols_order() {
    let order: Vec<&str> = ROWS.split_whitespace().filter(|row| row.starts_with('r')).collect();
    let position = |row: &str| order.iter().position(|other| *other == row);
    let refusals = cases::all()
        .filter(|case| case.refused().is_some_and(|expected| !expected.depends_on_the_directory()))
        .filter_map(|case| Some((case.name, rows_of(case.name).find_map(position)?)));
    let refusals: Vec<_> = refusals.collect();
    for (one, (first, before)) in refusals.iter().enumerate() {
        for (second, after) in &refusals[one..] {
            let deviates =
                |(early, late, _): &(&str, &str, &str)| (order[*before], order[*after]) == (*early, *late);
            assert!(before <= after || DEVIATIONS.iter().any(deviates), "{first} before {second}");
        }
    }
}

/// Two rows that can be broken at once, the first of which decides: with the reason in the core.
struct Pair {
    first: &'static Case,
    second: &'static Case,
    expected: Refusal,
    /// No other row of another subject is between them.
    neighbours: bool,
}

fn pairs() -> Vec<Pair> {
    let refusals = refusals();
    let mut pairs = Vec::new();
    for (one, (first, expected)) in refusals.iter().enumerate() {
        let others = refusals[one..].iter().map(|(case, _)| *case).filter(|other| !contradict(first, other));
        pairs.extend(others.enumerate().map(|(distance, second)| Pair {
            first,
            second,
            expected: *expected,
            neighbours: distance == 0,
        }));
    }
    pairs
}

/// Whether the two cannot both be broken: they are about one thing, or the second undoes the first.
fn contradict(first: &Case, second: &Case) -> bool {
    const PAIRS: &[(&str, &str)] = &[
        // Another name in the ticket is one in CLIENT_INFO too.
        ("CLIENT_INFO", "cname"),
        // Where RC4 is allowed, these are not broken.
        ("ticket etype", "allow-rc4"),
        ("session key", "allow-rc4"),
        ("subkey", "allow-rc4"),
        // Of two renamed users, neither has the other's name any more.
        ("user", "cname"),
        // There is one key list.
        ("key list", "user"),
        // Another denial puts back a list that was taken away.
        ("lists", "denials"),
        // It denies alice, and the ticket is somebody else's.
        ("denials", "user"),
        // These are alice's, and the ticket somebody else's.
        ("sIDHistory", "user"),
        ("primary group", "user"),
        // There is one armour, of one subkey, and outside of it no wish is read.
        ("FAST", "armour:"),
        ("subkey", "armour: subkey"),
        ("armour:", "allow-rc4"),
        ("PA-PAC-OPTIONS", "armour:"),
        ("key list", "armour:"),
        ("body realm", "armour:"),
        ("S4U", "armour:"),
        ("postdating", "armour:"),
        ("options", "armour:"),
        ("sname", "armour:"),
        ("additional tickets", "armour:"),
        ("enc-authorization-data", "armour:"),
        // Armour and its sign belong together.
        ("authenticator data", "armour:"),
        // The padata inside are one thing, and those of a request are inside too.
        ("armour: padata", "key list"),
        // A body that is not sent is changed in vain.
        ("armour: plaintext", "armour:"),
    ];
    let undoes =
        |(one, other): &(&str, &str)| first.subject.starts_with(one) && second.subject.starts_with(other);
    first.subject == second.subject || PAIRS.iter().any(undoes)
}

/// A debug build tries neighbours, and every eighth of the other pairs.
#[test]
fn the_first_of_two_decides_in_the_core() {
    const EVERY: usize = if cfg!(debug_assertions) { 8 } else { 1 };
    let mut wrong = Vec::new();
    for (number, Pair { first, second, expected, neighbours }) in pairs().into_iter().enumerate() {
        if !neighbours && !number.is_multiple_of(EVERY) {
            continue;
        }
        match (second.breaks)((first.breaks)(Scene::new())).run() {
            Err(Rejected::NotOurs(refused) | Rejected::Refused(refused))
                if refused.why.reason == expected => {}
            other => wrong.push(format!("{} + {}: {other:?}", first.name, second.name)),
        }
    }
    assert!(wrong.is_empty(), "{} pairs: {wrong:#?}", wrong.len());
}

#[test]
fn the_first_of_two_neighbours_decides_over_udp_and_tcp() {
    let neighbours: Vec<Pair> = pairs().into_iter().filter(|pair| pair.neighbours).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while let Some(Pair { first, second, .. }) =
                    neighbours.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let name = format!("{} + {}", first.name, second.name);
                    let breaks = |scene| (second.breaks)((first.breaks)(scene));
                    wire::assert_outcome(&name, &first.expected, breaks);
                }
            });
        }
    });
}
