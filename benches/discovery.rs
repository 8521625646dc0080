//! What a ping costs in the process, without sockets: `cargo bench -p tgtx-benches --bench discovery`.

use std::sync::Arc;

use divan::Bencher;
use kdc::directory::{Tree, ViewRules};
use kdc::discovery::{
    Addresses, Announcement, DiscoveredDomain, DsFlags, Request, announce_key_list, decide,
};

fn main() {
    divan::main();
}

const PING: &[u8] = include_bytes!("../tests/vectors/windows-server-2022/cldap-netlogon-request.bin");
const ANSWER: &[u8] = include_bytes!("../tests/vectors/windows-server-2022/cldap-netlogon-response.bin");

/// Windows' ping, answered by ourselves.
#[divan::bench]
#[expect(clippy::expect_used, reason = "a bench without its fixture measures nothing")]
fn answer_a_ping(bencher: Bencher<'_, '_>) {
    let ldif = include_str!("../tests/vectors/windows-server-2022/testuser.ldif");
    let rules = ViewRules { sites: true, ..ViewRules::default() };
    let view = Tree::parse(ldif).expect("the captured domain").view(&rules).expect("its view");
    let announcement = Announcement {
        host: "KDC1".to_owned(),
        site: None,
        subnets: Vec::new(),
        flags: DsFlags::default(),
        user_lookup: false,
    };
    let domains = [DiscoveredDomain {
        realm: "AFOREST.AD".into(),
        announcement: Arc::new(announcement),
        view: Some(Arc::new(view)),
    }];
    let addresses = Addresses { client: [192, 0, 2, 1].into(), server: [192, 0, 2, 2].into() };
    bencher.bench(|| Request::parse(PING).map(|request| decide(&request, &domains, addresses, None)).is_ok());
}

/// Another server's answer with KEY_LIST set.
#[divan::bench]
fn pass_on_an_answer(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| ANSWER.to_vec()).bench_refs(|answer| announce_key_list(answer, |_| true));
}

/// What is no search.
#[divan::bench]
fn drop_garbage(bencher: Bencher<'_, '_>) {
    let cut = PING.get(..PING.len().saturating_sub(1)).unwrap_or_default();
    bencher.bench(|| Request::parse(cut).is_err());
}
