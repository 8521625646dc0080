//! The domain under test, and what its users send.

use kdc::client::mint::PartialTgt;
use kdc::client::reply::{Denied, Granted, Outcome};
use kdc::client::request::Exchange;
use kdc::client::{BranchKey, Credential, Principal, SessionKey};
use kdc::krb::crypto::{EncryptionKey, EncryptionType};
use kdc::krb::keytab::{Entry, Keytab};
use pac::Sid;
pub(crate) use tgtx_tests::device::exchange;
use tgtx_tests::device::{now, random};
use zeroize::Zeroizing;

/// The demonstration's directory.
pub(crate) const LDIF: &str = include_str!("../../kdc/src/cli/demo.ldif");
/// Its realm.
pub(crate) const REALM: &str = "DEMO.EXAMPLE";
/// SIDs of its accounts, without the RID.
pub(crate) const DOMAIN_SID: &str = "S-1-5-21-2718281828-3141592653-1618033988";
/// kvno of its krbtgt.
pub(crate) const KRBTGT_KVNO: u32 = 2;
/// kvno of its branch.
pub(crate) const BRANCH_KVNO: u32 = (30775 << 16) | 1;

/// The demonstration's directory as that of another realm, which is `NAME.EXAMPLE` as its own is.
pub(crate) fn ldif_of(realm: &str) -> String {
    let name = realm.strip_suffix(".EXAMPLE").unwrap();
    LDIF.replace("DEMO", name).replace("demo", &name.to_ascii_lowercase())
}

/// Who is allowed.
pub(crate) const ALICE: User = User { name: "alice", rid: 1104 };
/// Who is on the deny list.
pub(crate) const DORA: User = User { name: "dora", rid: 1106 };

/// An account.
#[derive(Clone, Copy)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) rid: u32,
}

/// An entry of a keytab for the domain's krbtgt.
pub(crate) fn krbtgt_entry(realm: &str, kvno: u32, key: &[u8; 32]) -> Entry {
    entry(realm, &["krbtgt", realm], kvno, key)
}

/// An entry of a keytab for a branch.
pub(crate) fn branch_entry(realm: &str, kvno: u32, key: &[u8; 32]) -> Entry {
    entry(realm, &["krbtgt_AzureAD"], kvno, key)
}

fn entry(realm: &str, components: &[&str], kvno: u32, key: &[u8; 32]) -> Entry {
    Entry {
        realm: realm.into(),
        components: components.iter().map(|component| component.as_bytes().to_vec()).collect(),
        name_type: 1,
        timestamp: 0,
        kvno,
        etype: 18,
        key: Zeroizing::new(key.to_vec()),
    }
}

/// A keytab with these entries.
pub(crate) fn keytab(entries: Vec<Entry>) -> Vec<u8> {
    Keytab::new(entries).to_bytes().unwrap().to_vec()
}

/// Keys of one daemon, or of several.
pub(crate) struct Domain {
    pub(crate) branch: BranchKey,
    krbtgt: [u8; 32],
    branch_octets: [u8; 32],
}

impl Domain {
    pub(crate) fn draw() -> Self {
        Self::of([random(), random()])
    }

    /// The domain of the keys of its krbtgt and its branch.
    pub(crate) fn of([krbtgt, branch_octets]: [[u8; 32]; 2]) -> Self {
        let branch = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &branch_octets).unwrap();
        Self { branch: BranchKey::new(BRANCH_KVNO, &branch), krbtgt, branch_octets }
    }

    pub(crate) fn keys(&self) -> [[u8; 32]; 2] {
        [self.krbtgt, self.branch_octets]
    }

    pub(crate) fn keytab(&self, realm: &str) -> Vec<u8> {
        keytab(self.entries(realm))
    }

    /// What is in it: the domain's key, then the branch's.
    pub(crate) fn entries(&self, realm: &str) -> Vec<Entry> {
        vec![
            krbtgt_entry(realm, KRBTGT_KVNO, &self.krbtgt),
            branch_entry(realm, BRANCH_KVNO, &self.branch_octets),
        ]
    }

    /// What a branch of this domain writes as a partial TGT of another realm.
    pub(crate) fn partial_of_realm(&self, realm: &str, user: User) -> Credential {
        let sid: Sid = format!("{DOMAIN_SID}-{}", user.rid).parse().unwrap();
        let key = SessionKey::aes256(&random());
        PartialTgt::new(&self.branch, realm, user.name, sid, now(), key, random()).mint().unwrap()
    }

    /// A partial TGT before it is sealed.
    pub(crate) fn partial(&self, user: User) -> PartialTgt<'_> {
        self.partial_named(user.name, user.rid)
    }

    /// As above, with any name.
    pub(crate) fn partial_named(&self, name: &str, rid: u32) -> PartialTgt<'_> {
        let sid: Sid = format!("{DOMAIN_SID}-{rid}").parse().unwrap();
        PartialTgt::new(&self.branch, REALM, name, sid, now(), SessionKey::aes256(&random()), random())
    }

    /// What Entra hands to this user's device.
    pub(crate) fn credential(&self, user: User) -> Credential {
        self.partial(user).mint().unwrap()
    }
}

/// The first message of a password sign-in, for `krbtgt/REALM`, with these padata.
pub(crate) fn as_req(padata: &[(i32, &[u8])]) -> Vec<u8> {
    as_req_for(&Principal::krbtgt(REALM), padata)
}

/// A request that is answered with [`echoes`]' server and nothing else.
pub(crate) fn as_req_for(server: &Principal, padata: &[(i32, &[u8])]) -> Vec<u8> {
    tgtx_tests::as_req::as_req(&Principal::user(REALM, "alice"), server, padata)
}

/// The error code of a KRB-ERROR.
pub(crate) fn code(reply: &[u8]) -> i32 {
    Denied::parse(reply).unwrap_or_else(|| panic!("no KRB-ERROR: {reply:02x?}")).code
}

/// The full TGT in a reply.
pub(crate) fn granted(reply: &[u8], exchange: &Exchange<'_>) -> Granted {
    let outcome = Outcome::read(reply, exchange).unwrap();
    match outcome {
        Outcome::Granted(granted) => *granted,
        Outcome::Denied(denied) => panic!("refused: {denied:?}"),
    }
}
