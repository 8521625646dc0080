//! The state of the account: rows 30 to 38 of the protocol.

use kdc::krb::messages::ticket_flags;

use super::*;

cases! {
    r30_c19_disabled, "userAccountControl", refused(18, "account_disabled").status(0xc000_0072), |scene| {
        scene.set("Alice", "userAccountControl", "514")
    };
    r31_c19_locked, "computed flags", refused(18, "account_locked").status(0xc000_0234), |scene| {
        scene.set("Alice", "msDS-User-Account-Control-Computed", "16")
    };
    r32_c19_expired, "accountExpires", refused(18, "account_expired").status(0xc000_0193), |scene| {
        scene.set("Alice", "accountExpires", "125911584000000000")
    };
    r33_c19_outside_of_the_logon_hours,
        "logonHours", refused(18, "logon_hours").status(0xc000_006f), |scene| {
        scene.set("Alice", "logonHours:", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    };
    r34_c20_the_password_must_change,
        "password", refused(23, "password_must_change").status(0xc000_0224), |scene| {
        scene.set("Alice", "pwdLastSet", "0")
    };
    r34_c20_the_password_has_expired,
        "password", refused(23, "password_expired").status(0xc000_0071), |scene| {
        scene.set("Alice", "msDS-UserPasswordExpiryTimeComputed", "125911584000000000")
    };
    r36_an_authentication_policy_that_is_no_object,
        "authentication policy", refused(12, "authentication_policy_unresolved"), |scene| {
        scene.set("Alice", "msDS-AssignedAuthNPolicy", "CN=Tier 0,DC=lab,DC=example")
    };
    r36_a_silo_that_is_no_object,
        "authentication policy", refused(12, "authentication_policy_unresolved"), |scene| silo(scene, "Gone");
    r36_c27_a_policy_that_demands_a_device,
        "authentication policy", refused(12, "authentication_policy").status(0xc000_0070), |scene| {
        policy(scene, "Alice", "Tier 0 Devices")
    };
    r36_c27_a_silo_that_demands_a_device_whatever_its_policy_says_of_being_enforced,
        "authentication policy", refused(12, "authentication_policy").status(0xc000_0070), |scene| {
        silo(scene, "Device Vault")
    };
    r36_a_policy_that_is_not_enforced, "authentication policy", granted(|got| {
        assert_eq!(got.lifetime(), 10 * 3600);
    }), |scene| policy(scene, "Alice", "Audited");
    r36_a_silo_that_is_not_enforced_comes_before_a_policy_that_is, "authentication policy", granted(|got| {
        assert_eq!(got.lifetime(), 10 * 3600);
    }), |scene| silo(policy(scene, "Alice", "Tier 0 Devices"), "Watched");
    r36_the_lifetime_of_a_policy_is_for_renewal_too, "authentication policy", granted(|got| {
        assert_eq!(got.lifetime(), 2 * 3600);
        assert_eq!(got.ticket.flags & ticket_flags::RENEWABLE, 0);
        assert_eq!(got.ticket.times.renew_till, None);
    }), |scene| policy(scene, "Alice", "Two Hours");
    r36_the_lifetime_of_a_silo_s_policy_and_not_of_the_account_s, "authentication policy", granted(|got| {
        assert_eq!(got.lifetime(), 2 * 3600);
    }), |scene| silo(policy(scene, "Alice", "Tier 0 Devices"), "Vault");
    r36_a_silo_that_does_not_list_the_account, "authentication policy", granted(|got| {
        assert_eq!(got.lifetime(), 2 * 3600);
    }), |scene| silo(policy(scene, "Alice", "Two Hours"), "Strangers");
    r36_a_lifetime_of_zero_is_none, "authentication policy", granted(|got| {
        assert_eq!(got.lifetime(), 10 * 3600);
    }), |scene| policy(scene, "Alice", "No Lifetime");
    r35_workstations_are_for_the_first_ticket, "userWorkstations", granted(|_| {}), |scene| {
        scene.set("Alice", "userWorkstations", "WS2,WS3")
    };
    r37_c21_smart_card_required, "userAccountControl", granted(|got| {
        assert_ne!(got.ticket.flags & ticket_flags::FORWARDABLE, 0);
    }), |scene| scene.set("Alice", "userAccountControl", "262656");
    c21_not_delegated, "userAccountControl", granted(|got| {
        assert_eq!(got.ticket.flags & (ticket_flags::FORWARDABLE | ticket_flags::PROXIABLE), 0);
    }), |scene| flags(scene.user("nina", 1107), ticket_flags::FORWARDABLE | ticket_flags::PROXIABLE);
    r38_protected_users, "user", granted(|got| {
        assert_eq!(got.lifetime(), 4 * 3600);
        assert_eq!(got.ticket.flags & (ticket_flags::FORWARDABLE | ticket_flags::RENEWABLE), 0);
    }), |scene| scene.user("paula", 1106);
    r38_a_policy_s_lifetime_in_place_of_the_four_hours_of_protected_users, "user", granted(|got| {
        assert_eq!(got.lifetime(), 6 * 3600);
        assert_eq!(got.ticket.flags & (ticket_flags::FORWARDABLE | ticket_flags::RENEWABLE), 0);
    }), |scene| policy(scene.user("paula", 1106), "Paula", "Six Hours");
    r38_protected_users_under_a_policy_without_a_lifetime, "user", granted(|got| {
        assert_eq!(got.lifetime(), 4 * 3600);
    }), |scene| policy(scene.user("paula", 1106), "Paula", "Audited");
}

/// Assigns the policy of this name.
fn policy(scene: Scene, account: &str, name: &str) -> Scene {
    scene.set(account, "msDS-AssignedAuthNPolicy", &in_container(name))
}

/// Assigns alice to the silo of this name.
fn silo(scene: Scene, name: &str) -> Scene {
    scene.set("Alice", "msDS-AssignedAuthNPolicySilo", &in_container(name))
}

fn in_container(name: &str) -> String {
    format!("CN={name},CN=AuthN Policy Configuration,CN=Services,CN=Configuration,DC=lab,DC=example")
}
