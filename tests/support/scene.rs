//! One exchange with everything it depends on, so that a test changes one thing and looks at what comes of it.
//!
//! [`Scene::new`] is a good request: alice of `domain.ldif`, AES256, the client as Windows is. Each method takes
//! the scene and gives it back with one thing changed; [`Scene::run`] puts it through `kdc::exchange`.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use kdc::client::fast::Fast;
use kdc::client::inspect::{OpenedPac, OpenedTicket};
use kdc::client::mint::PartialTgt;
use kdc::client::reply::{Granted, Outcome};
use kdc::client::request::Exchange;
use kdc::client::{BranchKey, Credential, SessionKey};
use kdc::directory::{DenyGroup, DirectoryView, Principal, SidHistory, Tree, ViewRules, is_account};
use kdc::exchange::{
    self, AllowedKinds, Domain, Domains, Entropy, Issued, Refusal, Rejected, Snapshot, TicketRules,
    Timestamp, UserKeys,
};
use kdc::krb::crypto::{EncryptionKey, EncryptionType, KeyUsage, MacKey};
use kdc::krb::keys::{DomainKeys, Rc4};
use kdc::krb::keytab::{Entry, Keytab};
use kdc::krb::messages::{KerberosTime, name_type};
use pac::{FileTime, Sid};
use zeroize::Zeroizing;

use crate::device;

/// The realm of `domain.ldif`.
pub const REALM: &str = "LAB.EXAMPLE";
/// Its branch.
pub const BRANCH: u16 = 30_775;
/// 2027-01-15T08:00:00Z, a Friday: the clock of every scene unless it is set.
pub const NOW: i64 = 1_800_000_000;
/// The nonce of every request unless it is set.
pub const NONCE: u32 = 0x2451_34c8;

const LDIF: &str = include_str!("domain.ldif");
const DOMAIN_SID: &str = "S-1-5-21-2718281828-3141592653-1618033988";

/// kvno of the branch's current and previous key: [`BRANCH`] above the version.
pub const BRANCH_KVNO: u32 = 30_775 << 16 | 5;
/// See [`BRANCH_KVNO`].
pub const OLD_BRANCH_KVNO: u32 = 30_775 << 16 | 4;
/// kvno of the domain's krbtgt key.
pub const KRBTGT_KVNO: u32 = 2;

/// The branch's current key.
pub static BRANCH_KEY: LazyLock<BranchKey> = LazyLock::new(|| aes256(BRANCH_KVNO, 0xb5));
/// The branch's previous key.
pub static OLD_BRANCH_KEY: LazyLock<BranchKey> = LazyLock::new(|| aes256(OLD_BRANCH_KVNO, 0xb4));
/// The branch's current AES128 key.
pub static BRANCH_KEY_128: LazyLock<BranchKey> = LazyLock::new(|| aes128(BRANCH_KVNO, 0xb1));
/// A key that nobody else has, under the branch's kvno.
pub static STRAY_KEY: LazyLock<BranchKey> = LazyLock::new(|| aes256(BRANCH_KVNO, 0xee));
/// The branch's RC4 key, for signatures. No keytab of a scene has it unless [`Scene::with_rc4`] adds it.
pub static RC4_KEY: LazyLock<MacKey> =
    LazyLock::new(|| MacKey::rc4_hmac(&RC4_OCTETS, KeyUsage::PacSignature));
const RC4_OCTETS: [u8; 16] = [0xb3; 16];
/// The domain's krbtgt keys, as a domain controller has them.
pub static KRBTGT_KEYS: LazyLock<[BranchKey; 2]> =
    LazyLock::new(|| [aes256(KRBTGT_KVNO, 0xd2), aes128(KRBTGT_KVNO, 0xd1)]);

fn aes256(kvno: u32, octet: u8) -> BranchKey {
    BranchKey::new(kvno, &EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[octet; 32]).unwrap())
}

fn aes128(kvno: u32, octet: u8) -> BranchKey {
    BranchKey::new(kvno, &EncryptionKey::from_bytes(EncryptionType::Aes128Sha1, &[octet; 16]).unwrap())
}

/// An entry of a keytab.
#[must_use]
pub fn keytab_entry(realm: &str, name: &[&str], kvno: u32, etype: i32, key: &[u8]) -> Entry {
    Entry {
        realm: realm.into(),
        components: name.iter().map(|component| component.as_bytes().to_vec()).collect(),
        name_type: name_type::PRINCIPAL.unsigned_abs(),
        timestamp: 0,
        kvno,
        etype,
        key: Zeroizing::new(key.to_vec()),
    }
}

/// The defaults of the configuration.
#[must_use]
pub const fn default_rules() -> TicketRules {
    TicketRules {
        max_lifetime: Duration::from_secs(10 * 3600),
        max_renew: Duration::from_secs(7 * 86_400),
        clock_skew: Duration::from_secs(300),
        max_partial_lifetime: None,
        require_body_checksum: true,
        check_addresses: false,
        allowed_kinds: AllowedKinds { computers: false, service_accounts: false, administrator: false },
    }
}

/// The entropy of every exchange: what is drawn does not matter to a decision.
#[must_use]
pub fn entropy() -> Entropy {
    let mut octets = Zeroizing::new([0; Entropy::LEN]);
    for (octet, value) in octets.iter_mut().zip(1..) {
        *octet = value;
    }
    Entropy::from_octets(&octets)
}

/// The SID of a RID in the domain of `domain.ldif`.
#[must_use]
pub fn sid(rid: u32) -> Sid {
    DOMAIN_SID.parse::<Sid>().unwrap().with_rid(rid).unwrap()
}

/// So many seconds after [`NOW`], or before.
#[must_use]
pub fn at(seconds: i64) -> KerberosTime {
    later(KerberosTime::from_unix_seconds(NOW).unwrap(), seconds)
}

/// So many seconds after a time, or before.
#[must_use]
pub fn later(time: KerberosTime, seconds: i64) -> KerberosTime {
    KerberosTime::from_unix_seconds(time.unix_seconds().checked_add(seconds).unwrap()).unwrap()
}

/// kvno of every user's keys.
pub const USER_KVNO: u32 = 3;
/// Users that the keytab of user keys has keys of, one of each type: paula is a Protected User, dora may not be revealed.
const USERS_WITH_KEYS: [&str; 4] = ["alice", "paula", "dora", "nina"];

/// A user's key in the keytab of user keys. Nobody else has it.
#[must_use]
pub fn user_key(user: &str, etype: EncryptionType) -> Vec<u8> {
    let mut key = format!("{}-{user}", etype.as_i32()).into_bytes();
    key.resize(etype.key_len(), b'*');
    key
}

type Change<T> = Box<dyn Fn(&mut T)>;
type ChangeRequest = Box<dyn Fn(&mut Exchange<'_>)>;

/// One exchange with everything it depends on.
pub struct Scene {
    /// The directory.
    pub ldif: String,
    /// The configuration.
    pub rules: TicketRules,
    /// The keys of the domain and its branch.
    pub keytab: Vec<Entry>,
    /// `allow-rc4`
    pub rc4: Rc4,
    /// `sid-history`
    pub sid_history: SidHistory,
    /// What the configuration has to say of the domain's view.
    pub view: ViewRules,
    /// The types of the users' keys that are released; none: the key list is off.
    pub released: Vec<EncryptionType>,
    /// Whether the directory has been read.
    pub directory_read: bool,
    /// The clock.
    pub now: Timestamp,
    /// The sender.
    pub source: IpAddr,
    user: String,
    user_sid: Sid,
    ticket_changes: Vec<Change<PartialTgt<'static>>>,
    request_changes: Vec<ChangeRequest>,
    octet_changes: Vec<Change<Vec<u8>>>,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// A request that is granted.
    #[must_use]
    pub fn new() -> Self {
        let branch = |kvno, etype, key: &[u8]| keytab_entry(REALM, &["krbtgt_AzureAD"], kvno, etype, key);
        let krbtgt = |etype, key: &[u8]| keytab_entry(REALM, &["krbtgt", REALM], KRBTGT_KVNO, etype, key);
        Self {
            ldif: LDIF.to_owned(),
            rules: default_rules(),
            keytab: vec![
                krbtgt(18, &[0xd2; 32]),
                krbtgt(17, &[0xd1; 16]),
                branch(OLD_BRANCH_KVNO, 18, &[0xb4; 32]),
                branch(BRANCH_KVNO, 18, &[0xb5; 32]),
                branch(BRANCH_KVNO, 17, &[0xb1; 16]),
            ],
            rc4: Rc4::Refused,
            sid_history: SidHistory::Omit,
            view: ViewRules::default(),
            released: Vec::new(),
            directory_read: true,
            now: Timestamp { seconds: at(0), microseconds: 123_456 },
            source: Ipv4Addr::new(192, 0, 2, 7).into(),
            user: "alice".to_owned(),
            user_sid: sid(1104),
            ticket_changes: Vec::new(),
            request_changes: Vec::new(),
            octet_changes: Vec::new(),
        }
    }

    /// The same for a daemon on this host, by its clock. No two requests have the same authenticator.
    #[must_use]
    pub fn of_a_daemon() -> Self {
        static SENT: AtomicU32 = AtomicU32::new(0);
        let cusec = SENT.fetch_add(1, Ordering::Relaxed) % 1_000_000;
        let now = Timestamp { seconds: device::now(), microseconds: 0 };
        Self { now, source: Ipv4Addr::LOCALHOST.into(), ..Self::new() }
            .request(move |request| request.cusec = cusec)
    }

    /// So many seconds after the scene's clock, or before.
    #[must_use]
    pub fn at(&self, seconds: i64) -> KerberosTime {
        later(self.now.seconds, seconds)
    }

    /// Another user's ticket, by sAMAccountName and RID.
    #[must_use]
    pub fn user(mut self, name: &str, rid: u32) -> Self {
        (self.user, self.user_sid) = (name.to_owned(), sid(rid));
        self
    }

    /// Something else than the account's name in ticket, PAC and authenticator alike.
    #[must_use]
    pub fn named(self, name: &'static [u8], name_type: i32) -> Self {
        self.ticket(move |ticket| {
            ticket.client.name_type = name_type;
            ticket.client.components = vec![name.to_vec()];
            if let Some(info) = &mut ticket.pac.client_info {
                info.name = String::from_utf8_lossy(name).into_owned();
            }
        })
    }

    /// Sets an attribute of the directory's object whose name begins `CN=rdn,`: one value in place of all.
    ///
    /// # Panics
    /// Where there is no such object.
    #[must_use]
    pub fn set(mut self, rdn: &str, attribute: &str, value: &str) -> Self {
        let start = self.ldif.find(&format!("dn: CN={rdn},")).expect("an object of that name");
        let record = self.ldif.get(start..).unwrap().split("\n\n").next().unwrap().to_owned();
        let mut lines: Vec<&str> =
            record.lines().filter(|line| !line.starts_with(&format!("{attribute}:"))).collect();
        let line = format!("{attribute}: {value}");
        if !value.is_empty() {
            lines.push(&line);
        }
        self.ldif = self.ldif.replacen(&record, &lines.join("\n"), 1);
        self
    }

    /// Changes the configuration.
    #[must_use]
    pub fn rules(mut self, change: impl FnOnce(&mut TicketRules)) -> Self {
        change(&mut self.rules);
        self
    }

    /// Denies these too by the configuration.
    #[must_use]
    pub fn denying(mut self, groups: &[&str]) -> Self {
        self.view.deny_groups.extend(groups.iter().map(|text| text.parse::<DenyGroup>().unwrap()));
        self
    }

    /// Switches `sid-history` on.
    #[must_use]
    pub fn with_sid_history(mut self) -> Self {
        self.sid_history = SidHistory::Include;
        self
    }

    /// Switches `deny-replicators` on.
    #[must_use]
    pub fn denying_replicators(mut self) -> Self {
        self.view.deny_replicators = true;
        self
    }

    /// Gives the daemon the branch's RC4 key too.
    #[must_use]
    pub fn with_rc4(mut self) -> Self {
        self.keytab.push(keytab_entry(REALM, &["krbtgt_AzureAD"], BRANCH_KVNO, 23, &RC4_OCTETS));
        self
    }

    /// Switches `allow-rc4` on.
    #[must_use]
    pub fn allowing_rc4(mut self) -> Self {
        self.rc4 = Rc4::Allowed;
        self
    }

    /// Switches the key list on, for these types.
    #[must_use]
    pub fn releasing(mut self, etypes: &[EncryptionType]) -> Self {
        self.released = etypes.to_vec();
        self
    }

    /// Asks for keys of these types.
    #[must_use]
    pub fn asking_keys(self, etypes: &'static [i32]) -> Self {
        self.request(move |request| request.key_list = Some(etypes.to_vec()))
    }

    /// Changes the partial TGT before it is sealed.
    #[must_use]
    pub fn ticket(mut self, change: impl Fn(&mut PartialTgt<'static>) + 'static) -> Self {
        self.ticket_changes.push(Box::new(change));
        self
    }

    /// Changes the request before it is encoded.
    #[must_use]
    pub fn request(mut self, change: impl Fn(&mut Exchange<'_>) + 'static) -> Self {
        self.request_changes.push(Box::new(change));
        self
    }

    /// Puts the request into an armour (FAST). A subkey that it has already stays, whatever it is.
    #[must_use]
    pub fn armored(self) -> Self {
        self.request(|request| {
            if request.fast.is_none() {
                let subkey = SessionKey::aes256(&[0x5b; 32]);
                // A session key that is none is found out before the armour matters.
                let armor = |key| Fast::new(&subkey, key, [0xc3; 16]);
                request.fast = Some(armor(&request.session_key).or_else(|_| armor(&subkey)).unwrap());
                request.subkey.get_or_insert(subkey);
            }
        })
    }

    /// Changes what is in the armour, and leaves what is outside as it is.
    #[must_use]
    pub fn inside(self, change: impl Fn(&mut Exchange<'_>) + 'static) -> Self {
        self.armored().request(move |request| {
            let outer_body = request.body().unwrap();
            if let Some(fast) = &mut request.fast {
                fast.outer_body.get_or_insert(outer_body);
            }
            change(request);
        })
    }

    /// Changes the body outside of the armour, and leaves what is inside as it is.
    #[must_use]
    pub fn outside(self, change: impl Fn(&mut Exchange<'_>) + 'static) -> Self {
        self.armored().request(move |request| {
            let mut outer = Exchange::new(request.credential, request.ctime, NONCE, request.confounder);
            change(&mut outer);
            if let Some(fast) = &mut request.fast {
                fast.outer_body = Some(outer.body().unwrap());
            }
        })
    }

    /// Changes the armour.
    #[must_use]
    pub fn fast(self, change: impl Fn(&mut Fast) + 'static) -> Self {
        self.armored().request(move |request| request.fast.as_mut().into_iter().for_each(&change))
    }

    /// Changes the encoded request.
    #[must_use]
    pub fn octets(mut self, change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.octet_changes.push(Box::new(change));
        self
    }

    /// The partial TGT as it will be minted.
    #[must_use]
    pub fn partial(&self) -> PartialTgt<'static> {
        let session_key = SessionKey::aes256(&[0x5e; 32]);
        let mut ticket = PartialTgt::new(
            &BRANCH_KEY,
            REALM,
            &self.user,
            self.user_sid,
            self.at(0),
            session_key,
            [0xc1; 16],
        );
        for change in &self.ticket_changes {
            change(&mut ticket);
        }
        ticket
    }

    /// The minted partial TGT.
    #[must_use]
    pub fn credential(&self) -> Credential {
        self.partial().mint().unwrap()
    }

    /// The request that presents it.
    #[must_use]
    pub fn exchange<'c>(&self, credential: &'c Credential) -> Exchange<'c> {
        let mut request = Exchange::new(credential, self.at(0), NONCE, [0xc2; 16]);
        for change in &self.request_changes {
            change(&mut request);
        }
        request
    }

    /// The encoded request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let credential = self.credential();
        let mut octets = self.exchange(&credential).encode().unwrap();
        for change in &self.octet_changes {
            change(&mut octets);
        }
        octets
    }

    /// The keytab's entries, to be written to a file.
    #[must_use]
    pub fn keytab_entries(&self) -> Vec<Entry> {
        self.keytab.iter().map(copied).collect()
    }

    /// The entries of the keytab of user keys, to be written to a file.
    #[must_use]
    pub fn user_keytab_entries(&self) -> Vec<Entry> {
        let entry = |(user, etype): (&str, EncryptionType)| {
            keytab_entry(REALM, &[user], USER_KVNO, etype.as_i32(), &user_key(user, etype))
        };
        let of_user = |user: &'static str| EncryptionType::ALL.map(|etype| entry((user, etype)));
        USERS_WITH_KEYS.into_iter().flat_map(of_user).collect()
    }

    /// The daemon's side.
    #[must_use]
    pub fn served(&self) -> Served {
        Served::new(self)
    }

    /// What comes of the request.
    ///
    /// # Errors
    /// As `kdc::exchange::exchange`.
    pub fn run(&self) -> Result<Issued, Rejected> {
        self.served().exchange(&self.encode())
    }

    /// Why the request is refused.
    ///
    /// # Panics
    /// Where it is granted, or dropped without an answer.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        match self.run() {
            Err(Rejected::NotOurs(refused) | Rejected::Refused(refused)) => refused.why.reason,
            Err(Rejected::Dropped) => panic!("dropped"),
            Ok(_) => panic!("granted"),
        }
    }

    /// The request's answer as client and domain controller see it.
    ///
    /// # Panics
    /// Where it is refused, or the answer does not open.
    #[must_use]
    pub fn full(&self) -> Full {
        let credential = self.credential();
        let request = self.exchange(&credential);
        let issued = self.run().unwrap_or_else(|rejected| panic!("{rejected:?}"));
        let granted = Outcome::read(&issued.reply, &request).unwrap().granted().unwrap();
        let ticket = OpenedTicket::open(&granted.credential.ticket, &*KRBTGT_KEYS).unwrap();
        Full { issued, granted, ticket }
    }
}

/// A full TGT from three sides.
#[derive(Debug)]
pub struct Full {
    /// The daemon's.
    pub issued: Issued,
    /// The client's.
    pub granted: Granted,
    /// A domain controller's.
    pub ticket: OpenedTicket,
}

impl Full {
    /// The full TGT's PAC.
    ///
    /// # Panics
    /// Where it has none.
    #[must_use]
    pub fn pac(&self) -> &OpenedPac {
        self.ticket.pac.as_ref().unwrap()
    }
}

/// The daemon's side of a scene.
pub struct Served {
    domains: Domains,
    directory: Arc<Directory>,
    sid_history: SidHistory,
    /// The first account that was asked for: a loop of exchanges makes it once.
    first: OnceLock<(Sid, Option<Principal>)>,
    now: Timestamp,
    source: IpAddr,
    entropy: Entropy,
}

struct Directory {
    tree: Tree,
    view: Arc<DirectoryView>,
}

impl Directory {
    fn read(ldif: &str, rules: &ViewRules) -> Arc<Self> {
        let tree = Tree::parse(ldif).unwrap();
        let view = Arc::new(tree.view(rules).unwrap());
        Arc::new(Self { tree, view })
    }

    fn account(&self, sid: &Sid, sid_history: SidHistory, now: FileTime) -> Option<Principal> {
        let entry = self.tree.find(sid, now).unwrap().filter(is_account)?;
        Some(Principal::from_entry(&entry, &self.view, sid_history, now).unwrap())
    }
}

impl Served {
    fn new(scene: &Scene) -> Self {
        static UNCHANGED: LazyLock<Arc<Directory>> =
            LazyLock::new(|| Directory::read(LDIF, &ViewRules::default()));
        let directory = if scene.ldif == LDIF && scene.view == ViewRules::default() {
            Arc::clone(&UNCHANGED)
        } else {
            Directory::read(&scene.ldif, &scene.view)
        };
        let realm = directory.view.dns_domain_name.to_uppercase();
        let keytab = Keytab::new(scene.keytab_entries());
        let keys = DomainKeys::from_keytabs(&realm, &[("keytab", keytab)], scene.rc4).unwrap();
        let user_keys = || {
            let keytab = Keytab::new(scene.user_keytab_entries());
            Arc::new(UserKeys::from_keytabs(&realm, [&keytab], &scene.released))
        };
        let domain = Domain {
            user_keys: (!scene.released.is_empty()).then(user_keys),
            realm: realm.into(),
            keys: Arc::new(keys),
            rules: scene.rules.clone(),
            netbios_name: Some(directory.view.netbios_name.as_str().into()),
            directory: scene.directory_read.then(|| Arc::clone(&directory.view)),
        };
        Self {
            domains: Domains::new(vec![Arc::new(domain)]),
            directory,
            sid_history: scene.sid_history,
            first: OnceLock::new(),
            now: scene.now,
            source: scene.source,
            entropy: entropy(),
        }
    }

    /// What a decision may depend on.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { now: self.now, source: self.source, domains: &self.domains }
    }

    /// What comes of these octets.
    ///
    /// # Errors
    /// As `kdc::exchange::exchange`.
    pub fn exchange(&self, octets: &[u8]) -> Result<Issued, Rejected> {
        let another = OnceCell::new();
        let find = |sid: &Sid| {
            let read = || {
                let now = FileTime::from_unix_seconds(self.now.seconds.unix_seconds());
                self.directory.account(sid, self.sid_history, now)
            };
            match self.first.get_or_init(|| (*sid, read())) {
                (first, account) if first == sid => account.as_ref(),
                _ => another.get_or_init(read).as_ref(),
            }
        };
        exchange::exchange(octets, &self.snapshot(), find, &self.entropy)
    }
}

fn copied(entry: &Entry) -> Entry {
    Entry {
        realm: entry.realm.clone(),
        components: entry.components.clone(),
        name_type: entry.name_type,
        timestamp: entry.timestamp,
        kvno: entry.kvno,
        etype: entry.etype,
        key: entry.key.clone(),
    }
}
