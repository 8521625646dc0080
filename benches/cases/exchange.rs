//! A request that is granted, as a whole and stage by stage.

use kdc::exchange::{self, Grounds, TgsRequest};
use tgtx_tests::scene::{BRANCH, REALM, Scene, entropy, sid};

use crate::Meter;

pub(super) fn cases(meter: &mut impl Meter) {
    whole(meter);
    stages(meter);
}

/// The account at hand: verify, identify, permit, issue.
fn whole(meter: &mut impl Meter) {
    for (name, scene) in [("exchange", Scene::new()), ("exchange_in_armour", Scene::new().armored())] {
        let (served, request) = (scene.served(), scene.encode());
        meter.repeat(name, || served.exchange(&request), Result::is_ok);
    }
}

#[expect(clippy::expect_used, reason = "a bench without its fixture measures nothing")]
fn stages(meter: &mut impl Meter) {
    let scene = Scene::new();
    let (served, request, entropy) = (scene.served(), scene.encode(), entropy());
    let snapshot = served.snapshot();
    meter.repeat("parse", || TgsRequest::parse(&request), Result::is_ok);
    meter.measure(
        "claim",
        || TgsRequest::parse(&request).expect("a request"),
        |request| request.claim(&snapshot),
        Result::is_ok,
    );
    meter.repeat("verify", || exchange::verify(&request, &snapshot), Result::is_ok);

    let domain = snapshot.domains.find(REALM.as_bytes()).expect("the domain");
    let view = domain.directory.as_deref().expect("its directory");
    let account = served.account(&sid(1104)).expect("alice");
    let verified = || exchange::verify(&request, &snapshot).expect("a good request");
    meter.measure("identify", verified, |client| client.identify(Some(&account), Some(view)), Result::is_ok);
    meter.measure(
        "issue",
        || verified().identify(Some(&account), Some(view)).expect("alice"),
        |client| exchange::issue(client, snapshot.now, &entropy),
        Result::is_ok,
    );

    let grounds = Grounds { view, branch: BRANCH, allowed_kinds: domain.rules.allowed_kinds };
    meter.repeat("decide", || grounds.decide(&domain.keys, &account, snapshot.now), Result::is_ok);
}
