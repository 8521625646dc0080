//! Pings and answers to them: whatever comes is answered or not, and of an answer that is passed on only KEY_LIST changes.

#![no_main]

use std::sync::{Arc, LazyLock};

use kdc::directory::{Tree, ViewRules};
use kdc::discovery::{
    Account, Addresses, Announcement, Decision, DiscoveredDomain, DsFlags, PingAnswer, Request,
    announce_key_list, decide,
};
use libfuzzer_sys::fuzz_target;

const LDIF: &str = include_str!("../../vectors/windows-server-2022/testuser.ldif");

/// The captured domain, which looks accounts up.
static DOMAINS: LazyLock<[DiscoveredDomain; 1]> = LazyLock::new(|| {
    let rules = ViewRules { sites: true, ..ViewRules::default() };
    let announcement = Announcement {
        host: "KDC1".to_owned(),
        site: None,
        subnets: Vec::new(),
        flags: DsFlags::default(),
        user_lookup: true,
    };
    [DiscoveredDomain {
        realm: "AFOREST.AD".into(),
        announcement: Arc::new(announcement),
        view: Some(Arc::new(Tree::parse(LDIF).unwrap().view(&rules).unwrap())),
    }]
});

fuzz_target!(|input: &[u8]| {
    if let Ok(request) = Request::parse(input) {
        let addresses = Addresses { client: [192, 0, 2, 1].into(), server: [192, 0, 2, 2].into() };
        for account in [None, Some(Account::Absent), Some(Account::Present(0x200))] {
            if let Decision::Answer(_, answer) = decide(&request, &*DOMAINS, addresses, account) {
                assert_eq!(PingAnswer::parse(&answer).unwrap().message_id, request.message_id);
                assert!(answer.len() < 512);
            }
        }
    }
    let mut answer = input.to_vec();
    announce_key_list(&mut answer, |_| true);
    let changed = input.iter().zip(&answer).filter(|(before, after)| before != after);
    assert!(changed.count() <= 1);
});
