//! The message as such: rows 1 to 3 of the protocol.

use kdc::client::request::Exchange;
use kdc::exchange::{Timestamp, error_reply};
use kdc::krb::messages::{KdcReq, pa_type};
use tgtx_tests::der::{Content, Node, tlv};
use tgtx_tests::scene::{REALM, at};

use super::*;

cases! {
    r01a_d16_40_padata, "much padata", refused(61, "message_too_large"), |scene| {
        padata(scene, vec![(149, Vec::new()); 40])
    };
    r01a_d16_more_padata_than_64_kib, "much padata", refused(61, "message_too_large"), |scene| {
        padata(scene, vec![(149, vec![0; 65_536])])
    };
    r01a_d16_ten_thousand_padata, "much padata", refused(61, "message_too_large"), |scene| {
        padata(scene, vec![(149, Vec::new()); 10_000])
    };
    r01a_d16_much_padata_for_another_realm, "much padata", refused(61, "message_too_large"), |scene| {
        padata(scene, vec![(149, Vec::new()); 40])
            .request(|request| request.server.realm = b"OTHER.EXAMPLE".to_vec())
    };
    r01_pvno_4, "pvno", refused(3, "protocol_version"), |scene| {
        scene.octets(|octets| {
            let pvno = versions(octets) + 4;
            octets[pvno] = 4;
        })
    };
    r01_d32_an_as_req, "msg-type", refused(29, "as_request"), as_req;
    d33_an_as_req_with_pkinit_of_any_octets, "msg-type", refused(29, "as_request"), |scene| {
        as_req(scene.request(|request| request.more_padata.push((PK_AS_REQ, vec![0xff; 300]))))
    };
    r02_no_padata, "no padata", refused(25, "no_padata"), |scene| {
        scene.octets(|octets| {
            // A request with too much of it cannot be read, and has no less of it for that.
            if let Ok(mut request) = KdcReq::parse(&octets.clone()) {
                request.padata = None;
                *octets = request.to_der();
            }
        })
    };
    r02_no_pa_tgs_req, "PA-TGS-REQ", refused(16, "no_pa_tgs_req"), |scene| {
        scene.request(|request| request.presents_ticket = false)
    };
    r02a_d15_two_pa_tgs_req_with_different_tickets, "PA-TGS-REQ", refused(13, "duplicate_padata"), |scene| {
        scene.request(|request| {
            let other = Scene::new().user("paula", 1106).credential();
            let encoded = Exchange::new(&other, at(0), 1, [0; 16]).encode().unwrap();
            let other = KdcReq::parse(&encoded).unwrap();
            let ap_req = other.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap();
            request.more_padata.push((pa_type::TGS_REQ, ap_req.to_vec()));
        })
    };
    r02b_e12_two_pa_fx_fast, "FAST", refused(13, "duplicate_padata"), |scene| {
        padata(scene.armored(), vec![(pa_type::FX_FAST, vec![0x30, 0])])
    };
    r02b_e12_pa_fx_fast_that_does_not_decode, "FAST", refused(60, "malformed_padata"), |scene| {
        padata(scene, vec![(pa_type::FX_FAST, vec![0x30, 0])])
    };
    r02b_e12_pa_fx_fast_cut, "FAST", refused(60, "malformed_padata"), |scene| {
        fx_fast(scene, |value| value.truncate(value.len() - 1))
    };
    r02b_e12_pa_fx_fast_with_an_octet_behind, "FAST", refused(60, "malformed_padata"), |scene| {
        fx_fast(scene, |value| value.push(0))
    };
    r02b_e12_another_alternative_of_pa_fx_fast, "FAST", refused(60, "malformed_padata"), |scene| {
        fx_fast(scene, |value| value[0] = 0xa1)
    };
    r03_e13_fx_fast_armor_among_the_padata, "armour padata", refused(60, "fast_armor"), |scene| {
        padata(scene, vec![(pa_type::FX_FAST_ARMOR, vec![0x30, 0])])
    };
    r01_d31_a_tgs_rep_by_its_msg_type, "msg-type", DROPPED, |scene| {
        scene.octets(|octets| {
            let msg_type = versions(octets) + 9;
            (octets[0], octets[msg_type]) = (0x6d, 13);
        })
    };
    r01_d31_an_ap_req, "message", DROPPED, |scene| {
        scene.octets(|octets| {
            let request = octets.clone();
            let request = KdcReq::parse(&request).unwrap();
            *octets = request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap().to_vec();
        })
    };
    d31_a_krb_error, "message", DROPPED, |scene| {
        scene.octets(|octets| {
            let now = Timestamp { seconds: at(0), microseconds: 0 };
            *octets = error_reply(octets, Refusal::ClockSkew, REALM, now);
        })
    };
    r01_an_octet_too_many, "message", DROPPED, |scene| scene.octets(|octets| octets.push(0));
    r01_an_octet_too_few,
        "message", DROPPED, |scene| scene.octets(|octets| octets.truncate(octets.len() - 1));
    d24_a_nonce_of_33_bits, "nonce", DROPPED, |scene| field(scene, 7, &[2, 5, 1, 0, 0, 0, 0]);
    d28_a_time_with_a_fraction, "till", DROPPED, |scene| time(scene, "20370913024805.5Z");
    d28_a_time_with_an_offset, "till", DROPPED, |scene| time(scene, "20370913024805+0100");
    d28_a_sixtieth_second, "till", DROPPED, |scene| time(scene, "20370913024860Z");
    d28_a_thirteenth_month, "till", DROPPED, |scene| time(scene, "20371313024805Z");
    a06_a_kvno_of_nine_octets, "kvno", DROPPED, |scene| {
        scene.octets(|octets| {
            let mut message = Node::parse(octets);
            let value = &mut message.at(&[3]).elements()[0].elements()[1].elements()[0];
            let Content::Octets(ap_req) = &value.content else { panic!("an OCTET STRING") };
            let mut ap_req = Node::parse(ap_req);
            ap_req.at(&[3]).at(&[3, 1]).replace(tlv(2, &[0x55; 9]));
            value.content = Content::Octets(ap_req.to_der());
            *octets = message.to_der();
        })
    };
    d35_padata_of_other_kinds_are_ignored, "other padata", granted(|_| {}), |scene| {
        let timestamp_and_cookie = [(2, vec![0xff; 40]), (133, vec![1])];
        let unknown = (0..26).map(|index| (4711 + index, vec![0; 40]));
        padata(scene, timestamp_and_cookie.into_iter().chain(unknown).collect())
    };
}

/// PA-PK-AS-REQ (RFC 4556).
const PK_AS_REQ: i32 = 16;

/// Where pvno and msg-type begin: `a1 03 02 01 05 a2 03 02 01 0c`.
fn versions(octets: &[u8]) -> usize {
    octets.windows(5).position(|window| matches!(window, [0xa1, 3, 2, 1, _])).unwrap()
}

fn as_req(scene: Scene) -> Scene {
    scene.octets(|octets| {
        let msg_type = versions(octets) + 9;
        (octets[0], octets[msg_type]) = (0x6a, 10);
    })
}

/// Other octets in PA-FX-FAST.
fn fx_fast(scene: Scene, change: fn(&mut Vec<u8>)) -> Scene {
    scene.armored().octets(move |octets| {
        // A request with too much padata cannot be read, and has no less of it for that.
        *octets = with_padata(octets, pa_type::FX_FAST, change).unwrap_or_else(|| octets.clone());
    })
}

/// Any octets in place of a field of the body.
fn field(scene: Scene, number: u8, value: &'static [u8]) -> Scene {
    scene.octets(move |octets| {
        let mut message = Node::parse(octets);
        message.at(&[4, number]).replace(value.to_vec());
        *octets = message.to_der();
    })
}

/// Any text in place of till.
fn time(scene: Scene, text: &'static str) -> Scene {
    scene.octets(move |octets| {
        let mut message = Node::parse(octets);
        message.at(&[4, 5]).replace(tlv(0x18, text.as_bytes()));
        *octets = message.to_der();
    })
}
