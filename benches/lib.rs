//! What the benches share: a PAC of so many groups.

use pac::{
    AttributesInfo, FileTime, GROUP_ENABLED, GroupMembership, LogonInfo, PreparedPac, SamNameAndSid, Sid,
    SidAndAttributes, UpnDnsInfo,
};

/// The PAC of a user in so many groups of the own domain, as it is kept for each ticket.
///
/// # Panics
/// Where the PAC cannot be encoded, which no count below some thousands causes.
#[must_use]
#[expect(clippy::expect_used, reason = "a bench without its fixture measures nothing")]
pub fn prepared_pac(groups: u32) -> PreparedPac {
    let domain: Sid = "S-1-5-21-2718281828-3141592653-1618033988".parse().expect("a SID");
    let user = domain.with_rid(1104).expect("a RID");
    let asserted = Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY;
    let logon_info = LogonInfo {
        logon_time: FileTime::ZERO,
        logoff_time: FileTime::NEVER,
        kick_off_time: FileTime::NEVER,
        password_last_set: FileTime::ZERO,
        password_can_change: FileTime::ZERO,
        password_must_change: FileTime::NEVER,
        effective_name: "alice".to_owned(),
        full_name: "Alice Example".to_owned(),
        logon_script: String::new(),
        profile_path: String::new(),
        home_directory: String::new(),
        home_directory_drive: String::new(),
        logon_count: 0,
        bad_password_count: 0,
        user_id: 1104,
        primary_group_id: 513,
        groups: (0..groups)
            .map(|group| GroupMembership { rid: group.saturating_add(2000), attributes: GROUP_ENABLED })
            .collect(),
        user_flags: 0,
        user_session_key: [0; 16],
        logon_server: "DC1".to_owned(),
        logon_domain_name: "LAB".to_owned(),
        logon_domain_id: domain,
        user_account_control: 0x10,
        sub_auth_status: 0,
        last_successful_interactive_logon: FileTime::ZERO,
        last_failed_interactive_logon: FileTime::ZERO,
        failed_interactive_logon_count: 0,
        extra_sids: vec![SidAndAttributes { sid: asserted, attributes: GROUP_ENABLED }],
        resource_groups: None,
    };
    let upn_dns_info = UpnDnsInfo {
        upn: "alice@lab.example".to_owned(),
        dns_domain_name: "LAB.EXAMPLE".to_owned(),
        upn_constructed: false,
        extended: Some(SamNameAndSid { sam_name: "alice".to_owned(), sid: user }),
    };
    let attributes = AttributesInfo { flags: AttributesInfo::WAS_REQUESTED };
    PreparedPac::new(&logon_info, &upn_dns_info, &user, attributes).expect("a PAC")
}
