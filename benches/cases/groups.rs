//! What grows with an account's groups: its PAC and the judgement of it.

use pac::{FileTime, Mac, SignatureType};
use policy::{Denials, Verdict};
use tgtx_tests::scene::NOW;

use crate::Meter;
use crate::fixtures::{account, pac_contents, prepared_pac, replication_policy};

const GROUPS: [u32; 3] = [10, 100, 1000];

pub(super) fn cases(meter: &mut impl Meter) {
    for groups in GROUPS {
        let contents = pac_contents(groups);
        meter.repeat(&format!("prepare_pac_{groups}"), || contents.prepare(), Result::is_ok);
    }
    for groups in GROUPS {
        compose_pac(meter, groups);
    }
    for groups in GROUPS {
        let (policy, account, denials) = (replication_policy(), account(groups), Denials::default());
        let name = format!("judge_{groups}");
        meter.repeat(&name, || policy.judge(&account, &denials), |it| matches!(it, Verdict::Reveal(_)));
    }
}

/// Under signatures that cost nothing.
fn compose_pac(meter: &mut impl Meter, groups: u32) {
    let pac = prepared_pac(groups);
    let authtime = FileTime::from_unix_seconds(NOW);
    let sign = |_: &[u8]| Mac::from([0; 12]);
    meter.measure(
        &format!("compose_pac_{groups}"),
        Vec::new,
        |mut octets| {
            let composed = pac.compose(authtime, "alice", SignatureType::HmacSha1Aes256, &sign, &mut octets);
            composed.map(|()| octets)
        },
        Result::is_ok,
    );
}
