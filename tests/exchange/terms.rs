//! Flags and times of what is granted: what is asked for, within what is held and allowed.

use kdc::exchange::Note;
use kdc::krb::messages::{KerberosTime, kdc_options, ticket_flags};
use pac::FileTime;
use tgtx_tests::scene::{NOW, Scene, at, sid};

use super::granted::FLAGS;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Flags are what was asked for and the partial TGT has (attack A22): the rest is never copied.
#[test]
fn flags_are_those_asked_for_and_held() {
    const ASKED: u32 = kdc_options::FORWARDABLE | kdc_options::PROXIABLE | kdc_options::RENEWABLE;
    const ALL_HELD: u32 = !(ticket_flags::INVALID | ticket_flags::ANONYMOUS);
    let held = ticket_flags::FORWARDABLE | ticket_flags::PROXIABLE | ticket_flags::RENEWABLE;
    let cases = [
        (ASKED, held, held),
        (ASKED, ALL_HELD, held | ticket_flags::PRE_AUTHENT),
        (ASKED, 0, 0),
        (ASKED, ticket_flags::PRE_AUTHENT, ticket_flags::PRE_AUTHENT),
        (ASKED, ticket_flags::FORWARDABLE, ticket_flags::FORWARDABLE),
        (0, ALL_HELD, ticket_flags::PRE_AUTHENT),
        (kdc_options::RENEWABLE_OK, held, 0),
        (kdc_options::PROXIABLE, held, ticket_flags::PROXIABLE),
    ];
    for (asked, held, expected) in cases {
        let full = Scene::new()
            .ticket(move |ticket| ticket.flags = held)
            .request(move |request| {
                request.kdc_options = asked;
                request.pac_options = None;
            })
            .full();
        assert_eq!(full.granted.credential.flags, expected, "asked {asked:#010x}, held {held:#010x}");
    }
}

/// protocol.md 6.3 (attacks A18, D25, D27). Times are in seconds from now; `None` asks for nothing.
#[test]
fn times_are_the_least_of_asked_held_and_allowed() {
    const EPOCH: i64 = -NOW;
    let max = KerberosTime::MAX.unix_seconds() - NOW;
    struct Case {
        till: i64,
        rtime: Option<i64>,
        partial: (i64, Option<i64>),
        expected: (i64, Option<i64>),
    }
    let held = (12 * HOUR, Some(9 * DAY));
    let whole = (10 * HOUR, Some(7 * DAY));
    let cases = [
        Case { till: DAY, rtime: None, partial: held, expected: whole },
        Case { till: EPOCH, rtime: None, partial: held, expected: whole },
        Case { till: max, rtime: Some(max), partial: held, expected: whole },
        Case { till: DAY, rtime: Some(EPOCH), partial: held, expected: whole },
        Case { till: HOUR, rtime: Some(2 * HOUR), partial: held, expected: (HOUR, Some(2 * HOUR)) },
        Case { till: 1, rtime: None, partial: held, expected: (1, Some(7 * DAY)) },
        // Within what the partial TGT has.
        Case { till: DAY, rtime: None, partial: (HOUR, Some(DAY)), expected: (HOUR, Some(DAY)) },
        // Not renewable where that would be no longer than the ticket itself.
        Case { till: DAY, rtime: Some(10 * HOUR), partial: held, expected: (10 * HOUR, None) },
        Case { till: DAY, rtime: None, partial: (HOUR, Some(HOUR)), expected: (HOUR, None) },
        Case { till: DAY, rtime: Some(DAY), partial: (HOUR, None), expected: (HOUR, None) },
        // A golden partial TGT of 120 days, and one of thousands of years.
        Case { till: DAY, rtime: None, partial: (120 * DAY, Some(120 * DAY)), expected: whole },
        Case { till: max, rtime: Some(max), partial: (max, Some(max)), expected: whole },
    ];
    for Case { till, rtime, partial: (endtime, renew_till), expected } in cases {
        let full = Scene::new()
            .ticket(move |ticket| {
                ticket.times.endtime = at(endtime);
                ticket.times.renew_till = renew_till.map(at);
            })
            .request(move |request| {
                request.till = at(till);
                request.rtime = rtime.map(at);
            })
            .full();
        let times = full.granted.credential.times;
        assert_eq!((times.endtime, times.renew_till), (at(expected.0), expected.1.map(at)), "till {till}");
        let renewable = full.granted.credential.flags & ticket_flags::RENEWABLE != 0;
        assert_eq!(renewable, expected.1.is_some());
        let long_partial = full.issued.notes.iter().any(|note| note == Note::LongPartial);
        assert_eq!(long_partial, endtime > 10 * HOUR);
    }
}

#[test]
fn the_full_tgt_starts_now_and_keeps_authtime() {
    let full = Scene::new().ticket(|ticket| ticket.set_times(at(-9 * HOUR), at(HOUR))).full();
    let times = full.granted.credential.times;
    assert_eq!((times.authtime, times.starttime, times.endtime), (at(-9 * HOUR), Some(at(0)), at(HOUR)));
    assert_eq!(full.granted.last_req, [(0, at(-9 * HOUR))]);
    let client_info = full.pac().client_info.as_ref().unwrap();
    assert_eq!(client_info.client_id, FileTime::from_unix_seconds(NOW - 9 * HOUR));
}

/// [MS-KILE] 3.3.5.6: four hours for both, neither forwardable nor proxiable.
#[test]
fn protected_users_get_four_hours_and_no_delegation() {
    let ask = |scene: Scene| {
        scene
            .ticket(|ticket| ticket.flags |= ticket_flags::PROXIABLE)
            .request(|request| request.kdc_options |= kdc_options::PROXIABLE)
            .full()
    };
    let full = ask(Scene::new().user("paula", 1106));
    let delegation = ticket_flags::FORWARDABLE | ticket_flags::PROXIABLE;
    assert_eq!(full.ticket.flags & delegation, 0);
    assert_eq!(full.ticket.times.endtime, at(4 * HOUR));
    assert_eq!(full.ticket.times.renew_till, None);
    assert!(full.pac().groups().contains(&sid(525)));
    let short = ask(Scene::new().user("paula", 1106).request(|request| request.till = at(HOUR)));
    assert_eq!((short.ticket.times.endtime, short.ticket.times.renew_till), (at(HOUR), Some(at(4 * HOUR))));

    assert_eq!(ask(Scene::new()).ticket.flags & delegation, delegation);
}

#[test]
fn an_account_that_must_not_be_delegated_is_not_forwardable() {
    let full = Scene::new().user("nina", 1107).full();
    assert_eq!(full.ticket.flags, FLAGS & !ticket_flags::FORWARDABLE);
    assert_eq!(full.ticket.times.endtime, at(10 * HOUR));
}
