//! The decision matrix: who asks, by how the client protects its request. How must not matter to the decision.

use kdc::client::SessionKey;
use kdc::client::mint::TicketData;
use tgtx_tests::scene::{Scene, sid};

use crate::cases::{Expected, granted, refused};
use crate::{core, wire};

/// How the client protects its request.
#[derive(Clone, Copy)]
enum Protection {
    /// As Windows: no subkey.
    Plain,
    /// The reply is to be under a key of the client's.
    Subkey,
    /// As MIT, and as Windows where it is told to: request and answer are armoured.
    Fast,
}

impl Protection {
    fn of(self, scene: Scene) -> Scene {
        match self {
            Self::Plain => scene,
            Self::Subkey => scene.request(|request| request.subkey = Some(SessionKey::aes256(&[0x5b; 32]))),
            Self::Fast => scene.armored(),
        }
    }
}

/// What the request is about, and what comes of it.
type Row = (&'static str, Expected, fn(Scene) -> Scene);

const ROWS: [Row; 10] = [
    ("allowed", granted(|_| {}), |scene| scene),
    ("denied", refused(20, "never_reveal"), |scene| {
        // Not in Domain Users, which are allowed.
        scene.set("Dora", "primaryGroupID", "514").user("dora", 1108)
    }),
    ("allowed and denied", refused(20, "never_reveal"), |scene| scene.user("denise", 1111)),
    ("not listed", refused(20, "not_on_allow_list"), |scene| scene.user("guido", 1112)),
    ("wrong SID, of somebody else", refused(20, "requestor_mismatch"), |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some(sid(1106)))
    }),
    ("wrong SID, of nobody", refused(20, "requestor_unknown"), |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some(sid(4711)))
    }),
    ("no requestor", refused(20, "requestor_missing"), |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = None)
    }),
    ("no PAC", refused(20, "no_pac"), |scene| {
        scene.ticket(|ticket| ticket.authorization_data = TicketData::Absent)
    }),
    ("branch without link", refused(12, "branch_unusable"), |scene| {
        scene.set("AzureADKerberos", "msDS-KrbTgtLink", "")
    }),
    ("branch without PARTIAL_SECRETS", refused(12, "branch_unusable"), |scene| {
        scene.set("AzureADKerberos", "userAccountControl", "4096")
    }),
];

/// Each row under one protection, by whichever way of asking.
fn each_row(protection: Protection, ask: impl Fn(&str, &Expected, &dyn Fn(Scene) -> Scene)) {
    for (name, expected, breaks) in ROWS {
        ask(name, &expected, &|scene| protection.of(breaks(scene)));
    }
}

macro_rules! columns {
    ($($name:ident: $protection:expr;)+) => {
        $(mod $name {
            use super::*;

            #[test]
            fn in_the_core() {
                each_row($protection, |name, expected, breaks| core::assert_outcome(name, expected, breaks));
            }

            #[test]
            fn over_udp_and_tcp() {
                each_row($protection, |name, expected, breaks| wire::assert_outcome(name, expected, breaks));
            }
        })+
    };
}

columns! {
    plain: Protection::Plain;
    subkey: Protection::Subkey;
    fast: Protection::Fast;
}
