//! Ours or not: rows 4, 5, 6 and 18 of the protocol. No ticket is opened here.

use kdc::client::Principal;
use kdc::krb::messages::{WireInt, kdc_options, pa_type, ticket_flags};
use tgtx_tests::scene::{BRANCH_KVNO, REALM};

use super::*;

cases! {
    r05_a15_the_ticket_is_of_a_realm_that_we_do_not_serve,
        "ticket realm", refused(68, "wrong_realm"), |scene| {
        scene.ticket(|ticket| ticket.server.realm = b"OTHER.EXAMPLE".to_vec())
            .request(|request| request.server = Principal::krbtgt(REALM))
    };
    r05_d12_the_body_is_of_another_realm, "body realm", refused(68, "wrong_realm"), |scene| {
        scene.request(|request| request.server.realm = b"OTHER.EXAMPLE".to_vec())
    };
    r05_d13_the_body_s_realm_is_the_netbios_name, "body realm", refused(68, "wrong_realm"), |scene| {
        scene.request(|request| request.server.realm = b"LAB".to_vec())
    };
    r05_f05_a_realm_with_nul, "body realm", refused(68, "wrong_realm"), |scene| {
        scene.request(|request| request.server.realm = b"LAB.EXAMPLE\0".to_vec())
    };
    r05_an_empty_realm, "body realm", refused(68, "wrong_realm"), |scene| {
        scene.request(|request| request.server.realm.clear())
    };
    r05_a_realm_of_4_kib, "body realm", refused(68, "wrong_realm"), |scene| {
        scene.request(|request| request.server.realm = vec![b'A'; 4096])
    };
    r04_a10_a_ticket_for_kadmin_changepw, "ticket sname", refused(35, "ticket_not_krbtgt"), |scene| {
        ticket_for(scene, &[b"kadmin", b"changepw"])
    };
    r04_a13_a_ticket_for_krbtgt_of_nothing, "ticket sname", refused(35, "ticket_not_krbtgt"), |scene| {
        ticket_for(scene, &[b"krbtgt"])
    };
    r04_a14_a_ticket_for_another_realm_s_krbtgt, "ticket sname", refused(35, "ticket_not_krbtgt"), |scene| {
        ticket_for(scene, &[b"krbtgt", b"OTHER.EXAMPLE"])
    };
    r06_a07_a_full_tgt_the_high_word_of_its_kvno_is_0, "kvno", refused(29, "not_a_partial_tgt"), |scene| {
        scene.ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(5)))
    };
    r06_a_ticket_without_kvno, "kvno", refused(29, "not_a_partial_tgt"), |scene| {
        scene.ticket(|ticket| ticket.kvno = None)
    };
    r06_a03_a_branch_of_which_no_key_is_loaded, "kvno", refused(7, "unknown_branch"), |scene| {
        scene.ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(31_000 << 16 | 5)))
    };
    r06_a03_a_negative_branch_of_which_no_key_is_loaded, "kvno", refused(7, "unknown_branch"), |scene| {
        scene.ticket(|ticket| ticket.kvno = Some(WireInt::signed(0xffff_0001)))
    };
    r18_d05_pa_for_user,
        "S4U", refused(6, "s4u"), |scene| padata(scene, vec![(pa_type::FOR_USER, Vec::new())]);
    r18_d05_pa_s4u_x509_user, "S4U", refused(6, "s4u"), |scene| {
        padata(scene, vec![(pa_type::S4U_X509_USER, Vec::new())])
    };
    r18_d04_postdated, "postdating", refused(10, "postdated"), |scene| {
        scene.request(|request| request.kdc_options |= kdc_options::POSTDATED)
    };
    r18_d01_renew, "options", refused(13, "kdc_option"), |scene| option(scene, 0x0000_0002);
    r18_validate, "options", refused(13, "kdc_option"), |scene| option(scene, 0x0000_0001);
    r18_d03_forwarded, "options", refused(13, "kdc_option"), |scene| option(scene, 0x2000_0000);
    r18_d03_proxy, "options", refused(13, "kdc_option"), |scene| option(scene, 0x0800_0000);
    r18_d04_allow_postdate, "options", refused(13, "kdc_option"), |scene| option(scene, 0x0400_0000);
    r18_d07_enc_tkt_in_skey, "options", refused(13, "kdc_option"), |scene| option(scene, 0x0000_0008);
    r18_cname_in_addl_tkt, "options", refused(13, "kdc_option"), |scene| option(scene, 0x0002_0000);
    r18_request_anonymous, "options", refused(13, "kdc_option"), |scene| option(scene, 0x0000_8000);
    r18_a_reserved_option, "options", refused(13, "kdc_option"), |scene| option(scene, 0x8000_0000);
    r18_d09_a_service_ticket_is_asked_for, "sname", refused(7, "service_ticket"), |scene| {
        scene.request(|request| request.server.components = vec![b"cifs".to_vec(), b"dc1".to_vec()])
    };
    r18_d11_nothing_is_asked_for, "sname", refused(7, "service_ticket"), |scene| {
        scene.request(|request| request.names_server = false)
    };
    r18_another_realm_s_krbtgt_is_asked_for, "sname", refused(7, "service_ticket"), |scene| {
        scene.request(|request| request.server.components[1] = b"OTHER.EXAMPLE".to_vec())
    };
    r18_f05_an_sname_of_any_octets, "sname", refused(7, "service_ticket"), |scene| {
        scene.request(|request| {
            request.server.components = vec![b"\xff\0\r\n\x1b".to_vec(), "zoë".into()];
        })
    };
    r18_an_sname_of_one_component, "sname", refused(7, "service_ticket"), |scene| {
        scene.request(|request| request.server.components.truncate(1))
    };
    r18_an_sname_without_components, "sname", refused(7, "service_ticket"), |scene| {
        scene.request(|request| request.server.components.clear())
    };
    r18_an_sname_of_many_components, "sname", refused(7, "service_ticket"), |scene| {
        scene.request(|request| request.server.components = vec![b"x".to_vec(); 64])
    };
    r18_krbtgt_in_another_letter_case, "sname", granted(|got| {
        assert_eq!(got.granted.credential.server.to_string(), "krbtgt/LAB.EXAMPLE@LAB.EXAMPLE");
    }), |scene| scene.request(|request| request.server.components[0] = b"KrbTGT".to_vec());
    r18_d08_an_additional_ticket, "additional tickets", refused(13, "unsupported_field"), |scene| {
        scene.request(|request| request.additional_tickets = vec![request.credential.ticket.clone()])
    };
    r18_enc_authorization_data, "enc-authorization-data", refused(13, "unsupported_field"), |scene| {
        scene.request(|request| request.enc_authorization_data = Some((18, vec![0; 32])))
    };
    r18_d04_from_beyond_the_skew, "postdating", refused(10, "postdated"), |scene| {
        // The daemon's clock goes on; the core's limit is exact, `refused.rs` says.
        let beyond = scene.at(330);
        scene.request(move |request| request.from = Some(beyond))
    };
    s03_pa_pac_options_that_do_not_decode, "PA-PAC-OPTIONS", refused(60, "malformed_padata"), |scene| {
        scene.request(|request| {
            request.pac_options = None;
            request.more_padata.push((pa_type::PAC_OPTIONS, b"?".to_vec()));
        })
    };
    d15_pa_pac_options_twice, "PA-PAC-OPTIONS", refused(13, "duplicate_padata"), |scene| {
        padata(scene, vec![(pa_type::PAC_OPTIONS, vec![0x30, 9, 0xa0, 7, 3, 5, 0, 0x40, 0, 0, 0])])
    };
    s03_a_key_list_that_does_not_decode, "key list", refused(60, "malformed_padata"), |scene| {
        padata(scene, vec![(pa_type::KERB_KEY_LIST_REQ, vec![0x30, 1])])
    };
    r18_options_of_an_exchange, "options", granted(|got| {
        assert_eq!(got.granted.credential.flags & ticket_flags::PROXIABLE, 0, "not held");
    }), |scene| option(
        scene,
        kdc_options::PROXIABLE | kdc_options::RENEWABLE_OK | kdc_options::DISABLE_TRANSITED_CHECK,
    );
    r18_d04_from_within_the_skew, "postdating", granted(|_| {}), |scene| {
        let within = scene.at(200);
        scene.request(move |request| request.from = Some(within))
    };
    r05_d13_the_realm_in_lower_case, "body realm", granted(|got| {
        assert_eq!(got.granted.credential.server, Principal::krbtgt(REALM), "in its canonical form");
    }), |scene| scene.request(|request| request.server.realm = b"lab.example".to_vec());
    r18_d13_the_netbios_name_in_sname, "sname", granted(|got| {
        assert_eq!(got.granted.credential.server, Principal::krbtgt(REALM), "in its canonical form");
    }), |scene| scene.request(|request| request.server.components[1] = b"lab".to_vec());
    a06_a_branch_number_from_0x8000, "kvno", granted(|_| {}), |mut scene| {
        const KVNO: u32 = 46_673 << 16 | 1;
        for entry in scene.keytab.iter_mut().filter(|entry| entry.kvno == BRANCH_KVNO) {
            entry.kvno = KVNO;
        }
        scene.set("krbtgt_AzureAD", "msDS-SecondaryKrbTgtNumber", "46673").ticket(|ticket| {
            ticket.kvno = Some(WireInt::signed(KVNO));
            ticket.pac.kdc.rodc_identifier = Some(46_673);
        })
    };
}

fn ticket_for(scene: Scene, sname: &'static [&'static [u8]]) -> Scene {
    scene
        .ticket(move |ticket| ticket.server.components = sname.iter().map(|part| part.to_vec()).collect())
        .request(|request| {
            // Only the ticket's sname is broken, so the body asks for krbtgt as ever.
            if request.server.components == request.credential.server.components {
                request.server.components = Principal::krbtgt(REALM).components;
            }
        })
}

fn option(scene: Scene, option: u32) -> Scene {
    scene.request(move |request| request.kdc_options |= option)
}
