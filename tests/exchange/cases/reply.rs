//! The ticket asked for: rows 39 and 40 of the protocol, and the wishes of part 4.4 of the catalogue.

use kdc::client::{Address, SessionKey};
use kdc::krb::crypto::EncryptionType::Rc4Hmac;
use kdc::krb::messages::{KerberosTime, WireInt, ticket_flags};
use tgtx_tests::scene::{sid, user_key};

use super::*;

cases! {
    r38_a_protected_user_with_an_rc4_subkey, "allow-rc4", refused(14, "protected_user_etype"), |scene| {
        scene.set("Protected Users", "member", "CN=Alice,OU=Staff,DC=lab,DC=example").allowing_rc4()
            .request(|request| request.subkey = Some(SessionKey::of(23, &[1; 16])))
    };
    r39_d20_rc4_and_des, "etypes", refused(14, "no_common_etype"), |scene| etypes(scene, &[23, 24, 3, -135]);
    r39_d20_negative_types_alone, "etypes", refused(14, "no_common_etype"), |scene| {
        etypes(scene, &[-1, -135, i32::MIN])
    };
    r39_d20_no_type, "etypes", refused(14, "no_common_etype"), |scene| etypes(scene, &[]);
    r39_d20_aes_after_32_others, "etypes", refused(14, "no_common_etype"), |scene| {
        scene.request(|request| request.etypes = [vec![23; 32], vec![18]].concat())
    };
    r40_d25_till_now,
        "till", refused(11, "never_valid"), |scene| scene.request(|request| request.till = request.ctime);
    r40_d25_till_the_first_second, "till", refused(11, "never_valid"), |scene| {
        scene.request(|request| request.till = KerberosTime::from_unix_seconds(1).unwrap())
    };
    s05_more_groups_than_a_ticket_holds, "groups", refused(60, "pac_too_large"), |scene| {
        let groups: Vec<String> = (10_000..18_200).map(|rid| sid(rid).to_string()).collect();
        scene.set("Alice", "tokenGroupsGlobalAndUniversal", &groups.join("\ntokenGroupsGlobalAndUniversal: "))
    };
    d17_a_key_list_where_none_is_given, "key list", granted(|got| {
        assert!(got.granted.key_list.is_empty());
        assert_eq!(got.notes, ["keylist_ignored"]);
    }), |scene| scene.asking_keys(&[23]);
    s07_a_key_list_where_keys_are_released, "key list", granted(|got| {
        assert_eq!(keys(got), [(23, user_key("alice", Rc4Hmac))]);
        assert_eq!(got.notes, [""; 0]);
    }), |scene| scene.releasing(&[Rc4Hmac]).asking_keys(&[18, 23, 23, 99]);
    s07_a_key_list_of_types_that_are_not_released, "key list", granted(|got| {
        assert_eq!(keys(got), []);
        assert_eq!(got.notes, ["keylist_ignored"]);
    }), |scene| scene.releasing(&[Rc4Hmac]).asking_keys(&[18, 17]);
    s07_a_key_list_of_17_types, "key list", granted(|got| {
        assert_eq!((keys(got), got.notes.len()), (vec![], 0));
    }), |scene| scene.releasing(&[Rc4Hmac]).asking_keys(&[23; 17]);
    r38_s07_a_key_list_for_a_protected_user, "key list", granted(|got| {
        assert_eq!(keys(got), []);
        assert_eq!(got.notes, ["keylist_ignored"]);
    }), |scene| scene.user("paula", 1106).releasing(&[Rc4Hmac]).asking_keys(&[23]);
    s07_no_keys_for_who_does_not_ask, "key list", granted(|got| {
        assert_eq!((keys(got), got.notes.len()), (vec![], 0));
    }), |scene| scene.releasing(&[Rc4Hmac]);
    d20_aes_as_the_32nd, "etypes", granted(|got| {
        assert_eq!(got.granted.credential.key.etype, 18);
    }), |scene| scene.request(|request| {
        request.etypes = vec![23; 1000];
        request.etypes[31] = 18;
    });
    d21_rc4_before_aes, "etypes", granted(|got| {
        assert_eq!((got.granted.ticket_etype, got.granted.credential.key.etype), (18, 18));
    }), |scene| etypes(scene, &[23, 17, 18]);
    d23_addresses_asked_for, "addresses", granted(|got| assert_eq!(got.ticket.addresses, 0)), |scene| {
        scene.request(|request| {
            request.addresses = vec![Address { addr_type: 20, octets: b"HOST            ".to_vec() }];
        })
    };
    d24_nonce_0, "nonce", granted(|_| {}), |scene| nonce(scene, WireInt::unsigned(0));
    d24_nonce_2_31, "nonce", granted(|_| {}), |scene| nonce(scene, WireInt::unsigned(0x8000_0000));
    d24_nonce_2_32_less_1, "nonce", granted(|_| {}), |scene| nonce(scene, WireInt::unsigned(u32::MAX));
    d24_a_negative_nonce, "nonce", granted(|_| {}), |scene| nonce(scene, WireInt::signed(u32::MAX));
    r40_d25_till_1970_is_the_longest_there_is, "till", granted(assert_ten_hours), |scene| {
        till(scene, KerberosTime::EPOCH)
    };
    d25_till_2037, "till", granted(assert_ten_hours), |scene| till_second(scene, 2_136_422_885);
    d25_till_2038, "till", granted(assert_ten_hours), |scene| till_second(scene, 2_147_483_649);
    d25_till_9999, "till", granted(assert_ten_hours), |scene| till(scene, KerberosTime::MAX);
    d27_rtime_9999, "rtime", granted(|got| {
        let times = got.ticket.times;
        let renewable = times.renew_till.unwrap().unix_seconds() - times.starttime.unwrap().unix_seconds();
        assert!(renewable <= 7 * 86_400, "{renewable}");
    }), |scene| scene.request(|request| request.rtime = Some(KerberosTime::MAX));
    d27_renewable_asked_for_and_not_held, "flags", granted(|got| {
        assert_eq!((got.ticket.flags & ticket_flags::RENEWABLE, got.ticket.times.renew_till), (0, None));
    }), |scene| scene.ticket(|ticket| ticket.flags &= !ticket_flags::RENEWABLE);
}

/// Type and octets of the keys in the reply's key list.
fn keys(got: &Got) -> Vec<(i32, Vec<u8>)> {
    got.granted.key_list.iter().map(|key| (key.etype, key.octets.to_vec())).collect()
}

fn etypes(scene: Scene, etypes: &'static [i32]) -> Scene {
    scene.request(move |request| request.etypes = etypes.to_vec())
}

fn nonce(scene: Scene, nonce: WireInt) -> Scene {
    scene.request(move |request| request.nonce = nonce)
}

fn till(scene: Scene, till: KerberosTime) -> Scene {
    scene.request(move |request| request.till = till)
}

fn till_second(scene: Scene, second: i64) -> Scene {
    till(scene, KerberosTime::from_unix_seconds(second).unwrap())
}

/// What the domain grants at most. The partial TGT, as old as the request, ends with it.
fn assert_ten_hours(got: &Got) {
    assert!((36_000 - 60..=36_000).contains(&got.lifetime()), "{} s", got.lifetime());
}
