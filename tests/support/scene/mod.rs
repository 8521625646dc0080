//! One exchange with everything it depends on, so that a test changes one thing and looks at what comes of it.
//!
//! [`Scene::new`] is a good request: alice of `domain.ldif`, AES256, the client as Windows is. Each method takes
//! the scene and gives it back with one thing changed; [`Scene::run`] puts it through `kdc::exchange`.

mod changes;
mod keys;
mod served;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kdc::client::inspect::{OpenedPac, OpenedTicket};
use kdc::client::mint::PartialTgt;
use kdc::client::reply::{Granted, Outcome};
use kdc::client::request::Exchange;
use kdc::client::{Credential, SessionKey};
use kdc::directory::{SidHistory, ViewRules};
use kdc::exchange::{AllowedKinds, Entropy, Issued, Mode, Refusal, Rejected, TicketRules, Timestamp};
use kdc::krb::crypto::EncryptionType;
use kdc::krb::keys::Rc4;
use kdc::krb::keytab::Entry;
use kdc::krb::messages::KerberosTime;
use pac::Sid;

pub use keys::{
    BRANCH_KEY, BRANCH_KEY_128, BRANCH_KVNO, KRBTGT_KEYS, KRBTGT_KVNO, OLD_BRANCH_KEY, OLD_BRANCH_KVNO,
    RC4_KEY, STRAY_KEY, USER_KVNO, keytab_entry, user_key,
};
pub use served::Served;

use crate::device;
use keys::{USERS_WITH_KEYS, copied};

/// The realm of `domain.ldif`.
pub const REALM: &str = "LAB.EXAMPLE";
/// Its branch.
pub const BRANCH: u16 = 30_775;
/// 2027-01-15T08:00:00Z, a Friday: the clock of every scene unless it is set.
pub const NOW: i64 = 1_800_000_000;
/// The nonce of every request unless it is set.
pub const NONCE: u32 = 0x2451_34c8;

const LDIF: &str = include_str!("../domain.ldif");
const DOMAIN_SID: &str = "S-1-5-21-2718281828-3141592653-1618033988";

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
        mode: Mode::Live,
    }
}

/// The entropy of every exchange: what is drawn does not matter to a decision.
#[must_use]
pub fn entropy() -> Entropy<'static> {
    let room = Box::leak(Box::new(Entropy::ROOM));
    let Ok(entropy) = Entropy::drawn(room, |octets| -> Result<(), Infallible> {
        octets.iter_mut().zip(1..).for_each(|(octet, value)| *octet = value);
        Ok(())
    });
    entropy
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
