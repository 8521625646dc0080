//! The Samba lab as `tests/lab/lab start DIR` describes it in `DIR/lab.json`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use kdc::directory::{Entry, ldif};
use serde::Deserialize;

use crate::program;

/// A running lab. `tests/run` starts one and names its folder in `TGTX_LAB`.
#[derive(Debug, Deserialize)]
pub struct Lab {
    /// The folder of the lab: not in the file.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Upper case.
    pub realm: String,
    /// The domain's short name.
    pub netbios_name: String,
    /// Lower case.
    pub dns_domain: String,
    /// DN of the domain head.
    pub base_dn: String,
    /// SID of the domain.
    pub domain_sid: String,
    /// objectGUID of the domain head, in text form.
    pub domain_guid: String,
    /// DNS name of the domain controller; nothing resolves it.
    pub dc: String,
    /// Samba's own KDC, UDP and TCP.
    pub kdc: SocketAddr,
    /// Samba's own discovery, UDP.
    pub cldap: SocketAddr,
    /// URL for plain LDAP, by address.
    pub ldap: String,
    /// URL for LDAPS, by address, which the certificate has.
    pub ldaps: String,
    /// Free for a daemon under test; the certificate has it.
    pub daemon_address: IpAddr,
    /// Free for forwarders that stand in for a second directory server; the certificate has them.
    pub forwarder_addresses: Vec<IpAddr>,
    /// The CA of the LDAPS certificate.
    pub ca: PathBuf,
    /// A CA that signed nothing here.
    pub other_ca: PathBuf,
    /// For MIT's programs, with Samba's own KDC.
    pub krb5_conf: PathBuf,
    /// Who may do everything.
    pub administrator: Administrator,
    /// The account that the daemon reads the directory with.
    pub service_account: ServiceAccount,
    /// Those that a daemon serving the good branch needs.
    pub keytabs: Keytabs,
    /// By the names in `tests/lab/accounts.py`.
    pub branches: BTreeMap<String, Branch>,
    /// By the keys in `tests/lab/accounts.py`.
    pub users: BTreeMap<String, User>,
}

/// The domain's first account, Administrator.
#[derive(Debug, Deserialize)]
pub struct Administrator {
    /// Its password.
    pub password: String,
}

/// The account that the daemon reads the directory with.
#[derive(Debug, Deserialize)]
pub struct ServiceAccount {
    /// For the simple bind.
    pub dn: String,
    /// The password itself.
    pub password: String,
    /// A file of mode 0600 that holds it.
    pub password_file: PathBuf,
}

/// Keytab files of mode 0600.
#[derive(Debug, Deserialize)]
pub struct Keytabs {
    /// krbtgt/LAB.EXAMPLE
    pub krbtgt: PathBuf,
    /// The branch as Entra makes it.
    pub azuread: PathBuf,
    /// Every account of the domain, as `samba-tool domain exportkeytab` writes them.
    pub users: PathBuf,
}

/// An RODC's pair of objects.
#[derive(Debug, Deserialize)]
pub struct Branch {
    /// msDS-SecondaryKrbTgtNumber.
    pub number: u16,
    /// msDS-KeyVersionNumber.
    pub key_version: u32,
    /// Number in the high 16 bits, version in the low ones.
    pub kvno: u32,
    /// One entry, etype 18, of mode 0600.
    pub keytab: PathBuf,
    /// The account whose key the branch's tickets are under.
    pub krbtgt_dn: String,
    /// The computer that has the two policy lists.
    pub computer_dn: String,
    /// What is wrong with the branch, if anything.
    pub fault: Option<String>,
}

/// An account.
#[derive(Debug, Deserialize)]
pub struct User {
    /// sAMAccountName.
    pub name: String,
    /// Its object.
    pub dn: String,
    /// objectSid.
    pub sid: String,
    /// The password, right for disabled and expired ones too.
    pub password: String,
    /// userPrincipalName, where set.
    pub upn: Option<String>,
    /// What the account is there for.
    pub purpose: String,
    /// Groups that the PAC of a TGT names, ascending RID.
    pub tgt_groups: Vec<String>,
}

impl Lab {
    /// The lab that `TGTX_LAB` names.
    ///
    /// # Panics
    /// Without it: a test that needs the lab has nothing to run against.
    pub fn from_environment() -> Self {
        let folder = std::env::var_os("TGTX_LAB").expect("TGTX_LAB names the lab's folder; run tests/run");
        Self::read(Path::new(&folder))
    }

    fn read(folder: &Path) -> Self {
        let mut lab: Self = serde_json::from_slice(&read_file(&folder.join("lab.json"))).expect("lab.json");
        lab.folder = folder.to_owned();
        lab
    }

    /// The account under this key of `tests/lab/accounts.py`.
    ///
    /// # Panics
    /// Where there is none.
    pub fn user(&self, key: &str) -> &User {
        self.users.get(key).expect("an account of the lab")
    }

    /// Every account of the domain, name by SID, as the directory pages them out.
    ///
    /// # Panics
    /// Where they cannot be read.
    pub fn accounts(&self) -> BTreeMap<String, String> {
        let mut search = Command::new("ldapsearch");
        search.env("LDAPTLS_CACERT", &self.ca).args([
            "-LLL",
            "-x",
            "-o",
            "ldif-wrap=no",
            "-E",
            "pr=20/noprompt",
        ]);
        search.args([
            "-H",
            &self.ldaps,
            "-D",
            &self.service_account.dn,
            "-w",
            &self.service_account.password,
        ]);
        search.args(["-b", &self.base_dn, "(objectClass=user)", "sAMAccountName", "objectSid"]);
        let ended = program::end(&mut search);
        assert_eq!(ended.status, Some(0), "{}", ended.errors);
        let entries = ldif::parse(&ended.output).expect("LDIF");
        let text = |entry: &Entry| {
            let sid = entry.sid("objectSid").expect("a SID").to_string();
            (sid, entry.text("sAMAccountName").expect("a name").to_owned())
        };
        entries.iter().filter(|entry| entry.has("objectSid")).map(text).collect()
    }

    /// Makes changes in the directory, given as LDIF change records.
    ///
    /// # Panics
    /// Where they cannot be made.
    pub fn modify(&self, ldif: &str) {
        // The bindings belong to Debian's own Python.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/lab/modify.py")).arg(&self.folder).arg(ldif);
        let ended = program::end(&mut command);
        assert_eq!(ended.status, Some(0), "{}", ended.errors);
    }

    /// The branch of this name of `tests/lab/accounts.py`.
    ///
    /// # Panics
    /// Where there is none.
    pub fn branch(&self, name: &str) -> &Branch {
        self.branches.get(name).expect("a branch of the lab")
    }
}

/// The first AES-256 key of a keytab of the lab. Deliberately not the daemon's reader, so that oracles stay
/// independent of it: the keyblock's etype (18) and length (32) stand out enough.
///
/// # Panics
/// Where the file has no such key.
pub fn aes256_key(keytab: &Path) -> [u8; 32] {
    const KEYBLOCK: [u8; 4] = [0, 18, 0, 32];
    let octets = read_file(keytab);
    let rest = octets.windows(36).find_map(|window| window.strip_prefix(&KEYBLOCK)?.first_chunk::<32>());
    *rest.expect("a keytab with an AES-256 key")
}

fn read_file(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
