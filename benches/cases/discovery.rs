//! Pings: Windows' own, answered by ourselves; another server's answer, passed on; what is no search.

use std::sync::Arc;

use kdc::directory::{Tree, ViewRules};
use kdc::discovery::{
    Addresses, Announcement, Decision, DiscoveredDomain, DsFlags, Request, announce_key_list, decide,
};

use crate::Meter;

const PING: &[u8] = include_bytes!("../../tests/vectors/windows-server-2022/cldap-netlogon-request.bin");
const ANSWER: &[u8] = include_bytes!("../../tests/vectors/windows-server-2022/cldap-netlogon-response.bin");
const DOMAIN: &str = include_str!("../../tests/vectors/windows-server-2022/testuser.ldif");

pub(super) fn cases(meter: &mut impl Meter) {
    let domains = [domain()];
    let addresses = Addresses { client: [192, 0, 2, 1].into(), server: [192, 0, 2, 2].into() };
    meter.repeat(
        "ping_answer",
        || {
            Request::parse(PING)
                .map(|request| matches!(decide(&request, &domains, addresses, None), Decision::Answer(..)))
        },
        |answered| matches!(answered, Ok(true)),
    );
    meter.measure(
        "ping_pass_on",
        || ANSWER.to_vec(),
        |mut answer| announce_key_list(&mut answer, |_| true),
        |announced| *announced,
    );
    let cut = PING.get(..PING.len().saturating_sub(1)).unwrap_or_default();
    meter.repeat("ping_drop_garbage", || Request::parse(cut), Result::is_err);
}

#[expect(clippy::expect_used, reason = "a bench without its fixture measures nothing")]
fn domain() -> DiscoveredDomain {
    let rules = ViewRules { sites: true, ..ViewRules::default() };
    let view = Tree::parse(DOMAIN).expect("the captured domain").view(&rules).expect("its view");
    let announcement = Announcement {
        host: "KDC1".to_owned(),
        site: None,
        subnets: Vec::new(),
        flags: DsFlags::default(),
        user_lookup: false,
    };
    DiscoveredDomain {
        realm: "AFOREST.AD".into(),
        announcement: Arc::new(announcement),
        view: Some(Arc::new(view)),
    }
}
