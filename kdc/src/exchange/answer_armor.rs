//! The armour of a request (FAST, RFC 6113 §5.4) as far as its answer needs it: whatever comes of the request, the
//! answer goes into the same armour.

use std::fmt;

use super::domain::Timestamp;
use crate::krb::crypto::{CONFOUNDER_LEN, CipherKey, EncryptionKey, KeyUsage, MacKey};
use crate::krb::der::Der;
use crate::krb::messages::{
    Checksum, EncryptedData, EncryptionKeyView, KrbFastFinished, KrbFastResponse, PaData, PaDatas,
    PaFxFastReply, PrincipalName, PrincipalNameBuf, WireInt, pa_type,
};

/// The armour of a request, for the answer to it.
pub struct Armor {
    pub(super) key: EncryptionKey,
    /// That of the body inside.
    pub(super) realm: Box<[u8]>,
    /// Likewise, if it names a server.
    pub(super) sname: Option<PrincipalNameBuf>,
    /// Likewise.
    pub(super) nonce: WireInt,
    /// hide-client-names: the client's name is told inside only.
    pub(super) hides_client: bool,
    /// The flags of PA-PAC-OPTIONS, of a client that knows branches.
    pub(super) pac_options: Option<u32>,
}

impl Armor {
    /// The encoded PA-FX-FAST-REPLY with this in it (RFC 6113 §5.4.3).
    pub(super) fn seal(&self, response: &KrbFastResponse<'_>, confounder: &[u8; CONFOUNDER_LEN]) -> Vec<u8> {
        let mut cipher = Vec::new();
        CipherKey::new(&self.key, KeyUsage::FastRep).seal(confounder, &response.to_der(), &mut cipher);
        let etype = self.key.etype().as_i32();
        PaFxFastReply { enc_fast_rep: EncryptedData { etype, kvno: None, cipher: &cipher } }.to_der()
    }

    /// The armour's part of a reply, as its encoded padata (RFC 6113 §5.4.3): the key that goes into the reply's key,
    /// and the proof that this KDC issued this ticket to this client.
    pub(super) fn padata(
        &self,
        finished: &Finished<'_>,
        strengthen_key: &EncryptionKey,
        confounder: &[u8; CONFOUNDER_LEN],
    ) -> Vec<u8> {
        let Finished { crealm, cname, ticket, now } = *finished;
        let checksum = MacKey::new(&self.key, KeyUsage::FastFinished);
        let ticket_mac = checksum.mac(ticket);
        let strengthen_key =
            EncryptionKeyView { etype: strengthen_key.etype().as_i32(), value: strengthen_key.as_bytes() };
        let response = KrbFastResponse {
            padata: PaDatas::of(&[]),
            strengthen_key: Some(strengthen_key),
            finished: Some(KrbFastFinished {
                timestamp: now.seconds,
                usec: now.microseconds,
                crealm,
                cname,
                ticket_checksum: Checksum { kind: checksum.checksum_type(), value: ticket_mac.as_bytes() },
            }),
            nonce: self.nonce,
        };
        let sealed = self.seal(&response, confounder);
        PaDatas::of(&[PaData { kind: pa_type::FX_FAST, value: &sealed }]).to_der()
    }
}

/// What the armour of a reply vouches for.
pub(super) struct Finished<'a> {
    pub(super) crealm: &'a [u8],
    pub(super) cname: PrincipalName<'a>,
    /// The encoded ticket.
    pub(super) ticket: &'a [u8],
    pub(super) now: Timestamp,
}

impl fmt::Debug for Armor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Armor({}, redacted)", self.key.etype())
    }
}
