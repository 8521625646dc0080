//! The daemon's side of a scene: domains and directory as they are once read.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, OnceLock};

use kdc::directory::{DirectoryView, Principal, SidHistory, Tree, ViewRules, is_account};
use kdc::exchange::{self, Domain, Domains, Entropy, Issued, Rejected, Snapshot, Timestamp, UserKeys};
use kdc::krb::keys::DomainKeys;
use kdc::krb::keytab::Keytab;
use pac::{FileTime, Sid};

use super::{LDIF, Scene, entropy};

/// The daemon's side of a scene.
pub struct Served {
    domains: Domains,
    directory: Arc<Directory>,
    sid_history: SidHistory,
    /// The first account that was asked for: a loop of exchanges makes it once.
    first: OnceLock<(Sid, Option<Principal>)>,
    now: Timestamp,
    source: IpAddr,
    entropy: Entropy<'static>,
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
    pub(super) fn new(scene: &Scene) -> Self {
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

    /// The account of a SID, as the directory has it.
    #[must_use]
    pub fn account(&self, sid: &Sid) -> Option<Principal> {
        let now = FileTime::from_unix_seconds(self.now.seconds.unix_seconds());
        self.directory.account(sid, self.sid_history, now)
    }

    /// What comes of these octets.
    ///
    /// # Errors
    /// As `kdc::exchange::exchange`.
    pub fn exchange(&self, octets: &[u8]) -> Result<Issued, Rejected> {
        self.exchange_with(octets, &self.entropy)
    }

    /// The same with other random octets than every scene has.
    ///
    /// # Errors
    /// As `kdc::exchange::exchange`.
    pub fn exchange_with(&self, octets: &[u8], entropy: &Entropy<'_>) -> Result<Issued, Rejected> {
        let another = OnceCell::new();
        let find = |sid: &Sid| match self.first.get_or_init(|| (*sid, self.account(sid))) {
            (first, account) if first == sid => account.as_ref(),
            _ => another.get_or_init(|| self.account(sid)).as_ref(),
        };
        exchange::exchange(octets, &self.snapshot(), find, entropy)
    }
}
