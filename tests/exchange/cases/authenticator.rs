//! The authenticator: rows 12 to 17 of the protocol, part 4.5 of the catalogue.

use kdc::client::SessionKey;
use kdc::client::request::BodyChecksum;
use kdc::krb::crypto::{KeyUsage, MacKey};
use kdc::krb::messages::{ad_type, name_type};
use tgtx_tests::scene::{NONCE, later};

use super::*;

cases! {
    r12_an_authenticator_under_another_key,
        "authenticator key", refused(31, "authenticator_integrity"), |scene| {
        scene.request(|request| request.session_key = SessionKey::aes256(&[9; 32]))
    };
    d29_one_million_microseconds, "cusec", refused(31, "authenticator_integrity"), |scene| {
        scene.request(|request| request.cusec = 1_000_000)
    };
    r13_b27_another_client_s_authenticator, "authenticator client", refused(36, "client_mismatch"), |scene| {
        scene.request(|request| request.authenticator_client.components = vec![b"bob".to_vec()])
    };
    r13_b27_another_realm_s_authenticator, "authenticator client", refused(36, "client_mismatch"), |scene| {
        scene.request(|request| request.authenticator_client.realm = b"OTHER.EXAMPLE".to_vec())
    };
    r13_another_letter_case_beyond_ascii, "authenticator client", granted(|got| {
        assert_eq!(got.ticket.client.components, ["Zoë".as_bytes()], "as it came in the ticket");
    }), |scene| {
        scene
            .set("Alice", "sAMAccountName", "Zoë")
            .named("Zoë".as_bytes(), name_type::PRINCIPAL)
            .request(|request| request.authenticator_client.components = vec!["ZOË".into()])
    };
    r13_b27_a_name_that_only_looks_the_same, "authenticator client", refused(36, "client_mismatch"), |scene| {
        scene.request(|request| request.authenticator_client.components = vec!["аlice".into()])
    };
    r14_e01_a_clock_beyond_the_skew, "ctime", refused(37, "clock_skew"), |scene| {
        scene.request(|request| request.ctime = later(request.ctime, 330))
    };
    r14_e01_and_one_behind,
        "ctime", refused(37, "clock_skew"), |scene| {
        scene.request(|request| request.ctime = later(request.ctime, -301))
    };
    r16_e04_no_checksum,
        "checksum", refused(50, "checksum_missing"), |scene| checksum(scene, BodyChecksum::Absent);
    r16_e06_crc_32,
        "checksum", refused(50, "checksum_weak"), |scene| checksum(scene, BodyChecksum::Other(1, vec![0; 4]));
    r16_e06_rsa_md4, "checksum", refused(50, "checksum_weak"), |scene| {
        checksum(scene, BodyChecksum::Other(2, vec![0; 16]))
    };
    r17_e09_an_unknown_type, "checksum", refused(15, "checksum_unknown"), |scene| {
        checksum(scene, BodyChecksum::Other(4711, vec![0; 16]))
    };
    r17_e09_the_type_of_another_key, "checksum", refused(15, "checksum_unknown"), |scene| {
        checksum(scene, BodyChecksum::Other(15, vec![0; 12]))
    };
    r17_e05_a_swapped_body, "body", refused(41, "checksum_mismatch"), |scene| {
        scene.octets(|octets| {
            let nonce = [&[2, 4][..], &NONCE.to_be_bytes()].concat();
            let at = octets.windows(6).position(|window| window == nonce).unwrap();
            octets[at + 5] ^= 1;
        })
    };
    r17_e08_a_keyed_checksum_of_another_use, "checksum", refused(41, "checksum_mismatch"), |scene| {
        scene.request(|request| {
            let key = request.session_key.encryption_key().unwrap();
            let mac = MacKey::new(&key, KeyUsage::PacSignature).mac(&request.body().unwrap());
            request.checksum = BodyChecksum::Other(16, mac.as_bytes().to_vec());
        })
    };
    r17_e08_a_keyed_checksum_that_does_not_hold, "checksum", refused(41, "checksum_mismatch"), |scene| {
        checksum(scene, BodyChecksum::Other(16, vec![7; 12]))
    };
    e10_an_rc4_subkey, "subkey", refused(14, "subkey_type"), |scene| subkey(scene, 23, &[1; 16]);
    e10_a_subkey_of_the_wrong_length, "subkey", refused(31, "subkey"), |scene| subkey(scene, 17, &[1; 32]);
    e10_a_subkey_of_zeros, "subkey", refused(31, "subkey"), |scene| subkey(scene, 18, &[0; 32]);
    e14_armour_in_the_ticket, "authorization data", refused(31, "armor_in_authorization_data"), |scene| {
        data(scene, |_| elements(&[(ad_type::FX_FAST_ARMOR, &[])]))
    };
    r19_unknown_data_in_the_ticket_that_must_be_understood,
        "authorization data", refused(60, "critical_authorization_data"), |scene| {
        data(scene, |_| elements(&[(4, &[])]))
    };
    s03_authorization_data_that_does_not_decode,
        "authorization data", refused(60, "malformed_authorization_data"), |scene| {
        data(scene, |_| elements(&[(ad_type::IF_RELEVANT, b"?")]))
    };
    e14_armour_in_the_authenticator,
        "authenticator data", refused(31, "armor_in_authorization_data"), |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(ad_type::FX_FAST_ARMOR, &[])])))
    };
    e14_a_sign_of_fast_in_the_authenticator, "authenticator data", refused(41, "fast_used"), |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(ad_type::FX_FAST_USED, &[])])))
    };
    r19_unknown_data_in_the_authenticator_that_must_be_understood,
        "authenticator data", refused(60, "critical_authorization_data"), |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(4, &[])])))
    };
    s03_authenticator_data_that_does_not_decode,
        "authenticator data", refused(60, "malformed_authorization_data"), |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(ad_type::IF_RELEVANT, b"?")])))
    };
    e04_no_checksum_where_none_is_required, "checksum", granted(|_| {}), |scene| {
        checksum(scene.rules(|rules| rules.require_body_checksum = false), BodyChecksum::Absent)
    };
    r17_a_keyed_checksum, "checksum", granted(|_| {}), |scene| checksum(scene, BodyChecksum::Keyed);
    r13_names_in_another_letter_case, "authenticator client", granted(|got| {
        assert_eq!(got.ticket.client.components, [b"alice"], "the ticket's");
    }), |scene| scene.request(|request| {
        request.authenticator_client.components = vec![b"Alice".to_vec()];
        request.authenticator_client.realm = b"lab.example".to_vec();
    });
    r19_unknown_data_that_need_not_be_understood, "authenticator data", granted(|_| {}), |scene| {
        scene.request(|request| {
            let unknown = elements(&[(4711, b"?")]);
            request.authenticator_data = Some(elements(&[(ad_type::IF_RELEVANT, &unknown)]));
        })
    };
    e10_a_subkey, "subkey", granted(|got| assert_eq!(got.granted.reply_etype, 17)), |scene| {
        subkey(scene, 17, &[1; 16])
    };
}

fn subkey(scene: Scene, etype: i32, octets: &'static [u8]) -> Scene {
    scene.request(move |request| request.subkey = Some(SessionKey::of(etype, octets)))
}

fn checksum(scene: Scene, checksum: BodyChecksum) -> Scene {
    scene.request(move |request| request.checksum = checksum.clone())
}
