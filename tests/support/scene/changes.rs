//! What can be different in a scene: each method takes it and gives it back with one thing changed.

use kdc::client::SessionKey;
use kdc::client::fast::Fast;
use kdc::client::mint::PartialTgt;
use kdc::client::request::Exchange;
use kdc::directory::{DenyGroup, SidHistory};
use kdc::exchange::TicketRules;
use kdc::krb::crypto::EncryptionType;
use kdc::krb::keys::Rc4;

use super::keys::{BRANCH_KVNO, RC4_OCTETS, keytab_entry};
use super::{NONCE, REALM, Scene, sid};

impl Scene {
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
}
