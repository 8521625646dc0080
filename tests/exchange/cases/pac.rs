//! The PAC: rows 19 to 23 of the protocol, the first half of part 4.2 of the catalogue.

use std::sync::LazyLock;

use ::pac::{BufferType, FileTime, Sid};
use kdc::krb::crypto::{KeyUsage, MacKey};
use kdc::krb::messages::{ad_type, name_type};
use tgtx_tests::scene::{BRANCH_KEY_128, BRANCH_KVNO, RC4_KEY, STRAY_KEY, sid};

use super::*;

cases! {
    r19_no_pac, "authorization data", refused(20, "no_pac"), |scene| {
        scene.ticket(|ticket| ticket.authorization_data = mint::TicketData::Absent)
    };
    r19_two_pacs, "authorization data", refused(20, "no_pac"), |scene| {
        scene.ticket(|ticket| {
            let pac = ticket.pac.encode().unwrap();
            ticket.authorization_data = mint::TicketData::Octets(mint::with_pacs(&[&pac, &pac]));
        })
    };
    r19_a_pac_outside_of_ad_if_relevant, "authorization data", refused(20, "no_pac"), |scene| {
        scene.ticket(|ticket| {
            let pac = ticket.pac.encode().unwrap();
            ticket.authorization_data = mint::TicketData::Octets(elements(&[(ad_type::WIN2K_PAC, &pac)]));
        })
    };
    r20_b18_a_pac_that_claims_2_32_1_buffers, "authorization data", refused(60, "pac_structure"), |scene| {
        with_pac(scene, |_| [&[0xff; 4][..], &[0; 60]].concat())
    };
    r20_b18_an_empty_pac,
        "authorization data", refused(60, "pac_structure"), |scene| with_pac(scene, |_| Vec::new());
    r20_two_buffers_of_one_type, "authorization data", refused(13, "pac_duplicate_buffer"), |scene| {
        with_pac(scene, |mut buffers| {
            let requestor = buffers.last().unwrap().clone();
            buffers.push(requestor);
            laid_out(&buffers)
        })
    };
    r20_b15_a_pac_without_server_signature, "authorization data", refused(60, "pac_structure"), |scene| {
        without(scene, BufferType::SERVER_CHECKSUM)
    };
    r20_b15_a_pac_without_kdc_signature, "authorization data", refused(60, "pac_structure"), |scene| {
        without(scene, BufferType::KDC_CHECKSUM)
    };
    r20_a_pac_without_logon_info, "LOGON_INFO", refused(60, "pac_structure"), |scene| {
        scene.ticket(|ticket| ticket.pac.logon_info = None)
    };
    r20_a_pac_without_client_info, "CLIENT_INFO", refused(60, "pac_structure"), |scene| {
        scene.ticket(|ticket| ticket.pac.client_info = None)
    };
    r21_b12_a_forged_server_signature, "server signature", refused(41, "pac_signature"), |scene| {
        scene.ticket(|ticket| ticket.pac.server.key = STRAY_KEY.pac_key())
    };
    r21_b14_a_server_signature_with_the_branch_s_rc4_key,
        "server signature", refused(41, "pac_signature"), |scene| {
        scene.with_rc4().ticket(|ticket| ticket.pac.server.key = &RC4_KEY)
    };
    r21_b12_a_forged_kdc_signature, "KDC signature", refused(41, "pac_signature"), |scene| {
        scene.ticket(|ticket| ticket.pac.kdc.key = STRAY_KEY.pac_key())
    };
    r21_b12_a_kdc_signature_of_an_aes_type_of_which_no_key_is_loaded,
        "KDC signature", refused(41, "pac_signature"), |mut scene| {
        scene.keytab.retain(|entry| entry.kvno != BRANCH_KVNO || entry.etype == 18);
        scene.ticket(|ticket| ticket.pac.kdc.key = BRANCH_KEY_128.pac_key())
    };
    r21_b14_an_rc4_kdc_signature_that_does_not_hold, "KDC signature", refused(41, "pac_signature"), |scene| {
        // Made with the octets of an AES key, where the branch's RC4 key is loaded.
        scene.with_rc4().ticket(|ticket| ticket.pac.kdc.key = &FALSE_RC4_KEY)
    };
    r21_b16_signed_for_another_branch, "RODCIdentifier", refused(41, "pac_branch"), |scene| {
        scene.ticket(|ticket| ticket.pac.kdc.rodc_identifier = Some(31_000))
    };
    r22_b20_client_info_of_another_time, "CLIENT_INFO", refused(20, "pac_client_info"), |scene| {
        scene.ticket(|ticket| client_info(ticket).client_id = FileTime::ZERO)
    };
    r22_b20_client_info_of_another_name, "CLIENT_INFO", refused(20, "pac_client_info"), |scene| {
        scene.ticket(|ticket| client_info(ticket).name = "alice\0".to_owned())
    };
    r22_b20_a_client_info_of_odd_length, "CLIENT_INFO", refused(20, "pac_client_info"), |scene| {
        scene.ticket(|ticket| {
            let mut encoded = client_info(ticket).encode().unwrap();
            encoded[8] -= 1;
            encoded.pop();
            ticket.pac.client_info = None;
            ticket.pac.more.push((BufferType::CLIENT_INFO, encoded));
        })
    };
    r22_r24_a_name_of_two_components, "cname", refused(20, "pac_client_info"), |scene| {
        scene.ticket(|ticket| ticket.client.components.push(b"admin".to_vec()))
    };
    r22_b20_a_name_with_nul, "cname", refused(20, "pac_client_info"), |scene| {
        scene.named(b"alice\0", name_type::PRINCIPAL)
    };
    r23_b02_a_pac_without_requestor, "requestor", refused(20, "requestor_missing"), |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = None)
    };
    r23_b08_a_pac_without_requestor_and_another_rid, "requestor", refused(20, "requestor_missing"), |scene| {
        scene.ticket(|ticket| {
            ticket.pac.requestor = None;
            if let Some(info) = &mut ticket.pac.logon_info {
                info.user_id = 1106;
            }
        })
    };
    r23_b02_a_requestor_that_is_no_sid, "requestor", refused(60, "pac_structure"), |scene| {
        scene.ticket(|ticket| {
            ticket.pac.requestor = None;
            ticket.pac.more.push((BufferType::REQUESTOR, vec![1; 28]));
        })
    };
    b03_a_pac_without_attributes_info, "ATTRIBUTES_INFO", granted(|got| {
        assert!(got.pac().attributes_info.is_some(), "the new one has it");
    }), |scene| scene.ticket(|ticket| ticket.pac.attributes_info = None);
    b04_unknown_buffers, "other buffers", granted(assert_pac_is_the_directorys), |scene| {
        scene.ticket(|ticket| ticket.pac.more = vec![(BufferType(99), vec![1]), (BufferType(13), vec![0; 8])])
    };
    b07_another_rid_in_logon_info, "LOGON_INFO", granted(assert_pac_is_the_directorys), |scene| {
        scene.ticket(|ticket| ticket.pac.logon_info.as_mut().unwrap().user_id = 500)
    };
    b10_sids_of_others_in_logon_info, "LOGON_INFO", granted(assert_pac_is_the_directorys), |scene| {
        scene.ticket(|ticket| {
            let info = ticket.pac.logon_info.as_mut().unwrap();
            info.groups = [512, 518, 519].map(|rid| ::pac::GroupMembership { rid, attributes: 7 }).to_vec();
            info.extra_sids = ["S-1-5-21-1-2-3-519", "S-1-5-32-544"]
                .map(|sid| ::pac::SidAndAttributes { sid: sid.parse().unwrap(), attributes: 7 })
                .to_vec();
            info.user_flags = 0x20;
        })
    };
    b19_a_logon_info_of_any_octets, "LOGON_INFO", granted(assert_pac_is_the_directorys), |scene| {
        scene.ticket(|ticket| {
            ticket.pac.logon_info = None;
            ticket.pac.more = vec![(BufferType::LOGON_INFO, vec![0xff; 64])];
        })
    };
    b14_an_rc4_kdc_signature_without_its_key, "KDC signature", granted(|got| {
        assert_eq!(got.notes, ["kdc_signature_unverified"]);
    }), |scene| scene.ticket(|ticket| ticket.pac.kdc.key = &RC4_KEY);
    r21_an_rc4_kdc_signature_with_its_key, "KDC signature", granted(|got| {
        assert!(got.notes.is_empty());
    }), |scene| scene.with_rc4().ticket(|ticket| ticket.pac.kdc.key = &RC4_KEY);
    b16_no_branch_in_the_signature, "RODCIdentifier", granted(|_| {}), |scene| {
        scene.ticket(|ticket| ticket.pac.kdc.rodc_identifier = None)
    };
}

static FALSE_RC4_KEY: LazyLock<MacKey> =
    LazyLock::new(|| MacKey::rc4_hmac(&[0xb5; 16], KeyUsage::PacSignature));

/// alice's own groups and SID, whatever the partial TGT said.
fn assert_pac_is_the_directorys(got: &Got) {
    let asserted = Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY;
    assert_eq!(got.pac().groups(), [sid(513), sid(1201), sid(1202), asserted]);
    assert_eq!(got.pac().requestor, Some(sid(1104)));
    assert_eq!(got.pac().logon_info.as_ref().unwrap().user_id, 1104);
    let kinds: Vec<u32> = got.pac().buffers.iter().map(|(kind, _)| kind.0).collect();
    assert_eq!(kinds, [1, 6, 7, 10, 12, 17, 18]);
}

fn client_info<'t>(ticket: &'t mut mint::PartialTgt<'_>) -> &'t mut ::pac::ClientInfo {
    ticket.pac.client_info.as_mut().unwrap()
}

type Buffers = Vec<(BufferType, Vec<u8>)>;

/// A PAC laid out by `lay_out` from the usual buffers, unsigned.
fn with_pac(scene: Scene, lay_out: fn(Buffers) -> Vec<u8>) -> Scene {
    data(scene, move |ticket| mint::with_pacs(&[&lay_out(ticket.pac.buffers().unwrap())]))
}

fn without(scene: Scene, kind: BufferType) -> Scene {
    data(scene, move |ticket| {
        let mut buffers = ticket.pac.buffers().unwrap();
        buffers.retain(|(other, _)| *other != kind);
        mint::with_pacs(&[&laid_out(&buffers)])
    })
}

fn laid_out(buffers: &[(BufferType, Vec<u8>)]) -> Vec<u8> {
    let buffers: Vec<(BufferType, &[u8])> =
        buffers.iter().map(|(kind, octets)| (*kind, octets.as_slice())).collect();
    ::pac::lay_out(&buffers).unwrap()
}
