//! Captured clients and tickets, through the whole pipeline.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kdc::client::mint::{PartialPac, with_pacs};
use kdc::client::request::Exchange;
use kdc::client::{self, BranchKey, Credential, SessionKey, Times};
use kdc::directory::{Principal, SidHistory, Tree, ViewRules};
use kdc::exchange::{self, Domain, Domains, Issued, Refusal, Rejected, Snapshot, Timestamp};
use kdc::krb::crypto::{CipherKey, KeyUsage, md5};
use kdc::krb::der::Der;
use kdc::krb::keys::{DomainKeys, Rc4};
use kdc::krb::keytab::{Entry, Keytab};
use kdc::krb::messages::{
    ApReq, Authenticator, AuthorizationData, Checksum, EncTicketPart, EncryptedData, KdcRep, KdcReq,
    KdcReqBody, KerberosTime, PaData, PaDatas, Ticket, WireInt, kdc_options, pa_type, ticket_flags,
};
use pac::FileTime;
use tgtx_tests::scene::{default_rules, entropy, keytab_entry};

use super::{
    CIFS_REQUEST_2022, KEYS_RODC, KEYTAB_2022, KRBTGT_REQUEST_2022, LDIF_2022, PAC_2022, TGT_RODC, aes256,
    key_octets, krbtgt_2022, open_ticket, pac_of,
};

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
        times: Times::from(&part),
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
