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
    r36_c27_an_authentication_policy,
        "authentication policy", refused(12, "authentication_policy").status(0xc000_0070), |scene| {
        scene.set("Alice", "msDS-AssignedAuthNPolicy", "CN=Tier 0,DC=lab,DC=example")
    };
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
}
