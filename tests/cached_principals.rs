//! What a remembered principal costs: alone in its program, because it is the process's memory that is measured.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed; this one looks at its own process"
)]

use std::fs;
use std::time::{Duration, Instant};

use kdc::directory::{DirectoryView, Entry, Principal, SidHistory, Tree, ViewRules};
use kdc::shell::directory::PrincipalCache;
use pac::{FileTime, Sid};

/// How many are made; the full number where that is quick.
const PRINCIPALS: u32 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };
/// Octets of each, its place in the cache included: 100,000 within 200 MiB.
const AFFORDED: u64 = (200 << 20) / 100_000;
/// Of a user; all but two are global ones of the domain, which the PAC has as well.
const GROUPS: u32 = 50;

/// A user as a directory describes one, with names of ordinary length.
fn user(rid: u32, view: &DirectoryView) -> Entry {
    let own = |rid: u32| view.domain_sid.with_rid(rid).unwrap();
    let mut entry = Entry::new(format!("CN=Margarethe Musterfrau {rid},OU=Staff,DC=lab,DC=example"));
    let attributes = [
        ("objectClass", "user".to_owned()),
        ("objectSid", own(rid).to_string()),
        ("sAMAccountName", format!("musterfrau{rid}")),
        ("userPrincipalName", format!("margarethe.musterfrau{rid}@lab.example")),
        ("displayName", format!("Margarethe Musterfrau {rid}")),
        ("primaryGroupID", "513".to_owned()),
        ("userAccountControl", "512".to_owned()),
        ("msDS-User-Account-Control-Computed", "0".to_owned()),
        ("msDS-UserPasswordExpiryTimeComputed", i64::MAX.to_string()),
        ("accountExpires", i64::MAX.to_string()),
        ("pwdLastSet", "134238816000000000".to_owned()),
    ];
    attributes.into_iter().for_each(|(name, value)| entry.insert(name, value));
    let builtin: [Sid; 2] = ["S-1-5-32-545", "S-1-5-32-555"].map(|sid| sid.parse().unwrap());
    let global: Vec<Sid> = (2..GROUPS - 1).map(|group| own(2_000 + group)).chain([own(513)]).collect();
    for sid in &global {
        entry.insert("tokenGroupsGlobalAndUniversal", sid.to_bytes());
    }
    for sid in global.iter().chain(&builtin) {
        entry.insert("tokenGroups", sid.to_bytes());
    }
    entry
}

/// Octets of memory that this process has in use.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

#[tokio::test]
async fn a_hundred_thousand_principals_in_fifty_groups_take_less_than_200_mib() {
    let tree = Tree::parse(include_str!("support/domain.ldif")).unwrap();
    let view = tree.view(&ViewRules::default()).unwrap();
    let cache = PrincipalCache::new(Duration::from_secs(600), PRINCIPALS as usize);
    let (began, wall) = (Instant::now(), FileTime::from_unix_seconds(1_780_000_000));
    let remember = async |rid: u32| {
        let principal = Principal::from_entry(&user(rid, &view), &view, SidHistory::Omit, wall).unwrap();
        assert_eq!(principal.account.sids.len(), GROUPS as usize + 1);
        cache.find(rid, began, || async { Ok(Some(principal)) }).await.unwrap();
    };
    // What is made on first use is there.
    for rid in 0..100 {
        remember(10_000 + rid).await;
    }
    let before = resident();
    for rid in 100..PRINCIPALS {
        remember(10_000 + rid).await;
    }
    assert_eq!(cache.len(), PRINCIPALS as usize);
    let each = resident().saturating_sub(before) / u64::from(PRINCIPALS);
    println!("{each} octets for each principal");
    assert!(each < AFFORDED, "{each} octets for each principal");
}
