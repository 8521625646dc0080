//! Requests that are refused, each at another stage, and the answer to them.

use kdc::client::Principal;
use kdc::exchange::{Refusal, Rejected, error_reply};
use kdc::krb::messages::WireInt;
use tgtx_tests::as_req::as_req;
use tgtx_tests::scene::{REALM, STRAY_KEY, Scene};

use crate::Meter;

pub(super) fn cases(meter: &mut impl Meter) {
    let scene = Scene::new();
    let (served, request) = (scene.served(), scene.encode());

    let cut = request.get(..request.len().saturating_sub(1)).unwrap_or_default();
    meter.repeat("drop_garbage", || served.exchange(cut), |it| matches!(it, Err(Rejected::Dropped)));

    let as_req = as_req(&Principal::user(REALM, "alice"), &Principal::krbtgt(REALM), &[]);
    meter.repeat("not_ours", || served.exchange(&as_req), |it| matches!(it, Err(Rejected::NotOurs(_))));

    let unknown_branch = WireInt::unsigned(31_000 << 16 | 5);
    let refused = [
        (
            "refuse_unknown_branch",
            Scene::new().ticket(move |ticket| ticket.kvno = Some(unknown_branch)),
            Refusal::UnknownBranch,
        ),
        // What a stranger makes us pay most for.
        (
            "refuse_sealed_ticket",
            Scene::new().ticket(|ticket| ticket.key = &STRAY_KEY),
            Refusal::TicketIntegrity,
        ),
        ("refuse_by_policy", Scene::new().user("dora", 1108), Refusal::NeverReveal),
    ];
    for (name, scene, reason) in refused {
        let (served, request) = (scene.served(), scene.encode());
        meter.repeat(
            name,
            || served.exchange(&request),
            |outcome| outcome.as_ref().err().is_some_and(|it| is(it, reason)),
        );
    }

    let now = served.snapshot().now;
    meter.repeat(
        "error_reply",
        || error_reply(&request, Refusal::NeverReveal, REALM, now),
        |reply| !reply.is_empty(),
    );
}

fn is(rejected: &Rejected, reason: Refusal) -> bool {
    match rejected {
        Rejected::NotOurs(refused) | Rejected::Refused(refused) => refused.why.reason == reason,
        Rejected::Dropped => false,
    }
}
