//! Entra ID and a device, played by the client half of `kdc`.

use std::path::Path;

use kdc::client::inspect::OpenedTicket;
use kdc::client::mint::PartialTgt;
use kdc::client::reply::Outcome;
use kdc::client::request::Exchange;
use kdc::client::transport::Kdc;
use kdc::client::{BranchKey, Credential, SessionKey, keys};
use kdc::krb::keys::{Key, Lab as LabRole};
use kdc::krb::keytab::Keytab;
use kdc::krb::messages::KerberosTime;
use kdc::shell::clock::Clock;
use kdc::shell::entropy;

use crate::lab::{Lab, User};

/// Issues partial TGTs under the key of one branch.
#[derive(Debug)]
pub struct Entra {
    /// The branch's key.
    pub key: BranchKey,
    /// The domain's realm.
    pub realm: String,
}

impl Entra {
    /// Entra ID as the branch of this name knows it.
    ///
    /// # Panics
    /// Where the branch has no key.
    pub fn of(lab: &Lab, branch: &str) -> Self {
        let keytab = read_keytab(&lab.branch(branch).keytab);
        let key = keys::branch_key(&keytab, &lab.realm, None).expect("a branch key");
        Self { key, realm: lab.realm.clone() }
    }

    /// A partial TGT for this account as Entra would issue it, to be changed.
    ///
    /// # Panics
    /// Where `sid` is none.
    pub fn partial_tgt(&self, name: &str, sid: &str) -> PartialTgt<'_> {
        let sid = sid.parse().expect("a SID");
        let session_key = SessionKey::aes256(&random());
        PartialTgt::new(&self.key, &self.realm, name, sid, now(), session_key, random())
    }

    /// What a device of this user holds.
    ///
    /// # Panics
    /// Never, for a name that fits a PAC.
    pub fn credential(&self, user: &User) -> Credential {
        self.partial_tgt(&user.name, &user.sid).mint().expect("a partial TGT")
    }
}

/// The request of a device that holds this partial TGT.
pub fn exchange(credential: &Credential) -> Exchange<'_> {
    Exchange::new(credential, now(), u32::from_be_bytes(random()) & 0x7fff_ffff, random())
}

/// Sends a request and reads the reply.
///
/// # Panics
/// Where there is no reply, or none to this request.
pub fn ask(kdc: &Kdc, exchange: &Exchange<'_>) -> Outcome {
    let reply = kdc.ask(&exchange.encode().expect("a request")).expect("a reply");
    Outcome::read(&reply, exchange).expect("a reply to this request")
}

/// Opens a full TGT with the key of the lab's domain.
///
/// # Panics
/// Where it is none.
pub fn open(lab: &Lab, tgt: &Credential) -> OpenedTicket {
    OpenedTicket::open(&tgt.ticket, &domain_keys(lab)).expect("a ticket under the domain's key")
}

/// The keys of the lab's own krbtgt.
///
/// # Panics
/// Where there are none.
pub fn domain_keys(lab: &Lab) -> Vec<Key<LabRole>> {
    keys::all_keys(&read_keytab(&lab.keytabs.krbtgt))
}

/// Reads a keytab.
///
/// # Panics
/// Where the file is none.
pub fn read_keytab(path: &Path) -> Keytab {
    Keytab::parse(&std::fs::read(path).expect("a keytab")).expect("a keytab")
}

/// The wall clock.
pub fn now() -> KerberosTime {
    Clock::start().now().seconds
}

/// Random octets.
///
/// # Panics
/// Where the kernel has none.
pub fn random<const N: usize>() -> [u8; N] {
    entropy::octets().expect("random octets")
}
