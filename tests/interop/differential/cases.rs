//! What both are asked.

use kdc::client::fast::Fast;
use kdc::client::mint::{PartialTgt, TicketData, with_pacs};
use kdc::client::request::{BodyChecksum, Exchange};
use kdc::client::{Address, BranchKey, Principal, SessionKey};
use kdc::krb::crypto::{EncryptionKey, EncryptionType};
use kdc::krb::der::Der;
use kdc::krb::messages::{
    AuthorizationData, AuthorizationElement, KerberosTime, WireInt, ad_type, fast_options, kdc_options,
    name_type, pa_type, pac_options, ticket_flags,
};
use pac::{BufferType, FileTime, GroupMembership};
use tgtx_tests::lab::Lab;
use tgtx_tests::scene::later;

/// The request of a user's device with one thing changed.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// By the key in the lab's list.
    pub(super) user: &'static str,
    /// Likewise.
    pub(super) branch: &'static str,
    pub(super) ticket: fn(&mut PartialTgt<'_>, &Lab),
    /// Whether the request is in an armour (FAST) before it is changed.
    pub(super) armored: bool,
    pub(super) request: fn(&mut Exchange<'_>),
    pub(super) octets: fn(&mut Vec<u8>),
    /// Whether the unchanged request is sent before.
    pub(super) replayed: bool,
}

const fn of(name: &'static str, user: &'static str) -> Case {
    Case {
        name,
        user,
        branch: "azuread",
        ticket: |_, _| {},
        armored: false,
        request: |_| {},
        octets: |_| {},
        replayed: false,
    }
}

const fn ticket(name: &'static str, change: fn(&mut PartialTgt<'_>, &Lab)) -> Case {
    Case { ticket: change, ..of(name, "alice") }
}

const fn request(name: &'static str, change: fn(&mut Exchange<'_>)) -> Case {
    Case { request: change, ..of(name, "alice") }
}

const fn branch(name: &'static str, branch: &'static str) -> Case {
    Case { branch, ..of(name, "alice") }
}

/// In an armour.
const fn armored(name: &'static str, change: fn(&mut Exchange<'_>)) -> Case {
    Case { armored: true, ..request(name, change) }
}

/// Every case.
pub(super) fn all() -> &'static [Case] {
    CASES
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    // Users.
    of("alice", "alice"),
    of("bob", "bob"),
    of("a name beyond ASCII", "mueller"),
    of("a name of another script", "tanaka"),
    of("200 groups", "many"),
    of("a userPrincipalName of another suffix", "upn_foreign"),
    of("smart card required", "smartcard"),
    of("Protected User", "protected"),
    of("not to be delegated", "notdelegated"),
    of("Domain Admins by nesting", "nested_da"),
    of("denied", "denied"),
    of("denied by nesting", "denied_nested"),
    of("denied by a BUILTIN group", "builtin_op"),
    of("on neither list", "unlisted"),
    of("disabled", "disabled"),
    of("locked out", "locked"),
    of("expired", "expired"),
    of("no logon hours", "no_hours"),
    of("password expired", "password_expired"),
    of("must change password", "must_change"),
    of("a computer", "computer"),
    ticket("krbtgt", |ticket, lab| rename(ticket, lab, b"krbtgt", 502)),
    ticket("Administrator", |ticket, lab| rename(ticket, lab, b"Administrator", 500)),
    ticket("Guest", |ticket, lab| rename(ticket, lab, b"Guest", 501)),

    // Branches.
    branch("a branch above 0x8000", "high"),
    branch("a branch without link", "no_link"),
    branch("a branch without PARTIAL_SECRETS", "no_partial_secrets"),
    branch("a branch with a value that is no SID", "unresolvable"),
    ticket("a kvno of an unknown branch", |ticket, _| ticket.kvno = Some(WireInt::signed(4711 << 16 | 1))),
    ticket("a kvno without version", |ticket, _| change_kvno(ticket, 0)),
    ticket("a kvno of another version", |ticket, _| change_kvno(ticket, 61_200)),
    ticket("a kvno unsigned", |ticket, _| {
        ticket.kvno = ticket.kvno.map(|kvno| WireInt::unsigned(kvno.as_u32()));
    }),
    ticket("no kvno", |ticket, _| ticket.kvno = None),
    ticket("a full TGT's kvno", |ticket, _| ticket.kvno = Some(WireInt::unsigned(1))),

    // The ticket.
    ticket("a ticket for kadmin/changepw", |ticket, _| {
        ticket.server.components = vec![b"kadmin".to_vec(), b"changepw".to_vec()];
    }).for_krbtgt(),
    ticket("a ticket for krbtgt of nothing", |ticket, _| ticket.server.components.truncate(1)).for_krbtgt(),
    ticket("a ticket for another realm's krbtgt", |ticket, _| {
        ticket.server.components[1] = b"OTHER.EXAMPLE".to_vec();
    }).for_krbtgt(),
    ticket("a ticket of another realm", |ticket, _| {
        ticket.server.realm = b"OTHER.EXAMPLE".to_vec();
    }).for_krbtgt(),
    ticket("a ticket under another etype", |ticket, _| ticket.etype = 17),
    ticket("a ticket under RC4", |ticket, _| ticket.etype = 23),
    ticket("a ticket under DES", |ticket, _| ticket.etype = 3),
    Case { octets: |octets| flip_ticket(octets), ..of("a bit of the ticket flipped", "alice") },
    ticket("the INVALID flag", |ticket, _| ticket.flags |= ticket_flags::INVALID),
    ticket("the ANONYMOUS flag", |ticket, _| ticket.flags |= ticket_flags::ANONYMOUS),
    ticket("flags of a domain controller's", |ticket, _| {
        ticket.flags |= ticket_flags::OK_AS_DELEGATE
            | ticket_flags::HW_AUTHENT
            | ticket_flags::TRANSITED_POLICY_CHECKED
            | ticket_flags::INITIAL;
    }),
    ticket("pre-authent", |ticket, _| ticket.flags |= ticket_flags::PRE_AUTHENT),
    ticket("a ticket without flags", |ticket, _| ticket.flags = 0),
    ticket("an expired ticket", |ticket, _| times(ticket, -7200, -600)),
    ticket("a ticket of another minute", |ticket, _| times(ticket, -7200, 60)),
    ticket("a ticket of three more minutes", |ticket, _| times(ticket, -7200, 180)),
    ticket("a ticket of nine hours ago", |ticket, _| times(ticket, -9 * 3600, 3600)),
    ticket("a ticket of 120 days", |ticket, _| times(ticket, 0, 120 * 86_400)),
    ticket("a ticket to come", |ticket, _| ticket.times.starttime = Some(later(ticket.times.authtime, 600))),
    ticket("a ticket without starttime", |ticket, _| ticket.times.starttime = None),
    ticket("a ticket that ends as it starts", |ticket, _| ticket.times.endtime = ticket.times.authtime),
    ticket("a ticket that is not renewable", |ticket, _| {
        ticket.flags &= !ticket_flags::RENEWABLE;
        ticket.times.renew_till = None;
    }),
    ticket("a client of another realm", |ticket, _| ticket.client.realm = b"OTHER.EXAMPLE".to_vec()),
    ticket("a realm was crossed", |ticket, _| ticket.transited = (1, b"OTHER.EXAMPLE".to_vec())),
    ticket("transited of an unknown type", |ticket, _| ticket.transited = (2, b"OTHER.EXAMPLE".to_vec())),
    ticket("transited of type 0", |ticket, _| ticket.transited = (0, Vec::new())),
    ticket("addresses of elsewhere", |ticket, _| {
        ticket.addresses = vec![Address { addr_type: 2, octets: vec![198, 51, 100, 1] }];
    }),
    ticket("an AES128 session key", |ticket, _| ticket.session_key = SessionKey::of(17, &[7; 16])),
    ticket("an RC4 session key", |ticket, _| ticket.session_key = SessionKey::of(23, &[7; 16])),
    ticket("an enterprise name", |ticket, lab| {
        let upn = lab.user("alice").upn.clone().expect("a userPrincipalName").into_bytes();
        set_name(ticket, &upn);
        ticket.client.name_type = name_type::ENTERPRISE;
    }),
    ticket("a name in capitals", |ticket, _| set_name(ticket, b"ALICE")),
    ticket("a name of nobody", |ticket, _| set_name(ticket, b"nobody")),
    ticket("a computer without its dollar", |ticket, _| set_name(ticket, b"DC1")),
    ticket("somebody else's name", |ticket, _| set_name(ticket, b"bob")),

    // The PAC.
    ticket("no PAC", |ticket, _| ticket.authorization_data = TicketData::Absent),
    ticket("two PACs", |ticket, _| {
        let pac = ticket.pac.encode().unwrap();
        ticket.authorization_data = TicketData::Octets(with_pacs(&[&pac, &pac]));
    }),
    ticket("a PAC of any octets", |ticket, _| {
        ticket.authorization_data = TicketData::Octets(with_pacs(&[&[0xff; 64]]));
    }),
    ticket("no requestor", |ticket, _| ticket.pac.requestor = None),
    ticket("a requestor of somebody else", |ticket, lab| {
        ticket.pac.requestor = Some(lab.user("bob").sid.parse().unwrap());
    }),
    ticket("a requestor of nobody", |ticket, lab| {
        ticket.pac.requestor = Some(format!("{}-999999", lab.domain_sid).parse().unwrap());
    }),
    ticket("a requestor of another domain", |ticket, _| {
        ticket.pac.requestor = Some("S-1-5-21-1-2-3-1107".parse().unwrap());
    }),
    ticket("no ATTRIBUTES_INFO", |ticket, _| ticket.pac.attributes_info = None),
    ticket("unknown buffers", |ticket, _| ticket.pac.more = vec![(BufferType(99), vec![1; 8])]),
    ticket("no LOGON_INFO", |ticket, _| ticket.pac.logon_info = None),
    ticket("no CLIENT_INFO", |ticket, _| ticket.pac.client_info = None),
    ticket("LOGON_INFO of another RID", |ticket, _| logon_info(ticket).user_id = 500),
    ticket("LOGON_INFO with groups", |ticket, _| {
        logon_info(ticket).groups = vec![GroupMembership { rid: 512, attributes: 7 }];
    }),
    ticket("CLIENT_INFO of another name", |ticket, _| {
        ticket.pac.client_info.as_mut().unwrap().name = "bob".to_owned();
    }),
    ticket("CLIENT_INFO of another time", |ticket, _| {
        ticket.pac.client_info.as_mut().unwrap().client_id = FileTime::ZERO;
    }),
    ticket("a forged server signature", |ticket, _| ticket.pac.server.key = stray().pac_key()),
    ticket("a forged KDC signature", |ticket, _| ticket.pac.kdc.key = stray().pac_key()),
    ticket("a signature of another branch", |ticket, _| ticket.pac.kdc.rodc_identifier = Some(4711)),
    ticket("a signature of no branch", |ticket, _| ticket.pac.kdc.rodc_identifier = None),

    // The authenticator.
    request("a keyed checksum", |request| request.checksum = BodyChecksum::Keyed),
    request("no checksum", |request| request.checksum = BodyChecksum::Absent),
    request("a wrong checksum", |request| request.checksum = BodyChecksum::Other(7, vec![0; 16])),
    request("a wrong keyed checksum", |request| request.checksum = BodyChecksum::Other(16, vec![0; 12])),
    request("a CRC-32", |request| request.checksum = BodyChecksum::Other(1, vec![0; 4])),
    request("an unknown checksum", |request| request.checksum = BodyChecksum::Other(4711, vec![0; 16])),
    request("a body swapped", |request| {
        let meant = request.till;
        request.till = KerberosTime::MAX;
        request.sent_body = Some(request.body().unwrap());
        request.till = meant;
    }),
    request("an AES256 subkey", |request| request.subkey = Some(SessionKey::aes256(&[9; 32]))),
    request("an AES128 subkey", |request| request.subkey = Some(SessionKey::of(17, &[9; 16]))),
    request("an RC4 subkey", |request| request.subkey = Some(SessionKey::of(23, &[9; 16]))),
    request("a clock ahead", |request| request.ctime = later(request.ctime, 400)),
    request("a clock behind", |request| request.ctime = later(request.ctime, -400)),
    request("a clock four minutes ahead", |request| request.ctime = later(request.ctime, 240)),
    request("another client's authenticator", |request| {
        request.authenticator_client.components = vec![b"bob".to_vec()];
    }),
    request("an authenticator under another key", |request| {
        request.session_key = SessionKey::aes256(&[9; 32]);
    }),
    request("no sequence number", |request| request.seq_number = None),
    Case {
        replayed: true,
        ..request("a replay under other padata", |request| request.more_padata.push((4711, vec![1])))
    },

    // Options.
    request("no options", |request| request.kdc_options = 0),
    request("no CANONICALIZE", |request| request.kdc_options &= !kdc_options::CANONICALIZE),
    request("forwardable alone", |request| request.kdc_options = kdc_options::FORWARDABLE),
    request("proxiable", |request| request.kdc_options |= kdc_options::PROXIABLE),
    request("renewable-ok alone", |request| request.kdc_options = kdc_options::RENEWABLE_OK),
    request("RENEW", |request| request.kdc_options |= kdc_options::RENEW),
    request("VALIDATE", |request| request.kdc_options |= kdc_options::VALIDATE),
    request("FORWARDED", |request| request.kdc_options |= kdc_options::FORWARDED),
    request("PROXY", |request| request.kdc_options |= kdc_options::PROXY),
    request("ALLOW-POSTDATE", |request| request.kdc_options |= kdc_options::ALLOW_POSTDATE),
    request("POSTDATED", |request| request.kdc_options |= kdc_options::POSTDATED),
    request("ENC-TKT-IN-SKEY", |request| request.kdc_options |= kdc_options::ENC_TKT_IN_SKEY),
    request("REQUEST-ANONYMOUS", |request| request.kdc_options |= kdc_options::REQUEST_ANONYMOUS),
    request("DISABLE-TRANSITED-CHECK", |request| request.kdc_options |= kdc_options::DISABLE_TRANSITED_CHECK),

    // Times.
    request("from in an hour", |request| request.from = Some(later(request.ctime, 3600))),
    request("from in a minute", |request| request.from = Some(later(request.ctime, 60))),
    request("till 1970", |request| request.till = KerberosTime::EPOCH),
    request("till an hour ago", |request| request.till = later(request.ctime, -3600)),
    request("till in an hour", |request| request.till = later(request.ctime, 3600)),
    request("till 2037", |request| request.till = KerberosTime::from_unix_seconds(2_136_422_885).unwrap()),
    request("rtime in two days", |request| request.rtime = Some(later(request.ctime, 2 * 86_400))),
    request("rtime in twenty days", |request| request.rtime = Some(later(request.ctime, 20 * 86_400))),
    request("rtime in the past", |request| request.rtime = Some(later(request.ctime, -3600))),

    // Types.
    request("AES256 alone", |request| request.etypes = vec![18]),
    request("AES128 alone", |request| request.etypes = vec![17]),
    request("AES128 before AES256", |request| request.etypes = vec![17, 18]),
    request("RC4 before AES", |request| request.etypes = vec![23, 18]),
    request("RC4 alone", |request| request.etypes = vec![23]),
    request("RFC 8009 alone", |request| request.etypes = vec![20, 19]),
    request("unknown types alone", |request| request.etypes = vec![-135, 24, 3]),
    request("no types", |request| request.etypes = Vec::new()),

    // Names, and the rest of the request.
    request("no sname", |request| request.names_server = false),
    request("a service", |request| {
        request.server.components = vec![b"cifs".to_vec(), b"dc1.lab.example".to_vec()];
    }),
    request("krbtgt of another realm", |request| request.server.components[1] = b"OTHER.EXAMPLE".to_vec()),
    request("krbtgt of the NetBIOS name", |request| request.server.components[1] = b"LAB".to_vec()),
    request("krbtgt in lower case", |request| request.server.components[1] = b"lab.example".to_vec()),
    request("the realm in lower case", |request| request.server.realm = b"lab.example".to_vec()),
    request("the NetBIOS name as realm", |request| request.server.realm = b"LAB".to_vec()),
    request("another realm", |request| request.server.realm = b"OTHER.EXAMPLE".to_vec()),
    request("addresses", |request| {
        request.addresses = vec![Address { addr_type: 20, octets: b"WS1             ".to_vec() }];
    }),
    request("no PA-PAC-OPTIONS", |request| request.pac_options = None),
    request("PA-PAC-OPTIONS of claims", |request| {
        request.pac_options = Some(pac_options::CLAIMS | pac_options::BRANCH_AWARE);
    }),
    request("a key list", |request| request.key_list = Some(vec![23])),
    request("PA-FOR-USER", |request| request.more_padata.push((pa_type::FOR_USER, vec![0x30, 0]))),
    request("no padata", |request| {
        request.presents_ticket = false;
        request.pac_options = None;
    }),
    request("no PA-TGS-REQ", |request| request.presents_ticket = false),
    request("an additional ticket", |request| {
        request.additional_tickets = vec![request.credential.ticket.clone()];
    }),
    request("FX-FAST-ARMOR", |request| request.more_padata.push((pa_type::FX_FAST_ARMOR, vec![0x30, 0]))),

    // FAST.
    armored("FAST", |_| {}),
    armored("FAST with a subkey of AES128", |request| request.arm(SessionKey::aes128(&[0x5b; 16]), [4; 16]).unwrap()),
    armored("FAST that hides the client", |request| fast(request).options = fast_options::HIDE_CLIENT_NAMES),
    armored("FAST with an option that need not be known", |request| fast(request).options = 0x0000_8000),
    armored("FAST with an unknown critical option", |request| fast(request).options = 0x2000_0000),
    armored("FAST without a subkey", |request| request.subkey = None),
    armored("FAST under another key", |request| fast(request).key = SessionKey::aes256(&[9; 32])),
    armored("FAST that does not decode", |request| fast(request).sealed = Some(vec![0x30, 0])),
    armored("FAST with a checksum without a key", |request| fast(request).checksum = BodyChecksum::RsaMd5),
    armored("FAST with another checksum", |request| fast(request).checksum = BodyChecksum::Other(16, vec![0; 12])),
    armored("FAST and the sign of it", |request| request.authenticator_data = Some(fast_used())),
    request("the sign of FAST without it", |request| request.authenticator_data = Some(fast_used())),
    request("PA-FX-FAST of nothing", |request| request.more_padata.push((pa_type::FX_FAST, Vec::new()))),
    armored("FAST and till inside alone", |request| {
        leave_the_outside(request);
        request.till = later(request.ctime, 3600);
        request.etypes = vec![17];
    }),
    armored("FAST without sname inside", |request| {
        leave_the_outside(request);
        request.names_server = false;
    }),
    armored("FAST for another realm inside", |request| {
        leave_the_outside(request);
        request.server.realm = b"OTHER.EXAMPLE".to_vec();
    }),
    armored("FAST with another nonce outside", |request| {
        leave_the_outside(request);
        request.nonce = WireInt::unsigned(request.nonce.as_u32() ^ 1);
    }),
    armored("FAST for a service inside", |request| {
        leave_the_outside(request);
        request.server.components = vec![b"ldap".to_vec(), b"127.0.0.10".to_vec()];
    }),
    armored("FAST and renewal inside", |request| {
        leave_the_outside(request);
        request.kdc_options |= kdc_options::RENEW;
    }),
    armored("FAST and PA-FOR-USER inside", |request| inside(request, pa_type::FOR_USER, &[0x30, 0])),
    armored("FAST and FX-FAST-ARMOR inside", |request| inside(request, pa_type::FX_FAST_ARMOR, &[0x30, 0])),
    armored("FAST in FAST", |request| inside(request, pa_type::FX_FAST, &[0x30, 0])),
    armored("FAST and 40 padata inside", |request| fast(request).padata = Some(vec![(149, Vec::new()); 40])),
    armored("FAST with armour of an unknown type", |request| fast(request).armor = Some((4711, b"?".to_vec()))),
    armored("two PA-FX-FAST", |request| {
        fast(request).padata = Some(Vec::new());
        request.more_padata.push((pa_type::FX_FAST, vec![0x30, 0]));
    }),
    Case { user: "denied", ..armored("FAST, denied", |_| {}) },
    Case { user: "unlisted", ..armored("FAST, on neither list", |_| {}) },
    Case { user: "disabled", ..armored("FAST, disabled", |_| {}) },
    Case { user: "password_expired", ..armored("FAST, password expired", |_| {}) },
    Case { ticket: |ticket, _| ticket.pac.requestor = None, ..armored("FAST, no PAC_REQUESTOR", |_| {}) },
    Case { octets: |octets| octets.push(0), ..of("an octet behind the request", "alice") },
];

impl Case {
    /// The body asks for krbtgt as ever, whatever the ticket is for.
    const fn for_krbtgt(mut self) -> Self {
        self.request = |request| request.server = Principal::krbtgt("LAB.EXAMPLE");
        self
    }
}

fn fast<'r>(request: &'r mut Exchange<'_>) -> &'r mut Fast {
    request.fast.as_mut().unwrap()
}

/// The body outside of the armour stays as it is now.
fn leave_the_outside(request: &mut Exchange<'_>) {
    fast(request).outer_body = Some(request.body().unwrap());
}

/// The only padata in the armour.
fn inside(request: &mut Exchange<'_>, kind: i32, value: &[u8]) {
    fast(request).padata = Some(vec![(kind, value.to_vec())]);
}

/// AD-fx-fast-used, in authorization data that need not be understood.
fn fast_used() -> Vec<u8> {
    let used = [AuthorizationElement { ad_type: ad_type::FX_FAST_USED, data: &[] }];
    let used = AuthorizationData::of(&used).to_der();
    let if_relevant = [AuthorizationElement { ad_type: ad_type::IF_RELEVANT, data: &used }];
    AuthorizationData::of(&if_relevant).to_der()
}

fn set_name(ticket: &mut PartialTgt<'_>, name: &[u8]) {
    ticket.client.components = vec![name.to_vec()];
    ticket.pac.client_info.as_mut().unwrap().name = String::from_utf8_lossy(name).into_owned();
}

/// Another account of the lab's domain that its list does not have.
fn rename(ticket: &mut PartialTgt<'_>, lab: &Lab, name: &[u8], rid: u32) {
    set_name(ticket, name);
    ticket.pac.requestor = Some(format!("{}-{rid}", lab.domain_sid).parse().unwrap());
}

fn change_kvno(ticket: &mut PartialTgt<'_>, version: u32) {
    ticket.kvno = ticket.kvno.map(|kvno| WireInt::signed(kvno.as_u32() & 0xffff_0000 | version));
}

fn times(ticket: &mut PartialTgt<'_>, authtime: i64, endtime: i64) {
    let now = ticket.times.authtime;
    ticket.set_times(later(now, authtime), later(now, endtime));
}

fn logon_info<'t>(ticket: &'t mut PartialTgt<'_>) -> &'t mut pac::LogonInfo {
    ticket.pac.logon_info.as_mut().unwrap()
}

/// A key that nobody has.
fn stray() -> &'static BranchKey {
    static KEY: std::sync::LazyLock<BranchKey> = std::sync::LazyLock::new(|| {
        let key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[0xee; 32]).unwrap();
        BranchKey::new(30_775 << 16 | 1, &key)
    });
    &KEY
}

/// The last octet of the message's first ticket, `61 82 LENGTH`, which ends its cipher.
fn flip_ticket(octets: &mut [u8]) {
    let ticket = octets.windows(2).position(|window| window == [0x61, 0x82]).expect("a ticket");
    let length = usize::from(u16::from_be_bytes([octets[ticket + 2], octets[ticket + 3]]));
    octets[ticket + 3 + length] ^= 1;
}
