//! The matrix of lifetimes: whoever has a say about a full TGT's times, each with what it may say. The least wins;
//! of the account's two limits, an enforced authentication policy takes the place of Protected Users'.

use kdc::krb::messages::ticket_flags;
use tgtx_tests::scene::{Scene, at};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Authentication policies of the directory, and the lifetime that each enforces, in hours.
const POLICIES: [(&str, Option<i64>); 5] =
    [("", None), ("Audited", None), ("No Lifetime", None), ("Two Hours", Some(2)), ("Six Hours", Some(6))];

/// Names of users, their RIDs, and the hours that their group allows.
const USERS: [(&str, u32, Option<i64>); 2] = [("Alice", 1104, None), ("Paula", 1106, Some(4))];

#[test]
fn a_ticket_lives_no_longer_than_any_who_has_a_say_allows() {
    for (policy, of_policy) in POLICIES {
        for (user, rid, of_group) in USERS {
            let of_account = of_policy.or(of_group);
            for asked in [1, 3, 5, 24] {
                for held in [3, 10] {
                    let what = format!("{user} under {policy:?} who asks for {asked} h and holds {held} h");
                    let scene = Scene::new().user(&user.to_lowercase(), rid);
                    let scene = scene.set(user, "msDS-AssignedAuthNPolicy", &name(policy));
                    let scene = scene.request(move |request| request.till = at(asked * HOUR));
                    let full = scene.ticket(move |ticket| ticket.times.endtime = at(held * HOUR)).full();

                    let domain = 10;
                    let lives =
                        [Some(asked), Some(held), Some(domain), of_account].into_iter().flatten().min();
                    let endtime = at(lives.unwrap() * HOUR);
                    assert_eq!(full.ticket.times.endtime, endtime, "{what}");
                    let renewable = of_account.map_or(at(7 * DAY), |hours| at(hours * HOUR));
                    let renew_till = (renewable > endtime).then_some(renewable);
                    assert_eq!(full.ticket.times.renew_till, renew_till, "{what}");
                    let flag = full.ticket.flags & ticket_flags::RENEWABLE != 0;
                    assert_eq!(flag, renew_till.is_some(), "{what}");
                    assert_eq!(full.granted.credential.times, full.ticket.times, "{what}");
                }
            }
        }
    }
}

fn name(policy: &str) -> String {
    if policy.is_empty() {
        return String::new();
    }
    format!("CN={policy},CN=AuthN Policy Configuration,CN=Services,CN=Configuration,DC=lab,DC=example")
}
