//! The TGS-REQ that trades a partial TGT for a full one (RFC 4120 §5.4.1, §7.2; [MS-KILE] 3.2.5.7).
//!
//! [`Exchange::new`] fills every field as the Windows client of `windows-server-2022` does: rsa-md5 checksum, no
//! subkey, seq-number equal to the nonce, branch-aware. A test changes one and calls
//! [`encode`](Exchange::encode).

use std::time::Duration;

use super::fast::{Fast, borrowed};
use super::{Address, Credential, KeyUnusable, Principal, SessionKey};
use crate::krb::crypto::{CONFOUNDER_LEN, CipherKey, KeyUsage};
use crate::krb::der::{Der, SequenceOf};
use crate::krb::messages::{
    ApReq, Authenticator, AuthorizationData, Checksum, EncryptedData, Etypes, HostAddress, HostAddresses,
    KdcReq, KdcReqBody, KerbKeyListReq, KerberosTime, PaDatas, PaPacOptions, RequestType, Ticket, WireInt,
    kdc_options, pa_type, pac_options,
};

pub use super::checksum::BodyChecksum;
pub use super::failure::BuildError;

/// forwardable, renewable, canonicalize, renewable-ok: what Windows asks a TGT with.
pub const KDC_OPTIONS: u32 =
    kdc_options::FORWARDABLE | kdc_options::RENEWABLE | kdc_options::CANONICALIZE | kdc_options::RENEWABLE_OK;

/// What Windows offers: AES, RC4, RC4 for export, and its own -135.
pub const ETYPES: [i32; 5] = [18, 17, 23, 24, -135];

/// How far ahead `till` lies unless changed; a KDC cuts it to what it grants.
pub const TILL: Duration = Duration::from_secs(86_400);

/// Everything in a request for a full TGT.
#[derive(Debug)]
pub struct Exchange<'c> {
    /// The partial TGT.
    pub credential: &'c Credential,
    /// Encrypts the authenticator: the credential's key.
    pub session_key: SessionKey,
    /// AP-REQ options: none.
    pub ap_options: u32,
    /// The authenticator's client with its realm: the credential's.
    pub authenticator_client: Principal,
    /// The authenticator's time.
    pub ctime: KerberosTime,
    /// And its microseconds.
    pub cusec: u32,
    /// The checksum over the body.
    pub checksum: BodyChecksum,
    /// A key for the reply.
    pub subkey: Option<SessionKey>,
    /// The authenticator's sequence number: the nonce.
    pub seq_number: Option<WireInt>,
    /// The encoding of an `AuthorizationData` in the authenticator.
    pub authenticator_data: Option<Vec<u8>>,
    /// Random octets, fresh for each request.
    pub confounder: [u8; CONFOUNDER_LEN],

    /// Bits of [`kdc_options`]: [`KDC_OPTIONS`].
    pub kdc_options: u32,
    /// The body's cname, which only an AS-REQ has.
    pub cname: Option<Principal>,
    /// What is asked for, with the body's realm: `krbtgt/REALM`.
    pub server: Principal,
    /// Whether the body names a server at all.
    pub names_server: bool,
    /// Start of a postdated ticket.
    pub from: Option<KerberosTime>,
    /// Wanted end.
    pub till: KerberosTime,
    /// Wanted end of renewal.
    pub rtime: Option<KerberosTime>,
    /// Repeated in the reply.
    pub nonce: WireInt,
    /// Encryption types, best first: [`ETYPES`].
    pub etypes: Vec<i32>,
    /// Addresses for the ticket: none.
    pub addresses: Vec<Address>,
    /// Encryption type and octets of enc-authorization-data.
    pub enc_authorization_data: Option<(i32, Vec<u8>)>,
    /// Encoded additional tickets.
    pub additional_tickets: Vec<Vec<u8>>,
    /// A body to send in place of the one the checksum covers.
    pub sent_body: Option<Vec<u8>>,

    /// Bits of [`pac_options`] in PA-PAC-OPTIONS: branch-aware.
    pub pac_options: Option<u32>,
    /// Encryption types in KERB-KEY-LIST-REQ.
    pub key_list: Option<Vec<i32>>,
    /// Further padata by type, last.
    pub more_padata: Vec<(i32, Vec<u8>)>,
    /// Whether the request has its PA-TGS-REQ, first.
    pub presents_ticket: bool,

    /// The armour the request is in: none.
    pub fast: Option<Fast>,
}

impl<'c> Exchange<'c> {
    /// The request of a Windows client that holds `credential`, at `now`. `confounder` must be fresh random
    /// octets, `nonce` a fresh random number, below 2^31 for a Heimdal or Samba KDC to read it.
    #[must_use]
    pub fn new(
        credential: &'c Credential,
        now: KerberosTime,
        nonce: u32,
        confounder: [u8; CONFOUNDER_LEN],
    ) -> Self {
        let nonce = WireInt::unsigned(nonce);
        Self {
            credential,
            session_key: SessionKey::of(credential.key.etype, &credential.key.octets),
            ap_options: 0,
            authenticator_client: credential.client.clone(),
            ctime: now,
            cusec: 0,
            checksum: BodyChecksum::RsaMd5,
            subkey: None,
            seq_number: Some(nonce),
            authenticator_data: None,
            confounder,
            kdc_options: KDC_OPTIONS,
            cname: None,
            server: credential.server.clone(),
            names_server: true,
            from: None,
            till: now.saturating_add(TILL),
            rtime: None,
            nonce,
            etypes: ETYPES.to_vec(),
            addresses: Vec::new(),
            enc_authorization_data: None,
            additional_tickets: Vec::new(),
            sent_body: None,
            pac_options: Some(pac_options::BRANCH_AWARE),
            key_list: None,
            more_padata: Vec::new(),
            presents_ticket: true,
            fast: None,
        }
    }

    /// Puts the request into an armour of this subkey and the ticket's session key (RFC 6113 §5.4.1.1).
    /// `confounder` must be fresh random octets.
    ///
    /// # Errors
    /// [`KeyUnusable`] if one of the keys is.
    pub fn arm(&mut self, subkey: SessionKey, confounder: [u8; CONFOUNDER_LEN]) -> Result<(), KeyUnusable> {
        self.fast = Some(Fast::new(&subkey, &self.session_key, confounder)?);
        self.subkey = Some(subkey);
        Ok(())
    }

    /// The encoded TGS-REQ.
    ///
    /// # Errors
    /// [`BuildError`] if the session key cannot be used, or octets given are not what they should be.
    pub fn encode(&self) -> Result<Vec<u8>, BuildError> {
        let body = self.body()?;
        let outer_body = self.fast.as_ref().and_then(|fast| fast.outer_body.as_ref()).unwrap_or(&body);
        // As MIT does, outside too: for a KDC without FAST.
        let wishes = self.wishes();
        let mut padata = Vec::new();
        if self.presents_ticket {
            padata.push((pa_type::TGS_REQ, self.ap_req(outer_body)?));
        }
        if let Some(fast) = &self.fast {
            let ap_req = padata.first().map_or(&[][..], |(_, ap_req)| ap_req);
            let armored = fast.armored(ap_req, &body, fast.padata.as_ref().unwrap_or(&wishes))?;
            padata.push((pa_type::FX_FAST, armored));
        }
        padata.extend(wishes);

        let padata = borrowed(&padata);
        let padata = (!padata.is_empty()).then(|| PaDatas::of(&padata));
        let sent = self.sent_body.as_ref().unwrap_or(outer_body);
        let request = KdcReq::new(RequestType::TgsReq, padata, sent).map_err(BuildError::Body)?;
        Ok(request.to_der())
    }

    /// The padata beside the ticket.
    fn wishes(&self) -> Vec<(i32, Vec<u8>)> {
        let mut padata = Vec::new();
        if let Some(options) = self.pac_options {
            padata.push((pa_type::PAC_OPTIONS, PaPacOptions(options).to_der()));
        }
        if let Some(etypes) = &self.key_list {
            padata.push((pa_type::KERB_KEY_LIST_REQ, KerbKeyListReq::of(etypes).to_der()));
        }
        padata.extend(self.more_padata.iter().cloned());
        padata
    }

    /// The encoded `KDC-REQ-BODY`, which the checksum covers.
    ///
    /// # Errors
    /// [`BuildError::Ticket`] if an additional ticket is not a ticket.
    pub fn body(&self) -> Result<Vec<u8>, BuildError> {
        let addresses: Vec<HostAddress<'_>> = self.addresses.iter().map(Address::to_wire).collect();
        let tickets = self
            .additional_tickets
            .iter()
            .map(|octets| Ticket::parse(octets))
            .collect::<Result<Vec<_>, _>>()
            .map_err(BuildError::Ticket)?;
        let cname = self.cname.as_ref().map(Principal::to_wire);
        let sname = self.server.to_wire();
        Ok(KdcReqBody {
            kdc_options: self.kdc_options,
            cname: cname.as_ref().map(|name| name.as_name()),
            realm: &self.server.realm,
            sname: self.names_server.then(|| sname.as_name()),
            from: self.from,
            till: self.till,
            rtime: self.rtime,
            nonce: self.nonce,
            etypes: Etypes::of(&self.etypes),
            addresses: (!addresses.is_empty()).then(|| HostAddresses::of(&addresses)),
            enc_authorization_data: self
                .enc_authorization_data
                .as_ref()
                .map(|(etype, cipher)| EncryptedData { etype: *etype, kvno: None, cipher }),
            additional_tickets: (!tickets.is_empty()).then(|| SequenceOf::of(&tickets)),
        }
        .to_der())
    }

    fn ap_req(&self, body: &[u8]) -> Result<Vec<u8>, BuildError> {
        let key = self.session_key.encryption_key()?;
        let checksum = self.checksum.of(body, &key, KeyUsage::TgsReqAuthenticatorChecksum);
        let data = self.authenticator_data.as_deref().map(AuthorizationData::parse);
        let authenticator = Authenticator {
            crealm: &self.authenticator_client.realm,
            cname: self.authenticator_client.to_wire().as_name(),
            cksum: checksum.as_ref().map(|(kind, value)| Checksum { kind: *kind, value }),
            cusec: self.cusec,
            ctime: self.ctime,
            subkey: self.subkey.as_ref().map(SessionKey::to_wire),
            seq_number: self.seq_number,
            authorization_data: data.transpose().map_err(BuildError::AuthorizationData)?,
        }
        .to_der();
        let mut cipher = Vec::new();
        CipherKey::new(&key, KeyUsage::TgsReqAuthenticator).seal(
            &self.confounder,
            &authenticator,
            &mut cipher,
        );
        Ok(ApReq {
            ap_options: self.ap_options,
            ticket: Ticket::parse(&self.credential.ticket).map_err(BuildError::Ticket)?,
            authenticator: EncryptedData { etype: key.etype().as_i32(), kvno: None, cipher: &cipher },
        }
        .to_der())
    }
}
