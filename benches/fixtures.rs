//! An account in so many groups, as its PAC and as policy have it.
#![expect(clippy::expect_used, reason = "a bench without its fixture measures nothing")]

use pac::{
    AttributesInfo, FileTime, GROUP_ENABLED, GroupMembership, LogonInfo, PacError, PreparedPac,
    SamNameAndSid, Sid, SidAndAttributes, UpnDnsInfo,
};
use policy::{Account, AccountKind, ReplicationPolicy};

const DOMAIN_USERS: u32 = 513;
const USER: u32 = 1104;
const FIRST_GROUP: u32 = 2000;

fn domain() -> Sid {
    "S-1-5-21-2718281828-3141592653-1618033988".parse().expect("a SID")
}

fn sid(rid: u32) -> Sid {
    domain().with_rid(rid).expect("a RID")
}

fn groups(count: u32) -> impl Iterator<Item = u32> {
    (FIRST_GROUP..).zip(0..count).map(|(rid, _)| rid)
}

/// What a PAC is prepared of.
pub(crate) struct PacContents {
    logon_info: LogonInfo,
    upn_dns_info: UpnDnsInfo,
}

impl PacContents {
    /// The part of the PAC that is kept for each ticket.
    pub(crate) fn prepare(&self) -> Result<PreparedPac, PacError> {
        let attributes = AttributesInfo { flags: AttributesInfo::WAS_REQUESTED };
        PreparedPac::new(&self.logon_info, &self.upn_dns_info, &sid(USER), attributes)
    }
}

/// The PAC of a user in so many groups of the own domain.
pub(crate) fn prepared_pac(count: u32) -> PreparedPac {
    pac_contents(count).prepare().expect("a PAC")
}

/// What it is made of.
pub(crate) fn pac_contents(count: u32) -> PacContents {
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
        user_id: USER,
        primary_group_id: DOMAIN_USERS,
        groups: groups(count).map(|rid| GroupMembership { rid, attributes: GROUP_ENABLED }).collect(),
        user_flags: 0,
        user_session_key: [0; 16],
        logon_server: "DC1".to_owned(),
        logon_domain_name: "LAB".to_owned(),
        logon_domain_id: domain(),
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
        extended: Some(SamNameAndSid { sam_name: "alice".to_owned(), sid: sid(USER) }),
    };
    PacContents { logon_info, upn_dns_info }
}

/// The user for policy, the allowed group the last of so many.
pub(crate) fn account(count: u32) -> Account {
    let object_sid = sid(USER);
    let sids = [USER].into_iter().chain(groups(count)).chain([DOMAIN_USERS]).map(sid).collect();
    Account {
        object_sid,
        sids,
        former_sids: Vec::new(),
        user_account_control: 0x200,
        kind: AccountKind::User,
        krbtgt_number: None,
        account_expires: FileTime::NEVER,
        logon_hours: None,
        password_expires: FileTime::NEVER,
    }
}

/// The lists of a branch as Entra ID makes them: Domain Users allowed, the administrators' groups denied.
pub(crate) fn replication_policy() -> ReplicationPolicy {
    let builtin = [544, 548, 549, 550, 551].map(|rid| format!("S-1-5-32-{rid}").parse().expect("a SID"));
    let denied = [498, 512, 516, 517, 518, 519, 520, 521, 526, 527, 572].map(sid);
    ReplicationPolicy::new(builtin.into_iter().chain(denied), [sid(DOMAIN_USERS)])
}
