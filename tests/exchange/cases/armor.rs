//! The armour of a request (FAST): rows E16 to E20 of the catalogue, and what stands inside, which is held against the
//! rules for what stands outside. `s02` is the protocol's sentence on FAST.

use kdc::client::request::BodyChecksum;
use kdc::client::{Principal, SessionKey};
use kdc::krb::messages::{KdcReq, WireInt, ad_type, fast_options, kdc_options, pa_type, ticket_flags};
use tgtx_tests::scene::{NONCE, later};

use super::*;

cases! {
    e16_fast_without_a_subkey, "armour: subkey", refused(24, "fast_without_subkey"), |scene| {
        scene.armored().request(|request| request.subkey = None)
    };
    e20_another_user_s_partial_tgt_as_armour, "armour: explicit", refused(20, "fast_partial_armor"), |scene| {
        scene.fast(|fast| fast.armor = Some((AP_REQUEST, ap_req_of(Scene::new().user("paula", 1106)))))
    };
    e20_armour_under_another_ticket, "armour: explicit", refused(24, "fast_explicit_armor"), |scene| {
        scene.fast(|fast| {
            let full = Scene::new().ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(2)));
            fast.armor = Some((AP_REQUEST, ap_req_of(full)));
        })
    };
    e20_armour_of_an_unknown_type, "armour: explicit", refused(24, "fast_explicit_armor"), |scene| {
        scene.fast(|fast| fast.armor = Some((4711, b"?".to_vec())))
    };
    s02_a_request_under_another_armour_key, "armour: key", refused(31, "fast_integrity"), |scene| {
        scene.fast(|fast| fast.key = SessionKey::aes256(&[9; 32]))
    };
    s02_a_request_under_an_armour_key_of_another_type, "armour: key", refused(31, "fast_integrity"), |scene| {
        scene.fast(|fast| fast.key = SessionKey::aes128(&[9; 16]))
    };
    s02_a_request_that_does_not_decode, "armour: plaintext", refused(60, "fast_malformed"), |scene| {
        scene.fast(|fast| fast.sealed = Some(vec![0x30, 0]))
    };
    s02_a_checksum_without_a_key, "armour: checksum", refused(50, "fast_checksum_type"), |scene| {
        scene.fast(|fast| fast.checksum = BodyChecksum::RsaMd5)
    };
    s02_a_checksum_of_another_type, "armour: checksum", refused(50, "fast_checksum_type"), |scene| {
        scene.fast(|fast| fast.checksum = BodyChecksum::Other(15, vec![0; 12]))
    };
    s02_a_checksum_of_another_ap_req, "armour: checksum", refused(41, "fast_checksum_mismatch"), |scene| {
        scene.fast(|fast| fast.checksum = BodyChecksum::Other(16, vec![0; 12]))
    };
    e17_an_unknown_critical_option, "armour: options", refused(93, "fast_option"), |scene| {
        scene.fast(|fast| fast.options |= 0x2000_0000)
    };
    e17_the_last_critical_option, "armour: options", refused(93, "fast_option"), |scene| {
        scene.fast(|fast| fast.options |= 0x0001_0000)
    };
    e18_d16_40_padata_inside, "armour: padata", refused(61, "message_too_large").inside(), |scene| {
        inner_padata(scene, vec![(149, Vec::new()); 40])
    };
    e13_fx_fast_armor_inside, "armour: padata", refused(60, "fast_armor").inside(), |scene| {
        inner_padata(scene, vec![(pa_type::FX_FAST_ARMOR, Vec::new())])
    };
    e18_another_realm_inside, "armour: realm", refused(68, "wrong_realm").inside(), |scene| {
        scene.inside(|request| request.server.realm = b"OTHER.EXAMPLE".to_vec())
    };
    e18_d05_impersonation_inside, "armour: padata", refused(6, "s4u").inside(), |scene| {
        inner_padata(scene, vec![(pa_type::FOR_USER, b"?".to_vec())])
    };
    e18_d04_postdated_inside, "armour: KDC options", refused(10, "postdated").inside(), |scene| {
        scene.inside(|request| request.kdc_options |= kdc_options::POSTDATED)
    };
    e18_d01_renewal_inside, "armour: KDC options", refused(13, "kdc_option").inside(), |scene| {
        scene.inside(|request| request.kdc_options |= kdc_options::RENEW)
    };
    e18_d11_no_sname_inside, "armour: sname", refused(7, "service_ticket").inside(), |scene| {
        scene.inside(|request| request.names_server = false)
    };
    e18_d09_a_service_inside, "armour: sname", refused(7, "service_ticket").inside(), |scene| {
        scene.inside(|request| request.server.components = vec![b"cifs".to_vec(), b"dc1.lab.example".to_vec()])
    };
    e18_d08_additional_tickets_inside, "armour: fields", refused(13, "unsupported_field").inside(), |scene| {
        scene.inside(|request| request.additional_tickets = vec![Scene::new().credential().ticket])
    };
    e18_d04_from_beyond_the_skew_inside, "armour: from", refused(10, "postdated").inside(), |scene| {
        scene.inside(|request| request.from = Some(later(request.ctime, 400)))
    };
    e18_two_pa_pac_options_inside, "armour: padata", refused(13, "duplicate_padata").inside(), |scene| {
        let options = vec![0x30, 9, 0xa0, 7, 3, 5, 0, 0x40, 0, 0, 0];
        inner_padata(scene, vec![(pa_type::PAC_OPTIONS, options); 2])
    };
    e18_a_key_list_inside_that_does_not_decode,
        "armour: padata", refused(60, "malformed_padata").inside(), |scene| {
        inner_padata(scene, vec![(pa_type::KERB_KEY_LIST_REQ, b"?".to_vec())])
    };
    e12_an_armoured_request, "armour", granted(assert_armored), Scene::armored;
    e12_an_option_that_need_not_be_known, "armour: options", granted(assert_armored), |scene| {
        // kdc-follow-referrals(16)
        scene.fast(|fast| fast.options |= 0x0000_8000)
    };
    s02_the_client_s_name_is_hidden, "armour: options", granted(|got| {
        assert_armored(got);
        assert_eq!(got.granted.client_in_the_open.to_string(), "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS");
        assert_eq!(got.granted.credential.client, Principal::user("LAB.EXAMPLE", "alice"));
    }), |scene| scene.fast(|fast| fast.options |= fast_options::HIDE_CLIENT_NAMES);
    e14_the_sign_of_fast_with_fast, "authenticator data", granted(assert_armored), |scene| {
        scene.armored().request(|request| {
            let used = elements(&[(ad_type::FX_FAST_USED, &[])]);
            request.authenticator_data = Some(elements(&[(ad_type::IF_RELEVANT, &used)]));
        })
    };
    e18_what_is_inside_decides, "armour: KDC options", granted(|got| {
        assert_armored(got);
        let until = got.ticket.times.endtime.unix_seconds() - got.ticket.times.authtime.unix_seconds();
        assert_eq!((until, got.granted.credential.key.etype), (3600, 17));
        assert_eq!(got.ticket.flags & ticket_flags::FORWARDABLE, 0);
        assert_eq!((got.granted.supported_enctypes, got.granted.pac_options), (None, None));
        assert!(got.notes.is_empty(), "the key list outside was no wish");
    }), |scene| {
        let scene = scene.inside(|request| {
            request.till = later(request.ctime, 3600);
            request.etypes = vec![17];
            request.kdc_options = 0;
            request.nonce = WireInt::unsigned(NONCE ^ 1);
            request.key_list = Some(vec![23]);
        });
        scene.fast(|fast| fast.padata = Some(Vec::new()))
    };
    e18_wishes_outside_are_not_read, "armour: padata", granted(assert_armored), |scene| {
        let scene = padata(scene, vec![(pa_type::PAC_OPTIONS, b"?".to_vec())]);
        inner_padata(scene, Vec::new())
    };
    e18_another_realm_outside, "armour: outside", granted(assert_armored), |scene| {
        scene.outside(|request| request.server.realm = b"OTHER.EXAMPLE".to_vec())
    };
    e18_no_sname_outside, "armour: outside", granted(assert_armored), |scene| {
        scene.outside(|request| request.names_server = false)
    };
    e18_renewal_of_a_service_ticket_outside, "armour: outside", granted(assert_armored), |scene| {
        scene.outside(|request| {
            request.kdc_options |= kdc_options::RENEW | kdc_options::POSTDATED;
            request.server.components = vec![b"cifs".to_vec(), b"dc1.lab.example".to_vec()];
        })
    };
    e18_impersonation_outside, "armour: outside", granted(assert_armored), |scene| {
        inner_padata(padata(scene, vec![(pa_type::FOR_USER, b"?".to_vec())]), Vec::new())
    };
    e18_armour_inside_means_nothing, "armour: padata", granted(assert_armored), |scene| {
        let other = Scene::new().inside(|request| request.names_server = false).encode();
        let other = KdcReq::parse(&other).unwrap();
        let fast = other.padata.unwrap().of_kind(pa_type::FX_FAST).next().unwrap().to_vec();
        inner_padata(scene, vec![(pa_type::FX_FAST, fast); 2])
    };
    e18_32_padata_inside, "armour: padata", granted(assert_armored), |scene| {
        inner_padata(scene, vec![(149, Vec::new()); 32])
    };
    e18_a_ticket_inside_means_nothing, "armour: padata", granted(assert_armored), |scene| {
        let other = ap_req_of(Scene::new().user("paula", 1106));
        inner_padata(scene, vec![(pa_type::TGS_REQ, other), (pa_type::FX_FAST, b"?".to_vec())])
    };
}

/// KrbFastArmor's armor-type of an AP-REQ (RFC 6113 §5.4.1).
const AP_REQUEST: i32 = 1;

fn inner_padata(scene: Scene, padata: Vec<(i32, Vec<u8>)>) -> Scene {
    scene.fast(move |fast| fast.padata = Some(padata.clone()))
}

/// The AP-REQ of a scene's request.
fn ap_req_of(scene: Scene) -> Vec<u8> {
    let request = scene.encode();
    KdcReq::parse(&request).unwrap().padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap().to_vec()
}

/// RFC 6113 §5.4.3: nothing outside but PA-FX-FAST; inside no padata, a key for the reply key, and whose ticket it is.
fn assert_armored(got: &Got) {
    let kinds: Vec<i32> = got.granted.padata.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [pa_type::FX_FAST]);
    let fast = got.granted.fast.as_ref().unwrap();
    assert_eq!(fast.padata, []);
    assert_eq!(fast.strengthen_key.as_ref().unwrap().etype, got.granted.reply_etype);
    let finished = fast.finished.as_ref().unwrap();
    assert_eq!(finished.client, got.ticket.client);
    assert_eq!(finished.checksum_type, 16, "the armour key's own");
}
