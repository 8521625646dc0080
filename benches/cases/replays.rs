//! The replay memory, with some thousands of authenticators in it.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use kdc::shell::replays::{ReplayLimits, ReplayMemory, ReplayVerdict};
use tgtx_tests::scene::Scene;

use crate::Meter;

/// Octets of an authenticator's cipher, as Windows sends it.
const AUTHENTICATOR_LEN: usize = 133;
const REMEMBERED: u64 = 10_000;
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const NOW: Duration = Duration::from_secs(3600);

pub(super) fn cases(meter: &mut impl Meter) {
    let request = Scene::new().encode();
    let admit =
        |memory: &ReplayMemory, authenticator: &[u8]| memory.admit(authenticator, &request, SOURCE, NOW);
    let is_served = |verdict: &ReplayVerdict| matches!(verdict, ReplayVerdict::Serve(_));
    let mut made = 0;
    let mut next = || {
        made = u64::saturating_add(made, 1);
        authenticator(made)
    };

    let memory = memory();
    for authenticator in (0..REMEMBERED).map(|_| next()) {
        let _ = admit(&memory, &authenticator);
    }
    meter.measure("replay_admit", &mut next, |authenticator| admit(&memory, &authenticator), is_served);

    let reply = Bytes::from(vec![0; 1300]);
    let remember = |authenticator: [u8; AUTHENTICATOR_LEN]| {
        let verdict = admit(&memory, &authenticator);
        if let ReplayVerdict::Serve(token) = verdict {
            memory.remember(token, reply.clone(), NOW);
        }
        verdict
    };
    meter.measure("replay_admit_and_remember", &mut next, remember, is_served);

    let known = next();
    let _ = remember(known);
    let is_known = |verdict: &ReplayVerdict| matches!(verdict, ReplayVerdict::Retransmit(_));
    meter.repeat("replay_retransmit", || admit(&memory, &known), is_known);
}

fn memory() -> ReplayMemory {
    let limits = ReplayLimits {
        entries: NonZeroUsize::MAX,
        window: Duration::from_secs(601),
        reply_time: Duration::from_secs(10),
        reply_memory: 16 << 20,
    };
    ReplayMemory::new(&limits, &[7; 32])
}

fn authenticator(number: u64) -> [u8; AUTHENTICATOR_LEN] {
    let mut octets = [0xa7; AUTHENTICATOR_LEN];
    octets.iter_mut().zip(number.to_be_bytes()).for_each(|(octet, digit)| *octet = digit);
    octets
}
