//! Names of numbers and bits, and the texts of times, names and octets.

use ::pac::FileTime;

use super::document::{Fields, Value};
use crate::client::{Address, Principal};
use crate::krb::crypto::EncryptionType;
use crate::krb::messages::{
    HostAddresses, KerberosTime, PrincipalName, ap_options, kdc_options, pac_options, ticket_flags,
};

/// Bits with their names.
pub(in crate::cli) type Bits = &'static [(u32, &'static str)];

/// RFC 4120 §5.3.
pub(in crate::cli) const TICKET_FLAGS: Bits = &[
    (ticket_flags::FORWARDABLE, "forwardable"),
    (ticket_flags::FORWARDED, "forwarded"),
    (ticket_flags::PROXIABLE, "proxiable"),
    (ticket_flags::PROXY, "proxy"),
    (ticket_flags::MAY_POSTDATE, "may-postdate"),
    (ticket_flags::POSTDATED, "postdated"),
    (ticket_flags::INVALID, "invalid"),
    (ticket_flags::RENEWABLE, "renewable"),
    (ticket_flags::INITIAL, "initial"),
    (ticket_flags::PRE_AUTHENT, "pre-authent"),
    (ticket_flags::HW_AUTHENT, "hw-authent"),
    (ticket_flags::TRANSITED_POLICY_CHECKED, "transited-policy-checked"),
    (ticket_flags::OK_AS_DELEGATE, "ok-as-delegate"),
    (ticket_flags::ENC_PA_REP, "enc-pa-rep"),
    (ticket_flags::ANONYMOUS, "anonymous"),
];

/// RFC 4120 §5.4.1.
pub(super) const KDC_OPTIONS: Bits = &[
    (kdc_options::FORWARDABLE, "forwardable"),
    (kdc_options::FORWARDED, "forwarded"),
    (kdc_options::PROXIABLE, "proxiable"),
    (kdc_options::PROXY, "proxy"),
    (kdc_options::ALLOW_POSTDATE, "allow-postdate"),
    (kdc_options::POSTDATED, "postdated"),
    (kdc_options::RENEWABLE, "renewable"),
    (kdc_options::CNAME_IN_ADDL_TKT, "cname-in-addl-tkt"),
    (kdc_options::CANONICALIZE, "canonicalize"),
    (kdc_options::REQUEST_ANONYMOUS, "request-anonymous"),
    (kdc_options::DISABLE_TRANSITED_CHECK, "disable-transited-check"),
    (kdc_options::RENEWABLE_OK, "renewable-ok"),
    (kdc_options::ENC_TKT_IN_SKEY, "enc-tkt-in-skey"),
    (kdc_options::RENEW, "renew"),
    (kdc_options::VALIDATE, "validate"),
];

/// RFC 4120 §5.5.1.
pub(super) const AP_OPTIONS: Bits =
    &[(ap_options::USE_SESSION_KEY, "use-session-key"), (ap_options::MUTUAL_REQUIRED, "mutual-required")];

/// [MS-KILE] 2.2.10.
pub(super) const PAC_OPTIONS: Bits = &[
    (pac_options::CLAIMS, "claims"),
    (pac_options::BRANCH_AWARE, "branch-aware"),
    (pac_options::FORWARD_TO_FULL_DC, "forward-to-full-dc"),
    (pac_options::RESOURCE_BASED_CONSTRAINED_DELEGATION, "resource-based-constrained-delegation"),
];

/// [MS-KILE] 2.2.7, which has no bits for the types of RFC 8009.
pub(super) const SUPPORTED_ENCTYPES: Bits = &[
    (0x01, "des-cbc-crc"),
    (0x02, "des-cbc-md5"),
    (0x04, "rc4-hmac"),
    (0x08, "aes128-cts-hmac-sha1-96"),
    (0x10, "aes256-cts-hmac-sha1-96"),
    (0x20, "aes256-cts-hmac-sha1-96-sk"),
    (0x1_0000, "fast"),
    (0x2_0000, "compound-identity"),
    (0x4_0000, "claims"),
    (0x8_0000, "resource-sid-compression-disabled"),
];

/// UserFlags of KERB_VALIDATION_INFO ([MS-PAC] 2.5).
pub(super) const USER_FLAGS: Bits = &[(0x20, "extra-sids"), (0x200, "resource-groups")];

/// USER_ACCOUNT codes ([MS-SAMR] 2.2.1.12).
pub(super) const USER_ACCOUNT_CONTROL: Bits = &[
    (0x01, "account-disabled"),
    (0x02, "home-directory-required"),
    (0x04, "password-not-required"),
    (0x08, "temp-duplicate-account"),
    (0x10, "normal-account"),
    (0x20, "mns-logon-account"),
    (0x40, "interdomain-trust-account"),
    (0x80, "workstation-trust-account"),
    (0x100, "server-trust-account"),
    (0x200, "dont-expire-password"),
    (0x400, "account-auto-locked"),
    (0x800, "encrypted-text-password-allowed"),
    (0x1000, "smartcard-required"),
    (0x2000, "trusted-for-delegation"),
    (0x4000, "not-delegated"),
    (0x8000, "use-des-key-only"),
    (0x1_0000, "dont-require-preauth"),
    (0x2_0000, "password-expired"),
    (0x4_0000, "trusted-to-authenticate-for-delegation"),
    (0x8_0000, "no-auth-data-required"),
    (0x10_0000, "partial-secrets-account"),
    (0x20_0000, "use-aes-keys"),
];

/// Attributes of a membership ([MS-PAC] 2.2.1).
pub(super) const GROUP_ATTRIBUTES: Bits = &[
    (0x01, "mandatory"),
    (0x02, "enabled-by-default"),
    (0x04, "enabled"),
    (0x08, "owner"),
    (0x10, "use-for-deny-only"),
    (0x2000_0000, "resource"),
];

/// Flags of UPN_DNS_INFO ([MS-PAC] 2.10) are fields of their own; these are PAC_ATTRIBUTES_INFO's (2.14).
pub(super) const PAC_ATTRIBUTES: Bits = &[(0x1, "pac-was-requested"), (0x2, "pac-was-given-implicitly")];

/// The name of a type of padata (RFC 4120 §7.5.2, RFC 6113, [MS-KILE] 2.2).
pub(super) const fn padata(kind: i32) -> Option<&'static str> {
    Some(match kind {
        1 => "PA-TGS-REQ",
        2 => "PA-ENC-TIMESTAMP",
        3 => "PA-PW-SALT",
        11 => "PA-ETYPE-INFO",
        16 => "PA-PK-AS-REQ",
        17 => "PA-PK-AS-REP",
        19 => "PA-ETYPE-INFO2",
        71 => "FX_FAST_ARMOR",
        128 => "PA-PAC-REQUEST",
        129 => "PA-FOR-USER",
        130 => "PA-S4U-X509-USER",
        133 => "PA-FX-COOKIE",
        136 => "PA-FX-FAST",
        137 => "PA-FX-ERROR",
        138 => "PA-ENCRYPTED-CHALLENGE",
        149 => "PA-REQ-ENC-PA-REP",
        161 => "KERB-KEY-LIST-REQ",
        162 => "KERB-KEY-LIST-REP",
        165 => "PA-SUPPORTED-ENCTYPES",
        167 => "PA-PAC-OPTIONS",
        _ => return None,
    })
}

/// The name of a type of authorization data.
pub(super) const fn authorization_data(kind: i32) -> Option<&'static str> {
    Some(match kind {
        1 => "AD-IF-RELEVANT",
        71 => "AD-fx-fast-armor",
        72 => "AD-fx-fast-used",
        128 => "AD-WIN2K-PAC",
        141 => "KERB-AUTH-DATA-TOKEN-RESTRICTIONS",
        142 => "KERB-LOCAL",
        143 => "AD-AUTH-DATA-AP-OPTIONS",
        144 => "AD-TARGET-PRINCIPAL",
        _ => return None,
    })
}

/// The name of a checksum type (RFC 3961 registry).
pub(super) const fn checksum(kind: i32) -> Option<&'static str> {
    Some(match kind {
        7 => "rsa-md5",
        15 => "hmac-sha1-96-aes128",
        16 => "hmac-sha1-96-aes256",
        19 => "hmac-sha256-128-aes128",
        20 => "hmac-sha384-192-aes256",
        -138 => "hmac-md5",
        _ => return None,
    })
}

/// An encryption type by its name, or its number.
pub(in crate::cli) fn etype_text(number: i32) -> String {
    etype_name(number).unwrap_or_else(|| format!("encryption type {number}"))
}

fn etype_name(number: i32) -> Option<String> {
    let known = match number {
        1 => "des-cbc-crc",
        3 => "des-cbc-md5",
        24 => "rc4-hmac-exp",
        _ => return EncryptionType::from_i32(number).map(|etype| etype.to_string()),
    };
    Some(known.to_owned())
}

pub(super) fn etype(number: i32) -> Value {
    Value::named(i64::from(number), etype_name(number).as_deref())
}

/// A kvno with what its halves mean: branch number and key version ([MS-KILE] 3.1.5.8).
pub(super) fn kvno(kvno: u32) -> Value {
    let (branch, version) = (kvno >> 16, kvno & 0xffff);
    let fields = Fields::new().with("number", kvno).with("branch", branch).with("version", version);
    let text =
        if branch == 0 { version.to_string() } else { format!("{kvno}: branch {branch}, version {version}") };
    Value::Shown(text, Box::new(fields.into()))
}

/// A name in its realm.
pub(super) fn principal(realm: &[u8], name: &PrincipalName<'_>) -> Value {
    whole_name(&Principal::from_wire(realm, name))
}

pub(super) fn whole_name(principal: &Principal) -> Value {
    let kind = match principal.name_type {
        0 => Some("NT-UNKNOWN"),
        1 => Some("NT-PRINCIPAL"),
        2 => Some("NT-SRV-INST"),
        3 => Some("NT-SRV-HST"),
        10 => Some("NT-ENTERPRISE"),
        11 => Some("NT-WELLKNOWN"),
        _ => None,
    };
    let fields = Fields::new()
        .with("name", principal.to_string())
        .with("name_type", Value::named(i64::from(principal.name_type), kind));
    let kind = kind.map_or_else(|| format!("name type {}", principal.name_type), str::to_owned);
    Value::Shown(format!("{principal} ({kind})"), Box::new(fields.into()))
}

pub(super) fn time(time: KerberosTime) -> Value {
    time.to_string().into()
}

/// A FILETIME; zero is "not set".
pub(super) fn file_time(time: FileTime) -> Value {
    if time.is_zero() {
        return "not set".into();
    }
    if time.is_never() {
        return "never".into();
    }
    let seconds = time.unix_seconds().and_then(KerberosTime::from_unix_seconds);
    seconds.map_or_else(|| format!("{} ticks since 1601", time.as_u64()).into(), self::time)
}

/// The addresses of a ticket; absent means anywhere.
pub(super) fn addresses(addresses: Option<HostAddresses<'_>>) -> Value {
    addresses
        .map(|addresses| addresses.iter().map(|one| address(one.addr_type, one.address)).collect::<Value>())
        .into()
}

pub(super) fn owned_addresses(addresses: &[Address]) -> Value {
    addresses.iter().map(|one| address(one.addr_type, &one.octets)).collect()
}

fn address(kind: i32, octets: &[u8]) -> String {
    if let (2, Ok(v4)) = (kind, <[u8; 4]>::try_from(octets)) {
        return std::net::Ipv4Addr::from(v4).to_string();
    }
    match (kind, <[u8; 16]>::try_from(octets)) {
        (24, Ok(v6)) => std::net::Ipv6Addr::from(v6).to_string(),
        (20, _) => format!("NetBIOS {}", String::from_utf8_lossy(octets).trim_end()),
        _ => format!("type {kind} {}", hexadecimal(octets)),
    }
}

pub(in crate::cli) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
