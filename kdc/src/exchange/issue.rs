//! Last stage: what the full TGT will be, within what is asked for, held and allowed.

use std::time::Duration;

use pac::Sid;

use super::admission::AdmittedClient;
use super::domain::Timestamp;
use super::entropy::Entropy;
use super::extensions::Extensions;
use super::key_list::ReleasedKeys;
use super::notes::{Note, Notes};
use super::refusal::{Refusal, Refused};
use super::rejected::RefusedRequest;
use super::who::Who;
use crate::krb::crypto::{EncryptionKey, EncryptionType};
use crate::krb::keys::Slot;
use crate::krb::messages::{KerberosTime, kdc_options, ticket_flags};

/// How long a Protected User's TGT lives, and how long it can be renewed ([MS-KILE] 3.3.5.6).
const PROTECTED_USER_LIFETIME: Duration = Duration::from_secs(4 * 60 * 60);

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
    /// The type of the key that it is sealed under.
    pub ticket_etype: EncryptionType,
    /// Which of the loaded versions of krbtgt's key that is.
    pub slot: Slot,
    /// The type of its session key.
    pub session_etype: EncryptionType,
    /// Keys of the account that the reply holds, if any.
    pub released: Option<ReleasedKeys>,
    /// Remarks for the log.
    pub notes: Notes,
}

/// What the full TGT will be, decided before anything is sealed.
pub(super) struct Terms {
    pub(super) flags: u32,
    pub(super) starttime: KerberosTime,
    pub(super) endtime: KerberosTime,
    pub(super) renew_till: Option<KerberosTime>,
}

impl AdmittedClient<'_, '_, '_> {
    /// Composes the PAC, seals the full TGT under the domain's krbtgt key and the reply under the client's.
    ///
    /// # Errors
    /// [`RefusedRequest`] if no ticket with the client's wishes can be made.
    pub fn seal(self, now: Timestamp, entropy: &Entropy<'_>) -> Result<Issued, RefusedRequest> {
        let extensions = Extensions::of(&self);
        let sealed = self.session_etype().and_then(|session_etype| {
            let terms = self.terms(now.seconds, &extensions)?;
            let reply = self.reply(&terms, &extensions, session_etype, now, entropy)?;
            Ok((terms.endtime, session_etype, reply))
        });
        let released = extensions.released;
        let key = self.0.issuing_key();
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
            ticket_etype: key.etype(),
            slot: client.domain.keys.slot(key),
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
        if self.1.protected && !in_hand.all(EncryptionType::is_aes) {
            return Err(Refusal::ProtectedUserEtype.into());
        }
        common.ok_or(Refusal::NoCommonEtype.into())
    }

    /// Flags and times: what is asked for, within what the partial TGT has, the domain and the account allow
    /// (RFC 4120 §3.3.3, [MS-KILE] 3.3.5.1 and 3.3.5.6).
    fn terms(&self, now: KerberosTime, extensions: &Extensions) -> Result<Terms, Refused> {
        let client = &self.0.client;
        let (wishes, partial, rules) = (&client.wishes, &client.ticket, &client.domain.rules);
        let account = &self.0.account.account;
        let protected = self.1.protected;

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
        if !extensions.is_empty() {
            flags |= ticket_flags::ENC_PA_REP;
        }
        Ok(Terms { flags, starttime: now, endtime, renew_till })
    }
}
