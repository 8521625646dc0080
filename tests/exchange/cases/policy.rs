//! Who may be exchanged: rows 27 to 29 of the protocol, part 4.3 of the catalogue.

use ::pac::Sid;
use kdc::krb::crypto::EncryptionType;
use tgtx_tests::scene::sid;

use super::*;

cases! {
    r27_c23_the_computer_is_no_read_only_domain_controller,
        "branch", refused(12, "branch_unusable"), |scene| {
        scene.set("AzureADKerberos", "userAccountControl", "4096")
    };
    r27_c23_the_computer_has_no_link, "branch", refused(12, "branch_unusable"), |scene| {
        scene.set("AzureADKerberos", "msDS-KrbTgtLink", "")
    };
    r27_c24_two_accounts_claim_the_number, "branch", refused(12, "branch_unusable"), |scene| {
        scene.set("Oscar", "msDS-SecondaryKrbTgtNumber", "30775")
    };
    r27_a_key_of_a_branch_that_has_no_object, "branch", refused(12, "branch_unusable"), |scene| {
        scene.set("krbtgt_AzureAD", "msDS-SecondaryKrbTgtNumber", "31000")
    };
    r29_krbtgt, "user", refused(20, "krbtgt_account"), |scene| scene.user("krbtgt", 502);
    r29_the_branch_s_krbtgt, "user", refused(20, "krbtgt_account"), |scene| scene.user("krbtgt_30775", 1101);
    c17_guest, "user", refused(20, "builtin_account"), |scene| scene.user("Guest", 501);
    c17_administrator_in_no_group,
        "user", refused(20, "administrator"), |scene| scene.user("Administrator", 500);
    r29_c12_a_domain_controller, "user", refused(20, "domain_controller"), |scene| scene.user("DC1$", 1000);
    r29_c12_a_read_only_domain_controller_whose_flag_alone_says_so,
        "user", refused(20, "domain_controller"), |scene| {
        scene.set("Workstation", "userAccountControl", "67112960").user("WS1$", 1114)
    };
    r29_c13_the_branch_itself,
        "user", refused(20, "domain_controller"), |scene| scene.user("AzureADKerberos$", 1102);
    r29_c15_a_trust_account, "user", refused(20, "trust_account"), |scene| scene.user("TRUST$", 1113);
    r29_c16_a_managed_service_account,
        "user", refused(20, "service_account"), |scene| scene.user("service$", 1115);
    r29_c11_a_computer, "user", refused(20, "computer"), |scene| scene.user("WS1$", 1114);
    r28_c28_a_list_value_that_is_no_object, "lists", refused(20, "branch_list_unresolved"), |scene| {
        scene.set("AzureADKerberos", "msDS-RevealOnDemandGroup", "CN=gone,DC=lab,DC=example")
    };
    r28_c28_no_denials, "lists", refused(20, "branch_list_unresolved"), |scene| {
        scene.set("AzureADKerberos", "msDS-NeverRevealGroup", "")
    };
    r28_c09_a_list_that_came_in_part, "lists", refused(20, "branch_list_unresolved"), |mut scene| {
        scene.ldif = scene.ldif.replace("msDS-NeverRevealGroup: ", "msDS-NeverRevealGroup;range=0-2: ");
        scene
    };
    r28_c28_a_denial_of_what_is_no_object, "denials", refused(20, "denials_unresolved"), |scene| {
        scene.denying(&["Share Readers", "gone"])
    };
    r28_c28_replication_rights_that_cannot_be_read, "denials", refused(20, "denials_unresolved"), |scene| {
        without_descriptor(scene.denying_replicators())
    };
    r28_c01_domain_admins_by_nesting, "user", refused(20, "never_reveal"), |scene| scene.user("dora", 1108);
    d19_a_key_list_for_a_denied_user, "user", refused(20, "never_reveal"), |scene| {
        scene.user("dora", 1108).asking_keys(&[23])
    };
    d19_a_key_list_for_a_denied_user_where_keys_are_released, "user", refused(20, "never_reveal"), |scene| {
        scene.user("dora", 1108).releasing(&[EncryptionType::Rc4Hmac]).asking_keys(&[23])
    };
    r28_c03_domain_admins_as_primary_group,
        "user", refused(20, "never_reveal"), |scene| scene.user("pierre", 1109);
    r28_c04_a_builtin_group_by_nesting,
        "user", refused(20, "never_reveal"), |scene| scene.user("oscar", 1110);
    r28_c05_the_user_as_such, "user", refused(20, "never_reveal"), |scene| scene.user("denise", 1111);
    r28_c03_alice_s_primary_group_is_domain_admins, "primary group", refused(20, "never_reveal"), |scene| {
        scene.set("Alice", "primaryGroupID", "512")
    };
    r28_c05_a_former_sid_that_is_never_revealed, "sIDHistory", refused(20, "never_reveal"), |scene| {
        scene.set("Alice", "sIDHistory", "S-1-5-32-548")
    };
    r28_c09_the_last_of_two_thousand_denials, "denials", refused(20, "never_reveal"), |mut scene| {
        let denied = |rid: u32| format!("msDS-NeverRevealGroup: <SID={}>;CN={rid},DC=lab,DC=example\n", sid(rid));
        let many: String = (7000..9000).chain([1104]).map(denied).collect();
        scene.ldif = before(&scene.ldif, "msDS-RevealOnDemandGroup: CN=", &many);
        scene
    };
    r28_c09_the_last_of_two_thousand_members_of_a_denied_group,
        "denials", refused(20, "never_reveal"), |mut scene| {
        let others = (0..2000).map(|number| format!("member: CN={number},DC=lab,DC=example\n"));
        let many: String = others.chain(["member: CN=Alice,OU=Staff,DC=lab,DC=example\n".to_owned()]).collect();
        scene.ldif = before(&scene.ldif, "member: CN=Operators,OU=Staff,DC=lab,DC=example", &many);
        scene
    };
    r28_b10_a_former_sid_that_is_dropped_denies_all_the_same, "sIDHistory", refused(20, "never_reveal"), |scene| {
        scene.set("Alice", "sIDHistory", "S-1-5-32-548").with_sid_history()
    };
    r28_c04_a_group_that_the_operator_denies,
        "denials", refused(20, "denied_by_operator"), |scene| scene.denying(&["Helpdesk", "share readers"]);
    r28_c05_alice_whom_the_operator_denies, "denials", refused(20, "denied_by_operator"), |scene| {
        scene.denying(&["CN=Alice,OU=Staff,DC=lab,DC=example"])
    };
    r28_everybody_denied_by_the_operator,
        "denials", refused(20, "denied_by_operator"), |scene| scene.denying(&["S-1-5-11"]);
    r28_a_former_sid_that_the_operator_denies, "sIDHistory", refused(20, "denied_by_operator"), |scene| {
        scene.set("Alice", "sIDHistory", "S-1-5-21-9-9-9-1300").denying(&["S-1-5-21-9-9-9-1300"])
    };
    r28_who_holds_replication_rights,
        "user", refused(20, "replicator"), |scene| scene.user("rita", 1116).denying_replicators();
    r28_who_holds_replication_rights_as_alice_s_former_self, "sIDHistory", refused(20, "replicator"), |scene| {
        scene
            .set("Alice", "sIDHistory", "S-1-5-21-2718281828-3141592653-1618033988-1116")
            .denying_replicators()
    };
    r28_c07_on_neither_list, "user", refused(20, "not_on_allow_list"), |scene| scene.user("guido", 1112);
    r28_c07_alice_is_on_neither_list, "primary group", refused(20, "not_on_allow_list"), |scene| {
        scene.set("Alice", "primaryGroupID", "514")
    };
    c08_groups_that_are_members_of_each_other, "user", granted(|got| {
        let groups = got.pac().groups();
        assert!(groups.contains(&sid(1201)) && groups.contains(&sid(1202)), "{groups:?}");
    }), |scene| scene;
    c04_a_group_that_the_operator_denies_and_alice_is_not_in,
        "denials", granted(|_| {}), |scene| scene.denying(&["Helpdesk", "S-1-5-21-9-9-9-512"]);
    r28_replication_rights_where_they_are_not_asked_about,
        "user", granted(|_| {}), |scene| without_descriptor(scene.user("rita", 1116));
    r28_alice_who_holds_no_replication_rights,
        "denials", granted(|_| {}), |scene| scene.denying_replicators();
    b10_former_sids_are_no_part_of_the_pac, "sIDHistory", granted(|got| {
        assert!(!got.pac().groups().contains(&other_forest()), "{:?}", got.pac().groups());
        assert!(got.notes.is_empty(), "{:?}", got.notes);
    }), |scene| scene.set("Alice", "sIDHistory", &other_forest().to_string());
    b10_former_sids_where_they_are_wanted, "sIDHistory", granted(|got| {
        assert!(got.pac().groups().contains(&other_forest()), "{:?}", got.pac().groups());
        assert!(got.notes.is_empty(), "{:?}", got.notes);
    }), |scene| scene.set("Alice", "sIDHistory", &other_forest().to_string()).with_sid_history();
    b10_a_former_sid_of_the_own_domain_is_dropped_and_told_of, "sIDHistory", granted(|got| {
        assert!(!got.pac().groups().contains(&sid(519)), "{:?}", got.pac().groups());
        assert_eq!(got.notes, ["sid_history_dropped"]);
    }), |scene| scene.set("Alice", "sIDHistory", &sid(519).to_string()).with_sid_history();
    b10_a_former_sid_of_no_domain_is_dropped_and_told_of, "sIDHistory", granted(|got| {
        assert!(!got.pac().groups().contains(&enterprise_domain_controllers()), "{:?}", got.pac().groups());
        assert_eq!(got.notes, ["sid_history_dropped"]);
    }), |scene| scene.set("Alice", "sIDHistory", &enterprise_domain_controllers().to_string()).with_sid_history();
    c11_a_computer_where_computers_are_allowed, "user", granted(|_| {}), |scene| {
        scene.user("WS1$", 1114).rules(|rules| rules.allowed_kinds.computers = true)
    };
    c16_a_managed_service_account_where_they_are_allowed, "user", granted(|_| {}), |scene| {
        scene.user("service$", 1115).rules(|rules| rules.allowed_kinds.service_accounts = true)
    };
    c17_administrator_where_allowed, "user", granted(|_| {}), |scene| {
        scene.user("Administrator", 500).rules(|rules| rules.allowed_kinds.administrator = true)
    };
    c07_a_computer_where_computers_are_allowed_on_neither_list,
        "user", refused(20, "not_on_allow_list"), |scene| {
        scene
            .set("Everybody Else", "member", "CN=Trust,OU=Staff,DC=lab,DC=example")
            .user("WS1$", 1114)
            .rules(|rules| rules.allowed_kinds.computers = true)
    };
}

/// The directory with these lines before the first that begins like that.
fn before(ldif: &str, line: &str, lines: &str) -> String {
    assert!(ldif.contains(line), "{line}");
    ldif.replacen(line, &format!("{lines}{line}"), 1)
}

/// Enterprise Admins of another forest.
fn other_forest() -> Sid {
    "S-1-5-21-9-9-9-519".parse().unwrap()
}

/// S-1-5-9, which only domain controllers are.
fn enterprise_domain_controllers() -> Sid {
    "S-1-5-9".parse().unwrap()
}

/// The domain's permissions hidden from whoever reads the directory.
fn without_descriptor(mut scene: Scene) -> Scene {
    scene.ldif = scene.ldif.replace("nTSecurityDescriptor::", "description::");
    scene
}
