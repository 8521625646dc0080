//! The ticket: rows 7 to 11a of the protocol, part 4.1 of the catalogue.

use std::net::IpAddr;
use std::time::Duration;

use kdc::client::{Address, SessionKey};
use kdc::krb::messages::{WireInt, ticket_flags};
use tgtx_tests::scene::{BRANCH_KVNO, OLD_BRANCH_KEY, STRAY_KEY, later};

use super::*;

cases! {
    r07_a09_a_ticket_under_des,
        "ticket etype", refused(31, "no_key"), |scene| scene.ticket(|ticket| ticket.etype = 3);
    r07_a09_a_ticket_under_rc4_whose_key_is_loaded_for_signatures,
        "ticket etype", refused(31, "no_key"), |scene| {
        scene.with_rc4().ticket(|ticket| ticket.etype = 23)
    };
    r07_a_ticket_under_a_type_that_nobody_knows, "ticket etype", refused(31, "no_key"), |scene| {
        scene.ticket(|ticket| ticket.etype = -1)
    };
    r08_a01_a_bit_of_the_ticket_flipped, "ticket cipher", refused(31, "ticket_integrity"), |scene| {
        scene.octets(|octets| {
            // `61 82 LENGTH`: the ticket is the first of its kind in the message, its cipher ends it.
            if let Some(ticket) = octets.windows(2).position(|window| window == [0x61, 0x82]) {
                let length = usize::from(u16::from_be_bytes([octets[ticket + 2], octets[ticket + 3]]));
                octets[ticket + 3 + length] ^= 1;
            }
        })
    };
    r08_a02_a_ticket_under_somebody_else_s_key, "ticket key", refused(31, "ticket_integrity"), |scene| {
        scene.ticket(|ticket| ticket.key = &STRAY_KEY)
    };
    r08a_a23_an_rc4_session_key,
        "session key", refused(14, "session_key_type"), |scene| session_key(scene, 23, &[1; 16]);
    r08a_a23_an_rc4_md4_session_key, "session key", refused(14, "session_key_type"), |scene| {
        session_key(scene, -128, &[1; 16])
    };
    r08a_a23_a_session_key_of_the_wrong_length, "session key", refused(31, "session_key"), |scene| {
        session_key(scene, 18, &[1; 16])
    };
    r08a_a23_a_session_key_of_zeros,
        "session key", refused(31, "session_key"), |scene| session_key(scene, 18, &[0; 32]);
    r09_a21_the_invalid_flag,
        "INVALID", refused(33, "ticket_invalid"), |scene| flags(scene, ticket_flags::INVALID);
    r09a_a_ticket_that_ends_as_it_starts, "ticket times", refused(11, "ticket_never_valid"), |scene| {
        scene.ticket(|ticket| ticket.times.endtime = ticket.times.authtime)
    };
    r10_a19_a_ticket_that_starts_beyond_the_skew,
        "ticket times", refused(33, "ticket_not_yet_valid"), |scene| {
        scene.ticket(|ticket| ticket.times.starttime = Some(later(ticket.times.authtime, 330)))
    };
    r10_a19_the_same_by_its_authtime, "ticket times", refused(33, "ticket_not_yet_valid"), |scene| {
        scene.ticket(|ticket| {
            let now = ticket.times.authtime;
            ticket.set_times(later(now, 330), later(now, 3600));
            ticket.times.starttime = None;
        })
    };
    r11_a11_a_ticket_that_ends_in_two_minutes, "ticket times", refused(32, "ticket_expired"), |scene| {
        scene.ticket(|ticket| {
            let now = ticket.times.authtime;
            ticket.set_times(later(now, -3600), later(now, 120));
        })
    };
    a18_a_partial_tgt_beyond_max_partial_lifetime, "ticket times", refused(20, "long_partial"), |scene| {
        scene.rules(|rules| rules.max_partial_lifetime = Some(Duration::from_secs(36_000)))
            .ticket(|ticket| ticket.times.endtime = later(ticket.times.authtime, 36_001))
    };
    r11a_a_client_of_another_realm, "crealm", refused(20, "client_realm"), |scene| {
        scene.ticket(|ticket| ticket.client.realm = b"OTHER.EXAMPLE".to_vec())
    };
    a22_the_anonymous_flag,
        "ANONYMOUS", refused(13, "anonymous"), |scene| flags(scene, ticket_flags::ANONYMOUS);
    a17_an_unknown_transited_encoding, "transited", refused(17, "transited_type"), |scene| {
        scene.ticket(|ticket| ticket.transited = (2, b"OTHER.EXAMPLE".to_vec()))
    };
    a17_a_realm_was_crossed, "transited", refused(20, "transited"), |scene| {
        scene.ticket(|ticket| ticket.transited = (1, b"OTHER.EXAMPLE".to_vec()))
    };
    d23_a_ticket_from_elsewhere, "address", refused(38, "address"), |scene| {
        scene.rules(|rules| rules.check_addresses = true).ticket(|ticket| {
            ticket.addresses = vec![
                Address { addr_type: 20, octets: b"WS1             ".to_vec() },
                Address { addr_type: 24, octets: vec![0; 16] },
            ];
        })
    };
    a05_a_kvno_without_version, "kvno", granted(|got| {
        assert_eq!(got.notes, ["kvno_mismatch"]);
    }), |scene| {
        scene.ticket(|ticket| ticket.kvno = Some(WireInt::signed(BRANCH_KVNO & 0xffff_0000)))
    };
    a05_a_kvno_of_a_version_that_nobody_knows_under_the_key_before, "kvno", granted(|got| {
        assert_eq!(got.notes, ["kvno_mismatch"]);
    }), |scene| {
        scene.ticket(|ticket| {
            ticket.key = &OLD_BRANCH_KEY;
            ticket.kvno = Some(WireInt::signed(BRANCH_KVNO & 0xffff_0000 | 61_200));
            ticket.pac.server.key = OLD_BRANCH_KEY.pac_key();
            ticket.pac.kdc.key = OLD_BRANCH_KEY.pac_key();
        })
    };
    r11a_a_client_s_realm_in_another_letter_case, "crealm", granted(|got| {
        assert_eq!(got.ticket.client.realm, b"Lab.Example", "as it came");
    }), |scene| scene.ticket(|ticket| ticket.client.realm = b"Lab.Example".to_vec());
    r11_a_ticket_that_ends_in_three_minutes, "ticket times", granted(|_| {}), |scene| scene.ticket(|ticket| {
        let now = ticket.times.authtime;
        ticket.set_times(later(now, -3600), later(now, 180));
    });
    a17_transited_of_type_0_and_empty, "transited", granted(|_| {}), |scene| {
        scene.ticket(|ticket| ticket.transited = (0, Vec::new()))
    };
    a18_a_golden_ticket_of_120_days, "ticket times", granted(|got| {
        assert_eq!(got.lifetime(), 36_000);
        assert_eq!(got.notes, ["long_partial"]);
    }), |scene| scene.ticket(|ticket| {
        let now = ticket.times.authtime;
        ticket.set_times(now, later(now, 120 * 86_400));
    });
    a22_flags_that_only_a_domain_controller_gives, "flags", granted(|got| {
        assert_eq!(got.ticket.flags, 0x4081_0000, "forwardable, renewable, enc-pa-rep");
    }), |scene| flags(
        scene,
        ticket_flags::OK_AS_DELEGATE
            | ticket_flags::HW_AUTHENT
            | ticket_flags::TRANSITED_POLICY_CHECKED
            | ticket_flags::INITIAL,
    );
    a23_an_rc4_session_key_where_it_is_allowed, "session key", granted(|got| {
        assert_eq!(got.granted.credential.key.etype, 18);
    }), |scene| scene.allowing_rc4().ticket(|ticket| ticket.session_key = SessionKey::of(23, &[1; 16]));
    d23_a_ticket_from_here, "address", granted(|got| assert_eq!(got.ticket.addresses, 0)), |scene| {
        let IpAddr::V4(here) = scene.source else { panic!("an IPv4 address") };
        scene.rules(|rules| rules.check_addresses = true).ticket(move |ticket| {
            ticket.addresses = vec![Address { addr_type: 2, octets: here.octets().to_vec() }];
        })
    };
    d23_a_ticket_from_elsewhere_where_nobody_looks, "address", granted(|_| {}), |scene| {
        scene.ticket(|ticket| {
            ticket.addresses = vec![Address { addr_type: 2, octets: vec![198, 51, 100, 1] }];
        })
    };
}

/// Another session key in the ticket. The authenticator is under the usual one: it is not looked at.
fn session_key(scene: Scene, etype: i32, octets: &'static [u8]) -> Scene {
    scene
        .ticket(move |ticket| ticket.session_key = SessionKey::of(etype, octets))
        .request(|request| request.session_key = SessionKey::aes256(&[0x5e; 32]))
}
