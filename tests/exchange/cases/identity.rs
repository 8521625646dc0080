//! The directory, and who: rows 24 to 26 and 41 of the protocol, the second half of part 4.2 of the
//! catalogue.

use kdc::krb::messages::name_type;
use tgtx_tests::scene::sid;

use super::*;

/// No account has the name. The core, which cannot ask, tells the client less.
const NOBODY: Expected = refused(6, "client_unknown").in_the_core(20, "requestor_mismatch");

cases! {
    r41_the_directory_was_not_read_or_too_long_ago, "directory", refused(29, "directory_stale"), |mut scene| {
        scene.directory_read = false;
        scene
    };
    s09_the_krbtgt_key_is_two_versions_old, "krbtgt version", refused(29, "krbtgt_outdated"), |scene| {
        scene.set("krbtgt", "msDS-KeyVersionNumber", "4")
    };
    s09_the_krbtgt_key_s_version_cannot_be_read, "krbtgt version", refused(29, "krbtgt_unknown"), |scene| {
        scene.set("krbtgt", "msDS-KeyVersionNumber", "")
    };
    r24_a_name_of_nobody, "cname", NOBODY, |scene| {
        scene.named(b"nobody", name_type::PRINCIPAL)
    };
    r24_b22_a_computer_without_its_dollar, "cname", NOBODY, |scene| {
        scene.named(b"DC1", name_type::PRINCIPAL)
    };
    r24_a_name_with_a_slash, "cname", refused(6, "client_unknown"), |scene| {
        scene.named(b"ali/ce", name_type::PRINCIPAL)
    };
    r26_b11_the_requestor_is_of_another_domain, "requestor", refused(20, "requestor_foreign"), |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some("S-1-5-21-1-2-3-1104".parse().unwrap()))
    };
    r25_b06_the_requestor_does_not_exist, "requestor", refused(20, "requestor_unknown"), |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some(sid(4711)))
    };
    r25_the_requestor_is_somebody_else, "requestor", refused(20, "requestor_mismatch"), |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some(sid(1107)))
    };
    r25_b23_renamed_and_the_name_reused, "user", refused(20, "requestor_mismatch"), |scene| {
        scene.set("Alice", "sAMAccountName", "alice2").set("Paula", "sAMAccountName", "alice")
    };
    r25_b23_the_name_is_somebody_else_s, "cname", refused(20, "requestor_mismatch"), |scene| {
        scene.named(b"paula", name_type::PRINCIPAL)
    };
    r25_b24_another_user_s_user_principal_name, "cname", refused(20, "requestor_mismatch"), |scene| {
        scene.user("paula", 1106).named(b"alice.liddell@example.org", name_type::ENTERPRISE)
    };
    r25_b24_a_user_principal_name_that_is_another_user_s_account_name,
        "cname", refused(20, "requestor_mismatch"), |scene| {
        scene.set("Alice", "userPrincipalName", "paula").named(b"paula", name_type::PRINCIPAL)
    };
    r24_b24_a_userprincipalname_and_not_said_to_be_one, "cname", NOBODY, |scene| {
        scene.named(b"alice.liddell@example.org", name_type::PRINCIPAL)
    };
    r24_b24_a_samaccountname_said_to_be_a_userprincipalname, "cname", NOBODY, |scene| {
        scene.named(b"alice", name_type::ENTERPRISE)
    };
    r24_b24_the_constructed_name_of_a_user_with_another, "cname", NOBODY, |scene| {
        scene.named(b"alice@lab.example", name_type::ENTERPRISE)
    };
    r24_b26_a_name_that_only_looks_the_same, "cname", NOBODY, |scene| {
        scene.named("аlice".as_bytes(), name_type::PRINCIPAL)
    };
    b24_a_user_principal_name, "cname", granted(|got| {
        let logon_info = got.pac().logon_info.as_ref().unwrap();
        assert_eq!(logon_info.effective_name, "alice", "by SID");
    }), |scene| scene.named(b"Alice.Liddell@example.ORG", name_type::ENTERPRISE);
    b24_the_constructed_name_of_a_user_without_one, "cname", granted(|got| {
        assert!(got.pac().upn_dns_info.as_ref().unwrap().upn_constructed);
    }), |scene| scene.user("paula", 1106).named(b"paula@lab.example", name_type::ENTERPRISE);
    b26_another_letter_case, "cname", granted(|got| {
        assert_eq!(got.ticket.client.components, [b"ALICE"], "as it came");
    }), |scene| scene.named(b"ALICE", name_type::PRINCIPAL);
}
