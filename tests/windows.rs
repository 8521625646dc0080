//! Against what Windows wrote: `tests/vectors`, each folder with its origin.
//!
//! The PAC of Windows Server 2022 is rebuilt to its last octet; every message, ticket, authenticator and PAC decodes,
//! opens, verifies and is written again in the same octets; a captured client is served; and the TGT of a real
//! read-only domain controller, which is what an exchanger is given, goes through the whole pipeline.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kdc::client::inspect::OpenedPac;
use kdc::client::keys::all_keys;
use kdc::client::mint::{PartialPac, with_pacs};
use kdc::client::request::Exchange;
use kdc::client::{self, BranchKey, Credential, SessionKey, Times};
use kdc::directory::{Principal, SidHistory, Tree, ViewRules};
use kdc::exchange::{self, Domain, Domains, Issued, Refusal, Rejected, Snapshot, Timestamp};
use kdc::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, MacKey, md5};
use kdc::krb::der::Der;
use kdc::krb::keys::{DomainKeys, Rc4};
use kdc::krb::keytab::{Entry, Keytab};
use kdc::krb::messages::{
    ApReq, Authenticator, AuthorizationData, Checksum, EncKdcRepPart, EncTicketPart, EncryptedData, KdcRep,
    KdcReq, KdcReqBody, KerberosTime, KrbError, PaData, PaDatas, RequestType, Ticket, WireInt, kdc_options,
    pa_type, ticket_flags,
};
use pac::{BufferType, FileTime, Pac, SignatureType};
use tgtx_tests::scene::{default_rules, entropy, keytab_entry};

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("vectors/", $name)).as_slice()
    };
}

const KEYTAB_2022: &[u8] = vector!("windows-server-2022/keytab");
const LDIF_2022: &str = include_str!("vectors/windows-server-2022/testuser.ldif");
const PAC_2022: &[u8] = vector!("windows-server-2022/tgt-pac.bin");
const KRBTGT_REQUEST_2022: &[u8] = vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin");
const CIFS_REQUEST_2022: &[u8] = vector!("windows-server-2022/tgs-req-cifs.bin");
const KEYS_2019: &str = include_str!("vectors/windows-2019/keys.json");
const KEYS_RODC: &str = include_str!("vectors/windows-rodc-2021/keys.json");
const TGT_RODC: &[u8] = vector!("windows-rodc-2021/tgt_rodc.bin");

/// Octets of a key in a `keys.json`.
fn key_octets(json: &str, name: &str) -> Vec<u8> {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let hex = json[name].as_str().expect("a key of that name");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..][..2], 16).unwrap()).collect()
}

fn aes256(octets: &[u8]) -> EncryptionKey {
    EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, octets).unwrap()
}

fn lab_key(json: &str, name: &str) -> BranchKey {
    BranchKey::new(0, &aes256(&key_octets(json, name)))
}

/// The domain's krbtgt key of the 2022 capture.
fn krbtgt_2022() -> BranchKey {
    let keytab = Keytab::parse(KEYTAB_2022).unwrap();
    let of_krbtgt = |entry: &&Entry| entry.components[0] == b"krbtgt" && entry.etype == 18;
    let entry = keytab.entries().iter().find(of_krbtgt).expect("krbtgt's AES256 key");
    BranchKey::new(entry.kvno, &aes256(&entry.key))
}

/// A ticket opened with whichever of the keys fits: its part, and that key.
fn open_ticket<'k>(ticket: &Ticket<'_>, keys: &'k [BranchKey]) -> (Vec<u8>, &'k BranchKey) {
    keys.iter()
        .filter(|key| key.etype().as_i32() == ticket.enc_part.etype)
        .find_map(|key| Some((key.open_ticket(ticket.enc_part.cipher).ok()?.to_vec(), key)))
        .expect("a key that opens the ticket")
}

fn same_octets<'a, T: Der<'a>>(octets: &'a [u8], what: &str) -> T
where
    T::Encoded: AsRef<[u8]>,
{
    let value = T::parse(octets).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(value.to_der().as_ref(), octets, "{what}");
    value
}

/// The PAC in a ticket's part, and everything in it written again.
fn pac_of(part: &EncTicketPart<'_>, what: &str) -> Vec<u8> {
    let data = part.authorization_data.expect("authorization data");
    let octets = data.pacs().unwrap().only().expect("one PAC").to_vec();
    let pac = Pac::parse(&octets).unwrap();
    let buffers: Vec<_> = pac.buffers().iter().map(|buffer| (buffer.kind, buffer.contents)).collect();
    assert_eq!(pac::lay_out(&buffers).unwrap(), octets, "{what}");
    octets
}

// The first thing that must be shown: bit-exact Windows.

#[test]
fn the_pac_of_windows_server_2022_is_rebuilt_from_attributes_authtime_and_key() {
    let krbtgt = krbtgt_2022();
    let as_rep = KdcRep::parse(vector!("windows-server-2022/as-rep.bin")).unwrap();
    let (part, _) = open_ticket(&as_rep.ticket, std::slice::from_ref(&krbtgt));
    let part = EncTicketPart::parse(&part).unwrap();
    assert_eq!(part.authtime.to_string(), "2025-07-18T16:22:24Z");
    assert_eq!(pac_of(&part, "as-rep"), PAC_2022);

    let authtime = FileTime::from_unix_seconds(part.authtime.unix_seconds());
    let tree = Tree::parse(LDIF_2022).unwrap();
    let view = tree.view(&ViewRules::default()).unwrap();
    let sid = view.domain_sid.with_rid(1107).unwrap();
    let entry = tree.find(&sid, authtime).unwrap().unwrap();
    let testuser = Principal::from_entry(&entry, &view, SidHistory::Omit, authtime).unwrap();
    let mut rebuilt = Vec::new();
    let mac = |octets: &[u8]| krbtgt.pac_key().mac(octets);
    testuser.pac.compose(authtime, "testuser", SignatureType::HmacSha1Aes256, &mac, &mut rebuilt).unwrap();
    assert_eq!(rebuilt, PAC_2022);
}

// Every message, ticket, authenticator and PAC.

#[test]
fn the_messages_of_windows_server_2022_open_and_are_written_again() {
    let keys = all_keys(&Keytab::parse(KEYTAB_2022).unwrap());
    for (name, octets) in [
        ("as-req-no-preauth", vector!("windows-server-2022/as-req-no-preauth.bin")),
        ("as-req", vector!("windows-server-2022/as-req.bin")),
        ("tgs-req-cifs", CIFS_REQUEST_2022),
        ("tgs-req-krbtgt-forwarded", KRBTGT_REQUEST_2022),
    ] {
        request_opens(name, octets, &keys);
    }
    for (name, octets) in [
        ("as-rep", vector!("windows-server-2022/as-rep.bin")),
        ("tgs-rep-cifs", vector!("windows-server-2022/tgs-rep-cifs.bin")),
        ("tgs-rep-krbtgt-forwarded", vector!("windows-server-2022/tgs-rep-krbtgt-forwarded.bin")),
    ] {
        reply_opens(name, octets, &keys, &krbtgt_2022());
    }
    let error = vector!("windows-server-2022/krb-error-preauth-required.bin");
    same_octets::<KrbError<'_>>(error, "krb-error");
}

#[test]
fn the_messages_of_the_older_windows_open_and_are_written_again() {
    let krbtgt = || lab_key(KEYS_2019, "krbtgt/CORP.IDENTITYINTERVENTION.COM aes256 kvno 2");
    for (name, octets) in [
        ("host-app03", vector!("windows-2019/msg-tgs-req-testuser-host-app03.bin")),
        ("krbtgt-renew", vector!("windows-2019/msg-tgs-req-testuser-krbtgt-renew.bin")),
    ] {
        request_opens(name, &octets[4..], &[krbtgt()]);
    }
    for (name, octets) in [
        ("as-rep", vector!("windows-2019/msg-as-rep.bin")),
        ("krbtgt-renew", vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin")),
    ] {
        reply_opens(name, &octets[4..], &[krbtgt()], &krbtgt());
    }
    // A service ticket under RC4, whose key is not among the captured ones.
    same_octets::<KdcRep<'_>>(
        &vector!("windows-2019/msg-tgs-rep-testuser-host-app03.bin")[4..],
        "host-app03",
    );

    let user = aes256(&key_octets(KEYS_2019, "testuser aes256 (from the password in the tests)"));
    let session = aes256(&key_octets(
        KEYS_2019,
        "session of the TGT in msg-as-rep (also presented in the testuser requests)",
    ));
    let parts: [(&[u8], &EncryptionKey, KeyUsage); 3] = [
        (vector!("windows-2019/msg-as-rep.bin"), &user, KeyUsage::AsRepEncPart),
        (vector!("windows-2019/msg-tgs-rep-testuser-krbtgt-renew.bin"), &session, KeyUsage::TgsRepSessionKey),
        (vector!("windows-2019/msg-tgs-rep-testuser-host-app03.bin"), &session, KeyUsage::TgsRepSessionKey),
    ];
    for (octets, key, usage) in parts {
        let reply = KdcRep::parse(&octets[4..]).unwrap();
        let plain = CipherKey::new(key, usage).open(reply.enc_part.cipher).unwrap();
        same_octets::<EncKdcRepPart<'_>>(&plain, "encrypted part of a reply");
    }
    let pac = vector!("windows-2019/as-rep.pac.bin");
    let opened = OpenedPac::read(pac, &krbtgt()).unwrap();
    assert!(opened.server_signature.holds && opened.kdc_signature.holds);
    assert_eq!(pac, vector!("windows-2019/tgs-rep-testuser-krbtgt-renew.pac.bin"));
}

/// A request; for a TGS-REQ its ticket, its authenticator and the checksum in that too.
fn request_opens(name: &str, octets: &[u8], keys: &[BranchKey]) {
    let request = KdcReq::parse(octets).unwrap();
    assert_eq!(request.to_der(), octets, "{name}");
    let Some(ap_req) = request.padata.and_then(|padata| padata.of_kind(pa_type::TGS_REQ).next()) else {
        assert_eq!(request.msg_type, RequestType::AsReq);
        return;
    };
    let ap_req = same_octets::<ApReq<'_>>(ap_req, name);
    let (part, _) = open_ticket(&ap_req.ticket, keys);
    let part = same_octets::<EncTicketPart<'_>>(&part, name);
    let session_key = CipherKey::new(&aes256(part.key.value), KeyUsage::TgsReqAuthenticator);
    let plain = session_key.open(ap_req.authenticator.cipher).unwrap();
    let authenticator = same_octets::<Authenticator<'_>>(&plain, name);
    let checksum = authenticator.cksum.expect("a checksum");
    assert_eq!(checksum.kind, 7, "{name}");
    assert!(kdc::krb::crypto::md5_matches(request.body_der(), checksum.value), "{name}");
    assert!(authenticator.subkey.is_none(), "{name}");
    assert_eq!(authenticator.seq_number, Some(request.body().nonce), "{name}");
}

/// A reply, its ticket and that ticket's PAC, signed by the service and by krbtgt.
fn reply_opens(name: &str, octets: &[u8], keys: &[BranchKey], krbtgt: &BranchKey) {
    let reply = same_octets::<KdcRep<'_>>(octets, name);
    let (part, key) = open_ticket(&reply.ticket, keys);
    let part = same_octets::<EncTicketPart<'_>>(&part, name);
    let octets = pac_of(&part, name);
    let pac = Pac::parse(&octets).unwrap();
    let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
    assert!(key.pac_verifier().verify(&pac.unsigned(), server.mac), "{name}: server signature");
    assert!(krbtgt.pac_verifier().verify(server.mac, kdc.mac), "{name}: KDC signature");
}

/// Both domain controllers sign with two types: AES over the PAC, HMAC-MD5 under krbtgt's RC4 key over that.
#[test]
fn the_tickets_of_2021_open_verify_and_are_written_again() {
    let aes = |name: &str| key_octets(KEYS_RODC, name);
    let rc4 = |name: &str| MacKey::rc4_hmac(&aes(name).try_into().unwrap(), KeyUsage::PacSignature);
    let tickets = [
        (
            "tgt_rodc",
            TGT_RODC,
            vector!("windows-rodc-2021/tgt_rodc.pac.bin"),
            "rodc_tgt_key",
            "rodc_tgt_pac_key",
        ),
        (
            "tgt_ticket",
            vector!("windows-rodc-2021/tgt_ticket.bin"),
            vector!("windows-rodc-2021/tgt_ticket.pac.bin"),
            "rwdc_tgt_key",
            "rwdc_tgt_pac_key",
        ),
    ];
    for (name, octets, pac, key, pac_key) in tickets {
        let ticket = same_octets::<Ticket<'_>>(octets, name);
        let key = BranchKey::new(1, &aes256(&aes(key)));
        let (part, _) = open_ticket(&ticket, std::slice::from_ref(&key));
        let part = same_octets::<EncTicketPart<'_>>(&part, name);
        assert_eq!(pac_of(&part, name), pac, "{name}");
        let pac = Pac::parse(pac).unwrap();
        let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
        assert_eq!(
            (server.kind, kdc.kind),
            (SignatureType::HmacSha1Aes256, SignatureType::HmacMd5),
            "{name}"
        );
        assert!(key.pac_verifier().verify(&pac.unsigned(), server.mac), "{name}");
        assert!(rc4(pac_key).verify(server.mac, kdc.mac), "{name}");
        let identifier = (name == "tgt_rodc").then_some(46_673);
        assert_eq!((server.rodc_identifier, kdc.rodc_identifier), (None, identifier), "{name}");
    }
    let services = [
        (
            "service_rodc",
            vector!("windows-rodc-2021/service_rodc.bin"),
            vector!("windows-rodc-2021/service_rodc.pac.bin"),
            "rodc_tgt_pac_key",
        ),
        (
            "service_ticket",
            vector!("windows-rodc-2021/service_ticket.bin"),
            vector!("windows-rodc-2021/service_ticket.pac.bin"),
            "rwdc_tgt_pac_key",
        ),
    ];
    for (name, octets, pac, krbtgt) in services {
        same_octets::<Ticket<'_>>(octets, name);
        let pac = Pac::parse(pac).unwrap();
        let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
        assert!(rc4(krbtgt).verify(server.mac, kdc.mac), "{name}: KDC signature");
        assert!(pac.buffer(BufferType::TICKET_CHECKSUM).is_some(), "{name}");
    }
}

// Through the pipeline.

/// A domain of which the keytab and the objects are known.
struct Site {
    tree: Tree,
    domains: Domains,
    now: Timestamp,
}

impl Site {
    fn new(ldif: &str, realm: &str, keytab: Vec<Entry>, now: &str) -> Self {
        let tree = Tree::parse(ldif).unwrap();
        let view = tree.view(&ViewRules::default()).unwrap();
        let keys = DomainKeys::from_keytabs(realm, &[("keytab", Keytab::new(keytab))], Rc4::Refused).unwrap();
        let domain = Domain {
            realm: realm.into(),
            user_keys: None,
            keys: Arc::new(keys),
            rules: default_rules(),
            netbios_name: None,
            directory: Some(Arc::new(view)),
        };
        let now = Timestamp { seconds: time(now), microseconds: 0 };
        Self { tree, domains: Domains::new(vec![Arc::new(domain)]), now }
    }

    fn exchange(&self, octets: &[u8]) -> Result<Issued, Rejected> {
        let snapshot = Snapshot { now: self.now, source: [192, 0, 2, 7].into(), domains: &self.domains };
        let now = FileTime::from_unix_seconds(self.now.seconds.unix_seconds());
        let view = self.domains.iter().next().unwrap().directory.clone().unwrap();
        let account = std::cell::OnceCell::new();
        let find = |sid: &pac::Sid| {
            let read = || {
                let entry = self.tree.find(sid, now).unwrap()?;
                Some(Principal::from_entry(&entry, &view, SidHistory::Omit, now).unwrap())
            };
            account.get_or_init(read).as_ref()
        };
        exchange::exchange(octets, &snapshot, find, &entropy())
    }
}

/// `YYYYMMDDHHMMSSZ`
fn time(text: &str) -> KerberosTime {
    let octets = [&[0x18, 15], text.as_bytes()].concat();
    KerberosTime::parse(&octets).unwrap()
}

/// A branch beside the captured domain, and the lists it needs.
const BRANCH_OF_2022: &str = "
dn: CN=krbtgt_AzureAD,CN=Users,DC=aforest,DC=ad
objectClass: user
objectSid: S-1-5-21-3661267520-3940350627-3661189989-1501
sAMAccountName: krbtgt_30775
msDS-SecondaryKrbTgtNumber: 30775

dn: CN=AzureADKerberos,OU=Domain Controllers,DC=aforest,DC=ad
objectClass: computer
objectSid: S-1-5-21-3661267520-3940350627-3661189989-1502
msDS-KrbTgtLink: CN=krbtgt_AzureAD,CN=Users,DC=aforest,DC=ad
msDS-NeverRevealGroup: <SID=S-1-5-32-544>;CN=Administrators,CN=Builtin,DC=aforest,DC=ad
msDS-RevealOnDemandGroup: CN=Domain Users,CN=Users,DC=aforest,DC=ad
userAccountControl: 83890176
";

/// The captured domain with that branch, at the moment the captured client asked for a TGT.
fn site_2022() -> Site {
    let mut keytab: Vec<Entry> = Vec::new();
    keytab.push(keytab_entry("AFOREST.AD", &["krbtgt_AzureAD"], BRANCH.kvno(), 18, &[0xb5; 32]));
    for entry in Keytab::parse(KEYTAB_2022).unwrap().entries() {
        let components: Vec<&str> =
            entry.components.iter().map(|octets| std::str::from_utf8(octets).unwrap()).collect();
        keytab.push(keytab_entry("AFOREST.AD", &components, entry.kvno, entry.etype, &entry.key));
    }
    let captured = KdcReq::parse(KRBTGT_REQUEST_2022).unwrap();
    let asked = Captured::of(&captured).authenticator().ctime.to_string();
    let asked: String =
        asked.chars().filter(char::is_ascii_alphanumeric).filter(|octet| *octet != 'T').collect();
    Site::new(&format!("{LDIF_2022}{BRANCH_OF_2022}"), "AFOREST.AD", keytab, &asked)
}

static BRANCH: LazyLock<BranchKey> = LazyLock::new(|| BranchKey::new(30_775 << 16 | 5, &aes256(&[0xb5; 32])));

/// What a captured TGS-REQ presents, opened.
struct Captured<'a> {
    ap_req: ApReq<'a>,
    ticket_part: Vec<u8>,
    authenticator: Vec<u8>,
}

impl<'a> Captured<'a> {
    fn of(request: &KdcReq<'a>) -> Self {
        let ap_req = ApReq::parse(request.padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap()).unwrap();
        let (ticket_part, _) = open_ticket(&ap_req.ticket, &[krbtgt_2022()]);
        let mut captured = Self { ap_req, ticket_part, authenticator: Vec::new() };
        captured.authenticator = captured.session_key().open(ap_req.authenticator.cipher).unwrap().to_vec();
        captured
    }

    fn part(&self) -> EncTicketPart<'_> {
        EncTicketPart::parse(&self.ticket_part).unwrap()
    }

    fn session_key(&self) -> CipherKey {
        CipherKey::new(&aes256(self.part().key.value), KeyUsage::TgsReqAuthenticator)
    }

    fn authenticator(&self) -> Authenticator<'_> {
        Authenticator::parse(&self.authenticator).unwrap()
    }

    /// The captured TGT under a branch key in place of the domain's: what Entra would have given this client.
    /// Session key, names, times and flags stay, and so the captured authenticator stays good.
    fn partial_tgt(&self) -> Vec<u8> {
        let part = self.part();
        let sid = "S-1-5-21-3661267520-3940350627-3661189989-1107".parse().unwrap();
        let pac = PartialPac::new(&BRANCH, "AFOREST.AD", "testuser", sid, part.authtime).encode().unwrap();
        let data = with_pacs(&[&pac]);
        let part =
            EncTicketPart { authorization_data: AuthorizationData::parse(&data).ok(), ..part }.to_der();
        let mut cipher = Vec::new();
        BRANCH.seal_ticket(&[1; 16], &part, &mut cipher);
        let kvno = Some(WireInt::signed(BRANCH.kvno()));
        Ticket { enc_part: EncryptedData { etype: 18, kvno, cipher: &cipher }, ..self.ap_req.ticket }.to_der()
    }
}

/// The captured request with the partial TGT in it, this body and this authenticator.
fn with_partial_tgt(request: &KdcReq<'_>, body: &[u8], authenticator: EncryptedData<'_>) -> Vec<u8> {
    let captured = Captured::of(request);
    let ticket = captured.partial_tgt();
    let ap_req = ApReq { ticket: Ticket::parse(&ticket).unwrap(), authenticator, ..captured.ap_req }.to_der();
    let padata: Vec<PaData<'_>> = request
        .padata
        .unwrap()
        .iter()
        .map(
            |padata| {
                if padata.kind == pa_type::TGS_REQ { PaData { value: &ap_req, ..padata } } else { padata }
            },
        )
        .collect();
    KdcReq::new(request.msg_type, Some(PaDatas::of(&padata)), body).unwrap().to_der()
}

fn reason(outcome: Result<Issued, Rejected>) -> Refusal {
    match outcome {
        Err(Rejected::NotOurs(refused) | Rejected::Refused(refused)) => refused.why.reason,
        other => panic!("{other:?}"),
    }
}

/// No captured request is one for an exchange, so each is refused before its ticket is opened.
#[test]
fn captured_requests_are_told_from_an_exchange() {
    let site = site_2022();
    for (octets, expected) in
        [(KRBTGT_REQUEST_2022, Refusal::KdcOption), (CIFS_REQUEST_2022, Refusal::ServiceTicket)]
    {
        assert_eq!(reason(site.exchange(octets)), Refusal::NotPartial, "with the domain's own TGT");
        let request = KdcReq::parse(octets).unwrap();
        let captured = Captured::of(&request);
        let with_partial = with_partial_tgt(&request, request.body_der(), captured.ap_req.authenticator);
        assert_eq!(reason(site.exchange(&with_partial)), expected);
    }
}

/// The captured client asks for a *forwarded* TGT, which no exchange gives. Its request without that one bit is one:
/// its authenticator, sealed as captured, then opens, names the client in time, and fails by the checksum alone,
/// which covers that bit; with the sixteen octets of the new checksum in it, and everything else as captured
/// (rsa-md5, no subkey, a seq-number), it is granted. The full TGT's PAC is the one Windows issued.
#[test]
fn the_captured_client_is_served() {
    let site = site_2022();
    let request = KdcReq::parse(KRBTGT_REQUEST_2022).unwrap();
    let captured = Captured::of(&request);
    let body =
        KdcReqBody { kdc_options: request.body().kdc_options & !kdc_options::FORWARDED, ..*request.body() };
    let body = body.to_der();

    let as_captured = with_partial_tgt(&request, &body, captured.ap_req.authenticator);
    assert_eq!(reason(site.exchange(&as_captured)), Refusal::ChecksumMismatch);

    let checksum = md5(&body);
    let authenticator = captured.authenticator();
    let authenticator =
        Authenticator { cksum: Some(Checksum { kind: 7, value: &checksum }), ..authenticator };
    let mut cipher = Vec::new();
    captured.session_key().seal(&[2; 16], &authenticator.to_der(), &mut cipher);
    let sealed = EncryptedData { cipher: &cipher, ..captured.ap_req.authenticator };
    let issued = site.exchange(&with_partial_tgt(&request, &body, sealed)).unwrap();

    let reply = KdcRep::parse(&issued.reply).unwrap();
    assert_eq!(reply.ticket.enc_part.kvno.map(WireInt::as_u32), Some(2));
    let (part, _) = open_ticket(&reply.ticket, &[krbtgt_2022()]);
    let part = EncTicketPart::parse(&part).unwrap();
    assert_eq!(pac_of(&part, "the full TGT"), PAC_2022);
    // As Windows' answer to the same client, whose options asked for no more than this one's flags.
    let windows = KdcRep::parse(vector!("windows-server-2022/tgs-rep-krbtgt-forwarded.bin")).unwrap();
    let (theirs, _) = open_ticket(&windows.ticket, &[krbtgt_2022()]);
    let theirs = EncTicketPart::parse(&theirs).unwrap();
    assert_eq!(part.flags, theirs.flags & !ticket_flags::FORWARDED);
    assert_eq!((part.cname, part.crealm), (theirs.cname, theirs.crealm));
    assert_eq!(
        (part.authtime, part.endtime, part.renew_till),
        (theirs.authtime, theirs.endtime, theirs.renew_till)
    );
    assert_eq!(part.transited, theirs.transited);
}

const LDIF_2021: &str = "\
dn: DC=acme,DC=com
objectClass: domainDNS
objectSid: S-1-5-21-1-2-3
objectGUID: 5f0c7a1e-2d43-4b86-9f10-c3a4e5b6d788
minPwdAge: 0
maxPwdAge: 0
forceLogoff: 0

dn: CN=ACME,CN=Partitions,CN=Configuration,DC=acme,DC=com
objectClass: crossRef
nCName: DC=acme,DC=com
dnsRoot: acme.com
nETBIOSName: ACME

dn: CN=DC1,OU=Domain Controllers,DC=acme,DC=com
objectClass: computer
userAccountControl: 532480
dNSHostName: dc1.acme.com
";

/// What the RODC's TGT comes to `seconds` after it was issued, with an RC4 key of this octet or the real one.
fn exchange_of_rodc_tgt(seconds: u64, rc4: Option<&[u8]>) -> Refusal {
    let key = key_octets(KEYS_RODC, "rodc_tgt_key");
    let kvno = 46_673 << 16 | 1;
    let mut keytab = vec![
        keytab_entry("ACME.COM", &["krbtgt", "ACME.COM"], 2, 18, &[0xd2; 32]),
        keytab_entry("ACME.COM", &["krbtgt_46673"], kvno, 18, &key),
    ];
    keytab.extend(rc4.map(|rc4| keytab_entry("ACME.COM", &["krbtgt_46673"], kvno, 23, rc4)));

    let ticket = Ticket::parse(TGT_RODC).unwrap();
    let (part, _) = open_ticket(&ticket, &[BranchKey::new(kvno, &aes256(&key))]);
    let part = EncTicketPart::parse(&part).unwrap();
    let credential = Credential {
        client: client::Principal::from_wire(part.crealm, &part.cname),
        server: client::Principal::from_wire(ticket.realm, &ticket.sname),
        key: SessionKey::from_wire(&part.key),
        times: Times {
            authtime: part.authtime,
            starttime: part.starttime,
            endtime: part.endtime,
            renew_till: part.renew_till,
        },
        flags: part.flags,
        addresses: Vec::new(),
        ticket: TGT_RODC.to_vec(),
    };
    let now = part.authtime.saturating_add(Duration::from_secs(seconds));
    let request = Exchange::new(&credential, now, 7, [5; 16]).encode().unwrap();
    let mut site = Site::new(LDIF_2021, "ACME.COM", keytab, "20210815000000Z");
    site.now.seconds = now;
    reason(site.exchange(&request))
}

/// It dates from before PAC_REQUESTOR, so it is refused for that alone: opened by its negative kvno, both
/// signatures verified, the one with the RC4 key where that is loaded.
#[test]
fn the_tgt_of_a_real_rodc_is_opened_verified_and_refused_for_its_age() {
    let rc4 = key_octets(KEYS_RODC, "rodc_tgt_pac_key");
    assert_eq!(exchange_of_rodc_tgt(60, Some(&rc4)), Refusal::RequestorMissing);
    assert_eq!(exchange_of_rodc_tgt(60, None), Refusal::RequestorMissing);
    assert_eq!(Refusal::RequestorMissing.code(), 20);
    assert_eq!(exchange_of_rodc_tgt(60, Some(&[1; 16])), Refusal::PacSignature);
    assert_eq!(exchange_of_rodc_tgt(30 * 86_400, Some(&rc4)), Refusal::TicketExpired);
}
