//! Configurations of the daemon for the lab.

use std::fmt::Write;
use std::path::PathBuf;

use crate::lab::Lab;

/// What a configuration says; every field starts with what serves the lab.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[listen] kerberos`: a free port of the daemon's address.
    pub kerberos: Vec<String>,
    /// `[listen] kpasswd`: none.
    pub kpasswd: Vec<String>,
    /// `[listen] metrics`: a free port.
    pub metrics: String,
    /// `[listen] udp-reply-limit`: the default.
    pub udp_reply_limit: u32,
    /// `realm`.
    pub realm: String,
    /// `keytabs`: the domain's and the good branch's.
    pub keytabs: Vec<PathBuf>,
    /// `require-body-checksum`: the default.
    pub require_body_checksum: bool,
    /// `[domain.ldap] urls`: Samba's LDAPS.
    pub urls: Vec<String>,
    /// `[domain.ldap] bind-dn`.
    pub bind_dn: String,
    /// `[domain.ldap] password-file`.
    pub password_file: PathBuf,
    /// What stands in `[domain.ldap]` in place of these two, for other ways of binding.
    pub bind: Option<String>,
    /// `[domain.ldap] ca-file`.
    pub ca_file: PathBuf,
    /// Lines at the end, for further tables.
    pub more: String,
}

impl Settings {
    /// A daemon that serves the lab's good branch.
    pub fn of(lab: &Lab) -> Self {
        Self {
            kerberos: vec![format!("{}:0", lab.daemon_address)],
            kpasswd: Vec::new(),
            metrics: "127.0.0.1:0".to_owned(),
            udp_reply_limit: 1465,
            realm: lab.realm.clone(),
            keytabs: vec![lab.keytabs.krbtgt.clone(), lab.keytabs.azuread.clone()],
            require_body_checksum: true,
            urls: vec![lab.ldaps.clone()],
            bind_dn: lab.service_account.dn.clone(),
            password_file: lab.service_account.password_file.clone(),
            bind: None,
            ca_file: lab.ca.clone(),
            more: String::new(),
        }
    }

    /// The configuration file.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let simple = || format!("bind-dn = {:?}\npassword-file = {:?}", self.bind_dn, self.password_file);
        let bind = self.bind.clone().unwrap_or_else(simple);
        // Rust's quotes and lists are TOML's for names, addresses and paths; writing to a string does not fail.
        let _ = write!(
            text,
            "[listen]\n\
             kerberos = {:?}\n\
             metrics = {:?}\n\
             udp-reply-limit = {}\n\
             kpasswd = {:?}\n\
             \n\
             [audit]\n\
             sink = \"stderr\"\n\
             \n\
             [control]\n\
             socket = \"\"\n\
             \n\
             [[domain]]\n\
             realm = {:?}\n\
             keytabs = {:?}\n\
             require-body-checksum = {}\n\
             \n\
             [domain.ldap]\n\
             urls = {:?}\n\
             {bind}\n\
             ca-file = {:?}\n\
             {}",
            self.kerberos,
            self.metrics,
            self.udp_reply_limit,
            self.kpasswd,
            self.realm,
            self.keytabs,
            self.require_body_checksum,
            self.urls,
            self.ca_file,
            self.more,
        );
        text
    }
}
