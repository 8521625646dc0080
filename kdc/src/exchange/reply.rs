//! The full TGT and the reply that carries it, written and sealed.

use pac::{FileTime, PacError};

use super::admission::AdmittedClient;
use super::answer_armor::Armor;
use super::domain::Timestamp;
use super::entropy::Entropy;
use super::extensions::Extensions;
use super::issue::Terms;
use super::refusal::{Refusal, Refused};
use crate::krb::crypto::{CipherKey, EncryptionKey, EncryptionType, KeyUsage, fx_cf2};
use crate::krb::der::Der;
use crate::krb::keys::{Key, Krbtgt};
use crate::krb::messages::{
    AuthorizationData, EncKdcRepPart, EncPartTag, EncTicketPart, EncryptedData, EncryptionKeyView, KdcRep,
    KerberosString, LastReq, LastReqEntry, PaDatas, PrincipalName, ReplyType, Ticket, TransitedEncoding,
    WireInt, if_relevant_pac, name_type,
};

impl AdmittedClient<'_, '_, '_> {
    /// The TGS-REP with the full TGT in it, in the request's armour if it came in one (RFC 4120 §3.3.3).
    pub(super) fn reply(
        &self,
        terms: &Terms,
        extensions: &Extensions,
        session_etype: EncryptionType,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, Refused> {
        let client = &self.0.client;
        let partial = &client.ticket;
        let session_key = entropy.session_key(session_etype);
        let realm = client.domain.realm.as_bytes();
        let krbtgt = [KerberosString(b"krbtgt"), KerberosString(realm)];
        let sname = PrincipalName::new(name_type::SRV_INST, &krbtgt);

        let key = client.domain.keys.issuing();
        let ticket_cipher = self.sealed_ticket(terms, session_key, key, entropy)?;
        let enc_part = EncryptedData {
            etype: key.etype().as_i32(),
            kvno: Some(WireInt::unsigned(key.kvno())),
            cipher: &ticket_cipher,
        };
        let ticket = Ticket { realm, sname, enc_part };

        let padata = extensions.padata();
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
            encrypted_pa_data: (!padata.is_empty()).then(|| PaDatas::of(&padata)),
        };
        let (reply_key, armor) = self.reply_key(entropy);
        let mut reply_cipher = Vec::new();
        reply_key.seal(&entropy.0.reply_confounder, &reply_part.to_der(), &mut reply_cipher);

        let reply = KdcRep {
            msg_type: ReplyType::TgsRep,
            padata: None,
            crealm: &partial.crealm,
            cname: partial.cname.as_name(),
            ticket,
            enc_part: EncryptedData { etype: reply_key.etype().as_i32(), kvno: None, cipher: &reply_cipher },
        };
        Ok(match armor {
            None => reply.to_der(),
            Some((armor, strengthen)) => armor.reply(reply, &strengthen, now, &entropy.0.response_confounder),
        })
    }

    /// The ticket's encrypted part, under the domain's krbtgt key.
    fn sealed_ticket(
        &self,
        terms: &Terms,
        session_key: EncryptionKeyView<'_>,
        key: &Key<Krbtgt>,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, Refused> {
        let partial = &self.0.client.ticket;
        let authorization_data = if_relevant_pac(&self.pac(key)?);
        let authorization_data = AuthorizationData::parse(&authorization_data)
            .map_err(|_| Refusal::Internal.because("the authorization data does not decode"))?;
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
            authorization_data: Some(authorization_data),
        };
        let mut cipher = Vec::new();
        key.seal_ticket(&entropy.0.ticket_confounder, &ticket_part.to_der(), &mut cipher);
        Ok(cipher)
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

    /// What the reply is sealed under: the client's key, and of an armoured reply what is in the armour besides
    /// (RFC 6113 §5.4.3).
    fn reply_key(&self, entropy: &Entropy) -> (CipherKey, Option<(&Armor, EncryptionKey)>) {
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
