//! The full TGT and the reply that carries it, written and sealed.

use pac::{FileTime, PacError};

use super::admission::AdmittedClient;
use super::answer_armor::{Armor, Finished};
use super::domain::Timestamp;
use super::entropy::Entropy;
use super::extensions::Extensions;
use super::issue::Terms;
use super::refusal::{Refusal, Refused};
use crate::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, fx_cf2};
use crate::krb::der::Writer;
use crate::krb::keys::{Key, Krbtgt};
use crate::krb::messages::{
    EncKdcRepPart, EncPartTag, EncTicketPart, KdcRepFrame, KerberosString, LastReq, LastReqEntry,
    PrincipalName, ReplyType, Sealing, TransitedEncoding, anonymous, name_type, write_if_relevant_pac,
    write_ticket,
};

/// Octets of a reply beside the PAC, as a rule: with more, room is made once more.
const BESIDE_PAC: usize = 1024;

impl AdmittedClient<'_, '_, '_> {
    /// The TGS-REP with the full TGT in it, in the request's armour if it came in one (RFC 4120 §3.3.3).
    pub(super) fn reply(
        &self,
        terms: &Terms,
        extensions: &Extensions,
        session_etype: EncryptionType,
        now: Timestamp,
        entropy: &Entropy<'_>,
    ) -> Result<Vec<u8>, Refused> {
        let client = &self.0.client;
        let partial = &client.ticket;
        let crealm = &*partial.crealm;
        let component = [KerberosString(client.who.name_octets())];
        let cname = PrincipalName::new(partial.name_type, &component);
        let realm = client.domain.realm.as_bytes();
        let krbtgt = [KerberosString(b"krbtgt"), KerberosString(realm)];
        let sname = PrincipalName::new(name_type::SRV_INST, &krbtgt);
        let session_key = entropy.session_key(session_etype);

        let key = self.0.issuing_key();
        let pac = self.pac(key)?;
        let ticket_part = EncTicketPart {
            flags: terms.flags,
            key: session_key,
            crealm,
            cname,
            // DOMAIN-X500-COMPRESS and nothing, as Windows writes it (`tests/vectors/windows-server-2022`).
            transited: TransitedEncoding { tr_type: 1, contents: &[] },
            authtime: partial.authtime,
            starttime: Some(terms.starttime),
            endtime: terms.endtime,
            renew_till: terms.renew_till,
            caddr: None,
            // The PAC is written into it as it is sealed.
            authorization_data: None,
        };

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
            // The extensions are written into it.
            encrypted_pa_data: None,
        };
        let padata = (!extensions.is_empty()).then_some(|field: &mut Writer| extensions.write(field));
        let (reply_key, armor) = self.reply_key(entropy);
        let seal_reply = Sealing { key: &reply_key, kvno: None, confounder: entropy.reply_confounder() };
        let seal_ticket = key.sealing(entropy.ticket_confounder());

        let frame = match &armor {
            Some((armor, _)) if armor.hides_client => {
                KdcRepFrame { msg_type: ReplyType::TgsRep, crealm: anonymous::REALM, cname: anonymous::NAME }
            }
            _ => KdcRepFrame { msg_type: ReplyType::TgsRep, crealm, cname },
        };
        let mut reply = Writer::with_capacity(pac.len().saturating_add(BESIDE_PAC));
        frame.write(
            &mut reply,
            |enc_part| seal_reply.write(enc_part, |plain| reply_part.write_with(plain, padata)),
            |ticket| {
                write_ticket(ticket, realm, &sname, |enc_part| {
                    seal_ticket.write(enc_part, |plain| {
                        ticket_part
                            .write_with(plain, Some(|data: &mut Writer| write_if_relevant_pac(data, &pac)));
                    });
                });
            },
            |ticket| {
                let (armor, strengthen) = armor.as_ref()?;
                let finished = Finished { crealm, cname, ticket, now };
                Some(armor.padata(&finished, strengthen, entropy.response_confounder()))
            },
        );
        Ok(reply.into_octets())
    }

    /// The PAC of the full TGT, under the domain's krbtgt key ([MS-PAC] 2.8).
    fn pac(&self, key: &Key<Krbtgt>) -> Result<Vec<u8>, Refused> {
        let client = &self.0.client;
        let authtime = FileTime::from_unix_seconds(client.ticket.authtime.unix_seconds());
        let name = client.name().ok_or(Refusal::Internal.because("the name is gone"))?;
        let mut pac = Vec::new();
        self.0
            .account
            .pac
            .compose(
                authtime,
                name.name,
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

    /// What the reply is sealed under: the client's key, and of an armoured reply what is in the armour besides
    /// (RFC 6113 §5.4.3).
    fn reply_key(&self, entropy: &Entropy<'_>) -> (CipherKey, Option<(&Armor, EncryptionKey)>) {
        let client = &self.0.client;
        let (key, usage) = match &client.subkey {
            Some(subkey) => (subkey, KeyUsage::TgsRepSubkey),
            None => (&client.session_key, KeyUsage::TgsRepSessionKey),
        };
        let Some(armor) = client.armor.as_deref() else { return (CipherKey::new(key, usage), None) };
        let strengthen = entropy.strengthen_key(key.etype());
        let strengthened = fx_cf2(&strengthen, key, b"strengthenkey", b"replykey");
        (CipherKey::new(&strengthened, usage), Some((armor, strengthen)))
    }
}
