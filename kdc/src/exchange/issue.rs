//! Last stage: the full TGT and the reply that carries it.

use std::time::Duration;

use pac::{FileTime, PacError, Sid};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::admission::AdmittedClient;
use super::domain::Timestamp;
use super::key_list::ReleasedKeys;
use super::notes::{Note, Notes};
use super::refusal::{Refusal, Refused};
use super::rejected::RefusedRequest;
use super::who::Who;
use crate::krb::crypto::{CONFOUNDER_LEN, CipherKey, EncryptionKey, EncryptionType, KeyUsage, fx_cf2};
use crate::krb::der::Der;
use crate::krb::keys::{Key, Krbtgt};
use crate::krb::messages::{
    AuthorizationData, EncKdcRepPart, EncPartTag, EncTicketPart, EncryptedData, EncryptionKeyView, KdcRep,
    KerberosString, KerberosTime, LastReq, LastReqEntry, PaData, PaDatas, PaPacOptions, PaSupportedEnctypes,
    PrincipalName, ReplyType, Ticket, TransitedEncoding, WireInt, if_relevant_pac, kdc_options, name_type,
    pa_type, ticket_flags,
};

/// How long a Protected User's TGT lives, and how long it can be renewed ([MS-KILE] 3.3.5.6).
const PROTECTED_USER_LIFETIME: Duration = Duration::from_secs(4 * 60 * 60);

/// The random octets of one exchange, drawn in one call. They stay where they are until they are wiped.
pub struct Entropy(Box<Drawn>);

#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Drawn {
    session_key: [u8; 32],
    strengthen_key: [u8; 32],
    ticket_confounder: [u8; CONFOUNDER_LEN],
    reply_confounder: [u8; CONFOUNDER_LEN],
    response_confounder: [u8; CONFOUNDER_LEN],
}

impl Entropy {
    /// How many random octets an exchange takes.
    pub const LEN: usize = 2 * 32 + 3 * CONFOUNDER_LEN;

    /// Takes keys and confounders from `octets`.
    #[must_use]
    pub fn from_octets(octets: &Zeroizing<[u8; Self::LEN]>) -> Self {
        let mut drawn = Box::<Drawn>::default();
        let Drawn { session_key, strengthen_key, ticket_confounder, reply_confounder, response_confounder } =
            &mut *drawn;
        let targets = session_key
            .iter_mut()
            .chain(strengthen_key)
            .chain(ticket_confounder)
            .chain(reply_confounder)
            .chain(response_confounder);
        targets.zip(octets.iter()).for_each(|(target, octet)| *target = *octet);
        Self(drawn)
    }

    /// The session key: random octets are a key of any type as they are (RFC 3962 §6, RFC 8009 §5).
    fn session_key(&self, etype: EncryptionType) -> EncryptionKeyView<'_> {
        let value = self.0.session_key.get(..etype.key_len()).unwrap_or(&self.0.session_key);
        EncryptionKeyView { etype: etype.as_i32(), value }
    }

    /// The key that goes into the key of an armoured reply.
    fn strengthen_key(&self, etype: EncryptionType) -> EncryptionKey {
        EncryptionKey::from_random(etype, &self.0.strengthen_key)
    }
}

/// What an exchange has come to.
#[derive(Debug)]
pub struct Issued {
    /// The TGS-REP.
    pub reply: Vec<u8>,
    /// Whom it is for.
    pub who: Who,
    /// The SID on `msDS-RevealOnDemandGroup` that allows it.
    pub allowed_by: Sid,
    /// When the full TGT ends.
    pub endtime: KerberosTime,
    /// The type of its session key.
    pub session_etype: EncryptionType,
    /// Keys of the account that the reply holds, if any.
    pub released: Option<ReleasedKeys>,
    /// Remarks for the log.
    pub notes: Notes,
}

/// What the full TGT will be, decided before anything is sealed.
struct Terms {
    flags: u32,
    starttime: KerberosTime,
    endtime: KerberosTime,
    renew_till: Option<KerberosTime>,
}

impl AdmittedClient<'_, '_, '_> {
    /// Composes the PAC, seals the full TGT under the domain's krbtgt key and the reply under the client's.
    ///
    /// # Errors
    /// [`RefusedRequest`] if no ticket with the client's wishes can be made.
    pub fn seal(self, now: Timestamp, entropy: &Entropy) -> Result<Issued, RefusedRequest> {
        let sealed = self.session_etype().and_then(|session_etype| {
            let terms = self.terms(now.seconds)?;
            let reply = self.reply(&terms, session_etype, now, entropy)?;
            Ok((terms.endtime, session_etype, reply))
        });
        let released = ReleasedKeys::of(self.released_keys());
        let client = self.0.client;
        let (endtime, session_etype, reply) = match sealed {
            Ok(sealed) => sealed,
            Err(refused) => return Err(client.end(refused)),
        };
        let mut notes = client.notes;
        if client.wishes.key_list.is_some() && released.is_none() {
            notes.add(Note::KeyListIgnored);
        }
        if !self.0.account.dropped_sids.is_empty() {
            notes.add(Note::SidHistoryDropped);
        }
        Ok(Issued {
            reply,
            who: client.who,
            allowed_by: self.1.allowed_by,
            endtime,
            session_etype,
            released,
            notes,
        })
    }

    /// The type that the domain prefers of those the client lists, in our order and not in the client's
    /// (CVE-2022-37966). A Protected User has no RC4 key in hand, neither old nor new ([MS-KILE] 3.3.5.6).
    fn session_etype(&self) -> Result<EncryptionType, Refused> {
        let client = &self.0.client;
        let common = client.domain.keys.session_etypes().find(|etype| client.wishes.etypes.contains(*etype));
        let presented = [Some(&client.session_key), client.subkey.as_ref()];
        let mut in_hand = presented.into_iter().flatten().map(EncryptionKey::etype).chain(common);
        if self.is_protected() && !in_hand.all(EncryptionType::is_aes) {
            return Err(Refusal::ProtectedUserEtype.into());
        }
        common.ok_or(Refusal::NoCommonEtype.into())
    }

    fn is_protected(&self) -> bool {
        self.0.account.account.is_protected_user(&self.0.view.domain_sid)
    }

    /// Flags and times: what is asked for, within what the partial TGT has, the domain and the account allow
    /// (RFC 4120 §3.3.3, [MS-KILE] 3.3.5.1 and 3.3.5.6).
    fn terms(&self, now: KerberosTime) -> Result<Terms, Refused> {
        let client = &self.0.client;
        let (wishes, partial, rules) = (&client.wishes, &client.ticket, &client.domain.rules);
        let account = &self.0.account.account;
        let protected = self.is_protected();

        let asked_till = if wishes.till == KerberosTime::EPOCH { KerberosTime::MAX } else { wishes.till };
        if asked_till <= now {
            return Err(Refusal::NeverValid.because("till has passed"));
        }
        let mut endtime = asked_till.min(partial.endtime).min(now.saturating_add(rules.max_lifetime));
        let mut latest_renewal = now.saturating_add(rules.max_renew);
        // An authentication policy's lifetime takes the place of the four hours. Either is for renewal too, as Windows
        // has it.
        if let Some(lifetime) = self.1.tgt_lifetime.or(protected.then_some(PROTECTED_USER_LIFETIME)) {
            endtime = endtime.min(now.saturating_add(lifetime));
            latest_renewal = latest_renewal.min(now.saturating_add(lifetime));
        }
        if endtime <= now {
            return Err(Refusal::NeverValid.into());
        }

        let asked_and_held = |option: u32, flag: u32| {
            if wishes.kdc_options & option != 0 { partial.flags & flag } else { 0 }
        };
        let mut flags = partial.flags & ticket_flags::PRE_AUTHENT;
        if !(protected || account.is_not_delegated()) {
            flags |= asked_and_held(kdc_options::FORWARDABLE, ticket_flags::FORWARDABLE);
            flags |= asked_and_held(kdc_options::PROXIABLE, ticket_flags::PROXIABLE);
        }
        let renew_till = partial
            .renew_till
            .filter(|_| asked_and_held(kdc_options::RENEWABLE, ticket_flags::RENEWABLE) != 0)
            .map(|held| {
                let asked =
                    wishes.rtime.filter(|rtime| *rtime != KerberosTime::EPOCH).unwrap_or(KerberosTime::MAX);
                asked.min(held).min(latest_renewal)
            })
            .filter(|renew_till| *renew_till > endtime);
        if renew_till.is_some() {
            flags |= ticket_flags::RENEWABLE;
        }
        if self.announces_extensions() {
            flags |= ticket_flags::ENC_PA_REP;
        }
        Ok(Terms { flags, starttime: now, endtime, renew_till })
    }
}

impl AdmittedClient<'_, '_, '_> {
    /// Whether the reply carries encrypted-pa-data. A client that asked for nothing that needs it gets none,
    /// nor the flag that announces it ([MS-KILE] 3.3.5.7, RFC 6806 §11).
    fn announces_extensions(&self) -> bool {
        let wishes = &self.0.client.wishes;
        wishes.canonicalizes() || wishes.is_branch_aware() || self.released_keys().next().is_some()
    }

    /// The PAC of the full TGT, under the domain's krbtgt key ([MS-PAC] 2.8).
    fn pac(&self, key: &Key<Krbtgt>) -> Result<Vec<u8>, Refused> {
        let authtime = FileTime::from_unix_seconds(self.0.client.ticket.authtime.unix_seconds());
        let mut pac = Vec::new();
        self.0
            .account
            .pac
            .compose(
                authtime,
                &self.0.name.name,
                key.pac_signature_type(),
                &|octets| key.pac_key().mac(octets),
                &mut pac,
            )
            .map_err(|error| match error {
                PacError::TooLong(_) => Refusal::PacTooLarge.into(),
                _ => Refusal::Internal.because("the PAC cannot be composed"),
            })?;
        Ok(pac)
    }

    /// The TGS-REP with the full TGT in it (RFC 4120 §3.3.3).
    fn reply(
        &self,
        terms: &Terms,
        session_etype: EncryptionType,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, Refused> {
        let client = &self.0.client;
        let partial = &client.ticket;
        let key = client.domain.keys.issuing();
        let session_key = entropy.session_key(session_etype);
        let realm = client.domain.realm.as_bytes();
        let krbtgt = [KerberosString(b"krbtgt"), KerberosString(realm)];
        let sname = PrincipalName::new(name_type::SRV_INST, &krbtgt);

        let authorization_data = if_relevant_pac(&self.pac(key)?);
        let ticket_part = EncTicketPart {
            flags: terms.flags,
            key: session_key,
            crealm: &partial.crealm,
            cname: partial.cname.as_name(),
            // DOMAIN-X500-COMPRESS and nothing, as Windows writes it (`tests/vectors/windows-server-2022`).
            transited: TransitedEncoding { tr_type: 1, contents: &[] },
            authtime: partial.authtime,
            starttime: Some(terms.starttime),
            endtime: terms.endtime,
            renew_till: terms.renew_till,
            caddr: None,
            authorization_data: Some(
                AuthorizationData::parse(&authorization_data)
                    .map_err(|_| Refusal::Internal.because("the authorization data does not decode"))?,
            ),
        };
        let mut ticket_cipher = Vec::new();
        key.seal_ticket(&entropy.0.ticket_confounder, &ticket_part.to_der(), &mut ticket_cipher);

        let supported = client.domain.keys.supported_enctypes() | PaSupportedEnctypes::FAST;
        let supported = PaSupportedEnctypes(supported).to_octets();
        let echoed = PaPacOptions(client.wishes.pac_options).to_der();
        let key_list = self.key_list();
        let mut extensions = Vec::with_capacity(3);
        // First, because tools take the first element for it.
        if let Some(key_list) = &key_list {
            extensions.push(PaData { kind: pa_type::KERB_KEY_LIST_REP, value: key_list });
        }
        if client.wishes.canonicalizes() {
            extensions.push(PaData { kind: pa_type::SUPPORTED_ENCTYPES, value: &supported });
        }
        if client.wishes.is_branch_aware() {
            extensions.push(PaData { kind: pa_type::PAC_OPTIONS, value: &echoed });
        }
        let last_req = [LastReqEntry { lr_type: 0, lr_value: partial.authtime }];
        let reply_part = EncKdcRepPart {
            tag: EncPartTag::EncTgsRepPart,
            key: session_key,
            last_req: LastReq::of(&last_req),
            nonce: client.wishes.nonce,
            key_expiration: None,
            flags: terms.flags,
            authtime: partial.authtime,
            starttime: Some(terms.starttime),
            endtime: terms.endtime,
            renew_till: terms.renew_till,
            srealm: realm,
            sname,
            caddr: None,
            encrypted_pa_data: self.announces_extensions().then_some(PaDatas::of(&extensions)),
        };
        let (reply_key, usage) = match &client.subkey {
            Some(subkey) => (subkey, KeyUsage::TgsRepSubkey),
            None => (&client.session_key, KeyUsage::TgsRepSessionKey),
        };
        // RFC 6113 §5.4.3: what is in the armour of the reply goes into its key.
        let armored = client.armor.as_deref().map(|armor| (armor, entropy.strengthen_key(reply_key.etype())));
        let reply_key = match &armored {
            None => CipherKey::new(reply_key, usage),
            Some((_, strengthen)) => {
                CipherKey::new(&fx_cf2(strengthen, reply_key, b"strengthenkey", b"replykey"), usage)
            }
        };
        let mut reply_cipher = Vec::new();
        reply_key.seal(&entropy.0.reply_confounder, &reply_part.to_der(), &mut reply_cipher);

        let ticket = Ticket {
            realm,
            sname,
            enc_part: EncryptedData {
                etype: key.etype().as_i32(),
                kvno: Some(WireInt::unsigned(key.kvno())),
                cipher: &ticket_cipher,
            },
        };
        let reply = KdcRep {
            msg_type: ReplyType::TgsRep,
            padata: None,
            crealm: &partial.crealm,
            cname: partial.cname.as_name(),
            ticket,
            enc_part: EncryptedData { etype: reply_key.etype().as_i32(), kvno: None, cipher: &reply_cipher },
        };
        Ok(match armored {
            None => reply.to_der(),
            Some((armor, strengthen)) => armor.reply(reply, &strengthen, now, &entropy.0.response_confounder),
        })
    }
}
