//! A full TGT's PAC made of the account's attributes, against the one Windows made of the same account.

use super::TGT_2022;
use super::captures::mac;
use crate::{
    AttributesInfo, BufferType, FileTime, GROUP_ENABLED, GroupMembership, LogonInfo, Mac, Pac, PacError,
    PreparedPac, ResourceGroups, SamNameAndSid, Sid, SidAndAttributes, SignatureType, UpnDnsInfo,
};

/// 2025-07-18T16:22:24Z, the ticket's authtime.
const AUTHTIME: i64 = 1_752_855_744;

/// From `windows-server-2022/testuser.ldif`: pwdLastSet, and minPwdAge in ticks.
const PASSWORD_LAST_SET: FileTime = FileTime::from_u64(133_972_148_783_293_612);
const MINIMUM_PASSWORD_AGE: u64 = 864_000_000_000;

fn domain() -> Sid {
    "S-1-5-21-3661267520-3940350627-3661189989".parse().unwrap()
}

fn user() -> Sid {
    domain().with_rid(1107).unwrap()
}

/// The account in `windows-server-2022/testuser.ldif`.
fn logon_info() -> LogonInfo {
    LogonInfo {
        logon_time: FileTime::from_u64(133_972_149_245_168_848), // lastLogon
        logoff_time: FileTime::NEVER,
        kick_off_time: FileTime::NEVER, // forceLogoff
        password_last_set: PASSWORD_LAST_SET,
        password_can_change: PASSWORD_LAST_SET.saturating_add(MINIMUM_PASSWORD_AGE),
        password_must_change: FileTime::from_u64(134_008_436_783_293_612), // msDS-UserPasswordExpiryTimeComputed
        effective_name: "testuser".to_owned(),
        full_name: "testuser".to_owned(),
        logon_script: String::new(),
        profile_path: String::new(),
        home_directory: String::new(),
        home_directory_drive: String::new(),
        logon_count: 1,
        bad_password_count: 0,
        user_id: 1107,
        primary_group_id: 513,
        groups: vec![GroupMembership { rid: 513, attributes: GROUP_ENABLED }],
        user_flags: 0,
        user_session_key: [0; 16],
        logon_server: "WIN2K22-1".to_owned(),
        logon_domain_name: "AFOREST".to_owned(),
        logon_domain_id: domain(),
        user_account_control: 0x10,
        sub_auth_status: 0,
        last_successful_interactive_logon: FileTime::ZERO,
        last_failed_interactive_logon: FileTime::ZERO,
        failed_interactive_logon_count: 0,
        extra_sids: vec![SidAndAttributes {
            sid: Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY,
            attributes: GROUP_ENABLED,
        }],
        resource_groups: None,
    }
}

fn upn_dns_info() -> UpnDnsInfo {
    UpnDnsInfo {
        upn: "testuser@aforest.ad".to_owned(),
        dns_domain_name: "AFOREST.AD".to_owned(),
        upn_constructed: false,
        extended: Some(SamNameAndSid { sam_name: "testuser".to_owned(), sid: user() }),
    }
}

fn prepare(logon_info: &LogonInfo) -> PreparedPac {
    let attributes_info = AttributesInfo { flags: AttributesInfo::WAS_REQUESTED };
    PreparedPac::new(logon_info, &upn_dns_info(), &user(), attributes_info).unwrap()
}

fn compose(
    prepared: &PreparedPac,
    kind: SignatureType,
    mac: &dyn Fn(&[u8]) -> Mac,
) -> Result<Vec<u8>, PacError> {
    let mut out = Vec::new();
    prepared.compose(FileTime::from_unix_seconds(AUTHTIME), "testuser", kind, mac, &mut out).map(|()| out)
}

#[test]
fn rebuilds_the_captured_pac_from_the_account() {
    let captured = Pac::parse(TGT_2022).unwrap();
    let (server, kdc) = (captured.server_signature().unwrap(), captured.kdc_signature().unwrap());
    let keyed = |covered: &[u8]| {
        if covered == captured.unsigned() {
            mac(server.mac)
        } else {
            assert_eq!(covered, server.mac, "neither the unsigned PAC nor the server's signature");
            mac(kdc.mac)
        }
    };
    let composed = compose(&prepare(&logon_info()), SignatureType::HmacSha1Aes256, &keyed).unwrap();
    assert_eq!(composed, TGT_2022);
}

#[test]
fn appends_behind_what_is_there() {
    let prepared = prepare(&logon_info());
    let constant = |_: &[u8]| Mac::from([7; 12]);
    let mut out = vec![1, 2, 3];
    let authtime = FileTime::from_unix_seconds(AUTHTIME);
    prepared.compose(authtime, "testuser", SignatureType::HmacSha1Aes128, &constant, &mut out).unwrap();
    assert_eq!(out[..3], [1, 2, 3]);
    assert_eq!(out[3..], compose(&prepared, SignatureType::HmacSha1Aes128, &constant).unwrap());
}

#[test]
fn every_signature_type_lies_where_the_reader_looks() {
    let prepared = prepare(&logon_info());
    let rows: [(SignatureType, Mac); 4] = [
        (SignatureType::HmacSha1Aes128, [7; 12].into()),
        (SignatureType::HmacMd5, [7; 16].into()),
        (SignatureType::HmacSha256Aes128, [7; 16].into()),
        (SignatureType::HmacSha384Aes256, [7; 24].into()),
    ];
    for (kind, value) in rows {
        let composed = compose(&prepared, kind, &|_| value).unwrap();
        assert_eq!(prepared.composed_len("testuser", kind), composed.len());
        let pac = Pac::parse(&composed).unwrap();
        for signature in [pac.server_signature().unwrap(), pac.kdc_signature().unwrap()] {
            assert_eq!((signature.kind, signature.mac), (kind, value.as_bytes()));
            assert_eq!(signature.rodc_identifier, None);
        }
        assert_eq!(composed.len() % 8, 0);
    }
}

#[test]
fn an_error_leaves_the_output_as_it_was() {
    let prepared = prepare(&logon_info());
    let mut out = vec![1, 2, 3];
    let mut compose = |name: &str, kind| {
        let composed = prepared.compose(FileTime::ZERO, name, kind, &|_| [7; 12].into(), &mut out);
        assert_eq!(out, [1, 2, 3]);
        composed
    };
    assert_eq!(compose("testuser", SignatureType::HmacMd5), Err(PacError::MacLength));
    let long = "n".repeat(40_000);
    assert!(matches!(compose(&long, SignatureType::HmacSha1Aes256), Err(PacError::TooLong(80_000..))));
}

#[test]
fn composes_up_to_65535_octets_and_no_more() {
    let with_groups = |count| {
        let groups = (0..count).map(|rid| GroupMembership { rid, attributes: GROUP_ENABLED }).collect();
        compose(&prepare(&LogonInfo { groups, ..logon_info() }), SignatureType::HmacSha1Aes256, &|_| {
            [7; 12].into()
        })
    };
    // The captured PAC is 832 octets with one group; each further one adds 8.
    assert_eq!(with_groups(8088).unwrap().len(), 65_528);
    assert_eq!(with_groups(8089), Err(PacError::TooLong(65_536)));
}

#[test]
fn logon_info_survives_every_shape() {
    let group = |rid| GroupMembership { rid, attributes: GROUP_ENABLED };
    let extra = |sid| SidAndAttributes { sid, attributes: GROUP_ENABLED };
    let rows = [
        LogonInfo { groups: Vec::new(), extra_sids: Vec::new(), ..logon_info() },
        LogonInfo { groups: (0..1000).map(group).collect(), ..logon_info() },
        LogonInfo {
            extra_sids: vec![extra(Sid::new(5, &[]).unwrap()), extra(Sid::new(5, &[u32::MAX; 15]).unwrap())],
            ..logon_info()
        },
        LogonInfo {
            resource_groups: Some(ResourceGroups { domain: domain(), groups: vec![group(1), group(2)] }),
            ..logon_info()
        },
        LogonInfo {
            resource_groups: Some(ResourceGroups { domain: domain(), groups: Vec::new() }),
            ..logon_info()
        },
        LogonInfo {
            effective_name: "Żółw-𝔊".to_owned(),
            home_directory: "\\\\x\\y".to_owned(),
            ..logon_info()
        },
        LogonInfo { logon_server: String::new(), logon_domain_name: String::new(), ..logon_info() },
    ];
    for row in rows {
        let encoded = row.encode().unwrap();
        assert_eq!(encoded.len() % 8, 0);
        let decoded = LogonInfo::decode(&encoded).unwrap();
        assert_eq!(decoded.user_flags & 0x20 != 0, !row.extra_sids.is_empty());
        assert_eq!(decoded.user_flags & 0x200 != 0, row.resource_groups.is_some());
        assert_eq!(LogonInfo { user_flags: 0, ..decoded }, row);
    }
}

#[test]
fn upn_dns_info_survives_every_shape() {
    let rows = [
        upn_dns_info(),
        UpnDnsInfo { extended: None, ..upn_dns_info() },
        UpnDnsInfo { upn_constructed: true, ..upn_dns_info() },
        UpnDnsInfo { upn: String::new(), dns_domain_name: String::new(), ..upn_dns_info() },
        UpnDnsInfo { upn: "ż@𝔊".to_owned(), extended: None, ..upn_dns_info() },
    ];
    for row in rows {
        let encoded = row.encode().unwrap();
        assert_eq!(encoded.len() % 8, 0);
        assert_eq!(UpnDnsInfo::decode(&encoded), Ok(row));
    }
    let long = UpnDnsInfo { upn: "u".repeat(40_000), ..upn_dns_info() };
    let refused = PreparedPac::new(&logon_info(), &long, &user(), AttributesInfo { flags: 1 });
    assert!(matches!(refused, Err(PacError::Contents(BufferType::UPN_DNS_INFO, _))));
}
